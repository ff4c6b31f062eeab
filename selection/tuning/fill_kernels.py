"""The numba kernels that fill bins with the events of a packed mask, or with the rows that these own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.compiled import kernel
from emiss.selection.counting.tally_kernels import U1, bits

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats, Ints
    from emiss.selection.counting.tally_kernels import Packed


@kernel
def fill_events(words: Packed, bins: Ints, weights: Floats, sums: Floats) -> None:
    """Add the events that are marked to their bins.

    Parameters
    ----------
    words : packed mask of N events
    bins : int32, shape (N,)
    weights : float64, shape (N,)
    sums : float64, shape (bins, 3)
        Number, sum of weights and of their squares; added to.
    """
    for w in range(len(words)):
        word = words[w]
        while word:
            lowest = word & (~word + U1)
            event = 64 * w + bits(lowest - U1)
            word ^= lowest
            place, weight = bins[event], weights[event]
            sums[place, 0] += 1.0
            sums[place, 1] += weight
            sums[place, 2] += weight * weight


@kernel
def fill_rows(words: Packed, offsets: Ints, bins: Ints, weights: Floats, sums: Floats) -> None:
    """Add the rows of the events that are marked to their bins.

    Parameters
    ----------
    words : packed mask of N events
    offsets : int64, shape (N + 1,)
        Of the rows of each event.
    bins : int32, shape (rows,)
    weights : float64, shape (N,)
    sums : float64, shape (bins, 3)
        Added to.
    """
    for w in range(len(words)):
        word = words[w]
        while word:
            lowest = word & (~word + U1)
            event = 64 * w + bits(lowest - U1)
            word ^= lowest
            weight = weights[event]
            for row in range(offsets[event], offsets[event + 1]):
                place = bins[row]
                sums[place, 0] += 1.0
                sums[place, 1] += weight
                sums[place, 2] += weight * weight


@kernel
def count_intervals(numbers: Floats, limits: Floats, below: bool, equal: bool, bins: Ints) -> None:
    """Put each number into the interval of thresholds that it lies in.

    Parameters
    ----------
    numbers : float64, shape (N,)
        NaN goes into the last place, ``len(limits) + 1``.
    limits : float64, rising, equally wide steps
    below, equal : bool
        Whether a number passes below the threshold, and where it is equal to it.
    bins : int32, shape (N,)
        Out: the number of limits that are below the number, or equal to it where it does not pass them.
    """
    count = len(limits)
    scale = (count - 1) / (limits[count - 1] - limits[0])
    right = below != equal
    for i in range(len(numbers)):
        x = numbers[i]
        if np.isnan(x):
            bins[i] = count + 1
            continue
        guess = (x - limits[0]) * scale
        k = 0 if guess < 0.0 else count if guess > count else np.int64(guess)
        # a guess is off by one where it is rounded
        while k > 0 and (limits[k - 1] > x or (limits[k - 1] == x and not right)):
            k -= 1
        while k < count and (limits[k] < x or (limits[k] == x and right)):
            k += 1
        bins[i] = k
