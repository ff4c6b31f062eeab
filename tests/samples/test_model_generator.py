"""Samples of models: energy is kept, decays have their place and weight, rates are those of the model."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from pydantic import ValidationError

from emiss.configs.errors import UserError
from emiss.physics.processes.base import Beam
from emiss.reco.detector.model import load_detector
from emiss.samples.config import ModelProcess, load_sample
from emiss.samples.generators import generator_of
from emiss.samples.models import model_of, names
from emiss.samples.setup import SetUp
from emiss.samples.simulate import Simulation
from emiss.samples.targets import target_of
from emiss.samples.walk.tracks import ENERGY, PDG, ROW, TX, Z

PHOTONS = {"model": "alp", "mass": 0.02, "coupling": 1e-4, "threshold": 50.0, "channel": "gamma gamma"}


@cache
def set_up(name):
    return SetUp(load_detector(name))


def of(name, **process):
    sample = load_sample("signal").model_copy(update={"role": "control"}).with_detector(name)
    beam = sample.beam.model_copy(update={"divergence": 0.0})
    process = ModelProcess.model_validate({"kind": "model", **process})
    return sample.model_copy(update={"process": process, "beam": beam})


def products(name, events=1000, **process):
    generator = generator_of(of(name, **process), set_up(name))
    rng = np.random.default_rng(3)
    arrived = generator.beam(events, rng).tracks()
    arrived[:, Z] = generator.takes_over
    return generator, arrived, generator.products(arrived, rng)


CASES = [
    ("na64e_2018", {"model": "dark-photon", "mass": 0.01, "coupling": 1e-4, "threshold": 50.0}),
    ("na64e_2018", {**PHOTONS, "between": (2000.0, 6000.0)}),
    ("na64e_2018", {"model": "conversion", "mass": 1.777, "coupling": 0.1, "threshold": 20.0, "channel": "converted"}),
    (
        "na64e_2018",
        {"model": "inelastic", "mass": 0.1, "coupling": 1e-3, "threshold": 50.0, "channel": "chi chi e+ e-",
         "between": (500.0, 6000.0)},
    ),
    ("na64h_2022", {"model": "eta", "mass": 0.547862, "coupling": 1e-4, "threshold": 25.0}),
    ("na64mu_2022", {"model": "lmu-ltau", "mass": 0.1, "coupling": 1e-4, "threshold": 80.0}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "process"), CASES)
def test_a_model_keeps_the_energy(name, process):
    _, arrived, made = products(name, **process)
    tracks = made.tracks
    total = np.bincount(tracks[:, ROW].astype(int), tracks[:, ENERGY], minlength=len(arrived)) + sum(made.lost.values())
    np.testing.assert_allclose(total, arrived[:, ENERGY], rtol=1e-5)  # of hadrons the beam has the momentum
    assert np.all(made.truth["e_x"] > 0.0)
    assert np.all(made.truth["e_decaying"] <= made.truth["e_x"])


def test_the_rate_is_that_of_the_model_with_the_share_of_the_channel():
    process = {"model": "b-l", "mass": 0.05, "coupling": 1e-4, "threshold": 50.0}
    generator = generator_of(of("na64e_2018", **process), set_up("na64e_2018"))
    target, front = target_of(set_up("na64e_2018"))
    made = model_of("b-l").production(0.05, Beam(11, 100.0), target, threshold=50.0)
    assert generator.on_target(100) == pytest.approx(100 / (made.at(1e-4).sum() * 0.75), rel=1e-3)
    assert generator.takes_over == front


def test_forced_decays_have_the_weight_of_those_that_are_not():
    z = (1500.0, 4000.0)
    _, _, free = products("na64e_2018", 4000, **PHOTONS | {"coupling": 2e-3})
    inside = (free.truth["z_decay"] > z[0]) & (free.truth["z_decay"] < z[1])
    _, _, forced = products("na64e_2018", 4000, **PHOTONS | {"coupling": 2e-3}, between=z)
    assert np.all((forced.truth["z_decay"] >= z[0]) & (forced.truth["z_decay"] <= z[1]))
    error = forced.weight.std() / np.sqrt(4000) + np.sqrt(inside.mean() / 4000)
    assert forced.weight.mean() == pytest.approx(inside.mean(), abs=4 * error)
    at = np.sort(forced.tracks[forced.tracks[:, PDG] == 22][:, Z])
    np.testing.assert_allclose(at, np.sort(np.repeat(forced.truth["z_decay"], 2)))


def test_a_simulation_tells_the_truth_of_the_new_particle():
    simulation = Simulation(of("na64e_2018", **CASES[0][1]))
    batch, _ = next(iter(simulation.blocks(50)))
    made = batch.truth["e_x"] > 0.0  # not of electrons that have radiated too much before
    assert made.mean() > 0.5
    assert np.all(batch.truth["e_x"][made] >= 25.0)
    lost = batch.truth["e_lost"] - batch.truth["e_x"]
    assert np.all(lost > -1e-9)
    assert simulation.process["model"] == "dark-photon"
    assert "e_x" not in next(iter(Simulation(load_sample("beam")).blocks(1)))[0].truth


def test_another_part_may_be_the_target():
    process = {
        "model": "x17",
        "mass": 0.0167,
        "coupling": 3e-4,
        "threshold": 75.0,
        "channel": "e+ e-",
        "target": "wcal",
    }
    generator, _, made = products("na64e_visible_2018", **process, between=(-5400.0, 0.0))
    _, front = target_of(set_up("na64e_visible_2018"), "wcal")
    assert generator.takes_over == front
    assert front <= made.truth["z_x"].min() < made.truth["z_x"].max() < front + 300.0
    with pytest.raises(UserError, match="no part 'wcat'"):
        generator_of(of("na64e_visible_2018", **process | {"target": "wcat"}), set_up("na64e_visible_2018"))


def test_what_cannot_be_is_refused():
    with pytest.raises(UserError, match="no model 'dark'"):
        generator_of(of("na64e_2018", **CASES[0][1] | {"model": "dark"}), set_up("na64e_2018"))
    with pytest.raises(ValueError, match="give no alp"):
        generator_of(of("na64e_2018", **PHOTONS | {"channel": "e+ e-"}), set_up("na64e_2018"))
    with pytest.raises(ValueError, match="makes no shower"):
        generator_of(of("na64mu_2022", **PHOTONS), set_up("na64mu_2022"))
    with pytest.raises(ValidationError, match="in their order"):
        of("na64e_2018", **PHOTONS, between=(6.0, 5.0))
    with pytest.raises(ValidationError, match="have no place"):
        of("na64e_2018", **CASES[0][1], between=(5.0, 6.0))


def test_weights_are_not_for_raw_files(tmp_path):
    from emiss.samples.simulate import simulate

    sample = of("na64e_2018", **PHOTONS, between=(2000.0, 6000.0))
    with pytest.raises(UserError, match="'between', which needs them"):
        simulate(sample, tmp_path / "x.dat", events=1)


def test_samples_of_models_change_their_mass():
    assert of("na64e_2018", **PHOTONS).with_mass(0.05).process.mass == 0.05
    assert {"dark-photon", "alp", "eta"} <= set(names())


def test_mesons_that_are_seen_decay_where_they_are_made():
    process = {"model": "meson", "mass": 0.1349768, "coupling": 1e-4, "threshold": 25.0, "channel": "seen"}
    _, _, made = products("na64h_2022", 200, **process)
    np.testing.assert_allclose(made.truth["z_decay"], made.truth["z_x"])
    assert set(np.unique(made.tracks[:, PDG])) == {22}
    kaon = {**process, "parameters": {"meson": "K0L"}, "mass": 0.497611}
    with pytest.raises(ValueError, match="no 'K0L' by charge exchange"):
        products("na64h_2022", **kaon)
    with pytest.raises(ValueError, match="cannot be forced"):
        products("na64h_2022", **process, between=(1000.0, 2000.0))
    with pytest.raises(ValueError, match="no products of 'hadrons'"):
        products("na64e_2018", **CASES[0][1] | {"mass": 0.5, "channel": "hadrons"})


def test_muon_pairs_are_the_same_as_of_their_own_generator():
    process = {"model": "dimuon", "mass": 0.1, "coupling": 1.0, "threshold": 10.0, "channel": "mu+ mu-"}
    _, _, found = products("na64e_lfc", 6000, **process)
    sample = load_sample("dimuon")
    own = generator_of(
        sample.model_copy(
            update={
                "beam": sample.beam.model_copy(update={"divergence": 0.0}),
                "process": sample.process.model_copy(update={"threshold": process["threshold"]}),
            }
        ),
        set_up("na64e_lfc"),
    )
    rng = np.random.default_rng(5)
    arrived = own.beam(6000, rng).tracks()
    arrived[:, Z] = own.takes_over
    wanted = own.products(arrived, rng)
    for column in (ENERGY, Z, TX):
        one, two = (
            np.abs(made.tracks[np.abs(made.tracks[:, PDG]) == 13][:, column]).clip(max=100.0 if column != TX else 0.1)
            for made in (found, wanted)
        )
        assert len(one) == len(two)
        error = np.hypot(one.std(), two.std()) / np.sqrt(len(one))
        assert one.mean() == pytest.approx(two.mean(), abs=4.5 * error)
