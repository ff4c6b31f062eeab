"""Event tables in Parquet files: list columns as Arrow lists, fixed ones as fixed-size lists, metadata as ``emiss``."""

from __future__ import annotations

import json
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.configs.errors import Location, UserError
from emiss.events.columns import Column, join, split
from emiss.events.files.base import BATCH, check_columns, check_held, held, reading
from emiss.events.files.stored import read_metadata
from emiss.events.lists import Lists
from emiss.events.location import is_remote
from emiss.events.table import EventTable, Metadata

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from emiss.configs.arrays import Array, Ints

KEY = b"emiss"


class ParquetTable:
    """A Parquet file read as an event table."""

    splits = False

    def __init__(self, path: Path) -> None:
        import pyarrow.parquet as pq

        self.path = path
        self.ignored: dict[str, str] = {}
        columns: dict[str, Column] = {}
        with reading(path, "Parquet"):
            source = path.open("rb") if is_remote(path) else path
            self._file = pq.ParquetFile(source, page_checksum_verification=True, pre_buffer=is_remote(path))
            self.entries = int(self._file.metadata.num_rows)
            self._schema = self._file.schema_arrow
            stored = (self._schema.metadata or {}).get(KEY) or (self._file.metadata.metadata or {}).get(KEY)
            self.metadata = None if stored is None else read_metadata(stored, path)
            declared = {} if self.metadata is None else self.metadata.columns
            for field in self._schema:
                column = _column(field.name, field.type)
                if column is None:
                    self.ignored[field.name] = str(field.type)
                else:
                    columns[field.name] = held(declared.get(field.name, column), column, path)
            check_held(declared, columns, path)
        self.columns: Mapping[str, Column] = columns

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def batches(
        self, columns: Sequence[str] | None = None, *, start: int = 0, stop: int | None = None, size: int = BATCH
    ) -> Iterator[EventTable]:
        """Yield the rows start to stop in pieces of `size`, with the given columns (all of them for None)."""
        names = list(self.columns if columns is None else columns)
        check_columns(self, names)
        stop = self.entries if stop is None else min(stop, self.entries)
        metadata = self.metadata or Metadata.of_foreign(self.path, self.columns, self.entries)
        groups, row, end = self._groups(start, stop)
        seen = False
        for batch in self._pieces(names, size, groups):
            low, high = max(start - row, 0), min(stop - row, batch.num_rows)
            if high > low:
                seen = True
                part = metadata.of_rows(row + low, row + high, self.entries)
                with reading(self.path, "Parquet"):
                    table = self._table(batch.slice(low, high - low), names, part)
                yield table
            row += batch.num_rows
        if row != end:
            raise UserError(f"holds {row} rows of {end}", at=Location(str(self.path)))
        if not seen:
            empty = self._schema.empty_table().select(names)
            yield self._table(empty, names, metadata.of_rows(start, start, self.entries))

    def _groups(self, start: int, stop: int) -> tuple[list[int], int, int]:
        """Return the row groups that hold some rows, the first row of the first of them, and the one after the last."""
        sizes = [self._file.metadata.row_group(number).num_rows for number in range(self._file.num_row_groups)]
        ends = list(accumulate(sizes))
        if (start, stop) == (0, self.entries):
            return list(range(len(sizes))), 0, self.entries
        chosen = [n for n, end in enumerate(ends) if start < stop and end > start and end - sizes[n] < stop]
        return (chosen, ends[chosen[0]] - sizes[chosen[0]], ends[chosen[-1]]) if chosen else ([], 0, 0)

    def _pieces(self, names: Sequence[str], size: int, groups: Sequence[int]) -> Iterator[Any]:
        with reading(self.path, "Parquet"):
            # pyarrow 18 reads no batches of a file without row groups
            some = {"batch_size": size, "columns": list(names), "row_groups": list(groups)}
            pieces = self._file.iter_batches(**some) if groups else iter(())
        while True:
            with reading(self.path, "Parquet"):
                batch = next(pieces, None)
            if batch is None:
                return
            yield batch

    def _table(self, batch: Any, names: Sequence[str], metadata: Metadata) -> EventTable:
        flat: dict[str, Array] = {}
        lists: dict[str, tuple[Ints, dict[str, Array]]] = {}
        for name in names:
            array = batch.column(name)
            array = array.combine_chunks() if hasattr(array, "combine_chunks") else array
            if array.null_count or getattr(array, "values", array).null_count:
                raise UserError(f"column '{name}' holds nulls", at=Location(str(self.path)))
            column = self.columns[name]
            if column.shape == "list":
                collection, inner = split(name)
                own = _numbers(array.offsets).astype(np.int64)
                values = _numbers(array.values)[own[0] : own[-1]]
                offsets, parts = lists.setdefault(collection, (own - own[0], {}))
                if not np.array_equal(offsets, own - own[0]):
                    raise UserError(f"the lists of '{name}' differ in length", at=Location(str(self.path)))
                parts[inner] = values
            elif column.shape == "fixed":
                rows = _numbers(array.values).reshape(-1, column.size)
                flat[name] = rows[array.offset : array.offset + len(array)]
            else:
                flat[name] = _numbers(array)
        return EventTable(
            batch.num_rows, flat, {name: Lists(offsets, parts) for name, (offsets, parts) in lists.items()}, metadata
        )


def _numbers(array: Any) -> Array:
    """Return an Arrow array without nulls as a NumPy array on the same memory; `to_numpy` would import pandas to do so."""
    dtype = np.dtype(array.type.to_pandas_dtype())
    data = array.buffers()[1]
    if not len(array) or data is None:
        return np.empty(0, dtype)
    if dtype.kind == "b":
        bits = np.unpackbits(np.frombuffer(data, np.uint8), count=array.offset + len(array), bitorder="little")
        return bits[array.offset :].view(np.bool_)
    return np.frombuffer(data, dtype, len(array), array.offset * dtype.itemsize)


def _column(name: str, kind: Any) -> Column | None:
    """Return the declaration of a field, or None where it is no column of numbers."""
    import pyarrow as pa

    shape, size = "flat", 1
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        shape, kind = "list", kind.value_type
    elif pa.types.is_fixed_size_list(kind):
        shape, size, kind = "fixed", kind.list_size, kind.value_type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        return None
    return Column(name, np.dtype(kind.to_pandas_dtype()).str[1:], shape=shape, size=size)  # type: ignore[arg-type]


def _floats(schema: Any) -> list[str]:
    """Return where the floats of a schema are stored, by the path in the file."""
    import pyarrow as pa

    found = []
    for field in schema:
        inside = isinstance(field.type, pa.ListType | pa.FixedSizeListType)
        if pa.types.is_floating(field.type.value_type if inside else field.type):
            found.append(f"{field.name}.list.element" if inside else field.name)
    return found


class ParquetSink:
    """Writes a Parquet file, one row group per batch.

    The bytes of floats are stored by their place in the number (BYTE_STREAM_SPLIT), which compresses better and costs nothing
    to read; dictionaries, made for texts, only cost time.
    """

    def __init__(self, path: Path, table: EventTable) -> None:
        import pyarrow.parquet as pq

        schema = self._arrow(table).schema
        self._writer = pq.ParquetWriter(
            path,
            schema,
            compression="zstd",
            use_dictionary=False,
            use_byte_stream_split=_floats(schema),
            write_page_checksum=True,
        )

    def extend(self, table: EventTable) -> None:
        """Append the rows of a table with the columns of the first one."""
        if len(table):
            self._writer.write_table(self._arrow(table))

    def close(self, metadata: Metadata) -> None:
        """Write the metadata and close the file."""
        self._writer.add_key_value_metadata({KEY: json.dumps(metadata.to_json()).encode()})
        self._writer.close()

    @staticmethod
    def _arrow(table: EventTable) -> Any:
        import pyarrow as pa

        columns: dict[str, Any] = {}
        for name, values in table.flat.items():
            if values.ndim == 1:
                columns[name] = pa.array(values)
            else:
                columns[name] = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])
        for name, lists in table.lists.items():
            for inner, values in lists.columns.items():
                columns[join(name, inner)] = pa.ListArray.from_arrays(
                    pa.array(lists.offsets.astype(np.int32)), pa.array(values)
                )
        return pa.table(columns)
