"""What `tally_kernels` adds to the counts of each cut, in NumPy: slower per event, and there at once, without a compiler.

Sums of weights have the same bits as those of the kernels. `np.bincount` adds the weights of a place in the order of the
events, starting from 0, as the kernels do for each chunk, and `np.cumsum` adds one after the other; `np.sum` would not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats, Ints
    from emiss.selection.counting.tally_kernels import Packed

CHUNK = 64
"""Words (4096 events) whose weights are summed apart: that of the kernels."""


def count_words(
    everything: Packed, passed: Packed, unknown: Packed, n: Ints, undefined: Ints, overlap: Ints
) -> tuple[int, Packed, Packed]:
    """Add the counts of a block, and return what its sums of weights are made from; see `tally_kernels.count_words`."""
    cuts, words = passed.shape
    first = np.empty((cuts + 1, words), np.uint64)
    prefix, many = everything, np.zeros(words, np.uint64)
    for i in range(cuts):
        lost = everything & ~passed[i]
        many |= lost & ~prefix
        undefined[i] += bits(prefix & unknown[i]), bits(unknown[i])
        first[i] = prefix & lost
        prefix = prefix & passed[i]
        n[i, :2] += bits(prefix), bits(passed[i])
    first[cuts] = prefix
    alone: Packed = np.bitwise_and(first[:cuts], ~many)
    whole = bits(prefix)
    for i in range(cuts):
        only = bits(alone[i])
        n[i, 2:] += whole + only, only
        overlap[i, : i + 1] += np.bitwise_count(passed[: i + 1] & passed[i]).sum(axis=1, dtype=np.int64)
    return bits(everything), first, alone


def bits(words: Packed) -> int:
    """Return the number of bits that are set in words, shape (W,)."""
    return int(np.bitwise_count(words).sum(dtype=np.int64))


def sum_weights(passed: Packed, first: Packed, alone: Packed, weights: Floats, total: Floats, sums: Floats) -> None:
    """Add the sums of weights of a block; see `tally_kernels.sum_weights`."""
    cuts, size = passed.shape[0], weights.shape[1]
    powers = np.concatenate([weights, np.square(weights)])
    chunk = np.arange(size, dtype=np.int64) // (64 * CHUNK)
    chunks = -(-passed.shape[1] // CHUNK)
    # the cut that an event fails first; the last place is that of the events nobody asks for
    place = np.full(size, cuts + 1, np.int64)
    for i in range(cuts + 1):
        place[_marked(first[i], size)] = i
    place += chunk * (cuts + 2)
    lost = _summed(place, powers, (chunks, cuts + 2))[:, : cuts + 1]
    singly = np.flatnonzero(_marked(np.bitwise_or.reduce(alone, axis=0), size))
    only = _summed(place[singly], powers[:, singly], (chunks, cuts + 2))[:, :cuts]
    # of the events that pass all cuts from i on: what is left behind cut i - 1
    left = np.cumsum(lost[:, ::-1], axis=1)[:, ::-1]
    whole = lost[:, cuts:]
    sums[:, 0] = _added(sums[:, 0], left[:, 1:])
    sums[:, 2] = _added(sums[:, 2], whole + only)
    sums[:, 3] = _added(sums[:, 3], only)
    total[:] = _added(total, left[:, 0])
    for start in range(0, cuts, 8):
        group = passed[start : start + 8]
        rows = np.stack([_marked(words, size) for words in group])
        pattern = np.packbits(rows, axis=0, bitorder="little")[0]
        bins = _summed(256 * chunk + pattern, powers, (chunks, 256))
        for i in range(len(group)):
            mine = bins[:, (np.arange(256) >> i) & 1 == 1]
            sums[start + i, 1] = _added(sums[start + i, 1], mine.reshape(-1, len(powers)))


def _marked(words: Packed, size: int) -> Any:
    return np.unpackbits(words.view(np.uint8), count=size, bitorder="little").view(np.bool_)


def _summed(place: Ints, powers: Floats, shape: tuple[int, int]) -> Floats:
    """Return the sums of weights by place, shape (chunks, places, 2 V)."""
    count = shape[0] * shape[1]
    return np.stack([np.bincount(place, row, count).reshape(shape) for row in powers], axis=-1)


def _added(before: Floats, parts: Floats) -> Floats:
    """Return the sum of what was there and of the parts, along the first axis, one after the other."""
    return np.cumsum(np.concatenate([before[None], parts]), axis=0)[-1]
