"""Final states against the differentials they are drawn from."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy import stats

from emiss.physics import RangeWarning
from emiss.physics.emission import cross_sections
from emiss.physics.emission.sampling import MuonSampler, ScalarSampler

BEAM = 80.0


def cumulated(density, points):
    """Return the normalised integral of a density at the points, by the trapezoid rule in their logarithm."""
    log = np.log(points)
    value = density * points
    total = np.concatenate([[0.0], np.cumsum(0.5 * (value[1:] + value[:-1]) * np.diff(log))])
    return total / total[-1]


@pytest.mark.parametrize(("min_energy", "max_angle"), [(0.0, 0.3), (15.0, 0.02)])
@pytest.mark.parametrize("mass", [0.11, 1.0])
def test_muons_follow_dsigma_dy_and_dsigma_dpsi(mass, min_energy, max_angle):
    sampler = MuonSampler.tabulate(mass, 20.0, 100.0, min_energy=min_energy, max_angle=max_angle)
    y, psi = sampler.sample(np.full(20000, BEAM), np.random.default_rng(5))
    assert (y * BEAM >= max(min_energy, 0.10565)).all()
    assert psi.max() <= max_angle * (1 + 1e-9)
    low = max(min_energy, 0.1056584) / BEAM
    points = np.geomspace(low * 1.000001, (1 - mass / BEAM) * 0.999999, 1500)
    density = cross_sections.differential_y(points, mass, BEAM, method="ww", psi_max=max_angle)
    wanted = cumulated(density, points)
    assert stats.kstest(y, lambda v: np.interp(v, points, wanted)).pvalue > 1e-3
    if min_energy == 0:
        angles = np.geomspace(1e-6, 0.3, 800)
        wanted = cumulated(cross_sections.differential_psi(angles, mass, BEAM, method="ww"), angles)
        assert stats.kstest(psi, lambda v: np.interp(v, angles, wanted)).pvalue > 1e-3


def test_scalars_follow_dsigma_dx_and_the_double_differential():
    mass, count = 0.3, 20000
    sampler = ScalarSampler.tabulate(mass, 20.0, 100.0)
    x, theta = sampler.sample(np.full(count, BEAM), np.random.default_rng(6))
    points = 1 - np.geomspace(0.99 * (1 - mass / BEAM), 1.33e-3, 1500)
    density = cross_sections.differential_x(points, mass, BEAM, method="ww")
    total = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]) * np.diff(points))])
    assert stats.kstest(x, lambda v: np.interp(v, points, total / total[-1])).pvalue > 1e-3
    # chi^2 in cells of (x, theta)
    xs, angles = np.quantile(x, np.linspace(0.02, 0.98, 7)), np.quantile(theta, np.linspace(0.02, 0.98, 7))
    observed = np.histogram2d(x, theta, (xs, angles))[0]
    fine = 40

    def middle(edges):
        step = np.diff(edges)[:, None]
        return edges[:-1, None] + step * (np.arange(fine) + 0.5) / fine, step[:, 0] / fine

    (in_x, width_x), (in_theta, width_theta) = middle(xs), middle(angles)
    value = cross_sections.double_differential_x(in_x[:, :, None, None], in_theta[None, None], mass, BEAM, method="ww")
    expected = (value * in_theta).sum(axis=(1, 3)) * width_x[:, None] * width_theta
    expected *= count / cross_sections.total(mass, BEAM, method="ww")
    chi2 = ((observed - expected) ** 2 / expected).sum()
    assert stats.chi2.sf(chi2, observed.size) > 1e-3


def test_energies_may_vary_from_state_to_state():
    sampler = MuonSampler.tabulate(0.3, 20.0, 100.0, min_energy=15.0, max_angle=0.02)
    energy = np.random.default_rng(1).choice([22.0, 51.3, 97.0], 60000)
    y, psi = sampler.sample(energy, np.random.default_rng(2))
    for beam in (22.0, 51.3, 97.0):
        alone = MuonSampler.tabulate(0.3, beam, beam, min_energy=15.0, max_angle=0.02)
        wanted = alone.sample(np.full(20000, beam), np.random.default_rng(3))
        for mixed, single in zip((y, psi), wanted, strict=True):
            assert stats.ks_2samp(mixed[energy == beam], single).pvalue > 1e-3


@pytest.mark.parametrize("mass", [0.11, 0.3, 3.0])
def test_the_weight_is_the_share_of_the_exact_cross_section(mass):
    sampler = MuonSampler.tabulate(mass, 20.0, 100.0, min_energy=15.0, max_angle=0.02)
    energy = np.linspace(21.0, 100.0, 9)
    part = cross_sections.total_in_region(mass, energy, min_energy=15.0, max_angle=0.02, method="exact")
    np.testing.assert_allclose(sampler.weight(energy), part / cross_sections.total(mass, energy), rtol=0.02, atol=1e-6)


@pytest.mark.parametrize("mass", [0.11, 0.3, 2.0])
def test_the_states_without_a_region_fall_into_it_as_the_approximation_says(mass):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RangeWarning)
        part = cross_sections.total_in_region(mass, 100.0, min_energy=15.0, max_angle=0.02)
        share = part / cross_sections.total_in_region(mass, 100.0)
    y, psi = MuonSampler.tabulate(mass, 20.0, 100.0).sample(np.full(20000, 100.0), np.random.default_rng(4))
    inside = ((y * 100.0 > 15.0) & (psi < 0.02)).mean()
    assert inside == pytest.approx(share, abs=4 * np.sqrt(inside / 20000))


def test_an_envelope_that_is_too_low_is_raised_and_the_states_are_right():
    from dataclasses import replace

    sampler = MuonSampler.tabulate(0.3, 80.0, 80.0)
    low = replace(sampler, envelope=0.2 * sampler.envelope)
    energy = np.full(20000, BEAM)
    y, _ = low.sample(energy, np.random.default_rng(7))
    wanted, _ = sampler.sample(energy, np.random.default_rng(8))
    assert stats.ks_2samp(y, wanted).pvalue > 1e-3


def test_the_seed_decides():
    sampler = ScalarSampler.tabulate(0.5, 50.0, 100.0)
    energy = np.linspace(50.0, 100.0, 1000)
    first, again, other = (sampler.sample(energy, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first[0] != other[0]).any()


def test_what_is_refused():
    sampler = MuonSampler.tabulate(0.3, 14.0, 100.0, min_energy=15.0)
    with pytest.raises(ValueError, match="region is empty"):
        sampler.sample(np.array([15.2]), np.random.default_rng(1))
    below = ScalarSampler.tabulate(3.0, 2.0, 100.0)
    with pytest.raises(ValueError, match=r"region is empty at 2\.5 GeV"):
        below.sample(np.array([50.0, 2.5]), np.random.default_rng(1))
    assert below.weight(np.array([50.0])) == pytest.approx(1.0, abs=1e-4)
    with pytest.raises(ValueError, match="outside the tabulated range"):
        sampler.sample(np.array([120.0]), np.random.default_rng(1))
    with pytest.raises(ValueError, match="lowest"):
        MuonSampler.tabulate(0.3, 100.0, 20.0)
    assert len(sampler.sample(np.empty(0), np.random.default_rng(1))[0]) == 0
