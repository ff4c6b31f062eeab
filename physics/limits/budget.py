"""A background budget: rates with the causes of their errors, their sum, and bounds, which are carried apart.

What two entries have in common (the hadrons of the beam, a tagging efficiency) is one cause: its errors add before they are
squared.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from emiss.physics.limits.backgrounds import Quantity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Kind = Literal["simulated", "measured", "extrapolated", "bound"]
KINDS: tuple[Kind, ...] = ("simulated", "measured", "extrapolated", "bound")


@dataclass(frozen=True)
class Entry:
    """One background per particle on target.

    Attributes
    ----------
    name : str
    kind : str
        How the number was found; a ``bound`` says only what it is not above.
    value : float
        Expected, or the bound.
    errors : mapping of cause to float
        One standard deviation by cause, in the unit of the value.
    counted : bool
        Whether it is in the total; a bound is if its budget says so.
    room : float
        Mean of what may still be there of a simulated sample that left nothing: one over the particles that it stands for.
    source : str
    """

    name: str
    kind: Kind
    value: float
    errors: Mapping[str, float] = field(default_factory=dict)
    counted: bool = True
    room: float = 0.0
    source: str = ""

    @property
    def error(self) -> float:
        """All causes together."""
        return math.hypot(*self.errors.values())


def total(entries: Sequence[Entry]) -> Quantity:
    """Return the sum of the entries that are counted; errors of one cause add, those of several in squares."""
    counted = [entry for entry in entries if entry.counted]
    causes: dict[str, float] = {}
    for entry in counted:
        for cause, error in entry.errors.items():
            causes[cause] = causes.get(cause, 0.0) + error
    return Quantity(sum(entry.value for entry in counted), math.hypot(*causes.values()))


def of_factors(factors: Mapping[str, Quantity]) -> tuple[float, dict[str, float]]:
    """Return the product of numbers and what the error of each adds to it."""
    value = math.prod(number.value for number in factors.values())
    return value, {name: value * number.error / number.value for name, number in factors.items() if number.error}
