"""A set-up of one's own: made, changed, simulated, reconstructed and cut with nothing but files."""

from __future__ import annotations

import numpy as np
import pytest

from emiss import reco
from emiss.calib.conditions import Conditions
from emiss.configs.errors import UserError
from emiss.samples.config import load_sample
from emiss.samples.setup import SetUp
from emiss.samples.simulate import simulate
from emiss.setups.constants import values
from emiss.setups.new import new, profiles, wire
from emiss.setups.profiles import PROFILES

PARTS = """
parts:
  air9: null
  door:
    kind: counter
    elements: {DOOR: {z: -0.4 m, width: 120 mm, height: 120 mm}}
    mip: 0.5 MeV
    threshold: 0.15 MeV
    source: a test
  wing:
    kind: modules
    elements: {WING0: {x: 0.6 m, angle: -0.2}}
    z: -0.6 m
    width: 240 mm
    height: 240 mm
    depth: 400 mm
    matter: {lead: 180 mm, scintillator: 200 mm}
    mip: 0.4 GeV
    threshold: 30 MeV
    source: a test
"""


@pytest.fixture
def own(tmp_path):
    folder = tmp_path / "own"
    new(folder, "na64e_2023", "9900-9999")
    return folder


def made(folder, events=60):
    sample = load_sample(folder / "beam.yaml")
    run = reco.open(simulate(sample, folder.parent / "run.dat", events=events), detector=folder)
    return reco.process(run)


def test_at_once(own):
    table = made(own)
    assert len(table) == 60
    assert set(table["event.run"].tolist()) == {9900}
    assert np.median(table["ecal.energy"]) == pytest.approx(99.0, rel=0.03)
    assert (table["beam.n"] == 1).mean() > 0.9


def test_with_parts_of_its_own(own, tmp_path, cli, undrawn):
    file = own / "detector.yaml"
    file.write_text(file.read_text() + PARTS)
    before = (own / "calib" / "sadc.txt").read_text()
    added = [path.name for path in wire(str(own), "9900-9999") if path.parent.name == "calib"]
    assert added == ["added-9900-1.txt"]
    assert (own / "calib" / "sadc.txt").read_text() == before
    assert not [path for path in wire(str(own), "9900-9999") if path.parent.name == "calib"]
    table = made(own)
    assert np.median(table["door.energy"]) == pytest.approx(0.5e-3, rel=0.3)
    assert table["wing.energy"].shape == (60, 1)
    (tmp_path / "cuts.yaml").write_text(
        "analysis: mine\ncuts:\n  - {name: door, require: \"door.energy['DOOR'] > 0.1 MeV\"}\n"
        "  - {name: wing, require: \"wing.energy['WING0'] < 1 GeV\"}\nweights: {nominal: weight}\n"
    )
    options = ("--detector", own, "--analysis", tmp_path / "cuts.yaml", "--out", tmp_path / "out", "--quiet")
    assert cli("process", tmp_path / "run.dat", *options).code == 0


def test_constants_are_all_there(own):
    from emiss.reco.detector.model import load_detector

    detector = load_detector(own)
    conditions = Conditions.load(own / "calib")
    for kind, rows in values(detector).items():
        names = [name for name in rows if name != "*"] or ["any"]
        conditions.for_run(9950).get(kind, names)
    with pytest.raises(UserError, match="no table of type"):
        conditions.for_run(8000).get("sadc.gain", ["S0.0.0"])


def test_one_that_extends_a_path(own, tmp_path, cli):
    new(tmp_path / "deep" / "other", str(own), "1-2")
    assert cli("check", tmp_path / "deep" / "other").code == 0
    assert "extends: ../../own/detector.yaml" in (tmp_path / "deep" / "other" / "detector.yaml").read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("new", "own"), "exists already"),
        (("new", "other", "--from", "na64e_2032"), "did you mean 'na64e_20"),
        (("new", "other", "--runs", "9-1"), "--runs 9-1"),
        (("new", "a b*"), "cannot be the name of a file"),
        (("wire", "na64e_2023"), "ships with emiss"),
        (("draw", "na64e_2023", "--out", "x.gif"), "a drawing is no '.gif'"),
    ],
)
def test_what_is_refused(own, cli, monkeypatch, arguments, says):
    monkeypatch.chdir(own.parent)
    done = cli("setup", *arguments)
    assert done.code == 2
    assert says in done.err
    assert sorted(path.name for path in own.parent.iterdir()) == ["own"]


def test_a_run_without_maps_says_how_to_make_some(tmp_path, cli):
    done = cli("simulate", "beam", "--run", 9900, "--events", 3, "--out", tmp_path / "x.dat")
    assert done.code == 2
    assert "no table" in done.err or "emiss setup new" in done.err


def test_a_sample_that_ships_in_another_set_up(tmp_path, cli):
    done = cli("simulate", "beam", "--detector", "na64e_visible_2018", "--events", 20, "--out", tmp_path / "x.dat")
    assert done.code == 0, done.err
    table = reco.process(reco.open(tmp_path / "x.dat", detector="na64e_visible_2018"))
    # in the WCAL, not in the ECAL behind it
    assert np.sum(table["wcal.energy"], axis=1).mean() == pytest.approx(145.0, rel=0.08)


@pytest.mark.parametrize(
    ("name", "target"),
    [("na64e_2023", "ecal"), ("na64e_visible_2017", "ecal"), ("ldmx_like", "ecal"), ("na64e_lfc", "ecal")],
)
def test_the_beam_showers_in_the_target(name, target):
    from emiss.reco.detector.model import load_detector

    detector = load_detector(name)
    assert SetUp(detector).target_name == target
    unsaid = detector.model_copy(update={"target": None})
    assert SetUp(unsaid).target_name == target  # the beam goes through the hole of the grids before it


def test_a_target_that_is_none(tmp_path):
    from emiss.reco.detector.model import load_detector

    file = tmp_path / "detector.yaml"
    file.write_text("extends: na64e_2023\ntarget: hcal\n")
    with pytest.raises(UserError, match=r"no part of the kind 'grid' 'hcal'.*") as told:
        load_detector(file)
    assert (told.value.at.line, told.value.at.column) == (2, 9)


def test_a_library_of_profiles_comes_along_and_is_made_again(own, monkeypatch):
    monkeypatch.setattr("emiss.setups.profiles.ELECTRONS", 300)
    first = (own / "calib" / PROFILES).read_text()
    assert "runs = 9900-9999" in first
    detector = own / "detector.yaml"
    detector.write_text(detector.read_text() + "parts: {ecal: {library: {energies: [30 GeV, 90 GeV]}}}\n")
    with pytest.raises(UserError, match=r"no ecal\.profile mean0 for channel 'E30\.0\.0' and 29 more"):
        made(own)
    said = []
    assert profiles(own, "9900-9999", said.append) == own / "calib" / PROFILES
    assert said == ["ecal: 300 electrons of 30 GeV", "ecal: 300 electrons of 90 GeV"]
    table = made(own)
    assert np.nanmedian(table["ecal.profile_chi2"]) < 6


def test_profiles_need_a_set_up_that_wants_them(tmp_path):
    new(tmp_path / "lfc", "na64e_lfc", "9900-9999")
    with pytest.raises(UserError, match="no calorimeter of the set-up lfc has a 'library'"):
        profiles(tmp_path / "lfc", "9900-9999", print)
