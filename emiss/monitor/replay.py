"""A finished raw file shown as if it grew: copied to a folder of its own, at the times of its events times a speed."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from emiss.configs.errors import Location, UserError
from emiss.reco.formats.date.bytes import FileBytes
from emiss.reco.formats.date.index.events import build

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emiss.configs.arrays import Array

STEP = 0.05
"""Seconds between two writes."""

ODD = 13
"""Bytes by which a write ends away from the end of an event: a DAQ's buffers know no events."""


class Replay:
    """A file that is being replayed.

    Attributes
    ----------
    path : Path
        The growing copy.
    ended : threading.Event
        Set when all has been written.
    """

    def __init__(self, source: Path, folder: Path, speed: float) -> None:
        self.path = folder / source.name
        self.ended = threading.Event()
        self._stop = threading.Event()
        self._bytes = FileBytes(source)
        index = build(self._bytes.all)
        if not len(index) or not index.good.any():
            raise UserError("holds no event that could be replayed", at=Location(str(source)))
        self._at, self._seconds = index.offset + index.size, _seconds(index.time, index.good) / speed
        self._thread = threading.Thread(target=self._write, name="replay", daemon=True)

    def __enter__(self) -> Self:
        self.path.touch()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._bytes.close()

    def _write(self) -> None:
        begun, done = time.monotonic(), 0
        total = len(self._bytes.data)
        with self.path.open("ab", buffering=0) as file:
            while done < total and not self._stop.is_set():
                row = int(np.searchsorted(self._seconds, time.monotonic() - begun, side="right"))
                stop = total if row >= len(self._at) else int(self._at[row - 1]) + ODD if row else 0
                if stop > done:
                    file.write(self._bytes.need(done, min(stop, total))[done:stop].tobytes())
                    done = min(stop, total)
                self._stop.wait(STEP)
        self.ended.set()


def _seconds(time_: Array, good: Array) -> Array:
    """Return when each event was taken, seconds from the first; those of one second are spread over it."""
    known = np.maximum.accumulate(np.where(good, time_, 0)).astype(float)
    known[known == 0] = known[known > 0][0] if (known > 0).any() else 0.0
    _, first, count = np.unique(known, return_index=True, return_counts=True)
    place = np.arange(len(known)) - np.repeat(first, count)
    spread: Array = known - known[0] + place / np.repeat(count, count)
    return spread


@contextmanager
def replayed(source: Path, speed: float) -> Iterator[Replay]:
    """Replay a raw file in a folder that goes away again.

    Raises
    ------
    UserError
        If it is no raw file, or there is no room for the copy.
    """
    if not source.is_file():
        raise UserError("no such file", at=Location(str(source)))
    folder = Path(tempfile.mkdtemp(prefix="emiss-replay-"))
    try:
        if shutil.disk_usage(folder).free < source.stat().st_size:
            raise UserError(f"no room for a copy of {source} in {folder.parent}", hint="set TMPDIR to another folder")
        with Replay(source, folder, speed) as replay:
            yield replay
    finally:
        shutil.rmtree(folder, ignore_errors=True)
