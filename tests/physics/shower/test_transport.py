"""Approximation A against its own equations, Rossi's numbers and a Monte Carlo of the same processes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from emiss.physics.shower import approximation_a, transport
from emiss.physics.shower.approximation_a import SLOPE


@pytest.mark.parametrize("s", [0.6, 1.0, 4.3])
def test_the_transforms_are_their_integrals(s):
    for function, integrand in (
        (approximation_a.loss, lambda v: (1 - (1 - v) ** s) * (SLOPE * (1 - v) + v * v) / v),
        (approximation_a.photons, lambda v: v**s * (SLOPE * (1 - v) + v * v) / v),
        (approximation_a.pairs, lambda u: 2 * u**s * (1 - SLOPE * u * (1 - u))),
    ):
        assert function(np.array(s)) == pytest.approx(quad(integrand, 0, 1)[0], rel=1e-8)
    # no energy is lost: what leaves an electron is in the photon, and a photon's is in its pair
    one = np.array(1.0)
    assert approximation_a.loss(one) == pytest.approx(approximation_a.photons(one))
    assert approximation_a.pairs(one) == pytest.approx(approximation_a.CONVERSION)


def test_far_below_the_primary_it_is_rossis():
    primary, charged, photons = approximation_a.lengths_above(np.array([1e-3]), np.array([60.0]))
    assert charged[0, 0] * 1e-3 == pytest.approx(0.437, abs=1e-3)
    assert photons[0, 0] * 1e-3 == pytest.approx(0.572, abs=1e-3)
    # one electron alone loses energy at the rate of its bremsstrahlung: ln(E0/E) over A'(0) = pi^2 a/6 - a + 5/6
    rise = np.diff(approximation_a.lengths_above(np.array([1e-3, 1e-4]), np.array([300.0]))[0][0])[0]
    slope = (approximation_a.loss(np.array(1e-6)) / 1e-6).item()
    assert primary[0, 0] > 0
    assert rise == pytest.approx(np.log(10) / slope, rel=1e-3)


def test_nothing_is_above_the_primary_and_all_of_it_is_at_the_front():
    primary, charged, _ = approximation_a.lengths_above(np.array([0.5, 1.0, 2.0]), np.array([0.0, 1e-3]))
    assert (charged[:, 1:] == 0).all()
    assert (charged[0] == 0).all()
    assert primary[1, 0] == pytest.approx(1e-3, rel=1e-3)


def test_the_equations_of_the_shower():
    # d pi/dt = brems out + brems in + pairs, integrated over depth and above E: only through a quadrature of the solution
    energy, depth = np.geomspace(0.05, 1.0, 600), np.array([0.0, 1.0, 1.05])
    _, charged, photons = approximation_a.lengths_above(energy, depth)
    layer_e, layer_g = (-np.diff(kind[2] - kind[1]) / 0.05 for kind in (charged, photons))
    centre = np.sqrt(energy[1:] * energy[:-1])
    # photons above E0/10: made by electrons, gone by conversion
    made = SLOPE * (np.log(10 * centre) - 1 + 0.1 / centre) + 0.5 * (1 - (0.1 / centre) ** 2)
    above = centre > 0.1
    change = made[above] @ layer_e[above] - approximation_a.CONVERSION * layer_g[above].sum()
    later = approximation_a.lengths_above(np.array([0.1]), np.array([0.95, 1.0, 1.05, 1.1]))[2][:, 0]
    slope = (later[3] - later[2] - later[1] + later[0]) / (0.05 * 0.1)  # of the number of photons at 1.025
    assert change == pytest.approx(slope, rel=0.02)


def test_track_lengths_in_cells():
    lengths = transport.track_lengths(100.0, 2.0)
    assert lengths.electrons.shape == (transport.LAYERS, len(lengths.energy))
    for energy in (5.0, 10.0, 20.0):
        wanted = approximation_a.lengths_above(np.array([energy / 100.0]), np.array([40.0]))[1][0, 0]
        found = lengths.charged[:, lengths.energy > energy].sum()
        assert found == pytest.approx(wanted, rel=0.02)
        assert 0.435 < wanted * energy / 100.0 < 0.46
    assert (lengths.electrons >= lengths.positrons).all()
    assert lengths.edges[0], lengths.edges[-1] == (2.0, 100.0)


def test_forty_radiation_lengths_are_thick():
    deep = approximation_a.lengths_above(np.array([0.01]), np.array([40.0, 200.0]))
    for kind in deep:
        assert kind[0, 0] == pytest.approx(kind[1, 0], rel=1e-6)


def test_the_monte_carlo_agrees():
    edges, depth = np.array([2.0, 5, 10, 20, 40, 70, 90, 100]), np.array([0.0, 1, 2, 4, 6, 9, 14, 40])
    found = transport.simulate(100.0, edges, depth, 20000, np.random.default_rng(1))
    above = approximation_a.lengths_above(edges / 100.0, depth)
    alone, both, photons = (-np.diff(np.diff(kind, axis=0), axis=1) for kind in above)
    for name, wanted in (
        ("electrons", 0.5 * (alone + both)),
        ("positrons", 0.5 * (both - alone)),
        ("photons", photons),
    ):
        mean, error = getattr(found.mean, name), getattr(found.error, name)
        seen = wanted * 20000 > 200.0  # below, a cell has few showers and its error is no Gaussian's
        pull = (mean - wanted)[seen] / error[seen]
        assert seen.sum() > 20
        assert np.abs(pull).max() < 4.5, name
        assert 0.7 < np.sqrt(np.mean(pull**2)) < 1.4, name
        np.testing.assert_allclose(mean.sum(), wanted.sum(), rtol=0.01)


def test_the_seed_decides():
    edges, depth = np.array([20.0, 100.0]), np.array([0.0, 40.0])
    first, again, other = (
        transport.simulate(100.0, edges, depth, 50, np.random.default_rng(seed)).mean.electrons for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_the_monte_carlo_agrees_far_down():
    # several thousand particles per shower
    edges, depth = np.array([0.002, 0.1, 10.0]), np.array([0.0, 40.0])
    found = transport.simulate(10.0, edges, depth, 40, np.random.default_rng(2))
    above = approximation_a.lengths_above(edges / 10.0, depth)[1][1]
    wanted = -np.diff(above)
    mean, error = found.mean.charged[0], found.error.electrons[0] + found.error.positrons[0]
    assert (np.abs(mean - wanted) < 4 * error).all()
    assert wanted[0] > 1000.0


@pytest.mark.parametrize(
    ("edges", "depth", "showers"),
    [
        ([0.0, 1.0], [0.0, 1.0], 2),
        ([2.0, 1.0], [0.0, 1.0], 2),
        ([1.0, 2.0], [1.0, 2.0], 2),
        ([1.0, 2.0], [0.0, 1.0], 1),
    ],
)
def test_what_cannot_be_simulated(edges, depth, showers):
    with pytest.raises(ValueError, match="a simulation needs edges"):
        transport.simulate(100.0, edges, depth, showers, np.random.default_rng(1))
