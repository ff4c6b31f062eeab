"""One raw file that may still be written: what is new in it, in pieces of one spill each, whole events only.

The headers of new bytes are looked at once; what stands at the end and is not whole yet is waited for. A file that was cut
short, or that holds something else than before, is begun anew where it has to be.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.configs.errors import UserError
from emiss.reco.formats.date.bytes import FileBytes
from emiss.reco.formats.date.index.events import build
from emiss.reco.formats.date.layout import END_OF_BURST, HEADER_BYTES, MAGIC, PHYSICS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from emiss.reco.formats.date.index.events import Index

WINDOW = 1 << 26
"""Bytes that are looked at together, at most: what bounds the memory."""

END_OF_RUN = 2

_MAGIC = MAGIC.to_bytes(4, "little")


class Key(NamedTuple):
    """A spill."""

    run: int
    spill: int


@dataclass(frozen=True)
class Piece:
    """Some bytes of a file with whole events of one spill.

    Attributes
    ----------
    start, stop : int
        Bytes of the file.
    before : int
        Where the last event before begins: with it the numbers of the events tell what is missing; `start` where there is none.
    physics : int
        Physics events by their headers.
    life : int
        How often the file had begun anew.
    """

    file: Growing = field(compare=False, repr=False)
    key: Key
    start: int
    stop: int
    before: int
    physics: int
    life: int = 0

    @property
    def size(self) -> int:
        """Bytes."""
        return self.stop - self.start

    @property
    def gone(self) -> bool:
        """Whether the file does not hold it any more."""
        return self.life != self.file.life or self.stop > self.file.size


@dataclass
class Growing:
    """A raw file that is followed.

    Attributes
    ----------
    path : Path
        It may change: a file that is rotated goes on under another name.
    at : int
        The first byte that no piece has.
    size : int
        Bytes that were there when it was looked at last.
    grown : float
        When it has grown last, in the seconds of whoever asks.
    reached : Key or None
        The spill of the last numbered event.
    over : bool
        Whether that spill has ended: the event behind says so.
    life : int
        How often it was found to hold something else than before.
    """

    path: Path
    at: int = 0
    size: int = 0
    grown: float = 0.0
    reached: Key | None = None
    over: bool = False
    life: int = 0
    _head: bytes = b""
    _last: tuple[int, bytes] | None = None
    _marks: list[int] = field(default_factory=lambda: [0])

    @property
    def waiting(self) -> int:
        """Bytes at the end that are not whole events, or of no spill yet."""
        return max(self.size - self.at, 0)

    def look(self, now: float) -> str | None:
        """See how long the file is; return what has happened to it where it has not just grown.

        Raises
        ------
        OSError
            If it cannot be read.
        """
        with self.path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            head = file.read(HEADER_BYTES)
            other = not head.startswith(self._head) and not self._head.startswith(head)
            if self._last is not None and size >= self._last[0] + HEADER_BYTES and not other:
                file.seek(self._last[0])
                other = file.read(HEADER_BYTES) != self._last[1]
        if size != self.size:
            self.grown = now
        was, self.size = self.at, size
        if other or (size < was and not size):
            self._begin_anew(head)
            return "holds something else than before: it is read from its beginning" if other else "was emptied"
        self._head = max(self._head, head, key=len)
        if size < was:
            self._cut(size)
            return f"was cut short to {size} bytes; {was - size} bytes that were there are not there any more"
        return None

    @property
    def is_raw(self) -> bool | None:
        """Whether it is a raw file that can be followed; None as long as it is too short to tell."""
        return None if len(self._head) < 8 else self._head[4:8] == _MAGIC

    def pieces(self, *, final: bool = False) -> Iterator[Piece]:
        """Yield the pieces that are new; with `final` nothing more comes, and what is at the end is taken as it is.

        Raises
        ------
        UserError, OSError
            If the file cannot be read.
        """
        while self.at < self.size:
            before = self.at if self._last is None else self._last[0]
            stop = min(self.size, self.at + WINDOW)
            bytes_ = FileBytes(self.path, (before, stop))
            try:
                index = build(bytes_.all)
            finally:
                bytes_.close()
            rows = self._settled(index, self.at - before, whole=stop < self.size, final=final and stop == self.size)
            if rows.stop <= rows.start:
                return
            found = self._divided(index, rows, before, final=final)
            if not found:
                return
            yield from found
            if self.at - self._marks[-1] >= WINDOW:
                self._marks.append(self.at)

    def _settled(self, index: Index, skip: int, *, whole: bool, final: bool) -> slice:
        """Return the rows that nothing behind them can change."""
        first = int(np.searchsorted(index.offset, skip))
        last = len(index)
        if last > first and not index.good[-1] and not final and not (whole and last - first == 1):
            last -= 1  # half written, or damage whose end is not known
        return slice(first, last)

    def _divided(self, index: Index, rows: slice, before: int, *, final: bool) -> list[Piece]:
        """Return the pieces of some rows; those without a number go along with the event before them."""
        numbered = np.flatnonzero(index.numbered[rows]) + rows.start
        key = (index.run << 32) | index.spill
        if not len(numbered):
            if (self.over or self.reached is None) and not final and self.waiting < WINDOW:
                return []  # what stands before a spill is of it
            owner = self.reached or Key(0, 0)
            return [self._piece(index, rows.start, rows.stop, before, owner)]
        starts = [rows.start]
        owners = [Key(int(index.run[numbered[0]]), int(index.spill[numbered[0]]))]
        if self.reached is not None and not self.over and owners[0] != self.reached and numbered[0] > rows.start:
            starts.append(int(numbered[0]))
            owners.insert(0, self.reached)
        for place in np.flatnonzero(np.diff(key[numbered])):
            entry = numbered[place + 1]
            starts.append(int(entry))
            owners.append(Key(int(index.run[entry]), int(index.spill[entry])))
        stops = [*starts[1:], rows.stop]
        return [
            self._piece(index, start, stop, before, owner)
            for start, stop, owner in zip(starts, stops, owners, strict=True)
        ]

    def _piece(self, index: Index, start: int, stop: int, base: int, key: Key) -> Piece:
        """Return the piece of some rows, and remember its end."""
        begin, end = self.at, base + int(index.offset[stop - 1] + index.size[stop - 1])
        previous = begin if self._last is None else self._last[0]
        numbered = np.flatnonzero(index.numbered[start:stop]) + start
        last = stop - 1
        self.at = end
        self.over = bool(index.good[last] and index.type[last] in (END_OF_BURST, END_OF_RUN))
        if len(numbered):
            self.reached = key
            at = base + int(index.offset[numbered[-1]])
            self._last = at, self._bytes_at(at)
        physics = int(np.count_nonzero(index.good[start:stop] & (index.type[start:stop] == PHYSICS)))
        return Piece(self, key, begin, end, previous, physics, self.life)

    def _bytes_at(self, at: int) -> bytes:
        with self.path.open("rb") as file:
            file.seek(at)
            return file.read(HEADER_BYTES)

    def _cut(self, size: int) -> None:
        """Go back to the last whole event of a file that was cut short; nothing is looked at twice."""
        mark = max(mark for mark in self._marks if mark <= size)
        self._marks = [one for one in self._marks if one <= size]
        self._last = None
        bytes_ = FileBytes(self.path, (mark, size))
        try:
            index = build(bytes_.all)
        finally:
            bytes_.close()
        good = np.flatnonzero(index.good)
        self.at = mark + (int(index.offset[good[-1]] + index.size[good[-1]]) if len(good) else 0)

    def _begin_anew(self, head: bytes) -> None:
        self.at, self.reached, self.over = 0, None, False
        self.life += 1
        self._head, self._last, self._marks = head, None, [0]


def raised(error: UserError | OSError) -> str:
    """Return what is wrong with a file, without its name."""
    return error.message if isinstance(error, UserError) else error.strerror or str(error)
