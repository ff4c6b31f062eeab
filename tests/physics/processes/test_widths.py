"""Widths, branching ratios, decay lengths and the products of decays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emiss.physics.constants import ALPHA, ELECTRON_MASS, HBAR_C
from emiss.physics.processes import registry, widths
from emiss.physics.processes.base import Unstable
from emiss.physics.processes.inelastic import SEMIVISIBLE, Inelastic, _mean_square, _square
from emiss.physics.processes.kinematics import flying, into_two
from emiss.physics.processes.vectors import BMinusL, DarkPhoton, MuMinusTau

MASS, CHI, ALPHA_D = 0.05, 0.017, 0.1


def from_k(k, q, mass=MASS):
    """Return alpha_D q K/m^2: the width that the annihilation cross section holds at its peak."""
    return ALPHA_D * q * k / mass**2


def test_widths_are_those_under_the_resonance():
    q = np.sqrt(MASS**2 / 4 - CHI**2)
    assert widths.dark_pair("V", "dirac", MASS, CHI, ALPHA_D) == pytest.approx(from_k(MASS**2 - 4 * q**2 / 3, q))
    assert widths.dark_pair("V", "scalar", MASS, CHI, ALPHA_D) == pytest.approx(from_k(2 * q**2 / 3, q))
    light, heavy = 0.015, 0.021
    q = np.sqrt((MASS**2 - (light + heavy) ** 2) * (MASS**2 - (heavy - light) ** 2)) / (2 * MASS)
    energies = np.hypot(q, light) * np.hypot(q, heavy)
    k = 2 * (light * heavy + energies + q**2 / 3)
    assert widths.inelastic_pair(MASS, light, heavy, ALPHA_D) == pytest.approx(from_k(k, q))


def test_pairs_of_electrons():
    g2 = 1e-8 * 4 * np.pi * ALPHA
    for boson, factor in (("V", 1 / 3), ("A", 1 / 3), ("S", 1 / 2), ("P", 1 / 2)):
        found = widths.lepton_pair(boson, 1.0, ELECTRON_MASS, np.sqrt(g2))
        assert found == pytest.approx(1e-8 * ALPHA * factor, rel=1e-5)
    at = 2.5 * ELECTRON_MASS
    r = 1 / 2.5**2
    assert widths.lepton_pair("P", at, ELECTRON_MASS, 1.0) == pytest.approx(at / (8 * np.pi) * np.sqrt(1 - 4 * r))
    assert widths.lepton_pair("S", at, ELECTRON_MASS, 1.0) == pytest.approx(at / (8 * np.pi) * (1 - 4 * r) ** 1.5)
    assert widths.lepton_pair("V", ELECTRON_MASS, ELECTRON_MASS, 1.0) == 0.0


def test_shares_of_gauge_bosons():
    assert BMinusL({"neutrinos": "dirac"}).branching(0.1, 1e-5)["invisible"] == pytest.approx(3 / 4, rel=1e-3)
    assert BMinusL({"neutrinos": "majorana"}).branching(0.1, 1e-5)["invisible"] == pytest.approx(3 / 5, rel=1e-3)
    assert BMinusL().width(0.1, 1e-3) == pytest.approx(1e-6 * 0.1 / np.pi * (1 / 4 + 1 / 12), rel=1e-4)
    z = MuMinusTau()
    assert z.width(0.1, 1e-3) == pytest.approx(1e-6 * 0.1 / (12 * np.pi), rel=1e-3)
    assert 0.3 < z.branching(0.4, 1e-3)["mu+ mu-"] < 0.5
    assert MuMinusTau({"g_chi": 0.05}).branching(0.1, 1e-4)["invisible"] > 0.9999


@given(mass=st.floats(0.0011, 2.0), coupling=st.floats(1e-7, 1e-2))
@settings(max_examples=20, deadline=None)
def test_shares_add_up_to_one(mass, coupling):
    for name in registry.names():
        assert sum(registry.make(name).branching(mass, coupling).values()) == pytest.approx(1.0)


def test_lengths_of_decays():
    gamma = DarkPhoton({"alpha_d": 0.0}).width(0.0167, 1e-4)
    assert gamma == pytest.approx(1e-8 * ALPHA * 0.0167 / 3, rel=1e-2)
    moving = Unstable(0.0167, gamma)
    momentum = np.sqrt(100.0**2 - 0.0167**2)
    assert moving.decay_length(100.0) == pytest.approx(momentum / 0.0167 * HBAR_C / gamma)
    assert Unstable(0.1, 0.0).decay_length(10.0) == np.inf
    # the rounded length of the literature, 4 m, for an ALP of 100 MeV and 100 GeV
    assert registry.make("alp").unstable(0.1, 1e-4).decay_length(100.0) == pytest.approx(3.97e3, rel=1e-2)


def test_the_heavier_state_at_first_order_and_by_an_independent_integral():
    model = Inelastic({"splitting": 0.05})
    near = Inelastic({"splitting": 0.1})
    assert near.heavy_width(10.0, 1e-4) == pytest.approx(near.first_order_width(10.0, 1e-4), rel=0.16)
    assert model.heavy_width(10.0, 1e-4) == pytest.approx(model.first_order_width(10.0, 1e-4), rel=0.08)
    far = Inelastic({"splitting": 0.4})
    assert far.heavy_width(10.0, 1e-4) / far.first_order_width(10.0, 1e-4) == pytest.approx(0.64, rel=0.02)

    # three-body phase space by Monte Carlo with the whole matrix element: dPhi3 = dq^2/(2 pi) dPhi2 dPhi2
    mass, (light, heavy) = 0.3, far.masses(0.3)
    rng = np.random.default_rng(3)
    low, high = 2 * ELECTRON_MASS, heavy - light
    q = rng.uniform(low, high, 40000)
    second = flying(heavy, np.full(len(q), heavy))
    virtual, first = into_two(second, heavy, q, light, rng)
    plus, minus = into_two(virtual, q, ELECTRON_MASS, ELECTRON_MASS, rng)
    square = 32 * _square(second, first, plus, minus, light, heavy) / (q**2 - mass**2) ** 2
    from emiss.physics.processes.kinematics import momentum

    two = momentum(heavy, q, light) / (4 * np.pi * heavy) * momentum(q, ELECTRON_MASS, ELECTRON_MASS) / (4 * np.pi * q)
    value = 0.5 * square * two * 2 * q * (high - low) / (2 * np.pi) / (2 * heavy)
    value *= 4 * np.pi * 0.1 * 1e-8 * 4 * np.pi * ALPHA
    assert far.heavy_width(mass, 1e-4) == pytest.approx(value.mean(), abs=4 * value.std() / np.sqrt(len(q)))
    one = np.full(20000, 0.02)
    rest = flying(heavy, np.full(len(one), heavy))
    virtual, first = into_two(rest, heavy, one, light, rng)
    pair = into_two(virtual, one, ELECTRON_MASS, ELECTRON_MASS, rng)
    angles = _square(rest, first, *pair, light, heavy)
    assert angles.mean() == pytest.approx(_mean_square(light, heavy, one)[0], rel=0.02)
    assert angles.max() <= 1.51 * angles.mean()


def test_no_splitting_is_the_invisible_dark_photon():
    plain, split = DarkPhoton(), Inelastic({"splitting": 0.0})
    assert split.width(0.1, 1e-4) == pytest.approx(plain.width(0.1, 1e-4), rel=1e-12)
    assert split.branching(0.1, 1e-4) == pytest.approx(plain.branching(0.1, 1e-4))
    assert split.unstable(0.1, 1e-4).decay_length(50.0) == np.inf


CHANNELS = [
    ("dark-photon", "e+ e-", 0.02), ("scalar", "mu+ mu-", 0.5), ("alp", "gamma gamma", 0.1),
    ("inelastic", SEMIVISIBLE, 0.2), ("eta", "seen", 0.547862), ("b-l", "invisible", 0.1),
]  # fmt: skip


@pytest.mark.parametrize(("name", "channel", "mass"), CHANNELS)
def test_decays_keep_energy_and_momentum(name, channel, mass):
    energy = np.random.default_rng(1).uniform(20.0, 100.0, 300)
    decay = registry.make(name).decay(channel, mass, energy, np.random.default_rng(2))
    seen = sum((one.energy for one in decay.products), np.zeros(300))
    np.testing.assert_allclose(seen + decay.lost, energy, rtol=1e-9)
    if len(decay.products) == 2 and not decay.lost.any():
        along = sum(one.energy * np.cos(one.theta) for one in decay.products)
        assert np.all(along <= energy + 1e-9)
        lepton = {"e+ e-": ELECTRON_MASS, "mu+ mu-": 0.1056583755}.get(channel, 0.0)
        vectors = [
            np.sqrt(one.energy**2 - lepton**2)[:, None]
            * np.stack([np.sin(one.theta) * np.cos(one.phi), np.sin(one.theta) * np.sin(one.phi), np.cos(one.theta)], 1)
            for one in decay.products
        ]
        total = sum(vectors)
        np.testing.assert_allclose(total[:, 2], np.sqrt(energy**2 - mass**2), rtol=1e-9)
        np.testing.assert_allclose(total[:, :2], 0.0, atol=1e-9)


@pytest.mark.parametrize("name", ["dark-photon", "alp", "eta", "conversion"])
def test_unknown_channels_are_refused(name):
    with pytest.raises(ValueError, match="'quarks'"):
        registry.make(name).decay("quarks", 0.547862, np.array([50.0]), np.random.default_rng(1))
