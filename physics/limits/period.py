"""A `Period` of data taking: one counter with its uncertainties, and what was observed; what all methods of a limit share.

Uncertainties are nuisance parameters theta of unit normal distribution that multiply a rate by (1 + error)^theta, so that
rates stay positive (the HistFactory's ``normsys``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.configs.arrays import Floats

CONFIDENCE = 0.90
"""Confidence level of NA64's limits."""

SIGMAS = (-2.0, -1.0, 0.0, 1.0, 2.0)
"""Where expected limits are given, in standard deviations; 0 is the median, the others the 68 and the 95 % band."""


class NoLimitError(ValueError):
    """A method has no limit for these numbers."""


@dataclass(frozen=True)
class Shift:
    """A systematic variation: one parameter of unit normal distribution that moves signal and background together.

    What has the same name is one parameter, in all periods.

    Attributes
    ----------
    name : str
    signal, background : tuple of two floats
        Factors on the rates at +1 and at -1, above 0.
    """

    name: str
    signal: tuple[float, float] = (1.0, 1.0)
    background: tuple[float, float] = (1.0, 1.0)

    def __post_init__(self) -> None:
        if not all(0.0 < factor < math.inf for factor in (*self.signal, *self.background)):
            msg = f"factors of a variation must be above 0, and finite: {self}"
            raise ValueError(msg)

    @property
    def widths(self) -> tuple[float, float]:
        """Logarithms of the factors on signal and background per standard deviation, alike up and down."""
        return _width(*self.signal), _width(*self.background)


def _width(up: float, down: float) -> float:
    """Return half the way between two logarithms; the larger of both where they lie on the same side."""
    above, below = math.log(up), math.log(down)
    if above * below <= 0.0:
        return 0.5 * (above - below)
    return above if abs(above) >= abs(below) else -below


@dataclass(frozen=True)
class Period:
    """A period of data taking.

    Attributes
    ----------
    signal : float
        Selected signal events expected at strength 1.
    background : float
        Selected background events expected.
    observed : int or None
        Events selected; None where nobody looked, or for a projection.
    background_error, efficiency_error : float
        Relative uncertainties of background and signal (one standard deviation).
    name : str
    unseen : tuple of float
        More background: events that the simulation of one process leaves room for although none of its events passes. With
        a sample that stands for k times the exposure, their Poisson mean has an exponential distribution of mean 1/k
        (that of a rate of which nothing was seen, all rates alike before; 90 % of it are below ln(10)/k). The same place
        of the tuple is the same process in all periods. The limit is the larger of those with and without it.
    shifts : tuple of Shift
        Variations, besides the two errors.
    """

    signal: float
    background: float
    observed: int | None = None
    background_error: float = 0.0
    efficiency_error: float = 0.0
    name: str = ""
    unseen: tuple[float, ...] = ()
    shifts: tuple[Shift, ...] = ()

    def __post_init__(self) -> None:
        numbers = (self.signal, self.background, self.background_error, self.efficiency_error)
        if not all(math.isfinite(x) and x >= 0.0 for x in numbers):
            msg = f"signal, background and errors must be 0 or more, and finite: {self}"
            raise ValueError(msg)
        if not all(math.isfinite(mean) and mean >= 0.0 for mean in self.unseen):
            msg = f"what is unseen must be 0 or more, and finite: {self}"
            raise ValueError(msg)
        if self.observed is not None and (self.observed < 0 or self.observed != int(self.observed)):
            msg = f"{self.observed} is no number of events"
            raise ValueError(msg)

    @property
    def expected(self) -> float:
        """Background events expected, with what is unseen."""
        return self.background + sum(self.unseen)

    def resolved(self) -> tuple[Period, float]:
        """Return the period with its variations as a part of the two errors, and the correlation of these.

        In one period alone this is the same: sums of normal parameters, each times its width, are two normal ones.
        """
        if not self.shifts:
            return self, 0.0
        signal, background = (np.array(widths) for widths in zip(*(s.widths for s in self.shifts), strict=True))
        e, b = (math.hypot(math.log1p(x), *w) for x, w in (
            (self.efficiency_error, signal), (self.background_error, background)
        ))  # fmt: skip
        together = float(signal @ background) / (e * b) if e and b else 0.0
        return replace(self, efficiency_error=math.expm1(e), background_error=math.expm1(b), shifts=()), together


@dataclass(frozen=True)
class Correlations:
    """Which errors are common to all periods; the others are independent from period to period.

    The `exposure` is a part of the errors of both rates where limits are taken, and one by itself only where a model of the
    periods is handed on.
    """

    background: bool = True
    efficiency: bool = True
    exposure: bool = True


def observed_counts(periods: Sequence[Period]) -> Floats | None:
    """Return the observed numbers of events, or None if one is missing."""
    counts = [period.observed for period in periods]
    return None if None in counts else np.array(counts, float)
