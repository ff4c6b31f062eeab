"""CLs by pseudo-experiments: nuisance parameters are drawn, then counts; the statistic is that of `limits.statistic`.

Half of the toys are drawn with signal and half without, and every toy counts for both hypotheses, with the weights
2 p(n | s + b)/(p(n | s + b) + p(n | b)) and the same with p(n | b) above (E. Veach and L. J. Guibas, SIGGRAPH 95 (1995) 419:
the balance heuristic). Their ratio rises with q, and so do the sums, which makes CLs rise with what is observed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.limits.inversion import Cls, invert
from emiss.physics.limits.period import NoLimitError, observed_counts
from emiss.physics.limits.statistic import weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.physics.limits.period import Correlations, Period

FEWEST = 25
"""Toys as low as what was observed, in the mean of both hypotheses; with fewer a limit is not worth its name."""


def limits(
    periods: Sequence[Period], confidence: float, common: Correlations, toys: int, seed: int
) -> tuple[float | None, tuple[float, ...], float]:
    """Return observed limit, expected limits, and the statistical error of the first (or of the median), as strengths.

    Every hypothesis is drawn from the same seed, so that CLs changes little from one strength to the next and the root is
    found. The error is the spread of the limit's CLs over tenths of the toys, over its slope.

    Raises
    ------
    NoLimitError
        If hardly any toy is as low as what was observed.
    """

    def hypotheses(strength: float) -> Cls:
        return draw(periods, strength, common, toys, seed)

    observed, expected = invert(hypotheses, periods, confidence, rtol=1e-4)
    at = expected[2] if observed is None else observed
    seen = observed_counts(periods)

    def cls(strength: float, number: int, part_seed: int) -> float:
        found = draw(periods, strength, common, number, part_seed, fewest=1)
        both, background = found.quantile(0.5) if seen is None else found.at(float(weights(periods, strength) @ seen))
        return both / background

    tenths = [cls(at, max(toys // 10, 1), seed + 1 + part) for part in range(10)]
    below, above = (cls(factor * at, toys, seed) for factor in (0.8, 1.2))
    spread = float(np.std(tenths, ddof=1)) / np.sqrt(10.0)
    return observed, expected, float(spread * 0.4 * at / (below - above))


def draw(
    periods: Sequence[Period], strength: float, common: Correlations, toys: int, seed: int, *, fewest: float = FEWEST
) -> Cls:
    """Return the distribution of the statistic from so many toys with signal and as many without.

    Raises
    ------
    NoLimitError
        If hardly any toy is as low as what was observed.
    """
    from scipy.special import expit

    rng = np.random.default_rng(seed)
    worth = weights(periods, strength)
    with_signal = np.arange(2 * toys) < toys
    shared_e, shared_b = rng.standard_normal((2, 2 * toys))
    names = max(len(period.unseen) for period in periods)
    held = rng.standard_exponential((names, 2 * toys))
    named = dict.fromkeys(shift.name for period in periods for shift in period.shifts)
    drawn = dict(zip(named, rng.standard_normal((len(named), 2 * toys)), strict=True))
    q, log_ratio = np.zeros((2, 2 * toys))
    for period, weight in zip(periods, worth, strict=True):
        theta_e = shared_e if common.efficiency else rng.standard_normal(2 * toys)
        theta_b = shared_b if common.background else rng.standard_normal(2 * toys)
        signal = strength * period.signal * (1.0 + period.efficiency_error) ** theta_e
        background = period.background * (1.0 + period.background_error) ** theta_b
        for shift in period.shifts:
            of_signal, of_background = shift.widths
            signal = signal * np.exp(of_signal * drawn[shift.name])
            background = background * np.exp(of_background * drawn[shift.name])
        for mean, share in zip(period.unseen, held, strict=False):
            background = background + mean * share
        try:
            n = rng.poisson(np.where(with_signal, signal + background, background))
        except ValueError as error:
            msg = f"counts cannot be drawn: {error}"
            raise NoLimitError(msg) from error
        q += weight * n
        with np.errstate(divide="ignore"):  # without background one event is worth everything
            log_ratio += np.where(n > 0, n * np.log1p(signal / background), 0.0) - signal
    seen = observed_counts(periods)
    if seen is not None and (q <= float(worth @ seen) * (1.0 + 1e-9)).sum() < fewest:
        msg = f"of {2 * toys} toys fewer than {fewest:g} are as low as what was observed: it is too few for the background"
        raise NoLimitError(msg)
    return Cls(q, expit(log_ratio) / toys, expit(-log_ratio) / toys)
