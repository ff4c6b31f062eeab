"""`process_runs`: from a run list to event tables, cutflow and reports; `process` does it for a job that is planned."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from emiss.events import provenance
from emiss.events.files import atomic
from emiss.job import executors, lock, output
from emiss.job.outcome import Outcome, keep_events, losses_of, result_of, too_bad, write_reports
from emiss.job.plan import plan
from emiss.job.skim import targets_of
from emiss.runlist import RunList, load
from emiss.selection import blinding
from emiss.selection.counting.counter import Yields
from emiss.selection.normalisation import PER_ON_TARGET

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from emiss.job.plan import Job
    from emiss.job.skim import Wanted
    from emiss.job.worker import Done
    from emiss.selection.counting.samples import SampleCounts
    from emiss.selection.results.cutflow import Cutflow

log = logging.getLogger("emiss")


def process(
    job: Job,
    out: Path,
    *,
    executor: executors.Executor = "serial",
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
        done = _run(job, executor, workers, progress)
        cutflow = _cutflow(job, done, started)
        yields: dict[str, Yields] = {}
        for item in done:
            yields[item.task.sample.name] = yields.get(item.task.sample.name, Yields()) + item.yields
        result = result_of(cutflow.sealed(), yields, job.scans)
        losses = losses_of([(str(item.task.file), item.cutflow) for item in done])
        for line in losses:
            log.warning(line)
        return Outcome(
            result,
            losses,
            too_bad(cutflow, job.runlist.max_bad_fraction),
            write_reports(result, job.analysis, out, job.configs, normalise),
            sum(item.reused for item in done if item.task.sample.name not in job.hidden),
            keep_events([task.table for task in job.tasks], job.analysis, keep, result, unblind=job.setup.unblind),
            (*job.remarks, *_growing(done)),
        )


def process_runs(
    runs: RunList | str | Path,
    out: str | Path,
    *,
    set: Mapping[str, str] | None = None,  # noqa: A002 - the option's name
    unblind: bool = False,
    events: int | None = None,
    executor: executors.Executor = "serial",
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
    return process(job, folder, executor=executor, workers=workers, normalise=normalise)


def _outputs(job: Job, out: Path, keep: Wanted | None) -> list[Path]:
    """Return the files besides the tables that a job writes under a name known before."""
    reports = [out / "log.txt", *output.reports_in(out)]
    if keep is not None:
        reports += targets_of(keep.path, [sample.name for sample in job.runlist.samples]).values()
    return reports


def _run(job: Job, executor: executors.Executor, workers: int, progress: Callable[[int], None]) -> list[Done]:
    """Do all tasks; return their results in the order of the tasks."""
    done: list[Done] = []
    hidden = job.hidden
    log.info("%d tasks", sum(task.sample.name not in hidden for task in job.tasks))
    for item in executors.run(job.setup, job.tasks, executor, workers):
        done.append(item)
        if item.task.sample.name in hidden:
            progress(0)
            continue
        log.info("%s: %.2f s%s", item.task, item.seconds, " (stored)" if item.reused else "")
        progress(item.task.stop - item.task.start)
    # not in the order of their end, so that sums are the same to the last bit for every executor
    return sorted(done, key=lambda item: item.task.number)


def _cutflow(job: Job, done: list[Done], started: str) -> Cutflow:
    cutflow = sum((item.cutflow for item in done[1:]), done[0].cutflow)
    totals = {item.task.sample.name: item.task.sample_on_target for item in done}
    return replace(
        cutflow,
        provenance=provenance.record(
            configs=job.configs,
            payloads=job.payloads,
            inputs=blinding.sealed_inputs(job.inputs, job.hidden),
            started=started,
            unblinded=job.setup.unblind,
            overrides=dict(job.setup.overrides),
        ),
        samples={
            name: replace(sample, on_target=_on_target(sample, totals[name]))
            for name, sample in cutflow.samples.items()
        },
    )


def _on_target(sample: SampleCounts, total: float | None) -> float | None:
    """Return what a sample stands for: the number that was given, not a sum of shares with their rounding.

    A part of a blinded sample stands for an unknown number: its share of the events would tell how many there are.
    """
    if not sample.partial:
        return total
    return None if sample.hidden else sample.on_target


def _growing(done: list[Done]) -> list[str]:
    files = dict.fromkeys(str(item.task.file) for item in done if item.growing)
    return [f"{file} is growing: it was read to where it ended when the job was planned" for file in files]
