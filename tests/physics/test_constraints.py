"""Constraints: checks against the seeds' numbers, closed forms and independent integrals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate

from physics import RangeWarning
from physics.constants import ELECTRON_MASS, MUON_MASS
from physics.constraints import alps, g_minus_2, landau, lepton_conversion, relic, thermal


def test_the_scalar_changes_the_muons_moment_by_the_known_amount():
    assert g_minus_2.contribution(0.3) == pytest.approx(2.8886e-4, rel=2e-5)
    assert g_minus_2.contribution(0.3, 1e-3) == pytest.approx(2.8886e-10, rel=2e-5)


@pytest.mark.parametrize("m_phi", [MUON_MASS - 0.9 * ELECTRON_MASS, 0.106, 0.11, 0.2, 1.0, 10.0])
def test_the_integral_is_that_of_an_adaptive_quadrature(m_phi):
    r, e = (MUON_MASS / m_phi) ** 2, (ELECTRON_MASS / m_phi) ** 2

    def integrand(x):
        return x * x * (1.0 - x) / ((1.0 - x) * (1.0 - r * x) + e * x)

    knots = [1.0 - 10.0**-k for k in range(1, 9)]
    reference, error = integrate.quad(integrand, 0.0, 1.0, points=knots, limit=400, epsabs=0.0, epsrel=1e-10)
    assert error < 1e-8 * reference
    expected = r / (16.0 * np.pi**2) * reference
    assert g_minus_2.contribution(m_phi) == pytest.approx(expected, rel=1e-7)


def test_a_heavy_scalar_decouples_as_its_mass_squared():
    # r -> 0: the integral is 1/3
    assert g_minus_2.contribution(100.0) == pytest.approx((MUON_MASS / 100.0) ** 2 / (48.0 * np.pi**2), rel=1e-3)


def test_couplings_and_bands_invert_the_contribution():
    masses = np.array([0.11, 0.3, 1.0])
    difference = g_minus_2.DIFFERENCES["wp2020"]
    low, high = g_minus_2.band(masses, 2.0)
    assert g_minus_2.contribution(masses, low) == pytest.approx(np.full(3, difference.value - 2 * difference.error))
    assert g_minus_2.contribution(masses, high) == pytest.approx(np.full(3, difference.value + 2 * difference.error))
    none, limit = g_minus_2.band(masses, 1.0, g_minus_2.DIFFERENCES["wp2025"])
    assert np.all(none == 0.0)
    assert g_minus_2.contribution(masses, limit) == pytest.approx(np.full(3, 92e-11))


def test_a_scalar_that_the_muon_decays_to_is_refused():
    with pytest.raises(ValueError, match="the muon decays"):
        g_minus_2.contribution([0.3, 0.1])


def test_the_relic_line_gives_its_cross_section_back():
    for ratio in (3.0, 1.0 / 3.0, 2.5):
        mass = np.array([0.2, 1.0])
        h, m = relic.coupling(mass, ratio=ratio), mass / ratio
        sigma = h**2 * 0.1**2 * m**2 / (4 * np.pi * (mass**2 - 4 * m**2) ** 2)  # GeV^-2
        assert sigma * 0.3894e9 == pytest.approx(np.full(2, 10.0), rel=1e-3)
    assert relic.coupling(1.0) == pytest.approx(9.47e-3, rel=1e-3)
    assert relic.coupling(1.0, ratio=relic.PRINTED) / relic.coupling(1.0) == pytest.approx(7.0)
    assert relic.invisible(3.0)
    assert not relic.invisible(relic.PRINTED)


def test_the_relic_line_ends_at_the_resonance():
    with pytest.raises(ValueError, match="resonant"):
        relic.coupling(0.3, ratio=2.0)
    with pytest.warns(RangeWarning, match="next to the resonance"):
        assert relic.coupling(0.3, ratio=2.001) < 0.01 * relic.coupling(0.3)
    with pytest.raises(ValueError, match="above 0"):
        relic.coupling(0.3, ratio=-1.0)


def test_thermal_lines_are_the_seeds():
    assert thermal.line(1e-3, "scalar") == pytest.approx(1e-11)
    assert thermal.line(0.1, "majorana") == pytest.approx(0.5e-7)
    assert thermal.line(0.01, "pseudo_dirac") == pytest.approx(0.4e-10)
    assert thermal.y_line(0.01, "pseudo_dirac") == pytest.approx(0.4e-10 / 81.0)
    with pytest.raises(ValueError, match="no dark matter 'axion'"):
        thermal.line(1.0, "axion")


def test_the_seeds_s_wave_formula_is_near_its_rule():
    # 2e-8 (9 - 4)^2 2/sqrt(10.75) MeV^2 = 3.05e-13; the rule says 0.4e-12, with an undefined c_s
    assert thermal.s_wave(1e-3) == pytest.approx(3.05e-13, rel=1e-3)
    assert thermal.s_wave(1e-3, c_s=1.31) == pytest.approx(thermal.line(1e-3, "pseudo_dirac"), rel=0.01)


def test_freeze_out_and_density_are_the_textbooks():
    # a thermal relic of 100 GeV and 3e-26 cm^3/s (2.6e-9 GeV^-2) freezes out between 20 and 25 and gives about 0.1
    x_f = thermal.freeze_out(100.0, 2.6e-9, g_star=90.0)
    assert 20.0 < x_f < 25.0
    assert thermal.relic_density(100.0, 2.6e-9, g_star=90.0) == pytest.approx(
        0.0876e-9 * x_f / (math.sqrt(90) * 2.6e-9)
    )
    x_f = thermal.freeze_out(0.1, 2.6e-8, wave=1)
    assert thermal.relic_density(0.1, 2.6e-8, wave=1) == pytest.approx(0.1752e-9 * x_f**2 / (math.sqrt(10.75) * 2.6e-8))
    # the seed: T/m = 0.05 to 0.1 between 1 MeV and 1 GeV
    assert 0.05 < 1.0 / thermal.freeze_out(1e-3, 2.6e-9) < 0.1
    with pytest.raises(ValueError, match="never in equilibrium"):
        thermal.freeze_out(1e-3, 1e-30)


def test_landau_bounds_scale_as_one_loop_says():
    assert landau.bound("scalar", 1e3) == 0.8
    assert landau.bound("pseudo_dirac", 1.2209e19) == 0.05
    with pytest.raises(ValueError, match="no bound for 'dirac'"):
        landau.bound("dirac", 1e3)
    # 1/alpha(m) - 1/alpha(mu) = slope ln(mu/m): solve the running numerically
    start = landau.one_loop("dirac", 0.01, 1e3)
    near = integrate.solve_ivp(
        lambda _, a: landau.SLOPES["dirac"] * a**2, (math.log(0.01), math.log(999.0)), [start], rtol=1e-9, atol=1e-12
    )
    assert near.y[0, -1] > 1e3
    # a scalar's loop is a quarter of a fermion's, as in the seed's table; the table itself is half of one loop
    assert landau.one_loop("scalar", 0.01, 1e3) == pytest.approx(4.0 * start)
    assert start == pytest.approx(2.0 * landau.bound("pseudo_dirac", 1e3), rel=0.05)
    with pytest.raises(ValueError, match="from a mass to a larger scale"):
        landau.one_loop("dirac", 1e3, 0.01)


def test_an_alp_flies_four_metres():
    assert alps.decay_length(0.1, 1e-4, 100.0) == pytest.approx(4.0e3, rel=0.01)
    assert alps.width(0.1, 1e-4) == pytest.approx(4.97e-14, rel=1e-3)
    assert alps.decay_length(0.2, 1e-4, 100.0) / alps.decay_length(0.1, 1e-4, 100.0) == pytest.approx(1 / 16, rel=1e-5)
    assert alps.decay_probability(4e3, 0.0, math.inf) == 1.0
    assert alps.decay_probability(4e3, 1e3, 2e3) == pytest.approx(math.exp(-0.25) - math.exp(-0.5))
    with pytest.raises(ValueError, match="below the mass"):
        alps.decay_length(0.1, 1e-4, 0.05)


def test_the_conversion_table_is_whole():
    assert {(item.transition, item.operator) for item in lepton_conversion.LIMITS if "NA64" in item.experiment} == {
        (transition, operator) for transition in ("e -> tau", "mu -> tau") for operator in "SVT"
    }
    assert all(item.lowest < item.highest for item in lepton_conversion.LIMITS)
