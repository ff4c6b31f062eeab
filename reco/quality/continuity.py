"""What the numbers of events tell: how many are missing from a file, in a gap or without one, and which numbers are odd.

A run numbers its events; its files are chunks of it, and each may hold the events of one of several event builders. So a
number counts as missing only where no file of the run has it. Where numbers cannot tell (the end of a file, two runs, a file
that holds every other number), the bytes that were passed over do, by the mean size of the file's events.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.configs.arrays import Array, Bools, Ints  # noqa: TC001 - a dataclass
from emiss.reco.quality.event_numbers import Held, Numbers, number_key

if TYPE_CHECKING:
    from collections.abc import Iterable

GAP_NUMBERS, GAP_BYTES, JUMP, TWICE, BACK, ODD, NOT_CONSECUTIVE = range(7)
NAMES = (
    "raw.gap_by_numbers",
    "raw.gap_by_bytes",
    "raw.jump",
    "raw.number_twice",
    "raw.number_back",
    "raw.number_odd",
    "raw.numbers_not_consecutive",
)
"""By code: the methods by which missing events are counted (the first three), and what is only remarked."""
METHODS = (GAP_NUMBERS, GAP_BYTES, JUMP)

APART = 0.25
"""Share of steps above one from which a file is taken to hold the events of one of several event builders, ..."""
LEAST_APART = 4
"""... if there are at least so many."""
BOUNDARIES = 3
"""Boundaries of spills from which the usual step over one is known."""


class Rows(NamedTuple):
    """What is known of each entry of a file, arrays of shape (N,).

    `good`: the header can be used; `numbered`: it counts in the run's sequence (physics, calibration); `copy`: it is there
    already, and stands for no event; `size`, `skipped`: its bytes, and those passed over.
    """

    run: Array
    spill: Array
    in_spill: Array
    in_run: Array
    good: Array
    numbered: Array
    copy: Array
    size: Array
    skipped: Array


@dataclass(frozen=True)
class Continuity:
    """What was found, sparse: entry, what (position in `NAMES`), how many events; arrays of shape (K,)."""

    entry: Array
    code: Array
    events: Array

    def counts(self, start: int, stop: int, codes: Iterable[int]) -> dict[str, int]:
        """Return the events by name that are booked on entries start to stop."""
        inside = (self.entry >= start) & (self.entry < stop)
        found = np.bincount(self.code[inside], self.events[inside], len(NAMES)).astype(int)
        return {NAMES[code]: int(found[code]) for code in codes if found[code]}

    def missing(self, start: int, stop: int) -> dict[str, int]:
        """Return the events that are missing, by the method of the estimate."""
        return self.counts(start, stop, METHODS)

    def remarks(self, start: int, stop: int) -> dict[str, int]:
        """Return what was remarked of the numbers, by name."""
        return self.counts(start, stop, range(len(METHODS), len(NAMES)))

    def missing_by_entry(self, entries: int) -> Ints:
        """Return the missing events booked on each entry, int64 of shape (entries,)."""
        chosen = np.isin(self.code, METHODS)
        return np.bincount(self.entry[chosen], self.events[chosen], entries).astype(np.int64)


def numbers_of(rows: Rows) -> Numbers:
    """Return the numbers of a file, without those that are not believed."""
    return Steps(rows).numbers() if rows.numbered.any() else Numbers()


def examine(rows: Rows, files: Numbers | None = None) -> Continuity:
    """Return what the numbers of a file's events tell.

    Parameters
    ----------
    rows : Rows
    files : Numbers, optional
        Those of all files of the run.
    """
    found: list[tuple[Array, int, Array]] = []
    known = files or Numbers()
    if rows.numbered.any():
        steps = Steps(rows)
        known = known.with_others(steps.numbers())
        found += [(steps.odd, ODD, np.ones(len(steps.odd), np.int64))]
        found += steps.missing(known)
        found += _ends(rows, steps.kept)
    again = _again(rows)
    found.append((again, TWICE, np.ones(len(again), np.int64)))
    parts = [(entry[n > 0], np.full(int((n > 0).sum()), code), n[n > 0]) for entry, code, n in found]
    return Continuity(*(np.concatenate(columns).astype(np.int64) for columns in zip(*parts, strict=True)))


class Steps:
    """The steps from each numbered event of a file to the next one.

    Attributes
    ----------
    kept : int array of shape (K,)
        Entries whose numbers are believed; there are K - 1 steps between them.
    odd : int array
        Entries whose number lies outside those of their neighbours.
    """

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        numbered = np.flatnonzero(rows.numbered)
        odd = _odd(rows.run[numbered], rows.in_run[numbered])
        self.kept, self._swapped = numbered[~odd], numbered[odd]
        a, b = self.kept[:-1], self.kept[1:]
        self.a, self.b = a, b
        self.same_run = rows.run[a] == rows.run[b]
        self.same_spill = self.same_run & (rows.spill[a] == rows.spill[b])
        forward = self.same_run & (rows.in_run[a] < rows.in_run[b]) & (rows.spill[a] <= rows.spill[b])
        self.judged = forward & self._confirmed()
        self.doubtful = forward & ~self.judged & (rows.in_run[b] - rows.in_run[a] > 1)
        self.bytes = np.diff(np.cumsum(rows.skipped)[self.kept])
        self.gap = self.bytes >= rows.size[numbered].min()
        self.between = self._between()
        # numbers in another order, as event builders may write them, are not odd: each lies between the kept ones around it
        step = np.searchsorted(self.kept, self._swapped) - 1
        inside = (step >= 0) & (step < len(b))
        step = np.where(inside, step, 0)
        number = rows.in_run[self._swapped]
        if len(b):
            inside &= (rows.in_run[a[step]] < number) & (number < rows.in_run[b[step]])
        self.odd, self._swapped = self._swapped[~inside], self._swapped[inside]

    def _confirmed(self) -> Bools:
        """Return which steps a second number agrees with: that in the spill, or for a new spill those of the event after."""
        run, spill = np.diff(self.rows.in_run[self.kept]), np.diff(self.rows.in_spill[self.kept])
        regular = self.same_spill & (run == spill) & (run > 0)
        return self.same_spill | (run == 1) | np.append(regular, False)[1:]

    def _between(self) -> Array:
        """Return how many entries in each step have taken a number that is not to be seen there."""
        rows = self.rows
        other = ~rows.copy
        other[self.kept] = False
        entry = np.flatnonzero(other)
        step = np.searchsorted(self.kept, entry) - 1
        inside = (step >= 0) & (step < len(self.b))
        entry, step = entry[inside], step[inside]
        number = rows.in_run[entry]
        there = (number > rows.in_run[self.a[step]]) & (number < rows.in_run[self.b[step]])
        # a lost event has no number; a numbered one that is in place is known by it; marks of spills may have none
        takes = ~rows.good[entry] | (there & ~rows.numbered[entry]) | (~there & rows.numbered[entry])
        return np.bincount(step[takes], minlength=len(self.b))

    @property
    def _claims(self) -> Array:
        return self.judged & (self.gap | (self.between > 0))

    def numbers(self) -> Numbers:
        """Return the numbers of the file: those that are there, and those that it accounts for itself."""
        believed = self.rows.numbered.copy()
        believed[self.odd] = False
        return Numbers(Held.of(self.rows.run[believed], self.rows.in_run[believed]), self._claimed())

    def _claimed(self) -> Held:
        """Return the numbers that lie in gaps, or among which is that of an event that is lost or has another number."""
        run, low = self.rows.run[self.b], self.rows.in_run[self.a] + 1
        some = self._claims & (low < self.rows.in_run[self.b])
        ranges = Held(number_key(run, low)[some], number_key(run, self.rows.in_run[self.b] - 1)[some])
        return Held.merge([ranges])[0]

    def missing(self, known: Numbers) -> list[tuple[Array, int, Array]]:
        """Return what is missing in each step, and the numbers that go back."""
        rows, run, number = self.rows, self.rows.run[self.b], self.rows.in_run[self.b]
        before = rows.in_run[self.a]
        elsewhere = np.maximum(known.held.below(run, number) - known.held.below(run, before + 1), 0)
        # of a step of its own all that is in no file; of another one only what is just below, so that no other file counts it
        taken = Held.merge([known.held, known.claimed])[0]
        whole = number - before - 1 - elsewhere
        missing = np.where(self._claims, whole, np.minimum(taken.free_below(run, number), whole)) - self.between
        limit = rows.in_spill[self.b] - rows.in_spill[self.a] - 1 - self.between
        missing = np.where(self.same_spill, np.minimum(missing, limit), missing)
        boundary = self.judged & ~self.same_spill & ~self.gap
        if np.count_nonzero(boundary) >= BOUNDARIES:  # numbers that events have taken which are never recorded
            missing[boundary] -= int(np.median(np.maximum(missing[boundary], 0)))
        missing = np.where(self.judged, np.maximum(missing, 0), 0)
        jumps = self.judged & ~self.gap & (missing > 0)
        apart = np.count_nonzero(jumps) > max(APART * np.count_nonzero(self.judged & ~self.gap), LEAST_APART - 1)
        by_numbers = self.gap & self.judged & (not apart)
        by_bytes = self.gap & ~by_numbers
        back = self.same_run & (before > number)
        swapped = taken.free_below(rows.run[self._swapped], rows.in_run[self._swapped])
        return [
            (self.b[by_numbers], GAP_NUMBERS, missing[by_numbers]),
            (self.b[by_bytes], GAP_BYTES, _by_bytes(rows, self.bytes, _lost_between(rows, self.kept))[by_bytes]),
            (self.b[jumps], *((NOT_CONSECUTIVE, np.ones(int(jumps.sum()))) if apart else (JUMP, missing[jumps]))),
            (self._swapped, JUMP, swapped * (not apart)),
            (self.b[self.doubtful], ODD, np.ones(int(self.doubtful.sum()), np.int64)),
            (self.b[back], BACK, np.ones(int(back.sum()), np.int64)),
        ]


def _odd(run: Array, number: Array) -> Bools:
    """Return which numbers do not lie between those of their neighbours, which are in order themselves."""
    odd = np.zeros(len(number), bool)
    before, this, after = number[:-2], number[1:-1], number[2:]
    same = (run[:-2] == run[1:-1]) & (run[2:] == run[1:-1])
    odd[1:-1] = same & (before < after) & ((this <= before) | (this > after))
    return odd


def _lost_between(rows: Rows, kept: Array) -> Array:
    lost: Array = np.diff(np.cumsum(~rows.good & ~rows.copy)[kept])
    return lost


def _by_bytes(rows: Rows, bytes_: Array, lost: Array) -> Array:
    """Return the events that some bytes held by the mean size of the file's events, less those booked as lost."""
    mean = float(rows.size[rows.numbered].mean())
    return np.maximum(np.rint(bytes_ / mean).astype(np.int64) - lost, 0)


def _ends(rows: Rows, kept: Array) -> list[tuple[Array, int, Array]]:
    """Return what is missing before the first and behind the last kept event."""
    found = []
    for entries, at in ((slice(0, kept[0]), kept[0]), (slice(kept[-1] + 1, None), len(rows.run) - 1)):
        lost = int(np.count_nonzero((~rows.good & ~rows.copy)[entries]))
        missing = _by_bytes(rows, np.array([rows.skipped[entries].sum()]), np.array([lost]))
        found.append((np.array([at]), GAP_BYTES, missing))
    return found


def _again(rows: Rows) -> Array:
    """Return the entries whose numbers were there before in the file."""
    numbered = np.flatnonzero(rows.numbered)
    key = number_key(rows.run[numbered], rows.in_run[numbered])
    again = np.zeros(len(key), bool)
    if np.any(np.diff(key) <= 0):
        _, which, count = np.unique(key, return_inverse=True, return_counts=True)
        same = np.flatnonzero(count[which] > 1)
        place = number_key(rows.spill[numbered[same]], rows.in_spill[numbered[same]])
        again[same] = True
        again[same[np.unique(np.stack([key[same], place], 1), axis=0, return_index=True)[1]]] = False
    return numbered[again]
