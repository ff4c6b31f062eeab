"""`process_runs`: from a run list to event tables, cutflow and reports; `run_job` does it for a job that is planned."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from emiss.events import provenance
from emiss.events.files import atomic
from emiss.job import executors, lock, output
from emiss.job.conclude import conclude
from emiss.job.plan import plan
from emiss.job.skim import targets_of
from emiss.runlist import RunList, load
from emiss.selection.normalisation import PER_ON_TARGET

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from emiss.job.outcome import Outcome
    from emiss.job.plan import Job
    from emiss.job.skim import Wanted
    from emiss.job.task import Executor, Task
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
    executor : "serial" or "processes"
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
        [*(task.table for task in job.tasks), *_outputs(job, out, keep)], [task.file for task in job.tasks]
    )
    output.prepare(folder)
    output.prepare(out)
    with lock.locked(folder):
        atomic.sweep(folder)  # nobody else is at work here: what is half written was left by a job that was killed
        job.manifest.save(folder)
        done = do_tasks(job, job.tasks, executor, workers, progress)
        return conclude(job, done, out, started=started, normalise=normalise, keep=keep)


def process_runs(
    runs: RunList | str | Path,
    out: str | Path,
    *,
    set: Mapping[str, str] | None = None,  # noqa: A002 - the option's name
    unblind: bool = False,
    events: int | None = None,
    executor: Executor = "serial",
    workers: int = 1,
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
    executor : "serial" or "processes"
    workers : int
    normalise : float
        Particles on target that the reports give expected events for.

    Raises
    ------
    UserError
        For everything that is wrong before the first event is read, all at once.
    """
    runlist = runs if isinstance(runs, RunList) else load(runs)
    folder = Path(out)
    job = plan(runlist, folder, overrides=set, unblind=unblind, max_events=events, executor=executor, workers=workers)
    return run_job(job, folder, executor=executor, workers=workers, normalise=normalise)


def _outputs(job: Job, out: Path, keep: Wanted | None) -> list[Path]:
    """Return the files besides the tables that a job writes under a name known before."""
    reports = [out / "log.txt", *output.reports_in(out)]
    if keep is not None:
        reports += targets_of(keep.path, [sample.name for sample in job.runlist.samples]).values()
    return reports


def do_tasks(
    job: Job, tasks: Sequence[Task], executor: Executor, workers: int, progress: Callable[[int], None]
) -> list[Done]:
    """Do some tasks of a job; return their results in the order of the tasks."""
    done: list[Done] = []
    hidden = job.hidden
    log.info("%d tasks", sum(task.sample.name not in hidden for task in tasks))
    for item in executors.run(job.setup, tasks, executor, workers):
        done.append(item)
        if item.task.sample.name in hidden:
            progress(0)
            continue
        log.info("%s: %.2f s%s", item.task, item.seconds, " (stored)" if item.reused else "")
        progress(item.task.stop - item.task.start)
    # not in the order of their end, so that sums are the same to the last bit for every executor
    return sorted(done, key=lambda item: item.task.number)
