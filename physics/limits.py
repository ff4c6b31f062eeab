"""Upper limits on the strength of a signal from counted events, by CLs; `upper_limit` chooses and names the method.

A `Period` of data taking is one counter: expected signal and background with their uncertainties, and what was observed.
Several periods are combined in one likelihood. Uncertainties are nuisance parameters theta of unit normal distribution
that multiply a rate by (1 + error)^theta, so that rates stay positive (the HistFactory's ``normsys``).

CLs = P(q <= q_obs | s + b) / P(q <= q_obs | b) (A. L. Read, J. Phys. G 28 (2002) 2693); the strength at which it falls to
1 - confidence is the limit. Expected limits are those at the quantiles of q under the background alone.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from physics.ranges import RangeWarning

if TYPE_CHECKING:
    from collections.abc import Sequence

Method = Literal["auto", "exact", "toys", "asymptotic"]
METHODS = ("auto", "exact", "toys", "asymptotic")

CONFIDENCE = 0.90
"""Confidence level of NA64's limits."""

SIGMAS = (-2.0, -1.0, 0.0, 1.0, 2.0)
"""Where expected limits are given, in standard deviations; 0 is the median, the others the 68 and the 95 % band."""

FEW = 10.0
"""Events, expected or observed: with fewer the asymptotic formulas are not to be used."""


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
    """

    signal: float
    background: float
    observed: int | None = None
    background_error: float = 0.0
    efficiency_error: float = 0.0
    name: str = ""

    def __post_init__(self) -> None:
        numbers = (self.signal, self.background, self.background_error, self.efficiency_error)
        if not all(math.isfinite(x) and x >= 0.0 for x in numbers) or self.signal == 0.0:
            msg = f"signal must be above 0, background and errors 0 or more, all finite: {self}"
            raise ValueError(msg)
        if self.observed is not None and (self.observed < 0 or self.observed != int(self.observed)):
            msg = f"{self.observed} is no number of events"
            raise ValueError(msg)


@dataclass(frozen=True)
class Correlations:
    """Which errors are common to all periods; the others are independent from period to period."""

    background: bool = True
    efficiency: bool = True


@dataclass(frozen=True)
class Limit:
    """An upper limit on the strength of the signal.

    Attributes
    ----------
    observed : float or None
        None if a period has no observation.
    expected : tuple of five floats
        At -2, -1, 0, 1 and 2 standard deviations of the background's fluctuations.
    method : str
        ``exact``, ``toys`` or ``asymptotic``.
    confidence : float
    signal : float
        Signal events of all periods at strength 1; times a strength it is a number of events.
    error : float
        Statistical error of the toys on the limit (the observed one, or else the median); 0 for the other methods.
    notes : tuple of str
        What the user has to know of the method's validity.
    """

    observed: float | None
    expected: tuple[float, ...]
    method: str
    confidence: float
    signal: float
    error: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def median(self) -> float:
        """The median expected limit."""
        return self.expected[2]

    @property
    def band68(self) -> tuple[float, float]:
        """Where 68 % of the limits are expected."""
        return self.expected[1], self.expected[3]

    @property
    def band95(self) -> tuple[float, float]:
        """Where 95 % of the limits are expected."""
        return self.expected[0], self.expected[4]

    def to_json(self) -> dict[str, Any]:
        """Return the limit as plain data."""
        return asdict(self)


def upper_limit(
    periods: Period | Sequence[Period],
    *,
    method: Method = "auto",
    confidence: float = CONFIDENCE,
    correlations: Correlations | None = None,
    toys: int = 50_000,
    seed: int = 1,
) -> Limit:
    """Return the CLs upper limit on the strength of the signal.

    Parameters
    ----------
    periods : Period or sequence of Period
    method : 'auto', 'exact', 'toys' or 'asymptotic'
        Exact sums over the outcomes, pseudo-experiments, or the asymptotic profile likelihood (pyhf). The first two average
        over the nuisance parameters (R. D. Cousins and V. L. Highland, Nucl. Instrum. Meth. A 320 (1992) 331), the third
        profiles them. 'auto' takes the exact one where the outcomes can be enumerated, else the asymptotic one where ten
        events or more are expected and seen in every period, else toys.
    confidence : float
    correlations : Correlations, optional
        Default: both kinds of errors are common to all periods.
    toys, seed : int
        Number of pseudo-experiments per hypothesis, and their seed.

    Raises
    ------
    ValueError
        For no period, an unknown method, a confidence outside (0, 1), outcomes that are too many to enumerate, or an
        asymptotic limit without background.

    Warns
    -----
    RangeWarning
        For an asymptotic limit with few events; `Limit.notes` says it, too.
    """
    from physics import asymptotic, counting
    from physics import toys as pseudo

    found = (periods,) if isinstance(periods, Period) else tuple(periods)
    if not found:
        msg = "a limit needs at least one period"
        raise ValueError(msg)
    if method not in METHODS:
        msg = f"no method '{method}'; there are {', '.join(METHODS)}"
        raise ValueError(msg)
    if not 0.0 < confidence < 1.0:
        msg = f"a confidence of {confidence:g} does not exist: it lies between 0 and 1"
        raise ValueError(msg)
    common = correlations or Correlations()
    signal = sum(period.signal for period in found)
    found = counting.merged(found, common)
    automatic = method == "auto"
    otherwise: Method = "toys" if few(found) else "asymptotic"
    if automatic:
        method = "exact" if counting.enumerable(found, common) else otherwise
    if method == "exact":
        try:
            observed, expected = counting.limits(found, confidence, common)
        except counting.TooManyOutcomesError:  # of strengths on the way to the limit, with large errors
            if not automatic:
                raise
            method = otherwise
        else:
            return Limit(observed, expected, method, confidence, signal)
    if method == "toys":
        observed, expected, error = pseudo.limits(found, confidence, common, toys, seed)
        return Limit(observed, expected, method, confidence, signal, error, (f"{toys} toys per hypothesis",))
    notes = few(found)
    for note in notes:
        warnings.warn(note, RangeWarning, stacklevel=2)
    observed, expected = asymptotic.limits(found, confidence, common)
    return Limit(observed, expected, method, confidence, signal, 0.0, notes)


def few(periods: Sequence[Period]) -> tuple[str, ...]:
    """Return why the asymptotic formulas do not hold; nothing where they do."""
    notes = []
    for number, period in enumerate(periods):
        where = f"period {period.name or number + 1}: " if len(periods) > 1 else ""
        if period.observed == 0:
            notes.append(
                f"{where}no event observed: the asymptotic limit is too low, by 15 to 40 % for a background below 3"
            )
        elif period.observed is not None and period.observed < FEW:
            notes.append(f"{where}{period.observed} events observed are too few for the asymptotic limit")
        if period.background < FEW:
            notes.append(f"{where}{period.background:.3g} background events are too few for the asymptotic limit")
    return tuple(notes)
