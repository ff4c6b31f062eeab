"""`process_runs`: from a run list to event tables, cutflow and reports; `run_job` does it for a job that is planned."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from emiss.events import provenance
from emiss.events.files import atomic
from emiss.job import executors, lock, output, share
from emiss.job import failures as failed_before
from emiss.job.clusters import executor_of
from emiss.job.conclude import conclude
from emiss.job.plan import plan
from emiss.job.pools import pool_of
from emiss.job.skim import targets_of
from emiss.job.worker import Tasks
from emiss.runlist import RunList, load
from emiss.selection.normalisation import PER_ON_TARGET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from emiss.job.outcome import Outcome
    from emiss.job.plan import Job
    from emiss.job.share import Share
    from emiss.job.skim import Wanted
    from emiss.job.task import Executor, OnThisMachine, Task
    from emiss.job.work import Failure
    from emiss.job.worker import Done

log = logging.getLogger("emiss")


def run_job(
    job: Job,
    out: Path,
    *,
    executor: Executor = "serial",
    workers: int = 1,
    normalise: float = PER_ON_TARGET,
    keep: Wanted | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Outcome:
    """Run a planned job and write its cutflow and reports to `out` (the tables are written by the tasks).

    Parameters
    ----------
    job : Job
    out : Path
    executor : "serial", "processes" or Pool
        Who does the tasks. In a pool, those that fail are left out; in processes, the first one ends the job.
    workers : int
        Number of processes.
    normalise : float
        Particles on target that the reports give expected events for.
    keep : Wanted, optional
        Skims to be written.
    progress : callable
        Called with the number of entries done, after each task.

    Raises
    ------
    UserError
        If the folder cannot be written, is that of another job at work, or an output would take the place of an input.
    """
    started = provenance.now()
    folder = job.manifest.folder
    output.refuse_inputs(
        [*(task.table for task in job.tasks), *_outputs(job, out, keep)], dict.fromkeys(t.file for t in job.tasks)
    )
    output.prepare(folder)
    output.prepare(out)
    with lock.locked(folder):
        atomic.sweep(folder)  # nobody else is at work here: what is half written was left by a job that was killed
        job.manifest.save(folder)
        shares, failures = _results(job, executor, workers, progress)
        failed_before.save(folder, failures)
        return conclude(
            job,
            shares,
            out,
            started=started,
            normalise=normalise,
            keep=keep,
            failures=failures,
            pool=pool_of(executor, workers),
        )


def process_runs(
    runs: RunList | str | Path,
    out: str | Path,
    *,
    set: Mapping[str, str] | None = None,  # noqa: A002 - the option's name
    unblind: bool = False,
    events: int | None = None,
    executor: Literal["serial", "processes", "dask"] = "serial",
    workers: int | None = None,
    scheduler: str | None = None,
    normalise: float = PER_ON_TARGET,
) -> Outcome:
    """Plan the job of a run list and run it: what ``emiss process RUNS --out OUT`` does.

    Parameters
    ----------
    runs : RunList or path
        A run list, its file, or the name of one that ships.
    out : path
        Folder for tables, cutflow and reports; what is there already and still true is used again.
    set : mapping of parameter to value, optional
        Values in the place of the analysis file's, e.g. ``{"e_miss_min": "25 GeV"}``.
    unblind : bool
        Whether the box of blinded samples is opened.
    events : int, optional
        Read only so many entries of each file.
    executor : "serial", "processes" or "dask"
    workers : int, optional
        Processes of this machine; 2 by default.
    scheduler : str, optional
        Address or file of a dask scheduler; without it and without `workers`, what the run list says under ``cluster``.
    normalise : float
        Particles on target that the reports give expected events for.

    Raises
    ------
    UserError
        For everything that is wrong before the first event is read, all at once.
    """
    runlist = runs if isinstance(runs, RunList) else load(runs)
    folder = Path(out)
    with executor_of(executor, workers, scheduler, runlist.cluster) as how:
        many = workers or 2
        job = plan(runlist, folder, overrides=set, unblind=unblind, max_events=events, executor=how, workers=many)
        return run_job(job, folder, executor=how, workers=many, normalise=normalise)


def _outputs(job: Job, out: Path, keep: Wanted | None) -> list[Path]:
    """Return the files besides the tables that a job writes under a name known before."""
    reports = [out / "log.txt", *output.reports_in(out)]
    if keep is not None:
        suffix = job.tasks[0].table.suffix if job.tasks else ""
        reports += targets_of(keep.path, [sample.name for sample in job.runlist.samples], suffix).values()
    return reports


def _results(
    job: Job, executor: Executor, workers: int, progress: Callable[[int], None]
) -> tuple[dict[str, Share], Sequence[Failure]]:
    """Do all tasks of a job; return what they have made together, and which ones could not be done."""
    if isinstance(executor, str):
        return share.shares_of(job.tasks, do_tasks(job, job.tasks, executor, workers, progress)), ()
    hidden = job.hidden

    def done(task: Task) -> None:
        progress(0 if task.sample.name in hidden else task.stop - task.start)

    log.info("%d tasks", sum(task.sample.name not in hidden for task in job.tasks))
    samples = share.samples_of(job.tasks)
    tasks = [replace(task, hidden=task.sample.name in hidden) for task in job.tasks]
    collected = executor.collect(share.Processing(job.setup), tasks, share.add, samples, progress=done)
    return share.there(collected.sums), list(collected.failures.values())


def do_tasks(
    job: Job, tasks: Sequence[Task], executor: OnThisMachine, workers: int, progress: Callable[[int], None]
) -> Iterator[Done]:
    """Do some tasks of a job; yield their results in the order of their end."""
    hidden = job.hidden
    log.info("%d tasks", sum(task.sample.name not in hidden for task in tasks))
    for _, item in executors.run(Tasks(job.setup), tasks, executor, workers):
        if item.task.sample.name in hidden:
            progress(0)
        else:
            log.info("%s: %.2f s%s", item.task, item.seconds, " (stored)" if item.reused else "")
            progress(item.task.stop - item.task.start)
        yield item
