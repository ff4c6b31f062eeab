"""Packed masks: one bit per event, and from them everything a cutflow counts, for any number of cuts.

The events that a cut is reached by, that pass it, that fail it alone, and that pass it together with another all come from
the same words; see `tally_kernels`, and `tally_arrays` for the same without a compiler.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.configs.arrays import Bools, Floats, Ints
    from emiss.selection.counting.tally_kernels import Packed

ENOUGH = 100_000_000
"""Events times cuts from which on it is worth to wake up numba, which takes as long as to count these without it: 1 s."""

KINDS = ("sequential", "individual", "n_minus_1", "only_failed")
"""The sums of each cut, in the order of the arrays of `Counts`."""


def pack(mask: Bools, size: int) -> Packed:
    """Return a mask (or a single truth that stands for all) as words of 64 events; bits beyond `size` are 0."""
    packed = np.packbits(np.broadcast_to(mask, (size,)), bitorder="little")
    words = np.zeros((size + 63) // 64, np.uint64)
    words.view(np.uint8)[: len(packed)] = packed
    return words


def unpack(words: Packed, size: int) -> Bools:
    """Return words as a boolean mask of shape (size,)."""
    return np.unpackbits(words.view(np.uint8), count=size, bitorder="little").view(np.bool_)


@dataclass
class Counts:
    """Counts of one region, of K cuts and V weights.

    Attributes
    ----------
    total : int
    total_sums : array of shape (2 V,)
        Sums of w, then of w squared.
    n : int64 array of shape (K, 4)
        By `KINDS`.
    sums : float64 array of shape (K, 4, 2 V)
    undefined : int64 array of shape (K, 2)
        Events that reached the cut and found it undefined; all events that did.
    overlap : int64 array of shape (K, K)
        Events that pass both of two cuts; below the diagonal.
    """

    total: int
    total_sums: Floats
    n: Ints
    sums: Floats
    undefined: Ints
    overlap: Ints

    @classmethod
    def empty(cls, cuts: int, variations: int) -> Counts:
        """Return the counts of no event."""
        return cls(
            0,
            np.zeros(2 * variations),
            np.zeros((cuts, len(KINDS)), np.int64),
            np.zeros((cuts, len(KINDS), 2 * variations)),
            np.zeros((cuts, 2), np.int64),
            np.zeros((cuts, cuts), np.int64),
        )

    def add(
        self, everything: Packed, passed: Sequence[Packed], undefined: Sequence[Packed | None], weights: Floats
    ) -> None:
        """Add a block, given as packed masks.

        Parameters
        ----------
        everything : words
            The events of the block that are looked at.
        passed : words per cut
            Events that pass the cut, within `everything`.
        undefined : words per cut, or None
            Events that find the cut undefined, within `everything`.
        weights : float64 array of shape (V, N)
            V variations; V = 0 where every event counts as 1.
        """
        route = _ROUTES.next(64 * len(everything) * len(passed))
        shape = (len(passed), len(everything))
        cuts, unknown = np.empty(shape, np.uint64), np.zeros(shape, np.uint64)
        for i, (words, unsure) in enumerate(zip(passed, undefined, strict=True)):
            cuts[i] = words
            if unsure is not None:
                unknown[i] = unsure
        total, first, alone = route.count_words(everything, cuts, unknown, self.n, self.undefined, self.overlap)
        self.total += total
        if len(weights):
            route.sum_weights(cuts, first, alone, weights, self.total_sums, self.sums)


class _Routes:
    """Which of the two ways the next block is counted; both give the same bits, so that nobody has to know."""

    def __init__(self) -> None:
        self.counted = 0

    def next(self, work: int) -> Any:
        """Return the module that counts a block of so many events times cuts."""
        self.counted += work
        if self.counted < ENOUGH and "numba" not in sys.modules:
            from emiss.selection.counting import tally_arrays

            return tally_arrays
        from emiss.selection.counting import tally_kernels

        return tally_kernels


_ROUTES = _Routes()
