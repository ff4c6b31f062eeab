"""What the folder of a job's tables will hold, and what that stands for: the manifest, made before the first task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emiss.configs.errors import Location, UserError
from emiss.events.files.manifest import Entry, Manifest, SampleEntry
from emiss.events.provenance import code_version, text_hash

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from emiss.events.history import History
    from emiss.job.exposure import Exposure
    from emiss.job.task import Task
    from emiss.runlist import ListedSample, RunList


def manifest_of(
    runlist: RunList,
    tasks: Sequence[Task],
    exposures: Mapping[str, Exposure],
    configs: Mapping[str, str],
    payloads: Sequence[str],
    folder: Path,
    hidden: Collection[str] = (),
    histories: Mapping[str, History] | None = None,
    constants: Mapping[str, Any] | None = None,
) -> Manifest:
    """Return the manifest of the tables that some tasks make; `configs` and `payloads` are what they are made with.

    `hidden` are the samples of which events are hidden, so that nobody tells how many they are; `histories` say what was cut
    before the files of samples were written, `constants` which tag they are made with.

    Raises
    ------
    UserError
        If two files of a sample are of two processes.
    """
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
            history=(histories or {}).get(sample.name, ()),
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
        "hidden": list(hidden),
        "runs": runlist.name,
        "code": code_version(),
        "configs": {name: text_hash(text) for name, text in configs.items()},
        "payloads": list(payloads),
        **({"constants": dict(constants)} if constants else {}),
        "max_bad_fraction": runlist.max_bad_fraction,
    }
    return Manifest(samples, about, folder)


def _sum(parts: Sequence[float | None]) -> float | None:
    return None if None in parts else sum(part for part in parts if part is not None)


def _process(sample: ListedSample, tasks: Sequence[Task]) -> Mapping[str, Any]:
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
