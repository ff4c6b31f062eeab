"""What differs between cutflows, and how a failing test says it."""

from __future__ import annotations

from dataclasses import replace

import pytest  # noqa: TC002 - annotations of fixtures

import selection
from events.columns import Column
from events.ledger import Ledger
from events.table import EventTable, Metadata
from selection.difference import compare, lines
from selection.pytest_plugin import pytest_assertrepr_compare

pytest_plugins = ["pytester"]

TEXT = """
analysis: toy
parameters: {low: 20}
cuts:
  - {name: energy, require: e > low}
  - {name: side, require: x < 3}
weights: {nominal: w}
"""


def flow(text: str = TEXT, rows: int = 10, **metadata):
    import numpy as np

    values = np.arange(rows, dtype=float)
    table = EventTable(
        rows,
        {"e": 15 + values, "x": values % 5, "w": np.full(rows, 0.5)},
        {},
        Metadata(
            columns={name: Column(name) for name in ("e", "x", "w")},
            sample="run",
            ledger=Ledger(read=rows, passed=rows),
            **metadata,
        ),
    )
    return selection.run(table, selection.loads(text)).cutflow


def test_nothing_differs_from_itself() -> None:
    assert not compare(flow(), flow())
    assert lines(compare(flow(), flow())) == []


def test_a_changed_threshold_says_which_cut_and_by_how_many() -> None:
    found = compare(flow(), flow(TEXT.replace("low: 20", "low: 22")))
    # e is 15 ... 24 and x is 0 1 2 3 4 0 1 2 3 4: e > 20 leaves x = 1 2 3 4, e > 22 leaves 3 4; every weight is 0.5
    assert lines(found, ("old", "new")) == [
        "sample  cut     count        n old  n new  difference  sum of w",
        "run     energy  in sequence      4      2          -2        -1",
        "run     energy  alone            4      2          -2        -1",
        "run     energy  only failed      4      6          +2        +1",
        "run     side    in sequence      2      0          -2        -1",
        "run     side    N-1              4      2          -2        -1",
        "energy: old requires e > 20",
        "energy: new requires e > 22",
    ]


def test_cuts_that_one_side_lacks() -> None:
    shorter = TEXT.replace("  - {name: side, require: x < 3}\n", "")
    found = compare(flow(), flow(shorter))
    assert [(cut.name, cut.b) for cut in found.cuts if cut.b is None] == [("side", None)]
    assert "side: B has no such cut here" in lines(found)


def test_ledger_role_and_normalisation() -> None:
    found = compare(flow(on_target=1e9), flow(rows=11, on_target=2e9, role="background"))
    said = [str(note) for note in found.notes]
    assert "sample run: role: data and background" in said
    assert "sample run: particles on target: 1000000000.0 and 2000000000.0" in said
    assert "sample run: ledger, read: 10 and 11" in said


def test_tolerance_is_for_sums_only() -> None:
    one = flow()
    rows = one.samples["run"].regions["nominal"]["nominal"]
    nudged = replace(rows[1], sequential=replace(rows[1].sequential, sum_w=rows[1].sequential.sum_w * (1 + 1e-7)))
    changed = replace(
        one, samples={"run": replace(one.samples["run"], regions={"nominal": {"nominal": (rows[0], nudged, rows[2])}})}
    )
    assert compare(one, changed)
    assert not compare(one, changed, tolerance=1e-6)


def test_a_weight_that_differs_is_told_even_where_no_count_does() -> None:
    found = compare(flow(), flow(TEXT.replace("nominal: w", "nominal: w + 0 * x")))
    assert [note.what for note in found.notes] == ["the cuts (an object, a definition or a weight differs)"]


def test_the_plugin_explains_only_cutflows() -> None:
    assert pytest_assertrepr_compare("==", 1, 2) is None
    assert pytest_assertrepr_compare("!=", flow(), flow()) is None
    said = pytest_assertrepr_compare("==", flow(), flow(rows=9))
    assert said is not None
    assert said[0] == "the cutflows differ"
    assert any("energy" in line for line in said)


def test_the_plugin_is_there_in_a_session(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from selection.cutflow import Cutflow

        def test_it():
            a, b = Cutflow("x", "1"), Cutflow("y", "1")
            assert a == b
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.stdout.fnmatch_lines(["*the cutflows differ", "*the analyses: 'x' and 'y'"])
    assert result.ret == 1
