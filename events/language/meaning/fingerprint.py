"""What an expression means, as a short text: the same for two expressions that differ only in how they are written.

Names of parameters and definitions, units (20 GeV and 20000 MeV), brackets and the direction of a comparison make no
difference; what a name stands for does. Columns are compared by their names.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from emiss.configs.units import PURE, UNITS
from emiss.events.language import plug_in
from emiss.events.language.syntax import tree
from emiss.events.language.syntax.functions import FUNCTIONS
from emiss.events.language.syntax.parser import knowing, parse
from emiss.events.language.syntax.tree import names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from emiss.configs.place import Text
    from emiss.configs.units import Dimension
    from emiss.events.language.meaning.parameters import Parameter
    from emiss.events.language.syntax.expression import Expression, FunctionDeclaration, ObjectDeclaration


class Fingerprints:
    """The meaning of expressions among the parameters, definitions and objects of one analysis.

    Each definition and object is looked at once, however often it is used.
    """

    def __init__(
        self,
        parameters: Mapping[str, Parameter],
        definitions: Mapping[str, Expression],
        objects: Mapping[str, ObjectDeclaration],
        functions: Mapping[str, FunctionDeclaration] | None = None,
    ) -> None:
        self.functions = functions or {}
        self.parameters = parameters
        self.definitions = definitions
        self.objects = objects
        self._known: dict[str, str] = {}
        self._open: list[str] = []

    def of(self, expression: Expression) -> str:
        """Return the sha256 of the meaning of an expression."""
        for name in self.uses([expression]):
            if name not in self._known:
                self._known[name] = self._declared(name)
        return self._tree(expression.tree)

    def uses(self, roots: Iterable[Expression]) -> list[str]:
        """Return the definitions and objects that expressions use, directly or not; each behind all that it uses."""
        done: dict[str, None] = {}
        opened: set[str] = set()
        for root in roots:
            waiting = [(name, False) for name in self._among(self._names(root.tree))]
            while waiting:
                name, complete = waiting.pop()
                if complete:
                    done[name] = None
                elif name not in done and name not in opened:  # one in a circle is left as a name
                    opened.add(name)
                    waiting.append((name, True))
                    waiting.extend((below, False) for below in self._among(self._words(name)))
        return list(done)

    def words(self, roots: Iterable[Expression]) -> set[str]:
        """Return all names that expressions hold, and those in all that they use."""
        roots = list(roots)
        found = {name for root in roots for name in self._names(root.tree)}
        return found.union(*(self._words(name) for name in self.uses(roots)))

    def _words(self, name: str) -> set[str]:
        """Return the names in a definition or an object."""
        if name in self.definitions:
            return self._names(self.definitions[name].tree)
        declared = self.objects[name]
        found = self._names(declared.where.tree) if declared.where else set()
        return found.union(*(self._source_names(source) for source in declared.sources))

    def _source_names(self, source: Text) -> set[str]:
        tree_ = self._expression(source)
        return {source.value} if tree_ is None else self._names(tree_)

    def _names(self, root: tree.Syntax) -> set[str]:
        """Return the names in an expression and in the functions of the file that it calls, without their arguments."""
        found = names(root)
        waiting, seen = _called(root), set[str]()
        while waiting:
            function = self.functions.get(waiting.pop())
            if function is not None and function.name not in seen:
                seen.add(function.name)
                found |= {
                    name for name in names(function.body.tree) if name.partition(".")[0] not in function.arguments
                }
                waiting |= _called(function.body.tree)
        return found

    def _among(self, words: Iterable[str]) -> Iterator[str]:
        """Yield the definitions and objects among some names, in an order of their own."""
        for word in sorted(words):
            first = word.partition(".")[0]
            if first in self.definitions or first in self.objects:
                yield first

    def _declared(self, name: str) -> str:
        if name in self.definitions:
            return self._tree(self.definitions[name].tree)
        declared = self.objects[name]
        # the fields of an object of columns are called by these
        sources = [
            [self._source(source), "" if source.value in self.objects else source.value] for source in declared.sources
        ]
        return _digest("object", sources, self._tree(declared.where.tree) if declared.where else "")

    def _expression(self, source: Text) -> tree.Syntax | None:
        """Return the tree of what an object is from; None where that is a name, or no expression (which is told elsewhere)."""
        if "(" not in source.value:
            return None
        try:
            with knowing(self.functions):
                return parse(source.value)
        except tree.ExpressionError:
            return None

    def _source(self, source: Text) -> str:
        tree_ = self._expression(source)
        return self._name(source.value) if tree_ is None else self._tree(tree_)

    def _name(self, name: str) -> str:
        if name in self._known:
            return self._known[name]
        if name in self.parameters:
            values = [_number(value.value, value.dimension) for value in self.parameters[name].values]
            return _digest("values", values) if self.parameters[name].several else values[0]
        prefix, _, last = name.rpartition(".")
        return _digest("field", self._known[prefix], last) if prefix in self._known else _digest("name", name)

    def _tree(self, node: tree.Syntax) -> str:
        match node:
            case tree.Name():
                return self._name(node.name)
            case tree.Number():
                unit = UNITS[node.unit] if node.unit else None
                zero = node.value == 0.0 and unit is None
                dimension = unit.dimension if unit else None if zero else PURE
                return _number(node.value * (unit.factor if unit else 1.0), dimension)
            case tree.Unary(operator="-", operand=tree.Number() as number):
                return self._tree(tree.Number(number.span, -number.value, number.unit))
            case tree.Unary(operator="+"):
                return self._tree(node.operand)
            case tree.Index() if (value := self._picked(node)) is not None:
                return value
            case tree.Compare():
                return self._chain(node)
        below = [self._tree(child) for child in node.children]
        match node:
            case tree.Text() | tree.Truth():
                return _digest(type(node).__name__, node.value)
            case tree.Field():
                return _digest("field", *below, node.name)
            case tree.Call() if node.function in self.functions:
                return _digest("declared", self._body(node.function), *below)
            case tree.Call():
                given = None if node.function in FUNCTIONS else plug_in.find(node.function)
                if given is not None:
                    return _digest("call", node.function, given.identity, *below)
                return _digest("call", node.function, *below)
            case tree.Unary() | tree.Binary() | tree.Logic():
                return _digest(type(node).__name__, node.operator, *below)
        return _digest(type(node).__name__, *below)

    def _body(self, name: str) -> str:
        """Return what a function of the file means; one in a circle, which is refused elsewhere, is left as a name."""
        function = self.functions[name]
        if name in self._open:
            return name
        self._open.append(name)
        try:
            return _digest("function", list(function.arguments), self._tree(function.body.tree))
        finally:
            self._open.pop()

    def _picked(self, node: tree.Index) -> str | None:
        """Return the value of a parameter that a literal index picks."""
        if not isinstance(node.of, tree.Name) or node.of.name not in self.parameters:
            return None
        parameter = self.parameters[node.of.name]
        value = parameter.element(node.index)
        return None if value is None or not parameter.several else _number(value.value, value.dimension)

    def _chain(self, node: tree.Compare) -> str:
        """Return ``a < b < c`` as ``a < b and b < c``, and ``a > b`` as ``b < a``."""
        operands = [self._tree(child) for child in node.operands]
        links = []
        for operator, left, right in zip(node.operators, operands, operands[1:], strict=False):
            turned = {">": "<", ">=": "<="}.get(operator)
            links.append(
                _digest("compare", turned, right, left) if turned else _digest("compare", operator, left, right)
            )
        return links[0] if len(links) == 1 else _digest("Logic", "and", *links)


def _called(root: tree.Syntax) -> set[str]:
    """Return the names of all functions that are called in a tree."""
    return {node.function for node in tree.walk(root) if isinstance(node, tree.Call)}


def _number(value: float, dimension: Dimension | None) -> str:
    return _digest("number", float(value).hex(), "any" if dimension is None else str(dimension))


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()
