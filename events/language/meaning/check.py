"""From the syntax tree to the program: what each part of an expression means, and whether kinds, units and lists fit.

All mistakes are found here, before an event is read, as `ExpressionError` with the place in the expression. What names
mean is the business of `Names`; functions are checked in `calls`.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

from emiss.configs.errors import did_you_mean
from emiss.configs.units import PURE, UNITS
from emiss.events.language.meaning.calls import call
from emiss.events.language.meaning.objects import Collection, Element, Item, Literal, Values
from emiss.events.language.meaning.operands import Operands
from emiss.events.language.meaning.windows import empty_window
from emiss.events.language.running.evaluate import constant
from emiss.events.language.running.program import Node, depends
from emiss.events.language.syntax import tree

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_POWER = 16

_ARITHMETIC = {"+": "add", "-": "subtract"}


class Checker(Operands):
    """Checks one expression."""

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
                return self.names.resolve(node.name, node.span, self.fields)
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

    def inside(self, collection: Collection) -> Checker:
        """Return a checker of the same text that knows the fields of a collection by their bare names."""
        return Checker(self.text, self.names, collection)

    def _number(self, node: tree.Number) -> Node:
        if node.unit is None:
            return self.program.number(node.value, None if node.value == 0.0 else PURE)
        unit = UNITS[node.unit]
        return self.program.number(node.value * unit.factor, unit.dimension)

    def _field(self, node: tree.Field) -> Item:
        item = self.item(node.of)
        if not isinstance(item, Collection | Element):
            raise self.error(f"'{self.shown(node.of)}' has no fields", node.of)
        return self.names.field(item, node.name, self.shown(node.of), node.span)

    def _index(self, node: tree.Index) -> Item:
        item = self.item(node.of)
        if isinstance(item, Literal | Element) or (isinstance(item, Node) and item.axis is None):
            shown = self.shown(node.of)
            raise self.error(f"'{shown}' is one value, it has no element [{self.shown(node.index)}]", node.of)
        names = item.axis.elements if isinstance(item, Node) and item.axis is not None else ()
        if isinstance(node.index, tree.Text):
            return self.reduce("element", self._list(item, node), self._named(node.index, names, node))
        if isinstance(node.index, tree.Name) and node.index.name in names:
            name = node.index.name
            hint = f"write {self.shown(node.of)}['{name}']"
            raise self.error(f"'{name}' is the name of an element, which is written as a text", node.index, hint)
        index = self._whole(node.index)
        if isinstance(item, Values):
            if not -len(item.values) <= index < len(item.values):
                message = f"the parameter '{item.name}' has {len(item.values)} values, there is no [{index}]"
                raise self.error(message, node, f"they are counted from 0 to {len(item.values) - 1}")
            return item.values[index]
        if isinstance(item, Collection):
            width = item.rows.width
        else:
            width = item.axis.width if isinstance(item, Node) and item.axis is not None else None
        if width is not None and not -width <= index < width:
            message = f"'{self.shown(node.of)}' has {width} element{'s' * (width > 1)}, there is no [{index}]"
            raise self.error(message, node, f"they are counted from 0 to {width - 1}" if width > 1 else "write [0]")
        if isinstance(item, Collection):
            return self.element(item, index, self.shown(node))
        return self.reduce("element", self._list(item, node), index)

    def _list(self, item: Item, node: tree.Index) -> Node:
        """Return the list of values that an element is taken of."""
        if isinstance(item, Node):
            return item
        shown = self.shown(node.of)
        if isinstance(item, Collection):
            field = f"{shown}.{next(iter(item.fields), 'p')}[{self.shown(node.index)}]"
            hint = f"take the element of a field, e.g. '{field}'"
            raise self.error(f"'{shown}' is a collection, not a list of values", node.of, hint)
        raise self.error(f"the values of the parameter '{shown}' have no names", node.index, "they are counted from 0")

    def _named(self, index: tree.Text, names: tuple[str, ...], node: tree.Index) -> int:
        """Return the position of the element of a name."""
        if index.value in names:
            return names.index(index.value)
        if not names:
            message = f"the elements of '{self.shown(node.of)}' have no names"
            raise self.error(message, index, "they are counted from 0")
        message = f"'{self.shown(node.of)}' has no element '{index.value}'"
        raise self.error(message, index, did_you_mean(index.value, names, otherwise="its elements are"))

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
