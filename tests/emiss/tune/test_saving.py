"""The file that is saved: the same to the letter but for what was turned, and read as what was chosen."""

from __future__ import annotations

import difflib

import pytest

from emiss import selection
from emiss.configs.errors import UserError
from emiss.reco.pipeline import columns_of
from emiss.selection.analysis.merge import merge
from emiss.selection.tuning.live import Live
from emiss.selection.tuning.opened import open_parameters
from emiss.selection.tuning.sample import LiveSample
from emiss.tune.saving import Saving
from tests.emiss.tune.conftest import ANALYSIS


def changes(before: str, after: str) -> list[str]:
    """Return the lines that differ."""
    found = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return [line for line in found if line[:1] in "+-" and line[:3] not in ("+++", "---")]


def saved(session, asked) -> str:
    return str(session.save(asked)["text"])


def test_values_alone(stored, cuts, make_session):
    session = make_session(stored, cuts)
    assert saved(session, {}) == ANALYSIS
    text = saved(session, {"parameters": {"least": "25 GeV", "window": "[2 GeV, 50 GeV]"}})
    assert changes(ANALYSIS, text) == [
        "-  least: 20 GeV   # a choice",
        "+  least: 25 GeV   # a choice",
        "-    - 1 GeV",
        "-    - 60 GeV",
        "+    [2 GeV, 50 GeV]",
    ]


MOVED = """\
cuts:
  # it has a comment
  # of two lines
  - {name: hits_in, require: "all(window[0] < hits.e < window[1])"}

  # (off) - name: shape   # at its side
  # (off)   require: abs(form) < twice
  # the first one
  - name: first
    require: energy > least

"""


def test_cuts_off_and_moved(stored, cuts, make_session):
    session = make_session(stored, cuts)
    text = saved(session, {"cuts": ["hits_in", "first"]})
    assert text[text.index("cuts:") : text.index("histograms:")] == MOVED
    assert [cut.name for cut in selection.loads(text).cuts] == ["hits_in", "first"]


def test_a_cut_that_a_histogram_names_lets_everything_pass(stored, cuts, make_session):
    text = saved(make_session(stored, cuts), {"cuts": ["first", "shape"]})
    read = selection.loads(text)
    assert {cut.name: cut.require.text for cut in read.cuts}["hits_in"] == "true"
    assert "  # (off) was: all(window[0] < hits.e < window[1])\n  - {name: hits_in, require: 'true'}\n" in text


CHILD = """\
extends: cuts.yaml   # beside it
parameters: {least: 30 GeV}
cuts:
  - {name: more, require: form < 3, before: shape}
"""


@pytest.mark.parametrize("order", [None, ["more", "first", "hits_in"], ["shape", "hits_in", "more", "first"]])
def test_a_file_that_extends_another(stored, cuts, make_session, tmp_path, order):
    child = tmp_path / "child.yaml"
    child.write_text(CHILD)
    out = tmp_path / "some" / "where"
    session = make_session(stored, child, out)
    asked = {"parameters": {"narrow": "0.1", "least": "31 GeV"}, "cuts": order}
    found = session.save(asked)
    read = selection.load(found["path"])
    assert [v.text for v in read.parameters["narrow"].values] == ["0.1"]
    assert [v.text for v in read.parameters["least"].values] == ["31 GeV"]
    assert [cut.name for cut in read.cuts] == (order or ["first", "hits_in", "more", "shape"])
    assert found["path"] == str(out / "small.yaml")


def test_of_regions_one_is_changed(stored, make_session, tmp_path):
    path = tmp_path / "regions.yaml"
    path.write_text(ANALYSIS + "regions:\n  near: {}\n  far: {replace: {shape: abs(form) > twice}}\n")
    session = make_session(stored, path)
    text = saved(session, {"region": "far", "cuts": ["shape", "hits_in", "first"], "parameters": {"least": "4 GeV"}})
    (tmp_path / "new.yaml").write_text(text)
    read = selection.load(tmp_path / "new.yaml")
    assert [cut.name for cut in read.regions["far"]] == ["shape", "hits_in", "first"]
    assert read.regions["far"][0].require.text == "abs(form) > twice"
    assert [cut.name for cut in read.regions["near"]] == ["first", "hits_in", "shape"]


def test_what_ships_is_copied_whole(detector, tmp_path):
    analysis = selection.load("e_to_mu_phi")
    document = analysis.place.document
    sample = LiveSample(open_parameters(analysis, columns_of(detector)), [])
    live = Live(analysis, merge(document).tree.parameters, {"none": sample})
    order = ["quality", "missing_energy", "single_track", "mip_hcal"]
    turned = {"e_miss_min": "25 GeV", "beam_energy": "99 GeV"}
    found = Saving(document, analysis, tmp_path).save(turned, live.choice(turned, cuts=order))
    read = selection.load(tmp_path / "e_to_mu_phi.yaml")
    assert [cut.name for cut in read.cuts] == order
    assert read.parameters["beam_energy"].resolved() == "99 GeV"
    assert found["text"].startswith("# The search e N -> mu N phi")
    assert "  e_miss_min: 25 GeV\n" in found["text"]


def test_nothing_is_written_over_and_nothing_elsewhere(stored, make_session, tmp_path):
    path = tmp_path / "in" / "cuts.yaml"
    path.parent.mkdir()
    path.write_text(ANALYSIS.replace("analysis: small", "analysis: ../../../small '; rm -rf x"))
    out = tmp_path / "in" / "out"
    session = make_session(stored, path, out)
    names = [session.save({"parameters": {"least": f"{n} GeV"}})["name"] for n in (1, 2, 3)]
    assert names == ["small_rm_-rf_x.yaml", "small_rm_-rf_x_2.yaml", "small_rm_-rf_x_3.yaml"]
    assert sorted(p.name for p in out.iterdir()) == sorted(names)
    assert [p.name for p in sorted(tmp_path.rglob("*")) if p.is_file() and p.parent != out] == ["cuts.yaml"]


def test_a_folder_that_cannot_be_written(stored, cuts, make_session, tmp_path):
    (tmp_path / "file").write_text("")
    session = make_session(stored, cuts, tmp_path / "file" / "out")
    with pytest.raises(UserError, match="Not a directory"):
        session.save({})


def test_a_window_that_is_empty_leaves_nothing_and_is_not_saved(stored, cuts, make_session):
    session = make_session(stored, cuts)
    asked = {"parameters": {"window": "[50 GeV, 2 GeV]"}}
    rows = session.answer(asked)["cutflow"][0]["rows"]
    assert int(rows[2]["n"]) < int(rows[1]["n"])  # events without hits have none outside
    with pytest.raises(UserError, match=r"no file was made that says the same: .*never"):
        session.save(asked)
