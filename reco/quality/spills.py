"""What an event's place in its spill tells, from all files of a run: its position, and what was lost before it.

A spill is spread over files and tasks; so this is made before tasks are, from the indices of all files of a sample, and travels
with each task.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.configs.arrays import Array, Bools, Ints  # noqa: TC001 - a dataclass
from emiss.reco.quality.event_numbers import Numbers

if TYPE_CHECKING:
    from collections.abc import Iterable


class SpillRange(NamedTuple):
    """Spills `first` to `last` of a run, both included."""

    run: int
    first: int
    last: int


def within(run: Array, spill: Array, ranges: Iterable[SpillRange]) -> Bools:
    """Return which events are of spills in some ranges, bool of shape (N,)."""
    inside = np.zeros(len(run), bool)
    for part in ranges:
        inside |= (run == part.run) & (spill >= part.first) & (spill <= part.last)
    return inside


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
    numbers : Numbers
        The event numbers that the files have.
    """

    key: Ints
    last: Ints
    broken: Ints
    numbers: Numbers = field(default_factory=Numbers)

    @classmethod
    def of(cls, run: Array, spill: Array, in_spill: Array, lost_block: Array, numbers: Numbers | None = None) -> Spills:
        """Return the spills of the events of a file, arrays of shape (N,)."""
        every = _key(run, spill)
        # events of a spill stand together: of each such row of events one number is left before anything is sorted
        first = np.flatnonzero(np.diff(every, prepend=~every[:1]))
        key, which = np.unique(every[first], return_inverse=True)
        last, broken = np.zeros(len(key), np.int64), np.full(len(key), NEVER)
        if len(first):
            np.maximum.at(last, which, np.maximum.reduceat(in_spill, first))
            np.minimum.at(broken, which, np.minimum.reduceat(np.where(lost_block, in_spill, NEVER), first))
        return cls(key, last, broken, numbers or Numbers())

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
        return cls(key, last, broken, Numbers.merge(part.numbers for part in found))

    def __len__(self) -> int:
        return len(self.key)

    def part(self, run: Array, spill: Array, own: Numbers | None = None) -> Spills:
        """Return the spills that some events are of; with the numbers of their file, of all numbers those near these only."""
        numbers = self.numbers.only(np.unique(run)) if own is None else self.numbers.near(own)
        return replace(self.of_events(run, spill), numbers=numbers)

    def of_events(self, run: Array, spill: Array) -> Spills:
        """Return the spills that some events are of, without numbers."""
        kept = np.unique(self._row(run, spill))
        return Spills(self.key[kept], self.last[kept], self.broken[kept])

    def bare(self) -> Spills:
        """Return the spills without numbers."""
        return replace(self, numbers=Numbers())

    def position(self, run: Array, spill: Array, in_spill: Array) -> Array:
        """Return event number over the largest one of the spill, 0 to 1, shape (N,)."""
        position: Array = in_spill / np.maximum(self.last[self._row(run, spill)], 1)
        return position

    def after_lost_block(self, run: Array, spill: Array, in_spill: Array) -> Bools:
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

    def to_json(self) -> dict[str, list[list[int]]]:
        """Return all of it as plain numbers: what enters the key of a task."""
        columns = (self.key, self.last, np.where(self.broken == NEVER, -1, self.broken))
        return {"spills": [column.tolist() for column in columns], **self.numbers.to_json()}


@dataclass(frozen=True)
class SpillCounts:
    """Events of each spill of some files, arrays of shape (S,) in ascending order of run and spill.

    Attributes
    ----------
    run, spill : int64 arrays
    read : int64 array
        Physics events that can be used.
    lost, missing : int64 arrays
        Events that were lost, and those that are missing (an estimate). A lost event, or one missing in a gap, is counted in
        the spill of the good event before or after it.
    """

    run: Ints
    spill: Ints
    read: Ints
    lost: Ints
    missing: Ints

    @classmethod
    def of(cls, run: Array, spill: Array, read: Array, lost: Array, missing: Array) -> SpillCounts:
        """Return the sums by spill of numbers of entries, arrays of shape (N,)."""
        key, which = np.unique(np.stack([run, spill], 1).astype(np.int64), axis=0, return_inverse=True)
        sums = (np.bincount(which.reshape(-1), n, len(key)).astype(np.int64) for n in (read, lost, missing))
        return cls(key[:, 0], key[:, 1], *sums)

    @classmethod
    def merge(cls, parts: Iterable[SpillCounts]) -> SpillCounts:
        """Return the counts of several files."""
        every = list(parts)
        names = ("run", "spill", "read", "lost", "missing")
        return cls.of(*(np.concatenate([np.empty(0, np.int64), *(getattr(p, n) for p in every)]) for n in names))


def _key(run: Array, spill: Array) -> Array:
    key: Array = (np.asarray(run, np.int64) << 32) | np.asarray(spill, np.int64)
    return key
