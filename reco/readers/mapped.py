"""Foreign files through a map: from the branches of any TTree or RNTuple straight to an event table, without Python.

A map (`map_config`, YAML) gives each column of the event table an expression of branches, in the language of the cuts. Before
that, elements may be put together by a key (`groups`), detector cells be made of arrays or of one branch each (`cells`), and
waveforms be measured (`waveforms`).
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from configs import loader
from configs.errors import UserError, did_you_mean
from configs.units import PURE, UnitError, parse_unit
from events.columns import COLUMNS, Column, split
from events.language.evaluate import Plan, columns_read
from events.language.expression import Expression, ObjectDeclaration, read_expression
from events.language.place import Branch, Items, Text, locate
from events.language.program import Program
from events.language.scope import ReportedError, Scope
from events.ledger import Ledger
from events.lists import Lists
from events.location import located
from events.table import EventTable, Metadata
from reco.readers.base import BATCH, PlainIndex
from reco.readers.cells import Cells, bind_cells
from reco.readers.foreign import ForeignTree
from reco.readers.groups import Groups, bind_groups
from reco.readers.map_config import MapFile
from reco.readers.waveforms import Waveforms, bind_waveforms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from configs.loader import Document
    from events.language.check import Checker
    from events.language.program import Node
    from events.language.values import Rows
    from events.lists import Array

DECLARED = {column.name: column for column in COLUMNS}


@dataclass(frozen=True)
class Output:
    """A column of the event table: its declaration, and the nodes it is made of (several for a fixed array)."""

    column: Column
    nodes: tuple[Node, ...]
    expression: Expression


def load_map(name: str | Path, near: Path | None = None) -> Document:
    """Return the map of a name that ships, or of a file.

    Raises
    ------
    UserError
        If there is none, or it is no map.
    """
    document = loader.load(loader.find("readers", name, near=near))
    loader.validate(document, MapFile)
    return document


class MappedFile:
    """A file of another program that is read through a map.

    Parameters
    ----------
    path : str or Path
    document : Document
        The map, see `load_map`.
    """

    tier = "table"
    splits = True
    grows = False

    def __init__(self, path: str | Path, document: Document) -> None:
        self.path = located(path)
        self.document = document
        self.map = loader.validate(document, MapFile)
        self.on_target: float | None = None
        self.process: Mapping[str, Any] = {}
        self.truth: dict[str, Column] = {}
        self.tree = ForeignTree(self.path, self.map.tree, self.map.group_by)
        self._written: Branch = locate(document, document.data)
        self._program = Program()
        source = self._with_units()
        declared = self._declared()
        scope = Scope(self._program, source, {}, {}, *declared)
        self._groups: tuple[Groups, ...] = bind_groups(self._written.branch("groups"), scope)
        scope.problems.check()
        self._cells: tuple[Cells, ...] = bind_cells(self.map.cells, self._written.branch("cells"), self.tree)
        made = {name: column for group in self._groups for name, column in group.columns.items()}
        made |= {name: column for cells in self._cells for name, column in cells.columns.items()}
        self._waveforms: tuple[Waveforms, ...] = bind_waveforms(
            self.map.waveforms, self._written.branch("waveforms"), self.tree
        )
        made |= {name: column for waves in self._waveforms for name, column in waves.columns.items()}
        self._source = source
        self._scope = Scope(self._program, {**source, **made}, {}, {}, *declared)
        self._outputs = self._bind()
        self._scope.problems.check()
        self._plan = Plan([node for output in self._outputs for node in self._roots(output)])
        self._first = Plan([node for group in self._groups for node in group.roots])
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
        own = {name: DECLARED[name] for name in ("event.file", "event.entry", "weight")}
        return own | {output.column.name: output.column for output in self._outputs}

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
        if {output.column.name for output in self._outputs} & set(wanted):
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

    # --- binding ----------------------------------------------------------------------------------------------------

    def _with_units(self) -> dict[str, Column]:
        """Return the columns of the tree with the units that the map gives them by name or pattern."""
        columns = dict(self.tree.columns)
        for pattern, text in self._written.branch("units").items.items():
            try:
                parse_unit(text.value)
            except UnitError as error:
                message, _, hint = str(error).partition("; ")
                raise text.place.error(message, hint=hint or None) from None
            matching = [name for name in columns if fnmatchcase(name, pattern)]
            if not matching:
                hint = did_you_mean(pattern, self.tree.columns)
                raise text.place.error(f"no branch is called '{pattern}'", key=True, hint=hint)
            for name in matching:
                column = columns[name]
                columns[name] = Column(name, column.type, text.value, shape=column.shape, size=column.size)
        return columns

    def _declared(self) -> tuple[dict[str, Expression], dict[str, ObjectDeclaration]]:
        definitions = {name: read_expression(text) for name, text in self._written.branch("define").items.items()}
        objects = {}
        for name, item in self._written.branch("objects").items.items():
            where = item.text("where")
            objects[name] = ObjectDeclaration(item.texts("from"), read_expression(where) if where else None, item.place)
        return definitions, objects

    def _bind(self) -> tuple[Output, ...]:
        outputs = []
        for name, item in self._written.branch("columns").items.items():
            texts, default, meaning = _parts(item)
            expressions = [read_expression(text) for text in texts]
            if default is not None and not self._known(expressions):
                expressions = [read_expression(default)]
            try:
                outputs.append(self._output(name, expressions, meaning))
            except ReportedError:
                continue
            except UserError as error:
                self._scope.problems.add(error)
        self._check_lists(outputs)
        return tuple(outputs)

    def _known(self, expressions: list[Expression]) -> bool:
        """Return whether all that some expressions name is there."""
        trial = Scope(self._program, self._scope.columns, {}, {}, self._scope.definitions, self._scope.objects)
        try:
            for expression in expressions:
                trial.attempt(expression, lambda checker, e=expression: _value(checker, e))  # type: ignore[misc]
        except ReportedError:
            return False
        return True

    def _output(self, name: str, expressions: list[Expression], meaning: str) -> Output:
        nodes = [self._scope.attempt(e, lambda checker, e=e: _value(checker, e)) for e in expressions]  # type: ignore[misc]
        place = expressions[0].place
        if "." not in name and any(node.axis is not None for node in nodes):
            raise place.error(f"a list needs the name of a collection, such as 'hits.{name}'", key=True)
        if len(nodes) > 1 and any(node.axis is not None for node in nodes):
            raise place.error("the elements of a fixed array are single values", hint="reduce the lists")
        first = nodes[0]
        shape = "fixed" if len(nodes) > 1 else "list" if first.axis is not None else "flat"
        declared = DECLARED.get(name)
        if declared is not None:
            self._fits(declared, nodes, expressions, shape)
            column = Column(name, declared.type, declared.unit, declared.meaning, shape, len(nodes), declared.bits)  # type: ignore[arg-type]
        else:
            unit = "1" if first.dimension in (None, PURE) else str(first.dimension)
            kind = "b1" if first.kind == "truth" else "f8"
            column = Column(name, kind, unit, meaning, shape, len(nodes))  # type: ignore[arg-type]
        return Output(column, tuple(nodes), expressions[0])

    def _fits(self, declared: Column, nodes: list[Node], expressions: list[Expression], shape: str) -> None:
        """Refuse what is not what the event table holds under this name."""
        for node, expression in zip(nodes, expressions, strict=True):
            wanted = parse_unit(declared.unit).dimension if declared.unit not in ("bits", "-") else PURE
            if node.dimension is not None and node.dimension != wanted:
                said = "a pure number" if node.dimension == PURE else f"in {node.dimension}"
                hint = "give the branch a unit under 'units'"
                message = f"'{declared.name}' is in {declared.unit} ({declared.meaning}); this is {said}"
                raise expression.place.error(message, hint=hint)
        if declared.shape != shape and not (declared.shape == "fixed" and shape == "flat"):
            raise expressions[0].place.error(f"'{declared.name}' is {_shape(declared.shape)}; this is {_shape(shape)}")

    def _check_lists(self, outputs: list[Output]) -> None:
        """Refuse columns of one collection that are made of different lists."""
        rows: dict[str, Output] = {}
        for output in outputs:
            if output.column.shape == "list":
                other = rows.setdefault(split(output.column.name)[0], output)
                if other.nodes[0].axis is not output.nodes[0].axis:
                    message = f"'{output.column.name}' and '{other.column.name}' are made of different lists"
                    self._scope.problems.add(
                        output.expression.place.error(message, hint="give them different collections")
                    )

    @staticmethod
    def _roots(output: Output) -> list[Node]:
        return [*output.nodes, *(node.axis for node in output.nodes if node.axis is not None)]

    def _needed(self) -> tuple[str, ...]:
        """Return the branches that have to be read."""
        read = columns_read([*self._plan.roots, *self._first.roots], {**self._source, **self._scope.columns})
        return tuple(
            dict.fromkeys([name for name in read if name in self._source] + [n for c in self._cells for n in c.uses])
        )

    # --- reading ----------------------------------------------------------------------------------------------------

    def _table(self, start: int, stop: int) -> EventTable:
        source = self.tree.read(self._names, start, stop)
        lists = dict(source.lists)
        values = self._first.run(source)
        for group in self._groups:
            lists[group.name] = group.make(values, source.size)
        for cells in self._cells:
            lists[cells.name] = cells.make(source.flat, source.size)
        for waves in self._waveforms:
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
        for output in self._outputs:
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
        ledger = Ledger(read=size, passed=size)
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
        return data.astype(kind)


def _value(checker: Checker, expression: Expression) -> Node:
    return checker.value(expression.tree)


def _shape(shape: str) -> str:
    return {"flat": "one value per event", "fixed": "a fixed array", "list": "a list"}[shape]


def _parts(item: Text | Items | Branch) -> tuple[tuple[Text, ...], Text | None, str]:
    """Return expressions, default and meaning of a column as written."""
    if isinstance(item, Text):
        return (item,), None, ""
    if isinstance(item, Items):
        return item.texts(), None, ""
    meaning = item.text("meaning")
    return item.texts("from"), item.text("default"), meaning.value if meaning else ""
