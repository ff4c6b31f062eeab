"""Whether two histograms agree in shape: chi-squared and Kolmogorov-Smirnov, for counts and for weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from emiss.selection.plotting.series import Series

SMALL = 1e-6
"""Below it a p-value says no more."""


@dataclass(frozen=True)
class Agreement:
    """Two tests of the same shape, with their p-values; `ndf` is 0 where there is nothing to compare."""

    chi2: float
    ndf: int
    chi2_p: float
    distance: float
    ks_p: float

    def __str__(self) -> str:
        if not self.ndf:
            return "nothing to compare"
        return rf"$\chi^2$/ndf = {self.chi2:.3g}/{self.ndf}, {probability(self.chi2_p)};  KS {probability(self.ks_p)}"


def probability(p: float) -> str:
    """Return a p-value in words: ``p = 0.31``, ``p < 1e-6``."""
    return f"p = {p:.2g}" if p >= SMALL else f"p < {SMALL:g}"


def agreement(a: Series, b: Series) -> Agreement:
    """Compare the shapes of two histograms of the same bins, whatever they are normalised to.

    Chi-squared of two histograms of counts, or of weights where one of them has any; bins in which neither has anything do
    not count. Kolmogorov's distance is that of the sums over bins, so that its p-value is too large where bins are few; the
    number of events of weighted ones is the effective one.

    References
    ----------
    N. D. Gagunashvili, arXiv:physics/0605123, eqs. 3 and 23; F. James, Statistical Methods in Experimental Physics (2006),
    section 11.4.2.
    """
    from scipy.special import chdtrc, kolmogorov

    first, second = (np.maximum(one.sums.ravel(), 0.0) for one in (a, b))
    total, other = float(first.sum()), float(second.sum())
    if not (total > 0.0 and other > 0.0):
        return Agreement(0.0, 0, 1.0, 0.0, 1.0)
    if a.counted and b.counted:
        spread = total * other * (first + second)
    else:
        spread = other**2 * a.squares.ravel() + total**2 * b.squares.ravel()
    filled = spread > 0.0
    chi2 = float((np.square(other * first - total * second)[filled] / spread[filled]).sum())
    ndf = int(filled.sum()) - 1
    distance = float(np.abs(np.cumsum(first) / total - np.cumsum(second) / other).max())
    sizes = [one.sums.sum() ** 2 / one.squares.sum() for one in (a, b)]
    seen = math.sqrt(sizes[0] * sizes[1] / (sizes[0] + sizes[1])) * distance
    return Agreement(chi2, ndf, float(chdtrc(ndf, chi2)) if ndf else 1.0, distance, float(kolmogorov(seen)))
