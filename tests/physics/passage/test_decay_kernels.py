"""Decays: conservation, branching, end points, isotropy, and spectra against integrals of the matrix elements on a grid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emiss.configs.compiled import kernel
from emiss.physics.constants import ELECTRON_MASS, MUON_MASS, PION_MASS
from emiss.physics.passage import decay_table as table
from emiss.physics.passage import decays
from emiss.physics.passage.decay_kernels import (
    PRODUCTS,
    decay,
    decay_path,
    density,
    momentum,
    rotate,
    semileptonic,
    three_pions,
)
from emiss.physics.passage.species_kernels import KAON0_MASS, PION0_MASS, TAU_MASS, available, charge, mass

CODES = (211, -211, 111, 321, -321, 130, 310, 13, -13, 15, -15)
K = mass(321)


@kernel
def many(pdg, energy, rng, counts, kinds, p):
    """Fill rows of `kinds` and `p` with so many decays, and how many products each has."""
    for i in range(len(counts)):
        counts[i] = decay(pdg, energy, rng, kinds[i], p[i])


def drawn(pdg, energy, number, seed=1):
    counts, kinds, p = (
        np.zeros(number, np.int64),
        np.zeros((number, PRODUCTS), np.int64),
        np.zeros((number, PRODUCTS, 4)),
    )
    many(pdg, energy, np.random.default_rng(seed), counts, kinds, p)
    return counts, kinds, p


@settings(deadline=None, max_examples=60)
@given(
    pdg=st.sampled_from(CODES),
    log_gamma=st.floats(0.0, 12.0),
    seed=st.integers(0, 2**32 - 1),
)
def test_energy_momentum_and_charge_are_conserved(pdg, log_gamma, seed):
    m = mass(pdg)
    energy = m * np.exp(log_gamma)
    counts, kinds, p = drawn(pdg, energy, 5, seed)
    for n, kind, rows in zip(counts, kinds, p, strict=True):
        total = rows[:n].sum(axis=0)
        size = np.sqrt(energy**2 - m**2)
        np.testing.assert_allclose(total, [energy, 0.0, 0.0, size], atol=1e-12 * energy + 1e-8 * m, rtol=1e-12)
        masses = np.array([mass(one) for one in kind[:n]])
        on_shell = rows[:n, 0] ** 2 - (rows[:n, 1:] ** 2).sum(axis=1)
        np.testing.assert_allclose(on_shell, masses**2, atol=1e-10 * energy**2)
        assert sum(charge(one) for one in kind[:n]) == charge(pdg)
        leptons = np.isin(np.abs(kind[:n]), (11, 12, 13, 14, 15, 16)) * np.sign(kind[:n])
        assert leptons.sum() == (np.sign(pdg) if abs(pdg) in (13, 15) else 0)


@pytest.mark.parametrize(
    ("pdg", "shares", "which"),
    [
        (
            321,
            table.KAON_SHARES,
            [(-13, 14), (211, 111), (-211, 211, 211), (-11, 12, 111), (-13, 14, 111), (111, 111, 211)],
        ),
        (310, table.SHORT_SHARES, [(-211, 211), (111, 111)]),
        (-15, (table.TAU_SHARES[0], table.TAU_SHARES[3]), [(-16, -11, 12), (-16, 111, 211)]),
    ],
)
def test_branching_ratios(pdg, shares, which):
    number = 40000
    counts, kinds, _ = drawn(pdg, 10.0, number)
    found = {}
    for n, kind in zip(counts.tolist(), kinds.tolist(), strict=True):
        key = tuple(sorted(kind[:n]))
        found[key] = found.get(key, 0) + 1
    scale = sum(table.TAU_SHARES) if abs(pdg) == 15 else sum(shares)
    for share, key in zip(shares, which, strict=True):
        wanted = share / scale
        assert found[tuple(sorted(key))] / number == pytest.approx(wanted, abs=4.0 * np.sqrt(wanted / number))


def test_two_bodies_have_the_energy_of_kinematics_and_no_direction():
    _, _, p = drawn(310, KAON0_MASS, 20000)
    np.testing.assert_allclose(p[:, :2, 0], 0.5 * KAON0_MASS, rtol=1e-6)
    for axis in (1, 2, 3):
        cosine = p[:, 0, axis] / np.sqrt((p[:, 0, 1:] ** 2).sum(axis=1))
        assert abs(cosine.mean()) < 4.0 / np.sqrt(3 * 20000)
        assert np.mean(cosine**2) == pytest.approx(1.0 / 3.0, abs=0.01)


@pytest.mark.parametrize("pdg", [13, 15])
def test_the_spectrum_of_the_electron_is_that_of_michel(pdg):
    counts, kinds, p = drawn(pdg, mass(pdg), 60000)
    which = (counts == 3) & (kinds[:, 0] == 11)
    x = p[which, 0, 0] / (0.5 * (mass(pdg) + ELECTRON_MASS**2 / mass(pdg)))
    error = 1.0 / np.sqrt(len(x))
    assert x.max() <= 1.0 + 1e-9
    # x^2 (3 - 2 x) with the electron's mass left out: mean 0.7, mean square 8/15
    assert x.mean() == pytest.approx(0.7, abs=error)
    assert np.mean(x**2) == pytest.approx(8.0 / 15.0, abs=error)
    neutrino = p[which, 2, 0] / (0.5 * mass(pdg))  # of the electron's flavour: 12 x^2 (1 - x), mean 0.6
    assert neutrino.mean() == pytest.approx(0.6, abs=error)


def plot(parent, first, second, third, weight):
    """Return mean energies of the first two particles over a Dalitz plot, on a grid: nothing in common with the sampling."""
    e1 = np.linspace(first, (parent**2 + first**2 - (second + third) ** 2) / (2 * parent), 401)
    e1 = 0.5 * (e1[1:] + e1[:-1])
    total, sums = 0.0, np.zeros(2)
    for one in e1:
        # the second energy between its limits in the frame of the pair (2, 3) boosted against the first
        p1 = np.sqrt(one**2 - first**2)
        pair = np.sqrt(parent**2 + first**2 - 2.0 * parent * one)
        star = (pair**2 + second**2 - third**2) / (2.0 * pair)
        size = np.sqrt(max(star**2 - second**2, 0.0))
        middle, half = (parent - one) / pair * star, p1 / pair * size
        two = middle + half * (np.arange(200) + 0.5 - 100) / 100
        w = np.array([weight(one, other) for other in two]) * half
        total += w.sum()
        sums += [one * w.sum(), (two * w).sum()]
    return sums / total


def test_semileptonic_spectra_are_those_of_the_matrix_element():
    counts, kinds, p = drawn(321, K, 150000, seed=5)
    for lepton, m in ((-11, ELECTRON_MASS), (-13, MUON_MASS)):
        which = (counts == 3) & (kinds[:, 1] == lepton)
        wanted = plot(K, PION0_MASS, m, 0.0, lambda e1, e2, m=m: semileptonic(K, PION0_MASS, m, e1, e2))
        energies = p[which, :2, 0]
        error = energies.std(axis=0) / np.sqrt(which.sum())
        assert np.all(np.abs(energies.mean(axis=0) - wanted) < 4.0 * error)
        most = (K**2 + PION0_MASS**2 - m**2) / (2.0 * K)
        assert most - 0.01 < energies[:, 0].max() <= most + 1e-12


def test_pions_follow_the_slopes_of_the_dalitz_plot():
    counts, kinds, p = drawn(321, K, 150000, seed=6)
    neutral = (counts == 3) & (kinds[:, 0] == 111) & (kinds[:, 1] == 111)
    for shape, m, odd, which in (
        (table.PIONS_PPM, PION_MASS, PION_MASS, (counts == 3) & (np.abs(kinds[:, 1]) == 211)),
        (table.PIONS_P00, PION0_MASS, PION_MASS, neutral),
    ):
        wanted = plot(K, m, m, odd, lambda e1, e2, a=shape, b=m, c=odd: three_pions(a, K, b, b, c, e1, e2))
        energy = p[which, 0, 0]
        flat = plot(K, m, m, odd, lambda _one, _other: 1.0)
        error = energy.std() / np.sqrt(len(energy))
        assert abs(energy.mean() - wanted[0]) < 4.0 * error
        assert abs(wanted[0] - flat[0]) > 4.0 * error  # phase space would be seen


@pytest.mark.parametrize(
    ("shape", "parent", "masses"),
    [
        (table.LEPTONIC, MUON_MASS, (ELECTRON_MASS, 0.0, 0.0)),
        (table.LEPTONIC, TAU_MASS, (MUON_MASS, 0.0, 0.0)),
        (table.SEMILEPTONIC, K, (PION0_MASS, ELECTRON_MASS, 0.0)),
        (table.SEMILEPTONIC, KAON0_MASS, (PION_MASS, MUON_MASS, 0.0)),
        (table.PIONS_PPM, K, (PION_MASS, PION_MASS, PION_MASS)),
        (table.PIONS_P00, K, (PION0_MASS, PION0_MASS, PION_MASS)),
        (table.PIONS_PM0, KAON0_MASS, (PION_MASS, PION_MASS, PION0_MASS)),
    ],
)
def test_no_density_is_above_the_bound_that_it_is_drawn_under(shape, parent, masses):
    highest = 0.0

    def look(e1, e2):
        nonlocal highest
        highest = max(highest, density(shape, parent, *masses, e1, e2))
        return 1.0

    plot(parent, *masses, look)
    assert 0.4 < highest <= 1.0


def test_a_tau_has_a_rho_between_threshold_and_its_own_mass():
    counts, kinds, p = drawn(15, TAU_MASS, 30000)
    which = (counts == 3) & (kinds[:, 1] == -211)
    pair = p[which, 1:3].sum(axis=1)
    q = np.sqrt(pair[:, 0] ** 2 - (pair[:, 1:] ** 2).sum(axis=1))
    assert q.min() > PION_MASS + PION0_MASS - 1e-9
    assert q.max() < TAU_MASS
    assert np.median(q) == pytest.approx(table.RHO, abs=0.02)


def test_paths_and_momenta():
    assert momentum(KAON0_MASS, PION_MASS, PION_MASS) == pytest.approx(0.206, abs=1e-3)  # PDG
    assert momentum(0.2, PION_MASS, PION_MASS) == 0.0
    assert decay_path(2212, 10.0) == np.inf
    for pdg in (211, 321, 130):
        path = decay_path(pdg, 100.0)
        m = mass(pdg)
        lifetime = path / np.sqrt((100.0 / m) ** 2 - 1.0)
        assert decays.decay_probability(100.0, m, lifetime, 2300.0) == pytest.approx(-np.expm1(-2300.0 / path))
    assert decay(2212, 10.0, np.random.default_rng(1), np.zeros(5, np.int64), np.zeros((5, 4))) == 0


@given(st.floats(-3.0, 3.0), st.floats(-3.0, 3.0), st.floats(-1.0, 1.0), st.floats(-1.0, 1.0), st.floats(-1.0, 1.0))
def test_rotation_keeps_lengths_and_takes_the_axis_to_the_flight(tx, ty, px, py, pz):
    turned = np.array(rotate(tx, ty, px, py, pz))
    flight = np.array([tx, ty, 1.0]) / np.sqrt(1.0 + tx**2 + ty**2)
    np.testing.assert_allclose(rotate(tx, ty, 0.0, 0.0, 1.0), flight, atol=1e-12)
    assert turned @ turned == pytest.approx(px**2 + py**2 + pz**2, abs=1e-12)
    assert turned @ flight == pytest.approx(pz, abs=1e-12)


def test_what_a_particle_can_leave():
    assert available(2212, 1.0) == pytest.approx(1.0 - mass(2212))
    assert available(-2212, 1.0) == pytest.approx(1.0 + mass(2212))
    assert available(211, 1.0) == 1.0
