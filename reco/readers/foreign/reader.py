"""Foreign files through a reader map: from the branches of any TTree or RNTuple straight to an event table, without Python.

A map (`map_config`, YAML) gives each column of the event table an expression of branches, in the language of the cuts. Before
that, elements may be put together by a key (`groups`), detector cells be made of arrays or of one branch each (`cells`), and
waveforms be measured (`waveforms`).
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.configs import loader
from emiss.events.columns import split
from emiss.events.language.running.evaluate import Plan, columns_read
from emiss.events.ledger import Ledger
from emiss.events.lists import Lists
from emiss.events.location import located
from emiss.events.table import EventTable, Metadata
from emiss.reco.formats.foreign_tree import ForeignTree
from emiss.reco.readers.base import BATCH, PlainIndex
from emiss.reco.readers.foreign.binding import BoundReaderMap, Output
from emiss.reco.readers.foreign.schema import ReaderMap

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from emiss.configs.arrays import Array
    from emiss.configs.loader import Document
    from emiss.events.columns import Column
    from emiss.events.language.running.program import Node
    from emiss.events.language.running.values import Rows
    from emiss.events.ledger import Damage
    from emiss.reco.readers.foreign.waveforms import Waveforms


def load_reader_map(name: str | Path, near: Path | None = None) -> Document:
    """Return the reader map of a name that ships, or of a file.

    Raises
    ------
    UserError
        If there is none, or it is no map.
    """
    document = loader.load(loader.find("readers", name, near=near))
    loader.validate(document, ReaderMap)
    return document


class ForeignFile:
    """A file of another program that is read through a reader map.

    Parameters
    ----------
    path : str or Path
    document : Document
        The map, see `load_reader_map`.
    """

    tier = "table"
    splits = True
    grows = False

    def __init__(self, path: str | Path, document: Document) -> None:
        self.path = located(path)
        self.document = document
        self.reader_map = loader.validate(document, ReaderMap)
        self.on_target: float | None = None
        self.process: Mapping[str, Any] = {}
        self.truth: dict[str, Column] = {}
        self.tree = ForeignTree(self.path, self.reader_map.tree, self.reader_map.group_by)
        self._bound = BoundReaderMap(self.reader_map, self.tree)
        self._plan = Plan([node for output in self._bound.outputs for node in self._roots(output)])
        self._first = Plan([node for group in self._bound.groups for node in group.roots])
        self._names = self._needed()

    @cached_property
    def identity(self) -> str:
        """Size and checksum of the file."""
        return self.tree.identity

    def close(self) -> None:
        """Close the file."""
        self.tree.close()

    @property
    def columns(self) -> dict[str, Column]:
        """The columns of its event table."""
        return self._bound.columns

    @property
    def waveforms(self) -> dict[str, Waveforms]:
        """The waveforms that the map asks for, by collection."""
        return {one.name: one for one in self._bound.waveforms}

    def check(self) -> None:
        """Do nothing: a file that does not fit its map is refused when it is opened."""

    def index(self) -> PlainIndex:
        """Return the index: run, spill and weight are those that the map gives, else 0, 0 and 1."""
        return self._index

    @cached_property
    def _index(self) -> PlainIndex:
        size = self.tree.entries
        run, spill, weight = np.zeros(size, np.int64), np.zeros(size, np.int64), np.ones(size)
        wanted = {"event.run": run, "event.spill": spill, "weight": weight}
        if {output.column.name for output in self._bound.outputs} & set(wanted):
            at = 0
            for table in self.tables(size=65_536):
                for name, values in wanted.items():
                    if name in table.flat:
                        values[at : at + len(table)] = table.flat[name]
                at += len(table)
        return PlainIndex.of(run, spill, weight)

    def tables(self, start: int = 0, stop: int | None = None, size: int = BATCH) -> Iterator[EventTable]:
        """Yield the event table of entries start to stop in batches; at least one, which may hold no event."""
        stop = self.tree.entries if stop is None else min(stop, self.tree.entries)
        for first in range(start, stop, size) if stop > start else [start]:
            yield self._table(first, min(first + size, stop))

    @staticmethod
    def _roots(output: Output) -> list[Node]:
        return [*output.nodes, *(node.axis for node in output.nodes if node.axis is not None)]

    def _needed(self) -> tuple[str, ...]:
        """Return the branches that have to be read."""
        read = columns_read([*self._plan.roots, *self._first.roots], self._bound.scope.columns)
        cells = [name for cells in self._bound.cells for name in cells.uses]
        return tuple(dict.fromkeys([*(name for name in read if name in self._bound.source), *cells]))

    # --- reading ----------------------------------------------------------------------------------------------------

    def _table(self, start: int, stop: int) -> EventTable:
        source = self.tree.read(self._names, start, stop)
        lists = dict(source.lists)
        values = self._first.run(source)
        undefined: dict[str, Damage | None] = {}
        for group in self._bound.groups:
            lists[group.name] = group.make(values, source.size)
            undefined[f"map.{group.name}.undefined_key"] = group.undefined(values)
        for cells in self._bound.cells:
            lists[cells.name] = cells.make(source.flat, source.size)
            undefined[f"map.{cells.name}.undefined_cell"] = cells.undefined(lists[cells.name])
        for waves in self._bound.waveforms:
            lists[waves.name] = waves.make(start, stop)
        found = self._plan.run(EventTable(source.size, source.flat, lists))
        size = source.size
        flat: dict[str, Array] = {
            "event.file": np.zeros(size, np.int32),
            "event.entry": np.arange(start, stop, dtype=np.int64),
            "weight": np.ones(size),
        }
        made: dict[str, dict[str, Array]] = {}
        rows: dict[str, Rows] = {}
        for output in self._bound.outputs:
            column = output.column
            if column.shape == "list":
                collection, inner = split(column.name)
                axis = output.nodes[0].axis
                assert axis is not None  # noqa: S101 - it is a list
                rows[collection] = found[axis.id]
                made.setdefault(collection, {})[inner] = self._typed(found, output, 0, rows[collection].size)
            elif column.shape == "fixed":
                flat[column.name] = np.stack([self._typed(found, output, i, size) for i in range(column.size)], axis=1)
            else:
                flat[column.name] = self._typed(found, output, 0, size)
        lists = {name: Lists(rows[name].offsets, each) for name, each in made.items()}
        damage = {name: found for name, found in undefined.items() if found is not None}
        ledger = Ledger(read=size, passed=size, damage=damage)
        return EventTable(size, flat, lists, Metadata(columns=self.columns, ledger=ledger))

    def _typed(self, found: Mapping[int, Any], output: Output, i: int, length: int) -> Array:
        """Return the values of an expression in the type of its column."""
        value = found[output.nodes[i].id]
        kind = np.dtype(output.column.type)
        if kind.kind == "b":
            return np.broadcast_to(value.true, (length,)).copy()
        data = np.broadcast_to(value.true if output.nodes[i].kind == "truth" else value.data, (length,))
        if kind.kind in "iu" and data.dtype.kind == "f":
            unknown = int(np.count_nonzero(np.isnan(data)))
            if unknown:
                raise output.expression.place.error(
                    f"'{output.column.name}' is a whole number, and undefined for {unknown} events of {self.path}",
                    hint="write where(isfinite(x), x, 0)",
                )
        if kind.kind in "iu" and data.dtype.kind != "b":
            limits = np.iinfo(kind)
            outside = np.flatnonzero((data < limits.min) | (data > limits.max))
            if len(outside):
                raise output.expression.place.error(
                    f"'{output.column.name}' is a whole number from {limits.min} to {limits.max}, and "
                    f"{data[outside[0]]:.0f} for an event of {self.path} ({len(outside)} in all)"
                )
        return data.astype(kind)
