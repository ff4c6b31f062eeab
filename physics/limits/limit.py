"""Upper limits on the strength of a signal from counted events, by CLs; `upper_limit` chooses and names the method.

Several periods of data taking are combined in one likelihood.

CLs = P(q <= q_obs | s + b) / P(q <= q_obs | b) (A. L. Read, J. Phys. G 28 (2002) 2693); the strength at which it falls to
1 - confidence is the limit. Expected limits are those at the quantiles of q under the background alone.
"""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from emiss.physics.limits import asymptotic, counting
from emiss.physics.limits import toys as pseudo
from emiss.physics.limits.period import CONFIDENCE, Correlations, NoLimitError, Period
from emiss.physics.limits.statistic import informative, merged
from emiss.physics.validity import RangeWarning

if TYPE_CHECKING:
    from collections.abc import Sequence

Method = Literal["auto", "exact", "toys", "asymptotic"]
METHODS = ("auto", "exact", "toys", "asymptotic")

MAX_UNSEEN = 100.0
"""Events that samples of which nothing is left may hold on average; with more there is no limit to speak of."""


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
        profiles them. 'auto' takes the first of exact, asymptotic (only where `asymptotic.few` has nothing against it) and
        toys that can give a limit. One period, or several that differ in exposure alone, are always exact.
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
    kept, left_out = informative(periods)
    counters = merged(kept, common)
    against = asymptotic.few(counters)
    automatic: tuple[str, ...] = ("exact", "toys") if against else ("exact", "asymptotic", "toys")
    said = {
        "exact": (),
        "asymptotic": against or ("asymptotic: within 3 % of the exact limit, the band within 8 %",),
        "toys": (f"{toys} toys per hypothesis",),
    }
    failed = []
    for name in automatic if method == "auto" else (method,):
        try:
            observed, expected, error = _by(name, counters, confidence, common, toys, seed)
        except NoLimitError as reason:
            failed.append(f"{name}: {reason}")
            continue
        for note in against if name == "asymptotic" else ():
            warnings.warn(note, RangeWarning, stacklevel=3)
        signal = sum(period.signal for period in periods)
        return Limit(observed, expected, name, confidence, signal, error, (*left_out, *said[name]))
    raise NoLimitError("; ".join(failed))


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
        return *counting.limits(periods, confidence, common), 0.0
    if method == "asymptotic":
        return *asymptotic.limits(periods, confidence, common), 0.0
    return pseudo.limits(periods, confidence, common, toys, seed)
