"""The numba kernels on packed masks: what a block of events adds to the counts of each cut.

Masks are words of 64 events. Counts come from the words themselves; sums of weights from one visit per event: an event
belongs to the cut it fails first, and, where it fails one cut only, to that. Events that pass a cut, whatever the others
say, are summed by the pattern of eight cuts at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.configs.compiled import kernel

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats, Ints

Packed = np.ndarray[Any, np.dtype[np.uint64]]
"""A mask as words of 64 events."""

CHUNK = 64
"""Words (4096 events) whose weights are summed apart, so that the rounding of long sums stays below 1e-12."""

ONE, TWO, FOUR = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333), np.uint64(0x0F0F0F0F0F0F0F0F)
BYTES, TOP = np.uint64(0x0101010101010101), np.uint64(56)
U1, U2, U4 = np.uint64(1), np.uint64(2), np.uint64(4)
ZERO = np.uint64(0)


@kernel(inline="always")
def bits(word: np.uint64) -> int:
    """Return the number of bits that are set in a word (LLVM knows this form as one instruction)."""
    word = word - ((word >> U1) & ONE)
    word = (word & TWO) + ((word >> U2) & TWO)
    word = (word + (word >> U4)) & FOUR
    return np.int64((word * BYTES) >> TOP)


@kernel(inline="always")
def transposed(word: np.uint64) -> np.uint64:
    """Return an 8 x 8 matrix of bits, one row per byte, transposed (Warren, Hacker's Delight, 7-3)."""
    t = (word ^ (word >> np.uint64(7))) & np.uint64(0x00AA00AA00AA00AA)
    word = word ^ t ^ (t << np.uint64(7))
    t = (word ^ (word >> np.uint64(14))) & np.uint64(0x0000CCCC0000CCCC)
    word = word ^ t ^ (t << np.uint64(14))
    t = (word ^ (word >> np.uint64(28))) & np.uint64(0x00000000F0F0F0F0)
    return word ^ t ^ (t << np.uint64(28))


@kernel
def count_words(
    everything: Packed, passed: Packed, unknown: Packed, n: Ints, undefined: Ints, overlap: Ints
) -> tuple[int, Packed, Packed]:
    """Add the counts of a block, and return what its sums of weights are made from.

    Parameters
    ----------
    everything : words, shape (W,)
    passed, unknown : words, shape (K, W)
        Events that pass each cut, and that find it undefined.
    n : int64, shape (K, 4)
        Sequential, individual, N-1 and only-failed; added to.
    undefined : int64, shape (K, 2)
        Among the events that reach the cut, and among all; added to.
    overlap : int64, shape (K, K)
        Events that pass both; added to, also at [i, i].

    Returns
    -------
    total : int
        Events in `everything`.
    first : words, shape (K + 1, W)
        Events that fail each cut and pass all before it; in the last row those that pass all.
    alone : words, shape (K, W)
        Events that fail only this cut.
    """
    cuts, words = passed.shape
    first = np.empty((cuts + 1, words), np.uint64)
    alone = np.empty((cuts, words), np.uint64)
    total = 0
    for w in range(words):
        prefix, many = everything[w], ZERO
        total += bits(prefix)
        for i in range(cuts):
            lost = everything[w] & ~passed[i, w]
            # what is gone from the prefix has failed once already
            many |= lost & ~prefix
            undefined[i, 0] += bits(prefix & unknown[i, w])
            undefined[i, 1] += bits(unknown[i, w])
            first[i, w] = prefix & lost
            prefix &= passed[i, w]
            n[i, 0] += bits(prefix)
            n[i, 1] += bits(passed[i, w])
        first[cuts, w] = prefix
        whole = bits(prefix)
        for i in range(cuts):
            alone[i, w] = first[i, w] & ~many
            only = bits(alone[i, w])
            n[i, 2] += whole + only
            n[i, 3] += only
    for i in range(cuts):
        for j in range(i + 1):
            both = 0
            for w in range(words):
                both += bits(passed[i, w] & passed[j, w])
            overlap[i, j] += both
    return total, first, alone


@kernel
def _add_marked(words: Packed, start: int, stop: int, weights: Floats, sums: Floats) -> None:
    """Add weight and squared weight of the events marked in words start to stop to sums, shape (2 V,)."""
    variations = weights.shape[0]
    for w in range(start, stop):
        word = words[w]
        base = 64 * w
        while word:
            lowest = word & (~word + U1)
            event = base + bits(lowest - U1)
            word ^= lowest
            for v in range(variations):
                weight = weights[v, event]
                sums[v] += weight
                sums[variations + v] += weight * weight


@kernel
def _add_passed(passed: Packed, start: int, stop: int, weights: Floats, sums: Floats, bins: Floats) -> None:
    """Add the weights of the events that pass each of up to eight cuts to sums, shape (cuts, 2 V).

    bins, shape (256, 2 V), are sums by pattern of the cuts; all 0 before and after.
    """
    cuts, variations, size = passed.shape[0], weights.shape[0], weights.shape[1]
    rows = np.zeros(8, np.uint64)
    for w in range(start, stop):
        for i in range(cuts):
            rows[i] = passed[i, w]
        for byte in range(8):
            matrix = ZERO
            shift = np.uint64(8 * byte)
            for i in range(cuts):
                matrix |= ((rows[i] >> shift) & np.uint64(0xFF)) << np.uint64(8 * i)
            if matrix == ZERO:
                continue
            matrix = transposed(matrix)
            base = 64 * w + 8 * byte
            for k in range(min(8, size - base)):
                pattern = np.int64((matrix >> np.uint64(8 * k)) & np.uint64(0xFF))
                for v in range(variations):
                    weight = weights[v, base + k]
                    bins[pattern, v] += weight
                    bins[pattern, variations + v] += weight * weight
    for pattern in range(256):
        for i in range(cuts):
            if (pattern >> i) & 1:
                for v in range(2 * variations):
                    sums[i, v] += bins[pattern, v]
        bins[pattern] = 0.0


@kernel
def sum_weights(passed: Packed, first: Packed, alone: Packed, weights: Floats, total: Floats, sums: Floats) -> None:
    """Add the sums of weights of a block.

    Parameters
    ----------
    passed, first, alone : words
        As `count_words` takes and returns them.
    weights : float64, shape (V, N)
    total : float64, shape (2 V,)
        Sum of w and of w squared of all events; added to.
    sums : float64, shape (K, 4, 2 V)
        Of the events that `n` counts; added to.
    """
    cuts, words = passed.shape
    width = 2 * weights.shape[0]
    bins = np.zeros((256, width))
    for start in range(0, words, CHUNK):
        stop = min(start + CHUNK, words)
        left = np.zeros(width)
        _add_marked(first[cuts], start, stop, weights, left)
        whole = left.copy()
        for i in range(cuts - 1, -1, -1):
            sums[i, 0] += left
            dropped = np.zeros(width)
            _add_marked(first[i], start, stop, weights, dropped)
            left += dropped
            only = np.zeros(width)
            _add_marked(alone[i], start, stop, weights, only)
            sums[i, 2] += whole + only
            sums[i, 3] += only
        total += left
        for group in range(0, cuts, 8):
            _add_passed(passed[group : group + 8], start, stop, weights, sums[group : group + 8, 1], bins)
