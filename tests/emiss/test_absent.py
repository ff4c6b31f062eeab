"""An analysis that needs what a set-up has not: the message says which set-ups have it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from emiss.reco.detector.elsewhere import Elsewhere

WCAL = """
extends: na64e_lfc
name: {name}
parts:
  tcal:
    kind: modules
    elements: {{TCAL0: {{z: -4 m}}, TCAL1: {{z: -3.5 m}}}}
    threshold: 10 MeV
    source: illustrative
"""
CUTS = "analysis: x\ncuts: [{name: a, require: 'tcal.energy[0] > 1 GeV'}]\n"
RUNS = (
    "detector: bare/detector.yaml\nanalysis: cuts.yaml\ncalib: demo\nsamples: {data: {role: data, files: [run.dat]}}\n"
)
SAID = "unknown name 'tcal.energy' (at /cuts/0/require); bare has no part 'tcal'; with_tcal has"


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in (("with_tcal", WCAL.format(name="with_tcal")), ("bare", "extends: na64e_lfc\nname: bare\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "detector.yaml").write_text(text)
    (tmp_path / "cuts.yaml").write_text(CUTS)
    return tmp_path


@pytest.mark.parametrize("names", [["bare/detector.yaml"], ["bare"]])
def test_check_tells_who_has_the_part(folder, cli, names):
    done = cli("check", "cuts.yaml", "--detector", *names)
    assert done.code == 2
    assert f"cuts.yaml:2:28: {SAID}" in done.err
    assert cli("check", "cuts.yaml", "--detector", "with_tcal").code == 0


def test_a_job_tells_it_before_it_begins_and_select_of_a_table(folder, cli, run_files):
    shutil.copy(run_files["muon.dat"], "run.dat")
    Path("runs.yaml").write_text(RUNS)
    done = cli("process", "runs.yaml", "--out", "out")
    assert (done.code, SAID in done.err, Path("out/tables").exists()) == (2, True, False)
    Path("cuts.yaml").write_text("analysis: x\ncuts: [{name: a, require: 'ecal.energy > 1 GeV'}]\n")
    assert cli("process", "runs.yaml", "--out", "out").code == 0
    Path("beam.yaml").write_text("analysis: x\ncuts: [{name: a, require: 'beam.p > 1 GeV'}]\n")
    for line in (["select", "out", "--analysis", "beam.yaml"], ["check", "beam.yaml", "out/tables"]):
        done = cli(*line)
        assert done.code == 2
        assert "unknown name 'beam.p'" in done.err
        assert "bare has no spectrometer 'beam_tracks'; " in done.err
        assert "more have" in done.err


def test_what_no_set_up_has_and_what_is_misspelt(folder):
    said = Elsewhere("na64e_lfc", ["ecal.energy", "hcal.energy"], folder / "bare" / "detector.yaml")
    assert said("nothing.x") is None
    assert said("ecal.enrgy") is None
    assert said("tcal.enrgy") == "na64e_lfc has no part 'tcal'; with_tcal has"
    assert said("tcal") == "na64e_lfc has no part 'tcal'; with_tcal has"
    assert said("ecal.x").startswith("na64e_lfc has no column 'ecal.x'; ")


def test_set_ups_that_cannot_be_read_are_passed_over_and_many_are_counted(folder):
    for i in range(6):
        (folder / f"s{i}").mkdir()
        (folder / f"s{i}" / "detector.yaml").write_text(WCAL.format(name=f"s{i}") if i < 5 else "parts: [")
    said = Elsewhere("na64e_lfc", [], folder / "bare" / "detector.yaml")("tcal.energy")
    assert said == "na64e_lfc has no part 'tcal'; s0, s1, s2, s3 and 2 more have"
