"""Sets of event numbers, as ranges of run and number: those of one file, and of the files of a run together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.arrays import Array  # noqa: TC001 - a dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SHARED = 0.1
"""Share of the numbers of a run in two files or more from which these are no chunks of one run (simulations, say)."""


def number_key(run: Array, number: Array) -> Array:
    """Return run and number as one key, in the order of runs, then of numbers."""
    key: Array = (np.asarray(run, np.int64) << 32) | np.asarray(number, np.int64)
    return key


@dataclass(frozen=True)
class Held:
    """Event numbers that are there, as ranges of run and number in one key: disjoint, ascending, ends included."""

    low: Array = field(default_factory=lambda: np.empty(0, np.int64))
    high: Array = field(default_factory=lambda: np.empty(0, np.int64))

    @classmethod
    def of(cls, run: Array, number: Array) -> Held:
        """Return the numbers of events, arrays of shape (N,)."""
        keys = number_key(run, number)
        if np.any(np.diff(keys) <= 0):
            keys = np.unique(keys)
        edges = np.flatnonzero(np.diff(keys) != 1)
        first, last = np.append(0, edges + 1), np.append(edges, len(keys) - 1)
        return cls(keys[first], keys[last]) if len(keys) else cls()

    @classmethod
    def merge(cls, parts: Sequence[Held]) -> tuple[Held, Held]:
        """Return the numbers in any of several files, and those in two of them or more."""
        low = np.concatenate([np.empty(0, np.int64), *(part.low for part in parts)])
        high = np.concatenate([np.empty(0, np.int64), *(part.high for part in parts)])
        edges, where = np.unique(np.concatenate([low, high + 1]), return_inverse=True)
        depth = np.cumsum(np.bincount(where, np.repeat([1, -1], len(low)), len(edges))).astype(np.int64)
        return cls._covered(edges, depth >= 1), cls._covered(edges, depth > 1)

    @classmethod
    def _covered(cls, edges: Array, inside: Array) -> Held:
        step = np.diff(inside.astype(np.int8), prepend=0)
        return cls(edges[step > 0], edges[step < 0] - 1)

    def runs(self) -> Array:
        """Return the run numbers, ascending."""
        return np.unique(self.low >> 32)

    def only(self, runs: Array, *, without: bool = False) -> Held:
        """Return what is of some runs, or of all others."""
        kept = np.isin(self.low >> 32, runs, invert=without)
        return Held(self.low[kept], self.high[kept])

    def with_others(self, other: Held) -> Held:
        """Return these numbers, and another's of the runs that these do not have."""
        more = other.only(self.runs(), without=True)
        low, high = np.concatenate([self.low, more.low]), np.concatenate([self.high, more.high])
        order = np.argsort(low)
        return Held(low[order], high[order])

    def spans(self) -> Held:
        """Return one range per run, from its lowest to its highest number."""
        run = self.low >> 32
        first, last = np.flatnonzero(np.diff(run, prepend=-1)), np.flatnonzero(np.diff(run, append=-1))
        return Held(self.low[first], self.high[last])

    def inside(self, spans: Held) -> Held:
        """Return what lies in some ranges that no two of are of one run."""
        parts = [
            Held(np.maximum(self.low[chosen], low), np.minimum(self.high[chosen], high))
            for low, high in zip(spans.low.tolist(), spans.high.tolist(), strict=True)
            for chosen in [(self.high >= low) & (self.low <= high)]
        ]
        return Held.merge(parts)[0]

    def count(self) -> Mapping[int, int]:
        """Return how many numbers there are of each run."""
        runs, which = np.unique(self.low >> 32, return_inverse=True)
        counts = np.bincount(which, self.high - self.low + 1, len(runs))
        return dict(zip(runs.tolist(), counts.astype(int).tolist(), strict=True))

    def below(self, run: Array, number: Array) -> Array:
        """Return how many numbers there are below some, in all runs together, shape (N,)."""
        key = number_key(run, number)
        total = np.concatenate(([0], np.cumsum(self.high - self.low + 1)))
        ranges = np.searchsorted(self.low, key)
        above = np.append(-1, self.high)[ranges] - key + 1
        counted: Array = total[ranges] - np.where(ranges > 0, np.maximum(above, 0), 0)
        return counted

    def free_below(self, run: Array, number: Array) -> Array:
        """Return how many numbers directly below some are not there, down to the next lower one of any run, shape (N,)."""
        key = number_key(run, number)
        ranges = np.searchsorted(self.low, key)
        return np.where(ranges > 0, np.maximum(key - 1 - np.append(key[:1], self.high)[ranges], 0), 0)


@dataclass(frozen=True)
class Numbers:
    """The event numbers of one file or of several.

    Attributes
    ----------
    held : Held
        Those that are there.
    claimed : Held
        Those that a file accounts for itself, since it has a gap there, or an event whose number is lost.
    """

    held: Held = field(default_factory=Held)
    claimed: Held = field(default_factory=Held)

    @classmethod
    def merge(cls, parts: Iterable[Numbers]) -> Numbers:
        """Return the numbers that the files of a run have together.

        Runs whose files repeat each other's numbers are left out: nothing is to be learnt from another file there.
        """
        found = list(parts)
        union, twice = Held.merge([part.held for part in found])
        claimed, _ = Held.merge([part.claimed for part in found])
        sizes = union.count()
        apart = np.array([run for run, count in twice.count().items() if count > SHARED * sizes[run]], np.int64)
        return cls(union.only(apart, without=True), claimed.only(apart, without=True))

    def only(self, runs: Array) -> Numbers:
        """Return what is of some runs."""
        return Numbers(self.held.only(runs), self.claimed.only(runs))

    def near(self, own: Numbers) -> Numbers:
        """Return what lies between the lowest and the highest number that a file has of each run: what concerns the file."""
        spans = own.held.spans()
        return Numbers(self.held.inside(spans), self.claimed.inside(spans))

    def with_others(self, own: Numbers) -> Numbers:
        """Return these numbers, and those of a file in runs that these do not have."""
        known = self.held.runs()
        claimed = own.claimed.only(known, without=True)
        return Numbers(self.held.with_others(own.held), Held.merge([self.claimed, claimed])[0])

    def to_json(self) -> dict[str, list[list[int]]]:
        """Return the ranges as plain numbers."""
        return {name: [held.low.tolist(), held.high.tolist()] for name, held in vars(self).items()}


def remarks(parts: Sequence[Numbers]) -> tuple[str, ...]:
    """Return what the numbers of the files of a sample tell together: numbers that two have, chunks that are not there."""
    twice = Held.merge([part.held for part in parts])[1].count()
    spans = Held.merge([part.held.spans() for part in parts])[0]
    between = {run: count - spans.count()[run] for run, count in spans.spans().count().items()}
    said = [f"{n} event numbers of run {run} are in two files or more" for run, n in twice.items()]
    said += [
        f"{n} event numbers of run {run} are between those of its files, in none" for run, n in between.items() if n
    ]
    return tuple(said)
