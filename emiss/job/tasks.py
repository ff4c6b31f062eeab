"""The tasks that follow from the files of a job: which table each becomes, and the key that names what is in it.

A key names all that the content of the table depends on, and no more, so that a finished task is never done twice and never
taken for another.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from emiss.events.provenance import code_version, text_hash
from emiss.job.task import Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from emiss.job.exposure import Exposure
    from emiss.job.source import Source
    from emiss.job.surveyed import Chunk, FileSurvey
    from emiss.job.together import Neighbours
    from emiss.reco.quality.spills import Spills
    from emiss.runlist import ListedSample, RunList

INDEX = ".index"
"""Folder, beside the tables, of the identities and indices of run files."""

_CHUNK = re.compile(r"\.\d{9}$")
"""How the name of a table ends that holds a part of a file."""


def tasks_of(
    source: Source,
    runlist: RunList,
    surveys: Mapping[str, Sequence[FileSurvey]],
    exposures: Mapping[str, Exposure],
    neighbours: Mapping[str, Neighbours],
    folder: Path,
    suffix: str,
) -> tuple[Task, ...]:
    """Return the tasks of a job, sample by sample and file by file.

    Parameters
    ----------
    source : Source
    runlist : RunList
    surveys, exposures, neighbours : mapping of sample to what is known of it
    folder : Path
        Of the tables.
    suffix : str
        Of the tables.
    """
    tasks: list[Task] = []
    for sample in runlist.samples:
        bare = sample.bare()
        files, exposure, around = surveys[sample.name], exposures[sample.name], neighbours[sample.name]
        for number, (file, name) in enumerate(zip(files, _table_names(files), strict=True)):
            for chunk in file.chunks:
                spills, numbers, digest = around.of_chunk(number, *chunk.spills.T)
                part = "" if len(file.chunks) == 1 else f".{chunk.start:09d}"
                tasks.append(
                    Task(
                        sample=bare,
                        file=file.path,
                        identity=file.identity,
                        stamp=file.stamp,
                        grows=file.grows,
                        number=len(tasks),
                        start=chunk.start,
                        stop=chunk.stop,
                        table=folder / sample.name / f"{name}{part}{suffix}",
                        key=_key(source, sample, file, chunk, spills, digest),
                        on_target=exposure.of_chunk(number, chunk.kept, file.kept),
                        partial=file.last < file.entries,
                        sample_on_target=exposure.total,
                        spills=spills,
                        numbers=numbers,
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


def _key(
    source: Source, sample: ListedSample, file: FileSurvey, chunk: Chunk, spills: Spills | None, numbers: str
) -> str:
    """Return what names the content of a task's table: input, range, set-up, constants, code; nothing that is not in it."""
    parts = {
        "input": file.identity,
        "range": [chunk.start, chunk.stop],
        "runs": [str(part) for part in sample.runs],
        **source.key,
        "payloads": list(file.payloads),
        "excluded": list(file.excluded_spills),
        "spills": None if spills is None else [spills.to_json(), numbers],
        "code": code_version(),
    }
    return text_hash(json.dumps(parts, sort_keys=True))
