"""Synchrotron radiation against independent integration, closed forms, and the transport of tracks without it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special, stats

from emiss.physics.constants import ELECTRON_MASS, PION_MASS
from emiss.physics.passage import synchrotron
from emiss.physics.passage.synchrotron_kernels import bend, critical_energy, photon_energy
from emiss.reco.field.transport import UniformBox

STEEP = 100.0, 1.7, 4000.0
"""100 GeV in 6.8 T m."""


@pytest.fixture(scope="module")
def radiated():
    states = np.tile([3.0, -2.0, 0.0204, 0.001], (4000, 1))
    return states, synchrotron.radiate(
        states, np.full(4000, 100.0), by=1.7, region=(-18000.0, -14000.0), rng=np.random.default_rng(5)
    )


def _share_below(y: float) -> float:
    """Return the share of photons below y = k/E_c: one integral over the angle's variable instead of two over the energy.

    integral_y^inf K_5/3 = integral_0^inf exp(-y cosh t) cosh(5t/3)/cosh(t) dt, so that the one over y can be done by hand
    (A. Hofmann, The Physics of Synchrotron Radiation).
    """
    found, _ = integrate.quad(
        lambda t: (1.0 - np.exp(-y * np.cosh(t))) * np.cosh(5.0 * t / 3.0) / np.cosh(t) ** 2,
        0.0,
        60.0,
        epsabs=0,
        limit=500,
    )
    return found / (5.0 * np.pi / 3.0)


@pytest.mark.parametrize("y", [1e-9, 1e-4, 0.01, 0.1, 0.3, 1.0, 3.0, 8.0])
def test_the_table_inverts_the_spectrum(y):
    light = synchrotron.light()
    below = _share_below(y)
    at = np.log(below / (1.0 - below))
    found = np.exp(np.interp(at, light.first + light.step * np.arange(len(light.log_energy)), light.log_energy))
    assert found == pytest.approx(y, rel=3e-4)


def test_the_mean_of_the_table_is_the_closed_form():
    light = synchrotron.light()
    at = light.first + light.step * np.arange(len(light.log_energy))
    # the integral of k over the share F, dF = F (1 - F) ds
    share = special.expit(at)
    mean = integrate.trapezoid(np.exp(light.log_energy) * share * special.expit(-at), at)
    assert mean == pytest.approx(8.0 / (15.0 * np.sqrt(3.0)), rel=1e-4)
    assert mean == pytest.approx(0.308, abs=5e-4)


@pytest.mark.parametrize(
    ("energy", "field", "number", "mean", "critical"),
    [(40, 0.68, 17, 0.22, 0.72), (70, 1.19, 29, 1.2, 3.9), (100, 1.7, 42, 3.5, 11.3), (150, 2.55, 63, 11.7, 38)],
)
def test_numbers_and_energies_of_a_bend_of_27_mrad_t_m(energy, field, number, mean, critical):
    found = synchrotron.expected(energy, field, 4000.0)
    assert found == pytest.approx((number, mean * 1e-3), rel=0.02)
    assert critical_energy(float(energy), ELECTRON_MASS, field) == pytest.approx(critical * 1e-3, rel=0.01)
    assert critical_energy(float(energy), ELECTRON_MASS, field) == pytest.approx(0.665e-6 * energy**2 * field, rel=1e-3)


def test_drawn_photons_follow_the_spectrum():
    rng, light = np.random.default_rng(7), synchrotron.light()
    drawn = np.array([photon_energy(light, 1.0, rng) for _ in range(5000)])
    share = np.vectorize(_share_below)(np.sort(drawn)[::50])
    assert np.abs(share - (np.arange(0, 5000, 50) + 0.5) / 5000).max() < 1.63 / np.sqrt(5000)  # Kolmogorov, 1 %


def test_photons_are_poisson_along_the_bend_and_take_their_energy(radiated):
    _, made = radiated
    number, mean = synchrotron.expected(*STEEP)
    light = synchrotron.light()
    soft = special.expit(
        np.interp(
            np.log(1e-5 / (mean / 0.3079)),
            light.log_energy,
            light.first + light.step * np.arange(len(light.log_energy)),
        )
    )
    count = np.bincount(made.row, minlength=4000)
    assert count.mean() == pytest.approx(number * (1.0 - soft), abs=4 * np.sqrt(number / 4000))
    assert count.var() == pytest.approx(count.mean(), rel=4 * np.sqrt(2 / 4000))
    np.testing.assert_allclose(
        100.0 - made.energy, made.lost + np.bincount(made.row, made.photons[:, 5], 4000), rtol=0, atol=1e-12
    )
    # less than number times mean: particles lose energy on the way, and light goes with its square
    assert (100.0 - made.energy).mean() == pytest.approx(number * mean * (1.0 - number * mean / 100.0), rel=0.01)
    assert stats.kstest(made.photons[:, 2], stats.uniform(-18000.0, 4000.0).cdf).pvalue > 1e-3
    assert (made.photons[:, 5] >= 1e-5).all()


def test_the_energy_before_a_bend_is_what_leads_to_the_one_behind():
    had = synchrotron.before(np.full(2000, 100.0), 1.7, 4000.0)
    assert had[0] - 100.0 == pytest.approx(0.1465, rel=0.01)
    made = synchrotron.radiate(
        np.zeros((2000, 4)), had, by=1.7, region=(0.0, 4000.0), rng=np.random.default_rng(8), least=0.0
    )
    assert made.energy.mean() == pytest.approx(100.0, abs=4 * made.energy.std() / np.sqrt(2000))


def test_photons_leave_along_the_tangent_of_the_arc(radiated):
    states, made = radiated
    first = made.photons[made.row == 0]
    box = UniformBox(1.7, (-18000.0, -14000.0))
    for x, y, z, tx, ty, _ in first[:: len(first) // 5]:
        on_arc, _ = box.transport(np.array([[*states[0], -1.0 / 100.0]]), -18000.0, float(z))
        assert (
            np.abs([x, y, tx, ty] - on_arc[0, :4]) < [0.05, 0.01, 2e-5, 1e-8]
        ).all()  # light takes 0.15 % of the energy
    # without the loss of energy the helix is that of the track fit
    silent = synchrotron.radiate(
        states[:1], np.array([100.0]), by=1.7, region=(-18000.0, -14000.0), rng=np.random.default_rng(1), least=1.0
    )
    on_arc, _ = box.transport(np.array([[*states[0], -1.0 / 100.0]]), -18000.0, -14000.0)
    np.testing.assert_allclose(silent.states[0], on_arc[0, :4], rtol=1e-7, atol=1e-9)


def test_hadrons_give_nothing_and_a_field_may_turn_back():
    rng, photons = np.random.default_rng(1), np.zeros((10, 6))
    light = synchrotron.light()
    *_, energy, count, lost = bend(
        light, 0.0, 0.0, 0.0, 0.0, 0.0, 100.0, PION_MASS, 1.0, 1.7, 4000.0, 1e-5, rng, photons
    )
    assert (energy, count, lost) == (100.0, 0, 0.0)
    x, *_ = bend(light, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, PION_MASS, 1.0, 1.7, 4000.0, 1e-5, rng, photons)
    assert np.isnan(x)


@given(
    st.floats(-2.0, 2.0),
    st.floats(-0.3, 0.3),
    st.floats(-0.3, 0.3),
    st.floats(3.0, 200.0),
    st.sampled_from([-1.0, 1.0]),
    st.integers(0, 2**32 - 1),
)
def test_energy_is_kept_and_heavy_particles_follow_the_helix(by, tx, ty, energy, charge, seed):
    rng, photons = np.random.default_rng(seed), np.zeros((50, 6))
    light, start = synchrotron.light(), (10.0, -20.0, -500.0, tx, ty)
    *_, left, count, lost = bend(light, *start, energy, ELECTRON_MASS, charge, by, 500.0, 1e-6, rng, photons)
    assert energy - left == pytest.approx(photons[:count, 5].sum() + lost, abs=1e-12)
    assert ELECTRON_MASS <= left <= energy
    x, y, to_x, to_y, *_ = bend(light, *start, energy, PION_MASS, charge, by, 500.0, 1e-6, rng, photons)
    state = np.array([[10.0, -20.0, tx, ty, charge / np.sqrt(energy**2 - PION_MASS**2)]])
    expected, _ = UniformBox(by, (-500.0, 500.0)).transport(state, -500.0, 500.0)
    np.testing.assert_allclose([x, y], expected[0, :2], rtol=0, atol=1e-6)
    np.testing.assert_allclose([to_x, to_y], expected[0, 2:4], rtol=0, atol=1e-9)


def test_particles_come_from_before_the_field_and_go_on_behind_it():
    """As they do in two steps; those behind the end stay; places of birth inside the field are kept to."""
    states, energy = np.array([[3.0, -2.0, 0.0204, 0.001]] * 3), np.array([100.0, 50.0, 100.0])
    field = {"by": 1.7, "region": (-18000.0, -14000.0)}
    z = np.array([-20000.0, -15000.0, -100.0])
    made = synchrotron.radiate(states, energy, z=z, end=-1000.0, rng=np.random.default_rng(3), **field)
    assert (made.photons[:, 2] > np.where(made.row == 0, -18000.0, -15000.0)).all()
    assert (made.photons[:, 2] < -14000.0).all()
    assert set(made.row) == {0, 1}
    np.testing.assert_array_equal(made.states[2], states[2])
    step = states[:1] + np.array([[0.0204, 0.001, 0.0, 0.0]]) * 2000.0
    same = synchrotron.radiate(step, energy[:1], rng=np.random.default_rng(3), **field)
    np.testing.assert_array_equal(same.photons, made.photons[made.row == 0])
    np.testing.assert_allclose(same.states[0, :2] + 13000.0 * same.states[0, 2:], made.states[0, :2], rtol=1e-12)
    before = synchrotron.radiate(
        states[:1], energy[:1], z=-20000.0, end=-19000.0, rng=np.random.default_rng(3), **field
    )
    np.testing.assert_allclose(before.states[0, :2], [3.0 + 20.4, -2.0 + 1.0], rtol=1e-12)
    assert not len(before.row)


def test_photons_without_room_are_lost_and_counted():
    rng, photons = np.random.default_rng(2), np.zeros((5, 6))
    *_, energy, count, lost = bend(
        synchrotron.light(), 0.0, 0.0, 0.0, 0.0, 0.0, 100.0, ELECTRON_MASS, -1.0, 1.7, 4000.0, 0.0, rng, photons
    )
    assert count == 5
    assert 100.0 - energy == pytest.approx(photons[:, 5].sum() + lost, abs=1e-12)
    assert lost > 0.0
