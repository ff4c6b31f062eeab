"""What a survey has found out about a run file, kept: a later plan of the same file need not open it, nor read its index.

The index of a beam time is hundreds of gigabytes, and each part of a job makes the whole plan; of a survey there are some ten
kilobytes per file. It is kept under all that it depends on, for files of which the identity is remembered.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.events.columns import Column
from emiss.events.files.atomic import write_text
from emiss.events.files.identity import WORTH, Remembered, Stamp
from emiss.events.provenance import code_version, text_hash
from emiss.job.identity import programs
from emiss.job.parked import Parked
from emiss.job.surveyed import Chunk, FileSurvey
from emiss.reco.quality.event_numbers import Held, Numbers
from emiss.reco.quality.spills import Spills

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from emiss.job.parked import Known
    from emiss.job.source import Source
    from emiss.job.surveyed import Asked
    from emiss.reco.quality.spills import SpillRange


class KeptSurveys:
    """The surveys of a job's files, in the folder with their indices."""

    def __init__(self, source: Source, bad_spills: frozenset[SpillRange]) -> None:
        self._of_all = json.dumps(
            [dict(source.content), source.key, sorted(bad_spills), code_version(), programs()], sort_keys=True
        )
        self._columns: dict[str, Mapping[str, Column]] = {}

    def load(self, asked: Asked) -> FileSurvey | None:
        """Return what is known of a file that nobody has touched; None if that is not all that there is to know."""
        stamp = Stamp.of(asked.path)
        if stamp is None or stamp.size < WORTH:
            return None
        identity = Remembered(asked.index_folder).known(asked.path, stamp)
        if identity is None:
            return None
        try:
            data = json.loads(self._file(asked, identity).read_text(encoding="utf-8"))
            if data["grows"]:  # the bytes that were there when it was looked at
                stamp = replace(stamp, size=int(identity.partition(":")[0]))
            return self._survey(asked, identity, stamp, data)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, asked: Asked, found: FileSurvey) -> None:
        """Keep what was found out about a file of which it is worth it."""
        if found.stamp is None or found.stamp.size < WORTH:
            return
        data = {
            name: getattr(found, name)
            for name in ("grows", "entries", "physics", "kept", "weight", "on_target", "tier", "first_number")
        }
        data |= {
            "chunks": [[c.start, c.stop, c.kept, c.spills.tolist()] for c in found.chunks],
            "kept_spills": found.kept_spills.tolist(),
            "excluded_spills": found.excluded_spills,
            "runs": found.runs,
            "payloads": found.payloads,
            "spills": None
            if found.spills is None
            else _lists(found.spills.key, found.spills.last, found.spills.broken),
            "numbers": _numbers(found.numbers),
            "columns": [vars(column) for column in found.columns.values()],
            "process": dict(found.process),
        }
        try:
            text = json.dumps(data, allow_nan=False, default=dict)
        except ValueError:  # a weight that is no number: it is found again
            return
        asked.index_folder.mkdir(parents=True, exist_ok=True)
        write_text(self._file(asked, found.identity), text)

    def _file(self, asked: Asked, identity: str) -> Path:
        wanted = [identity, [str(part) for part in asked.sample.runs], asked.max_events, asked.task_entries]
        return asked.index_folder / f"{text_hash(self._of_all + json.dumps(wanted))}.survey.json"

    def _survey(self, asked: Asked, identity: str, stamp: Stamp, data: Mapping[str, Any]) -> FileSurvey:
        numbers: Known
        if isinstance(data["numbers"], str):
            numbers = Parked.named(data["numbers"], asked.index_folder)
            if not numbers.path.is_file():
                raise FileNotFoundError(numbers.path)
        else:
            held, claimed = (Held(*_arrays(ends)) for ends in data["numbers"])
            numbers = Numbers(held, claimed)
        return FileSurvey(
            path=asked.path,
            identity=identity,
            stamp=stamp,
            grows=data["grows"],
            entries=data["entries"],
            chunks=tuple(Chunk(start, stop, kept, _pairs(spills)) for start, stop, kept, spills in data["chunks"]),
            physics=data["physics"],
            kept=data["kept"],
            weight=data["weight"],
            kept_spills=_pairs(data["kept_spills"]),
            excluded_spills=tuple((run, spill) for run, spill in data["excluded_spills"]),
            runs=tuple(data["runs"]),
            payloads=tuple(data["payloads"]),
            spills=None if data["spills"] is None else Spills(*_arrays(data["spills"])),
            numbers=numbers,
            first_number=data["first_number"],
            columns=self._once(data["columns"]),
            on_target=data["on_target"],
            process=data["process"],
            tier=data["tier"],
        )

    def _once(self, columns: list[dict[str, Any]]) -> Mapping[str, Column]:
        """Return columns; those of files of one kind are held once."""
        text = json.dumps(columns)
        if text not in self._columns:
            self._columns[text] = {said["name"]: Column(**said) for said in columns}
        return self._columns[text]


def _lists(*columns: Any) -> list[list[int]]:
    return [column.tolist() for column in columns]


def _arrays(columns: list[list[int]]) -> list[Any]:
    return [np.array(column, np.int64) for column in columns]


def _pairs(rows: list[list[int]]) -> Any:
    return np.array(rows, np.int64).reshape(-1, 2)


def _numbers(known: Known) -> str | list[list[list[int]]]:
    if isinstance(known, Parked):
        return known.digest
    return [_lists(ends.low, ends.high) for ends in (known.held, known.claimed)]
