"""The samples: reproducible events, conserved energy, the detector numbers as put in."""

from __future__ import annotations

import numpy as np
import pytest

from emiss.configs.errors import UserError
from emiss.reco.readers.simulated import SimulatedRunFile
from emiss.samples.config import load_sample
from emiss.samples.muon_state import MuonState
from emiss.samples.simulate import Simulation, simulate

NAMES = ("signal", "dimuon", "pion_decay", "kaon_decay", "beam", "muon")


@pytest.fixture(scope="module")
def batches():
    return {name: next(iter(Simulation(load_sample(name)).blocks(1000)))[0] for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_energy_is_conserved(batches, name):
    truth = batches[name].truth
    total = truth["e_ecal"] + truth["e_lost"] + truth["e_mu"] + truth["e_mu2"]
    np.testing.assert_allclose(total, truth["e_beam"], rtol=1e-9)


def test_the_same_seed_gives_the_same_events_in_any_number(tmp_path, detector):
    sample = load_sample("dimuon")
    short = next(iter(Simulation(sample).blocks(100)))[0]
    long = next(iter(Simulation(sample).blocks(1000)))[0]
    np.testing.assert_array_equal(short.cells["energy"], long.cells.slice(0, 100)["energy"])
    np.testing.assert_array_equal(short.points["position"], long.points.slice(0, 100)["position"])
    other = next(iter(Simulation(sample, seed=1).blocks(100)))[0]
    assert not np.array_equal(short.truth["e_mu"], other.truth["e_mu"])
    a = simulate(sample, tmp_path / "a.dat", events=50).read_bytes()
    assert a == simulate(sample, tmp_path / "b.dat", events=50).read_bytes()


def test_a_hits_file_passes_its_check_and_says_what_it_is(run_files, detector):
    file = SimulatedRunFile(run_files["signal.root"], detector)
    file.check()
    assert file.metadata["sample"] == "signal"
    assert file.on_target > 1e12
    assert (file.process["kind"], file.process["m_phi"], file.process["beam_energy"]) == ("signal", 0.3, 100.0)
    assert file.process["per_electron"] == pytest.approx(300 / file.on_target)
    assert len(file.index()) == 300


def test_a_hits_file_of_another_detector_is_refused(run_files, detector):
    file = SimulatedRunFile(run_files["signal.root"], detector)
    file.metadata["channels"][3] = "WCAL0.0.0"
    with pytest.raises(UserError, match=r"has no channel 'WCAL0\.0\.0'"):
        file.check()


def test_the_ecal_resolution_is_what_was_put_in(detector):
    from emiss.samples.shower import measured_energy

    rng = np.random.default_rng(3)
    for energy in (20.0, 50.0, 100.0, 150.0):
        measured = measured_energy(detector.parts["ecal"].shower, np.full(20000, energy), rng)
        expected = energy * np.hypot(0.10 / np.sqrt(energy), 0.03)
        assert measured.mean() == pytest.approx(energy, rel=0.002)
        assert measured.std() == pytest.approx(expected, rel=0.03)


def test_muons_that_left_a_side_are_downstream_and_did_not_exit(detector, setup):
    from emiss.samples.absorber import behind, through_calorimeters
    from emiss.samples.config import Response

    # straight lines of 100 GeV from the ECAL: to the middle of the back face, out of a side, just inside and just outside
    last = detector.volumes["HCAL2"]
    end, half = last.z + last.depth, 0.5 * last.width
    tx = np.array([0.0, 0.3, 0.98 * half / end, 1.02 * half / end, 0.0])
    count = len(tx)
    energy = np.array([100.0, 100.0, 100.0, 100.0, 0.25])  # the last one stops
    zeros = np.zeros(count)
    muons = MuonState(np.arange(count), np.ones(count), energy, *(zeros.copy() for _ in range(3)), tx, zeros.copy(),
                      np.ones(count, np.bool_))  # fmt: skip
    left = np.zeros((count, len(detector.channels)))
    through_calorimeters(muons, setup, Response(), left, np.random.default_rng(1))
    downstream, exited = behind(muons, setup)
    assert downstream.tolist() == [True, True, True, True, False]
    assert exited.tolist() == [True, False, True, False, False]


def test_more_muons_are_downstream_than_exit(batches):
    truth = batches["dimuon"].truth
    assert (truth["n_mu_spec"] <= truth["n_mu_downstream"]).all()
    assert (truth["n_mu_exit"] <= truth["n_mu_downstream"]).all()
    assert (truth["n_mu_downstream"] <= truth["n_mu"]).all()
    soft = truth["e_mu"] < 8.0  # what crosses all modules loses 5 to 7 GeV
    assert truth["n_mu_exit"][soft].sum() < 0.3 * truth["n_mu_downstream"][soft].sum()


def test_one_muon_leaves_one_mip_in_every_module(batches, detector):
    batch = batches["pion_decay"]
    out = batch.truth["n_mu_exit"] == 1
    for name in detector.parts["hcal"].names():
        numbers = detector.numbers(name)
        rows = np.isin(batch.cells["channel"], numbers)
        energy = np.bincount(batch.cells.parents[rows], batch.cells["energy"][rows], len(batch))[out]
        assert np.median(energy) == pytest.approx(2.5, rel=0.05)
        assert energy[energy > 1].std() / 2.5 == pytest.approx(0.15, abs=0.03)


def test_weights_are_the_share_of_the_region(batches):
    weight = batches["signal"].header["weight"]
    assert 0.0 < weight.min() == weight.max() < 1.0  # one weight, so that raw files of weight 1 have the same spectra
    for name in ("dimuon", "beam"):
        assert (batches[name].header["weight"] == 1.0).all()


def test_a_wrong_sample_file(tmp_path):
    (tmp_path / "s.yaml").write_text("name: x\nroll: signal\n")
    with pytest.raises(UserError, match=r"s\.yaml:2:1: unknown key 'roll'.*did you mean 'role'"):
        load_sample(tmp_path / "s.yaml")
    with pytest.raises(UserError, match=r"'\.dat' \(raw\) or '\.root' \(hits\)"):
        simulate(load_sample("beam"), tmp_path / "x.txt", events=1)
