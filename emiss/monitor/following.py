"""A raw file, or a folder in which files appear and grow: which spills are complete, and what else has happened.

The pieces of a spill may be in several files, and those of a file come in order. A spill is complete when every file that still
grows has gone past it, or has said that it is over.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from emiss.configs.errors import Location, UserError
from emiss.monitor.growing import Growing, Key, Piece, raised

if TYPE_CHECKING:
    from collections.abc import Iterator

Inode = tuple[int, int]


@dataclass(frozen=True)
class Spill:
    """A spill with its pieces; `late`: some of it has been given before."""

    key: Key
    pieces: tuple[Piece, ...]
    late: bool = False

    @property
    def physics(self) -> int:
        """Physics events by their headers."""
        return sum(piece.physics for piece in self.pieces)

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(piece.size for piece in self.pieces)


@dataclass
class Found:
    """What one look has found: spills that are complete, in order, and what is to be said of files."""

    spills: list[Spill] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Following:
    """Follows a path.

    Parameters
    ----------
    path : Path
        A raw file, or a folder with some; it need not be there yet.
    settle : float
        Seconds after which a file that has not grown is not waited for any more.

    Attributes
    ----------
    grown : float
        When something has grown last, in the seconds of whoever asks.
    """

    def __init__(self, path: Path, settle: float) -> None:
        self.path = path
        self.settle = settle
        self.grown = 0.0
        self._files: dict[Inode, Growing] = {}
        self._left_alone: set[Inode] = set()
        self._open: dict[Key, list[Piece]] = {}
        self._given: set[Key] = set()

    @property
    def files(self) -> list[Growing]:
        """The files that are followed."""
        return list(self._files.values())

    @property
    def waiting(self) -> int:
        """Bytes that are there and are not whole events yet."""
        return sum(file.waiting for file in self._files.values())

    @property
    def begun(self) -> tuple[Key, int] | None:
        """The spill that is being written, and its physics events so far."""
        if not self._open:
            return None
        key = max(self._open)
        return key, sum(piece.physics for piece in self._open[key])

    def look(self, now: float, *, final: bool = False) -> Found:
        """Look at all files; with `final` every spill is complete, and only what is half written is left.

        Raises
        ------
        UserError
            If the path is there and can never be followed.
        """
        found = Found()
        self._find(found)
        for inode, file in list(self._files.items()):
            try:
                self._look_at(file, found, now)
            except (OSError, UserError) as error:
                found.notes.append(f"{file.path}: {raised(error)}; it is looked at again")
            if file.is_raw is False:
                self._leave_alone(inode, found)
        self.grown = max([self.grown, *(file.grown for file in self._files.values())])
        for key in sorted(self._open):
            if final or all(self._past(file, key, now) for file in self._files.values()):
                found.spills.append(Spill(key, tuple(self._open.pop(key)), key in self._given))
                self._given.add(key)
        return found

    def _look_at(self, file: Growing, found: Found, now: float) -> None:
        if said := file.look(now):
            self._forget(file, found)
            found.notes.append(f"{file.path}: {said}")
        if file.is_raw:
            for piece in file.pieces(final=self._ended(file, now)):
                self._open.setdefault(piece.key, []).append(piece)

    def _find(self, found: Found) -> None:
        """Find the files by what they are, and not by their names: one that is rotated is the same as before."""
        there = dict(self._paths())
        if (
            not self.path.is_dir()
        ):  # where a file was rotated, or a link points to another, the old one is still somewhere
            lost = set(self._files) - set(there)
            there.update((inode, self._files[inode].path) for inode in lost if _is(self._files[inode].path, inode))
            if lost and self.path.parent.is_dir():
                there.update((inode, path) for inode, path in _files_in(self.path.parent) if inode in lost)
        for inode, path in sorted(there.items(), key=lambda item: item[1]):
            if inode in self._left_alone:
                continue
            known = self._files.setdefault(inode, Growing(path))
            if known.path != path:
                found.notes.append(f"{known.path}: is called {path.name} now")
                known.path = path
        for inode in set(self._files) - set(there):
            gone = self._files.pop(inode)
            gone.life += 1
            rest = f"; {gone.waiting} bytes of it were not looked at" if gone.waiting else ""
            found.notes.append(f"{gone.path}: is not there any more{rest}")

    def _paths(self) -> Iterator[tuple[Inode, Path]]:
        try:
            if self.path.is_dir():
                yield from _files_in(self.path)
            elif self.path.exists():
                yield _inode(self.path.stat()), self.path.resolve()
        except OSError as error:
            raise UserError(error.strerror or "cannot be read", at=Location(str(self.path))) from None

    def _leave_alone(self, inode: Inode, found: Found) -> None:
        """Say once that a file is none that can be followed."""
        file = self._files.pop(inode)
        said = "not a raw run file that can be followed (DATE, not compressed)"
        if not self.path.is_dir():
            raise UserError(said, at=Location(str(self.path)), hint="decompress it; 'emiss inspect' says what it is")
        self._left_alone.add(inode)
        found.notes.append(f"{file.path}: {said}; left alone")

    def _forget(self, file: Growing, found: Found) -> None:
        """Drop the pieces that a file does not hold any more."""
        for key, pieces in list(self._open.items()):
            kept = [piece for piece in pieces if piece.file is not file or not piece.gone]
            if gone := sum(piece.physics for piece in pieces) - sum(piece.physics for piece in kept):
                found.notes.append(f"{file.path}: {gone} events of run {key.run} spill {key.spill} are gone with it")
            self._open[key] = kept
            if not kept:
                del self._open[key]

    def _ended(self, file: Growing, now: float) -> bool:
        """Whether a file has ended: it does not grow, and another one has gone further."""
        return now - file.grown >= self.settle and any(
            other is not file and other.reached is not None and other.reached > (file.reached or Key(0, 0))
            for other in self._files.values()
        )

    def _past(self, file: Growing, key: Key, now: float) -> bool:
        """Whether a file will hold no more of a spill."""
        if now - file.grown >= self.settle:
            return True
        return file.reached is not None and (file.reached > key or (file.reached == key and file.over))


def _files_in(folder: Path) -> Iterator[tuple[Inode, Path]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_file() and not entry.name.startswith("."):
                yield _inode(entry.stat()), Path(entry.path)


def _is(path: Path, inode: Inode) -> bool:
    try:
        return _inode(path.stat()) == inode
    except OSError:
        return False


def _inode(found: os.stat_result) -> Inode:
    return found.st_dev, found.st_ino
