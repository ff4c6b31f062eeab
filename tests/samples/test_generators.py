"""The generators: kinematics that close, rates with their factors, blocks that do not depend on how many are asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from emiss.physics import constants
from emiss.physics.passage.decays import decay_probability
from emiss.samples.config import load_sample
from emiss.samples.generators import generator_of
from emiss.samples.simulate import BLOCK, Simulation
from emiss.samples.walk.tracks import ENERGY, ID, MUON, MUON_MASS, PDG, ROW, TX, TY, Z


class Made:
    """What a process makes of a parallel beam that has come to it without loss."""

    def __init__(self, setup, name, events=2000):
        self.sample = load_sample(name)
        beam = self.sample.beam.model_copy(update={"divergence": 0.0})
        self.generator = generator_of(self.sample.model_copy(update={"beam": beam}), setup)
        rng = np.random.default_rng(8)
        self.arrived = self.generator.beam(events, rng).tracks()
        self.arrived[:, Z] = self.generator.takes_over
        self.products = self.generator.products(self.arrived, rng)
        tracks = self.products.tracks
        self.muons = tracks[np.abs(tracks[:, PDG]) == MUON]
        self.muons = self.muons[np.argsort(self.muons[:, ROW], kind="stable")]
        self.energy = self.muons[:, ENERGY]
        self.angle = np.arctan(np.hypot(self.muons[:, TX], self.muons[:, TY]))


@pytest.mark.parametrize("name", ["signal", "dimuon", "pion_decay", "kaon_decay"])
def test_a_process_keeps_the_energy(setup, name):
    made = Made(setup, name)
    tracks, lost = made.products.tracks, made.products.lost
    total = np.bincount(tracks[:, ROW].astype(int), tracks[:, ENERGY]) + sum(lost.values())
    np.testing.assert_allclose(total, made.arrived[:, ENERGY], rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "mass", "lifetime"),
    [
        ("pion_decay", constants.PION_MASS, constants.PION_LIFETIME),
        ("kaon_decay", constants.KAON_MASS, constants.KAON_LIFETIME),
    ],
)
def test_the_neutrino_of_a_decay_has_no_mass(setup, name, mass, lifetime):
    made = Made(setup, name)
    energy = made.arrived[:, ENERGY]
    p = np.sqrt(made.energy**2 - MUON_MASS**2)
    hadron = np.sqrt(energy**2 - mass**2)
    along, across = hadron - p * np.cos(made.angle), p * np.sin(made.angle)
    np.testing.assert_allclose(made.products.lost["neutrino"] ** 2 - along**2 - across**2, 0.0, atol=1e-6)
    # flat in energy between the kinematic limits of a two-body decay
    low = (MUON_MASS / mass) ** 2 * energy[0]
    assert made.energy.min() == pytest.approx(low, rel=0.02)
    assert made.energy.max() == pytest.approx(energy[0], rel=0.01)
    assert made.energy.mean() == pytest.approx(0.5 * (low + energy[0]), rel=0.02)
    length = setup.target.z - setup.decays_from
    assert setup.decays_from <= made.muons[:, Z].min() < made.muons[:, Z].max() <= setup.target.z
    # the published probability is rounded to two digits
    computed = decay_probability(made.sample.beam.energy, mass, lifetime, length)
    assert made.sample.process.decay_probability == pytest.approx(computed, rel=0.06)


def test_the_rate_of_decays_is_the_product_of_its_factors(setup):
    pion, kaon = (load_sample(name) for name in ("pion_decay", "kaon_decay"))
    assert pion.process.rate == pytest.approx(1e-2 * 2e-5 * 4e-4 * 0.999877)
    assert kaon.process.rate == pytest.approx(1e-2 * 3e-2 * 2e-5 * 3.2e-3 * 0.6356)
    assert generator_of(pion, setup).on_target(1000) == pytest.approx(1000 / pion.process.rate)


def test_the_muons_of_the_signal_stay_in_the_region(setup):
    made = Made(setup, "signal")
    process = made.sample.process
    assert made.energy.min() >= process.min_muon_energy
    assert made.angle.max() <= process.max_angle * (1 + 1e-9)
    assert made.products.emission.min() >= process.threshold
    assert (made.products.lost["invisible"] >= process.m_phi).all()
    assert 0 < made.generator.weight < 1


def test_the_signal_of_the_region_is_the_weighted_signal_of_the_whole(setup):
    """Against electrons of the whole yield, each with the share of its own cross section."""
    from emiss.physics.emission import yields

    made = Made(setup, "signal", 20000)
    process, weight = made.sample.process, made.generator.weight
    made_in_all = yields.emission(process.m_phi, coupling=1.0, primary=100.0, threshold=process.threshold)
    electron, _ = made_in_all.sample(20000, np.random.default_rng(9))
    share = made.generator._sampler.weight(electron)
    assert weight == pytest.approx(share.mean(), rel=0.02)
    bins = np.linspace(20, 100, 9)
    expected, _ = np.histogram(electron, bins, weights=share)
    found = weight * np.histogram(made.products.emission, bins)[0]
    np.testing.assert_allclose(found, expected, rtol=0.1, atol=0.05 * expected.max())


def test_the_demo_states_what_the_generator_makes(setup):
    text = (Path(__file__).parents[2] / "configs/runs/demo_full.yaml").read_text(encoding="utf-8")
    stated = float(yaml.safe_load(text)["samples"]["signal"]["on_target"])
    generator = generator_of(load_sample("signal"), setup)
    # 500 raw events, which have no weights, and 20000 with theirs
    assert stated == pytest.approx(generator.on_target(500) / generator.weight + generator.on_target(20000), rel=1e-4)


@pytest.mark.parametrize(("name", "low", "high"), [("signal", 0.5, 0.9), ("dimuon", 3.5, 5.0)])
def test_muons_are_born_where_the_shower_is(setup, name, low, high):
    made = Made(setup, name)
    target = setup.target
    first = made.muons[made.muons[:, ID] == 0]
    depth = (first[:, Z] - target.z) / target.depth * target.radiation_lengths
    assert depth.min() >= 0.0
    assert depth.max() <= target.radiation_lengths
    assert low < depth.mean() < high  # radiation lengths
    hard = made.products.emission > np.median(made.products.emission)
    assert depth[hard].mean() < depth[~hard].mean()


def test_a_pair_shares_its_photon(setup):
    made = Made(setup, "dimuon")
    pair = made.muons.reshape(-1, 2, made.muons.shape[1])
    np.testing.assert_allclose(pair[:, :, ENERGY].sum(axis=1), made.products.emission)
    assert made.products.emission.min() >= made.sample.process.threshold
    assert (made.energy > MUON_MASS).all()
    assert (pair[:, :, PDG].sum(axis=1) == 0).all()


def test_a_beam_particle_that_has_lost_some_energy_has_less_to_give(setup):
    made = Made(setup, "dimuon")
    weak = made.arrived.copy()
    weak[:, ENERGY] *= 0.6
    products = made.generator.products(weak, np.random.default_rng(3))
    assert products.emission.max() <= 60.0
    tracks = products.tracks
    total = np.bincount(tracks[:, ROW].astype(int), tracks[:, ENERGY])
    np.testing.assert_allclose(total, weak[:, ENERGY], rtol=1e-12)


def test_blocks_have_their_own_seeds_and_do_not_depend_on_the_number_of_events():
    simulation = Simulation(load_sample("kaon_decay"))
    short = [batch for batch, _ in simulation.blocks(BLOCK + 100)]
    long = [batch for batch, _ in simulation.blocks(2 * BLOCK)]
    assert [len(batch) for batch in short] == [BLOCK, 100]
    for one, other in zip(short, long, strict=True):
        for name, values in one.truth.items():
            np.testing.assert_array_equal(values, other.truth[name][: len(one)])
        np.testing.assert_array_equal(one.points["position"], other.points.slice(0, len(one))["position"])
    assert not np.array_equal(long[0].truth["e_mu"], long[1].truth["e_mu"])
    entries = np.concatenate([batch.header["entry"] for batch in long])
    np.testing.assert_array_equal(entries, np.arange(2 * BLOCK))
