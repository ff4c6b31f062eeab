"""Where the event tables of a job come from: run files through detector and constants, or foreign files through a map.

A `Source` is what all files of a job share; a `SourceFile` is one of them, open. A job knows no more of its inputs than these.
"""

from __future__ import annotations

import json
import platform
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from emiss.calib.conditions import Conditions
from emiss.calib.suspects import suspicious
from emiss.configs.errors import UserError
from emiss.events.files.identity import checksum
from emiss.events.language.plug_in import used_in
from emiss.events.provenance import text_hash
from emiss.job.kept import Kept
from emiss.reco.detector.model import load_detector
from emiss.reco.pipeline import Pipeline, check_constants
from emiss.reco.readers import open_run_file
from emiss.reco.readers.foreign.reader import ForeignFile, load_reader_map
from emiss.reco.readers.raw import RawRunFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from emiss.events.columns import Column
    from emiss.events.table import EventTable
    from emiss.job.task import Setup
    from emiss.reco.detector.model import Detector
    from emiss.reco.quality.spills import Spills
    from emiss.reco.readers.base import Index, RunFile
    from emiss.selection import Analysis


class SourceFile(Protocol):
    """A file that is open, has been checked, and can be turned into event tables."""

    @property
    def identity(self) -> str:
        """Size and checksum: names the content, wherever the file lies."""
        ...

    @property
    def splits(self) -> bool:
        """Whether a part of the file can be read without all before it, so that tasks may share it."""
        ...

    @property
    def grows(self) -> bool:
        """Whether the file may get longer while it is read; what is there when it is opened is read."""
        ...

    @property
    def tier(self) -> str:
        """``raw`` (digits), ``hits`` (simulated hits) or ``table`` (of another program)."""
        ...

    @property
    def on_target(self) -> float | None:
        """Particles on target that the file stands for, where it knows."""
        ...

    @property
    def process(self) -> Mapping[str, Any]:
        """What was simulated, its parameters in base units; empty for data and where it is not known."""
        ...

    @property
    def columns(self) -> Mapping[str, Column]:
        """The columns of the tables of the file."""
        ...

    def index(self) -> Index:
        """Return one row per event, lost ones included."""
        ...

    def spills(self) -> Spills | None:
        """Return the spills, where the events do not say themselves what their place in the spill tells."""
        ...

    def tables(self, start: int, stop: int, size: int, spills: Spills | None) -> Iterator[EventTable]:
        """Yield the event tables of entries start to stop; `spills` are those of all files of the sample."""
        ...

    def close(self) -> None:
        """Let the file go; what was read of it stays."""
        ...


class Source(Protocol):
    """Opens files that become event tables."""

    @property
    def detector(self) -> Detector | None:
        """The set-up; None for a map."""
        ...

    @property
    def configs(self) -> Mapping[str, str]:
        """The config files that have a say, with their texts."""
        ...

    @property
    def content(self) -> Mapping[str, str]:
        """A hash of each config and set of constants that it has read."""
        ...

    @property
    def plug_ins(self) -> Mapping[str, str]:
        """The plug-ins that have a say in the tables, with package, version and code."""
        ...

    @property
    def key(self) -> Mapping[str, object]:
        """What the content of a table depends on besides file, range, constants and code; plain data."""
        ...

    def open(self, path: Path, index: Path | None = None, identity: str | None = None) -> SourceFile:
        """Return a file after it has been checked.

        Parameters
        ----------
        path : Path
        index : Path, optional
            The folder where identity, index and spills of the file are kept.
        identity : str, optional
            What the file held when it was looked at before; a file that has grown since ends where it ended then.

        Raises
        ------
        UserError
            If the file cannot be read or does not fit, or a constant is missing.
        """
        ...

    def payloads(self, runs: Sequence[int]) -> list[str]:
        """Return the ids of the constants that hold for some runs."""
        ...

    def constants(self, payloads: Sequence[str]) -> Mapping[str, Any]:
        """Return the tag of the constants for the provenance, with the tables of these ids; empty without constants."""
        ...

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is to be known of the constants."""
        ...


def source_of(setup: Setup) -> Source:
    """Return the source that a job's setup names."""
    if setup.reader is not None:
        return MapSource(setup.reader)
    assert setup.detector is not None  # noqa: S101 - a setup has one or the other
    assert setup.calib is not None  # noqa: S101
    return DetectorSource(setup.detector, setup.calib)


def content_of(source: Source, analysis: Analysis | None = None) -> dict[str, str]:
    """Return a hash of each config that a source, and an analysis, have read."""
    cuts = {} if analysis is None else analysis.source_texts
    return {**source.content, **{Path(name).name: text_hash(text) for name, text in cuts.items()}}


def check_content(setup: Setup, found: Mapping[str, str]) -> None:
    """Refuse configs that are not those which the job was planned with.

    Raises
    ------
    UserError
        Names them.
    """
    other = [name for name, said in setup.content if found.get(name, said) != said]
    if other:
        raise UserError(
            f"not the configs here that the job was planned with: {', '.join(other)} (on {platform.node()})",
            hint="run the job again, with the same files everywhere",
        )


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

    @cached_property
    def content(self) -> Mapping[str, str]:
        """The detector file with those it extends, the channel maps, and all constants together."""
        texts = {path.name: checksum(path) for path in self.detector.files}
        payloads = [table.payload for table in self.conditions.tables]  # the order of some tables has a meaning
        return {
            **texts,
            **dict(self._maps),
            f"constants {Path(self.conditions.tag).name}": text_hash(" ".join(payloads)),
        }

    @property
    def plug_ins(self) -> Mapping[str, str]:
        """The stages that the detector file names, and the functions that its derived quantities call."""
        return self.detector.plug_ins

    @cached_property
    def key(self) -> Mapping[str, object]:
        """All files of the detector, and the plug-ins that it uses."""
        files = [f"{path.name} {checksum(path)}" for path in self.detector.files]
        return {"detector": files, **({"plug-ins": dict(self.plug_ins)} if self.plug_ins else {})}

    @cached_property
    def _maps(self) -> list[tuple[str, str]]:
        """The channel maps, wherever they are."""
        return [(path.name, checksum(path)) for path in sorted(self.detector.channel_maps_path.rglob("*.xml"))]

    @cached_property
    def _of_kept(self) -> str:
        """What spills depend on besides the run file: the detector, and its channel maps."""
        return json.dumps([self.key, [f"{name} {said}" for name, said in self._maps]])

    def open(self, path: Path, index: Path | None = None, identity: str | None = None) -> DetectorFile:
        """Return a run file that fits the detector and for whose runs all constants are there."""
        file = open_run_file(path, self.detector)
        kept = None if index is None else Kept(index, file.path, self._of_kept)
        if kept is not None and identity is None:
            identity = kept.identity(file)
        opened = DetectorFile(file, self.pipeline, kept, identity)
        file.check()
        check_constants(file, self.pipeline)
        return opened

    def payloads(self, runs: Sequence[int]) -> list[str]:
        """Return the ids of the conditions tables for some runs."""
        return sorted({payload for run in runs for payload in self.conditions.for_run(run).payloads})

    def constants(self, payloads: Sequence[str]) -> Mapping[str, Any]:
        """Return the tag of the constants."""
        return self.conditions.about(payloads)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is to be known of the constants."""
        return (*self.conditions.remarks, *map(str, suspicious(self.conditions)))


class DetectorFile:
    """A raw or simulated run file that is reconstructed; without `kept`, nothing of it is known or kept."""

    def __init__(self, run_file: RunFile, pipeline: Pipeline, kept: Kept | None, identity: str | None) -> None:
        self.run_file = run_file
        self.splits, self.grows, self.tier = run_file.splits, run_file.grows, run_file.tier
        self.on_target, self.process = run_file.on_target, run_file.process
        self._pipeline, self._kept, self._identity = pipeline, kept, identity
        if kept is not None and identity is not None:
            if isinstance(run_file, RawRunFile) and run_file.grows:
                run_file.end_at(int(identity.partition(":")[0]))
            kept.index(run_file, identity)

    @property
    def identity(self) -> str:
        """Size and checksum of the file."""
        return self._identity or self.run_file.identity

    @property
    def columns(self) -> Mapping[str, Column]:
        """The columns of the detector, with the truth of a simulated file."""
        return self._pipeline.columns(self.run_file)

    def index(self) -> Index:
        """Return the index of the run file."""
        return self.run_file.index()

    def spills(self) -> Spills | None:
        """Return the spills of a raw file."""
        return self.run_file.spills() if self._kept is None else self._kept.spills(self.identity, self.run_file.spills)

    def tables(self, start: int, stop: int, size: int, spills: Spills | None) -> Iterator[EventTable]:
        """Yield reconstructed batches."""
        self.run_file.context = spills
        yield from self._pipeline.tables(self.run_file, start, stop, size)

    def close(self) -> None:
        """Let the run file go."""
        self.run_file.close()


class MapSource:
    """Foreign files through a map."""

    detector = None

    def __init__(self, reader: Path) -> None:
        self.document = load_reader_map(reader)

    @property
    def configs(self) -> Mapping[str, str]:
        """The map."""
        return {str(self.document.path): self.document.text}

    @property
    def content(self) -> Mapping[str, str]:
        """The map."""
        return {self.document.path.name: text_hash(self.document.text)}

    @cached_property
    def plug_ins(self) -> Mapping[str, str]:
        """Those whose functions the map calls."""
        return {str(one): one.identity for one in used_in(self.document.text)}

    @property
    def key(self) -> Mapping[str, object]:
        """The text of the map, and the plug-ins whose functions it calls."""
        return {"map": self.document.text, **({"plug-ins": dict(self.plug_ins)} if self.plug_ins else {})}

    def open(self, path: Path, index: Path | None = None, identity: str | None = None) -> MapFile:
        """Return a file that fits the map."""
        file = ForeignFile(path, self.document)
        if index is None:
            return MapFile(file, None)
        return MapFile(file, identity or Kept(index, file.path).identity(file))

    def payloads(self, runs: Sequence[int]) -> list[str]:  # noqa: ARG002 - a map needs no constants
        """Return nothing."""
        return []

    def constants(self, payloads: Sequence[str]) -> Mapping[str, Any]:  # noqa: ARG002 - a map needs no constants
        """Return nothing."""
        return {}

    @property
    def remarks(self) -> tuple[str, ...]:
        """Nothing."""
        return ()


class MapFile:
    """A file of another program that is read through a map; `identity` is None where nobody has asked for it yet."""

    def __init__(self, mapped: ForeignFile, identity: str | None) -> None:
        self.mapped = mapped
        self.splits, self.grows, self.tier = mapped.splits, mapped.grows, mapped.tier
        self.on_target, self.process, self.columns = mapped.on_target, mapped.process, mapped.columns
        self._identity = identity

    @property
    def identity(self) -> str:
        """Size and checksum of the file."""
        return self._identity or self.mapped.identity

    def index(self) -> Index:
        """Return the run, spill and weight that the map gives to each event."""
        return self.mapped.index()

    def spills(self) -> None:
        """Return None: the map says what the events are."""

    def tables(self, start: int, stop: int, size: int, spills: Spills | None) -> Iterator[EventTable]:  # noqa: ARG002 - not needed
        """Yield the tables of the file."""
        yield from self.mapped.tables(start, stop, size)

    def close(self) -> None:
        """Close the file."""
        self.mapped.close()
