"""The work of one task: read an entry range, reconstruct it, write its event table, count the cuts on the way."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss import selection
from emiss.configs.errors import UserError
from emiss.events.columns import QUALITY_BITS
from emiss.events.files.identity import number_of, still_the_same
from emiss.events.files.open import TableWriter, open_stored
from emiss.events.ledger import Ledger
from emiss.job.absent import MADE_WITH, from_detector
from emiss.job.source import check_content, content_of, source_of
from emiss.job.survey import of_runs
from emiss.reco.quality.spills import within
from emiss.selection.blinding import is_hidden
from emiss.selection.results.cutflow import Cutflow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from emiss.events.columns import Column
    from emiss.events.table import EventTable
    from emiss.job.source import SourceFile
    from emiss.job.task import Setup, Task
    from emiss.selection.counting.counter import Counter, Yields
    from emiss.selection.counting.engine import Bound


@dataclass(frozen=True)
class Done:
    """What a finished task brings home."""

    task: Task
    cutflow: Cutflow
    yields: Yields
    events: int
    seconds: float
    reused: bool
    growing: bool = False


class Worker:
    """Does tasks of one job; holds what they share (source, analysis)."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup = setup.here()
        self.source = source_of(setup)
        self.analysis = selection.load(setup.analysis, set=dict(setup.overrides))
        check_content(setup, content_of(self.source, self.analysis))
        self._bound: dict[tuple[str, ...], Bound] = {}

    def run(self, task: Task) -> Done:
        """Make the task's table, or take the one that is there, and count the cuts."""
        begun = time.perf_counter()
        growing = still_the_same(task.file, task.identity, task.stamp, grows=task.grows)
        counted = self._count_stored(task) if self._stored(task) else None
        reused = counted is not None
        ledger, yields, events = counted or self._make(task)
        cutflow = Cutflow.single(
            analysis=self.analysis.name,
            cuts_hash=self.analysis.cuts_hash,
            sample=task.sample.name,
            role=task.sample.role,
            on_target=task.on_target,
            scale=task.sample.scale,
            partial=task.partial,
            ledger=ledger,
            regions=yields.regions,
            coverage={task.identity: ((task.start, task.stop),)},
            provenance={},
            process=task.process,
            hidden=is_hidden(self.analysis, task.sample.name, task.sample.role) and not self.setup.unblind,
        )
        return Done(task, cutflow, replace(yields, regions={}), events, time.perf_counter() - begun, reused, growing)

    def _bind(self, columns: Mapping[str, Column]) -> Bound:
        key = tuple(columns)
        if key not in self._bound:
            absent = from_detector(self.source.detector, columns)
            self._bound[key] = selection.bind(self.analysis, columns, absent=absent)
        return self._bound[key]

    def _counter(self, bound: Bound, task: Task) -> Counter:
        return bound.counter(sample=task.sample.name, role=task.sample.role, unblind=self.setup.unblind)

    def _make(self, task: Task) -> tuple[Ledger, Yields, int]:
        """Reconstruct the entries of the task into its table, and count the cuts in the same pass."""
        file = self.source.open(task.file, task.index, task.identity)
        ledger, events = Ledger(), 0
        counter = metadata = None
        try:
            with TableWriter(task.table) as writer:
                for table in self._tables(task, file):
                    writer.extend(table)
                    metadata = table.metadata
                    ledger += metadata.ledger
                    counter = counter or self._counter(self._bind(metadata.columns), task)
                    counter.add(table)
                    events += len(table)
                if metadata is None or counter is None:
                    msg = f"{task}: the reader yielded no batch"
                    raise RuntimeError(msg)
                # the file may have been written to while it was read
                still_the_same(task.file, task.identity, task.stamp, grows=task.grows)
                inputs = [{"path": str(task.file), "identity": task.identity, "entries": [[task.start, task.stop]]}]
                writer.finish(
                    replace(
                        metadata,
                        sample=task.sample.name,
                        role=task.sample.role,
                        ledger=ledger.check(),
                        process=task.process,
                        provenance={"task": task.key, "inputs": inputs, **self._made_with()},
                    )
                )
        finally:
            file.close()
        return ledger, counter.yields(), events

    def _tables(self, task: Task, file: SourceFile) -> Iterator[EventTable]:
        """Yield the event tables of the task's batches with the excluded events taken out and counted."""
        number = number_of(task.identity)
        for table in file.tables(task.start, task.stop, self.setup.batch, task.context):
            table.flat["event.file"][:] = number
            yield self._exclude(table, task)

    def _exclude(self, table: EventTable, task: Task) -> EventTable:
        nothing = np.zeros(len(table), np.int32)
        run, spill = (table.flat.get(name, nothing) for name in ("event.run", "event.spill"))
        other_run = ~of_runs(run, task.sample)
        bad = within(run, spill, self.setup.bad_spills) & ~other_run
        if not (other_run.any() or bad.any()):
            return table
        excluded = {"other_run": int(other_run.sum()), "bad_spill": int(bad.sum())}
        ledger = table.metadata.ledger
        left = other_run | bad
        hurt = table.flat.get("event.quality", nothing)[left] & np.uint32(1 << QUALITY_BITS["part_lost"])
        unusable = min(int(np.count_nonzero(hurt)), ledger.unusable)
        moved = Ledger(passed=-sum(excluded.values()), excluded=excluded, unusable=-unusable)
        return table.take(~left).with_metadata(ledger=ledger + moved)

    def _made_with(self) -> dict[str, Any]:
        """Return what the tables are made with, for their provenance."""
        name = {} if self.source.detector is None else {MADE_WITH: self.source.detector.name}
        return {**name, **({"plug_ins": dict(self.source.plug_ins)} if self.source.plug_ins else {})}

    @staticmethod
    def _stored(task: Task) -> bool:
        """Whether the task's table stands there already, made from the same input by the same code."""
        if not task.table.is_file():
            return False
        try:
            metadata = open_stored(task.table).metadata
        except UserError:
            return False
        return metadata is not None and metadata.provenance.get("task") == task.key

    def _count_stored(self, task: Task) -> tuple[Ledger, Yields, int] | None:
        """Count the cuts on the stored table of the task; None where it cannot be read to its end and has to be made again."""
        try:
            file = open_stored(task.table)
            bound = self._bind(file.columns)
            counter = self._counter(bound, task)
            for table in file.batches(bound.columns):
                counter.add(table)
        except UserError:
            return None
        return None if file.metadata is None else (file.metadata.ledger, counter.yields(), file.entries)


@dataclass(frozen=True)
class Tasks:
    """The tasks of a job as a piece of work."""

    setup: Setup
    name = "process"

    def start(self) -> Callable[[Task], Done]:
        """Load detector, constants and analysis."""
        return Worker(self.setup).run
