"""Which event tables a user means: files, folders of a job, folders of skims; and which sample each is of."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from emiss.configs.errors import Location, UserError
from emiss.events.files.base import SUFFIXES
from emiss.events.files.manifest import DEEPEST, NAME, Manifest, near
from emiss.events.files.open import open_table
from emiss.events.location import is_remote

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from emiss.events.files.base import TableFile

AT_A_TIME = 16
"""Questions that a server is asked at a time."""


def sample_of(path: Path, file: TableFile) -> tuple[str, str]:
    """Return sample and role of a table; one that does not say is data."""
    return (path.stem, "data") if file.metadata is None else (file.metadata.sample, file.metadata.role)


def find_tables(paths: Sequence[Path]) -> list[Path]:
    """Return the tables among `paths`, each one once, in order; of a job's folder those that its manifest names.

    Raises
    ------
    UserError
        If a folder holds none, or a table that the manifest names is not there.
    """
    found: list[Path] = []
    for path in paths:
        found += _inside(path) if path.is_dir() else [path]
    return list(dict.fromkeys(found))


def refuse_twice(paths: Sequence[Path]) -> None:
    """Refuse a table that is named twice, whose events would count twice.

    Raises
    ------
    UserError
        For the first one.
    """
    known = set()
    for path in paths:
        same = path if is_remote(path) else path.resolve()
        if same in known:
            raise UserError("is given twice", at=Location(str(path)))
        known.add(same)


def left_over(paths: Sequence[Path]) -> list[str]:
    """Return a remark for each folder of a job that holds tables of earlier jobs, which are not counted."""
    remarks = []
    for path in paths:
        folder = path / "tables" if (path / "tables").is_dir() else path
        if folder.is_dir() and (folder / NAME).is_file():
            named = set(Manifest.load(folder).tables())
            try:
                extra = [table for table in _all(folder) if table not in named]
            except UserError:
                if not is_remote(folder):
                    raise
                continue  # a server that lists no files
            if extra:
                remarks.append(f"{folder}: {len(extra)} tables of earlier jobs are not counted ({extra[0].name}, ...)")
    return remarks


def suffix_in(folder: Path) -> str:
    """Return the suffix of the tables that a folder of a job holds already, or else the one that is written by default."""
    if (folder / NAME).is_file():
        with suppress(UserError):  # the job will write a manifest that can be read
            return next((table.suffix for table in Manifest.load(folder).tables()), SUFFIXES[0])
    return SUFFIXES[0]


def samples_beside(paths: Sequence[Path]) -> set[str]:
    """Return the samples whose tables stand beside some tables: those of the same job, or in the same folder."""
    found: set[str] = set()
    for folder in {path.parent for path in paths}:
        manifest = near(folder / NAME)
        if manifest is not None:
            found |= manifest.samples.keys()
            continue
        for path in (p for p in folder.iterdir() if p.suffix in SUFFIXES and p.name[0] != "."):
            try:
                file = open_table(path)
            except UserError:  # it is not asked for, and may be damaged
                continue
            found.add(sample_of(path, file)[0])
            file.close()
    return found


def _inside(path: Path) -> list[Path]:
    folder = path / "tables" if (path / "tables").is_dir() else path
    for above in (folder, *folder.absolute().parents[:DEEPEST]):
        if (above / NAME).is_file():
            manifest = Manifest.load(above)
            named = manifest.tables(None if above == folder else folder)
            if named:
                _all_there(named, above)
                return named
    inside = _all(folder)
    if not inside:
        raise UserError("holds no .root or .parquet file", at=Location(str(path)))
    return inside


def _all(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.suffix in SUFFIXES and p.name[0] != ".")


def _all_there(tables: Sequence[Path], folder: Path) -> None:
    if is_remote(folder):  # a question for each, and answers that take their time
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            there = list(pool.map(lambda table: table.is_file(), tables))
    else:
        there = [table.is_file() for table in tables]
    missing = [table for table, found in zip(tables, there, strict=True) if not found]
    if missing:
        raise UserError(
            f"{len(missing)} of {len(tables)} tables of the job are not there yet, the first is {missing[0].name}",
            at=Location(str(folder)),
            hint="run the same 'emiss process' again: it goes on where it stopped",
        )
