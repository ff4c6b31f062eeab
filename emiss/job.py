"""Planning of a job: everything that can be known before the first event is read, and the tasks that follow from it.

Files are opened and checked, runs looked up in the conditions, the cuts bound to the columns; only then are tasks
made, one per entry range of a file. A task's key names all its result depends on, so that a finished task is never done
twice and never taken for another.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path  # noqa: TC003 - part of a dataclass that is pickled
from typing import TYPE_CHECKING, Any

import numpy as np

import selection
from configs import loader
from configs.errors import Location, Problems, UserError
from emiss.runlist import read_on_target
from emiss.source import source_of
from events.provenance import code_version, text_hash
from reco.detector import load_detector
from reco.spills import Spills
from selection import blinding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.runlist import RunList, Sample
    from emiss.source import Source
    from events.lists import Array
    from reco.readers.base import Index, RunFile
    from selection import Analysis
    from selection.scans import BoundScan

PHYSICS = 7
TASK_ENTRIES = 20_000
BATCH = 2_048


@dataclass(frozen=True)
class Setup:
    """What every task of a job shares; plain values, so that a worker process can be given it."""

    analysis: str
    detector: Path | None = None
    calib: Path | None = None
    reader: Path | None = None
    overrides: tuple[tuple[str, str], ...] = ()
    unblind: bool = False
    batch: int = BATCH
    bad_spills: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True)
class Task:
    """One entry range of one file, and the table it becomes.

    `part` is its number among the tasks of its sample and how many these are; `sample_on_target` is the whole sample's.
    `spills` are those of its events, known from all files of the sample; `index` is the folder with the files' indices.
    """

    sample: Sample
    file: Path
    file_number: int
    identity: str
    start: int
    stop: int
    table: Path
    key: str
    on_target: float | None
    partial: bool
    part: tuple[int, int] = (0, 1)
    sample_on_target: float | None = None
    spills: Spills | None = None
    index: Path | None = None
    process: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.file} entries {self.start}-{self.stop}"


@dataclass(frozen=True)
class Job:
    """A planned job."""

    setup: Setup
    runlist: RunList
    analysis: Analysis
    tasks: tuple[Task, ...]
    entries: int
    configs: Mapping[str, str]
    scans: tuple[BoundScan, ...] = ()
    payloads: tuple[str, ...] = ()
    inputs: tuple[Mapping[str, Any], ...] = field(default_factory=tuple)

    @property
    def hidden(self) -> tuple[str, ...]:
        """The samples of which events are hidden: their number of entries is shown nowhere."""
        if self.setup.unblind:
            return ()
        return tuple(s.name for s in self.runlist.samples if blinding.is_hidden(self.analysis, s.name, s.role))


def plan(
    runlist: RunList,
    out: Path,
    *,
    overrides: Mapping[str, str] | None = None,
    unblind: bool = False,
    max_events: int | None = None,
    task_entries: int = TASK_ENTRIES,
    batch: int = BATCH,
    table_suffix: str = ".root",
) -> Job:
    """Check everything a job needs and return its tasks.

    Parameters
    ----------
    runlist : RunList
    out : Path
        Where the tables will stand: ``out/tables/SAMPLE/FILE.root``.
    overrides : mapping, optional
        Parameters of the analysis set on the command line.
    unblind : bool
        Whether the box of blinded samples is opened.
    max_events : int, optional
        Read only so many entries of each file; the cutflow is marked partial.
    task_entries, batch : int
        Entries per task and per batch; no count depends on them.
    table_suffix : str
        ``.root`` or ``.parquet``.

    Raises
    ------
    UserError
        All mistakes that can be found without reading events.
    """
    analysis_path = loader.find("analyses", runlist.analysis, near=runlist.near)
    analysis = selection.load(analysis_path, set=overrides)
    setup = _setup(runlist, str(analysis_path), overrides, unblind=unblind, batch=batch)
    source = source_of(setup)
    index_folder = out / "tables" / ".index"
    problems = Problems()
    roles = {sample.name: sample.role for sample in runlist.samples}
    try:
        blinding.check(analysis, roles, overrides or {}, unblind=unblind)
    except UserError as error:
        problems.add(error)
    opened: list[tuple[Sample, int, RunFile]] = []
    scans: tuple[BoundScan, ...] = ()
    number = 0
    for sample in runlist.samples:
        for path in sample.files:
            try:
                file = source.open(path, index_folder)
                scans = analysis.bind(source.columns(file)).scans
                opened.append((sample, number, file))
            except UserError as error:
                problems.add(error)
            number += 1
    problems.check()
    totals, shares = _shares(runlist, opened)
    spills = _spills(source, opened)
    tasks: list[Task] = []
    inputs: list[dict[str, Any]] = []
    tables: set[Path] = set()
    for sample, file_number, file in opened:
        index = file.index()
        last = len(index) if max_events is None else min(max_events, len(index))
        physics = np.concatenate(([0], np.cumsum(_kept(index, sample, runlist.bad_spills))))
        each = shares[sample.name]
        inputs.append(
            {"path": str(file.path), "identity": file.identity, "entries": [[0, last]], "sample": sample.name}
        )
        step = task_entries if file.splits else max(last, 1)
        for start in range(0, max(last, 1), step):
            stop = min(start + step, last)
            name = _stem(file.path) if last <= step else f"{_stem(file.path)}.{start:09d}"
            table = out / "tables" / sample.name / f"{name}{table_suffix}"
            while table in tables:  # two files of one name in different folders
                table = table.with_name(f"{file_number}_{table.name}")
            tables.add(table)
            known = spills[sample.name] if source.spills(file) is not None else None
            if known is not None:
                good = np.flatnonzero(index.good[start:stop]) + start
                known = known.part(index.run[good], index.spill[good])
            tasks.append(
                Task(
                    sample=sample,
                    file=file.path,
                    file_number=file_number,
                    identity=file.identity,
                    start=start,
                    stop=stop,
                    table=table,
                    key=_key(
                        setup,
                        sample,
                        file_number,
                        file.identity,
                        start,
                        stop,
                        source.payloads(index.runs()),
                        source,
                        known,
                    ),
                    on_target=None if each is None else each * float(physics[stop] - physics[start]),
                    partial=last < len(index),
                    sample_on_target=totals[sample.name],
                    spills=known,
                    index=index_folder,
                    process=file.process,
                )
            )
    for _, _, file in opened:
        source.keep_index(file, index_folder)
    tasks = [replace(task, part=part) for task, part in zip(tasks, _parts(tasks), strict=True)]
    return Job(
        setup=setup,
        runlist=runlist,
        analysis=analysis,
        tasks=tuple(tasks),
        entries=sum(task.stop - task.start for task in tasks),
        configs={
            **({f"{runlist.name}.yaml": runlist.text} if runlist.text else {}),
            **source.configs,
            **analysis.source_texts,
        },
        scans=scans,
        payloads=tuple(source.payloads([run for _, _, file in opened for run in file.index().runs()])),
        inputs=tuple(inputs),
    )


def _setup(runlist: RunList, analysis: str, overrides: Mapping[str, str] | None, *, unblind: bool, batch: int) -> Setup:
    """Return what all tasks share."""
    shared = Setup(
        analysis=analysis,
        overrides=tuple((overrides or {}).items()),
        unblind=unblind,
        batch=batch,
        bad_spills=runlist.bad_spills,
    )
    if runlist.reader is not None:
        return replace(shared, reader=loader.find("readers", runlist.reader, near=runlist.near))
    return replace(
        shared,
        detector=load_detector(runlist.detector, near=runlist.near).file,
        calib=loader.find("calib", runlist.calib, near=runlist.near),
    )


def _stem(path: Path) -> str:
    """Return the name of a file without ``.dat``, ``.dat.gz`` and the like."""
    return path.name.removesuffix(".gz").removesuffix(".zst").rpartition(".")[0] or path.stem


def _parts(tasks: Sequence[Task]) -> list[tuple[int, int]]:
    """Return for each task its number among those of its sample, and how many these are."""
    counts = Counter(task.sample.name for task in tasks)
    seen: Counter[str] = Counter()
    parts = []
    for task in tasks:
        parts.append((seen[task.sample.name], counts[task.sample.name]))
        seen[task.sample.name] += 1
    return parts


def _spills(source: Source, opened: Sequence[tuple[Sample, int, RunFile]]) -> dict[str, Spills | None]:
    """Return for each sample the spills of all its files; None where the events know all themselves."""
    found: dict[str, list[Spills]] = {sample.name: [] for sample, _, _ in opened}
    for sample, _, file in opened:
        if (spills := source.spills(file)) is not None:
            found[sample.name].append(spills)
    return {name: Spills.merge(parts) if parts else None for name, parts in found.items()}


def _physics(index: Index) -> Array:
    """Return which entries are physics events, shape (N,)."""
    chosen: Array = index.good & (index.type == PHYSICS)
    return chosen


def _kept(index: Index, sample: Sample, bad_spills: frozenset[tuple[int, int]]) -> Array:
    """Return which entries are physics events of the sample's runs and not of bad spills, shape (N,)."""
    kept = _physics(index)
    if sample.runs:
        kept &= np.logical_or.reduce([(index.run >= part.first) & (index.run <= part.last) for part in sample.runs])
    for run, spill in bad_spills:
        kept &= ~((index.run == run) & (index.spill == spill))
    return kept


def _shares(
    runlist: RunList, opened: Sequence[tuple[Sample, int, RunFile]]
) -> tuple[dict[str, float | None], dict[str, float | None]]:
    """Return for each sample the particles on target, and those per physics event; None where they are not known.

    What is excluded stands for nothing: of a table only the spills that are kept count, of a number their share.
    """
    totals: dict[str, float | None] = {}
    shares: dict[str, float | None] = {}
    for sample in runlist.samples:
        files = [file for other, _, file in opened if other.name == sample.name]
        indices = [file.index() for file in files]
        kept = [_kept(index, sample, runlist.bad_spills) for index in indices]
        physics = sum(int(np.count_nonzero(_physics(index))) for index in indices)
        count = sum(int(np.count_nonzero(chosen)) for chosen in kept)
        total = sample.on_target
        stored = [file.on_target for file in files]
        if sample.on_target_table is not None:
            spills = {
                (int(run), int(spill))
                for index, chosen in zip(indices, kept, strict=True)
                for run, spill in np.unique(np.stack([index.run, index.spill], 1)[chosen], axis=0)
            }
            total = read_on_target(sample.on_target_table, spills)
        elif total is None:
            total = None if None in stored else sum(part for part in stored if part is not None)
        if total is not None and not physics:
            raise UserError(f"sample '{sample.name}' has no physics event", at=Location(str(sample.files[0])))
        if total is not None and sample.on_target_table is None and count < physics:
            total *= count / physics
        totals[sample.name] = total or None
        shares[sample.name] = None if not total else total / count
    return totals, shares


def _key(
    setup: Setup,
    sample: Sample,
    file_number: int,
    identity: str,
    start: int,
    stop: int,
    payloads: Sequence[str],
    source: Source,
    spills: Spills | None,
) -> str:
    """Return what names the content of a task's table: input, range, set-up, constants, code; not the cuts."""
    parts = {
        "input": identity,
        "range": [start, stop],
        "file": file_number,
        "sample": [sample.name, sample.role, [str(part) for part in sample.runs]],
        **source.key,
        "payloads": list(payloads),
        "excluded": sorted(setup.bad_spills),
        "spills": None if spills is None else spills.to_json(),
        "code": code_version(),
    }
    return text_hash(json.dumps(parts, sort_keys=True))
