"""The shape of showers against its own integrals, approximation A and published containment."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import dblquad
from scipy.special import gammainc

from emiss.physics.shower import approximation_a
from emiss.physics.shower.profile_kernels import corner, drawn, longitudinal, radii, rising, rising_and_density, tail

LEAD, IRON = (82.0, 7.43e-3), (26.0, 21.68e-3)  # Z, critical energy (GeV)


@pytest.mark.parametrize("a", [1.05, 1.3, 2.0, 5.4, 19.0])
def test_the_incomplete_gamma_function(a):
    x = np.concatenate([[0.0, 1e-9, a, a + 1.0], np.geomspace(1e-3, 60.0, 40)])
    found = np.array([rising_and_density(a, one, math.lgamma(a)) for one in x])
    assert found[:, 0] == pytest.approx([rising(a, one) for one in x], abs=1e-14)
    assert found[:, 0] == pytest.approx(gammainc(a, x), abs=1e-8)
    assert found[:, 0] - found[:, 1] == pytest.approx(gammainc(a + 1.0, x), abs=1e-8)


def rectangle(x0, x1, y0, y1, radius):
    def at(x, y):
        return corner(x, y, math.hypot(x, radius), math.hypot(y, radius))

    return at(x1, y1) - at(x0, y1) - at(x1, y0) + at(x0, y0)


@pytest.mark.parametrize("box", [(-19.1, 19.1, -19.1, 19.1), (19.1, 57.3, -3.0, 35.2), (-5.0, 80.0, 2.0, 3.0)])
@pytest.mark.parametrize("radius", [4.0, 25.0])
def test_the_lateral_form_over_a_rectangle(box, radius):
    form = dblquad(lambda y, x: radius**2 / (np.pi * (x * x + y * y + radius**2) ** 2), *box)[0]
    assert rectangle(*box, radius) == pytest.approx(form, rel=1e-6)


def test_the_lateral_form_over_the_plane_is_one():
    assert rectangle(-1e6, 1e6, -1e6, 1e6, 10.0) == pytest.approx(1.0, abs=1e-4)


def test_the_maximum_goes_deeper_with_energy_as_in_approximation_a():
    depth = np.linspace(0.0, 20.0, 401)
    z, critical = LEAD
    found = []
    for energy in (10.0, 200.0):
        charged = approximation_a.lengths_above(np.array([critical / energy]), depth)[1][:, 0]
        at = depth[np.diff(charged).argmax()]
        ours = math.exp(longitudinal(math.log(energy / critical), z, 0.0, 1.0)[0])
        assert ours == pytest.approx(at, abs=0.5)  # where electrons above the critical energy are most
        found.append((at, ours))
    rise, of_ours = np.diff(np.array(found), axis=0)[0]
    assert of_ours == pytest.approx(rise, rel=0.03)


@pytest.mark.parametrize(("z", "critical"), [LEAD, IRON])
@pytest.mark.parametrize("energy", [1.0, 10.0, 100.0])
def test_the_maximum_is_that_of_the_particle_data_group(energy, z, critical):
    # t_max = ln y - 0.5 for electrons (PDG 2022, Eq. 34.36)
    ln_y = math.log(energy / critical)
    assert math.exp(longitudinal(ln_y, z, 0.0, 1.0)[0]) == pytest.approx(ln_y - 0.5, abs=0.4)


@pytest.mark.parametrize("energy", [10.0, 100.0])
def test_nine_tenths_are_within_a_moliere_radius_and_95_percent_within_two(energy):
    z, critical = LEAD
    ln_t, ln_a, *_ = longitudinal(math.log(energy / critical), z, 0.0, 1.0)
    alpha = math.exp(ln_a)
    edges = np.linspace(0.0, 5.0, 51)
    weights = np.diff(gammainc(alpha, (alpha - 1.0) * edges))
    within = np.zeros(2)
    for tau, weight in zip(0.5 * (edges[1:] + edges[:-1]), weights / weights.sum(), strict=True):
        core, wide, share = radii(tau, math.log(energy), z, 0.0, 1.0)
        for i, radius in enumerate((1.0, 2.0)):
            square = radius * radius
            within[i] += weight * (share * square / (square + core**2) + (1 - share) * square / (square + wide**2))
    assert ln_t > 0
    assert within == pytest.approx([0.90, 0.95], abs=0.015)


def test_photons_take_over_without_a_step_and_with_their_slope():
    alpha, beta, slope = 5.5, 0.53, 0.31

    def profile(t):
        return beta**alpha / math.gamma(alpha) * t ** (alpha - 1.0) * math.exp(-beta * t)

    begin, behind = tail(alpha, beta, slope)
    assert behind * slope == pytest.approx(profile(begin))
    assert math.log(profile(begin - 0.01) / profile(begin + 0.01)) / 0.02 == pytest.approx(slope, rel=1e-4)
    assert tail(alpha, 0.3, slope)[1] == 0.0  # a profile that ends less steeply is left alone


def test_the_correlation_and_the_spreads_of_the_draws():
    rng = np.random.default_rng(5)
    ln_t, ln_a, spread_t, spread_a, correlation = longitudinal(9.4, 81.0, 0.27, 0.645)
    draws = np.array([drawn(ln_t, ln_a, spread_t, spread_a, correlation, *rng.standard_normal(2)) for _ in range(4000)])
    alpha, maximum = np.log(draws[:, 0]), np.log((draws[:, 0] - 1.0) / draws[:, 1])
    assert (maximum.mean(), alpha.mean()) == pytest.approx((ln_t, ln_a), abs=0.01)
    assert (maximum.std(), alpha.std()) == pytest.approx((spread_t, spread_a), rel=0.05)
    assert np.corrcoef(maximum, alpha)[0, 1] == pytest.approx(correlation, abs=0.05)


@given(st.floats(-3.0, 14.0), st.sampled_from([0.0, 0.27, 1.0]), st.floats(3.0, 83.0))
def test_every_energy_has_a_shape(ln_y, plates, z):
    ln_t, ln_a, spread_t, spread_a, correlation = longitudinal(ln_y, z, plates, 0.65 if plates else 1.0)
    alpha, beta = drawn(ln_t, ln_a, spread_t, spread_a, correlation, -3.0, 3.0)
    assert alpha > 1.0
    assert np.isfinite(beta)
    assert beta > 0.0
    deeper = longitudinal(ln_y + 0.1, z, plates, 0.65 if plates else 1.0)[0]
    assert deeper > ln_t
    core, wide, weight = radii(1.0, ln_y - 4.7, z, plates, 0.65 if plates else 1.0)
    assert 0.0 < core < 1.0
    assert wide > 0.0
    assert 0.0 <= weight <= 1.0
