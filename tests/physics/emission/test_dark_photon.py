"""A' bremsstrahlung: other forms of its cross section, and published values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from emiss import physics
from emiss.physics.constants import ALPHA, ELECTRON_MASS, LEAD, PICOBARN
from emiss.physics.emission import dark_photon
from emiss.physics.emission.form_factor import flux
from emiss.physics.process import Process

MASSES = np.array([0.01, 0.1, 1.0])


def test_exact_totals_are_those_of_na64s_program():
    # DMG4 (Comput. Phys. Commun. 269 (2021) 108129) has totals on lead for x > 0.01, GeV^-2 at epsilon = 1
    light = dark_photon.total(np.array([1e-4, 5e-4, 9e-4]), 100.0, mixing=1.0, min_energy=1.0) / PICOBARN
    np.testing.assert_allclose(light, [325514.0, 108852.0, 60733.3], rtol=0.015)


def test_the_improved_form_is_that_of_bjorken_and_others():
    mass, energy, x = 0.1, 100.0, np.array([0.5, 0.7, 0.9])  # below, the end at 0.1 rad is felt
    with pytest.warns(physics.RangeWarning, match="off by 10 % to a factor 3") as caught:
        got = dark_photon.differential_x(x, mass, energy, method="iww")
    assert len(caught) == 1
    assert caught[0].filename == __file__
    process = Process.of(
        np.array([mass]), np.array([energy]), coupling=1.0, nucleus=LEAD, beam="electron", final="electron"
    )
    chi = LEAD.z**2 * flux(np.array(mass**4 / (4 * energy**2)), mass**2, *process.screening)
    bracket = 1 - x + x**2 / 3
    wanted = 4 * ALPHA**3 * 1e-8 * chi * bracket / (mass**2 * (1 - x) / x + ELECTRON_MASS**2 * x) * PICOBARN
    np.testing.assert_allclose(got, wanted, rtol=1e-3)


@pytest.mark.parametrize("method", ["exact", "ww", "iww"])
@pytest.mark.filterwarnings("ignore::emiss.physics.RangeWarning")
def test_differentials_integrate_to_the_total_above_an_energy(method):
    def function(z):
        return dark_photon.differential_x(1 - np.exp(z), 0.1, 100.0, method=method, rtol=1e-3) * np.exp(z)

    z = np.linspace(np.log(5.12e-6), np.log(0.5), 1000)  # the electron keeps its mass at least
    wanted = np.trapezoid(function(z), z)
    assert dark_photon.total(0.1, 100.0, method=method, min_energy=50.0) == pytest.approx(wanted, rel=2e-3)


@pytest.mark.filterwarnings("ignore::emiss.physics.RangeWarning")
def test_the_approximation_by_another_quadrature():
    mass, energy, x = 0.1, 100.0, 0.7
    process = Process.of(
        np.array([mass]), np.array([energy]), coupling=1.0, nucleus=LEAD, beam="electron", final="electron"
    )

    def inner(log):
        u = np.exp(log)
        chi = LEAD.z**2 * flux(
            np.array((u / (2 * energy * (1 - x))) ** 2), mass**2 + ELECTRON_MASS**2, *process.screening
        )
        square = 2 * (2 - 2 * x + x**2) / (1 - x)
        square += 4 * (mass**2 + 2 * ELECTRON_MASS**2) * ((mass**2 * (1 - x) + ELECTRON_MASS**2 * x**2 - u * x) / u**2)
        return chi * square / u

    start = mass**2 * (1 - x) / x + ELECTRON_MASS**2 * x
    integral, _ = quad(inner, np.log(start), np.log(start + x * (0.1 * energy) ** 2), epsrel=1e-8, limit=200)
    wanted = ALPHA**3 * 1e-8 * np.sqrt(1 - (mass / (x * energy)) ** 2) * (1 - x) * integral * PICOBARN
    assert dark_photon.differential_x(x, mass, energy, method="ww") == pytest.approx(wanted, rel=1e-5)


def test_the_approximations_over_exact():
    # the known order: IWW too high by 1.7 at 100 MeV and by 3 at 1 GeV
    exact = dark_photon.total(MASSES, 100.0)
    with pytest.warns(physics.RangeWarning):
        near, far = (dark_photon.total(MASSES, 100.0, method=method) / exact for method in ("ww", "iww"))
    np.testing.assert_allclose(near, [1.11, 1.33, 1.45], atol=0.01)
    np.testing.assert_allclose(far, [1.13, 1.67, 2.80], atol=0.01)


def test_totals_are_at_their_tolerance_and_scale():
    fine = dark_photon.total(MASSES, 60.0)
    np.testing.assert_allclose(dark_photon.total(MASSES, 60.0, rtol=1e-3), fine, rtol=1e-3)
    np.testing.assert_allclose(dark_photon.total(MASSES, 60.0, mixing=1e-3), 100 * fine, rtol=1e-9)
    assert (dark_photon.total(1.0, np.array([0.5, 1.0])) == 0).all()
    assert (dark_photon.differential_x(np.array([-0.1, 0.0, 1.0]), 0.1, 100.0) == 0).all()


def test_what_is_refused():
    with pytest.raises(ValueError, match="no method 'eww'"):
        dark_photon.total(0.1, 100.0, method="eww")
    with pytest.raises(ValueError, match="m_phi, energy and coupling must be above 0"):
        dark_photon.total(0.0, 100.0)
