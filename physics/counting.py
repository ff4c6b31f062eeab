"""Exact CLs of counting experiments: sums over all outcomes, averaged over the nuisance parameters.

The statistic is the likelihood ratio at the nominal rates, q = sum over periods of n ln(1 + mu s/b), which for one period
orders outcomes as n does. Without errors and for one period this is CLs = P(N <= n | s + b)/P(N <= n | b): for n = 0 it is
exp(-s), whatever the background. Averages over nuisance parameters are Gauss-Hermite sums.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from physics.limits import Correlations, Period

Array = np.ndarray[Any, np.dtype[np.float64]]
Hypotheses = Callable[[float], "Cls"]

NODES = 16
"""Of a Gauss-Hermite sum over one nuisance parameter."""

MAX_TERMS = 20_000_000
"""Outcomes times nodes; more is left to toys."""

TAIL = 1e-12
"""Probability of the outcomes that are left out."""

SMALLEST = 1e-12
"""A background counts as at least this share of the signal in the statistic, so that its logarithm exists."""


class Cls:
    """The distribution of the statistic at one strength of the signal, with and without signal.

    Parameters
    ----------
    statistic : array of shape (N,)
        q of the outcomes.
    both, background : arrays of shape (N,)
        Their probability under signal and background, and under background alone.
    """

    def __init__(self, statistic: Array, both: Array, background: Array) -> None:
        order = np.argsort(statistic, kind="stable")
        q = statistic[order]
        # outcomes of equal q are one: only the last of them carries the sums
        last = np.append(np.diff(q) > 1e-9 * np.maximum(np.abs(q[1:]), 1e-300), True)
        self.statistic = q[last]
        self.both = np.cumsum(both[order])[last]
        self.background = np.cumsum(background[order])[last]

    def at(self, q: float) -> tuple[float, float]:
        """Return P(<= q | s + b) and P(<= q | b)."""
        i = max(int(np.searchsorted(self.statistic, q * (1.0 + 1e-9), side="right")) - 1, 0)
        return float(self.both[i]), float(self.background[i])

    def quantile(self, probability: float) -> tuple[float, float]:
        """Return the same of the first outcome that is reached with this probability under the background alone."""
        i = min(int(np.searchsorted(self.background, probability - 1e-12)), len(self.statistic) - 1)
        return float(self.both[i]), float(self.background[i])


def weights(periods: Sequence[Period], strength: float) -> Array:
    """Return ln(1 + mu s/b) of the periods, what one event of each is worth in the statistic."""
    ratio = [period.signal / max(period.background, SMALLEST * period.signal) for period in periods]
    return np.log1p(strength * np.array(ratio))


def enumerable(periods: Sequence[Period], common: Correlations) -> bool:
    """Return whether the outcomes are few enough for the exact sum, also at a strength well above the limit."""
    return _terms(periods, 4.0 * _start(periods), common) <= MAX_TERMS


def merged(periods: Sequence[Period], common: Correlations) -> tuple[Period, ...]:
    """Return the periods with those added up of which only the sum of events matters.

    These have the same s/b and the same errors, which are common or zero: the sum of their counts has a Poisson distribution
    for any value of the nuisance parameters, and their events have the same weight in the statistic.
    """
    found: list[Period] = []
    for group in _groups(periods):
        kept: dict[tuple[float, float], Period] = {}
        for period in (periods[i] for i in group):
            errors = (period.efficiency_error, period.background_error)
            shared = (common.efficiency or errors[0] == 0.0) and (common.background or errors[1] == 0.0)
            if shared and errors in kept:
                kept[errors] = _added(kept[errors], period)
            elif shared:
                kept[errors] = period
            else:
                found.append(period)
        found += kept.values()
    return tuple(found)


def _added(a: Period, b: Period) -> Period:
    seen = None if a.observed is None or b.observed is None else a.observed + b.observed
    name = " + ".join(name for name in (a.name, b.name) if name)
    return replace(a, signal=a.signal + b.signal, background=a.background + b.background, observed=seen, name=name)


def limits(
    periods: Sequence[Period], confidence: float, common: Correlations
) -> tuple[float | None, tuple[float, ...]]:
    """Return the observed limit (None without an observation in every period) and the five expected ones, as strengths.

    Raises
    ------
    ValueError
        If the outcomes are too many.
    """
    return invert(lambda strength: distribution(periods, strength, common), periods, confidence)


def invert(
    hypotheses: Hypotheses, periods: Sequence[Period], confidence: float, *, rtol: float = 1e-7
) -> tuple[float | None, tuple[float, ...]]:
    """Return the strengths at which CLs falls to 1 - confidence, for what was observed and for the expected quantiles."""
    from functools import lru_cache

    from scipy.optimize import brentq
    from scipy.special import ndtr

    from physics.limits import SIGMAS

    known = lru_cache(maxsize=None)(hypotheses)
    start = _start(periods)

    def solve(probabilities: Callable[[float], tuple[float, float]]) -> float:
        def excess(strength: float) -> float:
            both, background = probabilities(strength)
            return both / background - (1.0 - confidence)

        high = start
        while excess(high) > 0.0:
            high *= 2.0
        return float(brentq(excess, 0.0, high, rtol=rtol, xtol=1e-9 * high))

    def expected(probability: float) -> float:
        return solve(lambda strength: known(strength).quantile(probability))

    seen = observed_counts(periods)
    band = tuple(expected(float(ndtr(z))) for z in SIGMAS)
    if seen is None:
        return None, band
    return solve(lambda strength: known(strength).at(float(weights(periods, strength) @ seen))), band


def observed_counts(periods: Sequence[Period]) -> Array | None:
    """Return the observed numbers of events, or None if one is missing."""
    counts = [period.observed for period in periods]
    return None if None in counts else np.array(counts, float)


class TooManyOutcomesError(ValueError):
    """The outcomes cannot be enumerated."""


def distribution(periods: Sequence[Period], strength: float, common: Correlations) -> Cls:
    """Return CLs of all outcomes at a strength.

    Raises
    ------
    TooManyOutcomesError
        If they are too many.
    """
    if _terms(periods, strength, common) > MAX_TERMS:
        msg = f"the outcomes of {len(periods)} periods are too many to be enumerated: use toys"
        raise TooManyOutcomesError(msg)
    worth = weights(periods, strength)
    groups = _groups(periods)
    lengths = _lengths(periods, strength)
    statistic = np.zeros(1)
    for group in groups:
        counts = np.arange(sum(lengths[i] - 1 for i in group) + 1)
        statistic = np.add.outer(statistic, counts * worth[group[0]]).ravel()
    probabilities = [_joint(periods, groups, lengths, mu, common) for mu in (strength, 0.0)]
    return Cls(statistic, *probabilities)


def _joint(
    periods: Sequence[Period], groups: list[list[int]], lengths: list[int], strength: float, common: Correlations
) -> Array:
    """Return the probabilities of the outcomes, shape (N,), in the order of the statistic."""
    if len(periods) == 1:
        return _counts(periods[0], strength, lengths[0], None, None)
    share_e, share_b = _largest(periods, "efficiency_error"), _largest(periods, "background_error")
    outer_e = _normal(share_e if common.efficiency else 0.0)
    outer_b = _normal(share_b if common.background else 0.0)
    total: Array = np.zeros(1)
    for theta_e, w_e in zip(*outer_e, strict=True):
        for theta_b, w_b in zip(*outer_b, strict=True):
            joint: Array = np.ones(1)
            for group in groups:
                of_group: Array = np.ones(1)
                for i in group:
                    fixed = (
                        float(theta_e) if common.efficiency else None,
                        float(theta_b) if common.background else None,
                    )
                    of_group = np.convolve(of_group, _counts(periods[i], strength, lengths[i], *fixed))
                joint = np.multiply.outer(joint, of_group).ravel()
            total = total + w_e * w_b * joint
    return total


def _counts(period: Period, strength: float, length: int, theta_e: float | None, theta_b: float | None) -> Array:
    """Return the probabilities of 0 to length - 1 events, averaged over the nuisance parameters that are not fixed."""
    from scipy.special import gammaln, xlogy

    nodes_e, w_e = _normal(period.efficiency_error) if theta_e is None else (np.array([theta_e]), np.ones(1))
    nodes_b, w_b = _normal(period.background_error) if theta_b is None else (np.array([theta_b]), np.ones(1))
    signal = strength * period.signal * (1.0 + period.efficiency_error) ** nodes_e
    background = period.background * (1.0 + period.background_error) ** nodes_b
    rate = np.add.outer(signal, background).ravel()[:, None]
    n = np.arange(length)
    probability: Array = np.multiply.outer(w_e, w_b).ravel() @ np.exp(xlogy(n, rate) - rate - gammaln(n + 1.0))
    return probability


def _normal(error: float) -> tuple[Array, Array]:
    """Return nodes and weights of an average over a unit normal; one node where there is no error."""
    if error == 0.0:
        return np.zeros(1), np.ones(1)
    nodes, w = np.polynomial.hermite_e.hermegauss(NODES)
    return nodes, w / w.sum()


def _groups(periods: Sequence[Period]) -> list[list[int]]:
    """Return the periods in groups of equal s/b: their events are worth the same, so that only the sum matters."""
    groups: dict[float, list[int]] = {}
    for i, period in enumerate(periods):
        ratio = period.background / period.signal
        near = next((known for known in groups if abs(known - ratio) <= 1e-12 * ratio), ratio)
        groups.setdefault(near, []).append(i)
    return list(groups.values())


def _lengths(periods: Sequence[Period], strength: float) -> list[int]:
    """Return how many counts, from 0 on, hold all but a negligible probability."""
    from scipy.special import pdtrik

    lengths = []
    for period in periods:
        spread_e, spread_b = ((1.0 + e) ** 4.0 for e in (period.efficiency_error, period.background_error))
        rate = strength * period.signal * spread_e + period.background * spread_b
        far = float(pdtrik(1.0 - TAIL, rate)) if rate > 0 else 0.0
        lengths.append(max(int(np.ceil(far)), period.observed or 0, 1) + 2)
    return lengths


def _terms(periods: Sequence[Period], strength: float, common: Correlations) -> float:
    outcomes = 1.0
    lengths = _lengths(periods, strength)
    for group in _groups(periods):
        outcomes *= sum(lengths[i] - 1 for i in group) + 1
    shared = (common.efficiency, "efficiency_error"), (common.background, "background_error")
    return outcomes * float(np.prod([NODES if on and _largest(periods, name) else 1 for on, name in shared]))


def _largest(periods: Sequence[Period], name: str) -> float:
    return max(float(getattr(period, name)) for period in periods)


def _start(periods: Sequence[Period]) -> float:
    """Return a strength around which the limit may be."""
    background = sum(period.background for period in periods)
    seen = sum(period.observed or 0 for period in periods)
    return (5.0 + 3.0 * float(np.sqrt(max(background, seen))) + max(seen - background, 0.0)) / sum(
        period.signal for period in periods
    )
