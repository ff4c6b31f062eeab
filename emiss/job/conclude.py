"""The end of a job: the results of its tasks become a cutflow, histograms and scans, and these the reports."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from emiss.events import provenance
from emiss.job.outcome import Outcome, keep_events, losses_of, result_of, too_bad, write_reports
from emiss.selection import blinding
from emiss.selection.counting.counter import Yields
from emiss.selection.normalisation import PER_ON_TARGET

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from emiss.job.plan import Job
    from emiss.job.skim import Wanted
    from emiss.job.worker import Done
    from emiss.selection.counting.samples import SampleCounts
    from emiss.selection.results.cutflow import Cutflow

log = logging.getLogger("emiss")


def conclude(
    job: Job,
    done: Sequence[Done],
    out: Path,
    *,
    started: str,
    normalise: float = PER_ON_TARGET,
    keep: Wanted | None = None,
    **more: Any,
) -> Outcome:
    """Add up the results of all tasks of a job, and write its reports and skims.

    Parameters
    ----------
    job : Job
    done : sequence of Done
        In the order of the tasks: sums are the same to the last bit then, whoever did which task when.
    out : Path
        Folder for the reports.
    started : str
        When the work began.
    normalise, keep
        As for `emiss.job.run.run_job`.
    more
        Goes into the provenance.
    """
    cutflow = cutflow_of(job, done, started, **more)
    yields: dict[str, Yields] = {}
    for item in done:
        yields[item.task.sample.name] = yields.get(item.task.sample.name, Yields()) + item.yields
    result = result_of(cutflow.sealed(), yields, job.scans)
    return Outcome(
        result,
        report_losses(done),
        too_bad(cutflow, job.runlist.max_bad_fraction),
        write_reports(result, job.analysis, out, job.configs, normalise),
        sum(item.reused for item in done if item.task.sample.name not in job.hidden),
        keep_events([task.table for task in job.tasks], job.analysis, keep, result, unblind=job.setup.unblind),
        (*job.remarks, *growing(done)),
    )


def cutflow_of(job: Job, done: Sequence[Done], started: str, **more: Any) -> Cutflow:
    """Return the cutflow of some tasks of a job; a sample of which not all tasks are there is partial."""
    cutflow = sum((item.cutflow for item in done[1:]), done[0].cutflow)
    there = {item.task.number for item in done}
    lacking = {task.sample.name for task in job.tasks if task.number not in there}
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
            **more,
        ),
        samples={
            name: _standing_for(replace(sample, partial=sample.partial or name in lacking), totals[name])
            for name, sample in cutflow.samples.items()
        },
    )


def _standing_for(sample: SampleCounts, total: float | None) -> SampleCounts:
    """Return a sample with what it stands for: the number that was given, not a sum of shares with their rounding.

    A part of a blinded sample stands for an unknown number: its share of the events would tell how many there are.
    """
    if not sample.partial:
        return replace(sample, on_target=total)
    return replace(sample, on_target=None) if sample.hidden else sample


def report_losses(done: Sequence[Done]) -> tuple[str, ...]:
    """Return what was lost, file by file; it goes into the log, too."""
    losses = losses_of([(str(item.task.file), item.cutflow) for item in done])
    for line in losses:
        log.warning(line)
    return losses


def growing(done: Sequence[Done]) -> list[str]:
    """Return a remark for each file that has become longer since the job was planned."""
    files = dict.fromkeys(str(item.task.file) for item in done if item.growing)
    return [f"{file} is growing: it was read to where it ended when the job was planned" for file in files]
