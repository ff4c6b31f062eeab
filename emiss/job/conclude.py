"""The end of a job: the results of its tasks become a cutflow, histograms and scans, and these the reports."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from emiss.events import provenance
from emiss.job.outcome import NothingDoneError, Outcome, keep_events, losses_of, result_of, too_bad, write_reports
from emiss.job.share import samples_of
from emiss.selection import blinding
from emiss.selection.normalisation import PER_ON_TARGET

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from emiss.job.plan import Job
    from emiss.job.share import Share
    from emiss.job.skim import Wanted
    from emiss.job.work import Failure, Pool
    from emiss.selection.counting.samples import SampleCounts
    from emiss.selection.results.cutflow import Cutflow

log = logging.getLogger("emiss")


def conclude(
    job: Job,
    shares: Mapping[str, Share],
    out: Path,
    *,
    started: str,
    normalise: float = PER_ON_TARGET,
    keep: Wanted | None = None,
    failures: Sequence[Failure] = (),
    pool: Pool | None = None,
    **more: Any,
) -> Outcome:
    """Write reports and skims of the results of a job.

    Parameters
    ----------
    job : Job
    shares : mapping of sample to Share
        What its tasks have made together.
    out : Path
        Folder for the reports.
    started : str
        When the work began.
    normalise, keep
        As for `emiss.job.run.run_job`.
    failures : sequence of Failure
        Tasks that could not be done. Skims are left out then.
    pool : Pool, optional
        Who looks for the events of skims; this process by default.
    more
        Goes into the provenance.

    Raises
    ------
    NothingDoneError
        If there is no result of any task.
    """
    if not shares:
        raise NothingDoneError(failures)
    cutflow = cutflow_of(job, shares, started, **more)
    result = result_of(cutflow.sealed(), {name: share.yields for name, share in shares.items()}, job.scans)
    wanted = None if failures else keep
    left_out = [
        f"sample {name}: none of its tasks could be done, it is left out"
        for name in dict.fromkeys(samples_of(job.tasks))
        if failures and name not in shares
    ]
    without = () if wanted is keep else (f"{keep.path} is not written as long as tasks are missing",) if keep else ()
    return Outcome(
        result,
        report_losses(shares),
        too_bad(cutflow, job.runlist.max_bad_fraction),
        write_reports(result, job.analysis, out, job.configs, normalise),
        sum(share.reused for name, share in shares.items() if name not in job.hidden),
        keep_events(
            [task.table for task in job.tasks], job.analysis, wanted, result, unblind=job.setup.unblind, pool=pool
        ),
        (*job.remarks, *growing(shares), *left_out, *without),
        tuple(map(str, failures)),
    )


def cutflow_of(job: Job, shares: Mapping[str, Share], started: str, **more: Any) -> Cutflow:
    """Return the cutflow of some tasks of a job; a sample of which not all tasks are there is partial."""
    first, *rest = (share.cutflow for share in shares.values())
    cutflow = sum(rest, first)
    wanted = Counter(samples_of(job.tasks))
    lacking = {name for name, share in shares.items() if share.tasks < wanted[name]}
    totals = {task.sample.name: task.sample_on_target for task in job.tasks}
    return replace(
        cutflow,
        provenance=provenance.record(
            configs=job.configs,
            payloads=job.payloads,
            **({"constants": dict(job.constants)} if job.constants else {}),
            inputs=blinding.sealed_inputs(job.inputs, job.hidden),
            started=started,
            unblinded=job.setup.unblind,
            overrides=dict(job.setup.overrides),
            **more,
        ),
        samples={
            name: _standing_for(
                replace(
                    sample,
                    partial=sample.partial or name in lacking,
                    history=job.manifest.samples[name].history,
                ),
                totals[name],
            )
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


def report_losses(shares: Mapping[str, Share]) -> tuple[str, ...]:
    """Return what was lost, file by file; it goes into the log, too."""
    losses = losses_of(pair for share in shares.values() for pair in share.ledgers.items())
    for line in losses:
        log.warning(line)
    return losses


def growing(shares: Mapping[str, Share]) -> list[str]:
    """Return a remark for each file that has become longer since the job was planned."""
    files = dict.fromkeys(file for share in shares.values() for file in share.growing)
    return [f"{file} is growing: it was read to where it ended when the job was planned" for file in files]
