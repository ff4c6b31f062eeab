"""Unified intervals for a Poisson signal over a known background, as a cross-check of the CLs limits.

G. J. Feldman and R. D. Cousins, Phys. Rev. D 57 (1998) 3873: Neyman's construction with the outcomes ordered by the
likelihood ratio P(n | mu + b)/P(n | mu_best + b), mu_best = max(0, n - b).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.limits.period import CONFIDENCE

if TYPE_CHECKING:
    from emiss.configs.arrays import Bools, Floats


STEP = 0.005
"""Of the signal's mean, as in the paper; the ends are then found to 1e-4 between two steps."""

LATER = np.arange(0.025, 3.0, 0.025)
"""More background, at which the upper end is looked up, too; see `interval`."""


def interval(observed: int, background: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return both ends of the interval of the signal's mean; the lower one is 0 for an upper limit.

    As in the paper the upper end is not let rise with the background: it is the largest of those for this background and
    for larger ones (looked up to 3 events further); this lengthens intervals with fewer events than background.

    Parameters
    ----------
    observed : int
    background : float
        Its expected number, without uncertainty.
    confidence : float

    Raises
    ------
    ValueError
        For negative numbers, or a confidence outside (0, 1).
    """
    if observed < 0 or background < 0.0 or not 0.0 < confidence < 1.0:
        msg = f"no interval for {observed} events over {background:g} at a confidence of {confidence:g}"
        raise ValueError(msg)
    low, high = _ends(observed, background, confidence)
    return low, max(high, *(_ends(observed, background + more, confidence)[1] for more in LATER))


def _ends(observed: int, background: float, confidence: float) -> tuple[float, float]:
    """Return the ends as the construction gives them."""
    top = observed + 4.0 * np.sqrt(observed + 1.0) + 4.0 - background
    grid = np.arange(0.0, max(top, 5.0), STEP)
    inside = np.flatnonzero(_accepted(grid, observed, background, confidence))
    if len(inside) == 0:
        return 0.0, 0.0
    first, last = int(inside[0]), int(inside[-1])
    low = 0.0 if first == 0 else _edge(grid[first - 1], grid[first], observed, background, confidence)
    return low, _edge(grid[last + 1], grid[last], observed, background, confidence)


def _edge(outside: float, inside: float, observed: int, background: float, confidence: float) -> float:
    """Halve the interval in which acceptance ends."""
    while abs(outside - inside) > 1e-4:
        middle = 0.5 * (outside + inside)
        if _accepted(np.array([middle]), observed, background, confidence)[0]:
            inside = middle
        else:
            outside = middle
    return float(0.5 * (outside + inside))


def _accepted(signal: Floats, observed: int, background: float, confidence: float) -> Bools:
    """Return for each mean of the signal whether the observed number is in its acceptance region."""
    from scipy.special import gammaln, xlogy

    rate = signal[:, None] + background
    n = np.arange(max(int(rate.max() + 8.0 * np.sqrt(rate.max()) + 12.0), observed + 2))
    log_p = xlogy(n, rate) - rate - gammaln(n + 1.0)
    best = np.maximum(n, background)
    ratio = log_p - (xlogy(n, best) - best - gammaln(n + 1.0))
    p = np.exp(log_p)
    # the observed number is accepted if what ranks above it does not fill the confidence
    better = ratio > ratio[:, [observed]] + 1e-12
    return np.asarray(np.sum(np.where(better, p, 0.0), axis=1) < confidence)
