"""What is asked of a run file when a job is planned, and what is known of it then: plain values, which travel."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - part of a dataclass that is pickled
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - part of a dataclass that is pickled
from typing import TYPE_CHECKING, Any

from emiss.runlist import ListedSample  # noqa: TC001 - part of a dataclass that is pickled

if TYPE_CHECKING:
    from emiss.configs.arrays import Array
    from emiss.events.columns import Column
    from emiss.events.files.identity import Stamp
    from emiss.job.parked import Known
    from emiss.reco.quality.spills import Spills


@dataclass(frozen=True)
class Asked:
    """A file that is to be looked at, and how."""

    sample: ListedSample
    path: Path
    index_folder: Path
    max_events: int | None
    task_entries: int

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True)
class Chunk:
    """The entries of one task: how many of its physics events are kept, and of which (run, spill) its good events are."""

    start: int
    stop: int
    kept: int
    spills: Array


@dataclass(frozen=True)
class FileSurvey:
    """One run file.

    Attributes
    ----------
    path : Path
    identity : str
    stamp : Stamp or None
    grows : bool
        Whether the file may grow while the job runs.
    entries : int
        Of the whole file.
    chunks : tuple of Chunk
        What is to be read, one per task.
    physics, kept : int
        Physics events of the file; those that neither the sample's runs nor a bad spill exclude.
    weight : float
        Sum of the weights of the kept events.
    kept_spills : int64 array of shape (S, 2)
        Run and spill of kept events.
    excluded_spills : tuple of (run, spill)
        Bad spills that the file has events of.
    runs : tuple of int
    payloads : tuple of str
        Ids of the constants that hold for them.
    spills : Spills or None
        Without event numbers.
    numbers : Numbers or Parked
        The event numbers.
    first_number : int
        The lowest of them, with its run.
    columns : mapping of name to Column
        Of the tables it gives.
    on_target : float or None
        Particles on target that it says it stands for.
    process : mapping
    tier : str
    """

    path: Path
    identity: str
    stamp: Stamp | None
    grows: bool
    entries: int
    chunks: tuple[Chunk, ...]
    physics: int
    kept: int
    weight: float
    kept_spills: Array
    excluded_spills: tuple[tuple[int, int], ...]
    runs: tuple[int, ...]
    payloads: tuple[str, ...]
    spills: Spills | None
    numbers: Known
    first_number: int
    columns: Mapping[str, Column]
    on_target: float | None
    process: Mapping[str, Any]
    tier: str

    @property
    def last(self) -> int:
        """The entry behind the last one that is read."""
        return self.chunks[-1].stop

    @property
    def read_kept(self) -> int:
        """How many kept events are read."""
        return sum(chunk.kept for chunk in self.chunks)
