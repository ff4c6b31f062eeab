"""Totals and differentials against check values, each other and other quadratures."""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from dataclasses import replace
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import dblquad, quad, simpson

from emiss import physics
from emiss.physics.constants import ELECTRON_MASS, LEAD, MUON_MASS, Nucleus
from emiss.physics.emission import cross_sections, ww
from emiss.physics.emission.form_factor import flux, inelastic_flux

pytestmark = pytest.mark.filterwarnings(
    "ignore:improved Weizsaecker-Williams is about 2 to 7:emiss.physics.RangeWarning"
)

CHECKED = 2.0487
"""pb, exact: 100 GeV on lead, h = 1e-4, m_phi = 0.3 GeV."""


@pytest.mark.parametrize(("method", "over_exact"), [("exact", 1.0), ("ww", 1.0080), ("iww", 2.132)])
def test_the_check_values(method, over_exact):
    assert cross_sections.total(0.3, 100.0, method=method) == pytest.approx(CHECKED * over_exact, rel=1e-4)


def test_exact_totals_from_x_and_from_y_are_one():
    mass, energy = np.array([0.11, 0.3, 1.0, 3.0])[:, None], np.array([20.0, 100.0])
    in_x = cross_sections.total(mass, energy, method="exact", variable="x")
    in_y = cross_sections.total(mass, energy, method="exact", variable="y")
    assert in_x.shape == (4, 2)
    np.testing.assert_allclose(in_y, in_x, rtol=1e-5)


def test_claims_of_the_paper():
    mass, energy = np.array([0.11, 0.2, 0.5, 1.0])[:, None], np.array([50.0, 100.0, 200.0])
    exact = cross_sections.total(mass, energy)
    near = cross_sections.total(mass, energy, method="ww")
    assert np.abs(near / exact - 1).max() < 0.02
    far = cross_sections.total(np.array([0.11, 1.0]), 100.0, method="iww") / exact[[0, 3], 1]
    np.testing.assert_allclose(far, [2.0, 3.0], rtol=0.1)


def test_x_and_y_are_two_approximations_that_agree_within_a_per_cent():
    mass = np.array([0.11, 0.3, 1.0])
    in_x = cross_sections.total(mass, 100.0, method="ww", variable="x")
    in_y = cross_sections.total(mass, 100.0, method="ww", variable="y")
    np.testing.assert_allclose(in_y, in_x, rtol=0.015)


def test_the_approximation_against_another_quadrature():
    def inner(psi: float, log_y: float) -> float:
        y = np.array([np.exp(log_y)])
        return float(cross_sections.double_differential_y(y, psi, 0.3, 100.0, method="ww")[0] * psi * y[0])

    low, high = np.log(MUON_MASS / 100.0), np.log(1 - 0.3 / 100.0)
    # psi is integrated in two parts, as nearly all of it is below 50 mrad
    wanted = sum(dblquad(inner, low, high, a, b, epsrel=1e-3)[0] for a, b in ((0.0, 0.01), (0.01, 0.05), (0.05, 0.3)))
    assert cross_sections.total(0.3, 100.0, method="ww", variable="y") == pytest.approx(wanted, rel=1e-3)


@pytest.mark.parametrize("method", ["exact", "ww", "iww"])
def test_differentials_integrate_to_the_total(method):
    x = np.concatenate([np.linspace(0.004, 0.9, 150), 1 - np.geomspace(0.1, 1.07e-3, 250)[1:]])
    in_x = cross_sections.differential_x(x, 0.3, 100.0, method=method)
    wanted = cross_sections.total(0.3, 100.0, method=method)
    assert np.trapezoid(in_x, x) == pytest.approx(wanted, rel=2e-3)
    y = np.geomspace(1.06e-3, 0.996, 500)
    in_y = cross_sections.differential_y(y, 0.3, 100.0, method=method)
    wanted = cross_sections.total(0.3, 100.0, method=method, variable="y")
    assert np.trapezoid(in_y * y, np.log(y)) == pytest.approx(wanted, rel=2e-3)
    psi = np.geomspace(1e-5, 0.3, 250)
    in_psi = cross_sections.differential_psi(psi, 0.3, 100.0, method=method)
    assert np.trapezoid(in_psi * psi, np.log(psi)) == pytest.approx(wanted, rel=2e-3)


@pytest.mark.parametrize("method", ["exact", "ww"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_double_differentials_integrate_to_the_single_ones(method, share):
    for double, single, end in (
        (cross_sections.double_differential_x, cross_sections.differential_x, ww.THETA_MAX),
        (cross_sections.double_differential_y, cross_sections.differential_y, ww.PSI_MAX),
    ):
        angle = np.geomspace(1e-6, end if method == "ww" else np.pi, 2000)
        value = double(share, angle, 0.3, 100.0, method=method)
        jacobian = angle if method == "ww" else np.sin(angle)
        integral = np.trapezoid(value * jacobian * angle, np.log(angle))
        assert integral == pytest.approx(single(share, 0.3, 100.0, method=method), rel=1e-3)


def test_the_angle_peaks_near_mass_over_energy():
    for mass in (0.11, 0.3, 1.0):
        psi = np.geomspace(1e-5, 0.1, 80)
        density = cross_sections.differential_psi(psi, mass, 100.0)
        assert 0.5 < psi[np.argmax(density)] / (mass / 100.0) < 2.0


def test_the_flux_is_its_integral_and_ends_where_its_limits_meet():
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
        assert flux(np.array(t_min), 0.09, t_a, t_d) == pytest.approx(wanted, rel=1e-8)
    assert flux(np.array(0.1), 0.09, t_a, t_d) == 0.0


@settings(deadline=None, max_examples=200)
@given(
    screening=st.floats(-12.0, -9.0),
    size=st.floats(-3.0, -0.7),
    t_min=st.floats(-14.0, 4.0),
    longer=st.floats(-6.0, 6.0),
)
def test_the_flux_has_all_its_digits_at_any_mass(screening, size, t_min, longer):
    # the closed form again, in 70 digits
    t_a, t_d, low = 10.0**screening, 10.0**size, 10.0**t_min
    high = low * (1.0 + 10.0**longer)
    with localcontext(prec=70):
        a, d, start, stop = (Decimal(number) for number in (t_a, t_d, low, high))

        def antiderivative(t: Decimal) -> Decimal:
            rational = (a + start) / (t + a) + (d + start) / (t + d)
            return ((a - d) * rational + (a + d + 2 * start) * ((t + d) / (t + a)).ln()) / (a - d) ** 3

        wanted = float(d**2 * (antiderivative(stop) - antiderivative(start)))
    assert flux(np.array([low]), high, t_a, t_d)[0] == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(("mass", "energy"), [(4.5, 100.0), (6.0, 100.0), (10.0, 200.0), (13.0, 1000.0)])
def test_heavy_masses_converge_in_every_form(mass, energy):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", physics.RangeWarning)
        exact, near, far = (cross_sections.total(mass, energy, method=method) for method in ("exact", "ww", "iww"))
    assert 0.9 < near / exact < 1.2
    assert 4.0 < far / exact < 7.0


@pytest.mark.parametrize(("final", "mass", "energy"), [("electron", 1.0, 500.0), ("electron", 0.2, 500.0)])
@pytest.mark.parametrize("method", ["exact", "ww"])
def test_a_light_lepton_is_followed_down_to_its_mass(final, mass, energy, method):
    # another cut in another variable: the spectrum in the logarithm of the lepton's kinetic energy
    leptons = {"beam": "muon", "final": final}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", physics.RangeWarning)
        whole = cross_sections.total(mass, energy, method=method, **leptons)
        kinetic = np.geomspace(1e-9, energy - mass - ELECTRON_MASS, 2001)[:-1]
        x = 1.0 - (ELECTRON_MASS + kinetic) / energy
        spectrum = cross_sections.differential_x(x, mass, energy, method=method, rtol=1e-6, **leptons)
    wanted = simpson(spectrum * kinetic / energy, np.log(kinetic))
    assert whole == pytest.approx(wanted, rel=2e-5)


@pytest.mark.filterwarnings("ignore::emiss.physics.RangeWarning")
@settings(deadline=None, max_examples=25)
@given(
    mass=st.floats(0.12, 3.0),
    energy=st.floats(20.0, 300.0),
    coupling=st.floats(1e-6, 1.0),
    method=st.sampled_from(["exact", "ww", "iww"]),
)
def test_scaling_and_order(mass, energy, coupling, method):
    sigma = cross_sections.total(mass, energy, coupling=coupling, method=method)
    assert sigma == pytest.approx((coupling / 1e-4) ** 2 * cross_sections.total(mass, energy, method=method), rel=1e-9)
    assert 0 < sigma < cross_sections.total(mass, 1.1 * energy, coupling=coupling, method=method)
    assert sigma > cross_sections.total(1.1 * mass, energy, coupling=coupling, method=method)


def test_the_estimated_error_covers_a_looser_tolerance():
    mass = np.array([0.11, 0.5, 2.0])
    fine = cross_sections.total(mass, 60.0, rtol=1e-6)
    rough = cross_sections.estimate(mass, 60.0, rtol=1e-3)
    assert (np.abs(rough.value - fine) <= rough.error).all()
    assert (rough.error <= 1e-3 * rough.value).all()


@pytest.mark.parametrize("method", ["exact", "ww", "iww"])
def test_below_threshold_and_outside_the_limits_it_is_zero(method):
    with pytest.warns(physics.RangeWarning) if method != "exact" else nullcontext():
        sigma = cross_sections.total(1.0, np.array([0.5, 1.0, 30.0]), method=method)
    assert (sigma[:2] == 0).all()
    assert sigma[2] > 0
    for single in (cross_sections.differential_x, cross_sections.differential_y):
        assert (single(np.array([-0.1, 0.0, 1.0, 1.5]), 0.3, 100.0, method=method) == 0).all()
    assert (cross_sections.differential_psi(np.array([-0.1, 0.0, 4.0]), 0.3, 100.0, method=method) == 0).all()


def test_warnings_come_once_and_at_the_caller():
    with pytest.warns(physics.RangeWarning, match="at 5 GeV: below 20 GeV") as caught:
        cross_sections.total(0.3, np.array([5.0, 10.0, 100.0]), method="ww")
    assert len(caught) == 1
    assert caught[0].filename == __file__
    with pytest.warns(physics.RangeWarning, match="40-50 % too high"):
        cross_sections.differential_x(0.5, 0.3, 100.0, beam="muon", final="electron", method="iww")


ALUMINIUM = Nucleus(z=13, a=27, radiation_length=24.01, molar_mass=26.98)
HYDROGEN = Nucleus(z=1, a=1, radiation_length=63.04, molar_mass=1.008)


@pytest.mark.filterwarnings("default:improved:emiss.physics.RangeWarning")
@pytest.mark.parametrize(
    ("arguments", "said", "off"),
    [
        ({"m_phi": 0.11, "method": "iww"}, "improved Weizsaecker-Williams is about 2 to 7 times too high", 1.1),
        (
            {"m_phi": 3.0, "energy": 21.0, "method": "ww"},
            "at 21 GeV and m_phi = 3 GeV is more than 2.5 % too high",
            0.08,
        ),
        ({"m_phi": 1.0, "nucleus": ALUMINIUM, "method": "ww"}, "on a nucleus of A = 27 is off by up to 4 %", 0.03),
        (
            {"m_phi": 2.0, "energy": 20.0, "final": "tau", "method": "ww"},
            "for a final tau is up to 30 % too low",
            -0.17,
        ),
        ({"m_phi": 1.0, "final": "electron", "method": "ww"}, "for a final electron is 40 %", 0.5),
        ({"m_phi": 1.0, "nucleus": HYDROGEN, "method": "exact"}, "neither the screening .* nor the form factor", 0.0),
        ({"m_phi": 1.0, "coupling": 4.0, "method": "exact"}, "the coupling 4 is beyond perturbativity", 0.0),
    ],
)
def test_each_range_is_warned_of_and_is_one(arguments, said, off):
    arguments = {"energy": 100.0} | arguments
    with pytest.warns(physics.RangeWarning, match=said) as caught:
        value = cross_sections.total(**arguments)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", physics.RangeWarning)
        exact = cross_sections.total(**(arguments | {"method": "exact"}))
    assert value / exact - 1.0 == pytest.approx(off, rel=0.2)


@pytest.mark.filterwarnings("error")
@settings(deadline=None, max_examples=25)
@given(mass=st.floats(0.11, 3.0), energy=st.floats(20.0, 300.0))
def test_the_approximation_is_near_wherever_it_is_silent(mass, energy):
    try:
        near = cross_sections.total(mass, energy, method="ww")
    except physics.RangeWarning:
        return
    assert near / cross_sections.total(mass, energy) == pytest.approx(1.0, abs=0.03)


def test_heavy_masses_are_out_of_the_range_of_the_approximation_in_y():
    mass, energy = np.array([1.0, 2.0, 3.0]), np.array([36.0, 100.0, 190.0])
    near = cross_sections.total(mass, energy, method="ww", variable="y") / cross_sections.total(mass, energy)
    assert ((near > 0.97) & (near < 1.0)).all()
    with pytest.warns(physics.RangeWarning, match="at 100 GeV and m_phi = 3 GeV is more than 2.5 % too low") as caught:
        below = cross_sections.total(np.array([0.3, 3.0]), 100.0, method="ww", variable="y")
    assert len(caught) == 1
    assert below[1] / cross_sections.total(3.0, 100.0) == pytest.approx(0.931, abs=0.002)


def test_the_exact_form_serves_muon_to_electron_and_the_approximation_does_not():
    leptons = {"beam": "muon", "final": "electron"}
    exact = cross_sections.total(0.3, 160.0, **leptons)
    np.testing.assert_allclose(cross_sections.total(0.3, 160.0, variable="y", **leptons), exact, rtol=1e-5)
    with pytest.warns(physics.RangeWarning):
        assert 1.3 < cross_sections.total(0.3, 160.0, method="ww", **leptons) / exact < 1.6


@pytest.mark.parametrize(
    ("beam", "final", "mass", "energy"),
    [
        ("muon", "electron", 0.11, 160.0),
        ("muon", "electron", 0.16, 500.0),
        ("electron", "electron", 0.05, 100.0),
        ("muon", "muon", 0.02, 30.0),
        ("electron", "tau", 3.0, 100.0),
        ("tau", "muon", 2.0, 50.0),
    ],
)
def test_exact_totals_of_other_leptons_from_x_and_from_y(beam, final, mass, energy):
    in_x, in_y = (cross_sections.total(mass, energy, beam=beam, final=final, variable=z) for z in ("x", "y"))
    assert in_y == pytest.approx(in_x, rel=1e-5)


def test_exact_totals_on_a_light_nucleus():
    in_x, in_y = (cross_sections.total(0.11, 400.0, nucleus=ALUMINIUM, variable=z) for z in ("x", "y"))
    assert in_y == pytest.approx(in_x, rel=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "wwa"}, "no method 'wwa'; there are exact, ww, iww"),
        ({"variable": "z"}, "no variable 'z'"),
        ({"beam": "proton"}, "'proton' is no lepton"),
        ({"m_phi": 0.1}, "m_phi must be above 0.105147 GeV: below, the muon decays to electron and phi"),
        ({"m_phi": np.nan}, "must be finite"),
        ({"energy": -1.0}, "must be above 0"),
        ({"coupling": 0.0}, "coupling must be above 0"),
    ],
)
def test_what_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        cross_sections.total(**({"m_phi": 0.3, "energy": 100.0} | arguments))


def test_other_nuclei():
    iron = Nucleus(z=26, a=56, radiation_length=13.84, molar_mass=55.845)
    ratio = cross_sections.total(0.3, 100.0, nucleus=iron) / cross_sections.total(0.3, 100.0)
    # Z^2, and less suppression by the smaller nucleus
    assert (26 / 82) ** 2 < ratio < 1.6 * (26 / 82) ** 2


def added(t):
    """Return the inelastic part of F^2/Z^2 on lead, as printed in Bjorken et al., Eq. A19."""
    a = 773.0 * 82 ** (-2 / 3) / 0.51099895e-3
    nucleons = (1.0 + t / (4.0 * 0.938272**2) * (2.792847**2 - 1.0)) / (1.0 + t / 0.71) ** 4
    return (a * a * t / (1.0 + a * a * t)) ** 2 * nucleons**2 / 82.0


@pytest.mark.parametrize("t_min", [1e-9, 1e-6, 1e-4, 1e-2, 0.5])
def test_the_inelastic_flux_is_its_integral(t_min):
    wanted, _ = quad(lambda u: (1.0 - t_min * np.exp(-u)) * added(np.exp(u)), np.log(t_min), np.log(2.0), epsrel=1e-10)
    assert inelastic_flux(np.array([t_min, 3.0]), 2.0, LEAD) == pytest.approx([wanted, 0.0], rel=1e-7)


@pytest.mark.parametrize(("mass", "energy"), [(0.11, 100.0), (0.3, 100.0), (1.0, 100.0), (1.0, 30.0)])
def test_nuclei_that_break_up_add_some_per_cent(mass, energy):
    lead = replace(LEAD, inelastic=True)
    more = {
        method: cross_sections.total(mass, energy, method=method, nucleus=lead)
        / cross_sections.total(mass, energy, method=method)
        for method in ("exact", "ww")
    }
    assert 1.015 < more["exact"] < 1.12
    assert more["ww"] - 1.0 == pytest.approx(more["exact"] - 1.0, rel=0.3)
    in_y = cross_sections.total(mass, energy, variable="y", nucleus=lead)
    assert in_y == pytest.approx(more["exact"] * cross_sections.total(mass, energy), rel=1e-5)


def test_the_region_is_a_part_of_the_whole():
    whole = cross_sections.total(0.3, 100.0, method="ww", variable="y")
    assert cross_sections.total_in_region(0.3, 100.0) == pytest.approx(whole, rel=1e-5)
    part = cross_sections.total_in_region(0.3, 100.0, min_energy=15.0, max_angle=0.02)
    y = np.linspace(0.15, 0.997, 1200)
    wanted = np.trapezoid(cross_sections.differential_y(y, 0.3, 100.0, method="ww", psi_max=0.02), y)
    assert part == pytest.approx(wanted, rel=1e-3)
    assert cross_sections.total_in_region(0.3, 100.0, min_energy=99.9) == 0.0
