"""What each operation of a program does to a block of values; the keys of `OPERATIONS` are the `op` of the nodes.

Arithmetic follows IEEE with undefined for every non-finite result; nothing here warns, `evaluate` silences NumPy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from emiss.configs.errors import UserError
from emiss.configs.units import parse_unit
from emiss.events.language import plug_in
from emiss.events.language.running import momenta
from emiss.events.language.running.values import Numbers, PairRows, Rows, Truths, either, finite, paired, pairs_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from emiss.configs.arrays import Array, Floats
    from emiss.events.language.running.program import Node
    from emiss.events.plug_ins import PlugIn
    from emiss.events.table import EventTable

    Value = Numbers | Truths | Rows
    Operation = Callable[[EventTable, Node, tuple[Any, ...]], Value]


MOST_PAIRS = 20_000_000
"""Pairs in a block of events from which on a machine would run out of memory: each field of them is as many numbers."""


def _constant(_block: EventTable, node: Node, _args: tuple[()]) -> Numbers:
    return Numbers(np.asarray(float.fromhex(cast("str", node.data))))


def _truth(_block: EventTable, node: Node, _args: tuple[()]) -> Truths:
    return Truths(np.asarray(bool(node.data)))


def _column(block: EventTable, node: Node, args: tuple[Rows, ...]) -> Value:
    """Load a flat, fixed or list column in base units; `data` is (collection or "", name, factor)."""
    collection, name, factor = cast("tuple[str, str, float]", node.data)
    if collection:
        values = block.lists[collection][name]
    else:
        values = block.flat[name]
        if args:
            values = np.ascontiguousarray(values).reshape(-1)
    if args and len(values) != args[0].size:
        raise UserError(f"the arrays of '{name}' have another length than those of the same collection")
    if node.kind == "truth":
        return Truths(values.astype(bool, copy=False))
    if values.dtype.kind in "iu" and factor == 1.0:
        return Numbers(values)
    return finite(values.astype(np.float64, copy=False) * factor if factor != 1.0 else values.astype(float, copy=False))


def _list_rows(block: EventTable, node: Node, _args: tuple[()]) -> Rows:
    return Rows(block.lists[cast("str", node.data)].offsets)


def _fixed_rows(block: EventTable, node: Node, _args: tuple[()]) -> Rows:
    """Rows of fixed arrays; `data` is the name of the collection and those of its columns, of which one is there."""
    _, *names = cast("tuple[str, ...]", node.data)
    width = next(block.flat[name].shape[1] for name in names if name in block.flat)
    return Rows(np.arange(block.size + 1, dtype=np.int64) * width, int(width))


def _zip_rows(_block: EventTable, node: Node, args: tuple[Rows, ...]) -> Rows:
    first = args[0]
    for other in args[1:]:
        if not np.array_equal(first.offsets, other.offsets):
            raise UserError(f"the columns of the object '{node.label}' do not have the same length in every event")
    return Rows(first.offsets, first.width)


def _filter_rows(_block: EventTable, _node: Node, args: tuple[Rows, Truths]) -> Rows:
    rows, condition = args
    keep = np.broadcast_to(condition.true, (rows.size,))
    kept = np.zeros(rows.size + 1, np.int64)
    np.cumsum(keep, out=kept[1:])
    return Rows(kept[rows.offsets], None, keep)


def _sort_rows(_block: EventTable, _node: Node, args: tuple[Rows, Numbers]) -> Rows:
    """Order the rows of each event by a key, undefined keys last, ties as they were."""
    rows, key = args
    keys = np.broadcast_to(key.floats, (rows.size,))
    return Rows(rows.offsets, rows.width, np.lexsort((keys, rows.parents)))


def _pair_rows(_block: EventTable, node: Node, args: tuple[Rows, ...]) -> PairRows:
    a, b = args[0], args[1] if len(args) > 1 else None
    if (made := pairs_of(a, b)) > MOST_PAIRS:
        raise UserError(
            f"'{node.label}' makes {made} pairs in {len(a.counts)} events, more than {MOST_PAIRS}",
            hint="pair the elements of an object, of which a condition takes only some",
        )
    return paired(a, b)


def _pair_side(_block: EventTable, node: Node, args: tuple[Value, PairRows]) -> Value:
    """Take the values of the first or the second elements, which `data` tells."""
    value, pairs = args
    return _pick(value, lambda data: data[pairs.second if node.data else pairs.first])


def _pick(value: Value, function: Callable[[Array], Array]) -> Value:
    """Apply a selection of elements to numbers or truths."""
    if isinstance(value, Truths):
        return Truths(function(value.true), None if value.undefined is None else function(value.undefined))
    assert isinstance(value, Numbers)  # noqa: S101 - rows are never selected from
    return Numbers(function(value.data))


def _take(_block: EventTable, _node: Node, args: tuple[Value, Rows]) -> Value:
    value, rows = args
    return _pick(value, lambda data: data[rows.select])


def _view(_block: EventTable, _node: Node, args: tuple[Value, Rows]) -> Value:
    return args[0]


def _spread(_block: EventTable, _node: Node, args: tuple[Value, Rows]) -> Value:
    value, rows = args
    return _pick(value, rows.spread)


def _numeric(function: Callable[..., Any]) -> Operation:
    return lambda _block, _node, args: finite(function(*(arg.floats for arg in args)))


def _power(base: Floats, exponent: Floats) -> Floats:
    if exponent.ndim == 0 and exponent == 2.0:
        return cast("Floats", np.square(base))
    # IEEE's nan**0 and 1**nan are 1; undefined stays undefined here
    return cast("Floats", np.where(np.isnan(base) | np.isnan(exponent), np.nan, np.power(base, exponent)))


def _clip(x: Floats, low: Floats, high: Floats) -> Floats:
    return cast("Floats", np.where(low <= high, np.minimum(np.maximum(x, low), high), np.nan))


def _where(_block: EventTable, _node: Node, args: tuple[Truths, Any, Any]) -> Value:
    """Choose by a condition; only the value that is chosen has to be known."""
    condition, a, b = args
    unknown = condition.undefined
    if isinstance(a, Truths):
        for chosen, value in ((condition.true, a), (condition.false, b)):
            if value.undefined is not None:
                unknown = either(unknown, chosen & value.undefined)
        return Truths((condition.true & a.true) | (condition.false & b.true), unknown)
    result = np.where(condition.true, a.floats, b.floats)
    return Numbers(result if unknown is None else np.where(unknown, np.nan, result))


def _compare(function: Callable[[Floats, Floats], Any]) -> Operation:
    def run(_block: EventTable, _node: Node, args: tuple[Numbers, Numbers]) -> Truths:
        a, b = args
        undefined = either(a.undefined, b.undefined)
        true = np.asarray(function(a.floats, b.floats))
        # a comparison with NaN is false, but for !=
        return Truths(true if undefined is None or function is not np.not_equal else true & ~undefined, undefined)

    return run


def _same(_block: EventTable, _node: Node, args: tuple[Truths, Truths]) -> Truths:
    a, b = args
    undefined = either(a.undefined, b.undefined)
    true = a.true == b.true
    return Truths(true if undefined is None else true & ~undefined, undefined)


def _and(_block: EventTable, _node: Node, args: tuple[Truths, ...]) -> Truths:
    result = args[0]
    for other in args[1:]:
        result &= other
    return result


def _or(_block: EventTable, _node: Node, args: tuple[Truths, ...]) -> Truths:
    result = args[0]
    for other in args[1:]:
        result |= other
    return result


def _isfinite(_block: EventTable, _node: Node, args: tuple[Numbers]) -> Truths:
    (value,) = args
    return Truths(np.ones(value.data.shape, bool) if value.undefined is None else ~value.undefined)


def _matches(_block: EventTable, node: Node, args: tuple[Numbers]) -> Truths:
    """Test bit number `data` of a word."""
    (word,) = args
    bit = cast("int", node.data)
    data = word.data
    if data.dtype.kind == "f":
        data = np.where(np.isnan(data), 0.0, data).astype(np.int64)
    return Truths((data >> data.dtype.type(bit)) & data.dtype.type(1) != 0, word.undefined)


def _count(_block: EventTable, _node: Node, args: tuple[Rows]) -> Numbers:
    return Numbers(args[0].counts)


def _sum(_block: EventTable, _node: Node, args: tuple[Value, Rows]) -> Numbers:
    value, rows = args
    if isinstance(value, Truths):
        data = value.true.astype(np.float64)
        if value.undefined is not None:
            data[value.undefined] = np.nan
    else:
        data = cast("Numbers", value).floats
    return finite(rows.sum(data))


def _extreme(function: np.ufunc) -> Operation:
    return lambda _block, _node, args: Numbers(args[1].reduce(function, args[0].floats, np.nan))


def _mean(_block: EventTable, _node: Node, args: tuple[Numbers, Rows]) -> Numbers:
    value, rows = args
    return finite(np.asarray(rows.sum(value.floats) / rows.counts))


def _element(_block: EventTable, node: Node, args: tuple[Value, Rows]) -> Value:
    """Element number `data` of each event, undefined where there is none."""
    value, rows = args
    at, there = rows.element(cast("int", node.data))
    if there.all():
        return _pick(value, lambda data: data[at])
    if isinstance(value, Truths):
        true, undefined = np.zeros(len(there), bool), ~there
        true[there] = value.true[at[there]]
        if value.undefined is not None:
            undefined[there] = value.undefined[at[there]]
        return Truths(true, undefined)
    result = np.full(len(there), np.nan)
    result[there] = cast("Numbers", value).data[at[there]]
    return Numbers(result)


def _any(_block: EventTable, _node: Node, args: tuple[Truths, Rows]) -> Truths:
    value, rows = args
    true = rows.reduce(np.logical_or, value.true, empty=False)
    if value.undefined is None:
        return Truths(true)
    return Truths(true, rows.reduce(np.logical_or, value.undefined, empty=False) & ~true)


def _all(block: EventTable, node: Node, args: tuple[Truths, Rows]) -> Truths:
    value, rows = args
    return ~_any(block, node, (~value, rows))


def _plug_in(_block: EventTable, node: Node, args: tuple[Numbers | Truths, ...]) -> Value:
    """Call the function of a plug-in in the units that it declares; undefined truths make its result undefined."""
    given = cast("PlugIn", node.data)
    function = plug_in.load(given)
    arrays: list[Array] = []
    unknown = None
    for argument, value in zip(function.arguments, args, strict=True):
        if isinstance(value, Truths):
            unknown = either(unknown, value.undefined)
            arrays.append(value.true)
        else:
            arrays.append(value.floats / parse_unit(argument.unit).factor)
            if function.kind == "truth":
                unknown = either(unknown, value.undefined)
    made = plug_in.call(given, arrays)
    if function.kind == "truth":
        return Truths(made if unknown is None else made & ~unknown, unknown)
    numbers = made.astype(np.float64) * parse_unit(function.unit).factor
    return finite(numbers if unknown is None else np.where(unknown, np.nan, numbers))


OPERATIONS: Mapping[str, Operation] = {
    "constant": cast("Operation", _constant),
    "truth": cast("Operation", _truth),
    "column": _column,
    "list rows": cast("Operation", _list_rows),
    "fixed rows": cast("Operation", _fixed_rows),
    "zip rows": _zip_rows,
    "filter rows": cast("Operation", _filter_rows),
    "sort rows": cast("Operation", _sort_rows),
    "pair rows": _pair_rows,
    "pair side": cast("Operation", _pair_side),
    "take": cast("Operation", _take),
    "view": cast("Operation", _view),
    "spread": cast("Operation", _spread),
    "neg": _numeric(np.negative),
    "+": _numeric(np.add),
    "-": _numeric(np.subtract),
    "*": _numeric(np.multiply),
    "/": _numeric(np.divide),
    "**": _numeric(_power),
    "abs": _numeric(np.abs),
    "sqrt": _numeric(np.sqrt),
    "exp": _numeric(np.exp),
    "log": _numeric(np.log),
    "log10": _numeric(np.log10),
    "sin": _numeric(np.sin),
    "cos": _numeric(np.cos),
    "tan": _numeric(np.tan),
    "exp10": _numeric(momenta.exp10),
    "sinh": _numeric(np.sinh),
    "cosh": _numeric(np.cosh),
    "tanh": _numeric(np.tanh),
    "px": _numeric(momenta.px),
    "py": _numeric(momenta.py),
    "pz": _numeric(momenta.pz),
    "energy": _numeric(momenta.energy),
    "mass": _numeric(momenta.mass),
    "pseudorapidity": _numeric(momenta.pseudorapidity),
    "delta_phi": _numeric(momenta.delta_phi),
    "atan2": _numeric(np.arctan2),
    "hypot": _numeric(np.hypot),
    "clip": _numeric(_clip),
    "where": cast("Operation", _where),
    "<": _compare(np.less),
    "<=": _compare(np.less_equal),
    "==": _compare(np.equal),
    "!=": _compare(np.not_equal),
    "same": cast("Operation", _same),
    "not": lambda _block, _node, args: ~args[0],
    "and": _and,
    "or": _or,
    "isfinite": cast("Operation", _isfinite),
    "matches": cast("Operation", _matches),
    "plug-in": cast("Operation", _plug_in),
    "count": cast("Operation", _count),
    "sum": cast("Operation", _sum),
    "min": _extreme(np.minimum),
    "max": _extreme(np.maximum),
    "mean": cast("Operation", _mean),
    "element": cast("Operation", _element),
    "any": cast("Operation", _any),
    "all": cast("Operation", _all),
}
