"""Run files that are made up: as many, and as long, as one likes, with an index and without a single byte of events.

Only `Source` is replaced: the planning is that of any job. `plan_of` makes the real plan of a real run list.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np

from emiss.configs import loader
from emiss.events.ledger import Ledger
from emiss.job.plan import plan
from emiss.job.source import DetectorSource, source_of
from emiss.job.worker import Worker
from emiss.reco.detector.model import load_detector
from emiss.reco.quality.event_numbers import Held, Numbers
from emiss.reco.quality.spills import Spills
from emiss.reco.readers.base import PlainIndex
from emiss.runlist import ListedSample, RunList

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from emiss.events.columns import Column
    from emiss.events.table import EventTable
    from emiss.job.plan import Job
    from emiss.job.task import Setup, Task

FIRST_RUN = 4001
SHIPPED_FILE = Path(__file__).parents[1] / "samples" / "data" / "signal.dat"
SPILL = 5_000
"""Events of a spill."""


@dataclass(frozen=True)
class Shape:
    """What the files are like.

    Attributes
    ----------
    entries : int
        Of each file.
    files_of_run : int
    builders : int
        Event builders of a run, each of which writes every so many-th event to files of its own.
    """

    entries: int = 100_000
    files_of_run: int = 100
    builders: int = 1


class MadeUpFile:
    """A raw run file that its number in its name tells everything about; `seconds` is what making up has taken."""

    seconds = 0.0
    splits, grows, tier = True, True, "raw"
    on_target: float | None = None
    process: Mapping[str, Any] = {}

    def __init__(self, path: Path, shape: Shape, columns: Mapping[str, Column]) -> None:
        begun = time.process_time()
        number = int(path.stem)
        self.identity = f"0:sha256:{number:064x}"
        self.columns = columns
        run, place = divmod(number, shape.files_of_run)
        chunk, builder = divmod(place, shape.builders)
        first = chunk * shape.entries * shape.builders + builder
        event = first + shape.builders * np.arange(shape.entries)
        self._run = np.full(shape.entries, FIRST_RUN + run)
        spill, in_spill = np.divmod(event, SPILL)
        self._index = PlainIndex.of(self._run, spill + 1, np.ones(len(self._run)))
        numbers = Numbers(Held.of(self._run, event + 1), Held())
        self._spills = Spills.of(self._run, spill + 1, in_spill + 1, np.zeros(len(self._run), bool), numbers)
        MadeUpFile.seconds += time.process_time() - begun

    def index(self) -> PlainIndex:
        """Return one row per event."""
        return self._index

    def spills(self) -> Spills:
        """Return the spills, without losses."""
        return self._spills

    def tables(self, start: int, stop: int, size: int, spills: Spills | None) -> Iterator[EventTable]:
        """There are no events."""
        raise NotImplementedError

    def close(self) -> None:
        """There is nothing to close."""


@cache
def columns() -> Mapping[str, Column]:
    """Return the columns of the tables."""
    opened = DetectorSource(load_detector("na64e_lfc").file, loader.find("calib", "demo")).open(SHIPPED_FILE)
    try:
        return dict(opened.columns)
    finally:
        opened.close()


class MadeUp:
    """A detector with its constants, whose files are made up."""

    def __init__(self, source: DetectorSource, shape: Shape) -> None:
        self._source, self._shape = source, shape
        self.detector = source.detector
        self.configs, self.content, self.key = source.configs, source.content, source.key
        self._columns = columns()

    def open(self, path: Path, index: Path | None = None, identity: str | None = None) -> MadeUpFile:  # noqa: ARG002 - nothing is kept
        """Return a file."""
        return MadeUpFile(path, self._shape, self._columns)

    def payloads(self, runs: Sequence[int]) -> list[str]:
        """Return the ids of the constants."""
        return self._source.payloads(runs)

    def constants(self, payloads: Sequence[str]) -> Mapping[str, Any]:
        """Return the tag of the constants."""
        return self._source.constants(payloads)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is to be known of the constants."""
        return self._source.remarks


@contextmanager
def made_up(shape: Shape) -> Iterator[None]:
    """Make files up while the block runs, in the place of those that a detector reads."""

    def source(setup: Setup) -> MadeUp:
        found = source_of(setup)
        assert isinstance(found, DetectorSource)
        return MadeUp(found, shape)

    with mock.patch("emiss.job.plan.source_of", source), mock.patch("emiss.job.survey.source_of", source):
        yield


def files_in(folder: Path, count: int) -> tuple[Path, ...]:
    """Make empty files with names of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = tuple(folder / f"{number:06d}.dat" for number in range(count))
    for path in paths:
        path.touch()
    return paths


def plan_of(folder: Path, count: int, shape: Shape, **options: Any) -> Job:
    """Return the plan of a job on so many files."""
    sample = ListedSample("beam", "background", files_in(folder / "raw", count), on_target=1e12)
    runs = RunList("made_up", "na64e_lfc", "e_to_mu_phi", "demo", (sample,), folder)
    with made_up(shape):
        return plan(runs, folder / "out", **options)


@contextmanager
def no_events() -> Iterator[None]:
    """Let tasks be done without events and tables while the block runs: what is left is what the job does about them."""
    made: list[Any] = []

    def make(worker: Worker, task: Task) -> tuple[Ledger, Any, int]:
        if not made:
            made.append(worker._counter(worker._bind(columns()), task).yields())  # noqa: SLF001 - as `_make` does
        events = task.stop - task.start
        return Ledger(read=events, passed=events), made[0], events

    with (
        mock.patch.object(Worker, "_make", make),
        mock.patch("emiss.job.worker.source_of", return_value=mock.Mock(detector=None)),
        mock.patch("emiss.job.worker.content_of", return_value={}),
    ):
        yield
