"""What there is of a job: tables done and missing, who is at work, what failed last; read from its folder alone."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from emiss.configs.errors import Location, UserError
from emiss.events.files.manifest import NAME, Manifest
from emiss.events.files.open import open_stored
from emiss.job import failures, lock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from emiss.events.files.manifest import Entry
    from emiss.job.lock import Owner


@dataclass(frozen=True)
class SampleStatus:
    """One sample: how many of its tables there are, how many stand for something else, and how many entries they have.

    Of a hidden sample only `complete` may be told.
    """

    tables: int
    done: int
    other: int
    entries: int
    entries_done: int
    hidden: bool

    @property
    def missing(self) -> int:
        """Tables that are not there at all."""
        return self.tables - self.done - self.other

    @property
    def complete(self) -> bool:
        """Whether all tables are there."""
        return self.done == self.tables


@dataclass(frozen=True)
class Status:
    """A job.

    Attributes
    ----------
    samples : mapping of name to SampleStatus
    at_work : sequence of Owner
    failures : sequence of str
        Of the last job that could not do everything.
    rate : float or None
        Entries per second of the job that is at work, of samples that are not hidden.
    """

    samples: Mapping[str, SampleStatus]
    at_work: Sequence[Owner]
    failures: Sequence[str]
    rate: float | None

    @property
    def complete(self) -> bool:
        """Whether all tables are there and nothing has failed."""
        return all(sample.complete for sample in self.samples.values()) and not self.failures

    @property
    def remaining(self) -> float | None:
        """Seconds until all entries are done at the present rate; None where it is not known, or not to be told."""
        if not self.rate or any(sample.hidden for sample in self.samples.values()):
            return None
        return sum(sample.entries - sample.entries_done for sample in self.samples.values()) / self.rate


def status(folder: Path) -> Status:
    """Return what there is of the job in a folder.

    Parameters
    ----------
    folder : Path
        What was given as ``--out``, or the folder of the tables in it.

    Raises
    ------
    UserError
        If there is no job.
    """
    tables = folder if (folder / NAME).is_file() else folder / "tables"
    if not (tables / NAME).is_file():
        raise UserError("no job has begun here", at=Location(str(folder)), hint="emiss process RUNS --out FOLDER")
    manifest = Manifest.load(tables)
    owners = lock.at_work(tables)
    since = min((datetime.fromisoformat(owner.since).timestamp() for owner in owners), default=None)
    told = manifest.about.get("hidden")
    samples, fresh = {}, 0
    for name, sample in manifest.samples.items():
        hidden = sample.role == "data" if told is None else name in told
        found = {entry.table: _is_right(tables / entry.table, entry.key) for entry in sample.tables}
        right = [entry for entry in sample.tables if found[entry.table]]
        if since is not None and not hidden:
            fresh += sum(_size(entry) for entry in right if (tables / entry.table).stat().st_mtime >= since)
        samples[name] = SampleStatus(
            tables=len(found),
            done=len(right),
            other=sum(said is False for said in found.values()),
            entries=sum(map(_size, sample.tables)),
            entries_done=sum(map(_size, right)),
            hidden=hidden,
        )
    rate = None if since is None else fresh / max(time.time() - since, 1.0)
    return Status(samples, owners, failures.load(tables), rate)


def _size(entry: Entry) -> int:
    return entry.entries[1] - entry.entries[0]


def _is_right(path: Path, key: str) -> bool | None:
    """Return whether a table has a key; None if there is none."""
    if not path.is_file():
        return None
    try:
        stored = open_stored(path)
    except UserError:
        return False
    stored.close()
    return stored.metadata is not None and stored.metadata.provenance.get("task") == key
