"""The samples: reproducible events, conserved energy, the detector numbers as put in."""

from __future__ import annotations

import numpy as np
import pytest

from emiss.configs.errors import UserError
from emiss.reco.detector.model import load_detector
from emiss.reco.readers.simulated import SimulatedRunFile
from emiss.samples.config import Response, load_sample
from emiss.samples.response import END, Draws
from emiss.samples.simulate import Simulation, simulate
from emiss.samples.walk.stations import Came
from emiss.samples.walk.tracks import ROW, X, tracks
from emiss.samples.walk.walking import Passage, Walk

NAMES = ("signal", "dimuon", "pion_decay", "kaon_decay", "beam", "muon")


@pytest.fixture(scope="module")
def batches():
    return {name: next(iter(Simulation(load_sample(name)).blocks(1000)))[0] for name in NAMES}


@pytest.mark.parametrize("name", [*NAMES, "muon_160", "beam_track"])
def test_all_energy_is_booked(name):
    """Deposited, leaked and lost: what a beam particle has, to rounding, event by event."""
    simulation = Simulation(load_sample(name))
    passed = simulation.response.passage(300, Draws(np.random.default_rng(1), np.random.default_rng(2)))
    seen = passed.passage.seen
    total = seen.deposited.sum(axis=1) + seen.leaked.sum(axis=1) + seen.lost.sum(axis=1)
    np.testing.assert_allclose(total, passed.began, rtol=1e-9)
    assert (seen.deposited >= 0).all()


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


def _shot(simulation, pdg, energy, seed=1, **places):
    """Return what particles do that begin before the ECAL, and the walk."""
    walk = simulation.response.walk
    count = len(energy)
    made = tracks({"row": np.arange(count), "pdg": pdg, "energy": energy, "z": -50.0, "id": 0, **places}, count)
    passage = Passage(walk.nothing(count))
    left = walk.run(made, walk.line, passage, Came.together(count), np.random.default_rng(seed))
    walk.leave(left, passage)
    return passage, walk


@pytest.mark.parametrize("energy", [20.0, 100.0])
def test_the_ecal_resolution_is_what_was_put_in(detector, energy):
    passage, _ = _shot(Simulation(load_sample("beam")), 11, np.full(3000, energy))
    seen = passage.seen.visible[:, detector.part_numbers("ecal")].sum(axis=1)
    assert np.median(seen) == pytest.approx(energy, rel=0.01)
    low, high = np.quantile(seen, [0.16, 0.84])
    assert 0.5 * (high - low) == pytest.approx(energy * np.hypot(0.10 / np.sqrt(energy), 0.03), rel=0.08)


def test_muons_that_left_a_side_are_downstream_and_did_not_exit(detector):
    # straight lines of 150 GeV from the ECAL: to the middle of the back face, out of a side, well inside and well outside
    last = detector.volumes["HCAL2"]
    end, half = last.z + last.depth + 50.0, 0.5 * last.width
    tx = np.array([0.0, 0.3, 0.9 * half / end, 1.1 * half / end, 0.0])
    energy = np.array([150.0, 150.0, 150.0, 150.0, 0.25])  # the last one stops
    simulation = Simulation(load_sample("beam"))
    passage, _ = _shot(simulation, 13, energy, tx=tx)
    behind = passage.marked[END]
    assert sorted(behind[:, ROW].tolist()) == [0, 1, 2, 3]
    out = np.abs(behind[np.argsort(behind[:, ROW]), X]) < half
    assert out.tolist() == [True, False, True, False]


def test_more_muons_are_downstream_than_exit(batches):
    truth = batches["dimuon"].truth
    assert (truth["n_mu_spec"] <= truth["n_mu_downstream"]).all()
    assert (truth["n_mu_exit"] <= truth["n_mu_downstream"]).all()
    soft = truth["e_mu"] < 8.0  # what crosses all modules loses 5 to 7 GeV
    assert truth["n_mu_exit"][soft].sum() < 0.5 * truth["n_mu_downstream"][soft].sum()


def test_one_muon_most_probably_leaves_one_mip_in_every_module(detector):
    passage, _ = _shot(Simulation(load_sample("beam")), 13, np.full(4000, 50.0))
    for name in detector.parts["hcal"].names():
        energy = passage.seen.visible[:, detector.numbers(name)].sum(axis=1)
        count, edges = np.histogram(energy, 40, (1.5, 4.5))
        assert edges[count.argmax()] == pytest.approx(2.5, abs=0.25)
        assert 0.02 < np.mean(energy > 1.5 * 2.5) < 0.2  # Landau's tail, and radiation


def test_weights_are_the_share_of_what_is_drawn(batches):
    weight = batches["signal"].header["weight"]
    assert (
        weight.min() == weight.max() == pytest.approx(1.0, abs=1e-4)
    )  # one weight: raw files of weight 1 have the same spectra
    for name in ("dimuon", "beam"):
        assert (batches[name].header["weight"] == 1.0).all()


def test_a_wrong_sample_file(tmp_path):
    (tmp_path / "s.yaml").write_text("name: x\nroll: signal\n")
    with pytest.raises(UserError, match=r"s\.yaml:2:1: unknown key 'roll'.*did you mean 'role'"):
        load_sample(tmp_path / "s.yaml")
    with pytest.raises(UserError, match=r"'\.dat' \(raw\) or '\.root' \(hits\)"):
        simulate(load_sample("beam"), tmp_path / "x.txt", events=1)


def test_events_that_are_drawn_more_often_carry_their_weights_and_not_into_raw_files(tmp_path):
    sample = load_sample("signal_weighted")
    batch = next(iter(Simulation(sample).blocks(1000)))[0]
    weight = batch.header["weight"]
    share = sample.process.importance.share
    assert weight.max() == pytest.approx(1.0 / (1.0 - share), rel=1e-3)
    assert weight.min() < 0.7
    assert weight.mean() == pytest.approx(1.0, abs=0.1)
    seen = (batch.truth["e_mu"] > 10.0) & (batch.truth["theta_mu"] < 0.025)
    assert (weight[seen] == weight.min()).all()
    with pytest.raises(UserError, match="raw files hold no weights: sample 'signal_weighted' has 'importance'"):
        simulate(sample, tmp_path / "s.dat", events=1)
    assert not (tmp_path / "s.dat").exists()


@pytest.mark.parametrize(
    ("pdg", "energy", "least"), [(11, 4.0, 1.0), (13, 4.0, 0.1), (-211, 20.0, 1.0), (2112, 20.0, 1.0)]
)
def test_a_layer_is_reached_past_a_slab_beside_it(pdg, energy, least):
    # the frame around the ECAL of ldmx_like begins beside it: a slab that is missed stands between the layers
    detector = load_detector("ldmx_like")
    walk = Walk(detector, Response(), {}, {})
    made = tracks({"row": np.arange(100), "pdg": pdg, "energy": energy, "z": -50.0, "id": 0}, 100)
    passage = Passage(walk.nothing(100))
    walk.leave(walk.run(made, walk.line, passage, Came.together(100), np.random.default_rng(1)), passage)
    layers = [passage.seen.visible[:, detector.numbers(layer)].sum() / 100 for layer in detector.parts["ecal"].layers]
    assert layers[1] > least
