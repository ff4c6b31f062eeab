"""Synchrotron light on its way: energy, places, attenuation, and what the modules that have places see."""

from __future__ import annotations

import numpy as np
import pytest

from emiss.physics.passage import synchrotron
from emiss.physics.shower.photons import GRID
from emiss.reco.detector.model import load_detector
from emiss.samples.config import Response, load_sample
from emiss.samples.response import Draws
from emiss.samples.simulate import Simulation
from emiss.samples.walk.light_kernels import CONVERTS, GONE, STAYED, shine
from emiss.samples.walk.tracks import ENERGY, PHOTON, TX, X, tracks
from emiss.samples.walk.walking import LOST, Passage, Walk

COUNT = 4000


@pytest.fixture(scope="module")
def walk():
    return Walk(load_detector("na64e_2018"), Response(), {}, {})


def _draws():
    return Draws(np.random.default_rng(1), np.random.default_rng(2))


@pytest.mark.parametrize("name", ["na64e_2023", "na64e_visible_2018", "na64h_2022"])
def test_all_energy_is_booked_in_set_ups_with_light_and_matter_upstream(name):
    response = Simulation(load_sample("beam").with_detector(name)).response
    passed = response.passage(200, _draws())
    seen = passed.passage.seen
    total = seen.deposited.sum(axis=1) + seen.leaked.sum(axis=1) + seen.lost.sum(axis=1)
    np.testing.assert_allclose(total, passed.began, rtol=1e-9)
    light = seen.lost[:, LOST.index("synchrotron light")]
    assert (light > 0).all() if abs(passed.beam.pdg[0]) == 11 else not light.any()


def test_electrons_come_to_the_target_as_the_beam_says(walk):
    there = tracks({"row": np.arange(COUNT), "pdg": 11, "energy": 100.0}, COUNT)
    began = walk.from_the_beginning(there, 0.0)
    number, mean = synchrotron.expected(100.0, 1.7, 4000.0)
    assert began[:, ENERGY].mean() == pytest.approx(100.0 + number * mean, abs=0.005)
    passage = Passage(walk.nothing(COUNT))
    came = walk.move(began, 0.0, passage, np.random.default_rng(3))
    error = came[:, ENERGY].std() / np.sqrt(COUNT)
    assert came[:, ENERGY].mean() == pytest.approx(100.0, abs=4 * error)
    assert came[:, X].mean() == pytest.approx(0.0, abs=0.05)  # of a bend of 280 mm
    assert came[:, TX].mean() == pytest.approx(0.0, abs=5e-6)


def test_photons_are_attenuated_in_a_module_and_gone_beside_it(walk):
    world = walk.world
    srd = walk.detector.volumes["SRD0"]
    x = np.where(np.arange(COUNT) % 2, srd.x, srd.x + 400.0)
    photons = tracks({"row": np.arange(COUNT), "pdg": PHOTON, "energy": 3e-3, "x": x, "z": srd.z - 5.0}, COUNT)
    seen, fate = walk.nothing(COUNT), np.empty(COUNT, np.int64)
    first = int(np.searchsorted(world.z, srd.z - 1.0))
    slabs = np.flatnonzero((world.z == srd.z) & (np.abs(world.x - srd.x) < 1.0))
    last = int(slabs[0]) + 1
    only = world[:last]
    shine(only, walk.tables.showers, first, photons, seen, np.random.default_rng(4), fate)
    m = world.mixture[slabs[0]]
    rate = np.exp(-srd.depth * np.interp(np.log(3e-3), np.log(GRID), walk.tables.showers.absorption[m]))
    through = np.mean(fate[1::2] == GONE)
    assert through == pytest.approx(rate, abs=4 * np.sqrt(rate / (COUNT / 2)))
    assert (fate[::2] == GONE).all()
    stayed = fate == STAYED
    np.testing.assert_allclose(seen.deposited.sum(axis=1)[stayed], 3e-3)
    visible = seen.visible[:, walk.detector.numbers("SRD0")].sum(axis=1)[stayed]
    assert visible.mean() == pytest.approx(3e-3, rel=0.05)
    assert visible.std() == pytest.approx(world.stochastic[slabs[0]] * np.sqrt(3e-3), rel=0.1)
    assert not (fate == CONVERTS).any()


def test_each_module_of_lead_and_scintillator_sees_its_part_of_the_fan():
    simulation = Simulation(load_sample("beam").with_detector("na64e_2018"))
    assert simulation.setup.lit
    hits = simulation.response.passage(500, _draws())
    visible = hits.passage.seen.visible[:, simulation.detector.part_numbers("srd")]
    # 60 mm of a fan of 280 mm, of 148 MeV; a half is stopped in 2.7 radiation lengths
    assert np.all((visible.mean(axis=0) > 0.008) & (visible.mean(axis=0) < 0.025))
    assert np.all(np.mean(visible > 1e-3, axis=0) > 0.85)


@pytest.mark.parametrize(("name", "most"), [("na64e_2022", 0.06), ("na64e_visible_2018", 0.15)])
def test_the_fan_does_not_come_to_the_veto(name, most):
    simulation = Simulation(load_sample("beam").with_detector(name))
    passed = simulation.response.passage(300, _draws())
    detector = simulation.setup.detector
    panels = passed.passage.seen.visible[:, detector.part_numbers("veto")].reshape(300, 3, 2)
    beside = 0.5 * panels.sum(axis=2)[:, 0]
    # without what stands behind the modules, 11 % at 100 GeV and 70 % at 150 GeV
    assert np.mean(beside > 0.9 * 10.5e-3) < most


def test_a_random_trigger_has_no_particle():
    simulation = Simulation(load_sample("random"))
    hits = simulation.response.hits(300, _draws())
    alone = hits.truth["n_beam"] == 1
    assert 0.5 < alone.mean() < 0.8  # no pile-up: exp(-0.42)
    assert (hits.truth["pdg"] == 0).all()
    assert hits.cells.counts[alone].max() == 0
    assert (hits.trigger & 2 == 2).all()


def test_plates_of_the_file_are_those_of_the_walk(walk):
    for part, thickness in {"ecal": 1.5, "hcal": 4.0, "srd": 0.8}.items():
        slabs = walk.world.part == walk.parts.index(part)
        mixture = walk.world.mixture[slabs]
        np.testing.assert_allclose(walk.mixtures.plate[mixture], thickness)
