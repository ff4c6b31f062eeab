"""Event tables on disk: `open_table` and `read` for ROOT and Parquet files, `TableWriter` and `write` for ours.

The file's content decides how it is read, the name's suffix how it is written. A file that emiss wrote carries its
metadata; of any other table the columns are taken as they stand, dimensionless.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from emiss.configs.errors import Location, UserError
from emiss.configs.files import check_regular
from emiss.events.files.atomic import part_of, settle
from emiss.events.files.base import ROWS, SUFFIXES
from emiss.events.files.manifest import near
from emiss.events.location import is_remote, located, matching, place
from emiss.events.table import EventTable, Metadata, true_of_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from emiss.events.files.base import Sink, TableFile


def open_table(path: str | Path) -> TableFile:
    """Open an event table; ``file.root:name`` names a tree where a file holds several.

    A table of a job stands for what the manifest of its folder says (`emiss.events.files.manifest`).

    Raises
    ------
    UserError
        If there is no such file, it holds no table, it is left over from another job, or its rows are not those that its
        ledger counts.
    """
    file = open_stored(path)
    metadata = file.metadata
    if metadata is None:
        return file
    if metadata.ledger.passed != file.entries:
        raise UserError(
            f"holds {file.entries} events, and its ledger counts {metadata.ledger.passed} that passed",
            at=Location(str(path)),
            hint="a part of a table is written with events.write or 'emiss select --keep', which count anew",
        )
    if "task" in metadata.provenance and (manifest := near(file.path)) is not None:
        file.metadata = manifest.metadata(file.path, metadata)
    return file


def open_stored(path: str | Path) -> TableFile:
    """Open an event table as it is, without asking what it stands for; see `open_table`."""
    found, tree = file_and_tree(path)
    name = str(found)
    try:
        with found.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise UserError(error.strerror or "cannot be read", at=Location(name)) from None
    if magic == b"root":
        from emiss.events.files.root import RootTable

        return RootTable(found, tree or None)
    if magic == b"PAR1":
        from emiss.events.files.parquet import ParquetTable

        return ParquetTable(found)
    raise UserError(
        "neither a ROOT nor a Parquet file, so no event table",
        at=Location(name),
        hint="raw run files go to 'emiss process' first",
    )


def file_and_tree(path: str | Path) -> tuple[Path, str]:
    """Return the file of a table named as ``FILE`` or ``FILE:TREE``, and the tree; "" where none is named."""
    if is_remote(path):
        whole = located(path)
        name, colon, tree = whole.name.rpartition(":")
        return (whole.with_name(name), tree) if colon else (whole, "")
    text = str(path)
    name, _, tree = text.rpartition(":") if not Path(text).exists() and ":" in text else (text, "", "")
    check_regular(name)
    return Path(name), tree


def read(path: str | Path | Sequence[str | Path], columns: Sequence[str] | None = None) -> EventTable:
    """Read a whole event table, or some of its columns, into memory.

    Parameters
    ----------
    path : str or Path, or several
        A file, ``FILE:TREE``, a pattern such as ``tables/signal/*.parquet`` (``nano_*.root:Events``), or several of these;
        their events stand one file after the other.
    columns : sequence of str, optional

    Raises
    ------
    UserError
        If there is none, or several have other columns or are of other samples.
    """
    paths = expanded([path] if isinstance(path, str | Path) else path)
    if len(paths) == 1:
        return _read(paths[0], columns)
    tables = [_read(one, columns) for one in paths]
    for one, table in zip(paths, tables, strict=True):
        _same(tables[0], table, Location(str(one)))
    return EventTable.concatenate(tables)


def expanded(paths: Sequence[str | Path]) -> list[str | Path]:
    """Return files and patterns as files, in order; those of a pattern by name.

    Raises
    ------
    UserError
        If there is none, or none is called like a pattern.
    """
    import glob

    found: list[str | Path] = []
    for path in paths:
        name, _, tree = str(path).partition(":") if not is_remote(path) else (str(path), "", "")
        if is_remote(path) or Path(path).exists() or not glob.has_magic(name):
            found.append(path)
            continue
        files = matching(name, Path())
        if not files:
            raise UserError("no file is called like this", at=Location(str(path)))
        found += [f"{file}:{tree}" if tree else file for file in files]
    if not found:
        raise UserError("no event table given")
    return found


def _same(first: EventTable, other: EventTable, place: Location) -> None:
    """Refuse tables that do not belong together."""
    if odd := sorted(set(first.names) ^ set(other.names)):
        raise UserError(f"has other columns than the tables before: {', '.join(odd[:5])}", at=place)
    names = [table.metadata.sample for table in (first, other) if table.metadata.provenance]
    if len(set(names)) > 1:
        raise UserError(
            f"is of the sample '{names[1]}', and a table before of '{names[0]}'", at=place, hint="read them apart"
        )


def _read(path: str | Path, columns: Sequence[str] | None) -> EventTable:
    file = open_table(path)
    table = EventTable.concatenate(list(file.batches(columns)))
    if file.metadata is None:
        return table
    return table.with_metadata(on_target=file.metadata.on_target, partial=file.metadata.partial)


def write(table: EventTable, path: str | Path) -> Path:
    """Write a table to ``.root`` or ``.parquet``, atomically; returns the path."""
    with TableWriter(path) as writer:
        writer.extend(table)
        writer.finish(true_of_rows(table.metadata, len(table)))
    return Path(path)


class TableWriter:
    """Writes a table batch by batch; the file appears under its name when it is finished, or not at all.

    Use as a context manager: `extend` per batch, `finish` with the metadata at the end. Rows are gathered and written `ROWS`
    at a time: a column in small pieces takes longer to write, and three times as long to read.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = place(path)
        if self.path.suffix not in SUFFIXES:
            raise UserError(
                f"an event table is written to .root or .parquet, not '{self.path.suffix}'", at=Location(str(path))
            )
        self._part = part_of(self.path, self.path.suffix)
        self._sink: Sink | None = None
        self._names: frozenset[str] = frozenset()
        self._waiting: list[EventTable] = []
        self._finished = False

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._finished:
            self._part.unlink(missing_ok=True)

    def extend(self, table: EventTable) -> None:
        """Append the rows of a table; the first one fixes the columns."""
        if self._sink is None:
            self._sink = self._open(table)
            self._names = frozenset(table.names)
        elif self._names != frozenset(table.names):
            msg = f"the rows have other columns than those before: {sorted(self._names ^ set(table.names))}"
            raise ValueError(msg)
        rest = EventTable(table.size, table.flat, table.lists)
        while (missing := ROWS - sum(map(len, self._waiting))) <= len(rest):
            self._write(self._sink, [*self._waiting, rest.slice(0, missing)])
            self._waiting = []
            rest = rest.slice(missing, len(rest))
        if len(rest):
            self._waiting.append(rest)

    def finish(self, metadata: Metadata) -> None:
        """Write the metadata and put the file in its place."""
        if self._sink is None:
            msg = "a table is written from at least one batch (it may hold no event)"
            raise ValueError(msg)
        if self._waiting:
            self._write(self._sink, self._waiting)
        written = {name: column for name, column in metadata.columns.items() if name in self._names}
        self._sink.close(replace(metadata, columns=written))
        settle(self._part, self.path)
        self._finished = True

    @staticmethod
    def _write(sink: Sink, parts: list[EventTable]) -> None:
        sink.extend(parts[0] if len(parts) == 1 else EventTable.concatenate(parts))

    def _open(self, table: EventTable) -> Sink:
        if self.path.suffix == ".root":
            from emiss.events.files.root import RootSink

            return RootSink(self._part, table)
        from emiss.events.files.parquet import ParquetSink

        return ParquetSink(self._part, table)
