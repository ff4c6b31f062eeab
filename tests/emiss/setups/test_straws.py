"""Straws and a hodoscope in YAML alone: checked, simulated in both tiers, damaged, processed; what is wrong in such a file."""

from __future__ import annotations

import json

import pytest

from tests import straws

CUTS = """
analysis: straws
cuts:
  - {name: straws, require: "st.n_clusters['ST1X1'] == 1 and st.n_clusters['ST4Y2'] == 1"}
  - {name: fibre, require: "hod.n_clusters['HOD1X'] == 1 and hod.n_outside['HOD1X'] == 0"}
  - {name: track, require: "any(tracks.planes >= 8 and tracks.extra == 0)"}
"""


def test_from_a_file_to_a_cutflow_in_both_tiers(cli, tmp_path, monkeypatch, undrawn):
    monkeypatch.chdir(tmp_path)
    straws.make(tmp_path / "mine")
    (tmp_path / "cuts.yaml").write_text(CUTS)
    done = cli("check", "mine")
    assert done.code == 0, done.err
    left = {}
    for tier, more in (("dat", ("--damage", "td_wrong_event=1")), ("root", ())):
        options = ("--detector", "mine", "--run", "6101", "--events", "150")
        made = cli("simulate", "muon", *options, "--out", f"run.{tier}", "-q", *more)
        assert made.code == 0, made.err
        options = ("--detector", "mine", "--analysis", "cuts.yaml", "--unblind", "-q")
        done = cli("process", f"run.{tier}", *options, "--out", tier)
        assert done.code == 0, done.err
        told = json.loads((tmp_path / tier / "cutflow.json").read_text())["samples"]["data"]
        (region,) = told["regions"].values()
        left[tier] = [row["n"] for row in region["weights"]["nominal"]["cuts"]]
    assert left["root"][0] == left["dat"][0] == 150
    assert left["root"][3] > 110
    assert abs(left["root"][3] - left["dat"][3]) <= 6  # a board of another event is left out, and times have bins
    shown = cli("fit", "run.dat", "--event", "3", "--detector", "mine")
    assert shown.code == 0, shown.err
    assert "tracks 0: ok" in shown.out


@pytest.mark.parametrize(
    ("old", "new", "place", "says"),
    [
        ("    digitiser: tdc\n    sigma: 200", "    sigma: 200", 9, "straws need a 'digitiser' of the kind tdc"),
        ("    digitiser: tdc\n    sigma: 200", "    digitiser: tcd\n    sigma: 200", 24, "did you mean 'tdc'"),
        (
            "    digitiser: tdc\n    sigma: 200",
            "    digitiser: msadc\n    sigma: 200",
            24,
            "'msadc' samples pulses; a tracker",
        ),
        ("kind: tdc,", "kind: tcd,", 5, "no kind of digitiser 'tcd'; did you mean 'tdc'"),
        ("start: 400 ns", "start: 40 us", 5, "the trigger comes at 40000 ns, after the range of 32768 ns"),
        ("[-20 ns, 90 ns]", "[-20 ns, 90 us]", 27, "is outside the range of 'tdc', -400 to 32368 ns"),
        ("diameter: 6 mm", "diameter: 6.2 mm", 9, "tubes of 6.2 mm at a pitch of 6 mm stand in each other's place"),
        (
            "[60 ns, 3.2 mm]",
            "[60 ns, 2.8 mm]",
            19,
            "the drift table ends at 2.8 mm, before the wall of the tube at 3 mm",
        ),
        ("[30 ns, 2 mm]", "[9 ns, 2 mm]", 22, "times and distances ascend: [9 ns, 2 mm] stands after [10 ns, 0.8 mm]"),
        ("[0 ns, 0 mm]", "[0 ns, 0.1 mm]", 22, "a table begins at the wire"),
        ("drift: {table", "drift: {velocity: 60 um/ns, table", 22, "a drift relation is a 'velocity' or a 'table'"),
        ("      spacing: 6 mm\n", "", 19, "two layers, and no single one, need a 'spacing' along z"),
        ("technology: straw", "technology: strw", 10, "'micromegas', 'gem', 'hodoscope' or 'straw'"),
        ("technology: straw", "technology: gem", 9, "straws need a block 'straw', and no other technology has one"),
        ("HOD1: {z: 8.7 m}", "HOD1: {z: 8.456 m}", 33, "ST4 and HOD1 stand at one z, 8456 mm"),
        ("ST2: {z: 5.6 m}", "ST2: {z: 5.797 m}", 13, "ST2 stands inside the magnet MBPL"),
    ],
)
def test_what_is_wrong_is_told_at_its_place(cli, tmp_path, old, new, place, says):
    assert straws.DETECTOR.count(old) == 1
    file = tmp_path / "detector.yaml"
    file.write_text(straws.DETECTOR.replace(old, new))
    done = cli("check", file)
    assert done.code == 2
    assert says in done.err
    assert f"detector.yaml:{place}:" in done.err


def test_a_part_of_cells_has_no_tdc(cli, tmp_path):
    file = tmp_path / "detector.yaml"
    file.write_text(straws.DETECTOR.replace("parts:\n", "parts:\n  srd: {digitiser: tdc}\n"))
    done = cli("check", file)
    assert done.code == 2
    assert "'tdc' is a TDC, which samples no pulses; did you mean 'msadc'" in done.err


def test_a_set_up_without_strips_needs_no_constants_of_strips(tmp_path):
    detector = straws.make(tmp_path / "mine")
    assert not (tmp_path / "mine" / "calib" / "apv.txt").exists()
    assert "t0" in (tmp_path / "mine" / "calib" / "tdc.txt").read_text()
    assert set(detector.timed) == set(detector.plane_names)
