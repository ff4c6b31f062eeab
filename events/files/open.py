"""Event tables on disk: `open_table` and `read` for ROOT and Parquet files, `TableWriter` and `write` for ours.

The file's content decides how it is read, the name's suffix how it is written. A file that emiss wrote carries its
metadata; of any other table the columns are taken as they stand, dimensionless.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from emiss.configs.errors import Location, UserError, did_you_mean
from emiss.configs.files import check_regular
from emiss.events.files.atomic import part_of
from emiss.events.files.manifest import near
from emiss.events.table import EventTable, Metadata, true_of_rows

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
    from types import TracebackType

    from emiss.events.columns import Column

BATCH = 100_000


class TableFile(Protocol):
    """An event table on disk."""

    path: Path
    entries: int
    columns: Mapping[str, Column]
    metadata: Metadata | None

    def batches(
        self, columns: Sequence[str] | None = None, *, start: int = 0, stop: int | None = None, size: int = BATCH
    ) -> Iterator[EventTable]:
        """Yield the rows start to stop in pieces of `size`, with the given columns (all of them for None).

        Each has its part of the ledger (`Ledger.of_rows`).
        """
        ...

    def close(self) -> None:
        """Close the file."""
        ...


class Sink(Protocol):
    """The format of a table being written."""

    def extend(self, table: EventTable) -> None:
        """Append rows."""
        ...

    def close(self, metadata: Metadata) -> None:
        """Write the metadata and close."""
        ...


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
    text = str(path)
    name, _, tree = text.rpartition(":") if not Path(text).exists() and ":" in text else (text, "", "")
    check_regular(name)
    try:
        with Path(name).open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise UserError(error.strerror or "cannot be read", at=Location(name)) from None
    if magic == b"root":
        from emiss.events.files.root import RootTable

        return RootTable(Path(name), tree or None)
    if magic == b"PAR1":
        from emiss.events.files.parquet import ParquetTable

        return ParquetTable(Path(name))
    raise UserError(
        "neither a ROOT nor a Parquet file, so no event table",
        at=Location(name),
        hint="raw run files go to 'emiss process' first",
    )


def held(declared: Column, found: Column, path: Path) -> Column:
    """Return the declaration of a column after a look whether the file holds such a one.

    Raises
    ------
    UserError
        If type, shape or length are others.
    """
    kinds = [("b1" if c.type == "bool" else c.type, c.shape, c.size) for c in (declared, found)]
    if kinds[0] != kinds[1]:
        raise UserError(
            f"'{declared.name}' is declared as {_kind(declared)} and stored as {_kind(found)}", at=Location(str(path))
        )
    return declared


def check_held(declared: Iterable[str], found: Container[str], path: Path) -> None:
    """Raise a UserError for the first column that a table declares and does not hold."""
    for name in declared:
        if name not in found:
            raise UserError(f"declares a column '{name}' and holds none", at=Location(str(path)))


def _kind(column: Column) -> str:
    return f"{column.type} {column.shape}" + (f" of {column.size}" if column.shape == "fixed" else "")


def check_columns(file: TableFile, names: Sequence[str]) -> None:
    """Raise a UserError for the first name that is no column of the file."""
    for name in names:
        if name not in file.columns:
            raise UserError(
                f"the table has no column '{name}'", at=Location(str(file.path)), hint=did_you_mean(name, file.columns)
            )


def read(path: str | Path, columns: Sequence[str] | None = None) -> EventTable:
    """Read a whole event table, or some of its columns, into memory."""
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

    Use as a context manager: `extend` per batch, `finish` with the metadata at the end.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if self.path.suffix not in (".root", ".parquet"):
            raise UserError(
                f"an event table is written to .root or .parquet, not '{self.path.suffix}'", at=Location(str(path))
            )
        self._part = part_of(self.path, self.path.suffix)
        self._sink: Sink | None = None
        self._names: frozenset[str] = frozenset()
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
        self._sink.extend(table)

    def finish(self, metadata: Metadata) -> None:
        """Write the metadata and put the file in its place."""
        if self._sink is None:
            msg = "a table is written from at least one batch (it may hold no event)"
            raise ValueError(msg)
        written = {name: column for name, column in metadata.columns.items() if name in self._names}
        self._sink.close(replace(metadata, columns=written))
        self._part.replace(self.path)
        self._finished = True

    def _open(self, table: EventTable) -> Sink:
        if self.path.suffix == ".root":
            from emiss.events.files.root import RootSink

            return RootSink(self._part, table)
        from emiss.events.files.parquet import ParquetSink

        return ParquetSink(self._part, table)
