"""A counter, a calorimeter off the axis and a tracker station that nobody has heard of: added in YAML alone, and cut on."""

from __future__ import annotations

import json

PARTS = """
  s: {elements: {S9: {z: -3 m}}}
  side:
    kind: modules
    elements: {SIDE0: {z: 5.0 m, x: 460 mm}}
    columns: 2
    rows: 2
    pitch: 300 mm
    depth: 50 mm
    matter: {iron: 30 mm, scintillator: 20 mm}
    mip: 100 MeV
    threshold: 10 MeV
    source: illustrative
  mm: {stations: {MM9: {z: 9 m}}}
"""
CUTS = """
analysis: own
cuts:
  - {name: counter, require: "s.energy['S9'] > 0.3 MeV and abs(s.time['S9']) < 15 ns"}
  - {name: station, require: "mm.n_clusters['MM9X'] > 0 and mm.n_clusters['MM9Y'] > 0"}
  - {name: five, require: any(tracks.planes == 5)}
regions:
  tracked: {}
  beside: {replace: {station: "side.energy['SIDE0'] > 30 MeV and side.mip[0] > 0.3"}, drop: [five]}
"""


def test_parts_of_ones_own_are_simulated_digitised_reconstructed_and_cut_on(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli("setup", "new", "mine", "--from", "na64e_lfc", "--runs", "9900-9999").code == 0
    file = tmp_path / "mine" / "detector.yaml"
    file.write_text(f"extends: na64e_lfc\nname: mine\nmaps: maps\nparts:{PARTS}")
    wired = cli("setup", "wire", "mine", "--runs", "9900-9999")
    assert wired.code == 0, wired.err
    assert cli("check", "mine").code == 0
    (tmp_path / "own.yaml").write_text(CUTS)
    made = cli(
        "simulate", "dimuon", "--detector", "mine", "--run", "9900", "--events", "1000", "--out", "own.dat", "-q"
    )
    assert made.code == 0, made.err
    done = cli("process", "own.dat", "--detector", "mine", "--analysis", "own.yaml", "--out", "out", "--unblind", "-q")
    assert done.code == 0, done.err
    regions = json.loads((tmp_path / "out" / "cutflow.json").read_text())["samples"]["data"]["regions"]
    left = {name: [row["n"] for row in rows["weights"]["nominal"]["cuts"]] for name, rows in regions.items()}
    assert left["tracked"][0] == 1000
    assert left["tracked"][1] > 950
    assert 10 < left["tracked"][3] <= left["tracked"][2] < 200  # few muons of a pair come so far
    assert 0 < left["beside"][-1] < 200
