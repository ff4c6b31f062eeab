"""Planning of a job: everything that can be known before the first event is read, and the tasks that follow from it.

Files are surveyed one by one (`survey`), runs looked up in the conditions, the cuts bound to the columns; only then are tasks
made, one per entry range of a file. A task's key names all that its table depends on, and no more, so that a finished task is
never done twice and never taken for another. What the tables stand for is in the manifest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping  # noqa: TC003 - part of a dataclass
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from emiss import selection
from emiss.configs import loader
from emiss.configs.errors import Location, Problems, UserError
from emiss.events.files.manifest import Entry, Manifest, SampleEntry
from emiss.events.provenance import code_version, text_hash
from emiss.job import output
from emiss.job.exposure import exposure_of
from emiss.job.source import source_of
from emiss.job.survey import survey_all
from emiss.job.task import BATCH, TASK_ENTRIES, Setup, Task
from emiss.reco.detector.model import load_detector
from emiss.reco.quality import event_numbers
from emiss.reco.quality.spills import Spills
from emiss.selection import blinding

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from emiss.job.executors import Executor
    from emiss.job.exposure import Exposure
    from emiss.job.source import Source
    from emiss.job.survey import Chunk, FileSurvey
    from emiss.runlist import RunList, Sample
    from emiss.selection import Analysis
    from emiss.selection.counting.scans import BoundScan

__all__ = ["BATCH", "TASK_ENTRIES", "Job", "Setup", "Task", "plan"]

INDEX = ".index"
"""Folder, beside the tables, of the identities and indices of run files."""

_CHUNK = re.compile(r"\.\d{9}$")
"""How the name of a table ends that holds a part of a file."""


@dataclass(frozen=True)
class Job:
    """A planned job.

    Attributes
    ----------
    setup : Setup
    runlist : RunList
    analysis : Analysis
    tasks : tuple of Task
    entries : int
        Of all tasks.
    manifest : Manifest
        What belongs to the folder of the tables, and what it stands for.
    configs : mapping of file to text
    scans : tuple of BoundScan
    payloads : tuple of str
        Ids of the constants.
    inputs : tuple of mapping
        The run files, for the provenance.
    remarks : tuple of str
        What is not wrong, but should be known.
    """

    setup: Setup
    runlist: RunList
    analysis: Analysis
    tasks: tuple[Task, ...]
    entries: int
    manifest: Manifest
    configs: Mapping[str, str]
    scans: tuple[BoundScan, ...] = ()
    payloads: tuple[str, ...] = ()
    inputs: tuple[Mapping[str, Any], ...] = field(default_factory=tuple)
    remarks: tuple[str, ...] = ()

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
    executor: Executor = "serial",
    workers: int = 1,
    progress: Callable[[int], None] = lambda _: None,
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
    executor, workers
        How files are surveyed.
    progress : callable
        Called with 1 for each file that is surveyed.

    Raises
    ------
    UserError
        All mistakes that can be found without reading events.
    """
    output.check(out)
    analysis_path = loader.find("analyses", runlist.analysis, near=runlist.near)
    analysis = selection.load(analysis_path, set=overrides)
    setup = _setup(runlist, str(analysis_path), overrides, unblind=unblind, batch=batch)
    source = source_of(setup)
    folder = out / "tables"
    problems = Problems()
    try:
        roles = {sample.name: sample.role for sample in runlist.samples}
        blinding.check(analysis, roles, overrides or {}, unblind=unblind)
    except UserError as error:
        problems.add(error)
    surveys = _surveys(setup, runlist, folder / INDEX, max_events, task_entries, executor, workers, problems, progress)
    scans = _bind(analysis, [file for files in surveys.values() for file in files], problems)
    problems.check()
    for name, files in surveys.items():
        _refuse_doubles(name, files, problems)
    problems.check()
    exposures = {sample.name: exposure_of(sample, surveys[sample.name]) for sample in runlist.samples}
    tasks = _tasks(source, runlist, surveys, exposures, folder, table_suffix)
    payloads = sorted({payload for files in surveys.values() for file in files for payload in file.payloads})
    configs = {
        **({f"{runlist.name}.yaml": runlist.text} if runlist.text else {}),
        **source.configs,
        **analysis.source_texts,
    }
    return Job(
        setup=setup,
        runlist=runlist,
        analysis=analysis,
        tasks=tasks,
        entries=sum(task.stop - task.start for task in tasks),
        manifest=_manifest(runlist, tasks, exposures, source, payloads, folder),
        configs=configs,
        scans=scans,
        payloads=tuple(payloads),
        inputs=tuple(
            {"path": str(file.path), "identity": file.identity, "entries": [[0, file.last]], "sample": name}
            for name, files in surveys.items()
            for file in files
        ),
        remarks=(
            *(remark for exposure in exposures.values() for remark in exposure.remarks),
            *(remark for name, files in surveys.items() for remark in _of_numbers(name, files)),
        ),
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


def _surveys(
    setup: Setup,
    runlist: RunList,
    index_folder: Path,
    max_events: int | None,
    task_entries: int,
    executor: Executor,
    workers: int,
    problems: Problems,
    progress: Callable[[int], None],
) -> dict[str, list[FileSurvey]]:
    """Return the surveys of the files of each sample, in their order; what is wrong goes to `problems`."""
    wanted = [(sample, path) for sample in runlist.samples for path in sample.files]
    found: dict[str, list[FileSurvey]] = {sample.name: [] for sample in runlist.samples}
    made = survey_all(setup, wanted, index_folder, max_events, task_entries, executor, workers)
    for (sample, _), survey in zip(wanted, made, strict=True):
        progress(1)
        if isinstance(survey, UserError):
            problems.add(survey)
        else:
            found[sample.name].append(survey)
    return found


def _bind(analysis: Analysis, files: Sequence[FileSurvey], problems: Problems) -> tuple[BoundScan, ...]:
    """Bind the analysis to the columns of the tables to come, once for each kind; what is wrong goes to `problems`."""
    scans: tuple[BoundScan, ...] = ()
    seen: list[Mapping[str, Any]] = []
    for file in files:
        if file.columns in seen:
            continue
        seen.append(file.columns)
        try:
            scans = selection.bind(analysis, file.columns).scans
        except UserError as error:
            problems.add(error)
    return scans


def _refuse_doubles(sample: str, files: Sequence[FileSurvey], problems: Problems) -> None:
    """Refuse files of one sample that hold the same: their events would be counted twice."""
    first: dict[str, Path] = {}
    for file in files:
        if file.identity in first:
            problems.add(
                UserError(
                    f"holds the same as {first[file.identity]}: its events would be counted twice in sample '{sample}'",
                    at=Location(str(file.path)),
                    hint="leave out one of them",
                )
            )
        first.setdefault(file.identity, file.path)


def _of_numbers(sample: str, files: Sequence[FileSurvey]) -> list[str]:
    """Return what the event numbers of the raw files of a sample tell together."""
    numbers = [file.spills.numbers for file in files if file.spills is not None]
    return [f"sample {sample}: {remark}" for remark in event_numbers.remarks(numbers)]


def _tasks(
    source: Source,
    runlist: RunList,
    surveys: Mapping[str, Sequence[FileSurvey]],
    exposures: Mapping[str, Exposure],
    folder: Path,
    suffix: str,
) -> tuple[Task, ...]:
    tasks: list[Task] = []
    for sample in runlist.samples:
        files, exposure = surveys[sample.name], exposures[sample.name]
        parts = [file.spills for file in files if file.spills is not None]
        spills = Spills.merge(parts) if parts else None
        names = _table_names(files)
        for number, file in enumerate(files):
            for chunk in file.chunks:
                whole = len(file.chunks) == 1
                known = None
                if spills is not None and file.spills is not None:
                    known = spills.part(chunk.spills[:, 0], chunk.spills[:, 1], file.spills.numbers)
                tasks.append(
                    Task(
                        sample=sample,
                        file=file.path,
                        identity=file.identity,
                        stamp=file.stamp,
                        grows=file.grows,
                        number=len(tasks),
                        start=chunk.start,
                        stop=chunk.stop,
                        table=folder / sample.name / f"{names[number]}{'' if whole else f'.{chunk.start:09d}'}{suffix}",
                        key=_key(source, sample, file, chunk, known),
                        on_target=exposure.of_chunk(number, chunk.kept, file.kept),
                        partial=file.last < file.entries,
                        sample_on_target=exposure.total,
                        spills=known,
                        index=folder / INDEX,
                        process=file.process,
                    )
                )
    return tuple(tasks)


def _table_names(files: Sequence[FileSurvey]) -> list[str]:
    """Return a name for the tables of each file: that of the file, with a number of its content where that is taken."""
    names: list[str] = []
    taken: set[str] = set()
    for file in files:
        stem = _stem(file.path)
        if stem in taken or _CHUNK.search(stem):
            stem = f"{stem}-{text_hash(file.identity)[:8]}"
        taken.add(stem)
        names.append(stem)
    return names


def _stem(path: Path) -> str:
    """Return the name of a file without ``.dat``, ``.dat.gz`` and the like."""
    return path.name.removesuffix(".gz").removesuffix(".zst").rpartition(".")[0] or path.stem


def _key(source: Source, sample: Sample, file: FileSurvey, chunk: Chunk, spills: Spills | None) -> str:
    """Return what names the content of a task's table: input, range, set-up, constants, code; nothing that is not in it."""
    parts = {
        "input": file.identity,
        "range": [chunk.start, chunk.stop],
        "runs": [str(part) for part in sample.runs],
        **source.key,
        "payloads": list(file.payloads),
        "excluded": list(file.excluded_spills),
        "spills": None if spills is None else spills.to_json(),
        "code": code_version(),
    }
    return text_hash(json.dumps(parts, sort_keys=True))


def _manifest(
    runlist: RunList,
    tasks: Sequence[Task],
    exposures: Mapping[str, Exposure],
    source: Source,
    payloads: Sequence[str],
    folder: Path,
) -> Manifest:
    samples: dict[str, SampleEntry] = {}
    for sample in runlist.samples:
        mine = [task for task in tasks if task.sample.name == sample.name]
        partial = any(task.partial for task in mine)
        samples[sample.name] = SampleEntry(
            role=sample.role,
            scale=sample.scale,
            on_target=_sum([task.on_target for task in mine]) if partial else exposures[sample.name].total,
            partial=partial,
            process=_process(sample, mine),
            tables=tuple(
                Entry(
                    task.table.relative_to(folder).as_posix(),
                    task.key,
                    str(task.file),
                    task.identity,
                    (task.start, task.stop),
                    task.on_target,
                )
                for task in mine
            ),
        )
    about = {
        "runs": runlist.name,
        "code": code_version(),
        "configs": {name: text_hash(text) for name, text in source.configs.items()},
        "payloads": list(payloads),
        "max_bad_fraction": runlist.max_bad_fraction,
    }
    return Manifest(samples, about, folder)


def _sum(parts: Sequence[float | None]) -> float | None:
    return None if None in parts else sum(part for part in parts if part is not None)


def _process(sample: Sample, tasks: Sequence[Task]) -> Mapping[str, Any]:
    """Return what was simulated for a sample; raw files do not say it.

    Raises
    ------
    UserError
        If two of its files are of two processes.
    """
    known: Mapping[str, Any] = {}
    for task in tasks:
        if known and task.process and task.process != known:
            differs = next(key for key in {**known, **task.process} if known.get(key) != task.process.get(key))
            message = f"sample '{sample.name}': two processes were simulated, {differs} is {known.get(differs)} and "
            message += f"{task.process.get(differs)}"
            raise UserError(message, at=Location(str(task.file)), hint="make them two samples")
        known = known or task.process
    return known
