"""``emiss fit``: the candidates of an event, with and without iminuit."""

from __future__ import annotations

import json

import pytest

from emiss.samples.config import load_sample
from emiss.samples.simulate import simulate


@pytest.fixture(scope="module")
def run_file(tmp_path_factory):
    return simulate(load_sample("muon_160"), tmp_path_factory.mktemp("fit") / "muons.dat", events=20)


def test_explained_with_iminuit_and_drawn(cli, run_file, tmp_path):
    options = ("--event", 3, "--detector", "na64e_beam")
    done = cli("fit", "--explain", run_file, *options, "--out", tmp_path / "fit.png")
    assert done.code == 0, done.err
    for said in ("tracks 0: ok", "beam_tracks 0: ok", "iminuit", "q/p, e/TeV", "-19.200", "written: "):
        assert said in done.out
    assert (tmp_path / "fit.png").read_bytes().startswith(b"\x89PNG")
    told = json.loads(cli("fit", "--explain", run_file, *options, "--json").out)
    assert {one["collection"] for one in told} == {"tracks", "beam_tracks"}
    for one in told:
        assert one["status"] == "ok"
        assert one["iminuit"]["valid"]
        assert max(abs(off) for off in one["iminuit"]["off"].values() if off is not None) < 0.01
        assert one["p"] == pytest.approx(160.0, rel=0.4)
        assert ("HCAL0" in one["at"]) == (one["collection"] == "tracks")
        assert abs(one["at"]["ecal"]["x"]) < 20 + 5 * one["at"]["ecal"]["sigma_x"]
        assert len(one["residuals"]) == len(one["z"]) == 4


def test_without_explain_there_is_the_fit_alone(cli, run_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = cli("fit", run_file, "--event", 3, "--detector", "na64e_beam")
    assert done.code == 0, done.err
    assert "tracks 0: ok" in done.out
    assert "iminuit" not in done.out
    assert not list(tmp_path.iterdir())


def test_events_that_are_not_there(cli, run_file, run_files):
    done = cli("fit", run_file, "--event", 99, "--detector", "na64e_beam")
    assert (done.code, "no entry 99" in done.err) == (2, True)
    done = cli("fit", run_file, "--event", 0, "--detector", "na64e_beam")
    assert (done.code, "no physics event (start_of_run)" in done.err) == (2, True)
    done = cli("fit", "--explain", run_files["beam.root"], "--event", 0)
    assert (done.code, done.out.strip()) == (0, "no track candidates in this event")


def test_a_straight_track_has_no_momentum_to_print(cli, tmp_path):
    file = tmp_path / "detector.yaml"
    file.write_text("extends: na64e_lfc\nparts: {MBPL: {by: 0 T}}\n")
    sample = load_sample("muon").model_copy(update={"detector": str(file)})
    run_file = simulate(sample, tmp_path / "straight.root", events=3)
    done = cli("fit", run_file, "--event", 1, "--detector", file)
    assert done.code == 0, done.err
    assert "tracks 0: ok, straight, chi2" in done.out
    assert "nan" not in done.out
    row = next(line.split() for line in done.out.splitlines() if "q/p, e/TeV" in line)
    assert row == ["q/p,", "e/TeV", "-", "-"]
