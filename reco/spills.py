"""What an event's place in its spill tells, from all files of a run: its position, and what was lost before it.

A spill is spread over files and tasks; so this is made before tasks are, from the indices of all files of a sample, and travels
with each task.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from events.lists import Array

NEVER = np.iinfo(np.int64).max
"""Event number in place of the first event that lacks a block, where none does."""


@dataclass(frozen=True)
class Spills:
    """The spills of some files, each once, in ascending order.

    Attributes
    ----------
    key : int64 array of shape (S,)
        Run and spill as one number.
    last : int64 array of shape (S,)
        The largest event number.
    broken : int64 array of shape (S,)
        Number of the first event that lacks a front-end block, or `NEVER`.
    """

    key: Array
    last: Array
    broken: Array

    @classmethod
    def of(cls, run: Array, spill: Array, in_spill: Array, lost_block: Array) -> Spills:
        """Return the spills of events, arrays of shape (N,)."""
        key, which = np.unique(_key(run, spill), return_inverse=True)
        last = np.zeros(len(key), np.int64)
        np.maximum.at(last, which, in_spill)
        broken = np.full(len(key), NEVER)
        np.minimum.at(broken, which[lost_block], in_spill[lost_block])
        return cls(key, last, broken)

    @classmethod
    def merge(cls, parts: Iterable[Spills]) -> Spills:
        """Return the spills of several files as those of one."""
        found = list(parts)
        every = np.concatenate([np.empty(0, np.int64), *(part.key for part in found)])
        key, which = np.unique(every, return_inverse=True)
        last, broken = np.zeros(len(key), np.int64), np.full(len(key), NEVER)
        if found:
            np.maximum.at(last, which, np.concatenate([part.last for part in found]))
            np.minimum.at(broken, which, np.concatenate([part.broken for part in found]))
        return cls(key, last, broken)

    def __len__(self) -> int:
        return len(self.key)

    def part(self, run: Array, spill: Array) -> Spills:
        """Return the spills that some events are of."""
        kept = np.isin(self.key, np.unique(_key(run, spill)))
        return Spills(self.key[kept], self.last[kept], self.broken[kept])

    def position(self, run: Array, spill: Array, in_spill: Array) -> Array:
        """Return event number over the largest one of the spill, 0 to 1, shape (N,)."""
        position: Array = in_spill / np.maximum(self.last[self._row(run, spill)], 1)
        return position

    def after_lost_block(self, run: Array, spill: Array, in_spill: Array) -> Array:
        """Return which events come after one of their spill that lacks a front-end block, shape (N,)."""
        after: Array = in_spill > self.broken[self._row(run, spill)]
        return after

    def _row(self, run: Array, spill: Array) -> Array:
        key = _key(run, spill)
        row = np.searchsorted(self.key, key)
        if np.any(row == len(self.key)) or np.any(self.key[row] != key):
            msg = "events of a spill that was not surveyed"
            raise KeyError(msg)
        return row

    def to_json(self) -> list[list[int]]:
        """Return key, last and broken of each spill as plain numbers: what enters the key of a task."""
        columns = (self.key, self.last, np.where(self.broken == NEVER, -1, self.broken))
        return [list(row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def _key(run: Array, spill: Array) -> Array:
    key: Array = (np.asarray(run, np.int64) << 32) | np.asarray(spill, np.int64)
    return key
