"""The numba kernel of the sides of straws: which of all combinations leaves the least chi2."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.compiled import kernel

if TYPE_CHECKING:
    from emiss.configs.arrays import Bools, Floats

MOST = 16
"""Straws of a track in one view whose sides are tried in all combinations, the first along the beam."""


@kernel(error_model="numpy")
def choose(matrix: Floats, position: Floats, other: Floats, flip: Bools) -> None:
    """Write for each track which positions of one view are better taken on the other side.

    All 2^n combinations are visited in the order of a Gray code, so that each differs from the one before in one position i,
    and chi2 = u^T M u changes by 2 d (M u)_i + d^2 M_ii.

    Parameters
    ----------
    matrix : float array of shape (T, S, S)
        M; 0 for stations that are not seen.
    position, other : float arrays of shape (T, S)
        mm; `other` is NaN where there is no other side.
    flip : bool array of shape (T, S), written
    """
    tracks, stations = position.shape
    moved = np.empty(stations, np.int64)
    side = np.empty(stations, np.bool_)
    product = np.empty(stations)
    for t in range(tracks):
        count = 0
        for s in range(stations):
            flip[t, s] = side[s] = False
            if not np.isnan(other[t, s]) and count < MOST:
                moved[count] = s
                count += 1
            product[s] = 0.0
            for k in range(stations):
                product[s] += matrix[t, s, k] * position[t, k]
        gain, best = 0.0, 0.0
        for step in range(1, 1 << count):
            bit = 0
            while not step >> bit & 1:
                bit += 1
            s = moved[bit]
            way = other[t, s] - position[t, s]
            if side[s]:
                way = -way
            side[s] = not side[s]
            gain += 2.0 * way * product[s] + way * way * matrix[t, s, s]
            for k in range(stations):
                product[k] += way * matrix[t, k, s]
            if gain < best:
                best = gain
                flip[t] = side
