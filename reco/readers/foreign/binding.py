"""A reader map against the columns of a tree: what each column of the event table is made of, and all that is wrong with it.

`reader` reads files through it; `expected` tells the columns of a map without a file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from emiss.configs.errors import Problems, UserError, did_you_mean
from emiss.configs.units import PURE, UnitError, parse_unit
from emiss.events.columns import COLUMNS, Column, split
from emiss.events.language.meaning.scope import ReportedError, Scope
from emiss.events.language.running.program import Program
from emiss.events.language.syntax.expression import Expression, ObjectDeclaration, read_expression
from emiss.reco.readers.foreign.cells import Cells, bind_cells
from emiss.reco.readers.foreign.groups import Groups, bind_groups
from emiss.reco.readers.foreign.schema import ColumnEntry
from emiss.reco.readers.foreign.waveforms import Waveforms, bind_waveforms

if TYPE_CHECKING:
    from emiss.configs.place import Text, Texts
    from emiss.events.language.meaning.check import Checker
    from emiss.events.language.running.program import Node
    from emiss.reco.readers.foreign.base import Tree
    from emiss.reco.readers.foreign.schema import ReaderMap


def declared_columns(entry: ReaderMap) -> dict[str, Column]:
    """Return the columns that have a type and a unit already: those of every table, and of the set-up that a map names.

    Raises
    ------
    UserError
        If there is no such set-up, or its file is not right.
    """
    from emiss.reco.detector.model import load_detector

    own = {column.name: column for column in COLUMNS}
    if entry.detector is None:
        return own
    try:
        return own | load_detector(entry.detector.value, near=entry.detector.place.document.path.parent).columns
    except UserError as error:
        if error.at is None:
            raise entry.detector.place.error(error.message, hint=error.hint) from None
        raise


@dataclass(frozen=True)
class Output:
    """A column of the event table: its declaration, and the nodes it is made of (several for a fixed array)."""

    column: Column
    nodes: tuple[Node, ...]
    expression: Expression


class BoundReaderMap:
    """A reader map whose expressions have met the columns of a tree.

    Attributes
    ----------
    source : mapping of name to Column
        Of the tree, with the units that the map gives them.
    scope : Scope
        All that the columns of the event table may be made of.
    groups, cells, waveforms, outputs : tuples
    columns : mapping of name to Column
        Of the event table.

    Raises
    ------
    UserError
        For all that does not fit, at once.
    """

    def __init__(self, entry: ReaderMap, tree: Tree) -> None:
        self._entry = entry
        self._tree = tree
        self._known_columns = declared_columns(entry)
        self._program = Program()
        self._problems = Problems()
        self._failed: set[str] = set()  # names of what is wrong in itself
        self.source = self._with_units()
        declared = self._declared()
        scope = Scope(self._program, self.source, {}, {}, *declared, failed=self._failed)
        self.groups = bind_groups(entry.groups, scope)
        self._problems.add_all(scope.problems)
        self.cells = bind_cells(entry.cells, tree, self._problems)
        self.waveforms = bind_waveforms(entry.waveforms, tree, self._problems)
        made: list[Groups | Cells | Waveforms] = [*self.groups, *self.cells, *self.waveforms]
        lists = {name: column for each in made for name, column in each.columns.items()}
        wrong = {
            name
            for kind in (entry.groups, entry.cells, entry.waveforms)
            for name in kind
            if name not in {each.name for each in made}
        }
        self.scope = Scope(self._program, {**self.source, **lists}, {}, {}, *declared, failed=wrong | self._failed)
        self.outputs = self._bind()
        self._problems.add_all(self.scope.problems)
        self._problems.check()

    @property
    def columns(self) -> dict[str, Column]:
        """The columns of the event table."""
        own = {name: self._known_columns[name] for name in ("event.file", "event.entry", "weight")}
        return own | {output.column.name: output.column for output in self.outputs}

    def _with_units(self) -> dict[str, Column]:
        """Return the columns of the tree with the units that the map gives them by name or pattern."""
        columns = dict(self._tree.columns)
        for pattern, text in self._entry.units.items():
            try:
                parse_unit(text.value)
            except UnitError as error:
                message, _, hint = str(error).partition("; ")
                self._problems.add(text.place.error(message, hint=hint or None))
                self._failed |= {name for name, column in columns.items() if _matches(column, pattern)}
                continue
            matching = [name for name, column in columns.items() if _matches(column, pattern)]
            if not matching:
                hint = did_you_mean(pattern, [*columns, *(column.alias for column in columns.values() if column.alias)])
                self._problems.add(text.place.error(f"no branch is called '{pattern}'", key=True, hint=hint))
            for name in matching:
                column = columns[name]
                columns[name] = replace(column, unit=text.value)
        return columns

    def _declared(self) -> tuple[dict[str, Expression], dict[str, ObjectDeclaration]]:
        """Return definitions and objects."""
        definitions, objects = {}, {}
        for name, text in self._entry.define.items():
            if (expression := self._read(text, name)) is not None:
                definitions[name] = expression
        for name, item in self._entry.objects.items():
            condition = self._read(item.where, name) if item.where else None
            if item.where is None or condition is not None:
                objects[name] = ObjectDeclaration(item.from_.items, condition, item.place)
        return definitions, objects

    def _read(self, text: Text, name: str) -> Expression | None:
        try:
            return read_expression(text)
        except UserError as error:
            self._problems.add(error)
            self._failed.add(name)
            return None

    def _bind(self) -> tuple[Output, ...]:
        outputs = []
        for name, item in self._entry.columns.items():
            texts, default, meaning = _parts(item)
            try:
                expressions = [read_expression(text) for text in texts]
                if default is not None and not self._known(expressions):
                    expressions = [read_expression(default)]
                outputs.append(self._output(name, expressions, meaning))
            except ReportedError:
                continue
            except UserError as error:
                self.scope.problems.add(error)
        self._check_lists(outputs)
        return tuple(outputs)

    def _known(self, expressions: list[Expression]) -> bool:
        """Return whether all that some expressions name is there."""
        trial = Scope(self._program, self.scope.columns, {}, {}, self.scope.definitions, self.scope.objects)
        try:
            for expression in expressions:
                trial.attempt(expression, lambda checker, e=expression: _value(checker, e))  # type: ignore[misc]
        except ReportedError:
            return False
        return True

    def _output(self, name: str, expressions: list[Expression], meaning: str) -> Output:
        nodes = [self.scope.attempt(e, lambda checker, e=e: _value(checker, e)) for e in expressions]  # type: ignore[misc]
        place = expressions[0].place
        if "." not in name and any(node.axis is not None for node in nodes):
            raise place.error(f"a list needs the name of a collection, such as 'hits.{name}'", key=True)
        if len(nodes) > 1 and any(node.axis is not None for node in nodes):
            raise place.error("the elements of a fixed array are single values", hint="reduce the lists")
        first = nodes[0]
        shape = "fixed" if len(nodes) > 1 else "list" if first.axis is not None else "flat"
        declared = self._known_columns.get(name)
        if declared is not None:
            self._fits(declared, nodes, expressions, shape)
            column = replace(
                declared,
                shape=shape,  # type: ignore[arg-type]
                size=len(nodes),
                elements=declared.elements if len(nodes) == declared.size else (),
            )
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
                    self.scope.problems.add(
                        output.expression.place.error(message, hint="give them different collections")
                    )


def _matches(column: Column, pattern: str) -> bool:
    """Return whether a column is called like a pattern, by either of its names."""
    return fnmatchcase(column.name, pattern) or (bool(column.alias) and fnmatchcase(column.alias, pattern))


def _value(checker: Checker, expression: Expression) -> Node:
    return checker.value(expression.tree)


def _shape(shape: str) -> str:
    return {"flat": "one value per event", "fixed": "a fixed array", "list": "a list"}[shape]


def _parts(item: Texts | ColumnEntry) -> tuple[tuple[Text, ...], Text | None, str]:
    """Return expressions, default and meaning of a column as written."""
    if isinstance(item, ColumnEntry):
        return item.from_.items, item.default, item.meaning
    return item.items, None, ""
