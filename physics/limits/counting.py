"""CLs of several counters: sums over all outcomes, averaged over the nuisance parameters.

One counter is closed (`emiss.physics.limits.one_counter`). Averages over nuisance parameters are trapezoidal sums whose step
follows the Poisson peaks (for smooth integrands that vanish at both ends they converge faster than any power of the step:
L. N. Trefethen and J. A. C. Weideman, SIAM Rev. 56 (2014) 385).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.physics.limits.inversion import Cls, invert
from emiss.physics.limits.one_counter import MAX_COUNT, counter, quantile
from emiss.physics.limits.period import SIGMAS, Correlations, NoLimitError
from emiss.physics.limits.statistic import groups, weights
from emiss.physics.quadrature import ConvergenceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.configs.arrays import Floats
    from emiss.physics.limits.period import Period

MAX_OUTCOMES = 300_000
MAX_PRODUCTS = 1e9
MAX_CELLS = 2e7
"""Outcomes, outcomes times nodes, and numbers held at a time; more is left to other methods."""

TAIL = 1e-12
"""Probability of the outcomes that are left out."""

REACH = 7.5
"""Standard deviations of a unit normal to which averages go."""


def limits(
    periods: Sequence[Period], confidence: float, common: Correlations
) -> tuple[float | None, tuple[float, ...]]:
    """Return the observed limit (None without an observation in every period) and the five expected ones, as strengths.

    Raises
    ------
    NoLimitError
        If the outcomes are too many, what was observed is as good as impossible, or several periods have variations.
    """
    rho = 0.0
    if any(period.shifts for period in periods):
        if len(periods) > 1:
            msg = "variations of several periods, which move them by different amounts, have to be drawn, by toys"
            raise NoLimitError(msg)
        one, rho = periods[0].resolved()
        periods, common = (one,), Correlations()
    if len(periods) == 1 and not any(periods[0].unseen) and not rho:
        return _of_one(periods[0], confidence)
    return invert(lambda strength: distribution(periods, strength, common, rho), periods, confidence)


def _of_one(period: Period, confidence: float) -> tuple[float | None, tuple[float, ...]]:
    """Return the same of one counter, where outcomes are ordered by their number alone."""
    from scipy.special import ndtr

    expected = (period.background, period.background_error)

    def limit(n: float) -> float:
        return counter(n, *expected).limit(confidence, period.efficiency_error) / period.signal

    if max(period.background, period.observed or 0.0) > MAX_COUNT:
        msg = f"more than {MAX_COUNT:g} events"
        raise NoLimitError(msg)
    try:
        band = tuple(limit(quantile(float(ndtr(z)), *expected)) for z in SIGMAS)
        return None if period.observed is None else limit(float(period.observed)), band
    except (OverflowError, ConvergenceError) as error:
        raise NoLimitError(str(error)) from error


def distribution(periods: Sequence[Period], strength: float, common: Correlations, rho: float = 0.0) -> Cls:
    """Return CLs of all outcomes at a strength; `rho` is the correlation of the two errors, of one period alone.

    Raises
    ------
    NoLimitError
        If they are too many, or several periods share samples of which nothing is left.
    """
    if len(periods) > 1 and any(any(period.unseen) for period in periods):
        msg = "what samples of which nothing is left may hold is common to the periods: it has to be drawn, by toys"
        raise NoLimitError(msg)
    found = groups(periods)
    lengths = _lengths(periods, strength)
    sizes = [sum(lengths[i] - 1 for i in group) + 1 for group in found]
    grids = [_grid(periods, mu, common, rho) for mu in (strength, 0.0)]
    left, right = (float(np.prod([float(size) for size in part])) for part in _halves(sizes))
    count = max(len(grid[0]) for grid in grids)
    if left * right > MAX_OUTCOMES or left * right * count > MAX_PRODUCTS or max(left, right) * count > MAX_CELLS:
        msg = f"the outcomes of {len(periods)} periods are too many to be enumerated"
        raise NoLimitError(msg)
    worth = weights(periods, strength)
    statistic = np.zeros(1)
    for group, size in zip(found, sizes, strict=True):
        statistic = np.add.outer(statistic, np.arange(size) * worth[group[0]]).ravel()
    probabilities = [
        _joint(periods, found, lengths, mu, common, grid, rho) for mu, grid in zip((strength, 0.0), grids, strict=True)
    ]
    return Cls(statistic, *probabilities)


def _grid(
    periods: Sequence[Period], strength: float, common: Correlations, rho: float
) -> tuple[Floats, Floats, Floats]:
    """Return values of the two shared nuisance parameters and weights, each of shape (K,)."""
    signal = strength * sum(period.signal for period in periods)
    background = sum(period.background for period in periods)
    e, b = _largest(periods, "efficiency_error"), _largest(periods, "background_error")
    if rho:  # the second moves the signal, too
        b = float(np.expm1(np.log1p(b) + abs(rho) * np.log1p(e)))
        signal = background = signal + background
    of_e, w_e = nodes(e if common.efficiency else 0.0, signal)
    of_b, w_b = nodes(b if common.background else 0.0, background)
    return np.repeat(of_e, len(of_b)), np.tile(of_b, len(of_e)), np.multiply.outer(w_e, w_b).ravel()


def nodes(error: float, rate: float) -> tuple[Floats, Floats]:
    """Return nodes and weights of an average over the unit normal parameter of a rate with a log-normal error.

    As a function of it, the probability of n events is a peak of width 1/(w sqrt(rate)), w = ln(1 + error), beneath the
    normal's: steps of 0.8 standard deviations of their product are exact to 1e-9. Few events of a large rate are likeliest
    at low values, at most W(w^2 rate)/w down (see `emiss.physics.limits.one_counter`).
    """
    from scipy.special import lambertw

    width = float(np.log1p(error))
    if width == 0.0 or rate == 0.0:
        return np.zeros(1), np.ones(1)
    step = 0.8 / np.sqrt(1.0 + width**2 * rate)
    low = float(np.real(lambertw(width**2 * rate))) / width + REACH
    theta = step * np.arange(-np.ceil(low / step), np.ceil(REACH / step) + 1.0)
    w = np.exp(-0.5 * theta**2)
    return theta, w / w.sum()


def _joint(
    periods: Sequence[Period],
    together: list[list[int]],
    lengths: list[int],
    strength: float,
    common: Correlations,
    grid: tuple[Floats, Floats, Floats],
    rho: float,
) -> Floats:
    """Return the probabilities of the outcomes, shape (N,), in the order of the statistic."""
    theta_e, theta_b, w = grid
    theta_e = float(np.sqrt(max(1.0 - rho**2, 0.0))) * theta_e + rho * theta_b
    fixed = theta_e if common.efficiency else None, theta_b if common.background else None
    of_groups = []
    for group in together:
        first, *others = (_counts(periods[i], strength, lengths[i], *fixed, len(w)) for i in group)
        for other in others:
            first = _convolved(first, other)
        of_groups.append(first)
    # the outcomes of one half of the groups against those of the other half: the sum over nodes is a product of matrices
    left, right = (_outcomes(part, len(w)) for part in _halves(of_groups))
    joint: Floats = ((left * w[:, None]).T @ right).ravel()
    return joint


def _halves(items: list[Any]) -> tuple[list[Any], list[Any]]:
    half = (len(items) + 1) // 2
    return items[:half], items[half:]


def _outcomes(parts: list[Floats], count: int) -> Floats:
    """Return the probabilities of all outcomes of these groups at each node, shape (K, N)."""
    joint: Floats = np.ones((count, 1))
    for part in parts:
        joint = (joint[:, :, None] * part[:, None, :]).reshape(count, -1)
    return joint


def _convolved(a: Floats, b: Floats) -> Floats:
    """Return the distributions of the sums of two counts, shapes (K, A) and (K, B), row by row."""
    result = np.zeros((len(a), a.shape[1] + b.shape[1] - 1))
    for n in range(b.shape[1]):
        result[:, n : n + a.shape[1]] += a * b[:, [n]]
    return result


def _counts(
    period: Period, strength: float, length: int, theta_e: Floats | None, theta_b: Floats | None, count: int
) -> Floats:
    """Return the probabilities of 0 to length - 1 events at each node, shape (K, length).

    Nuisance parameters of the period's own are averaged over; so is what its empty samples may hold.
    """
    from scipy.special import gammaln, xlogy

    signal = strength * period.signal
    own_e, w_e = nodes(period.efficiency_error, signal) if theta_e is None else (theta_e[:, None], np.ones(1))
    own_b, w_b = (
        nodes(period.background_error, period.background) if theta_b is None else (theta_b[:, None], np.ones(1))
    )
    s = np.broadcast_to(signal * (1.0 + period.efficiency_error) ** own_e, (count, len(w_e)))
    b = np.broadcast_to(period.background * (1.0 + period.background_error) ** own_b, (count, len(w_b)))
    n = np.arange(length)
    result = np.zeros((count, length))
    for i, of_e in enumerate(w_e):
        for j, of_b in enumerate(w_b):
            rate = (s[:, i] + b[:, j])[:, None]
            result += of_e * of_b * np.exp(xlogy(n, rate) - rate - gammaln(n + 1.0))
    for mean in period.unseen:
        result = _with_unseen(result, mean)
    return result


def _with_unseen(counts: Floats, mean: float) -> Floats:
    """Return the distribution with Poisson events added whose mean is exponential: a geometric number (in closed form).

    g(n) = (1 - p) p^n, p = mean/(1 + mean); the convolution is r(n) = (1 - p) c(n) + p r(n - 1).
    """
    from scipy.signal import lfilter

    p = mean / (1.0 + mean)
    return np.asarray(lfilter([1.0 - p], [1.0, -p], counts, axis=1))


def _lengths(periods: Sequence[Period], strength: float) -> list[int]:
    """Return how many counts, from 0 on, hold all but a negligible probability."""
    from scipy.special import pdtrik

    lengths = []
    for period in periods:
        spread_e, spread_b = ((1.0 + e) ** 4.0 for e in (period.efficiency_error, period.background_error))
        rate = strength * period.signal * spread_e + period.background * spread_b
        # sums go from below: of one counter, what is above the highest quantile is not needed
        rate -= float(np.log(1e-9 if len(periods) > 1 else 0.01)) * sum(period.unseen)
        rate = min(rate, 2.0 * MAX_PRODUCTS)  # too many in any case
        far = float(pdtrik(1.0 - TAIL, rate)) if rate > 0 else 0.0
        lengths.append(max(int(np.ceil(far)), period.observed or 0, 1) + 2)
    return lengths


def _largest(periods: Sequence[Period], name: str) -> float:
    return max(float(getattr(period, name)) for period in periods)
