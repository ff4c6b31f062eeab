"""Parts of a job, for batch systems: every part plans the whole job, does its share of the tasks, and leaves its results.

The results of each task are kept apart, beside the tables, so that `emiss.job.merge` can add them up in the order of the tasks:
the whole is the same to the last bit then, however the job was divided.
"""

from __future__ import annotations

import glob
from contextlib import suppress
from typing import TYPE_CHECKING

from emiss.configs.errors import UserError
from emiss.events import provenance
from emiss.events.location import is_remote
from emiss.job import lock, output, part_files
from emiss.job.conclude import cutflow_of, growing, report_losses
from emiss.job.division import tasks_of_part
from emiss.job.outcome import Outcome, result_of, too_bad
from emiss.job.run import do_tasks
from emiss.job.share import shares_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from emiss.job.division import Part
    from emiss.job.plan import Job
    from emiss.job.skim import Wanted
    from emiss.job.task import Executor, Task


def run_part(
    job: Job,
    part: Part,
    out: Path,
    *,
    executor: Executor = "serial",
    workers: int = 1,
    keep: Wanted | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Outcome | None:
    """Do one part of a planned job: its tables, its results for the merge, and a cutflow of what it has done.

    Parameters
    ----------
    job : Job
        The whole one.
    part : Part
    out : Path
        The folder that the job was planned for; other parts may work in it at the same time.
    executor, workers, progress
        As for `emiss.job.run.run_job`.
    keep : Wanted, optional
        Skims that the merge is to write of the whole.

    Returns
    -------
    Outcome or None
        Of this part, each sample marked partial of which other parts have something. Blinded samples are left out: which
        parts have some of their events would tell how many there are. None where nothing is left to be shown.

    Raises
    ------
    UserError
        As `emiss.job.run.run_job` does; also if this part is at work already.
    """
    if not isinstance(executor, str):
        raise UserError("parts are for batch systems without a cluster", hint="leave out --part, or --executor dask")
    started = provenance.now()
    folder, mine = job.manifest.folder, tasks_of_part(job.tasks, part, job.hidden)
    own = folder_of(out, part)
    output.refuse_inputs(
        [*(task.table for task in job.tasks), own / "cutflow.json", *part_files.names(folder, part.name)],
        [task.file for task in job.tasks],
    )
    for place in (folder, folder / part_files.FOLDER, own):
        output.prepare(place)
    with lock.locked_part(folder, folder / part_files.FOLDER / f"{part.name}.lock"):
        _sweep(mine)
        job.manifest.save(folder)
        part_files.save_plan(job, keep)
        done = sorted(do_tasks(job, mine, executor, workers, progress), key=lambda item: item.task.number)
        part_files.save_results(job, str(part), part.name, done, started)
        shown = shares_of(job.tasks, [item for item in done if item.task.sample.name not in job.hidden])
        if not shown:
            return None
        cutflow = cutflow_of(job, shown, started, part=str(part)).sealed()
        cutflow.save(own / "cutflow.json")
        return Outcome(
            result_of(cutflow, {}, ()),
            report_losses(shown),
            too_bad(cutflow, job.runlist.max_bad_fraction),
            (own / "cutflow.json",),
            sum(share.reused for share in shown.values()),
            remarks=(*job.remarks, *growing(shown)),
        )


def folder_of(out: Path, part: Part) -> Path:
    """Return where the cutflow and the log of a part stand, which are of no other."""
    return out / "parts" / part.name


def _sweep(tasks: Iterable[Task]) -> None:
    """Remove what this part has left half written when it was killed; of others, at work now, nothing is touched."""
    for task in tasks:
        if is_remote(task.table):
            continue
        for left in task.table.parent.glob(f".{glob.escape(task.table.name[:150])}.*.part*"):
            with suppress(OSError):
                left.unlink()
