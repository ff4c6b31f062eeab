"""What the parts of an expression have in common when they are checked: kinds, units, and the rows that they stand on.

`Operands` says what has to fit before an operation is put into the program, and what a user is told where it does not. What a
part means by itself is for who derives from it (`check.Checker`); `calls` needs no more than this.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

from emiss.configs.units import PURE, Dimension
from emiss.events.language.meaning.objects import Collection, Element, Item, Values, changed
from emiss.events.language.running.program import Kind, Node, Program
from emiss.events.language.syntax import tree
from emiss.events.language.syntax.tree import ExpressionError

if TYPE_CHECKING:
    from emiss.events.language.meaning.names import Names


class Operands(ABC):
    """The parts of one expression.

    Parameters
    ----------
    text : str
        The expression, for messages.
    names : Names
        What names mean.
    fields : Collection, optional
        In the condition of an object: the object, whose fields are known by their bare names.
    """

    def __init__(self, text: str, names: Names, fields: Collection | None = None) -> None:
        self.text = text
        self.names = names
        self.program: Program = names.program
        self.fields = fields

    @abstractmethod
    def item(self, node: tree.Syntax) -> Item:
        """Return what an expression means, of whatever kind."""

    @abstractmethod
    def inside(self, collection: Collection) -> Self:
        """Return the same for the same text, with the fields of a collection known by their bare names."""

    def value(self, node: tree.Syntax) -> Node:
        """Return the node of numbers or truths."""
        item = self.item(node)
        if isinstance(item, Node):
            return item
        if isinstance(item, Collection):
            names = [f"{self.shown(node)}.{name}" for name in item.fields]
            hint = f"its fields are {', '.join(names[:8])}; count({self.shown(node)}) is their number"
            raise self.error(f"'{self.shown(node)}' is a collection, not a value", node, hint)
        if isinstance(item, Element):
            names = [f"{self.shown(node)}.{name}" for name in item.fields]
            hint = f"its fields are {', '.join(names[:8])}"
            raise self.error(f"'{self.shown(node)}' is an element of a collection, not a value", node, hint)
        if isinstance(item, Values):
            hint = f"write {item.name}[0] to {item.name}[{len(item.values) - 1}]"
            raise self.error(f"the parameter '{item.name}' has {len(item.values)} values", node, hint)
        raise self.error("a text stands only as the second argument of matches", node)

    def number(self, node: tree.Syntax, what: str = "a number") -> Node:
        """Return the node of a number."""
        value = self.value(node)
        if value.kind != "number":
            hint = "where(condition, 1, 0) makes a number of a yes or no"
            raise self.error(f"'{self.shown(node)}' is yes or no, where {what} is needed", node, hint)
        return value

    def truth(self, node: tree.Syntax) -> Node:
        """Return the node of a yes or no."""
        value = self.value(node)
        if value.kind != "truth":
            hint = f"compare it, e.g. '{self.shown(node)} > 0'"
            raise self.error(f"'{self.shown(node)}' is a number, where a yes or no is needed", node, hint)
        return value

    def per_event(self, node: tree.Syntax, value: Node, what: str) -> Node:
        """Return `value` if it is one per event."""
        if value.axis is not None:
            names = "any(...) or all(...)" if value.kind == "truth" else "sum(...), max(...) or first(...)"
            message = f"{what} needs one answer per event; this is a list (one answer per element of {_owner(value)})"
            raise self.error(message, node, f"reduce it with {names}")
        return value

    def error(self, message: str, node: tree.Syntax, hint: str | None = None) -> ExpressionError:
        """Return the error `message` at a node."""
        return ExpressionError(message, node.span, hint)

    def shown(self, node: tree.Syntax) -> str:
        """Return the text of a node on one line, cut where it is long."""
        text = " ".join(self.text[node.span.start : node.span.end].split())
        return text if len(text) <= 60 else text[:57] + "..."

    def common(
        self, verb: str, values: list[tuple[Node, tree.Syntax]], whole: tree.Syntax | None = None
    ) -> Dimension | None:
        """Return the dimension that all values share; the literal 0 has every one."""
        known = [(value, part) for value, part in values if value.dimension is not None]
        if not known:
            return None
        first, first_part = known[0]
        for value, part in known[1:]:
            if value.dimension != first.dimension:
                place = whole if whole is not None and len(values) == 2 else None
                span = place.span if place else first_part.span.to(part.span)
                parts = f"'{self.shown(first_part)}' is {_in(first)}, '{self.shown(part)}' is {_in(value)}"
                message = f"cannot {verb} {_unit(first)} and {_unit(value)}: {parts}"
                raise ExpressionError(message, span, self._unit_hint((first, first_part), (value, part)))
        return first.dimension

    def _unit_hint(self, a: tuple[Node, tree.Syntax], b: tuple[Node, tree.Syntax]) -> str | None:
        """Say how the two would fit, where one of them has no unit, and where one is set that is not written here."""
        for _, part in (a, b):
            if (said := self.names.parameter_at(part)) is not None:
                return said
        for (pure, part), (other, _) in ((a, b), (b, a)):
            if pure.dimension == PURE and other.dimension != PURE:
                if isinstance(part, tree.Number):
                    return f"write '{self.shown(part)} {other.dimension}'"
                if pure.label:
                    line = f"columns: {{{pure.label}: {other.dimension}}}"
                    return f"if '{pure.label}' is in {other.dimension}, add the line '{line}' to the analysis"
        return next((said for _, part in (a, b) if (said := self.names.definition_at(part)) is not None), None)

    def aligned(self, values: list[tuple[Node, tree.Syntax]]) -> tuple[Node, ...]:
        """Return values that stand on the same rows, those per event repeated for each row.

        Raises
        ------
        ExpressionError
            If they are lists of different collections.
        """
        listed = [(value, part) for value, part in values if value.axis is not None]
        if not listed:
            return tuple(value for value, _ in values)
        first, first_part = listed[0]
        axis = first.axis
        for value, part in listed[1:]:
            if value.axis is not axis:
                message = (
                    f"'{self.shown(first_part)}' is a list of {_owner(first)}, "
                    f"'{self.shown(part)}' one of {_owner(value)}: lists of different collections"
                )
                raise ExpressionError(
                    message, first_part.span.to(part.span), "reduce one of them, e.g. with first(...)"
                )
        return tuple(self._spread(value, axis) for value, _ in values)

    def _spread(self, value: Node, axis: Node | None) -> Node:
        if value.axis is not None or value.constant or axis is None:
            return value
        return self.program.add(
            "spread", (value, axis), kind=value.kind, dimension=value.dimension, axis=axis, bits=value.bits
        )

    def same_axis(
        self,
        op: str,
        operands: tuple[Node, ...],
        *,
        kind: Kind = "number",
        dimension: Dimension | None = PURE,
    ) -> Node:
        """Return the node of an operation on aligned operands."""
        axis = next((operand.axis for operand in operands if operand.axis is not None), None)
        if kind == "truth":
            return self.program.add(op, operands, kind="truth", axis=axis)
        return self.program.add(op, operands, dimension=dimension, axis=axis)

    def element(self, collection: Collection, at: int, shown: str) -> Element:
        """Return element number `at` of each event, with its fields."""

        def picked(values: Node) -> Node:
            return self.reduce("element", values, at)

        members = {name: member.through(picked) for name, member in collection.members.items()}
        return Element(shown, changed(collection.fields, picked), members)

    def reduce(self, op: str, value: Node, data: int | None = None) -> Node:
        """Return the node of one value per event, from a list."""
        assert value.axis is not None  # noqa: S101 - callers have told the user
        counted = op == "sum" and value.kind == "truth"
        keeps = op == "element"
        return self.program.add(
            op,
            (value, value.axis),
            data,
            kind="number" if counted else value.kind,
            dimension=PURE if counted else value.dimension,
            bits=value.bits if keeps else None,
            label=value.label,
            constant=False,
        )


def _owner(value: Node) -> str:
    """Return the name of the collection that a list belongs to."""
    return value.axis.label if value.axis is not None else ""


def _unit(value: Node) -> str:
    return "a pure number" if value.dimension == PURE else str(value.dimension)


def _in(value: Node) -> str:
    return "a pure number" if value.dimension == PURE else f"in {value.dimension}"
