"""The search for events: file by file and block by block, only as far as somebody wants to see."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss.look.sources import NUMBERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from emiss.configs.arrays import Ints
    from emiss.events.table import EventTable
    from emiss.look.judge import Judge, Judged, Wanted
    from emiss.look.sources import Events


@dataclass(frozen=True)
class Row:
    """An event of a list: file and row, what it is called by, and the first cut it fails (-1: none)."""

    file: int
    row: int
    run: int
    spill: int
    number: int
    failed: int

    @property
    def name(self) -> str:
        """RUN/SPILL/NUMBER."""
        return f"{self.run}/{self.spill}/{self.number}"


class Search:
    """The events that are wanted, in the order of the files.

    Parameters
    ----------
    files : sequence of Events
    judge : Judge
    wanted : Wanted

    Raises
    ------
    UserError
        If something is wanted that cannot be asked.
    """

    def __init__(self, files: Sequence[Events], judge: Judge, wanted: Wanted) -> None:
        self.files, self.judge, self.wanted = files, judge, wanted
        for file in files:
            judge.check(file, wanted)
        self.found: list[Row] = []
        self.looked = 0
        self.total = sum(len(file.rows) for file in files)
        self.done = False
        self._stream = self._blocks()

    def advance(self, count: int, seconds: float = float("inf")) -> None:
        """Go on until so many events are found in all, or so much time is over."""
        end = time.monotonic() + seconds
        while not self.done and len(self.found) < count:
            block = next(self._stream, None)
            if block is None:
                self.done = True
            else:
                self.found += block
            if time.monotonic() > end:
                return

    def rows(self) -> Iterator[Row]:
        """Yield all that are still to be found, and keep none."""
        for block in self._stream:
            yield from block

    def _blocks(self) -> Iterator[list[Row]]:
        before = 0
        for number, file in enumerate(self.files):
            columns = list(dict.fromkeys([*self.judge.columns(file, self.wanted), *NUMBERS]))
            for start, stop in self._ranges(file):
                for places, table in file.blocks(start, stop, columns):
                    judged = self.judge(file, table, self.wanted)
                    chosen = np.flatnonzero(judged.wanted).tolist()
                    if len(places):
                        self.looked = before + _before(file.rows, int(places[-1]) + 1)
                    yield [row_of(number, int(places[at]), table, at, judged) for at in chosen]
            before += len(file.rows)
            self.looked = before

    def _ranges(self, file: Events) -> Iterator[tuple[int, int]]:
        """Yield ranges of rows in which something that is wanted may stand."""
        rows = file.rows
        first, last = (int(rows[0]), int(rows[-1]) + 1) if len(rows) else (0, 0)
        if self.wanted.events:
            places = [file.of_spill(run, spill) for run, spill in {event[:2] for event in self.wanted.events}]
            places = [(start, stop) for start, stop in places if start < stop]
            first = max(first, min((start for start, _ in places), default=last))
            last = min(last, max((stop for _, stop in places), default=first))
        for start in range(first, last, file.step):
            yield start, min(start + file.step, last)


def _before(rows: Ints | range, stop: int) -> int:
    """Return how many rows are below one."""
    return min(stop, len(rows)) if isinstance(rows, range) else int(np.searchsorted(rows, stop))


def listed(files: Sequence[Events], judge: Judge, wanted: Wanted, start: int, count: int) -> list[Row]:
    """Return events by their place among all, where none is hidden and all are wanted: nothing else is read."""
    found: list[Row] = []
    before = 0
    for number, file in enumerate(files):
        chosen = file.rows[max(start - before, 0) : max(start + count - before, 0)]
        before += len(file.rows)
        if not len(chosen):
            continue
        columns = list(dict.fromkeys([*judge.columns(file, wanted), *NUMBERS]))
        for rows, table in file.blocks(int(chosen[0]), int(chosen[-1]) + 1, columns):
            judged = judge(file, table, wanted)
            found += [row_of(number, int(rows[at]), table, at, judged) for at in np.flatnonzero(judged.wanted).tolist()]
    return found


def row_of(file: int, row: int, table: EventTable, at: int, judged: Judged) -> Row:
    """Return an event of a table for a list."""
    run, spill, number = (int(table.flat[name][at]) for name in NUMBERS)
    return Row(file, row, run, spill, number, int(judged.failed[at]))
