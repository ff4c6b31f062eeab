"""``emiss simulate``: masses and damage from the command line."""

from __future__ import annotations

import json

import pytest
import uproot


def test_a_mass_of_the_command_line_travels_with_the_file(cli, tmp_path):
    done = cli("simulate", "signal", "--mass", "110MeV", "--events", 50, "--out", tmp_path / "s.root")
    assert done.code == 0, done.err
    with uproot.open(tmp_path / "s.root") as file:
        metadata = json.loads(str(file["emiss"]))
    assert metadata["sample"] == "signal_0.11GeV"
    assert metadata["process"]["m_phi"] == pytest.approx(0.11)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("beam", "--mass", "110MeV", "--out", "b.root"), "sample 'beam' is no signal"),
        (("signal", "--mass", "50MeV", "--events", "5", "--out", "b.root"), "m_phi must be above"),
        (("signal", "--mass", "300GeV", "--events", "5", "--out", "b.root"), "cannot be simulated"),
        (("signal", "--mass", "110", "--out", "b.root"), "--mass"),
        (("beam", "--damage", "bad_majic=1", "--out", "b.dat"), "did you mean 'bad_magic'"),
        (("beam", "--damage", "bad_magic", "--out", "b.dat"), "how many events?"),
        (("beam", "--damage", "bad_magic=1", "--out", "b.root"), "only raw files"),
        (("beam", "--damage", "bad_magic=99", "--events", "20", "--out", "b.dat"), "too few events"),
    ],
)
def test_mistakes(cli, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    done = cli("simulate", *arguments)
    assert done.code == 2
    assert said in done.err
    assert not list(tmp_path.iterdir())


def test_what_a_raw_file_stands_for_is_printed(cli, tmp_path):
    text = (
        "name: asking\nrole: background\nrun: 6150\nseed: 5\nevents: 20\ndetector: na64e_lfc\ncalib: demo\n"
        "beam: {energy: 100 GeV, size: 4 mm, divergence: 0.1 mrad, source: x}\n"
        "spill: {events: 250, start: 1660000000, period: 30 s, source: x}\n"
        "trigger: {require: physics}\nprocess: {kind: beam}\n"
    )
    (tmp_path / "asking.yaml").write_text(text)
    made = {
        suffix: cli("simulate", tmp_path / "asking.yaml", "--out", tmp_path / f"a.{suffix}")
        for suffix in ("dat", "root")
    }
    with uproot.open(tmp_path / "a.root") as file:
        drawn = json.loads(str(file["emiss"]))["generated"]
    assert drawn > 40
    for done in made.values():
        assert f"{drawn} events were drawn for 20" in done.out + done.err
    assert f"on_target: {drawn} (for the run list" in made["dat"].out + made["dat"].err
    assert "on_target" not in made["root"].out + made["root"].err
    (tmp_path / "asking.yaml").write_text(text + "digitisation: {hot: 'ECAL3*'}\n")
    done = cli("check", tmp_path / "asking.yaml")
    assert done.code == 2
    assert "has no channel 'ECAL3*'" in done.err


def test_damage_is_done(cli, tmp_path):
    done = cli("simulate", "beam", "--events", 40, "--damage", "sadc_wrong_event=2", "--out", tmp_path / "b.dat")
    assert done.code == 0, done.err
    done = cli("process", tmp_path / "b.dat", "--out", tmp_path / "o")
    ledger = json.loads((tmp_path / "o/cutflow.json").read_text())["samples"]["data"]["ledger"]
    assert ledger["damage"]["raw.sadc_wrong_event"]["events"] == 2
