"""``emiss quality``: the list that it proposes can be used as it is, and mistakes are told."""

from __future__ import annotations

import json

import pytest

from emiss.configs.loader import loads
from emiss.look.spill_quality import Quality
from emiss.look.spill_quality_files import bad_spills
from emiss.reco.formats.date.channels.reading import read_channel_maps
from emiss.reco.formats.date.writing.damage import damage
from emiss.reco.quality.summary import Limits, Survey, Verdict
from emiss.runlist import load


@pytest.fixture
def hurt(run_files, detector, tmp_path):
    """A run of two spills; in the second one every tenth event lacks a source."""
    data = run_files["beam.dat"].read_bytes()
    maps = read_channel_maps(detector.channel_maps_path, 6105)
    hurt, _ = damage(data, maps, {"event_missing_srcid": 40})
    (tmp_path / "run.dat").write_bytes(hurt)
    return tmp_path / "run.dat"


def test_the_proposed_list_takes_the_spills_out(cli, hurt, tmp_path):
    done = cli("quality", hurt, "--out", tmp_path / "q")
    assert done.code == 0, done.err
    assert "spills are bad" in done.out
    for name in ("bad_spills.yaml", "quality.csv", "quality.svg", "quality.png"):
        assert (tmp_path / "q" / name).stat().st_size > 50
    text = (tmp_path / "q" / "bad_spills.yaml").read_text()
    assert "of the events lost, damaged or after a lost block" in text
    runs = tmp_path / "runs.yaml"
    runs.write_text(
        "detector: na64e_lfc\nanalysis: e_to_mu_phi\ncalib: demo\nquality: q/bad_spills.yaml\n"
        "samples:\n  data: {role: data, files: [run.dat]}\n"
    )
    bad = load(runs).bad_spills
    assert bad
    assert cli("process", runs, "--out", tmp_path / "o").code in (0, 3)
    ledger = json.loads((tmp_path / "o/cutflow.json").read_text())["samples"]["data"]["ledger"]
    rows = (tmp_path / "q/quality.csv").read_text().splitlines()[1:]
    cells = [[int(cell) for cell in row.split(",")[:3]] for row in rows]
    expected = sum(n for run, spill, n in cells if any(b.run == run and b.first <= spill <= b.last for b in bad))
    assert ledger["excluded"] == {"bad_spill": expected}


def test_limits_are_the_users(cli, hurt, tmp_path):
    done = cli("quality", hurt, "--lost", 1.0, "--rate", 0, "--out", tmp_path / "q")
    assert done.code == 0, done.err
    assert "0 of 2 spills are bad" in done.out
    assert (tmp_path / "q/bad_spills.yaml").read_text().endswith("bad_spills: []\n")


def test_simulated_hits_have_no_waveforms(cli, run_files, tmp_path):
    done = cli("quality", run_files["signal.root"], "--out", tmp_path / "q")
    assert done.code == 2
    assert "quality is measured on raw files" in done.err
    assert not (tmp_path / "q").exists()


def test_spills_in_a_row_share_an_entry():
    def verdict(run, spill, *reasons):
        return Verdict(run, spill, 10, 1.0, 0.0, 0.0, "ECAL0.0.0", 0.0, reasons)

    found = (
        verdict(1, 1, "beam lost"),
        verdict(1, 2, "beam lost"),
        verdict(1, 3),
        verdict(1, 4, "beam lost"),
        verdict(1, 5, "other"),
        verdict(2, 6, "other"),
    )
    text = bad_spills(Quality(Survey.empty([], 0), found, Limits()))
    entries = loads(text, "bad.yaml").data["bad_spills"]
    assert [(e["run"], e["spills"], e["why"]) for e in entries] == [
        ("1", "1-2", "beam lost"),
        ("1", "4", "beam lost"),
        ("1", "5", "other"),
        ("2", "6", "other"),
    ]


def test_a_long_range_of_bad_spills_costs_nothing(tmp_path, run_files):
    (tmp_path / "bad.yaml").write_text("bad_spills: [{run: 6105, spills: 0-2000000000}, {run: 6101, spills: '5'}]\n")
    (tmp_path / "runs.yaml").write_text(
        "detector: na64e_lfc\nanalysis: e_to_mu_phi\ncalib: demo\nquality: bad.yaml\n"
        f"samples:\n  data: {{role: data, files: ['{run_files['beam.dat']}']}}\n"
    )
    assert load(tmp_path / "runs.yaml").bad_spills == {(6105, 0, 2_000_000_000), (6101, 5, 5)}
