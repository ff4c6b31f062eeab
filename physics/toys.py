"""CLs by pseudo-experiments: nuisance parameters are drawn, then counts; the statistic is that of `physics.counting`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from physics.counting import Cls, invert, observed_counts, weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from physics.limits import Correlations, Period

Array = np.ndarray[Any, np.dtype[np.float64]]


def limits(
    periods: Sequence[Period], confidence: float, common: Correlations, toys: int, seed: int
) -> tuple[float | None, tuple[float, ...], float]:
    """Return observed limit, expected limits, and the statistical error of the first (or of the median), as strengths.

    Every hypothesis is drawn from the same seed, so that CLs changes little from one strength to the next and the root is
    found. The error is that of CLs, a ratio of two binomial shares, over its slope.
    """

    def hypotheses(strength: float) -> Cls:
        return draw(periods, strength, common, toys, seed)

    observed, expected = invert(hypotheses, periods, confidence, rtol=1e-4)
    at = expected[2] if observed is None else observed
    seen = observed_counts(periods)

    def shares(strength: float) -> tuple[float, float]:
        found = hypotheses(strength)
        return found.quantile(0.5) if seen is None else found.at(float(weights(periods, strength) @ seen))

    both, background = shares(at)
    below, above = (np.divide(*shares(factor * at)) for factor in (0.8, 1.2))
    relative = np.sqrt((1.0 - both) / (both * toys) + (1.0 - background) / (background * toys))
    return observed, expected, float(both / background * relative * 0.4 * at / (below - above))


def draw(periods: Sequence[Period], strength: float, common: Correlations, toys: int, seed: int) -> Cls:
    """Return the distribution of the statistic from so many toys with signal and as many without."""
    rng = np.random.default_rng(seed)
    worth = weights(periods, strength)
    found = []
    for mu in (strength, 0.0):
        shared_e, shared_b = rng.standard_normal((2, toys))
        q = np.zeros(toys)
        for period, weight in zip(periods, worth, strict=True):
            theta_e = shared_e if common.efficiency else rng.standard_normal(toys)
            theta_b = shared_b if common.background else rng.standard_normal(toys)
            signal = mu * period.signal * (1.0 + period.efficiency_error) ** theta_e
            q += weight * rng.poisson(signal + period.background * (1.0 + period.background_error) ** theta_b)
        found.append(q)
    each, none = np.full(toys, 1.0 / toys), np.zeros(toys)
    return Cls(np.concatenate(found), np.concatenate([each, none]), np.concatenate([none, each]))
