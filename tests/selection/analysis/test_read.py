"""Analyses put together from files: extends, drop, before, groups, regions, parameters, the hash, the one that ships."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from emiss import selection
from emiss.configs.errors import UserError, UserErrors
from emiss.configs.loader import loads
from emiss.events.lists import Lists
from emiss.events.table import EventTable, Metadata
from emiss.reco.detector.model import load_detector
from emiss.reco.pipeline import columns_of
from emiss.selection.analysis.read import from_document

if TYPE_CHECKING:
    from pathlib import Path

    from emiss.selection.analysis.model import Analysis

DECLARED = columns_of(load_detector("na64e_beam"))

PARENT = """
analysis: parent
parameters: {low: 1 GeV, high: 2 GeV}
objects: {muon: {from: tracks, where: p > 1 GeV}}
groups:
  ends:
    - {name: first_end, require: count(tracks) > 0}
    - {name: last_end, require: count(tracks) < 9}
cuts:
  - {name: one, require: count(muon) == 1}
  - group: ends
  - {name: quiet, require: ecal.energy < high}
regions:
  signal:
  control: {drop: [quiet]}
weights: {nominal: weight, variations: {up: weight * 1.1}}
"""


def read(text: str, **values: str) -> Analysis:
    return from_document(loads(text, "cuts.yaml"), values)


def names(analysis: Analysis, region: str | None = None) -> list[str]:
    return [cut.name for cut in (analysis.regions[region] if region else analysis.cuts)]


def child(tmp_path: Path, text: str) -> Analysis:
    (tmp_path / "parent.yaml").write_text(PARENT)
    (tmp_path / "child.yaml").write_text("extends: parent.yaml\n" + text)
    return selection.load(tmp_path / "child.yaml")


def test_groups_are_put_in_their_place() -> None:
    assert names(read(PARENT)) == ["one", "first_end", "last_end", "quiet"]
    assert names(read(PARENT), "control") == ["one", "first_end", "last_end"]
    assert list(read(PARENT).regions) == ["signal", "control"]


def test_a_file_without_regions_has_one() -> None:
    assert list(read("cuts: [{name: a, require: 'true'}]").regions) == ["nominal"]
    assert names(read("{}"), "nominal") == []
    assert read("{}").name == "cuts"


def test_child_cuts_come_after_the_parents(tmp_path: Path) -> None:
    analysis = child(tmp_path, "cuts: [{name: more, require: 'true'}, {name: early, require: 'true', before: one}]")
    assert names(analysis) == ["early", "one", "first_end", "last_end", "quiet", "more"]
    assert names(analysis, "control") == ["early", "one", "first_end", "last_end", "more"]
    assert analysis.name == "parent"
    assert [name.rpartition("/")[2] for name in analysis.source_texts] == ["parent.yaml", "child.yaml"]


def test_a_replaced_cut_keeps_its_place_or_moves(tmp_path: Path) -> None:
    kept = child(tmp_path, "cuts: [{name: one, require: 'false', replaces: true}]")
    assert names(kept) == ["one", "first_end", "last_end", "quiet"]
    assert kept.cuts[0].resolved == "false"
    moved = child(tmp_path, "cuts: [{name: quiet, require: 'false', replaces: true, before: one}]")
    assert names(moved) == ["quiet", "one", "first_end", "last_end"]


def test_dropped_cuts_are_gone_before_the_childs_are_added(tmp_path: Path) -> None:
    analysis = child(
        tmp_path, "drop: [one, last_end]\ncuts: [{name: one, require: 'true'}]\nregions: {control: {drop: []}}"
    )
    assert names(analysis) == ["first_end", "quiet", "one"]


def test_the_childs_group_is_used_in_the_parents_place(tmp_path: Path) -> None:
    assert names(child(tmp_path, "groups: {ends: [{name: middle, require: 'true'}]}")) == ["one", "middle", "quiet"]


def test_mappings_merge_key_by_key(tmp_path: Path) -> None:
    analysis = child(
        tmp_path,
        """
analysis: child
parameters: {high: 3 GeV, new: 4}
objects: {muon: {where: p > 5 GeV}}
weights: {variations: {down: weight * 0.9}}
regions: {control: {replace: {one: count(muon) == 2}}, extra: {cuts: [{name: last, require: 'true'}]}}
""",
    )
    assert analysis.name == "child"
    assert {name: parameter.resolved() for name, parameter in analysis.parameters.items()} == {
        "low": "1 GeV",
        "high": "3 GeV",
        "new": "4",
    }
    assert analysis.resolved()["objects"] == {"muon": {"from": "tracks", "where": "p > 5 GeV"}}
    assert list(analysis.weights) == ["nominal", "up", "down"]
    assert names(analysis, "control") == ["one", "first_end", "last_end"]
    assert analysis.regions["control"][0].resolved == "count(muon) == 2"
    assert names(analysis, "extra")[-1] == "last"


def test_mistakes_in_a_parent_name_the_parent(tmp_path: Path) -> None:
    (tmp_path / "common").mkdir()
    (tmp_path / "common" / "base.yaml").write_text("define: {a: ecal.enrgy}\n")
    (tmp_path / "child.yaml").write_text("extends: common/base.yaml\ncuts: [{name: c, require: a > 1 GeV}]\n")
    analysis = selection.load(tmp_path / "child.yaml")
    with pytest.raises(UserError, match=r"base.yaml:1:13: unknown name 'ecal.enrgy'") as caught:
        selection.bind(analysis, DECLARED)
    assert not isinstance(caught.value, UserErrors)


def test_extends_in_a_circle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("extends: b.yaml\n")
    (tmp_path / "b.yaml").write_text("extends: a.yaml\n")
    with pytest.raises(UserError, match=r"b.yaml:1:10: 'a.yaml' extends this file in turn"):
        selection.load(tmp_path / "a.yaml")


def test_groups_that_multiply_are_refused() -> None:
    lines = ["groups:"]
    for i in range(30):
        lines += [f"  g{i}:", f"    - group: g{i + 1}", f"    - group: g{i + 1}"]
    text = "\n".join([*lines, "  g30: [{name: a, require: 'true'}]", "cuts: [{group: g0}]"])
    with pytest.raises(UserError, match="more than 1000 groups"):
        read(text)
    with pytest.raises(UserError, match="the group 'g' contains itself"):
        read("groups: {g: [{group: g}]}\ncuts: [{group: g}]")


def test_unknown_analysis_is_told_with_what_ships() -> None:
    with pytest.raises(UserError, match="no analysis 'e_to_mu_fi'; did you mean 'e_to_mu_phi'"):
        selection.load("e_to_mu_fi")


# --- parameters ------------------------------------------------------------------------------------------------------


def test_requirements_show_the_values_of_parameters() -> None:
    text = """
parameters: {low: 20 GeV, window: [1.25 GeV, 3.75 GeV], negative: -5 mm, sum_of: low + 5 GeV, ratio: 0.5 GeV/mm}
cuts:
  - {name: a, require: "ecal.energy > low and all(window[0] < hcal.energy < window[-1])"}
  - {name: b, require: "ecal.x - negative > 0 and ecal.energy < sum_of"}
  - name: c
    require: >-
      ecal.energy <
      ratio * 10 mm
"""
    assert [cut.resolved for cut in read(text).cuts] == [
        "ecal.energy > 20 GeV and all(1.25 GeV < hcal.energy < 3.75 GeV)",
        "ecal.x - (-5 mm) > 0 and ecal.energy < 25 GeV",
        "ecal.energy < (0.5 GeV/mm) * 10 mm",
    ]
    selection.bind(read(text), DECLARED)


def test_set_changes_a_parameter_and_what_follows_from_it() -> None:
    text = "parameters: {low: 20 GeV, high: 2 * low, window: [1, 2]}\ncuts: [{name: a, require: ecal.energy < high}]"
    assert read(text).cuts[0].resolved == "ecal.energy < 40 GeV"
    assert read(text, low="25GeV").cuts[0].resolved == "ecal.energy < 50 GeV"
    assert read(text, low="0").cuts[0].resolved == "ecal.energy < 0"
    assert read(text, window="[3, 4]").parameters["window"].resolved() == ["3", "4"]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("low", "25", "--set low:1:1: 'low' is in GeV, '25' is not; write '25 GeV'"),
        ("low", "25 mm", "--set low:1:1: 'low' is in GeV, '25 mm' is not"),
        ("low", "25 GeVV", "--set low:1:4: unknown unit 'GeVV'; did you mean 'GeV'?"),
        ("low", "[1 GeV, 2 GeV]", "--set low:1:1: 'low' has 1 value in the file, not 2; the file gives 20 GeV"),
        ("window", "1", "--set window:1:1: 'window' has 2 values in the file, not 1; the file gives 1, 2"),
        ("lo", "25 GeV", "--set lo: there is no parameter 'lo'; did you mean 'low'?"),
        ("low", "low", "--set low:1:1: 'low' is defined by itself: low -> low"),
        ("low", "1e999 GeV", "--set low:1:1: a number too large to be held"),
    ],
)
def test_set_refuses_what_does_not_fit(name: str, value: str, message: str) -> None:
    text = "parameters: {low: 20 GeV, window: [1, 2]}\ncuts: [{name: a, require: ecal.energy < low}]"
    with pytest.raises(UserError) as caught:
        read(text, **{name: value})
    assert str(caught.value).startswith(message)


# --- the hash --------------------------------------------------------------------------------------------------------

HASHED = """
analysis: a
parameters: {low: 20 GeV, other: 1}
define: {e: ecal.energy, unused: ecal.x}
objects: {muon: {from: tracks, where: p > 1 GeV}}
cuts:
  - {name: one, require: e > low}
  - {name: two, require: count(muon) > 0}
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("low: 20 GeV", "low: 20000 MeV"),
        ("e > low", "(e) > low"),
        ("other: 1", "other: 2"),
        ("unused: ecal.x", "unused: ecal.y"),
        ("analysis: a", "analysis: a # a comment"),
        ("analysis: a", "analysis: a\ndescription: some words"),
    ],
)
def test_what_changes_no_count_does_not_change_the_hash(old: str, new: str) -> None:
    assert old in HASHED
    assert read(HASHED.replace(old, new)).cuts_hash == read(HASHED).cuts_hash


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("low: 20 GeV", "low: 21 GeV"),
        ("e: ecal.energy", "e: ecal.energy + 0 GeV"),
        ("p > 1 GeV", "p > 2 GeV"),
        ("name: two", "name: three"),
        ("e > low", "e >= low"),
        ("analysis: a", "weights: {nominal: weight}"),
        ("analysis: a", "regions: {signal: {}}"),
        ("analysis: a", "columns: {ecal.energy: MeV}"),
        ("analysis: a", "blind: {samples: data, box: e > low}"),
    ],
)
def test_what_may_change_a_count_changes_the_hash(old: str, new: str) -> None:
    assert old in HASHED
    assert read(HASHED.replace(old, new)).cuts_hash != read(HASHED).cuts_hash


def test_the_hash_is_the_same_in_every_process() -> None:
    assert read(HASHED).cuts_hash == "552fba3ad2cc3bf9"


# --- the analysis that ships -----------------------------------------------------------------------------------------


def _events(rows: list[dict[str, Any]]) -> EventTable:
    counts = [len(row["p"]) for row in rows]
    fields = {
        "p": [p for row in rows for p in row["p"]],
        "charge": [q for row in rows for q in row["q"]],
        "chi2": [4.0] * sum(counts),
        "ndf": [4] * sum(counts),
        "match_x": [10.0] * sum(counts),
    }
    offsets = np.concatenate(([0], np.cumsum(counts)))
    flat = {
        "weight": np.ones(len(rows)),
        "event.quality": np.array([row.get("quality", 0) for row in rows], np.uint32),
        "ecal.energy": np.array([row["ecal"] for row in rows]),
        "veto.energy": np.array([row["veto"] for row in rows]),
        "hcal.energy": np.array([row["hcal"] for row in rows]),
    }
    tracks = Lists(offsets, {name: np.array(values) for name, values in fields.items()})
    return EventTable(len(rows), flat, {"tracks": tracks}, Metadata(columns=DECLARED))


def test_shipped_analysis_selects_a_signal_like_event_only() -> None:
    signal = {"ecal": 30.0, "veto": [0.0, 0.0105, 0.0], "hcal": [2.5, 2.4, 2.7], "p": [30.0], "q": [-1.0]}
    rows = [
        signal,
        {**signal, "q": [1.0]},  # a mu+
        {**signal, "p": [30.0, 20.0], "q": [-1.0, 1.0]},  # two tracks
        {**signal, "veto": [0.0, 0.021, 0.0], "hcal": [5.0, 5.0, 5.0]},  # a dimuon of which one muon is seen
        {**signal, "hcal": [2.5, 2.5, 0.0]},  # absorbed in the last module: its track is something else
        {**signal, "ecal": 50.0},  # nothing missing
        {**signal, "p": [], "q": []},  # a beam electron: e_miss is undefined
    ]
    analysis = selection.load("e_to_mu_phi")
    assert [cut.name for cut in analysis.cuts] == ["quality", "single_track", "mip_veto", "mip_hcal", "missing_energy"]
    table = _events(rows)
    result = selection.run(table, analysis)
    bound = selection.bind(analysis, DECLARED)
    assert bound.passing(table).tolist() == [True, *[False] * 6]
    counts = result.cutflow.samples["data"].regions["nominal"]["nominal"]
    assert [row.sequential.n for row in counts] == [7, 7, 4, 3, 2, 1]
    assert counts[-1].require == "e_miss > 20 GeV"
    assert counts[-1].individual_undefined == 2  # without a track, and with a mu+ only


def test_shipped_analyses_bind_to_the_event_table() -> None:
    from emiss.configs.loader import shipped

    foreign = {"ldmx_missing_energy", "fadc125_pulses", "flat_ntuple"}  # for tables made by maps, see tests/reco
    others = {"hadron", "muon", "visible"}  # for other set-ups, see tests/emiss/setups
    for name in set(shipped("analyses")) - foreign - others:
        selection.bind(selection.load(name), DECLARED, part=name.startswith("common/"))
