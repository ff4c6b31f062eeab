"""The Python surface of the reconstruction: `open` some run files, `process` them to an event table in memory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from emiss.calib.beside import constants_of
from emiss.calib.conditions import Conditions
from emiss.configs.errors import Location, Problems, UserError
from emiss.events.files.identity import number_of
from emiss.events.provenance import record
from emiss.events.table import EventTable
from emiss.reco.detector.model import load_detector
from emiss.reco.pipeline import Pipeline, check_constants
from emiss.reco.quality.spills import Spills
from emiss.reco.readers import open_run_file
from emiss.reco.readers.base import BATCH, refuse_copies

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from emiss.reco.detector.model import Detector
    from emiss.reco.readers.base import RunFile


class Run:
    """Run files with the detector and the conditions they are read with."""

    def __init__(self, files: Sequence[RunFile], pipeline: Pipeline) -> None:
        self.files = tuple(files)
        self.pipeline = pipeline

    @property
    def detector(self) -> Detector:
        """The set-up."""
        return self.pipeline.detector

    @property
    def conditions(self) -> Conditions:
        """The calibration constants."""
        return self.pipeline.conditions

    @property
    def payloads(self) -> list[str]:
        """The ids of the conditions tables that hold for the runs of the files."""
        runs = {run for file in self.files for run in file.index().runs()}
        return sorted({payload for run in runs for payload in self.conditions.for_run(run).payloads})

    def check(self) -> None:
        """Raise a UserError if a file does not fit the detector or the other files, or a constant is missing."""
        if not self.files:
            raise UserError("no run files were given")
        problems = Problems()
        for file in self.files:
            try:
                file.check()
                check_constants(file, self.pipeline)
                if set(file.truth) != set(self.files[0].truth):
                    other = f"the truth columns are not those of {self.files[0].path}"
                    raise UserError(other, at=Location(str(file.path)), hint="open raw and simulated files apart")
            except UserError as error:
                problems.add(error)
        problems.check()
        refuse_copies(self.files)

    def tables(self, *, size: int = BATCH) -> Iterator[EventTable]:
        """Yield the event table of each batch of each file."""
        for number in range(len(self.files)):
            yield from self.file_tables(number, size=size)

    def file_tables(
        self, number: int, start: int = 0, stop: int | None = None, *, size: int = BATCH
    ) -> Iterator[EventTable]:
        """Yield the event table of each batch of the entries start to stop of one file."""
        file = self.files[number]
        for table in self.pipeline.tables(file, start, stop, size):
            table.flat["event.file"][:] = number_of(file.identity)
            yield table


def open(  # noqa: A001 - reco.open is what users expect
    files: str | Path | Sequence[str | Path], *, detector: str | Path = "na64e_lfc", calib: str | Path | None = None
) -> Run:
    """Open run files and check them.

    Parameters
    ----------
    files : path or sequence of paths
        Raw or simulated run files.
    detector, calib : str or Path
        Names that ship with emiss, or files and folders. Without `calib` the constants are those beside the detector
        file, or else those of the demo runs.

    Raises
    ------
    UserError
        If a file cannot be read, does not fit the detector, lacks a constant, or holds the same as another.
    """
    paths = [files] if isinstance(files, str | Path) else list(files)
    loaded = load_detector(detector)
    run = Run(
        [open_run_file(path, loaded) for path in paths],
        Pipeline(loaded, Conditions.load(calib or constants_of(detector))),
    )
    run.check()
    known = [spills for file in run.files if (spills := file.spills()) is not None]
    for file in run.files:
        file.context = Spills.merge(known) if known else None
    return run


def process(run: Run, *, size: int = BATCH) -> EventTable:
    """Reconstruct all events of a run into one table in memory.

    Parameters
    ----------
    run : Run
    size : int
        Events per batch; changes nothing in the result.
    """
    detector = run.detector
    table = EventTable.concatenate(run.tables(size=size))
    table.metadata.ledger.check()
    known = [file.on_target for file in run.files]
    inputs = [{"path": str(f.path), "identity": f.identity, "entries": [[0, len(f.index())]]} for f in run.files]
    processes = [dict(file.process) for file in run.files if file.process]
    return table.with_metadata(
        process=processes[0] if processes and all(process == processes[0] for process in processes) else {},
        on_target=sum(n for n in known if n) if known and None not in known else None,
        provenance=record(
            configs=detector.texts,
            payloads=run.payloads,
            constants=run.conditions.about(run.payloads),
            inputs=inputs,
        ),
    )
