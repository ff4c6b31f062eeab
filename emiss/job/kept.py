"""What takes time to find out about a run file is found out once and kept: content, index, spills.

Parts of a job that are started together all plan the same job. Of those that want to know the same of a file one finds it out,
and the others wait for it and read what it has kept.
"""

from __future__ import annotations

import zipfile
from contextlib import nullcontext
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from emiss.configs.errors import Location, UserError
from emiss.events.files.atomic import part_of, settle
from emiss.events.files.identity import WORTH, Remembered, Stamp
from emiss.events.location import is_remote
from emiss.events.provenance import code_version, text_hash
from emiss.job.lock import in_turn
from emiss.reco.quality.event_numbers import Held, Numbers
from emiss.reco.quality.spills import Spills

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from emiss.reco.readers.base import RunFile
    from emiss.reco.readers.foreign.reader import ForeignFile

T = TypeVar("T")

LOCKS = 64
"""Locks that all files share: files of one lock wait for each other."""


class Kept:
    """What is kept of one file in a folder.

    Parameters
    ----------
    folder : Path
    path : Path
        Of the run file.
    key : str
        What spills depend on besides content and code: that of the source.
    """

    def __init__(self, folder: Path, path: Path, key: str = "") -> None:
        self.folder = folder
        self.path = path
        self.key = key

    def identity(self, file: RunFile | ForeignFile) -> str:
        """Return the identity of the file."""
        memory = Remembered(self.folder)

        def compute() -> str:
            with self._turn():
                # somebody else may have done it meanwhile
                return memory.identity(self.path, lambda: file.identity, grows=file.grows)

        return memory.identity(self.path, compute, grows=file.grows)

    def index(self, file: RunFile, identity: str) -> None:
        """Give a run file its index, and keep it if it takes time to make it again."""
        stored = self._file("npz", identity)
        file.load_index(stored)
        if _worth(identity) and not stored.exists():
            with self._turn():
                file.load_index(stored)
                file.save_index(stored)

    def spills(self, identity: str, make: Callable[[], Spills | None]) -> Spills | None:
        """Return the spills of a file, and keep them if it takes time to find them again."""
        if not _worth(identity):
            return make()
        stored = self._file("spills.npz", identity, self.key)
        if (known := _read_spills(stored)) is not None:
            return known
        with self._turn():
            known = _read_spills(stored)
            if known is None and (known := make()) is not None:
                self.folder.mkdir(parents=True, exist_ok=True)
                _write_spills(stored, known)
        return known

    def _file(self, suffix: str, *of: object) -> Path:
        """Return where something is kept: it is of this code, and of what else is named."""
        return self.folder / f"{text_hash(' '.join(map(str, (*of, code_version()))))}.{suffix}"

    def _turn(self) -> Any:
        said = Stamp.of(self.path)
        if is_remote(self.folder) or said is None or said.size < WORTH:
            return nullcontext()
        self.folder.mkdir(parents=True, exist_ok=True)
        return in_turn(self.folder / f".lock-{int(text_hash(str(self.path.absolute())), 16) % LOCKS:02}")


def _worth(identity: str) -> bool:
    return int(identity.partition(":")[0]) >= WORTH


def _write_spills(path: Path, spills: Spills) -> None:
    """Write spills with their event numbers, whole or not at all."""
    trial = part_of(path, ".npz")
    held, claimed = spills.numbers.held, spills.numbers.claimed
    try:
        with trial.open("wb") as file:
            np.savez(
                file,
                spills=np.stack([spills.key, spills.last, spills.broken]),
                held=np.stack([held.low, held.high]),
                claimed=np.stack([claimed.low, claimed.high]),
            )
        settle(trial, path)
    except OSError as error:
        raise UserError(error.strerror or "cannot be written", at=Location(str(path))) from None
    finally:
        trial.unlink(missing_ok=True)


def _read_spills(path: Path) -> Spills | None:
    """Return the spills that `_write_spills` wrote; None if they are not there, or cannot be used."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            key, last, broken = stored["spills"]
            return Spills(key, last, broken, Numbers(Held(*stored["held"]), Held(*stored["claimed"])))
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None
