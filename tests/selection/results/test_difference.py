"""What differs between cutflows, and how a failing test says it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path  # noqa: TC003 - annotations of fixtures

import numpy as np
import pytest

from emiss import selection
from emiss.configs.errors import UserError
from emiss.events.columns import Column
from emiss.events.ledger import Ledger
from emiss.events.table import EventTable, Metadata
from emiss.selection.pytest_plugin import pytest_assertrepr_compare
from emiss.selection.results.cutflow import Cutflow
from emiss.selection.results.difference import compare, declared, lines
from emiss.selection.results.files.histograms import load_json, save_json
from emiss.selection.results.histogram_difference import compare as differ
from emiss.selection.results.histogram_difference import contents

pytest_plugins = ["pytester"]

TEXT = """
analysis: toy
parameters: {low: 20}
cuts:
  - {name: energy, require: e > low}
  - {name: side, require: x < 3}
weights: {nominal: w}
"""


def flow(text: str = TEXT, rows: int = 10, **metadata) -> Cutflow:
    return run(text, rows, **metadata).cutflow


def run(text: str = TEXT, rows: int = 10, **metadata) -> selection.Result:
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
    return selection.run(table, selection.loads(text))


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
    texts = TEXT, TEXT.replace("nominal: w", "nominal: w + 0 * x")
    found = compare(*map(flow, texts))
    assert [note.what for note in found.notes] == ["what is behind the same cuts (a weight, the blind box)"]
    (note,) = declared(*map(selection.loads, texts))
    assert str(note) == "the weight 'nominal': w and w + 0 * x"


BEHIND = TEXT.replace("cuts:", "define: {seen: 2 * e, lost: 60 - seen}\nobjects: {}\ncuts:").replace(
    "e > low", "lost > low"
)


def test_a_definition_that_changed_is_named_with_the_cut_that_reads_the_same() -> None:
    found = compare(flow(BEHIND), flow(BEHIND.replace("2 * e", "2.1 * e")))
    assert lines(found, ("old", "new"))[-2:] == ["energy: seen is 2 * e in old", "energy: seen is 2.1 * e in new"]
    # also where no count changes, and whatever the definitions are called
    found = compare(flow(BEHIND), flow(BEHIND.replace("2 * e", "2 * e + 0.001")))
    assert lines(found) == ["energy: seen is 2 * e in A", "energy: seen is 2 * e + 0.001 in B"]
    assert flow(BEHIND) == flow(BEHIND.replace("seen", "visible"))
    assert flow(BEHIND) == flow(BEHIND.replace("lost > low", "20 < 60 - 2 * e"))
    with pytest.raises(UserError, match=r"different cuts: .* \(seen is '2 \* e' and '2.1 \* e'\)"):
        _ = flow(BEHIND) + flow(BEHIND.replace("2 * e", "2.1 * e"))


def test_columns_in_other_units_are_told() -> None:
    text = TEXT.replace("low: 20", "low: 20 MeV")
    found = compare(flow("columns: {e: MeV}" + text), flow("columns: {e: GeV}" + text))
    assert "energy: both require e > 20 MeV, of columns in other units" in lines(found)


def test_equal_is_what_says_the_same() -> None:
    one, other = flow(on_target=1e9), flow(on_target=1e9)
    assert one == replace(other, provenance={"host": "another", "started": "another day"})
    counts = one.samples["run"]
    rows = counts.regions["nominal"]["nominal"]

    def with_sum(factor: float) -> Cutflow:
        first = replace(rows[1], sequential=replace(rows[1].sequential, sum_w=rows[1].sequential.sum_w * factor))
        changed = replace(counts, regions={"nominal": {"nominal": (rows[0], first, *rows[2:])}})
        return replace(one, samples={"run": changed})

    assert one == with_sum(1 + 5e-13)
    assert one != with_sum(1 + 5e-12)
    for change in (
        {"on_target": 2e9},
        {"scale": 2.0},
        {"role": "background"},
        {"partial": True},
        {"ledger": Ledger(read=11, passed=10, lost={"raw.event_size": 1})},
        {"process": {"kind": "signal"}},
        {"regions": {"nominal": {"nominal": (rows[0], replace(rows[1], undefined=1), *rows[2:])}}},
        {"regions": {"nominal": {"nominal": (*rows[:2], replace(rows[2], overlap=(1,)))}}},
        {"regions": {"nominal": {**counts.regions["nominal"], "up": rows}}},
        {"regions": {"other": counts.regions["nominal"]}},
    ):
        changed = replace(one, samples={"run": replace(counts, **change)})
        assert one != changed, change
        assert lines(compare(one, changed)), change
    with pytest.raises(TypeError, match="unhashable"):
        hash(one)


def test_the_recipe_of_the_page_passes_on_a_file(tmp_path: Path) -> None:
    flow().save(tmp_path / "reference.json")
    assert flow() == Cutflow.load(tmp_path / "reference.json")
    assert flow(BEHIND) != Cutflow.load(tmp_path / "reference.json")
    flow(BEHIND).save(tmp_path / "reference.json")
    saved = Cutflow.load(tmp_path / "reference.json")
    assert lines(compare(saved, flow(BEHIND.replace("2 * e", "3 * e"))))[-2] == "energy: seen is 2 * e in A"


HISTOGRAMS = """
histograms:
  - {name: e, of: e, bins: 3, from: 0, to: 30}
  - {name: x, of: x, edges: [0, 1, 5], after: energy}
  - {name: plane, of: [e, 1 / x], bins: [2, 2], from: [0, 0], to: [30, 1]}
"""


def test_histograms_in_memory_and_on_disk(tmp_path: Path) -> None:
    def filled(text: str) -> dict:
        made = run(text).histograms
        save_json(made, tmp_path / "h.json", analysis="a", cuts_hash="b")
        on_disk = load_json(tmp_path / "h.json")
        assert not differ(contents(made), on_disk)
        return on_disk

    first = filled(TEXT + HISTOGRAMS)
    assert len(first) == 3
    assert [str(note) for note in differ(first, filled((TEXT + HISTOGRAMS).replace("low: 20", "low: 22")))] == [
        # the events left have x = 1 2 3 4, and 3 4; the weight is 0.5
        "sample run: histogram x, region nominal, after energy, weight nominal, 1 of 4 bins, most from 1 to 5: 2 and 1"
    ]
    notes = differ(first, filled((TEXT + HISTOGRAMS).replace("to: 30}", "to: 60}").replace("1 / x", "1 / (x - 1)")))
    assert [note.what.partition(",")[0] for note in notes] == ["histogram e", "histogram plane"]
    assert (notes[0].a, notes[0].b) == ("3 from 0 to 30", "3 from 0 to 60")
    notes = differ(first, filled(TEXT + HISTOGRAMS.replace("- {name: x,", "- {name: y,")))
    assert [(note.a, note.b) for note in notes] == [("there", "not there"), ("not there", "there")]
    undefined = filled(TEXT + HISTOGRAMS.replace("of: x", "of: x / (x - 1)"))
    assert any("undefined values: 0 and 1" in str(note) for note in differ(first, undefined))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"schema": "emiss.histograms/1"}', '{"schema": "x"}'])
def test_a_file_without_histograms_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "h.json").write_text(text)
    with pytest.raises(UserError, match=r"h\.json"):
        load_json(tmp_path / "h.json")


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
        from emiss.selection.results.cutflow import Cutflow

        def test_it():
            a, b = Cutflow("x", "1"), Cutflow("y", "1")
            assert a == b
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.stdout.fnmatch_lines(["*the cutflows differ", "*the analyses: 'x' and 'y'"])
    assert result.ret == 1
