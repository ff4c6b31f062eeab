"""A' bremsstrahlung: other forms of its cross section, published values, yields and the simple limit."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from emiss import physics
from emiss.physics.constants import ALPHA, ELECTRON_MASS, LEAD, PICOBARN, Nucleus
from emiss.physics.emission import dark_photon, yields
from emiss.physics.emission.form_factor import flux
from emiss.physics.emission.k_factors import KFactors
from emiss.physics.process import Process
from emiss.physics.shower.transport import track_lengths

MASSES = np.array([0.01, 0.1, 1.0])


@pytest.fixture(scope="module")
def table() -> KFactors:
    return KFactors.compute([0.01, 0.1], [50.0, 100.0], "iww", boson="vector")


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


def test_k_factors_of_the_vector(table):
    assert table.boson == "vector"
    assert (table.beam, table.final) == ("electron", "electron")
    assert table(0.1, 100.0) == pytest.approx(1.672, abs=2e-3)
    again = KFactors.from_json(table.to_json())
    np.testing.assert_array_equal(again.ratio, table.ratio)
    assert again.boson == "vector"
    assert json.loads(table.to_json())["boson"] == "vector"


def test_the_yield_is_a_sum_over_the_shower():
    made = dark_photon.emission(0.1, mixing=1.0, threshold=50.0)
    lengths = track_lengths(100.0, 50.0)
    sigma = dark_photon.total(0.1, lengths.energy[::9], mixing=1.0, min_energy=50.0, rtol=1e-4)
    wanted = lengths.charged[:, ::9] * sigma * 1e-36 * LEAD.per_radiation_length
    np.testing.assert_allclose(made.content[:, ::9], wanted, rtol=2e-3, atol=1e-12)
    energy, depth = made.sample(5000, np.random.default_rng(1))
    assert energy.min() >= 50.0
    cumulated = np.concatenate([[0.0], np.cumsum(made.spectrum)]) / made.total
    assert stats.kstest(energy, lambda v: np.interp(v, made.edges, cumulated)).pvalue > 1e-3
    assert 0.2 < depth.mean() < 1.0


def test_iww_with_k_factors_is_near_the_exact_yield(table):
    for mass, rel in ((0.01, 0.06), (0.1, 0.04)):
        exact = dark_photon.emission(mass).total
        with pytest.warns(physics.RangeWarning):
            plain = dark_photon.emission(mass, method="iww").total
        corrected = dark_photon.emission(mass, method="iww", k_factors=table).total
        assert corrected == pytest.approx(exact, rel=rel)
        assert abs(plain - exact) > abs(corrected - exact)


@pytest.mark.parametrize(("mass", "published"), [(0.01, 3.30e-5), (0.1, 3.46e-4)])
@pytest.mark.parametrize("efficiency", [0.5, 0.9])
def test_the_simple_limit_is_the_published_one(mass, published, efficiency, table):
    # NA64, 2.84e11 electrons on target, 90 % CL: an energy of the A' of 50 GeV, nothing seen
    for made in (dark_photon.emission(mass), dark_photon.emission(mass, method="iww", k_factors=table)):
        found = yields.coupling_limit(made.total, dark_photon.MIXING, 2.84e11, efficiency=efficiency)
        assert found == pytest.approx(published, rel=0.35)


def test_what_is_refused(table):
    with pytest.raises(ValueError, match="no method 'eww'"):
        dark_photon.total(0.1, 100.0, method="eww")
    with pytest.raises(ValueError, match="not those of a vector, 'ww'"):
        dark_photon.emission(0.1, method="ww", k_factors=table)
    iron = Nucleus(z=26, a=56, radiation_length=13.84, molar_mass=55.845)
    with pytest.raises(ValueError, match="this nucleus"):
        dark_photon.emission(0.1, method="iww", k_factors=table, nucleus=iron)
    with pytest.raises(ValueError, match="a mass is outside the table"):
        dark_photon.emission(0.2, method="iww", k_factors=table)
    with pytest.raises(ValueError, match="m_phi, energy and coupling must be above 0"):
        dark_photon.total(0.0, 100.0)
    with pytest.raises(ValueError, match="there is no limit"):
        yields.coupling_limit(0.0, 1e-4, 1e11)
    assert dark_photon.emission(99.9).total == 0.0


def test_every_bin_above_the_threshold_has_its_part():
    assert dark_photon.emission(0.05, threshold=30.0).spectrum.min() > 0.0
