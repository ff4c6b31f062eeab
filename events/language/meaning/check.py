"""From the syntax tree to the program: what each name means, and whether kinds, units and lists fit together.

All mistakes are found here, before an event is read, as `ExpressionError` with the place in the expression. What names
mean is the business of a `Scope` (`scope`); arithmetic on units is here.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

from emiss.configs.units import PURE, UNITS, Dimension
from emiss.events.language.meaning.calls import call
from emiss.events.language.meaning.objects import Collection, Item, Literal, Values
from emiss.events.language.meaning.windows import empty_window
from emiss.events.language.running.evaluate import constant
from emiss.events.language.running.program import Kind, Node, Program, depends
from emiss.events.language.syntax import tree
from emiss.events.language.syntax.tree import ExpressionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.events.language.meaning.scope import Scope

MAX_POWER = 16


_ARITHMETIC = {"+": "add", "-": "subtract"}


class Checker:
    """Checks one expression.

    Parameters
    ----------
    text : str
        The expression, for messages.
    scope : Scope
        What names mean.
    fields : Collection, optional
        In the condition of an object: the object, whose fields are known by their bare names.
    """

    def __init__(self, text: str, scope: Scope, fields: Collection | None = None) -> None:
        self.text = text
        self.scope = scope
        self.program: Program = scope.program
        self.fields = fields

    def item(self, node: tree.Syntax) -> Item:
        """Return what an expression means, of whatever kind."""
        match node:
            case tree.Number():
                return self._number(node)
            case tree.Text():
                return Literal(node.value)
            case tree.Truth():
                return self.program.truth(node.value)
            case tree.Name():
                return self.scope.resolve(node.name, node.span, self.fields)
            case tree.Field():
                return self._field(node)
            case tree.Index():
                return self._index(node)
            case tree.Call():
                return call(self, node)
            case tree.Unary():
                return self._unary(node)
            case tree.Binary():
                return self._power(node) if node.operator == "**" else self._binary(node)
            case tree.Compare():
                return self._chain(node)
            case tree.Logic():
                operands = self.aligned([(self.truth(part), part) for part in node.operands])
                if node.operator == "and":
                    self._possible(operands, node)
                return self.same_axis(node.operator, operands, kind="truth")
        raise TypeError(node)

    def value(self, node: tree.Syntax) -> Node:
        """Return the node of numbers or truths."""
        item = self.item(node)
        if isinstance(item, Node):
            return item
        if isinstance(item, Collection):
            names = [f"{self.shown(node)}.{name}" for name in item.fields]
            hint = f"its fields are {', '.join(names[:8])}; count({self.shown(node)}) is their number"
            raise self.error(f"'{self.shown(node)}' is a collection, not a value", node, hint)
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

    def inside(self, collection: Collection) -> Checker:
        """Return a checker of the same text that knows the fields of a collection by their bare names."""
        return Checker(self.text, self.scope, collection)

    def error(self, message: str, node: tree.Syntax, hint: str | None = None) -> ExpressionError:
        """Return the error `message` at a node."""
        return ExpressionError(message, node.span, hint)

    def shown(self, node: tree.Syntax) -> str:
        """Return the text of a node on one line, cut where it is long."""
        text = " ".join(self.text[node.span.start : node.span.end].split())
        return text if len(text) <= 60 else text[:57] + "..."

    def _number(self, node: tree.Number) -> Node:
        if node.unit is None:
            return self.program.number(node.value, None if node.value == 0.0 else PURE)
        unit = UNITS[node.unit]
        return self.program.number(node.value * unit.factor, unit.dimension)

    def _field(self, node: tree.Field) -> Item:
        item = self.item(node.of)
        if not isinstance(item, Collection):
            raise self.error(f"'{self.shown(node.of)}' has no fields", node.of)
        return self.scope.field(item, node.name, self.shown(node.of), node.span)

    def _index(self, node: tree.Index) -> Node:
        item = self.item(node.of)
        if isinstance(item, Literal) or (isinstance(item, Node) and item.axis is None):
            shown = self.shown(node.of)
            raise self.error(f"'{shown}' is one value, it has no element [{self.shown(node.index)}]", node.of)
        index = self._whole(node.index)
        if isinstance(item, Values):
            if not -len(item.values) <= index < len(item.values):
                message = f"the parameter '{item.name}' has {len(item.values)} values, there is no [{index}]"
                raise self.error(message, node, f"they are counted from 0 to {len(item.values) - 1}")
            return item.values[index]
        width = item.axis.width if isinstance(item, Node) and item.axis is not None else None
        if width is not None and not -width <= index < width:
            message = f"'{self.shown(node.of)}' has {width} element{'s' * (width > 1)}, there is no [{index}]"
            raise self.error(message, node, f"they are counted from 0 to {width - 1}" if width > 1 else "write [0]")
        if isinstance(item, Collection):
            hint = f"take the element of a field, e.g. '{self.shown(node.of)}.{next(iter(item.fields), 'p')}[{index}]'"
            raise self.error(f"'{self.shown(node.of)}' is a collection, not a list of values", node.of, hint)
        return self.reduce("element", item, index)

    def _whole(self, node: tree.Syntax) -> int:
        value = self.number(node, "a whole number")
        if not value.constant or value.dimension not in (None, PURE):
            raise self.error("an index is a whole number that is the same for all events", node)
        index = self._settled(value, node)
        if not math.isfinite(index) or index != int(index) or abs(index) > 1_000_000_000:
            raise self.error("an index is a whole number", node)
        return int(index)

    def _unary(self, node: tree.Unary) -> Node:
        if node.operator == "not":
            value = self.truth(node.operand)
            return self.program.add("not", (value,), kind="truth", axis=value.axis)
        value = self.number(node.operand)
        if node.operator == "+":
            return value
        return self.program.add("neg", (value,), dimension=value.dimension, axis=value.axis)

    def _binary(self, node: tree.Binary) -> Node:
        left, right = self.number(node.left), self.number(node.right)
        if node.operator in _ARITHMETIC:
            dimension = self.common(_ARITHMETIC[node.operator], [(left, node.left), (right, node.right)])
        elif node.operator == "*":
            dimension = (left.dimension or PURE) * (right.dimension or PURE)
        else:
            dimension = (left.dimension or PURE) / (right.dimension or PURE)
        operands = self.aligned([(left, node.left), (right, node.right)])
        return self.same_axis(node.operator, operands, dimension=dimension)

    def _power(self, node: tree.Binary) -> Node:
        base, exponent = self.number(node.left), self.number(node.right)
        if exponent.dimension not in (None, PURE):
            raise self.error(f"an exponent is a pure number, this is in {exponent.dimension}", node.right)
        dimension = base.dimension or PURE
        if not dimension.pure:
            if not exponent.constant:
                message = f"'{self.shown(node.left)}' is in {dimension}: its exponent has to be the same for all events"
                raise self.error(message, node.right)
            dimension **= self._fraction(self._settled(exponent, node.right), node.right)
        operands = self.aligned([(base, node.left), (exponent, node.right)])
        return self.same_axis("**", operands, dimension=dimension)

    def _settled(self, value: Node, node: tree.Syntax) -> float:
        """Return the value of a constant that shapes the program, and so cannot be scanned."""
        if depends(value):
            raise self.error("an index, or the exponent of a unit, cannot be scanned", node)
        return constant(value)

    def _fraction(self, value: float, node: tree.Syntax) -> Fraction:
        fraction = Fraction(value).limit_denominator(12) if abs(value) <= MAX_POWER else None
        if fraction is None or abs(float(fraction) - value) > 1e-12:
            message = f"a unit is raised to a simple power up to {MAX_POWER}"
            raise self.error(message, node)
        return fraction

    def _chain(self, node: tree.Compare) -> Node:
        """Check ``a < b < c`` as ``a < b and b < c`` with one `b`."""
        values = [(self.value(part), part) for part in node.operands]
        links = [self._compare(operator, values[i], values[i + 1], node) for i, operator in enumerate(node.operators)]
        if len(links) == 1:
            return links[0]
        operands = self.aligned([(link, node) for link in links])
        self._possible(operands, node)
        return self.same_axis("and", operands, kind="truth")

    def _possible(self, operands: Sequence[Node], node: tree.Syntax) -> None:
        """Refuse conditions that exclude each other, such as a window from 16 MeV to 6 MeV."""
        found = empty_window(operands)
        if found is not None:
            low, high = found
            message = f"'{self.shown(node)}' is never true: nothing is above {low} and below {high}"
            hint = "the lower limit comes first" if low.value > high.value else "write '<=' on both sides, or '=='"
            raise self.error(message, node, hint)

    def _compare(
        self, operator: str, left: tuple[Node, tree.Syntax], right: tuple[Node, tree.Syntax], node: tree.Compare
    ) -> Node:
        kinds = {left[0].kind, right[0].kind}
        if kinds == {"truth"} and operator in ("==", "!="):
            same = self.same_axis("same", self.aligned([left, right]), kind="truth")
            return same if operator == "==" else self.program.add("not", (same,), kind="truth", axis=same.axis)
        if "truth" in kinds:
            guilty = left if left[0].kind == "truth" else right
            hint = "chains are written 'a < x < b', conditions are joined with 'and'"
            message = f"'{self.shown(guilty[1])}' is yes or no and cannot be compared with '{operator}'"
            raise self.error(message, guilty[1], hint)
        self.common("compare", [left, right], node)
        operands = self.aligned([left, right])
        if operator in (">", ">="):  # a > b is b < a, so that both are one node
            operator, operands = {">": "<", ">=": "<="}[operator], operands[::-1]
        return self.same_axis(operator, operands, kind="truth")

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
            if (said := self.scope.parameter_at(part)) is not None:
                return said
        for (pure, part), (other, _) in ((a, b), (b, a)):
            if pure.dimension == PURE and other.dimension != PURE:
                if isinstance(part, tree.Number):
                    return f"write '{self.shown(part)} {other.dimension}'"
                if pure.label:
                    line = f"columns: {{{pure.label}: {other.dimension}}}"
                    return f"if '{pure.label}' is in {other.dimension}, add the line '{line}' to the analysis"
        return next((said for _, part in (a, b) if (said := self.scope.definition_at(part)) is not None), None)

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
