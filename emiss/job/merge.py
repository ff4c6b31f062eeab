"""`merge`: the parts of a job become the whole, with the cutflow and the reports that one `emiss process` would write."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from emiss import selection
from emiss.configs.errors import Location, UserError
from emiss.events.files import atomic
from emiss.events.files.manifest import Manifest
from emiss.events.files.open import open_stored
from emiss.events.location import is_remote, located
from emiss.job import lock, output
from emiss.job.collect import all_tasks, same_plan
from emiss.job.conclude import conclude
from emiss.job.part_counts import from_json
from emiss.job.part_files import FOLDER
from emiss.job.part_results import AGAIN
from emiss.job.plan import Job
from emiss.job.share import shares_of
from emiss.job.task import Setup, Task
from emiss.runlist import ListedSample, RunList
from emiss.selection.normalisation import PER_ON_TARGET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from emiss.events.columns import Column
    from emiss.job.collect import Found
    from emiss.job.outcome import Outcome
    from emiss.job.part_files import Plan
    from emiss.job.skim import Wanted
    from emiss.job.worker import Done
    from emiss.selection import Analysis
    from emiss.selection.counting.counter import Yields
    from emiss.selection.counting.engine import Bound


def merge(
    folders: Sequence[Path],
    out: Path | None = None,
    *,
    analysis: Path | None = None,
    normalise: float = PER_ON_TARGET,
    keep: Wanted | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Outcome:
    """Put the parts of a job together.

    Parameters
    ----------
    folders : sequence of Path
        What the parts were given as ``--out``: one folder for all of them, or several.
    out : Path, optional
        Folder for tables, cutflow and reports; the one folder, where there is one. Tables that stand in another one are linked
        to it, or copied.
    analysis : Path, optional
        Where the analysis is now, if not where the parts found it.
    normalise : float
        Particles on target that the reports give expected events for.
    keep : Wanted, optional
        Skims to be written, in the place of those that the parts were told of.
    progress : callable
        Called with 1 for each table.

    Raises
    ------
    PartsMissingError
        If parts are not there.
    UserError
        If there is no part, they are parts of different jobs, or what they left is damaged.
    """
    sources = list(map(_tables_in, folders))
    out = whole_in(folders, out)
    target = out / "tables"
    plan = same_plan(sources)
    loaded = _analysis(plan, analysis)
    wanted = keep or plan.wanted
    if wanted is not None:
        wanted.check(loaded)
    manifest = Manifest.load(sources[0])
    job = _job(plan, manifest, loaded, target)
    found, remarks = all_tasks(manifest, plan, sources, job.hidden)
    for place in (target, out):
        output.prepare(place)
    with lock.locked(target):
        atomic.sweep(target)
        counted = _Counted(loaded, unblind=job.setup.unblind)
        hidden = job.hidden

        def done() -> Iterator[Done]:
            for task, one in zip(job.tasks, found, strict=True):
                columns = _bring(task, one, one.folder / task.table.relative_to(target))
                yield counted.done(task, one, columns, hidden=task.sample.name in hidden)
                progress(1)

        shares = shares_of(job.tasks, done())
        job.manifest.save(target)
        return conclude(
            counted.complete(job, remarks),
            shares,
            out,
            started=min(one.results.made["started"] for one in found),
            normalise=normalise,
            keep=wanted,
            parts=list({str(one.results.path): dict(one.results.made) for one in found}.values()),
        )


def whole_in(folders: Sequence[Path], out: Path | None) -> Path:
    """Return the folder of the whole.

    Raises
    ------
    UserError
        If parts are in several folders, and none is named for the whole.
    """
    if out is None and len(folders) > 1:
        raise UserError("the parts are in several folders: say where the whole goes", hint="add --out FOLDER")
    return _tables_in(folders[0]).parent if out is None else out


def _tables_in(folder: Path) -> Path:
    """Return the folder of tables that a user means: it, or the one in it."""
    return folder if (folder / FOLDER).is_dir() else folder / "tables"


def _analysis(plan: Plan, path: Path | None) -> Analysis:
    """Return the analysis that the parts used.

    Raises
    ------
    UserError
        If it is not there any more, or another one.
    """
    if path is None and not Path(plan.analysis).is_file():
        hint = "say where it is now: --analysis FILE"
        raise UserError("the analysis of the parts is not there", at=Location(plan.analysis), hint=hint)
    analysis = selection.load(path or plan.analysis, set=plan.identity["set"])
    known = {(Path(name).name, text) for name, text in plan.configs.items()}
    for name, text in analysis.source_texts.items():
        if (Path(name).name, text) not in known:
            said = "is not as it was when the parts were run"
            raise UserError(
                said, at=Location(name), hint="run the parts again: the tables are kept, only cuts are counted"
            )
    return analysis


def _job(plan: Plan, manifest: Manifest, analysis: Analysis, folder: Path) -> Job:
    """Return the job that the parts were parts of, as it is after its tasks: files are not asked for any more."""
    samples = {name: ListedSample(name, said.role, (), scale=said.scale) for name, said in manifest.samples.items()}  # type: ignore[arg-type]
    tasks: list[Task] = []
    for name, sample in manifest.samples.items():
        for entry in sample.tables:
            tasks.append(
                Task(
                    sample=samples[name],
                    file=located(entry.path),
                    identity=entry.identity,
                    stamp=None,
                    grows=False,
                    number=len(tasks),
                    start=entry.entries[0],
                    stop=entry.entries[1],
                    table=folder / entry.table,
                    key=entry.key,
                    on_target=entry.on_target,
                    partial=sample.partial,
                    sample_on_target=sample.on_target,
                    process=sample.process,
                )
            )
    overrides = tuple(plan.identity["set"].items())
    return Job(
        setup=Setup(plan.analysis, overrides=overrides, unblind=plan.identity["unblind"]),
        runlist=RunList(
            plan.runs, "", plan.analysis, "", tuple(samples.values()), Path(), max_bad_fraction=plan.max_bad_fraction
        ),
        analysis=analysis,
        tasks=tuple(tasks),
        manifest=Manifest(manifest.samples, manifest.about, folder),
        configs=plan.configs,
        payloads=tuple(plan.payloads),
        constants=plan.constants,
        inputs=tuple(plan.inputs),
        remarks=tuple(plan.remarks),
    )


def _bring(task: Task, found: Found, source: Path) -> Mapping[str, Column]:
    """Put a table in its place in the folder of the whole, if it is not there; return its columns.

    Raises
    ------
    UserError
        If it is not the table that the results are of.
    """
    part = f"part {found.results.part}"
    if not source.is_file():
        raise UserError(f"this table of {part} is not there", at=Location(str(source)), hint=AGAIN)
    stored = open_stored(source)
    stored.close()
    own = None if stored.metadata is None else stored.metadata.provenance.get("task")
    if not own == task.key == found.key:
        raise UserError(f"not the table that {part} has made", at=Location(str(source)), hint=AGAIN)
    if source.resolve() != task.table.resolve():
        _copy(source, task.table)
    return stored.columns


def _copy(source: Path, target: Path) -> None:
    """Link a file to another name, or copy it where that cannot be; what stands there is replaced."""
    trial = atomic.part_of(target, target.suffix)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            if is_remote(source) or is_remote(target):
                raise OSError
            os.link(source, trial)
        except OSError:
            with source.open("rb") as old, trial.open("wb") as new:
                shutil.copyfileobj(old, new, 1 << 22)
        atomic.settle(trial, target)
    except OSError as error:
        raise UserError(error.strerror or "cannot be written", at=Location(str(target))) from None
    finally:
        trial.unlink(missing_ok=True)


class _Counted:
    """Turns stored results into those of tasks; binds the analysis once for each kind of table."""

    def __init__(self, analysis: Analysis, *, unblind: bool) -> None:
        self.analysis = analysis
        self.unblind = unblind
        self._bound: list[tuple[Mapping[str, Column], Bound]] = []
        self._empty: dict[tuple[int, str], Yields] = {}

    def done(self, task: Task, found: Found, columns: Mapping[str, Column], *, hidden: bool) -> Done:
        """Return the results of a task whose table has some columns."""
        bound = next((bound for known, bound in self._bound if known == columns), None)
        if bound is None:
            bound = selection.bind(self.analysis, columns)
            self._bound.append((columns, bound))
        name, role = task.sample.name, task.sample.role
        empty = self._empty.get((id(bound), name))
        if empty is None:
            empty = bound.counter(sample=name, role=role, unblind=self.unblind).yields()
            self._empty[id(bound), name] = empty
        return from_json(found.data, task, self.analysis, empty, hidden=hidden)

    def complete(self, job: Job, remarks: Sequence[str]) -> Job:
        """Return the job with the scans of its analysis, and with more remarks."""
        return replace(job, scans=self._bound[-1][1].scans, remarks=(*job.remarks, *remarks))
