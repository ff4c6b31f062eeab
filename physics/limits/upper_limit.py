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
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from emiss.physics.validity import RangeWarning

if TYPE_CHECKING:
    from collections.abc import Sequence

Method = Literal["auto", "exact", "toys", "asymptotic"]
METHODS = ("auto", "exact", "toys", "asymptotic")

CONFIDENCE = 0.90
"""Confidence level of NA64's limits."""

SIGMAS = (-2.0, -1.0, 0.0, 1.0, 2.0)
"""Where expected limits are given, in standard deviations; 0 is the median, the others the 68 and the 95 % band."""

FEW = 100.0
"""Events, expected or observed: with more, and errors below the next two numbers, the asymptotic limits are within 3 % of the
exact ones and their bands within 8 %. Compared for one period of 10 to 10,000 events; see docs/limits.md."""

LARGE = 0.1
"""Relative error of the efficiency."""

DOMINANT = 1.0
"""Error of the background over its fluctuation."""

UNINFORMATIVE = 0.01
"""Share of the information on the signal that is given up so that outcomes keep their order; see `informative`."""

MAX_UNSEEN = 100.0
"""Events that samples of which nothing is left may hold on average; with more there is no limit to speak of."""


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
    """

    signal: float
    background: float
    observed: int | None = None
    background_error: float = 0.0
    efficiency_error: float = 0.0
    name: str = ""
    unseen: tuple[float, ...] = ()

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
        profiles them. 'auto' takes the first of exact, asymptotic (only where `few` has nothing against it) and toys that
        can give a limit. One period, or several that differ in exposure alone, are always exact.
    confidence : float
    correlations : Correlations, optional
        Default: both kinds of errors are common to all periods.
    toys, seed : int
        Number of pseudo-experiments per hypothesis, and their seed.

    Raises
    ------
    ValueError
        For no period, none with signal, an unknown method, a confidence outside (0, 1), or numbers for which no method, or
        not the one that was asked for, has a limit; the message says why.

    Warns
    -----
    RangeWarning
        For an asymptotic limit with few events or large errors; `Limit.notes` says it, too.
    """
    found = (periods,) if isinstance(periods, Period) else tuple(periods)
    _check(found, method, confidence)
    how = (method, confidence, correlations or Correlations(), toys, seed)
    known = [replace(period, unseen=()) for period in found]
    unseen = sum(sum(period.unseen) for period in found)
    if unseen and method == "asymptotic":
        limit = _limit(known, *how)
        note = f"asymptotic: without the {unseen:.3g} events that samples of which nothing is left leave room for"
        warnings.warn(note, RangeWarning, stacklevel=2)
        return replace(limit, notes=(*limit.notes, note))
    return _larger(_limit(found, *how), _limit(known, *how)) if unseen else _limit(known, *how)


def _limit(
    periods: Sequence[Period], method: Method, confidence: float, common: Correlations, toys: int, seed: int
) -> Limit:
    """Return the limit by the first method that has one."""
    from emiss.physics.limits import counting

    kept, left_out = informative(periods)
    merged = counting.merged(kept, common)
    against = few(merged)
    automatic: tuple[str, ...] = ("exact", "toys") if against else ("exact", "asymptotic", "toys")
    said = {
        "exact": (),
        "asymptotic": against or ("asymptotic: within 3 % of the exact limit, the band within 8 %",),
        "toys": (f"{toys} toys per hypothesis",),
    }
    failed = []
    for name in automatic if method == "auto" else (method,):
        try:
            observed, expected, error = _by(name, merged, confidence, common, toys, seed)
        except counting.NoLimitError as reason:
            failed.append(f"{name}: {reason}")
            continue
        for note in against if name == "asymptotic" else ():
            warnings.warn(note, RangeWarning, stacklevel=3)
        signal = sum(period.signal for period in periods)
        return Limit(observed, expected, name, confidence, signal, error, (*left_out, *said[name]))
    raise counting.NoLimitError("; ".join(failed))


def _larger(a: Limit, b: Limit) -> Limit:
    """Return the larger limits of two; the rest is of the first.

    A background that nobody has seen explains events and so makes the limit on a signal smaller. It may be 0, too.
    """
    observed = None if a.observed is None or b.observed is None else max(a.observed, b.observed)
    expected = tuple(max(pair) for pair in zip(a.expected, b.expected, strict=True))
    note = "background that samples leave room for does not make a limit smaller: the larger one, with it or without"
    return replace(a, observed=observed, expected=expected, error=max(a.error, b.error), notes=(*a.notes, note))


def _check(periods: Sequence[Period], method: str, confidence: float) -> None:
    if not periods:
        msg = "a limit needs at least one period"
        raise ValueError(msg)
    if not any(period.signal for period in periods):
        msg = "a limit needs signal in at least one period"
        raise ValueError(msg)
    if method not in METHODS:
        msg = f"no method '{method}'; there are {', '.join(METHODS)}"
        raise ValueError(msg)
    if not 0.0 < confidence < 1.0:
        msg = f"a confidence of {confidence:g} does not exist: it lies between 0 and 1"
        raise ValueError(msg)
    unseen = sum(sum(period.unseen) for period in periods)
    if unseen > MAX_UNSEEN:
        msg = f"samples of which nothing is left leave room for {unseen:.3g} background events: simulate more of them"
        raise ValueError(msg)


def _by(
    method: str, periods: Sequence[Period], confidence: float, common: Correlations, toys: int, seed: int
) -> tuple[float | None, tuple[float, ...], float]:
    """Return observed and expected limits by one method, and their statistical error."""
    if method == "exact":
        from emiss.physics.limits import counting

        return *counting.limits(periods, confidence, common), 0.0
    if method == "asymptotic":
        from emiss.physics.limits import asymptotic

        return *asymptotic.limits(periods, confidence, common), 0.0
    from emiss.physics.limits import toys as pseudo

    return pseudo.limits(periods, confidence, common, toys, seed)


def informative(periods: Sequence[Period]) -> tuple[tuple[Period, ...], tuple[str, ...]]:
    """Return the periods that tell something of the signal, and a note on those that are left out.

    Outcomes of few events are few, and CLs covers by more than is asked for. Any other count, even one without signal, tells
    outcomes of equal n apart and so takes most of that away: the median limit falls by 7 to 12 % for a background of 1 to 5
    events, for nothing. Periods that hold at most `UNINFORMATIVE` of the information (s^2 over the variance of the count, at
    about the expected limit) are therefore not looked at.
    """
    total = sum(period.signal for period in periods)
    variance = [p.expected + (p.background_error * p.background) ** 2 + sum(x * x for x in p.unseen) for p in periods]
    strength = (2.3 + 1.65 * math.sqrt(sum(variance))) / total
    information = [
        period.signal**2 / (v + strength * period.signal) if period.signal else 0.0
        for period, v in zip(periods, variance, strict=True)
    ]
    given_up, dropped = 0.0, set()
    for i in sorted(range(len(periods)), key=lambda i: information[i]):
        given_up += information[i]
        if given_up > UNINFORMATIVE * sum(information):
            break
        dropped.add(i)
    names = [period.name or str(number) for number, period in enumerate(periods, 1) if number - 1 in dropped]
    kept = tuple(period for i, period in enumerate(periods) if i not in dropped)
    if not names:
        return kept, ()
    return kept, (f"without period {', '.join(names)}, which tells less than {UNINFORMATIVE:.0%} of the signal",)


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
        if period.efficiency_error > LARGE:
            notes.append(
                f"{where}an efficiency error of {period.efficiency_error:.2g} makes the asymptotic band too wide"
            )
        if period.background_error * math.sqrt(period.background) > DOMINANT:
            notes.append(
                f"{where}the background's error is larger than its fluctuation: the asymptotic band is up to 70 % off"
            )
    return tuple(notes)
