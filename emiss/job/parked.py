"""Event numbers of a file that are too many to be held for thousands of files at once: on disk, until they are asked for.

Of a file with every number of its chunk there is one range; of one that an event builder has written beside others, there are
as many as it has events. Beyond `MOST` ranges they are parked in a file that is named by what it holds.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - part of a dataclass that is pickled
from typing import Self, TypeAlias

import numpy as np

from emiss.configs.errors import Location, UserError
from emiss.events.files.atomic import part_of, settle
from emiss.reco.quality.event_numbers import Held, Numbers

MOST = 1024
"""Ranges that are held in memory for a file."""


@dataclass(frozen=True)
class Parked:
    """Event numbers that stand in a file."""

    path: Path
    digest: str

    @classmethod
    def named(cls, digest: str, folder: Path) -> Self:
        """Return the numbers of a hash, which stand in a folder if they do."""
        return cls(folder / f"{digest}.numbers.npz", digest)

    def load(self) -> Numbers:
        """Return the numbers.

        Raises
        ------
        UserError
            If they are not there any more.
        """
        try:
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                found = Numbers(Held(*stored["held"]), Held(*stored["claimed"]))
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            hint = "remove it and run the same command again"
            raise UserError(f"cannot be read: {error}", at=Location(str(self.path)), hint=hint) from None
        if digest_of(found) != self.digest:
            hint = "remove it and run the same command again"
            raise UserError("does not hold what its name says", at=Location(str(self.path)), hint=hint)
        return found


Known: TypeAlias = Numbers | Parked
"""Event numbers, wherever they are."""


def digest_of(numbers: Numbers) -> str:
    """Return a hash of event numbers."""
    said = hashlib.sha256()
    for ends in (numbers.held.low, numbers.held.high, numbers.claimed.low, numbers.claimed.high):
        said.update(f"{len(ends)} ".encode() + np.ascontiguousarray(ends, "<i8").tobytes())
    return said.hexdigest()[:32]


def digest(known: Known) -> str:
    """Return a hash of event numbers, wherever they are."""
    return known.digest if isinstance(known, Parked) else digest_of(known)


def load(known: Known) -> Numbers:
    """Return event numbers, from wherever they are.

    Raises
    ------
    UserError
        If they are parked, and cannot be read.
    """
    return known.load() if isinstance(known, Parked) else known


def park(numbers: Numbers, folder: Path) -> Known:
    """Return event numbers as they can be held for thousands of files: those of many ranges stand in `folder` then.

    Raises
    ------
    UserError
        If they cannot be written.
    """
    if len(numbers) <= MOST:
        return numbers
    parked = Parked.named(digest_of(numbers), folder)
    if parked.path.is_file():
        return parked
    trial = part_of(parked.path, ".npz")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with trial.open("wb") as file:
            np.savez(
                file,
                held=np.stack([numbers.held.low, numbers.held.high]),
                claimed=np.stack([numbers.claimed.low, numbers.claimed.high]),
            )
        settle(trial, parked.path)
    except OSError as error:
        trial.unlink(missing_ok=True)
        raise UserError(error.strerror or "cannot be written", at=Location(str(parked.path))) from None
    return parked
