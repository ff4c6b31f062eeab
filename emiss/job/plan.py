"""Planning of a job: everything that can be known before the first event is read, and the tasks that follow from it.

Files are looked at one by one, and what is wrong with any of them is told together with what is wrong with the cuts; only then
it is said what the events stand for, tasks are made, one per entry range of a file, and what their tables will be together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from emiss import selection
from emiss.calib.tag import find as find_tag
from emiss.configs import loader
from emiss.configs.errors import Location, Problems, UserError
from emiss.job import output
from emiss.job.absent import from_detector
from emiss.job.content import manifest_of
from emiss.job.exposure import exposure_of
from emiss.job.histories import histories_of
from emiss.job.source import content_of, source_of
from emiss.job.survey import survey_all
from emiss.job.tables import suffix_in
from emiss.job.task import BATCH, TASK_ENTRIES, Executor, Setup, Task
from emiss.job.tasks import INDEX, tasks_of
from emiss.job.together import Neighbours
from emiss.reco.detector.model import load_detector
from emiss.selection import blinding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from emiss.events.files.manifest import Manifest
    from emiss.job.exposure import Exposure
    from emiss.job.surveyed import FileSurvey
    from emiss.reco.detector.model import Detector
    from emiss.runlist import RunList
    from emiss.selection import Analysis
    from emiss.selection.counting.scans import BoundScan

Surveys = Mapping[str, "Sequence[FileSurvey]"]
"""What is known of the files of each sample, in their order."""


@dataclass(frozen=True)
class Job:
    """A planned job.

    Attributes
    ----------
    setup : Setup
    runlist : RunList
    analysis : Analysis
    tasks : tuple of Task
    manifest : Manifest
        What belongs to the folder of the tables, and what it stands for.
    configs : mapping of file to text
    scans : tuple of BoundScan
    payloads : tuple of str
        Ids of the constants.
    constants : mapping
        Their tag, for the provenance.
    inputs : tuple of mapping
        The run files, for the provenance.
    remarks : tuple of str
        What is not wrong, but should be known.
    """

    setup: Setup
    runlist: RunList
    analysis: Analysis
    tasks: tuple[Task, ...]
    manifest: Manifest
    configs: Mapping[str, str]
    scans: tuple[BoundScan, ...] = ()
    payloads: tuple[str, ...] = ()
    constants: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[Mapping[str, Any], ...] = field(default_factory=tuple)
    remarks: tuple[str, ...] = ()

    @property
    def entries(self) -> int:
        """Of all tasks."""
        return sum(task.stop - task.start for task in self.tasks)

    @property
    def hidden(self) -> tuple[str, ...]:
        """The samples of which events are hidden: their number of entries is shown nowhere."""
        if self.setup.unblind:
            return ()
        return _hidden(self.analysis, self.runlist)


def plan(
    runlist: RunList,
    out: Path,
    *,
    overrides: Mapping[str, str] | None = None,
    unblind: bool = False,
    max_events: int | None = None,
    task_entries: int = TASK_ENTRIES,
    batch: int = BATCH,
    table_suffix: str | None = None,
    executor: Executor = "serial",
    workers: int = 1,
    progress: Callable[[int], None] = lambda _: None,
    begin: float = 0.0,
) -> Job:
    """Check everything a job needs and return its tasks.

    Parameters
    ----------
    runlist : RunList
    out : Path
        Where the tables will stand: ``out/tables/SAMPLE/FILE.parquet``.
    overrides : mapping, optional
        Parameters of the analysis set on the command line.
    unblind : bool
        Whether the box of blinded samples is opened.
    max_events : int, optional
        Read only so many entries of each file; the cutflow is marked partial.
    task_entries, batch : int
        Entries per task and per batch; no count depends on them.
    table_suffix : str, optional
        ``.root`` or ``.parquet``; by default that of the tables which are there already, and else the latter.
    executor, workers
        How files are surveyed.
    progress : callable
        Called with 1 for each file that is surveyed.
    begin : float
        Where in the list of files it begins to survey, 0 to 1: parts that begin apart find out about different files.

    Raises
    ------
    UserError
        All mistakes that can be found without reading events.
    """
    output.check(out)
    if not isinstance(executor, str):  # whoever does it may work in another folder
        runlist, out = runlist.absolute(), out.absolute()
    setup, analysis = _set_up(runlist, overrides, unblind=unblind, batch=batch)
    setup = setup if isinstance(executor, str) else setup.absolute()
    source = source_of(setup)
    setup = replace(setup, content=tuple(content_of(source, analysis).items()))
    folder = out / "tables"
    problems = Problems()
    _check_box(analysis, runlist, overrides, problems, unblind=unblind)
    look = survey_all(
        setup, runlist.files, folder / INDEX, max_events, task_entries, executor, workers, progress, begin
    )
    surveys = _of_samples(runlist, look, problems)
    scans = _check_cuts(analysis, surveys, problems, source.detector)
    problems.check()
    _check_copies(surveys, problems)
    problems.check()
    exposures = {sample.name: exposure_of(sample, surveys[sample.name]) for sample in runlist.samples}
    neighbours = {name: Neighbours.of(files, folder / INDEX) for name, files in surveys.items()}
    suffix = table_suffix or suffix_in(folder)
    tasks = tasks_of(source, runlist, surveys, exposures, neighbours, folder, suffix)
    hidden = () if unblind else _hidden(analysis, runlist)
    histories, told = histories_of(source, runlist, surveys, hidden)
    payloads = sorted({payload for files in surveys.values() for file in files for payload in file.payloads})
    constants = source.constants(payloads)
    return Job(
        setup=setup,
        runlist=runlist,
        analysis=analysis,
        tasks=tasks,
        manifest=manifest_of(runlist, tasks, exposures, source.configs, payloads, folder, hidden, histories, constants),
        configs={**runlist.texts, **source.configs, **analysis.source_texts},
        scans=scans,
        payloads=tuple(payloads),
        constants=constants,
        inputs=_inputs(surveys),
        remarks=(*_remarks(neighbours, exposures), *told, *source.remarks),
    )


def _set_up(
    runlist: RunList, overrides: Mapping[str, str] | None, *, unblind: bool, batch: int
) -> tuple[Setup, Analysis]:
    """Return what all tasks share, and the analysis in it."""
    path = loader.find("analyses", runlist.analysis, near=runlist.near)
    analysis = selection.load(path, set=overrides)
    shared = Setup(
        analysis=str(path),
        overrides=tuple((overrides or {}).items()),
        unblind=unblind,
        batch=batch,
        bad_spills=runlist.bad_spills,
    )
    if runlist.reader is not None:
        reader = loader.find("readers", runlist.reader, near=runlist.near)
        return replace(shared, reader=reader), analysis
    detector = load_detector(runlist.detector, near=runlist.near).file
    calib = find_tag(runlist.calib, near=runlist.near)
    return replace(shared, detector=detector, calib=calib), analysis


def _hidden(analysis: Analysis, runlist: RunList) -> tuple[str, ...]:
    return tuple(s.name for s in runlist.samples if blinding.is_hidden(analysis, s.name, s.role))


def _check_box(
    analysis: Analysis, runlist: RunList, overrides: Mapping[str, str] | None, problems: Problems, *, unblind: bool
) -> None:
    """Look whether what is to be hidden is hidden; what is wrong goes to `problems`."""
    roles = {sample.name: sample.role for sample in runlist.samples}
    try:
        blinding.check(analysis, roles, overrides or {}, unblind=unblind)
    except UserError as error:
        problems.add(error)


def _of_samples(
    runlist: RunList, found: Iterable[FileSurvey | UserError], problems: Problems
) -> dict[str, list[FileSurvey]]:
    """Return the surveys of the files of each sample, in their order; what is wrong goes to `problems`."""
    surveys: dict[str, list[FileSurvey]] = {sample.name: [] for sample in runlist.samples}
    for (sample, _), file in zip(runlist.files, found, strict=True):
        if isinstance(file, UserError):
            problems.add(file)
        else:
            surveys[sample.name].append(file)
    return surveys


def _check_cuts(
    analysis: Analysis, surveys: Surveys, problems: Problems, detector: Detector | None
) -> tuple[BoundScan, ...]:
    """Bind the analysis to the columns of the tables to come, once for each kind; what is wrong goes to `problems`."""
    scans: tuple[BoundScan, ...] = ()
    seen: list[Mapping[str, Any]] = []
    for file in (file for files in surveys.values() for file in files):
        if file.columns in seen:
            continue
        seen.append(file.columns)
        try:
            scans = selection.bind(analysis, file.columns, absent=from_detector(detector, file.columns)).scans
        except UserError as error:
            problems.add(error)
    return scans


def _check_copies(surveys: Surveys, problems: Problems) -> None:
    """Refuse files of one sample that hold the same: their events would be counted twice."""
    for sample, files in surveys.items():
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


def _inputs(surveys: Surveys) -> tuple[Mapping[str, Any], ...]:
    """Return the run files, for the provenance."""
    return tuple(
        {"path": str(file.path), "identity": file.identity, "entries": [[0, file.last]], "sample": name}
        for name, files in surveys.items()
        for file in files
    )


def _remarks(neighbours: Mapping[str, Neighbours], exposures: Mapping[str, Exposure]) -> tuple[str, ...]:
    """Return what is to be known of exposures, and what the event numbers of the raw files of a sample tell together."""
    found = [remark for exposure in exposures.values() for remark in exposure.remarks]
    found += [f"sample {name}: {remark}" for name, around in neighbours.items() for remark in around.remarks]
    return tuple(found)
