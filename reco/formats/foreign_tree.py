"""Trees of other programs: the branches of any TTree or RNTuple as columns, rows grouped into events where that is asked for.

What the columns mean is the business of a reader map (`emiss.reco.readers.foreign`); here are only names, kinds and shapes.
Branches that hold neither numbers, fixed arrays nor lists of numbers are left out, and named with the reason.
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.configs.errors import Location, UserError, did_you_mean
from emiss.events.columns import Column, split
from emiss.events.files import trees
from emiss.events.files.base import reading
from emiss.events.files.identity import checksum
from emiss.events.files.root import TABLES, column_of, lists_of
from emiss.events.files.schemas import schema_of, schema_trees
from emiss.events.lists import Lists
from emiss.events.location import for_uproot, located
from emiss.events.table import EventTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from emiss.configs.arrays import Array

ROWS = "rows"
"""The collection that the columns of grouped rows belong to."""


class ForeignTree:
    """A TTree or RNTuple.

    Parameters
    ----------
    path : str or Path
    tree : str, optional
        Its name, where the file holds several.
    group_by : str, optional
        Column whose value is the same for all rows of one event; these rows stand together.

    Attributes
    ----------
    columns : mapping of name to Column
        Without units but for a schema that is known. ``A/b`` and ``A/A.b`` are both called ``A.b``; ``b`` alone will do where
        there is one only. Lists with one counter are one collection (`emiss.events.files.trees`), which expressions may call
        by their branches as well.
    shapes : mapping of name to tuple
        Of fixed arrays with more than one dimension: all of them.
    ignored : mapping of branch to type
    found : mapping of name to Column
        As they are in the file, before rows are grouped.
    """

    def __init__(self, path: str | Path, tree: str | None = None, group_by: str | None = None) -> None:
        import uproot

        self.path = located(path)
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.ignored: dict[str, str] = {}
        self._parts: set[str] = set()  # of the records of an RNTuple
        with reading(self.path):
            self._file = uproot.open(for_uproot(self.path))
            self.tree = self._choose(tree)
            self._tree = self._file[self.tree]
            self.rows = int(self._tree.num_entries)
            self._branches, found = self._find()
        self.found = found
        self.group_by = group_by
        if group_by is not None and group_by not in found:
            raise self.error(f"no branch '{group_by}' to group rows by", did_you_mean(group_by, found))
        self.schema = schema_of(self.tree, found)
        self.columns = self._collected(found) if group_by is None else self._grouped(found, group_by)

    def error(self, message: str, hint: str | None = None) -> UserError:
        """Return a mistake that is about this tree."""
        return UserError(f"tree '{self.tree}': {message}", at=Location(str(self.path)), hint=hint)

    def _collected(self, found: Mapping[str, Column]) -> dict[str, Column]:
        """Return the columns with those lists as fields of a collection that share a counter, and the units of a schema."""
        columns = trees.collected(self._tree, self.tree, found)
        self._branches |= {column.name: self._branches[name] for name, column in columns.items()}
        return {column.name: column for column in columns.values()}

    def _choose(self, tree: str | None) -> str:
        held = [name for name, kind in self._file.classnames(cycle=False).items() if kind in TABLES]
        if tree is None and len(held) == 1:
            return held[0]
        if tree is None and len(known := [name for name in held if name in schema_trees()]) == 1:
            return known[0]
        if tree not in held or tree is None:
            wrong = f"no tree '{tree}'" if tree else "which tree? the file holds several"
            hint = did_you_mean(tree or "", held, otherwise="it holds")
            raise UserError(wrong, at=Location(str(self.path)), hint=hint)
        return tree

    def _find(self) -> tuple[dict[str, str], dict[str, Column]]:
        """Return the branch and the declaration of each column, by all its names."""
        forms = self._forms()
        full = {branch: _full(branch) for branch in forms}
        short = Counter(name.rpartition("/")[2] for name in forms)
        branches: dict[str, str] = {}
        columns: dict[str, Column] = {}
        for branch, (column, shape) in forms.items():
            last = branch.rpartition("/")[2]
            for name in dict.fromkeys([full[branch], *([last] if short[last] == 1 else [])]):
                branches[name] = branch
                columns[name] = Column(name, column.type, shape=column.shape, size=column.size)
                if len(shape) > 1:
                    self.shapes[name] = shape
        return branches, columns

    def _forms(self) -> dict[str, tuple[Column, tuple[int, ...]]]:
        """Return kind and shape of each branch of numbers."""
        if not hasattr(self._tree, "branches"):  # an RNTuple: one empty read tells the types
            empty, broken = trees.forms(self._tree, self._tree.keys(recursive=False))
            for name, array in [*empty.items()]:
                if parts := trees.records(name, array):
                    del empty[name]
                    empty |= parts
                    self._parts |= parts.keys()
            made = {name: column_of(name, array) for name, array in empty.items()}
            self.ignored |= broken | {name: str(empty[name].type) for name, column in made.items() if column is None}
            return {name: (column, (column.size,)) for name, column in made.items() if column is not None}
        found = {}
        for branch in self._tree.itervalues(recursive=True):
            name = branch.name if branch.parent is self._tree else self._path(branch)
            if branch.branches:
                continue
            column = _column(name, branch.interpretation)
            if column is None:
                self.ignored[name] = str(getattr(branch, "typename", "") or branch.interpretation)
            else:
                found[name] = column
        return found

    def _path(self, branch: Any) -> str:
        return (
            f"{self._path(branch.parent)}/{branch.name}"
            if hasattr(branch.parent, "parent") and (branch.parent is not self._tree)
            else str(branch.name)
        )

    def _grouped(self, found: Mapping[str, Column], key: str) -> dict[str, Column]:
        """Return the columns of grouped rows: the key of the event, all others as lists."""
        columns = {}
        for name, column in found.items():
            if name == key:
                columns[name] = column
            elif column.shape == "flat":
                columns[f"{ROWS}.{name}"] = Column(f"{ROWS}.{name}", column.type, shape="list")
            else:
                self.ignored[name] = f"{column.shape} array in rows that are grouped"
        return columns

    @cached_property
    def _edges(self) -> Array:
        """The first row of each event, and the number of rows; int64 of shape (events + 1,)."""
        if self.group_by is None:
            return np.arange(self.rows + 1)
        with reading(self.path):
            key = np.asarray(self._tree[self._branches[self.group_by]].array(library="np"))
        first = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1]))) if len(key) else np.zeros(0, np.int64)
        values, times = np.unique(key[first], return_counts=True)
        if (times > 1).any():
            again = values[times > 1][0]
            raise self.error(
                f"the rows of '{self.group_by}' = {again} do not stand together, so they cannot be grouped into events"
            )
        return np.append(first, len(key))

    def branch(self, name: str) -> str:
        """Return the branch that a column is of."""
        return self._branches[name.removeprefix(f"{ROWS}.") if self.group_by else name]

    @property
    def entries(self) -> int:
        """Number of events."""
        return self.rows if self.group_by is None else len(self._edges) - 1

    @cached_property
    def identity(self) -> str:
        """Size and checksum of the file."""
        return checksum(self.path)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def read(self, names: Sequence[str], start: int, stop: int) -> EventTable:
        """Return events start to stop with the given columns."""
        low, high = (start, stop) if self.group_by is None else (int(self._edges[start]), int(self._edges[stop]))
        flat: dict[str, Array] = {}
        parts: dict[str, dict[str, Any]] = {}
        with reading(self.path):
            for name in names:
                array = self._array(self.branch(name), low, high)
                if self.group_by is None and self.columns[name].shape == "list":
                    collection, inner = split(name)
                    parts.setdefault(collection, {})[inner] = array
                elif self.group_by is None or name == self.group_by:
                    values = np.asarray(array)
                    flat[name] = values.reshape(len(values), self.columns[name].size) if values.ndim > 1 else values
                else:
                    parts.setdefault(ROWS, {})[name.removeprefix(f"{ROWS}.")] = np.asarray(array)
        if self.group_by is None:
            return EventTable(stop - start, flat, {name: lists_of(each) for name, each in parts.items()})
        offsets = self._edges[start : stop + 1] - low
        flat = {name: values[offsets[:-1]] for name, values in flat.items()}
        return EventTable(stop - start, flat, {name: Lists(offsets, each) for name, each in parts.items()})

    def rows_of(self, start: int, stop: int) -> Array:
        """Return where the rows of events start to stop begin, counted from the first; int64 of shape (events + 1,)."""
        edges: Array = self._edges[start : stop + 1]
        return edges - edges[0]

    def waveforms(self, name: str, start: int, stop: int) -> tuple[Array, Array]:
        """Return the samples in the rows of events start to stop, padded with 0, and how many each row has.

        Returns
        -------
        samples : uint16 array of shape (rows, S)
        n_samples : uint16 array of shape (rows,)

        Raises
        ------
        UserError
            For a sample that 16 bits do not hold.
        """
        import awkward as ak

        low, high = int(self._edges[start]), int(self._edges[stop])
        with reading(self.path):
            array = self._array(self._branches[name], low, high)
        count = np.asarray(ak.num(array, axis=1), np.uint16)
        longest = int(count.max()) if len(count) else 0
        samples = np.asarray(ak.fill_none(ak.pad_none(array, longest, clip=True), 0)).reshape(len(count), longest)
        if samples.size and not (samples.min() >= 0 and samples.max() <= np.iinfo(np.uint16).max):
            raise self.error(f"'{name}' has samples below 0 or above 65535")
        return samples.astype(np.uint16), count

    def _array(self, branch: str, start: int, stop: int) -> Any:
        if hasattr(self._tree, "branches"):
            return self._tree[branch].array(entry_start=start, entry_stop=stop, library="ak")
        if branch in self._parts:
            return self._tree[branch].array(entry_start=start, entry_stop=stop, library="ak")
        arrays = self._tree.arrays([branch], entry_start=start, entry_stop=stop, library="ak")
        if branch not in arrays.fields:  # uproot itself says nothing
            raise self.error(f"'{branch}' was not delivered by the file")
        return arrays[branch]


def _full(branch: str) -> str:
    """Return ``A.b`` for ``A/b`` and for ``A/A.b``."""
    parts = branch.split("/")
    last = parts[-1]
    if len(parts) > 1 and last.startswith(f"{parts[-2]}."):
        return last
    return ".".join(parts)


def _column(name: str, interpretation: Any) -> tuple[Column, tuple[int, ...]] | None:
    """Return the declaration of a branch of a TTree and the dimensions of a fixed array, None if it holds no numbers."""
    from uproot.interpretation.jagged import AsJagged
    from uproot.interpretation.numerical import AsDtype

    content = interpretation.content if isinstance(interpretation, AsJagged) else interpretation
    if not isinstance(content, AsDtype) or content.to_dtype.base.kind not in "iufb":
        return None
    kind = content.to_dtype.base.newbyteorder("=").str[1:]
    inner = tuple(content.inner_shape)
    if isinstance(interpretation, AsJagged):
        return (Column(name, kind, shape="list"), ()) if not inner else None
    if not inner:
        return Column(name, kind), ()
    return Column(name, kind, shape="fixed", size=int(np.prod(inner))), inner
