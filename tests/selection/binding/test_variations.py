"""Systematic variations: each shift counts what an analysis with that change would count, in one pass."""

from __future__ import annotations

import json

import numpy as np
import pytest

from emiss import selection
from emiss.configs.errors import UserError
from emiss.events.columns import Column
from emiss.events.ledger import Ledger
from emiss.events.lists import Lists, offsets_of
from emiss.events.table import EventTable, Metadata
from emiss.selection.display import notebook, terminal, variations
from emiss.selection.results.cutflow import Cutflow

BASE = """
analysis: v
parameters: {least: 20 GeV, window: [1, 5]}
define: {missing: 100 GeV - ecal.energy}
objects: {hard: {from: tracks, where: p > 10 GeV}}
cuts:
  - {name: missing, require: missing > least}
  - {name: tracks, require: 'window[0] < count(hard) < window[1]'}
regions: {signal: {}, loose: {drop: [tracks]}}
weights: {nominal: weight, variations: {plain: weight * 2}}
"""
VARIED = (
    BASE
    + """
variations:
  scale: {scale: {ecal.energy: 2 percent, tracks.p: {up: 0.1}}}
  threshold: {parameters: {least: {up: 25 GeV, down: 15 GeV}, window: {down: [0, 6]}}}
  offset: {define: {missing: {up: 105 GeV - ecal.energy}}}
  beam: {weight: {up: weight * 1.1, down: 'where(ecal.energy > 50 GeV, 0, weight)'}}
"""
)


@pytest.fixture(scope="module")
def table() -> EventTable:
    rng = np.random.default_rng(4)
    size = 3000
    count = rng.integers(0, 8, size)
    flat = {"ecal.energy": rng.uniform(0, 120, size), "weight": rng.uniform(0.5, 2, size)}
    columns = {
        "ecal.energy": Column("ecal.energy", unit="GeV"),
        "weight": Column("weight"),
        "tracks.p": Column("tracks.p", unit="GeV", shape="list"),
    }
    lists = {"tracks": Lists(offsets_of(count), {"p": rng.exponential(20, int(count.sum()))})}
    return EventTable(size, flat, lists, Metadata(columns=columns, sample="s", ledger=Ledger(read=size, passed=size)))


def counted(table: EventTable, text: str) -> dict[str, dict[str, list[tuple[int, float, float]]]]:
    cutflow = selection.run(table, selection.loads(text)).cutflow
    return {
        region: {
            name: [(r.sequential.n, r.sequential.sum_w, r.sequential.sum_w2) for r in rows] for name, rows in by.items()
        }
        for region, by in cutflow.samples["s"].regions.items()
    }


def scaled(table: EventTable, ecal: float, p: float) -> EventTable:
    lists = table.lists["tracks"]
    flat = {**table.flat, "ecal.energy": table.flat["ecal.energy"] * ecal}
    return EventTable(table.size, flat, {"tracks": Lists(lists.offsets, {"p": lists["p"] * p})}, table.metadata)


def test_each_shift_counts_what_a_changed_analysis_counts(table: EventTable) -> None:
    found = counted(table, VARIED)
    changes = {
        "scale_up": (scaled(table, 1.02, 1.1), BASE),
        "scale_down": (scaled(table, 0.98, 1.0), BASE),
        "threshold_up": (table, BASE.replace("20 GeV", "25 GeV")),
        "threshold_down": (table, BASE.replace("20 GeV", "15 GeV").replace("[1, 5]", "[0, 6]")),
        "offset_up": (table, BASE.replace("100 GeV -", "105 GeV -")),
        "beam_up": (table, BASE.replace("nominal: weight,", "nominal: weight * 1.1,")),
        "beam_down": (table, BASE.replace("nominal: weight,", "nominal: 'where(ecal.energy > 50 GeV, 0, weight)',")),
    }
    assert set(found["signal"]) == {"nominal", "plain", *changes}
    assert counted(table, BASE)["signal"] == {name: found["signal"][name] for name in ("nominal", "plain")}
    for region in ("signal", "loose"):
        for name, (events, text) in changes.items():
            assert found[region][name] == counted(events, text)[region]["nominal"], (region, name)
    assert len({tuple(rows) for rows in found["signal"].values()}) == len(found["signal"])


def test_the_hash_of_an_analysis_without_variations_is_what_it_was() -> None:
    plain, varied = selection.loads(BASE), selection.loads(VARIED)
    assert plain.cuts_hash != varied.cuts_hash
    assert selection.loads(VARIED.replace("2 percent", "3 percent")).cuts_hash != varied.cuts_hash
    assert selection.loads(BASE + "variations: {}").cuts_hash == plain.cuts_hash
    assert varied.resolved()["variations"]["scale_up"] == {"scale of ecal.energy": "+0.02", "scale of tracks.p": "+0.1"}


def test_variations_are_kept_added_and_shown(table: EventTable) -> None:
    analysis = selection.loads(VARIED)
    whole = selection.run(table, analysis).cutflow
    first, second = (selection.run(table.slice(*part), analysis).cutflow for part in ((0, 1000), (1000, 3000)))
    assert first + second == whole
    assert Cutflow.from_json(json.loads(json.dumps(whole.to_json()))) == whole
    rows = variations.table(whole, "signal")
    assert [row[0] for row in rows] == ["variation", "scale", "threshold", "offset", "beam"]
    by = whole.samples["s"].regions["signal"]
    up, down, here = (by[name][-1].sequential.sum_w for name in ("scale_up", "scale_down", "nominal"))
    assert rows[1][1] == f"{100 * (up / here - 1):+.3g} {100 * (down / here - 1):+.3g} %"
    assert rows[3][1].count("%") == 1
    assert whole.nuisances("s", "signal")["scale"] == (up / here, down / here)
    assert whole.nuisances("s")["offset"][1] is None
    for wrong in (("t", None), ("s", "singal")):
        with pytest.raises(UserError, match="there is no"):
            whole.nuisances(*wrong)
    shown = terminal.text(whole, width=60)
    assert "variation" in shown
    assert rows[1][1] in shown
    assert rows[1][1] in notebook.table(whole)
    assert max(map(len, shown.splitlines())) <= 60


def test_values_of_the_command_line_hold_where_nothing_is_shifted(table: EventTable) -> None:
    found = selection.loads(VARIED, {"least": "30 GeV"})
    by = {shift.name: shift.analysis.parameters["least"].values[0].value for shift in found.shifts}
    assert by == dict.fromkeys(by, 30.0) | {"threshold_up": 25.0, "threshold_down": 15.0}


def test_a_blinded_sample_is_hidden_in_each_shift(table: EventTable) -> None:
    text = VARIED + "blind: {samples: s, box: ecal.energy < 60 GeV}\n"
    found = counted(table, text)["signal"]
    outside = int((table.flat["ecal.energy"] >= 60).sum())
    assert {rows[0][0] for rows in found.values()} == {outside}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{a: {}}", "the variation 'a' shifts nothing"),
        ("{a: {scale: {ecal.enrgy: 2 percent}}}", "no column 'ecal.enrgy'.*did you mean 'ecal.energy'"),
        ("{a: {scale: {ecal.energy: 2 GeV}}}", "GeV"),
        ("{a: {scale: {ecal.energy: 200 percent}}}", "leaves nothing"),
        ("{a: {parameters: {leats: {up: 2 GeV}}}}", "no parameter 'leats'.*did you mean 'least'"),
        ("{a: {parameters: {least: {up: 2 mm}}}}", "'least' is in GeV"),
        ("{a: {define: {mising: {up: '1'}}}}", "no definition 'mising'.*did you mean 'missing'"),
        ("{a: {define: {missing: {up: ecal.enrgy}}}}", "unknown name 'ecal.enrgy'"),
        ("{a: {weight: {up: ecal.energy}}}", "a weight is a pure number"),
        ("{a: {weights: {up: weight}}}", "weight"),
        ("{plain: {weight: {up: '1'}}, b: {weight: {upp: '1'}}}", "upp"),
    ],
)
def test_what_is_wrong_is_told(table: EventTable, text: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        selection.run(table, selection.loads(f"{BASE}\nvariations: {text}\n"))
    assert "<text>:" in str(caught.value) or "analysis.yaml:" in str(caught.value)


def test_two_things_of_one_name_are_refused() -> None:
    text = BASE.replace("plain:", "a_up:") + "variations: {a: {weight: {up: weight}}}"
    with pytest.raises(UserError, match="both called 'a_up'"):
        selection.loads(text)
