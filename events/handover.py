"""Event tables as a dask-awkward array, for who goes on there: read piece by piece, where and when dask wants it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emiss.configs.errors import UserError
from emiss.events.files.open import expanded, open_table
from emiss.events.table import EventTable

if TYPE_CHECKING:
    from collections.abc import Sequence

PIECE = 100_000
"""Events of a partition, unless said otherwise."""


@dataclass(frozen=True)
class Piece:
    """A range of rows of a file: one partition."""

    path: str
    start: int
    stop: int


@dataclass(frozen=True)
class Reader:
    """Reads a piece as awkward records; picklable, so that a worker can do it."""

    columns: tuple[str, ...] | None

    def __call__(self, piece: Piece) -> Any:
        """Return the events of a piece: one record each, with the full names of the columns as fields."""
        file = open_table(piece.path)
        try:
            parts = list(
                file.batches(self.columns, start=piece.start, stop=piece.stop, size=piece.stop - piece.start or 1)
            )
        finally:
            file.close()
        return EventTable.concatenate(parts).to_awkward()


def pieces(paths: Sequence[str | Path], size: int = PIECE) -> list[Piece]:
    """Return the pieces of some tables, of at most `size` events each; those of files that are read in one go are whole."""
    if size < 1:
        raise UserError(f"a partition has at least one event, not {size}")
    found = []
    for path in expanded(paths):
        file = open_table(path)
        step = size if file.splits else max(file.entries, 1)
        found += [
            Piece(str(path), start, min(start + step, file.entries)) for start in range(0, file.entries or 1, step)
        ]
        file.close()
    return found


def to_dask(path: str | Path | Sequence[str | Path], columns: Sequence[str] | None = None, *, size: int = PIECE) -> Any:
    """Return event tables as a dask-awkward array of one record per event.

    Parameters
    ----------
    path : str or Path, or several
        As `read` takes them.
    columns : sequence of str, optional
        Only these are read.
    size : int
        Events of a partition.

    Raises
    ------
    UserError
        If dask-awkward is not installed, or there is no such table.
    """
    try:
        import dask_awkward
    except ImportError as error:
        hint = "pip install dask-awkward, in an environment with the version of dask that it wants"
        raise UserError(f"dask-awkward cannot be imported: {error}", hint=hint) from None
    import awkward as ak

    reader = Reader(None if columns is None else tuple(columns))
    found = pieces([path] if isinstance(path, str | Path) else path, size)
    # the types of the columns without a row of them
    meta = ak.Array(reader(Piece(found[0].path, 0, 0)).layout.to_typetracer(forget_length=True))
    return dask_awkward.from_map(reader, found, meta=meta, label="emiss-tables")
