"""The numba kernels of small symmetric matrices: Cholesky factor and inverse, in place."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from emiss.configs.compiled import fused

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats


@fused
def cholesky(a: Floats, n: int) -> bool:
    """Replace the lower triangle of a symmetric n x n block by its Cholesky factor; False if it is not positive.

    The diagonal holds the inverses of the factor's own.
    """
    for j in range(n):
        total = a[j, j]
        for k in range(j):
            total -= a[j, k] * a[j, k]
        if not total > 0.0:
            return False
        inverse = 1.0 / math.sqrt(total)
        a[j, j] = inverse
        for i in range(j + 1, n):
            total = a[i, j]
            for k in range(j):
                total -= a[i, k] * a[j, k]
            a[i, j] = total * inverse
    return True


@fused
def invert(a: Floats, inverse: Floats, n: int) -> bool:
    """Write the inverse of a symmetric positive n x n block, scaled to a unit diagonal on the way; False if there is none.

    The parameters differ by orders of magnitude, hence the scaling; `a` (n, n + 1 or more) is overwritten.
    """
    for j in range(n):
        if not a[j, j] > 0.0:
            return False
        a[j, n] = 1.0 / math.sqrt(a[j, j])  # the last column keeps the scales
    for j in range(n):
        for i in range(j, n):
            a[i, j] *= a[i, n] * a[j, n]
    if not cholesky(a, n):
        return False
    for j in range(n):  # the inverse of the triangle, in place
        if not a[j, j] < 1e7:  # singular but for rounding
            return False
        for i in range(j + 1, n):
            total = 0.0
            for k in range(j, i):
                total -= a[i, k] * a[k, j]
            a[i, j] = total * a[i, i]
    for j in range(n):
        for i in range(j, n):
            total = 0.0
            for k in range(i, n):
                total += a[k, i] * a[k, j]
            inverse[i, j] = inverse[j, i] = total * a[i, n] * a[j, n]
    return True
