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
from emiss.samples.muon_state import MUON_MASS
from emiss.samples.simulate import BLOCK, Simulation


def _generate(setup, name, events=2000):
    sample = load_sample(name)
    parallel = sample.model_copy(update={"beam": sample.beam.model_copy(update={"divergence": 0.0})})
    return sample, *generator_of(parallel, setup).generate(events, np.random.default_rng(8))


@pytest.mark.parametrize(
    ("name", "mass", "lifetime"),
    [
        ("pion_decay", constants.PION_MASS, constants.PION_LIFETIME),
        ("kaon_decay", constants.KAON_MASS, constants.KAON_LIFETIME),
    ],
)
def test_the_neutrino_of_a_decay_has_no_mass(setup, name, mass, lifetime):
    sample, made, _ = _generate(setup, name)
    muons = made.muons
    p = np.sqrt(muons["energy"] ** 2 - MUON_MASS**2)
    angle = np.arctan(np.hypot(muons["tx"], muons["ty"]))
    hadron = np.sqrt(made.energy**2 - mass**2)
    along, across = hadron - p * np.cos(angle), p * np.sin(angle)
    np.testing.assert_allclose(made.lost**2 - along**2 - across**2, 0.0, atol=1e-6)
    # flat in energy between the kinematic limits of a two-body decay
    low = (MUON_MASS / mass) ** 2 * made.energy[0]
    assert muons["energy"].min() == pytest.approx(low, rel=0.02)
    assert muons["energy"].max() == pytest.approx(made.energy[0], rel=0.01)
    assert muons["energy"].mean() == pytest.approx(0.5 * (low + made.energy[0]), rel=0.02)
    length = setup.target.z - setup.decays_from
    assert setup.decays_from <= muons["z"].min() < muons["z"].max() <= setup.target.z
    # the published probability is rounded to two digits
    computed = decay_probability(sample.beam.energy, mass, lifetime, length)
    assert sample.process.decay_probability == pytest.approx(computed, rel=0.06)


def test_the_rate_of_decays_is_the_product_of_its_factors(setup):
    pion, kaon = (load_sample(name) for name in ("pion_decay", "kaon_decay"))
    assert pion.process.rate == pytest.approx(1e-2 * 2e-5 * 4e-4 * 0.999877)
    assert kaon.process.rate == pytest.approx(1e-2 * 3e-2 * 2e-5 * 3.2e-3 * 0.6356)
    assert generator_of(pion, setup).on_target(1000) == pytest.approx(1000 / pion.process.rate)


def test_the_muons_of_the_signal_stay_in_the_region(setup):
    sample, made, weight = _generate(setup, "signal")
    process, muons = sample.process, made.muons
    assert muons["energy"].min() >= process.min_muon_energy
    assert np.arctan(np.hypot(muons["tx"], muons["ty"])).max() <= process.max_angle * (1 + 1e-9)
    assert made.emission.min() >= process.threshold
    assert (made.lost >= process.m_phi).all()
    assert (weight > 0).all()
    assert (weight < 1).all()


def test_the_signal_of_the_region_is_the_weighted_signal_of_the_whole(setup):
    """Against electrons of the whole yield, each with the share of its own cross section."""
    from emiss.physics.emission import yields

    sample, made, weight = _generate(setup, "signal", 20000)
    process = sample.process
    made_in_all = yields.emission(process.m_phi, coupling=1.0, primary=100.0, threshold=process.threshold)
    electron, _ = made_in_all.sample(20000, np.random.default_rng(9))
    share = generator_of(sample, setup)._sampler.weight(electron)
    assert weight[0] == pytest.approx(share.mean(), rel=0.02)
    bins = np.linspace(20, 100, 9)
    expected, _ = np.histogram(electron, bins, weights=share)
    found, _ = np.histogram(made.emission, bins, weights=weight)
    np.testing.assert_allclose(found, expected, rtol=0.1, atol=0.05 * expected.max())


def test_the_demo_states_what_the_generator_makes(setup):
    text = (Path(__file__).parents[2] / "configs/runs/demo_full.yaml").read_text(encoding="utf-8")
    stated = float(yaml.safe_load(text)["samples"]["signal"]["on_target"])
    generator = generator_of(load_sample("signal"), setup)
    # 500 raw events, which have no weights, and 20000 with theirs
    assert stated == pytest.approx(generator.on_target(500) / generator.weight + generator.on_target(20000), rel=1e-4)


@pytest.mark.parametrize(("name", "low", "high"), [("signal", 0.5, 0.9), ("dimuon", 3.5, 5.0)])
def test_muons_are_born_where_the_shower_is(setup, name, low, high):
    _, made, _ = _generate(setup, name)
    z = made.muons["z"][:: made.muons.counts[0]]
    target = setup.target
    depth = (z - target.z) / target.depth * target.radiation_lengths
    assert depth.min() >= 0.0
    assert depth.max() <= target.radiation_lengths
    assert low < depth.mean() < high  # radiation lengths
    hard = made.emission > np.median(made.emission)
    assert depth[hard].mean() < depth[~hard].mean()


def test_a_pair_shares_its_photon(setup):
    sample, made, _ = _generate(setup, "dimuon")
    assert (made.muons.counts == 2).all()
    np.testing.assert_allclose(made.muons["energy"].reshape(-1, 2).sum(axis=1), made.emission)
    assert made.emission.min() >= sample.process.threshold
    assert (made.muons["energy"] > MUON_MASS).all()
    assert (made.muons["charge"].reshape(-1, 2).sum(axis=1) == 0).all()


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
