"""Where the event tables of a job come from: run files through detector and constants, or foreign files through a map."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - part of a signature that is pickled
from typing import TYPE_CHECKING, Any, Protocol

from emiss.calib.conditions import Conditions
from emiss.events.files.identity import WORTH, Remembered, checksum
from emiss.events.provenance import code_version, text_hash
from emiss.reco.detector.model import load_detector
from emiss.reco.pipeline import Pipeline, check_constants
from emiss.reco.readers import open_run_file
from emiss.reco.readers.foreign.reader import ForeignFile, load_reader_map

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from emiss.events.columns import Column
    from emiss.events.table import EventTable
    from emiss.job.task import Setup
    from emiss.reco.quality.spills import Spills
    from emiss.reco.readers.base import RunFile


class Source(Protocol):
    """Opens files and turns them into event tables."""

    @property
    def configs(self) -> Mapping[str, str]:
        """The config files that have a say, with their texts."""
        ...

    @property
    def key(self) -> Mapping[str, Any]:
        """What the content of a table depends on besides file, range, constants and code."""
        ...

    def open(self, path: Path, index: Path | None = None, identity: str | None = None) -> Any:
        """Return a file after it has been checked; `index` is where its identity and its index are kept."""
        ...

    def columns(self, file: Any) -> Mapping[str, Column]:
        """Return the columns of the tables of a file."""
        ...

    def payloads(self, runs: Sequence[int]) -> list[str]:
        """Return the ids of the constants that hold for some runs."""
        ...

    def keep_index(self, file: Any, index: Path) -> None:
        """Store the index of a file in a folder, for the tasks to come."""
        ...

    def spills(self, file: Any) -> Spills | None:
        """Return the spills of a file, where its events do not say themselves what their place in the spill tells."""
        ...

    def tables(self, file: Any, start: int, stop: int, size: int, spills: Spills | None) -> Iterator[EventTable]:
        """Yield the event tables of entries start to stop of a file; `spills` are those of all files of the sample."""
        ...


class DetectorSource:
    """Raw and simulated run files of a detector."""

    def __init__(self, detector: Path, calib: Path) -> None:
        self.detector = load_detector(detector)
        self.conditions = Conditions.load(calib)
        self.pipeline = Pipeline(self.detector, self.conditions)

    @property
    def configs(self) -> Mapping[str, str]:
        """The detector file and those it extends."""
        return self.detector.texts

    @property
    def key(self) -> Mapping[str, Any]:
        """All files of the detector."""
        return {"detector": [f"{path.name} {checksum(path)}" for path in self.detector.files]}

    def open(self, path: Path, index: Path | None = None, identity: str | None = None) -> Any:
        """Return a run file that fits the detector and for whose runs all constants are there."""
        file = open_run_file(path, self.detector)
        if index is not None:
            _identify(file, index, identity)
            file.load_index(_index_file(file, index))
        file.check()
        check_constants(file, self.pipeline)
        return file

    def columns(self, file: Any) -> Mapping[str, Column]:
        """Return the columns of the detector, with the truth of a simulated file."""
        return self.pipeline.columns(file)

    def payloads(self, runs: Sequence[int]) -> list[str]:
        """Return the ids of the conditions tables for some runs."""
        return sorted({payload for run in runs for payload in self.conditions.for_run(run).payloads})

    def keep_index(self, file: Any, index: Path) -> None:
        """Store the index of a raw file, if it takes time to make it again."""
        if int(file.identity.partition(":")[0]) >= WORTH:
            file.save_index(_index_file(file, index))

    def spills(self, file: Any) -> Spills | None:
        """Return the spills of a raw file."""
        spills: Spills | None = file.spills()
        return spills

    def tables(self, file: Any, start: int, stop: int, size: int, spills: Spills | None) -> Iterator[EventTable]:
        """Yield reconstructed batches."""
        file.context = spills
        for batch in file.batches(start, stop, size):
            yield self.pipeline.run(batch, file.truth)


class MapSource:
    """Foreign files through a map."""

    def __init__(self, reader: Path) -> None:
        self.document = load_reader_map(reader)

    @property
    def configs(self) -> Mapping[str, str]:
        """The map."""
        return {str(self.document.path): self.document.text}

    @property
    def key(self) -> Mapping[str, Any]:
        """The text of the map."""
        return {"map": self.document.text}

    def open(self, path: Path, index: Path | None = None, identity: str | None = None) -> Any:
        """Return a file that fits the map."""
        file = ForeignFile(path, self.document)
        if index is not None:
            _identify(file, index, identity)
        return file

    def columns(self, file: Any) -> Mapping[str, Column]:
        """Return the columns that the map makes."""
        columns: Mapping[str, Column] = file.columns
        return columns

    def payloads(self, runs: Sequence[int]) -> list[str]:  # noqa: ARG002 - a map needs no constants
        """Return nothing."""
        return []

    def keep_index(self, file: Any, index: Path) -> None:
        """Do nothing: the index of a map is its event numbers."""

    def spills(self, file: Any) -> None:
        """Return None: the map says what the events are."""

    def tables(self, file: Any, start: int, stop: int, size: int, spills: Spills | None) -> Iterator[EventTable]:  # noqa: ARG002 - not needed
        """Yield the tables of the file."""
        yield from file.tables(start, stop, size)


def _identify(file: Any, folder: Path, identity: str | None) -> None:
    """Give a file the identity that is known of it, or remembered, or computed and remembered now."""
    if identity is None:
        identity = Remembered(folder).identity(file.path, lambda: str(file.identity), grows=file.grows)
    file.identity = identity
    if file.grows:
        file.end_at(int(identity.partition(":")[0]))


def _index_file(file: RunFile, index: Path) -> Path:
    """Return where the index of a file is kept: it is of this content and this code."""
    return index / f"{text_hash(f'{file.identity} {code_version()}')}.npz"


def source_of(setup: Setup) -> Source:
    """Return the source that a job's setup names."""
    if setup.reader is not None:
        return MapSource(setup.reader)
    assert setup.detector is not None  # noqa: S101 - a setup has one or the other
    assert setup.calib is not None  # noqa: S101
    return DetectorSource(setup.detector, setup.calib)
