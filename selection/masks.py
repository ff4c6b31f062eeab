"""Packed masks: one bit per event, and from them everything a cutflow counts, for any number of cuts.

With prefix_i = all cuts before i and suffix_i = all cuts after i, the events that pass cut i and those before it are
prefix_i & pass_i, those that pass all other cuts prefix_i & suffix_i, and so on: four words for each cut, no loop over
pairs of cuts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from events.lists import Array

KINDS = ("sequential", "individual", "n_minus_1", "only_failed")
"""The sums of each cut, in the order of the arrays of `Counts`."""


def pack(mask: Array, size: int) -> Array:
    """Return a mask (or a single truth that stands for all) as words of 64 events; bits beyond `size` are 0."""
    packed = np.packbits(np.broadcast_to(mask, (size,)), bitorder="little")
    words = np.zeros((size + 63) // 64, np.uint64)
    words.view(np.uint8)[: len(packed)] = packed
    return words


def unpack(words: Array, size: int) -> Array:
    """Return words as a boolean mask of shape (size,)."""
    return np.unpackbits(words.view(np.uint8), count=size, bitorder="little").view(np.bool_)


def popcount(words: Array) -> int:
    """Return the number of bits that are set."""
    if hasattr(np, "bitwise_count"):
        return int(np.bitwise_count(words).sum())
    return int(np.unpackbits(words.view(np.uint8)).sum())


class Weights:
    """Weights of a block and their squares.

    Parameters
    ----------
    values : float64 array of shape (V, N)
        V variations; V = 0 where every event counts as 1.
    """

    def __init__(self, values: Array) -> None:
        self.size = values.shape[1]
        self.rows = np.concatenate((values, values * values))

    def sums(self, words: Array, count: int) -> Array:
        """Return the sums over the events of a mask with `count` bits set, shape (2 V,): of w, then of w squared."""
        if count == 0 or not len(self.rows):
            return np.zeros(len(self.rows))
        mask = unpack(words, self.size)
        if count * 4 < self.size:
            return np.asarray(self.rows[:, np.flatnonzero(mask)].sum(axis=1))
        return np.asarray(np.where(mask, self.rows, 0.0).sum(axis=1))


@dataclass
class Counts:
    """Counts of one region, of K cuts and V weights.

    Attributes
    ----------
    total : int
    total_sums : array of shape (2 V,)
    n : int64 array of shape (K, 4)
        By `KINDS`.
    sums : float64 array of shape (K, 4, 2 V)
    undefined : int64 array of shape (K, 2)
        Events that reached the cut and found it undefined; all events that did.
    """

    total: int
    total_sums: Array
    n: Array
    sums: Array
    undefined: Array

    @classmethod
    def empty(cls, cuts: int, variations: int) -> Counts:
        """Return the counts of no event."""
        return cls(
            0,
            np.zeros(2 * variations),
            np.zeros((cuts, len(KINDS)), np.int64),
            np.zeros((cuts, len(KINDS), 2 * variations)),
            np.zeros((cuts, 2), np.int64),
        )

    def add(
        self, everything: Array, passed: Sequence[Array], undefined: Sequence[Array | None], weights: Weights
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
        """
        total = popcount(everything)
        self.total += total
        self.total_sums += weights.sums(everything, total)
        suffix = [everything]
        for words in reversed(passed[1:]):
            suffix.append(suffix[-1] & words)
        prefix = everything
        for i, words in enumerate(passed):
            others = prefix & suffix[len(passed) - 1 - i]
            unknown = undefined[i]
            if unknown is not None:
                self.undefined[i] += popcount(prefix & unknown), popcount(unknown)
            prefix = prefix & words
            for kind, mask in enumerate((prefix, words, others, others & ~words)):
                count = popcount(mask)
                self.n[i, kind] += count
                self.sums[i, kind] += weights.sums(mask, count)
