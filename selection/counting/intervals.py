"""Intervals of efficiencies: one function per formula, each under its name, and the choice between them.

Every function gives the ends ``(low, high)`` of a central interval inside 0..1, or ``None`` where nothing was tried; none
of them has a width of zero at 0 or 1. `level` is the probability content; 0.683 is one standard deviation.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats

LEVEL = 0.683
"""Content of the intervals that the reports print."""

ROUNDING = 1e-9
"""Relative difference of two sums of the same weights that is that of their order."""

CLOPPER_PEARSON = "clopper-pearson"
WILSON_EFFECTIVE = "wilson effective-n"


def clopper_pearson(k: int, n: int, level: float = LEVEL) -> tuple[float, float] | None:
    """Return the Clopper-Pearson interval of `k` out of `n`: it covers at least `level` for any true value.

    The ends are quantiles of beta distributions, at ``(1 - level) / 2`` on either side.

    Parameters
    ----------
    k, n : int
        Number passed and number tried.
    level : float
        Probability content, between 0 and 1.

    Raises
    ------
    ValueError
        If not ``0 <= k <= n`` or `level` is outside (0, 1).

    References
    ----------
    C. J. Clopper and E. S. Pearson, Biometrika 26 (1934) 404.
    """
    _check_level(level)
    if not 0 <= k <= n:
        msg = f"{k} out of {n} is no efficiency"
        raise ValueError(msg)
    if n == 0:
        return None
    from scipy.special import betaincinv

    tail = (1.0 - level) / 2.0
    low = 0.0 if k == 0 else float(betaincinv(k, n - k + 1, tail))
    high = 1.0 if k == n else float(betaincinv(k + 1, n - k, 1.0 - tail))
    return low, high


def garwood(counts: Floats, level: float = LEVEL) -> tuple[Floats, Floats]:
    """Return the ends of the central interval of the mean of a Poisson distribution, for each number that was counted.

    The ends are quantiles of gamma distributions, at ``(1 - level) / 2`` on either side; the lower one of nothing is 0. These
    ends are means, at or above 0, and no efficiencies.

    References
    ----------
    F. Garwood, Biometrika 28 (1936) 437.
    """
    _check_level(level)
    import numpy as np
    from scipy.special import gammaincinv

    tail = (1.0 - level) / 2.0
    seen = np.asarray(counts, float)
    low = np.where(seen > 0.0, gammaincinv(np.maximum(seen, 1.0), tail), 0.0)
    return low, np.asarray(gammaincinv(seen + 1.0, 1.0 - tail))


def wilson(p: float, n: float, level: float = LEVEL) -> tuple[float, float]:
    """Return the Wilson score interval of the efficiency `p` seen in `n` > 0 trials (not necessarily a whole number).

    References
    ----------
    E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209; L. D. Brown, T. T. Cai and A. DasGupta, Stat. Sci. 16 (2001) 101.
    """
    _check_level(level)
    z = NormalDist().inv_cdf(0.5 * (1.0 + level))  # scipy has it too, and takes as long to import as the cuts to count
    centre = (n * p + z * z / 2.0) / (n + z * z)
    half = z * math.sqrt(n * p * (1.0 - p) + z * z / 4.0) / (n + z * z)
    # at the ends the formula gives 0 and 1 but for rounding
    low = 0.0 if p == 0.0 else max(0.0, centre - half)
    high = 1.0 if p == 1.0 else min(1.0, centre + half)
    return low, high


def effective_trials(sum_w_pass: float, sum_w2_pass: float, sum_w: float, sum_w2: float) -> float:
    """Return how many unweighted trials would give the weighted efficiency its variance.

    The variance of ``p = sum_w_pass / sum_w`` to first order in the weights of passed and failed events is
    ``((1 - p)^2 sum_w2_pass + p^2 sum_w2_fail) / sum_w^2``; equated with ``p (1 - p) / n``. At p = 0 and 1, where one of
    the two kinds has not been seen, it is Kish's ``sum_w^2 / sum_w2``.

    References
    ----------
    First-order error propagation; L. Kish, Survey Sampling (Wiley, 1965), section 11.2.
    """
    p = sum_w_pass / sum_w
    scatter = (1.0 - p) ** 2 * sum_w2_pass + p * p * max(sum_w2 - sum_w2_pass, 0.0)
    if 0.0 < p < 1.0 and scatter > 0.0:
        return p * (1.0 - p) * sum_w * sum_w / scatter
    return sum_w * sum_w / sum_w2


def wilson_effective(
    sum_w_pass: float, sum_w2_pass: float, sum_w: float, sum_w2: float, level: float = LEVEL
) -> tuple[float, float] | None:
    """Return the Wilson interval of a weighted efficiency, with the number of trials from `effective_trials`.

    An approximation: coverage is close to `level` where the effective number is above ten or so and weights are positive.

    Parameters
    ----------
    sum_w_pass, sum_w2_pass : float
        Sums of weights and of their squares over what passed.
    sum_w, sum_w2 : float
        The same over what was tried.
    level : float
        Probability content, between 0 and 1.

    Returns
    -------
    tuple of float or None
        None where nothing was tried, or where weights of both signs put the efficiency outside 0..1.
    """
    _check_level(level)
    if sum_w <= 0.0 or sum_w2 <= 0.0:
        return None
    p = sum_w_pass / sum_w
    if p != 1.0 and abs(p - 1.0) < ROUNDING and abs(sum_w2_pass - sum_w2) < ROUNDING * sum_w2:
        # all passed, summed in another order
        return wilson_effective(sum_w, sum_w2, sum_w, sum_w2, level)
    if p != 0.0 and abs(p) < ROUNDING and abs(sum_w2_pass) < ROUNDING * sum_w2:
        return wilson_effective(0.0, 0.0, sum_w, sum_w2, level)
    if not 0.0 <= p <= 1.0:
        return None
    return wilson(p, effective_trials(sum_w_pass, sum_w2_pass, sum_w, sum_w2), level)


def interval_name(*, unit_weights: bool, level: float = LEVEL) -> str:
    """Return the name of the interval that is used, with its content: ``clopper-pearson 68.3 %``."""
    return f"{CLOPPER_PEARSON if unit_weights else WILSON_EFFECTIVE} {100.0 * level:.4g} %"


def _check_level(level: float) -> None:
    if not 0.0 < level < 1.0:
        msg = f"an interval of content {level} does not exist: it lies between 0 and 1"
        raise ValueError(msg)
