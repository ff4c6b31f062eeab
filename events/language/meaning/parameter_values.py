"""The values of parameters: numbers with units, lists of them, or expressions of numbers and other parameters."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from emiss.configs.errors import UserError
from emiss.configs.units import PURE, UnitError, Written, parse_unit, read_number
from emiss.events.language.meaning.parameters import Parameter, Quantity
from emiss.events.language.meaning.scope import Scope
from emiss.events.language.running.evaluate import constant
from emiss.events.language.running.program import Node, Program
from emiss.events.language.syntax.expression import placed, read_expression
from emiss.events.language.syntax.tree import ExpressionError, Name, names, walk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.errors import Problems
    from emiss.configs.place import Text, Texts

_UNIT = re.compile(r"(?:[^\W\d][\w/*^ ]*)?")
"""What may be a unit behind a number; anything else makes an expression of it."""


def read_parameters(
    given: Mapping[str, Texts], overrides: Mapping[str, Texts], problems: Problems
) -> dict[str, Parameter]:
    """Return the parameters that a file gives, with the values of ``--set`` in the place of the file's.

    A value that is given by ``--set`` has the unit and the number of values of the one in the file.
    """
    reader = _Reader(given, problems)
    parameters = {name: parameter for name in given if (parameter := reader.read(name)) is not None}
    if not overrides:
        return parameters
    changed = _Reader({**given, **overrides}, problems)
    result: dict[str, Parameter] = {}
    for name, old in parameters.items():
        new = changed.read(name)
        if new is not None and (name not in overrides or _fits(old, new, problems)):
            result[name] = new
    return result


def _fits(old: Parameter, new: Parameter, problems: Problems) -> bool:
    if old.several != new.several or len(old.values) != len(new.values):
        given = ", ".join(value.text for value in old.values)
        message = (
            f"'{old.name}' has {len(old.values)} value{'s' * (len(old.values) > 1)} in the file, not {len(new.values)}"
        )
        problems.add(new.place.error(message, hint=f"the file gives {given}"))
        return False
    for before, now in zip(old.values, new.values, strict=True):
        if None not in (before.dimension, now.dimension) and before.dimension != now.dimension:
            unit = "a pure number" if before.dimension == PURE else f"in {before.dimension}"
            hint = f"write '{now.text} {before.dimension}'" if now.dimension == PURE else None
            problems.add(new.place.error(f"'{old.name}' is {unit}, '{now.text}' is not", hint=hint))
            return False
    return True


class _Reader:
    """Reads parameters in the order they need each other."""

    def __init__(self, items: Mapping[str, Texts], problems: Problems) -> None:
        self.items = items
        self.problems = problems
        self._known: dict[str, Parameter | None] = {}
        self._open: list[str] = []

    def read(self, name: str) -> Parameter | None:
        """Return a parameter; None, with the problem noted, if it has no value."""
        if name not in self._known:
            self._open.append(name)
            self._known[name] = self._read(name)
            self._open.pop()
        return self._known[name]

    def _read(self, name: str) -> Parameter | None:
        item = self.items[name]
        if not item.items:
            self.problems.add(item.place.error(f"the parameter '{name}' has no value", key=True))
            return None
        values = [self._quantity(text) for text in item]
        known = tuple(value for value in values if value is not None)
        if len(known) < len(values):
            return None
        uses = frozenset().union(*(self._uses(text) for text in item))
        return Parameter(name, known, item.several, item.place, uses)

    def _uses(self, text: Text) -> frozenset[str]:
        """Return the parameters that a value comes from, directly or not."""
        if _plain(text) is not None:
            return frozenset()
        direct = {name for name in names(read_expression(text).tree) if name in self.items}
        parts = [known.uses for name in direct if (known := self._known.get(name)) is not None]
        return frozenset(direct).union(*parts)

    def _quantity(self, text: Text) -> Quantity | None:
        try:
            plain = _plain(text)
            return plain if plain is not None else self._computed(text)
        except ExpressionError as error:
            self.problems.add(placed(error, text.place))
        except UserError as error:
            self.problems.add(error)
        return None

    def _computed(self, text: Text) -> Quantity | None:
        """Return the value of an expression of numbers and other parameters."""
        try:
            expression = read_expression(text)
        except UserError as error:
            hint = error.hint or "a parameter is a number such as '20 GeV', or a list of them"
            raise UserError(error.message, at=error.at, hint=hint) from None
        used: dict[str, Parameter] = {}
        for node in walk(expression.tree):
            if isinstance(node, Name) and node.name in self.items:
                if node.name in self._open:
                    circle = " -> ".join([*self._open[self._open.index(node.name) :], node.name])
                    message = f"'{node.name}' is defined by itself: {circle}"
                    raise ExpressionError(message, node.span)
                parameter = self.read(node.name)
                if parameter is None:
                    return None
                used[node.name] = parameter
        scope = Scope(Program(), {}, {}, used, {}, {})
        node_ = scope.check(expression).number(expression.tree)
        value = constant(node_)
        if not math.isfinite(value):
            message = "the value of the parameter is undefined"
            raise ExpressionError(message, expression.tree.span)
        return Quantity(value, node_.dimension, _shown(value, node_))


def _shown(value: float, node: Node) -> str:
    unit = "" if node.dimension in (None, PURE) else f" {node.dimension}"
    return f"{_digits(value)}{unit}"


def _digits(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def _as_quantity(text: Text) -> Written | None:
    """Return what is written as a number with a unit; None for an expression."""
    written = read_number(text.value)
    return written if written is not None and _UNIT.fullmatch(written.unit) else None


def _plain(text: Text) -> Quantity | None:
    """Return a number with a unit such as ``20 GeV`` or ``0.5 GeV/mm``; None if it is none."""
    written = _as_quantity(text)
    if written is None:
        return None
    value, name = written.value, written.unit
    if not math.isfinite(value):
        raise text.place.error("a number too large to be held")
    shown = _digits(value)
    if not name:
        return Quantity(value, None if value == 0.0 else PURE, shown)
    try:
        unit = parse_unit(name)
    except UnitError as error:
        if any(sign in name for sign in "*/^ "):
            return None
        at = text.value.index(name)
        message, _, hint = str(error).partition("; ")
        raise text.place.error(message, offset=at, length=len(name), hint=hint or None) from None
    return Quantity(value * unit.factor, unit.dimension, f"{shown} {name}")
