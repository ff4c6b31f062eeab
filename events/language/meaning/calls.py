"""Functions of the language, checked: how many arguments, lists or not, which kinds and units.

Their names and meanings stand in `functions`; what they compute in `operations`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from emiss.configs.errors import UserError, did_you_mean
from emiss.configs.units import PURE, Dimension, parse_unit
from emiss.events.language import plug_in
from emiss.events.language.meaning import momenta
from emiss.events.language.meaning.objects import Collection, Item, Literal, select, sort_rows, take
from emiss.events.language.running.evaluate import constant
from emiss.events.language.running.program import Node, depends
from emiss.events.language.syntax.functions import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from emiss.events.language.meaning.operands import Operands
    from emiss.events.language.syntax import tree

_PURE_ONLY = ("exp", "exp10", "log", "log10", "sin", "cos", "tan", "sinh", "cosh", "tanh")
_OF_MOMENTA: Mapping[str, Callable[[Operands, tree.Call], Item]] = {
    "pairs": momenta.pairs,
    "mass": momenta.mass,
    "delta_phi": momenta.delta_phi,
    "delta_r": momenta.delta_r,
}
_REDUCTIONS = ("any", "all", "count", "sum", "min", "max", "mean", "first", "last")
_OF_TWO = {
    "min": "it is over the elements of a list; of two values write 'where(a < b, a, b)'",
    "max": "it is over the elements of a list; of two values write 'where(a > b, a, b)'",
}


def call(checker: Operands, node: tree.Call) -> Item:
    """Return what a call of a function means.

    Raises
    ------
    ExpressionError
        If the arguments do not fit.
    """
    name, arguments = node.function, node.arguments
    if (declared := checker.names.called(checker, node)) is not None:
        return declared
    if name not in FUNCTIONS:
        return _plugged_in(checker, node)
    if (other := plug_in.find(name)) is not None:
        message = f"'{name}' is a function of emiss, and the {other} has the same name"
        raise checker.error(
            message, node, f"rename it in the entry points of its package ({other.value}), or uninstall that"
        )
    function = FUNCTIONS[name]
    if not function.takes(len(arguments)):
        most = len(function.arguments)
        number = f"{most}" if function.least is None else f"{function.least} to {most}"
        plural = "argument" if most == 1 else "arguments"
        message = f"{name} takes {number} {plural}, not {len(arguments)}: {function.usage(name)}"
        raise checker.error(message, node, _OF_TWO.get(name))
    if name in _OF_MOMENTA:
        return _OF_MOMENTA[name](checker, node)
    if name in _REDUCTIONS:
        return _reduction(checker, name, arguments[0])
    if name == "sort":
        return _sort(checker, node)
    if name == "matches":
        return _matches(checker, node)
    if name == "where":
        return _where(checker, node)
    return _elementwise(checker, node)


def _plugged_in(checker: Operands, node: tree.Call) -> Node:
    """Return the call of a function that a plug-in gives."""
    given = plug_in.find(node.function)
    assert given is not None  # noqa: S101 - the parser has looked
    try:
        function = plug_in.load(given)
    except UserError as error:
        raise checker.error(error.message, node, error.hint) from None
    wanted = function.arguments
    if len(node.arguments) != len(wanted):
        plural = "argument" if len(wanted) == 1 else "arguments"
        usage = function.usage(node.function)
        raise checker.error(f"{node.function} takes {len(wanted)} {plural}, not {len(node.arguments)}: {usage}", node)
    parts = []
    for argument, part in zip(wanted, node.arguments, strict=True):
        value = checker.truth(part) if argument.kind == "truth" else checker.number(part)
        dimension = parse_unit(argument.unit).dimension
        if argument.kind == "number" and value.dimension not in (None, dimension):
            needed = "a pure number" if dimension == PURE else f"a quantity in {dimension}"
            found = "a pure number" if value.dimension == PURE else f"in {value.dimension}"
            message = f"{node.function} takes {needed} as '{argument.name}'; '{checker.shown(part)}' is {found}"
            raise checker.error(message, part, f"{function.usage(node.function)}: {function.meaning or given}")
        parts.append((value, part))
    operands = checker.aligned(parts)
    return checker.program.add(
        "plug-in",
        operands,
        given,
        kind=function.kind,
        dimension=PURE if function.kind == "truth" else parse_unit(function.unit).dimension,
        axis=next((operand.axis for operand in operands if operand.axis is not None), None),
    )


def _reduction(checker: Operands, name: str, argument: tree.Syntax) -> Item:
    item = checker.item(argument)
    if name in ("first", "last") and isinstance(item, Collection):
        return checker.element(item, 0 if name == "first" else -1, f"{name}({checker.shown(argument)})")
    if name == "count" and isinstance(item, Collection):
        return checker.program.add("count", (item.rows,), constant=False)
    value = item if isinstance(item, Node) else checker.value(argument)
    if value.axis is None:
        message = f"{name} takes a list; '{checker.shown(argument)}' is one value per event"
        raise checker.error(message, argument, _OF_TWO.get(name))
    if name == "count":
        if value.kind == "truth":
            hint = "sum(...) is how many are true"
            raise checker.error("count gives the number of elements, true or not", argument, hint)
        return checker.program.add("count", (value.axis,), constant=False)
    if name in ("any", "all") and value.kind != "truth":
        hint = f"compare first, e.g. '{name}({checker.shown(argument)} > 0)'"
        raise checker.error(
            f"{name} takes a list of yes or no; '{checker.shown(argument)}' are numbers", argument, hint
        )
    if name in ("min", "max", "mean") and value.kind == "truth":
        raise checker.error(f"{name} takes a list of numbers; '{checker.shown(argument)}' are yes or no", argument)
    if name in ("first", "last"):
        return checker.reduce("element", value, 0 if name == "first" else -1)
    return checker.reduce(name, value)


def _sort(checker: Operands, node: tree.Call) -> Item:
    listed, by = node.arguments
    item = checker.item(listed)
    if isinstance(item, Collection):
        rows, inner = item.rows, checker.inside(item)
    else:
        value = item if isinstance(item, Node) else checker.value(listed)
        if value.axis is None:
            raise checker.error(f"sort takes a list; '{checker.shown(listed)}' is one value per event", listed)
        rows, inner = value.axis, checker
    key = inner.number(by)
    if key.axis is not rows:
        hint = "sort(muon, -p) sorts by a field, sort(hits.v, -hits.u) by another list of the same collection"
        raise checker.error(f"'{checker.shown(by)}' does not give one number per element of {rows.label}", by, hint)
    ordered = sort_rows(checker.program, rows, key)
    if isinstance(item, Collection):
        return select(checker.program, item, ordered, item.name)
    return take(checker.program, value, ordered)


def _matches(checker: Operands, node: tree.Call) -> Node:
    column, bit = node.arguments
    word, name = checker.value(column), checker.item(bit)
    if not word.bits:
        raise checker.error(f"'{checker.shown(column)}' has no named bits", column)
    if not isinstance(name, Literal):
        raise checker.error("the name of a bit stands in quotes", bit, f"write '{next(iter(word.bits))}' in quotes")
    if name.text not in word.bits:
        hint = did_you_mean(name.text[:200], word.bits, otherwise="its bits are")
        raise checker.error(f"'{checker.shown(column)}' has no bit '{name.text[:200]}'", bit, hint)
    return checker.program.add("matches", (word,), word.bits[name.text], kind="truth", axis=word.axis)


def _where(checker: Operands, node: tree.Call) -> Node:
    condition = checker.truth(node.arguments[0])
    parts = [(checker.value(part), part) for part in node.arguments[1:]]
    kinds = {value.kind for value, _ in parts}
    if len(kinds) > 1:
        raise checker.error(
            "where(condition, a, b) needs a and b of the same kind, both numbers or both yes or no", node
        )
    operands = checker.aligned([(condition, node.arguments[0]), *parts])
    if kinds == {"truth"}:
        return checker.same_axis("where", operands, kind="truth")
    return checker.same_axis("where", operands, dimension=checker.common("choose between", parts))


def _elementwise(checker: Operands, node: tree.Call) -> Node:
    name = node.function
    parts = [(checker.number(part), part) for part in node.arguments]
    dimension: Dimension | None = PURE
    if name in _PURE_ONLY:
        value = parts[0][0]
        if value.dimension not in (None, PURE):
            message = f"{name} takes a pure number; '{checker.shown(parts[0][1])}' is in {value.dimension}"
            raise checker.error(message, parts[0][1], f"divide it by a quantity, e.g. '/ 1 {value.dimension}'")
    elif name == "sqrt":
        dimension = (parts[0][0].dimension or PURE) ** Fraction(1, 2)
    elif name == "isfinite":
        return checker.program.add("isfinite", (parts[0][0],), kind="truth", axis=parts[0][0].axis)
    else:
        dimension = checker.common(f"use in {name}", parts)
        dimension = PURE if name == "atan2" else dimension
        if name == "clip":
            _rising(checker, node, parts[1][0], parts[2][0])
    return checker.same_axis(name, checker.aligned(parts), dimension=dimension)


def _rising(checker: Operands, node: tree.Call, low: Node, high: Node) -> None:
    """Refuse a range whose lower end is above the upper one: what is clipped to it would always be undefined."""
    if low.constant and high.constant and not (depends(low) or depends(high)) and constant(low) > constant(high):
        raise checker.error(f"'{checker.shown(node)}' is never known: low is above high", node, "low comes first")
