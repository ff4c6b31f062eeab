"""Cross sections and sampling against check values, quadrature and each other."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import dblquad, quad

from physics import cross_sections, form_factor, yields
from physics.constants import ELECTRON_MASS, LEAD, MUON_MASS
from physics.sampling import MuonSampler


def test_the_check_values():
    # 100 GeV on lead, h = 1e-4, m_phi = 0.3 GeV
    exact = cross_sections.total(0.3, 100.0)
    assert exact == pytest.approx(2.0487, rel=2e-5)
    assert cross_sections.total(0.3, 100.0, method="ww") / exact == pytest.approx(1.0080, abs=1e-4)
    assert cross_sections.total(0.3, 100.0, method="iww") / exact == pytest.approx(2.132, abs=1e-3)


@pytest.mark.parametrize("mass", [0.11, 0.3, 1.0])
def test_exact_totals_in_x_and_in_y_are_the_same(mass):
    in_x = cross_sections.total(mass, 100.0, variable="x")
    assert cross_sections.total(mass, 100.0, variable="y") == pytest.approx(in_x, rel=2e-5)
    for variable in ("x", "y"):  # the claim of the paper: the approximation is good to 2 %
        assert cross_sections.total(mass, 100.0, method="ww", variable=variable) == pytest.approx(in_x, rel=0.025)


def test_the_flux_is_its_integral():
    t_a = (ELECTRON_MASS * LEAD.z ** (1 / 3) / 111.0) ** 2
    t_d = 0.164 * LEAD.a ** (-2 / 3)
    for t_min in (1e-8, 1e-6, 1e-4, 1e-2):
        wanted, _ = quad(
            lambda u, low=t_min: (np.exp(u) - low) * np.exp(u) / ((np.exp(u) + t_a) * (1 + np.exp(u) / t_d)) ** 2,
            np.log(t_min),
            np.log(0.09),
            epsabs=0,
            epsrel=1e-10,
        )
        assert form_factor.flux(np.array(t_min), 0.09, t_a, t_d) == pytest.approx(wanted, rel=1e-8)
    assert form_factor.flux(np.array(0.1), 0.09, t_a, t_d) == 0.0


def test_the_total_is_the_integral_of_the_double_differential():
    def inner(psi: float, log_y: float) -> float:
        y = np.exp(log_y)
        return float(cross_sections.double_differential_y(y, psi, 0.3, 100.0, method="ww") * psi * y)

    low, high = np.log(MUON_MASS / 100.0), np.log(1 - 0.3 / 100.0)
    # psi is integrated in two parts, as nearly all of it is below 20 mrad
    wanted = sum(dblquad(inner, low, high, a, b, epsrel=1e-3)[0] for a, b in ((0.0, 0.02), (0.02, 0.3)))
    assert cross_sections.total(0.3, 100.0, method="ww", variable="y") == pytest.approx(wanted, rel=2e-3)


def test_scaling_and_threshold():
    assert cross_sections.total(0.3, 0.2) == 0.0
    assert cross_sections.total(0.3, 30.0) < cross_sections.total(0.3, 100.0)
    assert cross_sections.total(0.3, 100.0, coupling=2e-4) == pytest.approx(4 * cross_sections.total(0.3, 100.0))


def test_the_angle_peaks_near_mass_over_energy():
    psi = np.linspace(2e-4, 0.02, 100)
    density = cross_sections.differential_psi(psi, 0.3, 100.0, method="ww", rtol=1e-3)
    assert 0.3 < psi[np.argmax(density)] / (0.3 / 100.0) < 3.0


def test_samples_follow_the_differential_in_the_region():
    sampler = MuonSampler.tabulate(0.3, 20.0, 100.0, min_energy=15.0, max_angle=0.02)
    y, psi = sampler.sample(np.full(20000, 80.0), np.random.default_rng(5))
    assert (y * 80.0 >= 15.0 * 0.999999).all()
    assert psi.max() <= 0.02 * 1.000001
    edges = np.quantile(y, np.linspace(0, 1, 11))
    edges[0], edges[-1] = 15.0 / 80.0, 1 - 0.3 / 80.0
    above = cross_sections.total_in_region(0.3, 80.0, min_energy=edges * 80.0 * (1 - 1e-12), max_angle=0.02)
    wanted = np.array([a - b for a, b in pairwise(above)])
    counts, _ = np.histogram(y, edges)
    expected = wanted / wanted.sum() * len(y)
    assert ((counts - expected) ** 2 / expected).sum() < 30.0  # 9 degrees of freedom
    whole = cross_sections.total(0.3, 80.0, method="ww", variable="y")
    assert sampler.weight(np.array([80.0]))[0] == pytest.approx(wanted.sum() / whole, rel=0.02)


def test_track_lengths_follow_approximation_a():
    lengths = yields.track_lengths(100.0, 1.0)
    both = lengths.electrons + lengths.positrons
    for energy in (2.0, 5.0, 10.0):
        assert both[lengths.energy > energy].sum() == pytest.approx(0.437 * 100.0 / energy, rel=0.04)
    assert (lengths.electrons >= lengths.positrons).all()


def test_the_yield_of_the_paper_is_not_reached():
    # the tension that docs/validation.md reports: below one event emitted above 20 GeV in 1e11 electrons
    rate, _, _ = yields.per_electron(0.110, coupling=7e-4)
    assert 0.3 < rate * 1e11 < 1.5
