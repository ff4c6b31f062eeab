"""Sums of Poisson probabilities, as logarithms, so that they hold where the numbers themselves are too small."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats


LAGUERRE = 48
"""Nodes in the far tail, where the sum is an integral over almost an exponential."""

UNDERFLOW = 1e-280


def log_pmf(n: float, rate: Floats) -> Floats:
    """Return ln P(N = n) for rates above 0; without loss of digits for large numbers.

    The logarithms cancel in C. Loader's form ("Fast and Accurate Computation of Binomial Probabilities", 2000):
    -n D(rate/n) - ln sqrt(2 pi n) - (1/(12 n) - ...), D(x) = x - 1 - ln x.
    """
    from scipy.special import gammaln

    if n < 20:
        return np.asarray(n * np.log(rate) - rate - gammaln(n + 1.0))
    away = rate - n
    stirling = (1.0 - (1.0 / 30.0 - 1.0 / (105.0 * n * n)) / (n * n)) / (12.0 * n)
    return np.asarray(n * np.log1p(away / n) - away - 0.5 * np.log(2.0 * np.pi * n) - stirling)


def log_cdf(n: float, rate: Floats) -> Floats:
    """Return ln P(N <= n) = ln Q(n + 1, rate), the regularized incomplete gamma function.

    Where Q is too small for a number it is P(N = n) times the integral of exp(-u) (1 + u/rate)^n over u > 0 (its definition
    with t = rate + u), by Gauss and Laguerre.

    Parameters
    ----------
    n : float
        0 or more.
    rate : array of shape (R,)
        0 or more.
    """
    from scipy.special import gammaincc

    value = gammaincc(n + 1.0, rate)
    far = value < UNDERFLOW
    result = np.log(np.where(far, 1.0, value))
    if np.any(far):
        tail = rate[far]
        nodes, weights = _laguerre()
        slope = (tail - n) / tail  # of the integrand: exp(-slope u) but for its curvature
        u = nodes / slope[:, None]
        rest = nodes - u + n * np.log1p(u / tail[:, None])
        result[far] = log_pmf(n, tail) + np.log(np.exp(rest) @ weights) - np.log(slope)
    return np.asarray(result)


@cache
def _laguerre() -> tuple[Floats, Floats]:
    """Return nodes and weights; to find them takes longer than the rest of an average."""
    return np.polynomial.laguerre.laggauss(LAGUERRE)


def hazard(n: float, rate: Floats) -> Floats:
    """Return -d ln P(N <= n)/d rate = P(N = n)/P(N <= n), for rates above 0; between 0 and 1, rising with the rate."""
    return np.minimum(np.exp(log_pmf(n, rate) - log_cdf(n, rate)), 1.0)
