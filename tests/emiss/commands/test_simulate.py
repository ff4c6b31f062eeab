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


def test_damage_is_done(cli, tmp_path):
    done = cli("simulate", "beam", "--events", 40, "--damage", "sadc_wrong_event=2", "--out", tmp_path / "b.dat")
    assert done.code == 0, done.err
    done = cli("process", tmp_path / "b.dat", "--out", tmp_path / "o")
    ledger = json.loads((tmp_path / "o/cutflow.json").read_text())["samples"]["data"]["ledger"]
    assert ledger["damage"]["raw.sadc_wrong_event"]["events"] == 2
