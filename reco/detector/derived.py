"""Quantities that a set-up derives: expressions of the event language under `derived`, which become columns of its tables."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field

from emiss.configs.errors import Problems, UserError
from emiss.configs.place import Place, Text
from emiss.configs.schema import Model
from emiss.configs.units import PURE, UNITS, UnitError, parse_unit
from emiss.events.columns import RESERVED, Column, split
from emiss.events.language.meaning.scope import TOO_DEEP, ReportedError, Scope
from emiss.events.language.running.evaluate import Plan, blocks, columns_read
from emiss.events.language.running.program import Program
from emiss.events.language.running.values import Numbers, Rows
from emiss.events.language.syntax.expression import Expression, read_expression
from emiss.events.language.syntax.functions import RESERVED_FUNCTIONS
from emiss.events.language.syntax.tokens import RESERVED as WORDS
from emiss.events.language.syntax.tree import Span
from emiss.events.lists import Lists

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.arrays import Array
    from emiss.configs.document import Document
    from emiss.events.language.running.program import Node
    from emiss.events.table import EventTable

SECTION = "derived"

_NAME = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)?")


class Quantity(Model):
    """A derived quantity, where more than its expression is said; without `unit` it is kept in base units."""

    expression: str = Field(min_length=1)
    unit: str | None = None
    meaning: str = ""


def _whole_quantity(value: Any) -> Any:
    return {"expression": value} if isinstance(value, str) else value


Entry = Annotated[Quantity, BeforeValidator(_whole_quantity, json_schema_input_type=Quantity | str)]
"""A quantity, or nothing but its expression."""


@dataclass(frozen=True)
class Derived:
    """The derived quantities of a set-up, checked.

    Attributes
    ----------
    columns : mapping of name to Column
    nodes : mapping of name to Node
        What each is computed from, in base units.
    source : mapping of name to Column
        The columns that they may use.
    text : str
        All expressions.
    """

    columns: Mapping[str, Column]
    nodes: Mapping[str, Node]
    source: Mapping[str, Column]
    text: str = ""

    def of(self, table: EventTable) -> tuple[dict[str, Array], dict[str, Lists]]:
        """Return the quantities of a table: flat and fixed ones, and the lists by collection with what these had before."""
        if not self.columns:
            return {}, {}
        axes = [node.axis for node in self.nodes.values() if node.axis is not None]
        roots = [*self.nodes.values(), *axes]
        plan, read = Plan(roots), columns_read(roots, self.source)
        parts: dict[str, list[Array]] = {name: [] for name in self.columns}
        counts: dict[str, list[Array]] = {name: [] for name in self.columns}
        for block in blocks(table, read) if read else _whole(table):
            found = plan.run(block)
            for name, column in self.columns.items():
                node = self.nodes[name]
                rows: Rows | None = None if node.axis is None else found[node.axis.id]
                size = block.size if rows is None else rows.size
                parts[name].append(np.broadcast_to(_stored(found[node.id], column), (size,)))
                if rows is not None:
                    counts[name].append(rows.counts)
        return self._laid_out(table, parts, counts)

    def _laid_out(
        self, table: EventTable, parts: Mapping[str, list[Array]], counts: Mapping[str, list[Array]]
    ) -> tuple[dict[str, Array], dict[str, Lists]]:
        flat: dict[str, Array] = {}
        lists: dict[str, Lists] = {}
        for name, column in self.columns.items():
            values = np.concatenate([np.zeros(0), *parts[name]])
            if column.shape != "list":
                flat[name] = values.reshape(table.size, column.size) if column.shape == "fixed" else values
                continue
            collection, inner = split(name)
            known = lists.get(collection) or table.lists.get(collection)
            if known is None:
                offsets = np.zeros(table.size + 1, np.int64)
                np.cumsum(np.concatenate([np.zeros(0, np.int64), *counts[name]]), out=offsets[1:])
                known = Lists(offsets, {})
            lists[collection] = Lists(known.offsets, {**known.columns, inner: values})
        return flat, lists


def _whole(table: EventTable) -> list[EventTable]:
    return [table] if table.size else []


def _stored(value: Any, column: Column) -> Array:
    """Return numbers in the unit of their column."""
    assert isinstance(value, Numbers)  # noqa: S101 - they have been checked
    stored: Array = value.floats / parse_unit(column.unit).factor
    return stored


def bind(
    quantities: Mapping[str, Quantity], source: Mapping[str, Column], document: Document, problems: Problems
) -> Derived:
    """Return the derived quantities of a detector file on the columns of its tables; what is wrong goes to `problems`."""
    expressions: dict[str, Expression] = {}
    failed: set[str] = set()
    found = Problems()
    for name, item in quantities.items():
        if wrong := _refused(name, source, quantities):
            found.add(document.error(wrong, (SECTION, name), key=True))
            failed |= {name} - set(source)
            continue
        inner = ("expression",) if isinstance(document.data[SECTION][name], dict) else ()
        try:
            expressions[name] = read_expression(Text(item.expression, Place(document, (SECTION, name, *inner))))
        except UserError as error:
            found.add(error)
            failed.add(name)
    scope = Scope(Program(), source, {}, {}, expressions, {}, failed=failed)
    columns: dict[str, Column] = {}
    nodes: dict[str, Node] = {}
    for name, expression in expressions.items():
        node = _number(scope, name, expression)
        if node is None:
            continue
        try:
            columns[name], nodes[name] = _column(name, quantities[name], node), node
        except UnitError as error:
            inner = ("unit",) if quantities[name].unit is not None else ()
            found.add(document.error(str(error), (SECTION, name, *inner)))
    found.add_all(scope.problems)
    for name, column in columns.items():
        if wrong := _misplaced(name, columns, nodes, source):
            found.add(document.error(wrong, (SECTION, column.name), key=True))
    for mistake in sorted(found.errors, key=lambda one: one.at.line if one.at is not None else 0):
        problems.add(mistake)
    return Derived(columns, nodes, source, "\n".join(item.expression for item in quantities.values()))


def _number(scope: Scope, name: str, expression: Expression) -> Node | None:
    """Return the node of a quantity; None if it is wrong, which `scope.problems` then says."""
    try:
        scope.resolve(name, Span(0, len(name)), None)  # each is looked at once, whoever uses it
        return scope.attempt(expression, lambda checker: checker.number(expression.tree))
    except ReportedError:
        return None
    except RecursionError:
        scope.problems.add(expression.place.error(TOO_DEEP))
        return None


def _column(name: str, item: Quantity, node: Node) -> Column:
    """Return the declaration of a quantity.

    Raises
    ------
    UnitError
        If it has another unit than is said, or one that no name is for.
    """
    dimension = node.dimension or PURE
    unit = str(dimension) if item.unit is None else item.unit
    if item.unit is None and any(power.denominator != 1 for power in dimension.powers):
        msg = f"the expression is in {unit}, for which there is no unit: square it, or divide by such a quantity"
        raise UnitError(msg)
    if parse_unit(unit).dimension not in (node.dimension or parse_unit(unit).dimension, dimension):
        msg = f"the expression is {'a pure number' if dimension == PURE else f'in {dimension}'}, and not in {unit}"
        raise UnitError(msg)
    text = " ".join(item.expression.split())
    column = Column(name, "f8", unit, item.meaning or "derived", expression=text)
    if node.axis is None:
        return column
    if node.axis.width is not None:
        return replace(column, shape="fixed", size=node.axis.width, elements=node.axis.elements)
    return replace(column, shape="list")


def _refused(name: str, source: Mapping[str, Column], others: Mapping[str, Quantity]) -> str | None:
    """Return why a quantity cannot be called so; None if it can."""
    if not _NAME.fullmatch(name):
        return f"'{name}' cannot be the name of a column: letters, digits and _ with one dot at most"
    taken = {*RESERVED_FUNCTIONS, *UNITS}
    if words := [part for part in name.split(".") if part in WORDS] or ([name] if name in taken else []):
        return f"'{words[0]}' is a word of the language, or a unit, and cannot be the name of a column"
    if name in source:
        return f"the tables have a column '{name}' already: take another name"
    first = name.partition(".")[0]
    if first in RESERVED:
        return f"columns of '{first}' are not made by set-ups: take another name"
    groups = {column.collection for column in source.values()} | {split(other)[0] for other in others if "." in other}
    if name in groups:
        return f"'{name}' has columns of its own already: take another name"
    return None


def _misplaced(
    name: str, columns: Mapping[str, Column], nodes: Mapping[str, Node], source: Mapping[str, Column]
) -> str | None:
    """Return why a quantity cannot stand in the group that its name says; None if it can."""
    column, (group, inner) = columns[name], split(name)
    if not inner:
        return None
    beside = [other for other in source.values() if other.collection == group]
    mine = [other for key, other in columns.items() if other.collection == group and key != name]
    axis = nodes[name].axis
    if any(other.shape == "list" for other in beside):
        if axis is None or axis.op != "list rows" or axis.data != group:
            return f"'{name}' does not give one value for each of '{group}': take a name without '{group}.'"
    elif column.shape == "list" and (
        beside or any(other.shape == "list" and nodes[other.name].axis is not axis for other in mine)
    ):
        return f"the lists of '{group}' would have different lengths: take another name for '{name}'"
    elif any(other.shape == "list" for other in mine):
        return f"'{group}' would hold lists and other columns: take another name for '{name}'"
    sizes = {other.size for other in (*beside, *mine) if other.shape == "fixed"}
    if column.shape == "fixed" and sizes - {column.size}:
        return f"the arrays of '{group}' would have different lengths: take another name for '{name}'"
    return None
