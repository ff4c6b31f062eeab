"""The manifest of a folder of event tables: which tables belong to it, what each was made from, and what it stands for.

A table holds events. Which sample they are of, which role it has, how many particles on target they stand for and on which
scale they are drawn is said by the manifest alone, so that none of this is ever out of date in a table that is used again. It
stands as ``manifest.json`` in the folder of the tables, and every door to a table (`emiss.events.files.open`) goes by it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from emiss.configs.errors import Location, UserError
from emiss.events import history
from emiss.events.files.atomic import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.events.history import History
    from emiss.events.table import Metadata

SCHEMA = "emiss.manifest/1"
NAME = "manifest.json"
DEEPEST = 2
"""Folders between a manifest and its tables: ``SAMPLE/``, and one to spare."""


@dataclass(frozen=True)
class Entry:
    """One table of a job.

    Attributes
    ----------
    table : str
        Its path from the folder of the manifest, with slashes.
    key : str
        Names all that the content depends on; the table carries it, too.
    path, identity : str
        The run file that it was made from.
    entries : tuple of int
        First entry of that file, and the one after the last.
    on_target : float or None
        Particles on target that its events stand for, where that is known.
    """

    table: str
    key: str
    path: str
    identity: str
    entries: tuple[int, int]
    on_target: float | None = None


@dataclass(frozen=True)
class SampleEntry:
    """One sample of a job: what its tables, which stand in the order of its files, are together.

    Attributes
    ----------
    role : str
    scale : float
    on_target : float or None
        Particles on target of all its tables, where that is known.
    partial : bool
        Whether only a part of the files was asked for.
    process : mapping
        What was simulated; empty for data and where it is not known.
    history : tuple of Before
        What was cut before its files were written.
    tables : tuple of Entry
    """

    role: str
    scale: float = 1.0
    on_target: float | None = None
    partial: bool = False
    process: Mapping[str, Any] = field(default_factory=dict)
    tables: tuple[Entry, ...] = ()
    history: History = ()


@dataclass(frozen=True, eq=False)
class Manifest:
    """The samples of a folder of tables; `about` says of which job (code, configs, constants), for people."""

    samples: Mapping[str, SampleEntry]
    about: Mapping[str, Any] = field(default_factory=dict)
    folder: Path = Path()

    def save(self, folder: Path) -> Self:
        """Write the manifest to a folder, whole or not at all; return it as it stands there."""
        data = {
            "schema": SCHEMA,
            **self.about,
            "samples": {
                name: {
                    "role": sample.role,
                    "scale": sample.scale,
                    "on_target": sample.on_target,
                    "partial": sample.partial,
                    "process": dict(sample.process),
                    **({history.KEY: [row.to_json() for row in sample.history]} if sample.history else {}),
                    "tables": [vars(entry) for entry in sample.tables],
                }
                for name, sample in self.samples.items()
            },
        }
        write_text(folder / NAME, json.dumps(data, indent=1, allow_nan=False) + "\n")
        return replace(self, folder=folder)

    @classmethod
    def load(cls, folder: Path) -> Manifest:
        """Read the manifest of a folder.

        Raises
        ------
        UserError
            If it cannot be read, or is not one that this version of emiss understands.
        """
        path = folder / NAME
        try:
            said = path.stat()
        except OSError as error:
            raise UserError(error.strerror or "cannot be read", at=Location(str(path))) from None
        return _read(path, said.st_mtime_ns, said.st_size, said.st_ino)

    def tables(self, below: Path | None = None) -> list[Path]:
        """Return the tables in order; those below a folder only, where one is given."""
        paths = [self.folder / entry.table for sample in self.samples.values() for entry in sample.tables]
        if below is None:
            return paths
        wanted = below.resolve()
        return [path for path in paths if wanted in path.resolve().parents]

    def entry(self, table: Path) -> tuple[str, int] | None:
        """Return sample and number in the sample of a table; None if it is not of this job."""
        try:
            name = table.resolve().relative_to(self.folder.resolve()).as_posix()
        except ValueError:
            return None
        return _places(self).get(name)

    def metadata(self, table: Path, own: Metadata) -> Metadata:
        """Return the metadata of a table with what the manifest says of it.

        Raises
        ------
        UserError
            If the manifest does not name it, or names another one under its name.
        """
        place = self.entry(table)
        again = "run 'emiss process' again: it makes what is missing, and keeps what is right"
        if place is None:
            hint = f"it is left over from an earlier job; {self.folder / NAME} says what is of the last one"
            raise UserError("this table is not of the job whose folder it is in", at=Location(str(table)), hint=hint)
        name, number = place
        sample = self.samples[name]
        entry = sample.tables[number]
        if own.provenance.get("task") != entry.key:
            raise UserError(
                "not the table that the manifest names, but an older one", at=Location(str(table)), hint=again
            )
        return replace(
            own,
            sample=name,
            role=sample.role,
            scale=sample.scale,
            on_target=entry.on_target,
            partial=sample.partial,
            process=sample.process,
            provenance={
                **own.provenance,
                "inputs": [{"path": entry.path, "identity": entry.identity, "entries": [list(entry.entries)]}],
                "part": [number, len(sample.tables)],
                "sample_on_target": sample.on_target,
                **({history.KEY: [row.to_json() for row in sample.history]} if sample.history else {}),
            },
        )


def near(table: Path) -> Manifest | None:
    """Return the manifest of the folder that a table is in, or of one above it; None if there is none."""
    for folder in (*table.absolute().parents,)[: DEEPEST + 1]:
        if (folder / NAME).is_file():
            return Manifest.load(folder)
    return None


@lru_cache(maxsize=16)
def _places(manifest: Manifest) -> dict[str, tuple[str, int]]:
    return {
        entry.table: (name, number)
        for name, sample in manifest.samples.items()
        for number, entry in enumerate(sample.tables)
    }


@lru_cache(maxsize=16)
def _read(path: Path, mtime_ns: int, size: int, inode: int) -> Manifest:  # noqa: ARG001 - say which version of the file
    place = Location(str(path))
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(error.strerror or "cannot be read", at=place) from None
    except ValueError as error:
        raise UserError(f"no JSON: {error}", at=place, hint="run 'emiss process' again, it writes a new one") from None
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != SCHEMA:
        raise UserError(f"schema is {schema!r}, this version of emiss reads '{SCHEMA}'", at=place)
    try:
        samples = {str(name): _sample(sample) for name, sample in data.pop("samples").items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"is not complete or was changed by hand: {error!r}", at=place) from None
    return Manifest(samples, {key: value for key, value in data.items() if key != "schema"}, path.parent)


def _sample(data: Mapping[str, Any]) -> SampleEntry:
    return SampleEntry(
        role=str(data["role"]),
        scale=float(data["scale"]),
        on_target=_number(data["on_target"]),
        partial=bool(data["partial"]),
        process=dict(data["process"]),
        history=history.read(data.get(history.KEY, ())),
        tables=tuple(
            Entry(
                str(item["table"]),
                str(item["key"]),
                str(item["path"]),
                str(item["identity"]),
                (int(item["entries"][0]), int(item["entries"][1])),
                _number(item["on_target"]),
            )
            for item in data["tables"]
        ),
    )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
