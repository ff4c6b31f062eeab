"""The selection language by example, from our own table and, where it is there, from the shared one."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from emiss.configs.errors import UserError
from emiss.configs.loader import loads
from emiss.configs.units import parse_unit
from emiss.events.columns import Column, split
from emiss.events.language.meaning.scope import ReportedError, Scope
from emiss.events.language.running.evaluate import Plan, blocks, columns_read
from emiss.events.language.running.program import Node, Program
from emiss.events.language.running.values import Numbers
from emiss.events.language.syntax.parser import parse
from emiss.events.language.syntax.tree import ExpressionError
from emiss.events.lists import Lists, offsets_of
from emiss.events.table import EventTable, Metadata
from emiss.selection import bind
from emiss.selection.analysis.read import from_document
from emiss.selection.results.result import columns_of

HERE = Path(__file__).parent
SHARED = Path(os.environ.get("EMISS_SHARED", HERE.parents[2] / ".." / "shared")) / "data" / "selection" / "cases.yaml"
EVENTS = 3
OWN = yaml.safe_load((HERE / "cases.yaml").read_text(encoding="utf-8"))


def _shared() -> dict[str, Any]:
    if not SHARED.is_file():
        return {"events": {"default": {}}, "cases": [], "fails_to_load": []}
    return yaml.safe_load(SHARED.read_text(encoding="utf-8"))


def _table(columns: dict[str, dict[str, Any]]) -> EventTable:
    """Return a table of EVENTS equal events."""
    flat, lists, declared = {}, {}, {}
    for name, column in columns.items():
        value, kind = column["value"], column.get("type", "f8")
        shape = ("fixed" if column.get("fixed") else "list") if isinstance(value, list) else "flat"
        data = np.array([value] * EVENTS, dtype="bool" if kind == "bool" else kind)
        unit = column.get("unit", "1")
        declared[name] = Column(name, kind, unit, shape=shape, bits=column.get("bits", {}))
        if shape == "list":
            collection, inner = split(name)
            lists.setdefault(collection, {})[inner] = data.reshape(-1)
        else:
            flat[name] = data
    collections = {
        name: Lists(offsets_of(np.full(EVENTS, len(next(iter(inner.values()))) // EVENTS)), inner)
        for name, inner in lists.items()
    }
    return EventTable(EVENTS, flat, collections, Metadata(columns=declared))


def _shared_table(events: dict[str, Any]) -> EventTable:
    columns = {}
    for name, given_ in events.items():
        column = dict(given_) if isinstance(given_, dict) else {"value": given_}
        if "names" in column:
            column.update(bits=column.pop("names"), type="u4")
        if isinstance(column["value"], int):
            column.setdefault("type", "i8")
        columns[name] = column
    return _table(columns)


def _value(table: EventTable, expression: str, extra: dict[str, Any]) -> tuple[Node, Any]:
    """Return the node of an expression and its value for the last event."""
    name = "the_value"
    data = {**extra, "define": {**extra.get("define", {}), name: expression}}
    analysis = from_document(loads(json.dumps(data, ensure_ascii=False), "case.yaml"))
    columns = columns_of(table)
    scope = Scope(Program(), columns, {}, analysis.parameters, analysis.definitions, analysis.objects)
    declared = analysis.definitions[name]
    tree = declared.tree
    try:
        node = scope.attempt(declared, lambda checker: checker.per_event(tree, checker.value(tree), "a case"))
    except ReportedError:
        scope.problems.check()
        raise
    (block,) = blocks(table, columns_read([node], columns))
    value = Plan([node]).run(block)[node.id]
    if isinstance(value, Numbers):
        number = float(np.broadcast_to(value.floats, EVENTS)[-1])
        return node, "undefined" if math.isnan(number) else number
    if value.undefined is not None and np.broadcast_to(value.undefined, EVENTS)[-1]:
        assert not np.broadcast_to(value.true, EVENTS)[-1]
        return node, "undefined"
    return node, bool(np.broadcast_to(value.true, EVENTS)[-1])


def _check_case(table: EventTable, case: dict[str, Any], extra: dict[str, Any]) -> None:
    node, value = _value(table, case["expr"], extra)
    answer, unit = case["answer"], None
    if isinstance(answer, dict):
        answer, unit = answer["value"], parse_unit(str(answer["unit"]))
        answer *= unit.factor
    if isinstance(answer, bool) or answer == "undefined":
        assert value == answer
        assert isinstance(value, type(answer))
    else:
        assert value == pytest.approx(answer, rel=1e-14, abs=1e-15)
    if unit is not None:
        assert node.dimension == unit.dimension


def _check_refused(table: EventTable, case: dict[str, Any], extra: dict[str, Any]) -> None:
    text = json.dumps({**extra, "cuts": [{"name": "c", "require": case["expr"]}]}, ensure_ascii=False)
    with pytest.raises(UserError) as caught:
        bind(from_document(loads(text, "case.yaml")), columns_of(table))
    message = str(caught.value)
    assert message.startswith("case.yaml:1:")
    for word in case["says"]:
        assert word in message
    assert "(at /cuts/0/require)" in message
    assert len(message.splitlines()) == 1


OWN_TABLE = _table(OWN["columns"])
OWN_EXTRA = {
    "parameters": {k: [str(i) for i in v] if isinstance(v, list) else str(v) for k, v in OWN["parameters"].items()},
    "objects": OWN["objects"],
    "define": OWN["define"],
}


@pytest.mark.parametrize("case", OWN["cases"], ids=lambda case: case["expr"])
def test_own_case(case: dict[str, Any]) -> None:
    _check_case(OWN_TABLE, case, OWN_EXTRA)


@pytest.mark.parametrize("case", OWN["fails_to_load"], ids=lambda case: case["expr"])
def test_own_refusal(case: dict[str, Any]) -> None:
    _check_refused(OWN_TABLE, case, OWN_EXTRA)


needs_shared = pytest.mark.skipif(not SHARED.is_file(), reason="the shared folder is not here (set EMISS_SHARED)")


@needs_shared
@pytest.mark.shared
@pytest.mark.parametrize("case", _shared()["cases"], ids=lambda case: case["expr"])
def test_shared_case(case: dict[str, Any]) -> None:
    _check_case(_shared_table(_shared()["events"]["default"]), case, {})


@needs_shared
@pytest.mark.shared
@pytest.mark.parametrize("case", _shared()["fails_to_load"], ids=lambda case: case["expr"])
def test_shared_refusal(case: dict[str, Any]) -> None:
    _check_refused(_shared_table(_shared()["events"]["default"]), case, {})


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "x" + ")" * 5000,
        "-" * 5000 + "x",
        "not " * 4000 + "ok",
        " + ".join(["x"] * 3000),
        "**".join(["2"] * 3000),
        "x" + "[0]" * 5000,
        "sort(" * 3000 + "hits" + ", v)" * 3000,
        "x" * 10_000,
        "a." * 9_000 + "a",
        "9" * 19_000,
        "x" * 30_000,
        "\x00",
        "\u202ex",
        "x > 1 \n# comment",
        "1" + "e9" * 20,
        "where(" * 500,
    ],
    ids=lambda text: text[:8] + f"...{len(text)}",
)
def test_hostile_text_gives_one_short_line(text: str) -> None:
    document = loads(json.dumps({"cuts": [{"name": "c", "require": text}]}), "case.yaml")
    with pytest.raises(UserError) as caught:
        bind(from_document(document), columns_of(OWN_TABLE))
    assert len(str(caught.value)) < 1000


def test_many_operands_of_and_are_no_depth() -> None:
    _, value = _value(OWN_TABLE, " and ".join(["x > 1"] * 1500), {})
    assert value is True


_PIECES = [
    *[
        "+",
        "-",
        "*",
        "/",
        "(",
        ")",
        "<",
        ">",
        "=",
        "!",
        "&",
        "|",
        ",",
        ".",
        "[",
        "]",
        "'",
        '"',
        " ",
        "**",
        "<=",
        "==",
        "\n",
    ],
    *[
        "and",
        "or",
        "not",
        "if",
        "true",
        "0",
        "1",
        "2.5",
        "1e9",
        "GeV",
        "mm",
        "x",
        "nan",
        "ok",
        "energy",
        "hits",
        "hits.v",
    ],
    *[
        "hits.u",
        "wall.energy",
        "fast",
        ".v",
        "sum(",
        "sort(",
        "where(",
        "first(",
        "count(",
        "matches(",
        "'physics'",
        "word",
    ],
    *["window", "low", "ratio", "best", "é", "__class__"],
]


@settings(deadline=None, max_examples=400)
@given(st.lists(st.sampled_from(_PIECES), max_size=14), st.sampled_from(["", " "]))
def test_any_text_is_a_message_or_an_answer(pieces: list[str], between: str) -> None:
    try:
        _value(OWN_TABLE, between.join(pieces), OWN_EXTRA)
    except UserError as error:
        place = error.at
    else:
        return
    assert place is not None
    assert place.line


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=40))
def test_any_unicode_is_parsed_or_refused(text: str) -> None:
    try:
        span = parse(text).span
    except ExpressionError as error:
        span = error.span
    assert 0 <= span.start <= span.end <= len(text)
