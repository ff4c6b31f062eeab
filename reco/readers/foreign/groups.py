"""Elements of a list put together by a key, inside each event: hits by their track, say, with counts and sums of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.configs.errors import UserError, did_you_mean
from emiss.configs.place import Place, Text
from emiss.configs.units import PURE
from emiss.events.columns import Column
from emiss.events.language.meaning.objects import Collection, filter_rows, select
from emiss.events.language.meaning.scope import ReportedError
from emiss.events.language.running.program import Node
from emiss.events.language.syntax.expression import read_expression
from emiss.events.language.syntax.tree import ExpressionError, Span
from emiss.events.ledger import Damage
from emiss.events.lists import Lists

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from emiss.configs.arrays import Array
    from emiss.events.language.meaning.check import Checker
    from emiss.events.language.meaning.scope import Scope
    from emiss.events.language.running.values import Rows
    from emiss.events.language.syntax.expression import Expression
    from emiss.reco.readers.foreign.schema import GroupEntry

REDUCTIONS = ("count", "sum", "min", "max", "mean", "first")


@dataclass(frozen=True)
class Groups:
    """Groups of the elements of one list.

    Attributes
    ----------
    name : str
        Of the collection of groups.
    rows, key : Node
        The elements, and what they are grouped by.
    values : mapping of column to (reduction, node)
        None for the number of members.
    columns : mapping of full name to Column
    """

    name: str
    rows: Node
    key: Node
    by: str
    values: Mapping[str, tuple[str, Node | None]]
    columns: Mapping[str, Column]

    @property
    def roots(self) -> tuple[Node, ...]:
        """The nodes whose values are needed."""
        return (self.rows, self.key, *(node for _, node in self.values.values() if node is not None))

    def make(self, values: Mapping[int, Any], events: int) -> Lists:
        """Return one row per group, in the order of the keys within each event.

        Elements with an undefined key belong to no group; an undefined member makes sum, min, max and mean undefined.
        """
        rows: Rows = values[self.rows.id]
        key = np.broadcast_to(values[self.key.id].floats, (rows.size,))
        known = np.flatnonzero(~np.isnan(key))
        order = known[np.lexsort((key[known], rows.parents[known]))]
        event, sorted_key = rows.parents[order], key[order]
        new = np.ones(len(order), bool)
        new[1:] = (event[1:] != event[:-1]) | (sorted_key[1:] != sorted_key[:-1])
        first = np.flatnonzero(new)
        offsets = np.concatenate(([0], np.cumsum(np.bincount(event[first], minlength=events)))).astype(np.int64)
        members = np.diff(np.append(first, len(order)))
        columns: dict[str, Array] = {self.by: sorted_key[first]}
        for name, (reduction, node) in self.values.items():
            data = None if node is None else np.broadcast_to(values[node.id].floats, (rows.size,))[order]
            columns[name] = _reduced(reduction, data, first, members)
        return Lists(offsets, columns)

    def undefined(self, values: Mapping[int, Any]) -> Damage | None:
        """Return how many elements have an undefined key, and in how many events; None where none has."""
        rows: Rows = values[self.rows.id]
        wrong = np.flatnonzero(np.isnan(np.broadcast_to(values[self.key.id].floats, (rows.size,))))
        return Damage(len(wrong), len(np.unique(rows.parents[wrong]))) if len(wrong) else None


def _reduced(reduction: str, data: Array | None, first: Array, members: Array) -> Array:
    if reduction == "count" or data is None:
        return members.astype(np.float64)
    if not len(first):
        return np.zeros(0)
    if reduction == "first":
        return data[first]
    if reduction in ("sum", "mean"):
        total = np.add.reduceat(data, first)
        return np.asarray(total if reduction == "sum" else total / members)
    return np.asarray((np.minimum if reduction == "min" else np.maximum).reduceat(data, first))


def bind_groups(entries: Mapping[str, GroupEntry], scope: Scope) -> tuple[Groups, ...]:
    """Return the groups that a map asks for; mistakes are noted in the scope's problems."""
    made = []
    for name, item in entries.items():
        try:
            made.append(_bind(name, item, scope))
        except ReportedError:
            continue
        except UserError as error:
            scope.problems.add(error)
    return tuple(made)


def _bind(name: str, item: GroupEntry, scope: Scope) -> Groups:
    source, by, where = item.from_, item.by, item.where
    try:
        members = scope.resolve(source.value, Span(0, len(source.value)), None)
        if not isinstance(members, Collection):
            message = f"'{source.value}' is no collection"
            raise ExpressionError(message, Span(0, len(source.value)))
        if where is not None:
            condition = read_expression(where)
            keep = scope.attempt(condition, lambda checker: checker.truth(condition.tree), members)
            members = select(scope.program, members, filter_rows(scope.program, members.rows, keep, name), name)
        key = scope.field(members, by.value, source.value, Span(0, len(by.value)))
        if not isinstance(key, Node):
            message = f"'{by.value}' is an element of pairs, not a value"
            raise ExpressionError(message, Span(0, len(by.value)))
    except ExpressionError as error:
        scope.problems.add(source.place.error(error.message, hint=error.hint))
        raise ReportedError from None
    values: dict[str, tuple[str, Node | None]] = {}
    columns = {f"{name}.{by.value}": Column(f"{name}.{by.value}", "f8", _unit(key), shape="list")}
    for field, how in item.columns.items():
        reduction, expression = _how(how, item.at("columns", field), scope)
        node = None
        if expression is not None:
            node = scope.attempt(expression, _list_of(members, expression), members)
        values[field] = (reduction, node)
        unit = "1" if node is None or reduction == "count" else _unit(node)
        columns[f"{name}.{field}"] = Column(f"{name}.{field}", "f8", unit, shape="list")
    return Groups(name, members.rows, key, by.value, values, columns)


def _how(how: Text | dict[str, Text], place: Place, scope: Scope) -> tuple[str, Expression | None]:
    """Return a reduction with what it is of: ``count``, or ``{max: EXPRESSION}``."""
    name = how.value if isinstance(how, Text) else next(iter(how))
    if name not in REDUCTIONS or (isinstance(how, Text) and name != "count"):
        hint = did_you_mean(name, REDUCTIONS, otherwise="one of")
        scope.problems.add(place.error(f"'{name}' is no reduction; write 'count' or '{{max: EXPRESSION}}'", hint=hint))
        raise ReportedError
    return name, None if isinstance(how, Text) else read_expression(how[name])


def _list_of(members: Collection, expression: Expression) -> Callable[[Checker], Node]:
    def check(checker: Checker) -> Node:
        node = checker.number(expression.tree)
        if node.axis is not members.rows:
            message = f"one value per element of '{members.name}' is needed"
            raise ExpressionError(message, expression.tree.span)
        return node

    return check


def _unit(node: Node) -> str:
    return "1" if node.dimension in (None, PURE) else str(node.dimension)
