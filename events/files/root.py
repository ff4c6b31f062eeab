"""Event tables in ROOT files: a TTree ``events`` with one counter per collection, and the TObjString ``emiss``.

Any other TTree or RNTuple with numbers, fixed arrays and lists of numbers can be read as well (`trees`, `schemas`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.configs.errors import Location, UserError, did_you_mean
from emiss.events.columns import Column, split
from emiss.events.files import trees
from emiss.events.files.base import BATCH, check_columns, check_held, held, reading
from emiss.events.files.schemas import schema_trees
from emiss.events.files.stored import read_metadata
from emiss.events.lists import Lists
from emiss.events.location import for_uproot
from emiss.events.table import EventTable, Metadata

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from emiss.configs.arrays import Array, Ints

TREE = "events"
TABLES = ("TTree", "ROOT::RNTuple")


class RootTable:
    """A TTree or RNTuple read as an event table."""

    splits = True

    def __init__(self, path: Path, tree: str | None = None) -> None:
        import uproot

        self.path = path
        self.ignored: dict[str, str] = {}
        self._branches: dict[str, str] = {}
        with reading(path):
            self._file = uproot.open(for_uproot(path))
            classes = {name.partition(";")[0]: kind for name, kind in self._file.classnames().items()}
            self._name = self._choose(classes, tree)
            self._tree = self._file[self._name]
            self.metadata = self._metadata(classes)
            self.entries = int(self._tree.num_entries)
            self.columns: Mapping[str, Column] = self._columns()

    def _choose(self, classes: dict[str, str], tree: str | None) -> str:
        there = [name for name, kind in classes.items() if kind in TABLES]
        if tree is not None:
            if tree in there:
                return tree
            raise UserError(f"no tree '{tree}'", at=Location(str(self.path)), hint=did_you_mean(tree, there))
        if TREE in there:
            return TREE
        if len(there) == 1:
            return there[0]
        if len(known := [name for name in there if name in schema_trees()]) == 1:
            return known[0]
        listed = ", ".join(f"'{name}'" for name in there) or "none"
        raise UserError(
            f"which tree is the event table? the file holds {listed}",
            at=Location(str(self.path)),
            hint=f"name it as {self.path.name}:TREE" if there else None,
        )

    def _metadata(self, classes: dict[str, str]) -> Metadata | None:
        if classes.get("emiss") != "TObjString":
            return None
        return read_metadata(str(self._file["emiss"]), self.path)

    def _columns(self) -> dict[str, Column]:
        if self.metadata is None:
            return self._foreign(self._found())
        declared = self.metadata.columns
        columns: dict[str, Column] = {}
        counters = {f"n{split(name)[0]}" for name, column in declared.items() if column.shape == "list"}
        for name, column in self._found().items():
            if name in declared:
                columns[name] = held(declared[name], column, self.path)
            elif name not in counters:
                columns[name] = column
        check_held(declared, columns, self.path)
        return columns

    def _foreign(self, found: dict[str, Column]) -> dict[str, Column]:
        """Return the columns of another program's tree, and remember the branches of those that are called otherwise."""
        columns = trees.collected(self._tree, self._name, found)
        self._branches = {column.name: branch for branch, column in columns.items() if column.name != branch}
        return {column.name: column for column in columns.values()}

    def _found(self) -> dict[str, Column]:
        """Return what the file holds of numbers, in its order; what it holds besides goes to `ignored`."""
        names = list(self._tree.keys(recursive=False))
        known = {name: _column_of_branch(name, self._tree[name]) for name in names}
        # what does not say its type in this way tells it by an empty read, which takes longer
        if others := [name for name, column in known.items() if column is None]:
            form, broken = trees.forms(self._tree, others)
            self.ignored |= broken
            for name, array in form.items():
                known[name] = column_of(name, array)
                if known[name] is not None:
                    continue
                parts = {} if hasattr(self._tree, "branches") else trees.records(name, array)
                inner = {part: column_of(part, empty) for part, empty in parts.items()}
                known |= inner
                self.ignored |= {part: str(parts[part].type) for part, column in inner.items() if column is None}
                if not parts:
                    self.ignored[name] = str(array.type)
        return {name: column for name, column in known.items() if column is not None}

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
        for first in range(start, stop, size) if stop > start else [start]:
            last = min(first + size, stop)
            with reading(self.path):
                wanted = [self.columns[name] for name in names]
                flat, lists = read_rows(self._tree, self.path, wanted, first, last, self._branches)
            yield EventTable(last - first, flat, lists, metadata.of_rows(first, last, self.entries))


def read_rows(
    tree: Any,
    path: Path,
    columns: Sequence[Column],
    start: int,
    stop: int,
    branches: Mapping[str, str] | None = None,
) -> tuple[dict[str, Array], dict[str, Lists]]:
    """Return the flat and the list columns of rows start to stop of a TTree or RNTuple.

    `branches` names those of columns that are called otherwise.

    Raises
    ------
    UserError
        If the file does not deliver a column (uproot itself says nothing for an RNTuple).
    """
    called = {column.name: (branches or {}).get(column.name, column.name) for column in columns}
    import awkward as ak

    flat: dict[str, Array] = {}
    parts: dict[str, dict[str, Any]] = {}
    if called:
        arrays = _arrays(tree, list(called.values()), start, stop)
        missing = set(called.values()) - set(arrays.fields if isinstance(arrays, ak.Array) else arrays)
        if missing:
            raise UserError(f"'{min(missing)}' was not delivered by the file", at=Location(str(path)))
        for column in columns:
            if column.shape == "list":
                collection, inner = split(column.name)
                parts.setdefault(collection, {})[inner] = arrays[called[column.name]]
            else:
                flat[column.name] = np.asarray(arrays[called[column.name]])
    return flat, {name: lists_of(each) for name, each in parts.items()}


def _arrays(tree: Any, names: list[str], start: int, stop: int) -> Any:
    """Return the arrays of branches by name; parts of an RNTuple's records one by one, as it nests what is read together."""
    top = names if hasattr(tree, "branches") else set(tree.keys(recursive=False))
    whole = [name for name in names if name in top]
    if len(whole) == len(names):
        return tree.arrays(names, entry_start=start, entry_stop=stop, library="ak")
    found: dict[str, Any] = {}
    if whole:
        arrays = tree.arrays(whole, entry_start=start, entry_stop=stop, library="ak")
        found = {name: arrays[name] for name in arrays.fields}
    there = set(tree.keys())
    parts = [name for name in names if name not in top and name in there]
    return found | {name: tree[name].array(entry_start=start, entry_stop=stop, library="ak") for name in parts}


def _column_of_branch(name: str, branch: Any) -> Column | None:
    """Return the declaration of a branch of numbers, fixed arrays or lists of numbers; None for all else, and for RNTuple."""
    import uproot

    kind: Any = getattr(branch, "interpretation", None)
    shape, size = "flat", 1
    if type(kind) is uproot.AsJagged and not kind.header_bytes:
        shape, kind = "list", kind.content
    if type(kind) is not uproot.AsDtype:
        return None
    dtype, dimensions = kind.to_dtype.base, kind.to_dtype.shape
    if len(dimensions) == 1 and shape == "flat":
        shape, size = "fixed", dimensions[0]
    elif dimensions:
        return None
    if dtype.kind not in "iufb":
        return None
    return Column(name, dtype.newbyteorder("=").str[1:], shape=shape, size=size)  # type: ignore[arg-type]


def column_of(name: str, array: Any) -> Column | None:
    """Return the declaration of a branch from its (empty) array, or None where it is no column of numbers."""
    import awkward as ak

    kind = array.layout
    shape, size = "flat", 1
    if isinstance(kind, ak.contents.ListOffsetArray | ak.contents.ListArray):
        shape, kind = "list", kind.content
    elif isinstance(kind, ak.contents.RegularArray):
        shape, size, kind = "fixed", kind.size, kind.content
    if not isinstance(kind, ak.contents.NumpyArray):
        return None
    if kind.data.ndim == 2 and shape == "flat":
        shape, size = "fixed", kind.data.shape[1]
    elif kind.data.ndim > 1:
        return None
    if kind.data.dtype.kind not in "iufb":
        return None
    return Column(name, kind.data.dtype.str[1:], shape=shape, size=size)  # type: ignore[arg-type]


def lists_of(parts: Mapping[str, Any]) -> Lists:
    """Turn awkward lists that share their lengths into one collection."""
    import awkward as ak

    offsets: Ints | None = None
    columns: dict[str, Array] = {}
    for inner, array in parts.items():
        packed = array.layout
        if not isinstance(packed, ak.contents.ListOffsetArray) or packed.offsets[0] != 0:
            packed = ak.to_packed(array).layout.to_ListOffsetArray64(start_at_zero=True)
        own = np.asarray(packed.offsets)
        if offsets is None:
            offsets = own.astype(np.int64, copy=False)
        elif not np.array_equal(offsets, own):
            raise UserError(f"the lists of '{inner}' are not as long as those of '{next(iter(columns))}'")
        columns[inner] = np.asarray(packed.content.data)[: own[-1]]
    if offsets is None:
        msg = "a collection has at least one column"
        raise ValueError(msg)
    return Lists(offsets, columns)


class RootSink:
    """Writes a TTree (``events`` unless said otherwise) batch by batch."""

    def __init__(self, path: Path, table: EventTable, tree: str = TREE, compression: Any = None) -> None:
        import awkward as ak
        import uproot

        from emiss.events.files.zstd import CheckedZSTD

        types: dict[str, Any] = {}
        for name, values in table.flat.items():
            types[name] = values.dtype if values.ndim == 1 else np.dtype((values.dtype, values.shape[1:]))
        for name, lists in table.lists.items():
            inner = {field: ak.types.NumpyType(values.dtype.name) for field, values in lists.columns.items()}
            bare = inner.get("")
            types[name] = ak.types.ListType(bare or ak.types.RecordType(list(inner.values()), list(inner)))
        # level 1 of ZSTD: five times the speed of level 5 for a tenth more bytes
        self._file = uproot.recreate(path, compression=CheckedZSTD(1) if compression is None else compression)
        self._tree = self._file.mktree(
            tree,
            types,
            counter_name=lambda counted: f"n{counted}",
            field_name=lambda outer, inner: f"{outer}.{inner}" if outer else inner,
        )

    def extend(self, table: EventTable) -> None:
        """Append the rows of a table with the columns of the first one."""
        import awkward as ak

        if not len(table):
            return
        data: dict[str, Any] = dict(table.flat)
        for name, lists in table.lists.items():
            inner = {key: ak.contents.NumpyArray(np.ascontiguousarray(values)) for key, values in lists.columns.items()}
            rows = inner.get("") or ak.contents.RecordArray(
                list(inner.values()), list(inner), length=int(lists.offsets[-1])
            )
            data[name] = ak.Array(ak.contents.ListOffsetArray(ak.index.Index64(lists.offsets), rows))
        self._tree.extend(data)

    def close(self, metadata: Metadata) -> None:
        """Write the metadata and close the file."""
        self.close_with(json.dumps(metadata.to_json()))

    def close_with(self, text: str) -> None:
        """Write the metadata as a given JSON text and close the file."""
        self._file["emiss"] = text
        self._file.close()
