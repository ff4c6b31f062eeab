"""Each process against another way to the same number."""

import numpy as np
import pytest
from scipy.integrate import quad

from emiss.physics import RangeWarning
from emiss.physics.constants import ALPHA, LEAD, PICOBARN, Nucleus
from emiss.physics.emission.form_factor import squared
from emiss.physics.emission.phase_space import integral
from emiss.physics.process import Process
from emiss.physics.processes import (
    bremsstrahlung,
    charge_exchange,
    lepton_conversion,
    partons,
    primakoff,
    registry,
    resonant,
)
from emiss.physics.processes.base import LEAD_TARGET, Beam, Production, Target
from emiss.physics.processes.vectors import DarkPhoton
from emiss.physics.shower.transport import track_lengths

ELECTRON, POSITRON, MUON, PION = Beam(11, 100.0), Beam(-11, 70.0), Beam(13, 160.0), Beam(-211, 50.0)

HYDROGEN = Nucleus(z=1, a=1, radiation_length=63.04, molar_mass=1.008)


def total(boson, mass, lepton="electron", energy=100.0):
    process = Process.of(
        np.array([mass]), np.array([energy]), coupling=1.0, nucleus=LEAD, beam=lepton, final=lepton, boson=boson
    )
    return integral(process, "exact", "x", 1e-4)[0][0]


def test_axial_vectors_and_scalars_of_large_mass_know_no_parity():
    assert total("A", 1.0) == pytest.approx(total("V", 1.0), rel=1e-3)
    assert total("S", 1.0) == pytest.approx(total("P", 1.0), rel=1e-3)
    assert total("A", 0.05, "muon", 160.0) > 1.5 * total("V", 0.05, "muon", 160.0)  # its longitudinal part


def test_spectra_are_those_of_a_fine_integral_and_of_what_is_drawn():
    made = bremsstrahlung.emitted(0.02, ELECTRON, LEAD_TARGET, 50.0, "V")
    edges = np.linspace(50.0, 100.0, 11)
    production = made.production(edges)
    energy = made.draw(40000, np.random.default_rng(1))[1]
    expected = production.rate / production.total * len(energy)
    counts = np.histogram(energy, edges)[0]
    assert np.all(np.abs(counts - expected) < 4.5 * np.sqrt(expected) + 0.01 * expected)


def test_muons_leave_the_target_with_the_rest():
    target = Target.of(LEAD, 11.35, 225.0)
    made = bremsstrahlung.emitted(0.1, MUON, target, 80.0, "V")
    sigma = integral(
        Process.of(
            np.array([0.1]), np.array([160.0]), coupling=1.0, nucleus=LEAD, beam="muon", final="muon", boson="V"
        ),
        "exact", "x", 1e-4, 80.0,
    )[0][0]  # fmt: skip
    ((_, number),) = target.elements
    assert made.emission.total == pytest.approx(sigma * number * 225.0 * 1e-34, rel=1e-3)
    states = bremsstrahlung.sample(made, 0.1, MUON, 2000, np.random.default_rng(2))
    (muon,) = states.others
    np.testing.assert_allclose(muon.energy + states.x.energy, states.parent)
    assert states.depth.max() <= 225.0
    across = np.sqrt(muon.energy**2 - 0.1056583755**2) * np.sin(muon.theta)
    np.testing.assert_allclose(across, np.sqrt(states.x.energy**2 - 0.01) * np.sin(states.x.theta), rtol=1e-6)


def test_beams_that_do_not_radiate_are_refused():
    for make in (
        lambda: bremsstrahlung.emitted(0.1, PION, LEAD_TARGET, 20.0, "V"),
        lambda: resonant.annihilated(0.2, MUON, LEAD_TARGET, 50.0, 1e-4, lambda m: 0.1 * m),
        lambda: primakoff.converted(0.2, MUON, LEAD_TARGET, 50.0),
        lambda: lepton_conversion.converting(PION, LEAD_TARGET, 20.0, "V", "LL", "u", 0.1),
        lambda: charge_exchange.exchanged("eta", ELECTRON, LEAD_TARGET),
    ):
        with pytest.raises(ValueError, match="beam particle"):
            make()


@pytest.mark.parametrize(("mass", "share"), [(0.2, 0.03), (0.25, 0.003)])
def test_annihilation_against_a_sum_over_the_track_lengths(mass, share):
    def width(masses):
        return share * masses

    made = resonant.annihilated(mass, POSITRON, LEAD_TARGET, 26.0, 1e-4, width)
    lengths = track_lengths(70.0, 26.0)
    density = lengths.electrons.sum(axis=0) * LEAD_TARGET.x0 / np.diff(lengths.edges)
    fine = np.linspace(26.0, 70.0, 400001)
    fine = 0.5 * (fine[1:] + fine[:-1])
    sigma = resonant.cross_section(fine, mass, 1e-4, width, share * mass)
    weight = density[np.searchsorted(lengths.edges, fine) - 1]
    wanted = (sigma * weight).mean() * 44.0 * LEAD_TARGET.electrons * 1e-34
    assert made.total == pytest.approx(wanted, rel=2e-3)
    production = made.production(np.linspace(26.0, 70.0, 45))
    assert production.total == pytest.approx(made.total)
    energy, depth = made.draw(4000, np.random.default_rng(1))
    assert np.average(energy) == pytest.approx(np.average(production.energy, weights=production.rate), abs=0.3)
    assert depth.max() < 30 * LEAD_TARGET.x0


def test_a_narrow_resonance_does_not_know_its_width():
    def yields(share):
        return resonant.annihilated(0.2, ELECTRON, LEAD_TARGET, 26.0, 1e-4, lambda m: share * m).total

    assert yields(1e-9) == pytest.approx(yields(1e-13), rel=1e-9)
    assert np.isfinite(resonant.annihilated(0.002, ELECTRON, LEAD_TARGET, 50.0, 1e-6, lambda m: 1e-13 * m).total)


def test_the_peak_has_the_cross_section_of_the_dark_channel():
    model = DarkPhoton({"alpha_d": 0.1})
    mass, eps = 0.2, 1e-4
    energy = np.array([resonant.peak_energy(mass) * 1.01])
    s = resonant.invariant(energy)
    chi = mass / 3
    q = np.sqrt(s - 4 * chi**2) / 2
    k = s - 4 * q**2 / 3
    gamma = model.width(mass, eps)
    wanted = 4 * np.pi * ALPHA * eps**2 * 0.1 * q / np.sqrt(s) * k / ((s - mass**2) ** 2 + (mass * gamma) ** 2)
    found = resonant.cross_section(
        energy, mass, eps * bremsstrahlung.ELEMENTARY, lambda at: sum(model.channels(mass, eps, at).values()), gamma
    )
    assert found == pytest.approx(PICOBARN * wanted, rel=1e-5)


@pytest.mark.parametrize("mass", [0.01, 0.1, 0.5])
def test_primakoff_against_the_integral_over_t(mass):
    energy = 60.0
    t_min = (mass**2 / (2 * energy)) ** 2
    screen = primakoff.screening(LEAD)

    def density(log):
        t = np.exp(log)
        return (t - t_min) / t * squared(t, *screen)

    wanted = quad(density, np.log(max(t_min, 1e-18)), 0.0, epsabs=0, epsrel=1e-9, limit=300)[0]
    found = primakoff.cross_section(np.array([energy]), mass, LEAD)[0]
    assert found == pytest.approx(PICOBARN * ALPHA * LEAD.z**2 / 8 * wanted, rel=1e-6)
    if mass < 0.2:
        assert primakoff.closed_form(np.array([energy]), mass, LEAD)[0] == pytest.approx(found, rel=0.015)
    theta = primakoff.polar(np.full(20000, energy), mass, LEAD, np.random.default_rng(1))
    t = t_min + (energy * theta) ** 2
    mean = quad(lambda log: np.log(np.exp(log)) * density(log), np.log(t_min), 0.0, limit=300)[0] / wanted
    assert np.log(t).mean() == pytest.approx(mean, abs=0.05)


def test_charge_exchange():
    microbarn = charge_exchange.MICROBARN
    assert charge_exchange.cross_section(-211, 50.0, "pi0", HYDROGEN) == pytest.approx(7.75 * microbarn, rel=1e-2)
    ratio = charge_exchange.exchanged("eta", PION, LEAD_TARGET).total
    ratio /= charge_exchange.exchanged("eta_prime", PION, LEAD_TARGET).total
    assert 1.8 < ratio < 2.1
    assert charge_exchange.cross_section(211, 50.0, "pi0", HYDROGEN) == 0.0  # no neutron
    kaon = charge_exchange.cross_section(-321, 50.0, "K0S", HYDROGEN)
    assert 2 * kaon == pytest.approx(56.3 * microbarn * 5.0**-1.6, rel=1e-3)
    with pytest.raises(ValueError, match="gives no 'K0S'"):
        charge_exchange.cross_section(-211, 50.0, "K0S", LEAD)


def test_hadrons_fall_off_as_the_tabulated_lengths_say():
    # PDG 2022: 226.2 g/cm2 of pions of 200 GeV in lead
    path = charge_exchange.interaction_length(-211, 200.0, LEAD_TARGET)
    assert path * 0.1 * 11.35 == pytest.approx(226.2, rel=0.05)
    made = charge_exchange.exchanged("pi0", PION, LEAD_TARGET)
    depth, theta = made.draw(20000, np.random.default_rng(1))
    production = made.production(np.array([25.0, 40.0, 50.0]))
    assert production.rate[0] == 0.0
    assert depth.mean() == pytest.approx(production.depth[1], rel=0.02)
    t = (50.0 * theta) ** 2
    g, c = made.rise, made.slope
    assert t.mean() == pytest.approx((1 + 2 * g) / (1 + g) / c, rel=0.03)


@pytest.mark.parametrize("q2", [1.0, 10.0, 50.0])
def test_partons_count_quarks_and_add_up_to_the_proton(q2):
    log = np.linspace(np.log(1e-6), -1e-6, 20001)
    found = partons.proton(np.exp(log), np.full(len(log), q2))
    assert np.trapezoid(found["u"] - found["ubar"], log) == pytest.approx(2.0, rel=0.02)
    assert np.trapezoid(found["d"] - found["dbar"], log) == pytest.approx(1.0, rel=0.02)
    assert np.trapezoid(sum(found.values()) * np.exp(log), log) == pytest.approx(1.0, rel=0.05)
    quark, anti = partons.nucleon("u", np.array([0.3]), np.array([q2]), 0.0)
    own = partons.proton(np.array([0.3]), np.array([q2]))
    assert (quark[0], anti[0]) == (own["d"][0], own["dbar"][0])


def test_scales_of_lepton_conversion():
    strength = {
        (o, c): lepton_conversion.strength(o, c, antiquark=False) for o in ("S", "V", "T") for c in ("LL", "LR")
    }
    assert strength["V", "LL"] == pytest.approx(1.0)
    assert (strength["T", "LL"] / strength["V", "LL"]) ** 0.25 == pytest.approx(1.75, abs=0.005)
    assert (strength["V", "LL"] / strength["S", "LL"]) ** 0.25 == pytest.approx(1.86, abs=0.005)
    assert (strength["V", "LR"] / strength["S", "LR"]) ** 0.25 == pytest.approx(1.41, abs=0.005)
    assert strength["V", "LR"] == pytest.approx(lepton_conversion.strength("V", "LL", antiquark=True))


def test_conversions_with_the_sea_have_the_ratios_of_the_scales_within_five_per_cent():
    made = {
        o: lepton_conversion.converting(ELECTRON, LEAD_TARGET, 20.0, o, "LL", "u", 1.77686).emission.total
        for o in "SVT"
    }
    assert (made["T"] / made["V"]) ** 0.25 == pytest.approx(1.75, rel=0.05)
    assert (made["V"] / made["S"]) ** 0.25 == pytest.approx(1.86, rel=0.05)
    found = lepton_conversion.converting(ELECTRON, LEAD_TARGET, 20.0, "S", "LL", "u", 1.77686)
    _, _, y = found.draw(20000, "S", "LL", np.random.default_rng(1))
    assert y.mean() == pytest.approx(0.75, abs=0.01)  # of y^2


def test_productions_add_up_in_the_same_bins_only():
    edges = np.array([50.0, 75.0, 100.0])
    one = Production(edges, np.array([1.0, 0.0]), np.array([10.0, 0.0]))
    two = Production(edges, np.array([3.0, 2.0]), np.array([20.0, 5.0]))
    both = one + two
    assert both.rate.tolist() == [4.0, 2.0]
    assert both.depth.tolist() == [17.5, 5.0]
    assert both.at(0.1) == pytest.approx([0.04, 0.02])
    with pytest.raises(ValueError, match="same bins"):
        one + Production(edges, one.rate, one.depth, power=1)


def test_the_electron_at_rest():
    assert resonant.invariant(np.array([resonant.peak_energy(0.2)])) == pytest.approx(0.04)
    assert resonant.peak_energy(0.165) == pytest.approx(26.6, abs=0.1)


def test_phi_and_muon_pairs_are_those_of_their_own_modules():
    from emiss.physics.emission import dimuons, yields
    from emiss.physics.processes.muons import Dimuon, Phi

    made = Phi().production(0.3, ELECTRON, LEAD_TARGET, threshold=20.0)
    assert made.at(1e-4).sum() == pytest.approx(yields.emission(0.3, coupling=1e-4).total, rel=1e-12)
    states = Phi().sample(0.3, ELECTRON, LEAD_TARGET, 500, np.random.default_rng(1), threshold=20.0)
    (muon,) = states.others
    np.testing.assert_allclose(states.x.energy + muon.energy, states.parent)
    assert set(np.unique(muon.pdg)) == {13}
    np.testing.assert_allclose(states.seen, 100.0 - states.parent)
    pairs = Dimuon().production(0.1, ELECTRON, LEAD_TARGET, threshold=5.0)
    assert pairs.total == pytest.approx(dimuons.emission(100.0, 5.0).total, rel=1e-12)
    states = Dimuon().sample(0.1, ELECTRON, LEAD_TARGET, 500, np.random.default_rng(1), threshold=5.0)
    np.testing.assert_allclose(states.x.energy + states.others[0].energy, states.parent)


@pytest.mark.parametrize(("name", "beam", "mass"), [
    ("dark-photon", POSITRON, 0.2), ("alp", ELECTRON, 0.02), ("conversion", MUON, 1.0), ("conversion", ELECTRON, 1.0),
    ("eta-prime", PION, 0.95778), ("lmu-ltau", MUON, 0.1),
])  # fmt: skip
def test_final_states_are_above_the_threshold_and_in_the_target(name, beam, mass):
    target = Target.of(LEAD, 11.35, 225.0)
    model = registry.make(name)
    threshold = 0.4 * beam.energy
    states = model.sample(mass, beam, target, 400, np.random.default_rng(4), threshold=threshold, coupling=1e-4)
    assert np.all((states.depth >= 0.0) & (states.depth <= 225.0))
    assert np.all(states.parent <= beam.energy * (1 + 1e-9))
    out = states.x.energy + sum(one.energy for one in states.others)
    assert np.all(out <= states.parent * (1 + 1e-9))
    if name != "conversion":
        assert np.all(states.x.energy >= threshold * (1 - 1e-9))
    made = model.production(mass, beam, target, threshold=threshold, coupling=1e-4)
    assert made.total > 0.0
    assert np.all(made.rate >= 0.0)
    assert np.all((made.depth >= 0.0) & (made.depth <= 225.0))


@pytest.mark.parametrize(("name", "mass"), [("dark-photon", 15.0), ("scalar", 15.0), ("alp", 40.0)])
def test_what_is_too_heavy_is_not_made(name, mass):
    model, target = registry.make(name), Target.of(HYDROGEN, 0.07, 1000.0)
    made = model.production(mass, ELECTRON, target, threshold=50.0, coupling=1e-4)
    assert made.total < 1e-30
    if name != "dark-photon":  # far from the peak it annihilates
        assert made.total == 0.0
        with pytest.raises(ValueError, match="nothing is made"):
            model.sample(mass, ELECTRON, target, 10, np.random.default_rng(1), threshold=50.0, coupling=1e-4)
    with pytest.raises(ValueError, match="threshold"):
        model.production(120.0, ELECTRON, target, threshold=160.0)


def test_a_light_axial_vector_is_remarked():
    with pytest.warns(RangeWarning, match="another theory"):
        registry.make("axial").production(5e-4, ELECTRON, LEAD_TARGET, threshold=50.0)
