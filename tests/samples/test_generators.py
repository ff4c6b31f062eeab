"""The generators: kinematics that close, rates with their factors, blocks that do not depend on how many are asked for."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import yaml

from emiss.physics import constants
from emiss.physics.emission import yields
from emiss.physics.passage.decays import decay_probability
from emiss.samples.config import Importance, load_sample
from emiss.samples.generators import generator_of
from emiss.samples.simulate import BLOCK, Simulation
from emiss.samples.walk.tracks import ENERGY, ID, MUON, MUON_MASS, PDG, ROW, TX, TY, Z


@cache
def _generator(setup, name, changes):
    """The generator of a parallel beam; a signal's takes a second or two to tabulate."""
    sample = load_sample(name)
    beam = sample.beam.model_copy(update={"divergence": 0.0})
    process = sample.process.model_copy(update=dict(changes))
    sample = sample.model_copy(update={"beam": beam, "process": process})
    return sample, generator_of(sample, setup)


class Made:
    """What a process makes of a parallel beam that has come to it without loss."""

    def __init__(self, setup, name, events=2000, **process):
        self.sample, self.generator = _generator(setup, name, tuple(process.items()))
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


IMPORTANCE = Importance(min_muon_energy=15.0, max_angle=0.02, share=0.7)
REGION = {"min_muon_energy": 15.0, "max_angle": 0.02}


def test_the_signal_is_that_of_the_whole_phase_space(setup):
    made = Made(setup, "signal", 20000)
    process = made.sample.process
    assert made.energy.min() < 1.0
    assert made.angle.max() > 0.1
    assert made.products.emission.min() >= process.threshold
    assert (made.products.lost["invisible"] >= process.m_phi).all()
    assert made.generator.weight == pytest.approx(1.0, abs=1e-4)  # what is missing flies backwards
    assert (made.muons[:, PDG] == MUON).all()
    assert made.products.weight is None


def test_a_signal_may_be_that_of_a_region_alone(setup):
    """Muons stay in it, and the weight is its share: against muons of the whole phase space."""
    whole, part = Made(setup, "signal", 40000), Made(setup, "signal", 20000, **REGION)
    assert part.energy.min() >= REGION["min_muon_energy"]
    assert part.angle.max() <= REGION["max_angle"] * (1 + 1e-9)
    inside = (whole.energy >= REGION["min_muon_energy"]) & (whole.angle <= REGION["max_angle"])
    assert part.generator.weight == pytest.approx(inside.mean(), rel=0.03)
    bins = np.linspace(20, 100, 9)
    expected, _ = np.histogram(whole.products.emission[inside], bins)
    found = 2.0 * part.generator.weight * np.histogram(part.products.emission, bins)[0]
    np.testing.assert_allclose(found, expected, rtol=0.1, atol=0.05 * expected.max())


def test_importance_changes_the_statistics_and_not_the_result(setup):
    """Weighted spectra of the muon are those of events that all count one, and more events are where more were asked for."""
    plain = Made(setup, "signal", 40000)
    more = Made(setup, "signal", 40000, importance=IMPORTANCE)
    weight = more.products.weight
    assert weight.mean() == pytest.approx(1.0, abs=0.02)
    assert weight.max() <= 1.0 / 0.3 * (1 + 1e-9)
    for name, bins in (("energy", [0, 2, 5, 10, 15, 25, 40, 100]), ("angle", [0, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.3])):
        counts, _ = np.histogram(getattr(plain, name), bins)
        found, _ = np.histogram(getattr(more, name), bins, weights=weight)
        squares, _ = np.histogram(getattr(more, name), bins, weights=weight**2)
        pulls = (found - counts) / np.sqrt(counts + squares)
        assert np.abs(pulls).max() < 4.0
    hard = [one.energy > 30.0 for one in (plain, more)]
    assert hard[1].sum() > 3 * hard[0].sum()
    error = [np.sqrt(np.sum(w[h] ** 2)) / np.sum(w[h]) for w, h in zip((np.ones(40000), weight), hard, strict=True)]
    assert error[1] < 0.6 * error[0]


def test_positrons_of_the_shower_make_positive_muons(setup):
    both = Made(setup, "signal", 20000, leptons=("e-", "e+"))
    process = both.sample.process
    rates = {
        sign: yields.emission(process.m_phi, coupling=process.coupling, threshold=process.threshold, leptons=(sign,))
        for sign in ("e-", "e+")
    }
    assert both.generator.on_target(1) == pytest.approx(1 / (rates["e-"].total + rates["e+"].total))
    positive = both.muons[:, PDG] == -MUON
    share = rates["e+"].total / (rates["e-"].total + rates["e+"].total)
    assert positive.mean() == pytest.approx(share, abs=4 * np.sqrt(share / 20000))
    emission = both.products.emission
    mean = float(rates["e+"].spectrum @ rates["e+"].energy / rates["e+"].total)
    assert emission[positive].mean() == pytest.approx(mean, rel=0.03)  # they are softer


def test_the_demo_states_what_the_generator_makes(setup):
    text = (Path(__file__).parents[2] / "configs/runs/demo_full.yaml").read_text(encoding="utf-8")
    stated = float(yaml.safe_load(text)["samples"]["signal"]["on_target"])
    _, generator = _generator(setup, "signal", ())
    # 500 raw events, which have no weights, and 20000 with theirs
    assert stated == pytest.approx(generator.on_target(500) / generator.weight + generator.on_target(20000), rel=1e-4)


@pytest.mark.parametrize(("name", "low", "high"), [("signal", 0.9, 1.4), ("dimuon", 3.5, 5.0)])
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
