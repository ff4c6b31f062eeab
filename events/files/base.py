"""What ROOT and Parquet tables have in common: what can be asked of a `TableFile`, and the checks of its columns."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from emiss.configs.errors import Location, UserError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from emiss.events.columns import Column
    from emiss.events.table import EventTable, Metadata

BATCH = 100_000

SUFFIXES = (".parquet", ".root")
"""The formats of event tables; the first is the one that is written where nobody asks for another."""

ROWS = 32_768
"""Rows that are written together: a ROOT basket per column, a Parquet row group. Some 30 MB of a table with cells."""


class TableFile(Protocol):
    """An event table on disk."""

    path: Path
    entries: int
    columns: Mapping[str, Column]
    metadata: Metadata | None
    splits: bool
    """Whether rows can be read without all before them."""

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


@contextmanager
def reading(path: Path, kind: str = "ROOT") -> Iterator[None]:
    """Turn what fails while a ROOT or Parquet file is read into a UserError that names the file.

    The bytes of a damaged file decide what fails, and with which exception: no list of types would be complete.
    """
    try:
        yield
    except UserError as error:
        raise UserError(error.message, at=error.at or Location(str(path)), hint=error.hint) from error
    except Exception as error:
        raise UserError(f"not readable as a {kind} file: {_line(error)}", at=Location(str(path))) from error


def _line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0].rstrip(",:") if text else type(error).__name__


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
