"""Where events are looked at: run files with their set-up, and tables of a job, which know the run files they were made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from emiss.configs.errors import Location, UserError
from emiss.events.files.identity import number_of
from emiss.reco.pipeline import Pipeline
from emiss.reco.readers import open_run_file
from emiss.reco.readers.base import PHYSICS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from emiss.calib.conditions import Conditions, RunConditions
    from emiss.configs.arrays import Ints
    from emiss.events.batch import Batch
    from emiss.events.columns import Column
    from emiss.events.files.base import TableFile
    from emiss.events.table import EventTable
    from emiss.reco.detector.model import Detector
    from emiss.reco.readers.base import RunFile
    from emiss.reco.run import Run

NUMBERS = ("event.run", "event.spill", "event.in_spill")
"""What an event is called by."""


@dataclass(frozen=True)
class One:
    """One event: its row of the event table, and what the run file has of it.

    Attributes
    ----------
    table : EventTable
        One row, all columns.
    batch : Batch, optional
        Digits or hits; None where the run file cannot be read, and `lacking` says why.
    conditions : RunConditions, optional
        Of its run.
    """

    table: EventTable
    batch: Batch | None = None
    conditions: RunConditions | None = None
    lacking: str = ""


class Events(Protocol):
    """A file with events that can be listed and opened one by one; a row is an event's place for good.

    Attributes
    ----------
    path : Path
    sample, role : str
    step : int
        Rows that are best read at a time.
    """

    path: Path
    sample: str
    role: str
    step: int

    @property
    def columns(self) -> Mapping[str, Column]:
        """The columns that can be asked for."""
        ...

    @property
    def rows(self) -> Ints | range:
        """The rows that hold an event, rising; a few may turn out to be damaged."""
        ...

    def blocks(self, start: int, stop: int, columns: Sequence[str]) -> Iterator[tuple[Ints, EventTable]]:
        """Yield the events of some rows with some columns, and their rows."""
        ...

    def of_spill(self, run: int, spill: int) -> tuple[int, int]:
        """Return a range of rows outside of which no event of a spill stands."""
        ...

    def one(self, row: int) -> One:
        """Return an event.

        Raises
        ------
        UserError
            If there is none.
        """
        ...


class RunEvents:
    """Events of a run file, which are reconstructed when they are asked for; rows are entries of its index."""

    step = 256

    def __init__(self, run: Run, file: RunFile) -> None:
        self.run, self.file = run, file
        self.path = file.path
        self.sample = file.path.stem
        self.role = "signal" if file.truth else "data"
        self._pipelines: dict[tuple[str, ...], Pipeline] = {}
        index = file.index()
        self.rows = np.flatnonzero(index.good & (index.type == PHYSICS))

    @property
    def columns(self) -> Mapping[str, Column]:
        """Those of the set-up, with the truth of a simulated file."""
        return self.run.pipeline.columns(self.file)

    def blocks(self, start: int, stop: int, columns: Sequence[str]) -> Iterator[tuple[Ints, EventTable]]:
        """Yield reconstructed events with what is needed for some columns."""
        asked = tuple(dict.fromkeys([*columns, "event.entry"]))
        if asked not in self._pipelines:
            self._pipelines[asked] = Pipeline(self.run.detector, self.run.conditions, asked)
        for table in self._pipelines[asked].tables(self.file, start, stop, self.step):
            self._name(table)
            yield table.flat["event.entry"].astype(np.int64), table

    def _name(self, table: EventTable) -> None:
        """Say of which file events are, as a job does."""
        if "event.file" in table.flat:
            table.flat["event.file"][:] = number_of(self.file.identity)

    def of_spill(self, run: int, spill: int) -> tuple[int, int]:
        """Return the first and the last entry of a spill by the index."""
        index = self.file.index()
        there = np.flatnonzero((index.run == run) & (index.spill == spill))
        return (int(there[0]), int(there[-1]) + 1) if len(there) else (0, 0)

    def one(self, row: int) -> One:
        """Return an entry, reconstructed."""
        batch = event_of(self.file, row)
        table = self.run.pipeline.run(batch, self.file.truth)
        self._name(table)
        return One(table, batch, self.run.conditions.for_run(batch.run))


class TableEvents:
    """Events of a stored table; their digits come from the run file that the table was made of, where that is there."""

    step = 32_768

    def __init__(self, path: Path, file: TableFile, detector: Detector, conditions: Conditions) -> None:
        assert file.metadata is not None  # noqa: S101 - `open_events` has looked
        self.path, self.table = path, file
        self.sample, self.role = file.metadata.sample, file.metadata.role
        self.detector, self.conditions = detector, conditions
        self.rows = range(file.entries)
        self._inputs = {
            number_of(str(item["identity"])): Path(item["path"])
            for item in file.metadata.provenance.get("inputs", [])
            if "identity" in item and "path" in item
        }
        self._open: dict[Path, RunFile] = {}

    @property
    def columns(self) -> Mapping[str, Column]:
        """Those of the table."""
        return self.table.columns

    def blocks(self, start: int, stop: int, columns: Sequence[str]) -> Iterator[tuple[Ints, EventTable]]:
        """Yield rows as they are stored."""
        for table in self.table.batches(columns, start=start, stop=stop, size=self.step):
            yield np.arange(start, start + len(table)), table
            start += len(table)

    def of_spill(self, run: int, spill: int) -> tuple[int, int]:  # noqa: ARG002 - a table has no index
        """Return all rows."""
        return 0, len(self.rows)

    def one(self, row: int) -> One:
        """Return a row, with what the run file has of the event."""
        if row not in self.rows:
            raise UserError(f"no row {row}; the table has {len(self.rows)}", at=Location(str(self.path)))
        table = next(iter(self.table.batches(start=row, stop=row + 1)))
        try:
            batch = self._batch(table)
        except UserError as error:
            return One(table, lacking=str(error))
        return One(table, batch, self.conditions.for_run(batch.run))

    def _batch(self, table: EventTable) -> Batch:
        """Return what the run file has of the event of a row."""
        path = self._inputs.get(int(table.flat["event.file"][0])) if "event.file" in table.flat else None
        if path is None:
            raise UserError("the table does not say of which run file it was made")
        if path not in self._open:
            file = open_run_file(path, self.detector)
            file.check()
            self._open[path] = file
        batch = event_of(self._open[path], int(table.flat["event.entry"][0]))
        for name in NUMBERS:
            if batch.header[name.partition(".")[2]][0] != table.flat[name][0]:
                raise UserError("holds other events than the table was made of", at=Location(str(path)))
        return batch


def event_of(file: RunFile, entry: int) -> Batch:
    """Return the batch that holds nothing but one entry of a run file.

    Raises
    ------
    UserError
        If the file has no such entry, or it is no physics event.
    """
    entries = len(file.index())
    if not 0 <= entry < entries:
        raise UserError(f"no entry {entry}; the file has {entries}", at=Location(str(file.path)))
    batch = next(iter(file.batches(entry, entry + 1)))
    if not len(batch):
        why = {**batch.ledger.not_physics, **batch.ledger.lost}
        raise UserError(
            f"entry {entry} is no physics event ({', '.join(why)})",
            at=Location(str(file.path)),
            hint="try the next one",
        )
    return batch
