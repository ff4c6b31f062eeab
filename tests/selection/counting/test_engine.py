"""The engine against a plain loop over events, on random tables, random analyses and random splits."""

from __future__ import annotations

import json
import math
import pickle
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from emiss.configs.errors import UserError
from emiss.configs.loader import loads
from emiss.events.columns import Column
from emiss.events.language.running import evaluate
from emiss.events.language.syntax import tree
from emiss.events.language.syntax.parser import parse
from emiss.events.lists import Lists, offsets_of
from emiss.events.table import EventTable, Metadata
from emiss.selection import bind
from emiss.selection.analysis.read import from_document
from emiss.selection.counting import tally
from emiss.selection.results.result import columns_of, run

if TYPE_CHECKING:
    from emiss.selection.analysis.model import Analysis
    from emiss.selection.counting.counts import CutCounts, Regions
    from emiss.selection.counting.engine import Bound

Event = dict[str, Any]
BITS = {"one": 0, "two": 1}
DECLARED = {
    "a": Column("a"),
    "b": Column("b"),
    "n": Column("n", "i4"),
    "word": Column("word", "u4", "bits", bits=BITS),
    "weight": Column("weight"),
    "arr.e": Column("arr.e", shape="fixed", size=3),
    "hits.u": Column("hits.u", shape="list"),
    "hits.v": Column("hits.v", shape="list"),
}


def analysis_of(data: dict[str, Any], values: dict[str, str] | None = None) -> Analysis:
    return from_document(loads(json.dumps(data), "test.yaml"), values)


def table_of(events: list[Event], **metadata: Any) -> EventTable:
    counts = np.array([len(event["hits.u"]) for event in events], np.int64)
    hits = {name: np.array([x for event in events for x in event[f"hits.{name}"]], np.float64) for name in ("u", "v")}
    flat = {
        "a": np.array([event["a"] for event in events], np.float64),
        "b": np.array([event["b"] for event in events], np.float64),
        "n": np.array([event["n"] for event in events], np.int32),
        "word": np.array([event["word"] for event in events], np.uint32),
        "weight": np.array([event["weight"] for event in events], np.float64),
        "arr.e": np.array([event["arr.e"] for event in events], np.float64).reshape(-1, 3),
    }
    meta = Metadata(columns=DECLARED, **metadata)
    return EventTable(len(events), flat, {"hits": Lists(offsets_of(counts), hits)}, meta)


# --- the oracle: one event at a time, None for undefined -------------------------------------------------------------

Value = Any


def known(x: float) -> float | None:
    return x if math.isfinite(x) else None


def arithmetic(operator: str, x: float, y: float) -> float | None:
    try:
        result = {
            "+": lambda: x + y,
            "-": lambda: x - y,
            "*": lambda: x * y,
            "/": lambda: x / y,
            "**": lambda: x**y,
        }[operator]()
    except (ZeroDivisionError, OverflowError):
        return None
    return None if isinstance(result, complex) else known(result)


def each(function: Any, *values: Value) -> Value:
    """Apply a function to values or to each element of lists."""
    lengths = {len(value) for value in values if isinstance(value, list)}
    if not lengths:
        return function(*values)
    (length,) = lengths
    return [function(*(v[i] if isinstance(v, list) else v for v in values)) for i in range(length)]


def defined(function: Any) -> Any:
    return lambda *values: None if None in values else function(*values)


def conjunction(values: list[bool | None]) -> bool | None:
    if False in values:
        return False
    return None if None in values else True


def disjunction(values: list[bool | None]) -> bool | None:
    if True in values:
        return True
    return None if None in values else False


COMPARE = {
    "<": lambda x, y: x < y,
    "<=": lambda x, y: x <= y,
    ">": lambda x, y: x > y,
    ">=": lambda x, y: x >= y,
    "==": lambda x, y: x == y,
    "!=": lambda x, y: x != y,
}
REDUCE = {
    "any": disjunction,
    "all": conjunction,
    "count": len,
    "sum": lambda v: None if None in v else known(sum(map(float, v))),
    "mean": lambda v: None if None in v or not v else known(sum(v) / len(v)),
    "min": lambda v: None if None in v or not v else min(v),
    "max": lambda v: None if None in v or not v else max(v),
    "first": lambda v: v[0] if v else None,
    "last": lambda v: v[-1] if v else None,
}


def oracle(node: tree.Syntax, event: Event) -> Value:
    match node:
        case tree.Number():
            return node.value
        case tree.Truth():
            return node.value
        case tree.Name():
            value = event[node.name]
            return [known(x) for x in value] if isinstance(value, list) else known(value)
        case tree.Unary(operator="not"):
            return each(defined(lambda x: not x), oracle(node.operand, event))
        case tree.Unary(operator="+"):
            return oracle(node.operand, event)
        case tree.Unary():
            return each(defined(lambda x: -x), oracle(node.operand, event))
        case tree.Binary():
            function = defined(lambda x, y: arithmetic(node.operator, x, y))
            return each(function, oracle(node.left, event), oracle(node.right, event))
        case tree.Compare():
            values = [oracle(part, event) for part in node.operands]
            links = [each(defined(COMPARE[sign]), values[i], values[i + 1]) for i, sign in enumerate(node.operators)]
            return each(lambda *parts: conjunction(list(parts)), *links)
        case tree.Logic():
            join = conjunction if node.operator == "and" else disjunction
            return each(lambda *parts: join(list(parts)), *(oracle(part, event) for part in node.operands))
        case tree.Index():
            values, index = oracle(node.of, event), int(oracle(node.index, event))
            return values[index] if -len(values) <= index < len(values) else None
        case tree.Call(function="sort"):
            values, by = (oracle(part, event) for part in node.arguments)
            return [v for _, v in sorted(zip(by, values, strict=True), key=lambda p: (p[0] is None, p[0] or 0.0))]
        case tree.Call(function="matches"):
            return bool(event["word"] >> BITS[node.arguments[1].value] & 1)
        case tree.Call(function="isfinite"):
            return each(lambda x: x is not None, oracle(node.arguments[0], event))
        case tree.Call(function="where"):
            parts = [oracle(part, event) for part in node.arguments]
            return each(lambda c, x, y: None if c is None else x if c else y, *parts)
        case tree.Call(function="sqrt"):
            return each(defined(lambda x: math.sqrt(x) if x >= 0 else None), oracle(node.arguments[0], event))
        case tree.Call(function="abs"):
            return each(defined(abs), oracle(node.arguments[0], event))
        case tree.Call(function="clip"):
            x, low, high = (oracle(part, event) for part in node.arguments)
            return each(defined(lambda x, a, b: min(max(x, a), b) if a <= b else None), x, low, high)
        case tree.Call():
            return REDUCE[node.function](oracle(node.arguments[0], event))
    raise AssertionError(node)


# --- random expressions ----------------------------------------------------------------------------------------------

CONSTANTS = ["0", "1", "2", "-1", "0.5", "3"]
LISTS = {
    "hits": ["hits.u", "hits.v"],
    "arr": ["arr.e"],
    "good": ["good.u", "good.v"],
}


@st.composite
def lists(draw: st.DrawFn, axis: str, depth: int) -> str:
    kind = draw(st.integers(0, 5)) if depth > 0 else 0
    if kind <= 1:
        return draw(st.sampled_from(LISTS[axis]))
    if kind == 2:
        operator = draw(st.sampled_from("+-*/"))
        return f"({draw(lists(axis, depth - 1))} {operator} {draw(lists(axis, depth - 1))})"
    if kind == 3:
        return f"({draw(lists(axis, depth - 1))} {draw(st.sampled_from('+-*/'))} {draw(numbers(depth - 1))})"
    if kind == 4:
        return f"sqrt({draw(lists(axis, depth - 1))})"
    parts = [draw(list_truths(axis, depth - 1)), draw(lists(axis, depth - 1)), draw(numbers(depth - 1))]
    return f"where({', '.join(parts)})"


@st.composite
def list_truths(draw: st.DrawFn, axis: str, depth: int) -> str:
    kind = draw(st.integers(0, 3)) if depth > 0 else 0
    comparison = draw(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]))
    if kind == 0:
        return f"({draw(lists(axis, depth - 1))} {comparison} {draw(numbers(0))})"
    if kind == 1:
        return f"(not {draw(list_truths(axis, depth - 1))})"
    if kind == 2:
        joint = draw(st.sampled_from(["and", "or"]))
        return f"({draw(list_truths(axis, depth - 1))} {joint} {draw(truths(depth - 1))})"
    return f"isfinite({draw(lists(axis, depth - 1))})"


@st.composite
def numbers(draw: st.DrawFn, depth: int) -> str:
    kind = draw(st.integers(0, 9)) if depth > 0 else draw(st.integers(0, 1))
    axis = draw(st.sampled_from(sorted(LISTS)))
    match kind:
        case 0:
            return draw(st.sampled_from(CONSTANTS))
        case 1:
            return draw(st.sampled_from(["a", "b", "n"]))
        case 2 | 3:
            operator = draw(st.sampled_from(["+", "-", "*", "/", "**"]))
            right = draw(st.sampled_from(CONSTANTS)) if operator == "**" else draw(numbers(depth - 1))
            return f"({draw(numbers(depth - 1))} {operator} ({right}))"
        case 4 | 5:
            reduction = draw(st.sampled_from(["count", "sum", "mean", "min", "max", "first", "last"]))
            return f"{reduction}({draw(lists(axis, depth - 1))})"
        case 6:
            # a fixed array has three elements, and nothing behind them
            return f"{draw(lists(axis, 0))}[{draw(st.integers(-3, 2 if axis == 'arr' else 3))}]"
        case 7:
            listed, by = draw(lists(axis, depth - 1)), draw(lists(axis, depth - 1))
            end = draw(st.sampled_from(["first", "last"]))
            return f"{end}(sort({listed}, {draw(st.sampled_from(['', '-']))}{by}))"
        case 8:
            return f"where({draw(truths(depth - 1))}, {draw(numbers(depth - 1))}, {draw(numbers(depth - 1))})"
    inner = ", ".join(draw(numbers(depth - 1)) for _ in range(3))
    return draw(st.sampled_from([f"clip({inner})", f"abs({draw(numbers(depth - 1))})"]))


@st.composite
def truths(draw: st.DrawFn, depth: int) -> str:
    kind = draw(st.integers(0, 6)) if depth > 0 else draw(st.integers(0, 1))
    axis = draw(st.sampled_from(sorted(LISTS)))
    match kind:
        case 0 | 1:
            signs = draw(st.lists(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), min_size=1, max_size=2))
            parts = [draw(numbers(depth - 1)) for _ in range(len(signs) + 1)]
            return "(" + parts[0] + "".join(f" {s} {p}" for s, p in zip(signs, parts[1:], strict=True)) + ")"
        case 2:
            return f"(not {draw(truths(depth - 1))})"
        case 3:
            joint = draw(st.sampled_from([" and ", " or "]))
            return "(" + joint.join(draw(truths(depth - 1)) for _ in range(draw(st.integers(2, 3)))) + ")"
        case 4 | 5:
            quantifier = draw(st.sampled_from(["any", "all", "first", "last"]))
            return f"{quantifier}({draw(list_truths(axis, depth - 1))})"
    return draw(st.sampled_from(["matches(word, 'one')", f"isfinite({draw(numbers(depth - 1))})"]))


VALUES = st.sampled_from([0.0, 1.0, -1.0, 2.0, 0.5, -0.25, 3.0, 7.0, math.nan, math.inf, -math.inf])


@st.composite
def events(draw: st.DrawFn, size: int) -> list[Event]:
    rows = []
    for _ in range(size):
        length = draw(st.integers(0, 4))
        rows.append(
            {
                "a": draw(VALUES),
                "b": draw(VALUES),
                "n": draw(st.integers(-2, 3)),
                "word": draw(st.integers(0, 7)),
                "weight": draw(st.sampled_from([1.0, 0.5, -0.25, 3.0, 0.1])),
                "arr.e": [draw(VALUES) for _ in range(3)],
                "hits.u": [draw(VALUES) for _ in range(length)],
                "hits.v": [draw(VALUES) for _ in range(length)],
            }
        )
    return rows


def with_objects(event: Event) -> Event:
    """Add the object `good`, the hits with u > -1 (undefined drops)."""
    keep = [math.isfinite(u) and u > -1 for u in event["hits.u"]]
    chosen = {f"good.{name}": [x for x, k in zip(event[f"hits.{name}"], keep, strict=True) if k] for name in ("u", "v")}
    return {**event, **chosen}


@cache
def parsed(text: str) -> tree.Syntax:
    return parse(text)


def expected(cuts: list[str], rows: list[Event], weight: str | None) -> list[dict[str, Any]]:
    """Count by hand."""
    table = []
    for row in map(with_objects, rows):
        value = oracle(parsed(weight), row) if weight else 1.0
        table.append(([oracle(parsed(cut), row) for cut in cuts], value))

    def tally(chosen: list[float]) -> tuple[int, float, float]:
        return len(chosen), math.fsum(chosen), math.fsum(w * w for w in chosen)

    result = [{"sequential": tally([w for _, w in table])}]
    for i in range(len(cuts)):
        before = [(v, w) for v, w in table if all(x is True for x in v[:i])]
        others = [(v, w) for v, w in table if all(x is True for j, x in enumerate(v) if j != i)]
        result.append(
            {
                "sequential": tally([w for v, w in before if v[i] is True]),
                "undefined": sum(v[i] is None for v, _ in before),
                "individual": tally([w for v, w in table if v[i] is True]),
                "individual_undefined": sum(v[i] is None for v, _ in table),
                "n_minus_1": tally([w for _, w in others]),
                "only_failed": tally([w for v, w in others if v[i] is not True]),
            }
        )
    return result


def assert_counts(rows: tuple[CutCounts, ...], wanted: list[dict[str, Any]]) -> None:
    assert len(rows) == len(wanted)
    for row, want in zip(rows, wanted, strict=True):
        for name, value in want.items():
            given_ = getattr(row, name)
            if isinstance(value, tuple):
                assert given_.n == value[0], (row.name, name)
                assert given_.sum_w == pytest.approx(value[1], rel=1e-12, abs=1e-12), (row.name, name)
                assert given_.sum_w2 == pytest.approx(value[2], rel=1e-12, abs=1e-12), (row.name, name)
            else:
                assert given_ == value, (row.name, name)


def added(parts: list[Regions]) -> Regions:
    from emiss.selection.counting.counts import add_regions

    total = parts[0]
    for part in parts[1:]:
        total = add_regions(total, part)
    return total


def possible(analysis: Analysis, table: EventTable) -> Bound:
    """Return a random analysis bound; one with a window that is always empty is refused, and no example."""
    try:
        return bind(analysis, columns_of(table))
    except UserError as error:
        assert "is never" in str(error)  # noqa: PT017 - what else is refused is a mistake here
        return reject()


@settings(deadline=None, max_examples=120)
@given(st.data())
def test_random_analysis_agrees_with_a_loop_over_events(data: st.DataObject) -> None:
    rows = data.draw(st.integers(0, 12).flatmap(events))
    cuts = data.draw(st.lists(truths(3), min_size=1, max_size=4))
    splits = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=3)))
    analysis = analysis_of(
        {
            "objects": {"good": {"from": "hits", "where": "u > -1"}},
            "cuts": [{"name": f"c{i}", "require": cut} for i, cut in enumerate(cuts)],
            "weights": {"nominal": "weight", "variations": {"double": "weight * 2", "one": "1"}},
        }
    )
    table = table_of(rows)
    bound = possible(analysis, table)
    edges = [0, *splits, len(rows)]
    regions = added([bound.count(table.slice(a, b)) for a, b in pairwise(edges)])
    for variation, weight in (("nominal", "weight"), ("double", "weight * 2"), ("one", None)):
        assert_counts(regions["nominal"][variation], expected(cuts, rows, weight))
    passing = [all(oracle(parsed(cut), with_objects(row)) is True for cut in cuts) for row in rows]
    assert bound.passing(table).tolist() == passing


def assert_same(one: Regions, other: Regions) -> None:
    """Compare counts exactly and sums to rounding."""
    for mine, theirs in zip(one["nominal"]["nominal"], other["nominal"]["nominal"], strict=True):
        assert (mine.undefined, mine.individual_undefined) == (theirs.undefined, theirs.individual_undefined)
        for kind in tally.KINDS:
            a, b = getattr(mine, kind), getattr(theirs, kind)
            assert a.n == b.n
            assert a.sum_w == pytest.approx(b.sum_w, rel=1e-12)
            assert a.sum_w2 == pytest.approx(b.sum_w2, rel=1e-12)


def random_table(size: int, seed: int = 1) -> EventTable:
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 4, size)
    total = int(counts.sum())
    flat = {
        "a": rng.normal(size=size),
        "b": np.where(rng.random(size) < 0.1, np.nan, rng.normal(size=size)),
        "n": rng.integers(0, 5, size, dtype=np.int32),
        "word": rng.integers(0, 4, size, dtype=np.uint32),
        "weight": rng.random(size) * 2 - 0.2,
        "arr.e": rng.normal(size=(size, 3)),
    }
    hits = Lists(offsets_of(counts), {"u": rng.normal(size=total), "v": rng.normal(size=total)})
    return EventTable(size, flat, {"hits": hits}, Metadata(columns=DECLARED))


CUTS = ["a > -1", "b < 1", "sum(hits.u) > -1", "any(arr.e > 0)", "count(hits) >= 1", "first(sort(hits, -v).u) > -0.5"]


def cuts_of(texts: list[str]) -> list[dict[str, str]]:
    return [{"name": f"c{i}", "require": text} for i, text in enumerate(texts)]


@pytest.mark.parametrize("block", [64, 4096, evaluate.BLOCK])
def test_counts_do_not_depend_on_blocks_or_batches(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    table = random_table(10_000)
    analysis = analysis_of({"cuts": cuts_of(CUTS), "weights": {"nominal": "weight"}})
    bound = bind(analysis, columns_of(table))
    whole = bound.count(table)
    monkeypatch.setattr(evaluate, "BLOCK", block)
    edges = [0, 1, 777, 778, 5000, 10_000]
    parts = [bound.count(table.slice(a, b)) for a, b in pairwise(edges)]
    assert_same(added(parts), whole)


def test_same_partition_gives_the_same_digits() -> None:
    table = random_table(3000)
    analysis = analysis_of({"cuts": cuts_of(CUTS), "weights": {"nominal": "weight"}})
    bound = bind(analysis, columns_of(table))
    assert bound.count(table) == bound.count(table)


def test_no_event_is_counted_as_nothing() -> None:
    table = random_table(0)
    bound = bind(analysis_of({"cuts": cuts_of(CUTS), "weights": {"nominal": "weight"}}), columns_of(table))
    rows = bound.count(table)["nominal"]["nominal"]
    assert [row.name for row in rows] == ["all", *(f"c{i}" for i in range(len(CUTS)))]
    assert all(row.sequential.n == 0 for row in rows)
    assert bound.passing(table).shape == (0,)


def test_two_hundred_cuts() -> None:
    table = random_table(2000)
    thresholds = [-6 + 0.02 * i for i in range(200)]
    analysis = analysis_of({"cuts": cuts_of([f"a > {t!r}" for t in thresholds])})
    rows = bind(analysis, columns_of(table)).count(table)["nominal"]["nominal"][1:]
    a = table.flat["a"]
    assert [row.sequential.n for row in rows] == [int((a > t).sum()) for t in thresholds]
    assert [row.n_minus_1.n for row in rows[:-1]] == [int((a > thresholds[-1]).sum())] * 199
    assert rows[-1].n_minus_1.n == int((a > thresholds[-2]).sum())
    assert rows[-1].only_failed.n == int(((a > thresholds[-2]) & (a <= thresholds[-1])).sum())


def test_without_weights_the_column_weight_counts_and_without_that_the_events() -> None:
    table = random_table(500)
    analysis, declared = (
        analysis_of({"cuts": cuts_of(CUTS)}),
        analysis_of({"cuts": cuts_of(CUTS), "weights": {"nominal": "weight"}}),
    )
    rows = bind(analysis, columns_of(table)).count(table)
    assert rows == bind(declared, columns_of(table)).count(table)
    assert rows["nominal"]["nominal"][0].sequential.sum_w == pytest.approx(math.fsum(table.flat["weight"]))
    bare = replace(table, flat={name: values for name, values in table.flat.items() if name != "weight"})
    rows = bind(analysis, columns_of(bare)).count(bare)
    assert all(row.sequential.sum_w == row.sequential.sum_w2 == row.sequential.n for row in rows["nominal"]["nominal"])


def test_sums_are_the_same_to_the_last_bit_for_any_batches(monkeypatch) -> None:
    monkeypatch.setattr("emiss.selection.counting.counter.BLOCK", 64)
    table = random_table(1000)
    bound = bind(analysis_of({"cuts": cuts_of(CUTS)}), columns_of(table))

    def counted(*sizes: int) -> Regions:
        counter, start = bound.counter(sample=None, role=None), 0
        for size in sizes:
            counter.add(table.slice(start, start + size))
            start += size
        return counter.yields().regions

    assert counted(1000) == counted(*[1] * 100, 0, 63, 64, 65, 708) == counted(999, 1) == counted(*[37] * 27, 1)


def test_two_weights_are_summed_apart() -> None:
    table = random_table(1000)
    data = {"cuts": cuts_of(["a > 0"]), "weights": {"nominal": "weight", "variations": {"up": "weight * 1.5"}}}
    region = bind(analysis_of(data), columns_of(table)).count(table)["nominal"]
    w = table.flat["weight"][table.flat["a"] > 0]
    assert region["nominal"][1].sequential.sum_w == pytest.approx(math.fsum(w))
    assert region["nominal"][1].sequential.sum_w2 == pytest.approx(math.fsum(w * w))
    assert region["up"][1].sequential.sum_w == pytest.approx(1.5 * math.fsum(w))
    assert region["up"][1].sequential.sum_w2 == pytest.approx(2.25 * math.fsum(w * w))


def test_an_undefined_weight_is_refused_at_its_place() -> None:
    table = random_table(100)
    data = {"cuts": cuts_of(["a > 0"]), "weights": {"nominal": "weight", "variations": {"bad": "1 / (n - 1)"}}}
    with pytest.raises(UserError, match=r"test.yaml:1:\d+: the weight 'bad' is undefined for \d+ of 100 events"):
        bind(analysis_of(data), columns_of(table)).count(table)


def test_only_used_columns_are_read() -> None:
    table = random_table(10)
    columns = columns_of(table)
    data: dict[str, Any] = {
        "objects": {"good": {"from": "hits", "where": "u > 0"}},
        "define": {"unused": "b + 1"},
        "cuts": cuts_of(["a > 0 and count(good) > 0"]),
    }
    assert bind(analysis_of(data), columns).columns == ("a", "weight", "hits.u")
    columns = {name: column for name, column in columns.items() if name != "weight"}
    bound = bind(analysis_of(data), columns)
    assert bound.columns == ("a", "hits.u")
    pruned = EventTable(
        10, {"a": table.flat["a"]}, {"hits": Lists(table.lists["hits"].offsets, {"u": table.lists["hits"]["u"]})}
    )
    assert bound.count(pruned) == bound.count(table)
    assert bind(analysis_of({"cuts": cuts_of(["count(hits) > 1"])}), columns).columns == ("hits.u",)
    assert bind(analysis_of({"cuts": cuts_of(["count(arr) > 1"])}), columns).columns == ("arr.e",)
    with pytest.raises(UserError, match="the table has no column 'a'"):
        bound.count(EventTable(10, {}, {}))


def test_shared_parts_of_expressions_are_computed_once() -> None:
    table = random_table(10)
    cuts = ["sum(hits.u * 2) + a > 0", "sum(hits.u * 2) + a > 1", "1 < sum(hits.u * 2) + a", "s > 3"]
    bound = bind(analysis_of({"define": {"s": "sum(hits.u * 2) + a"}, "cuts": cuts_of(cuts)}), columns_of(table))
    operations = [node.op for node in bound._work[False, "counts"].plan.nodes]
    assert operations.count("sum") == operations.count("*") == operations.count("+") == 1
    assert bound.regions[0].nodes[1] is bound.regions[0].nodes[2]


def test_stored_units_are_scaled_and_the_analysis_may_declare_them() -> None:
    values = np.array([100.0, 300.0])
    declared = EventTable(2, {"e": values}, {}, Metadata(columns={"e": Column("e", unit="MeV")}))
    foreign = EventTable(2, {"e": values}, {})
    data = {"cuts": cuts_of(["e > 0.2 GeV"])}
    assert bind(analysis_of(data), columns_of(declared)).passing(declared).tolist() == [False, True]
    with pytest.raises(UserError, match=r"columns: \{e: GeV\}"):
        bind(analysis_of(data), columns_of(foreign))
    told = analysis_of({**data, "columns": {"e": "MeV"}})
    assert bind(told, columns_of(foreign)).passing(foreign).tolist() == [False, True]
    other = analysis_of({**data, "columns": {"e": "GeV"}})
    assert bind(other, columns_of(declared)).passing(declared).tolist() == [True, True]


def test_zipped_columns_of_different_lengths_are_refused() -> None:
    lists_ = {
        "p": Lists(np.array([0, 2, 3]), {"": np.array([1.0, 2.0, 3.0])}),
        "q": Lists(np.array([0, 1, 3]), {"": np.array([1.0, 2.0, 3.0])}),
    }
    table = EventTable(2, {}, lists_)
    data = {"objects": {"pair": {"from": ["p", "q"]}}, "cuts": cuts_of(["any(pair.p > pair.q)"])}
    bound = bind(analysis_of(data), columns_of(table))
    with pytest.raises(UserError, match="the object 'pair' do not have the same length"):
        bound.count(table)


BLIND = {
    "cuts": cuts_of(["a > 0", "n < 3"]),
    "weights": {"nominal": "weight"},
    "blind": {"samples": "data", "box": "b > 0 and a > 0"},
}


def test_hidden_events_are_in_no_number() -> None:
    table = random_table(5000).with_metadata(sample="run_1", role="data")
    bound = bind(analysis_of(BLIND), columns_of(table))
    a, b = table.flat["a"], table.flat["b"]
    undefined = np.isnan(b) & (a > 0)  # false and undefined is false: only with a > 0 the box is undefined
    outside = ~(((b > 0) & (a > 0)) | undefined)
    wanted = bound.count(table.take(outside), unblind=True)
    assert_same(bound.count(table), wanted)
    assert wanted["nominal"]["nominal"][0].sequential.n == outside.sum() < 5000
    assert not (bound.passing(table) & ~outside).any()
    assert bound.passing(table, unblind=True).sum() > bound.passing(table).sum()
    assert bound.count(table, unblind=True)["nominal"]["nominal"][0].sequential.n == 5000
    simulated = bound.count(table, sample="signal", role="signal")
    assert simulated == bound.count(table, unblind=True)
    assert bound.count(table, sample="data", role=None) == bound.count(table)


def test_a_bound_analysis_travels_to_another_process() -> None:
    table = random_table(500)
    bound = bind(analysis_of(BLIND), columns_of(table))
    sent = pickle.loads(pickle.dumps(bound))
    assert sent.count(table) == bound.count(table)
    assert sent.analysis.cuts_hash == bound.analysis.cuts_hash


def test_result_says_that_events_are_hidden() -> None:
    table = random_table(1000).with_metadata(sample="run_1", role="data")
    hidden, shown = run(table, analysis_of(BLIND)), run(table, analysis_of(BLIND), unblind=True)
    assert hidden.cutflow.samples["run_1"].hidden
    assert not shown.cutflow.samples["run_1"].hidden
    assert shown.cutflow.provenance["unblind"] is True
    assert hidden.cutflow.provenance["unblind"] is False


def test_regions_are_counted_in_one_pass() -> None:
    table = random_table(800)
    data = {
        "cuts": cuts_of(["a > 0", "n < 3", "b > 0"]),
        "regions": {
            "signal": None,
            "control": {"replace": {"c0": "a < 0"}, "drop": ["c2"]},
            "more": {"cuts": [{"name": "extra", "require": "n > 0", "before": "c1"}]},
        },
    }
    regions = bind(analysis_of(data), columns_of(table)).count(table)
    a, b, n = (table.flat[name] for name in "abn")
    assert {name: [row.name for row in region["nominal"]] for name, region in regions.items()} == {
        "signal": ["all", "c0", "c1", "c2"],
        "control": ["all", "c0", "c1"],
        "more": ["all", "c0", "extra", "c1", "c2"],
    }
    assert regions["signal"]["nominal"][-1].sequential.n == ((a > 0) & (n < 3) & (b > 0)).sum()
    assert regions["control"]["nominal"][-1].sequential.n == ((a < 0) & (n < 3)).sum()
    assert regions["more"]["nominal"][-1].sequential.n == ((a > 0) & (n > 0) & (n < 3) & (b > 0)).sum()
    with pytest.raises(UserError, match="no region 'sgnal'; did you mean 'signal'"):
        bind(analysis_of(data), columns_of(table)).passing(table, "sgnal")


def test_result_as_a_data_frame() -> None:
    table = random_table(300)
    frame = run(table, analysis_of({"cuts": cuts_of(CUTS)})).to_pandas()
    assert frame["name"].tolist() == ["all", *(f"c{i}" for i in range(len(CUTS)))]
    assert frame["n"].iloc[0] == 300
    assert frame["n_minus_1_n"].iloc[1] >= frame["n"].iloc[-1]
