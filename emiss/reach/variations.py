"""Systematic variations of a cutflow in a limit: their factors on signal and background, and what each contributes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from emiss.configs.errors import UserError
from emiss.physics.limits import Shift

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.selection.results.cutflow import Cutflow

Factors = tuple[tuple[str, float, float], ...]
"""Names of variations with the factors up and down."""


def of_sample(cutflow: Cutflow, sample: str, region: str | None) -> Factors:
    """Return the factors of each variation on what is left of a sample, up and down; empty where nothing is left.

    A direction that is not counted, or leaves nothing, is the inverse of the other one.

    Raises
    ------
    UserError
        If neither direction of one leaves anything.
    """
    found = []
    for name, factors in cutflow.nuisances(sample, region).items():
        if factors == (None, None):
            continue
        up, down = (factor if factor is not None and factor > 0.0 else None for factor in factors)
        if up is None and down is None:
            raise UserError(
                f"the variation '{name}' leaves nothing of sample '{sample}'",
                hint="--no-variations leaves all of them out",
            )
        up = 1.0 / (down or 1.0) if up is None else up
        found.append((name, up, 1.0 / up if down is None else down))
    return tuple(found)


def of_sum(parts: Sequence[tuple[float, Factors]]) -> Factors:
    """Return the factors on a sum of rates, each with its own; a variation that one does not have leaves it as it is."""
    total = sum(rate for rate, _ in parts)
    names = dict.fromkeys(name for _, factors in parts for name, _, _ in factors)
    if not total > 0.0:
        return ()
    found = []
    for name in names:
        ends = [next(((up, down) for known, up, down in factors if known == name), (1.0, 1.0)) for _, factors in parts]
        up, down = (sum(rate * one[i] for (rate, _), one in zip(parts, ends, strict=True)) / total for i in (0, 1))
        found.append((name, up, down))
    return tuple(found)


def shifts(signal: Factors, background: Factors) -> tuple[Shift, ...]:
    """Return variations of both, by name."""
    of_signal, of_background = ({name: (up, down) for name, up, down in part} for part in (signal, background))
    names = dict.fromkeys([*of_signal, *of_background])
    nothing = (1.0, 1.0)
    return tuple(Shift(name, of_signal.get(name, nothing), of_background.get(name, nothing)) for name in names)


@dataclass(frozen=True)
class Contribution:
    """What a variation does.

    Attributes
    ----------
    name : str
    signal, background : tuple of two floats
        Relative changes up and down, of the events of all periods.
    limit : float
        Relative change of the median limit on the coupling by it, among all others.
    """

    name: str
    signal: tuple[float, float]
    background: tuple[float, float]
    limit: float

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Contributions:
    """What all variations do at one mass, in GeV."""

    mass: float
    parts: tuple[Contribution, ...]

    def to_json(self) -> dict[str, Any]:
        """Return them as plain data."""
        return {"m_phi": self.mass, "contributions": [one.to_json() for one in self.parts]}


def changes(rates: Sequence[float], factors: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the relative changes of a sum of rates, up and down."""
    total = sum(rates)
    if not total > 0.0:
        return 0.0, 0.0
    up, down = (sum(rate * one[i] for rate, one in zip(rates, factors, strict=True)) / total - 1.0 for i in (0, 1))
    return up, down
