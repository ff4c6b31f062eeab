"""Sets of event numbers, as ranges of run and number: those of one file, and of the files of a run together."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - a dataclass
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.arrays import Array  # noqa: TC001 - a dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SHARED = 0.1
"""Share of the numbers of a run in two files or more from which these are no chunks of one run (simulations, say)."""


AT_ONCE = 1 << 17
"""Ranges of numbers that are sorted at a time, at least."""

MANY = 64
"""Sets of numbers that wait for that, at most."""


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
        edges = np.concatenate([low, high + 1])
        order = np.argsort(edges, kind="stable")  # takes advantage of what is sorted already: the ends of each part
        edges, depth = edges[order], np.cumsum(np.where(order < len(low), 1, -1))
        last = np.append(edges[1:] != edges[:-1], np.ones(min(len(edges), 1), bool))
        edges, depth = edges[last], depth[last]
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
        first, last = np.searchsorted(self.high, spans.low), np.searchsorted(self.low, spans.high, "right")
        parts = [
            (np.maximum(self.low[i:j], low), np.minimum(self.high[i:j], high))
            for i, j, low, high in zip(first, last, spans.low, spans.high, strict=True)
        ]
        return (
            Held(*(np.concatenate([np.empty(0, np.int64), *ends]) for ends in zip(*parts, strict=True)))
            if parts
            else Held()
        )

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
        """Return the numbers that the files of a run have together; see `Together`."""
        return Together.of(parts).numbers

    def __len__(self) -> int:
        """Return how many ranges there are."""
        return len(self.held.low) + len(self.claimed.low)

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


class _Sum:
    """The union of sets of numbers that come one by one, and what two of them or more have.

    Some are put together at a time, so that of sets that fill each other's gaps never more is held than of these few.
    """

    def __init__(self) -> None:
        self.any, self.twice = Held(), Held()
        self._waiting: list[Held] = []

    def add(self, held: Held) -> None:
        """Take a set."""
        self._waiting.append(held)
        if sum(len(one.low) for one in self._waiting) > max(AT_ONCE, len(self.any.low)) or len(self._waiting) > MANY:
            self.fold()

    def fold(self) -> None:
        """Put what waits to the rest."""
        some, twice = Held.merge(self._waiting)
        self.any, both = Held.merge([self.any, some])
        self.twice = Held.merge([self.twice, twice, both])[0]
        self._waiting.clear()


@dataclass(frozen=True)
class Together:
    """The numbers of the files of some runs together.

    Attributes
    ----------
    numbers : Numbers
        Without the runs whose files repeat each other's: nothing is to be learnt from another file there.
    twice, between : mapping of run to int
        How many numbers two files or more have, and how many lie between those of the files, in none.
    """

    numbers: Numbers
    twice: Mapping[int, int]
    between: Mapping[int, int]

    @classmethod
    def of(cls, parts: Iterable[Numbers]) -> Together:
        """Return the numbers of some files, of which one is looked at after the other: sorted, they take least memory."""
        held, claimed, spans = _Sum(), _Sum(), _Sum()
        for part in parts:
            held.add(part.held)
            claimed.add(part.claimed)
            spans.add(part.held.spans())
        for each in (held, claimed, spans):
            each.fold()
        twice, sizes, covered = held.twice.count(), held.any.count(), spans.any.count()
        apart = np.array([run for run, count in twice.items() if count > SHARED * sizes[run]], np.int64)
        return cls(
            Numbers(held.any.only(apart, without=True), claimed.any.only(apart, without=True)),
            twice,
            {run: n for run, count in spans.any.spans().count().items() if (n := count - covered[run])},
        )

    def remarks(self) -> tuple[str, ...]:
        """Return what the numbers tell together: numbers that two files have, chunks that are not there."""
        said = [f"{n} event numbers of run {run} are in two files or more" for run, n in self.twice.items()]
        said += [
            f"{n} event numbers of run {run} are between those of its files, in none" for run, n in self.between.items()
        ]
        return tuple(said)
