"""What names mean in the expressions of one analysis on the columns of one table.

A bare name is, in this order, a field of the object (inside its `where`), a parameter, a definition, an object, a column,
a collection of the table. Two meanings are an error, not a matter of order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss.configs.errors import Problems, UserError, did_you_mean
from emiss.configs.units import UNITS, UnitError, parse_unit
from emiss.events.columns import Column, split
from emiss.events.language.meaning.check import Checker
from emiss.events.language.meaning.declared import Arguments
from emiss.events.language.meaning.objects import Collection, Element, Item, Values, filter_rows, select, zip_fields
from emiss.events.language.running.program import Node, Program
from emiss.events.language.syntax.expression import placed, read_expression
from emiss.events.language.syntax.parser import knowing
from emiss.events.language.syntax.tree import ExpressionError, Index, Name, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from collections.abc import Collection as Container

    from emiss.configs.place import Text
    from emiss.events.language.meaning.names import Asking
    from emiss.events.language.meaning.parameters import Parameter
    from emiss.events.language.syntax.expression import Expression, FunctionDeclaration, ObjectDeclaration
    from emiss.events.language.syntax.tree import Call, Syntax

    Absent = Callable[[str], str | None]

MAX_OPEN = 50
TOO_DEEP = f"more than {MAX_OPEN} definitions within each other"


class ReportedError(Exception):
    """Something an expression needs is wrong, and the user has been told already."""


class Scope:
    """The meaning of names.

    Parameters
    ----------
    columns : mapping of full name to Column
        The table's.
    units : mapping of full name to unit
        What the analysis says of columns whose table does not say it.
    parameters, definitions, objects : mappings of name to declaration
    scanned : collection of (parameter, position of the value)
        Parameters without a value of their own: a scan gives them one after another.
    failed : iterable of str
        Names of things that are wrong in themselves, of which the user has been told.
    absent : callable, optional
        Says of a name that means nothing here where it does; None where it does not know either.
    functions : mapping of name to FunctionDeclaration
    scaled : mapping of column to float
        Factors that columns of numbers are multiplied with.
    """

    def __init__(
        self,
        program: Program,
        columns: Mapping[str, Column],
        units: Mapping[str, str],
        parameters: Mapping[str, Parameter],
        definitions: Mapping[str, Expression],
        objects: Mapping[str, ObjectDeclaration],
        scanned: Container[tuple[str, int]] = (),
        failed: Iterable[str] = (),
        absent: Absent | None = None,
        functions: Mapping[str, FunctionDeclaration] | None = None,
        scaled: Mapping[str, float] | None = None,
    ) -> None:
        self.program = program
        self.scaled = scaled or {}
        self.absent = absent
        self.functions = functions or {}
        self.scanned = scanned
        self.columns = columns
        self.units = units
        self.parameters = parameters
        self.definitions = definitions
        self.objects = objects
        self.problems = Problems()
        self._known: dict[str, Item | None] = {}
        self._failed = set(failed)
        self._open: list[str] = []
        self._lists: dict[str, list[Column]] = {}
        self._fixed: dict[str, list[Column]] = {}
        for column in columns.values():
            if column.shape != "flat":
                group = self._lists if column.shape == "list" else self._fixed
                group.setdefault(column.collection, []).append(column)
        self._other_names = {column.alias: column for column in columns.values() if column.alias}

    def open(self, scanned: Container[tuple[str, int]]) -> Scope:
        """Return the same scope on the same program with some parameters left open, and problems of its own."""
        known = (self.program, self.columns, self.units, self.parameters, self.definitions, self.objects)
        return Scope(*known, scanned, self._failed, self.absent, self.functions, self.scaled)

    def check(self, expression: Expression, fields: Collection | None = None) -> Checker:
        """Return the checker of an expression."""
        return Checker(expression.text, self, fields)

    def attempt(
        self, expression: Expression, check: Callable[[Checker], Node], fields: Collection | None = None
    ) -> Node:
        """Return what `check` makes of an expression.

        Raises
        ------
        ReportedError
            If it cannot; the mistake is in `problems`.
        """
        try:
            return check(self.check(expression, fields))
        except ExpressionError as error:
            self.problems.add(expression.error(error))
        except RecursionError:
            self.problems.add(expression.place.error(TOO_DEEP))
        raise ReportedError

    def resolve(self, name: str, span: Span, fields: Collection | None) -> Item:
        """Return what a name means.

        Raises
        ------
        ExpressionError
            If it means nothing, or two things.
        """
        if fields is not None and name in fields.fields:
            for kind, taken in (("parameter", self.parameters), ("definition", self.definitions)):
                if name in taken:
                    message = f"'{name}' is a field of {fields.name} and a {kind}"
                    raise ExpressionError(message, span, f"rename the {kind}")
            return fields.field(name)
        if fields is not None and (member := fields.members.get(name.partition(".")[0])) is not None:
            return self.field(member, name.partition(".")[2], member.name, span) if "." in name else member
        item = self._named(name, span)
        if item is not None:
            return item
        prefix, _, last = name.rpartition(".")
        if prefix:
            holder = self._named(prefix, span)
            if isinstance(holder, Collection | Element):
                return self.field(holder, last, prefix, span)
            above, _, member_name = prefix.rpartition(".")
            pairs = self._named(above, span) if above else None
            if isinstance(pairs, Collection | Element) and member_name in pairs.members:
                return self.field(pairs.members[member_name], last, prefix, span)
        raise self._unknown(name, span, fields)

    def field(self, of: Collection | Element, name: str, shown: str, span: Span) -> Node | Element:
        """Return a field of a collection or an element that is written as `shown`, or one element of pairs."""
        if name in of.members:
            return of.members[name]
        if name in of.fields:
            return of.fields[name]()
        hint = did_you_mean(f"{shown}.{name}", [f"{shown}.{key}" for key in of.fields], otherwise="its fields are")
        message = f"unknown field '{shown}.{name}'"
        raise ExpressionError(message, span, hint)

    def called(self, checker: Asking, node: Call) -> Item | None:
        """Return what a call of a function means that the file declares; None for another function.

        Its arguments are what they are where it is called, all other names in it what they are everywhere.
        """
        function = self.functions.get(node.function)
        if function is None:
            return None
        if len(node.arguments) != len(function.arguments):
            plural = "argument" if len(function.arguments) == 1 else "arguments"
            message = f"{node.function} takes {len(function.arguments)} {plural}, not {len(node.arguments)}"
            raise checker.error(f"{message}: {function.usage()}", node)
        given = [checker.item(part) for part in node.arguments]
        opened = f"{node.function}()"
        if opened in self._open:
            raise checker.error(f"the function '{node.function}' calls itself", node)
        if len(self._open) > MAX_OPEN:
            raise checker.error(TOO_DEEP, node)
        self._open.append(opened)
        try:
            names = Arguments(self, dict(zip(function.arguments, given, strict=True)))
            return Checker(function.body.text, names).item(function.body.tree)
        except ExpressionError as error:
            there = function.body.error(error)
            where = f"in the function '{function.usage()}', {there.at}: " if there.at else ""
            raise checker.error(f"{where}{error.message}", node, error.hint) from None
        finally:
            self._open.pop()

    def parameter_at(self, part: Syntax) -> str | None:
        """Return what a parameter is, and where that is set; None for anything else."""
        part = part.of if isinstance(part, Index) else part
        parameter = self.parameters.get(part.name) if isinstance(part, Name) else None
        if parameter is None:
            return None
        value = parameter.resolved()
        said = value if isinstance(value, str) else f"[{', '.join(value)}]"
        return f"'{parameter.name}' is {said}, set at {parameter.place.document.locate(parameter.place.path)}"

    def definition_at(self, part: Syntax) -> str | None:
        """Return what a definition is, and where it stands; None for anything else."""
        definition = self.definitions.get(part.name) if isinstance(part, Name) else None
        if definition is None or not isinstance(part, Name):
            return None
        place = definition.place.document.locate(definition.place.path)
        return f"'{part.name}' is {' '.join(definition.text.split())}, defined at {place}"

    def _unknown(self, name: str, span: Span, fields: Collection | None) -> ExpressionError:
        known = [*self.parameters, *self.definitions, *self.objects, *self.columns, *self._lists, *self._fixed]
        known += self._other_names
        if fields is not None:
            known = [*fields.fields, *known]
        if name in UNITS:
            return ExpressionError(f"unknown name '{name}'", span, f"a unit stands behind a number: '1 {name}'")
        hint = self.absent(name) if self.absent is not None else None
        hint = hint or did_you_mean(name, known, otherwise="names are")
        return ExpressionError(f"unknown name '{name}'", span, hint)

    def _named(self, name: str, span: Span) -> Item | None:
        """Return what a name means by itself, None if nothing; a definition is checked once, however often it is used."""
        if name in self._failed:
            raise ReportedError
        if name not in self._known:
            if name in self._open:
                circle = " -> ".join([*self._open[self._open.index(name) :], name])
                message = f"'{name}' is defined by itself: {circle}"
                raise ExpressionError(message, span)
            if len(self._open) > MAX_OPEN:
                raise ExpressionError(TOO_DEEP, span)
            try:
                self._known[name] = self._find(name, span)
            except ReportedError:
                self._failed.add(name)
                raise
        return self._known[name]

    def _find(self, name: str, span: Span) -> Item | None:
        if name in self.parameters:
            return self._parameter(self.parameters[name])
        if name in self.definitions or name in self.objects:
            self._open.append(name)
            try:
                return self._definition(name) if name in self.definitions else self._object(name)
            finally:
                self._open.pop()
        if name in self.columns and not self._hidden(self.columns[name]):
            return self._column(self.columns[name], span)
        if name in self._other_names:
            return self._column(self._other_names[name], span)
        if name in self._lists:
            return self._collection(name, self._lists[name], span)
        if name in self._fixed:
            return self._collection(name, self._fixed[name], span)
        return None

    def _hidden(self, column: Column) -> bool:
        """Return whether the file declares something of its own under the name that a collection was given here."""
        return bool(column.alias) and any(
            column.collection in declared for declared in (self.parameters, self.definitions, self.objects)
        )

    def _parameter(self, parameter: Parameter) -> Item:
        nodes = tuple(
            self.program.scanned(parameter.name, i, value.dimension)
            if (parameter.name, i) in self.scanned
            else self.program.number(value.value, value.dimension)
            for i, value in enumerate(parameter.values)
        )
        return Values(parameter.name, nodes) if parameter.several else nodes[0]

    def _definition(self, name: str) -> Item:
        expression = self.definitions[name]
        try:
            item = self.check(expression).item(expression.tree)
        except ExpressionError as error:
            self.problems.add(expression.error(error))
            raise ReportedError from None
        return item

    def _object(self, name: str) -> Collection:
        declared = self.objects[name]
        if not declared.sources:
            message = f"the object '{name}' does not say where its elements are from"
            self.problems.add(declared.place.error(message, key=True, hint="add 'from: tracks'"))
            raise ReportedError
        parts: dict[str, Node] = {}
        base: Collection | None = None
        for source in declared.sources:
            item = self._source(source)
            field = split(source.value)[1] or source.value
            wrong = None
            if isinstance(item, Collection) and len(declared.sources) == 1:
                base = item
            elif not isinstance(item, Node) or item.axis is None:
                wrong = f"'{source.value}' is no list"
            elif field in parts:
                wrong = f"two columns of the object would be called '{field}'"
            else:
                parts[field] = item
            if wrong:
                hint = "an object is from a collection, or from a list of list columns"
                self.problems.add(source.place.error(wrong, hint=hint))
                raise ReportedError
        base = base or zip_fields(self.program, name, parts)
        if declared.where is None:
            return Collection(name, base.rows, base.fields, base.members)
        condition = declared.where
        keep = self.attempt(condition, lambda checker: self._condition(checker, condition, base), base)
        return select(self.program, base, filter_rows(self.program, base.rows, keep, name), name)

    def _source(self, source: Text) -> Item:
        """Return what an object is from: a name, or an expression such as ``pairs(muon)``."""
        try:
            if source.value.isidentifier() or "(" not in source.value:
                return self.resolve(source.value, Span(0, len(source.value)), None)
            with knowing(self.functions):
                expression = read_expression(source)
            return self.check(expression).item(expression.tree)
        except ExpressionError as error:
            place = source.place
            if "(" in source.value:
                self.problems.add(placed(error, place))
            else:
                self.problems.add(place.error(error.message, hint=error.hint))
        except UserError as error:
            self.problems.add(error)
        raise ReportedError

    def _condition(self, checker: Checker, condition: Expression, base: Collection) -> Node:
        keep = checker.truth(condition.tree)
        if keep.axis is None:
            if keep.constant:
                return keep
            return self.program.add("spread", (keep, base.rows), kind="truth", axis=base.rows)
        if keep.axis is not base.rows:
            message = f"the condition is a list of {keep.axis.label}, not of {base.name}"
            raise ExpressionError(message, condition.tree.span)
        return keep

    def _collection(self, name: str, columns: list[Column], span: Span) -> Collection:
        if len({column.size for column in columns}) > 1:
            names = ", ".join(column.name for column in columns)
            message = f"the arrays of '{name}' have different lengths"
            raise ExpressionError(message, span, f"name one of {names}")

        def later(column: Column) -> Callable[[], Node]:
            return lambda: self._column(column, span)

        fields = {
            split(column.name)[1] or split(column.name)[0].rpartition(".")[2]: later(column) for column in columns
        }
        return Collection(name, self._rows(columns[0]), fields)

    def _rows(self, column: Column) -> Node:
        """Return the rows that the values of a list or fixed column belong to."""
        name = column.collection
        if column.shape == "list":
            return self.program.add("list rows", (), name, kind="rows", label=name, constant=False)
        same = tuple(other.name for other in self._fixed[name] if other.size == column.size)
        return self.program.add(
            "fixed rows",
            (),
            (name, *same),
            kind="rows",
            label=name,
            constant=False,
            width=column.size,
            elements=column.elements,
        )

    def _column(self, column: Column, span: Span) -> Node:
        text = self.units.get(column.name) or self.units.get(column.alias) or column.unit
        try:
            unit = parse_unit(text)
        except UnitError as error:
            hint = f"add its unit to the analysis, e.g. 'columns: {{{column.name}: GeV}}'"
            message = f"the table gives '{column.name}' an {error}"
            raise ExpressionError(message, span, hint) from None
        rows = self._rows(column) if column.shape != "flat" else None
        collection, inner = split(column.name) if column.shape == "list" else ("", column.name)
        loaded = self.program.add(
            "column",
            () if rows is None else (rows,),
            (collection, inner, unit.factor),
            kind="truth" if column.type in ("bool", "b1") else "number",
            dimension=unit.dimension,
            axis=rows,
            constant=False,
            bits=column.bits,
            label=column.name if text.strip() in ("1", "") else "",
        )
        factor = self.scaled.get(column.name) or self.scaled.get(column.alias)
        if factor is None:
            return loaded
        changed = (loaded, self.program.number(factor))
        return self.program.add("*", changed, dimension=loaded.dimension, axis=rows, constant=False, label=loaded.label)
