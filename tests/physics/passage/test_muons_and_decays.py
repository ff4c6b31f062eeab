"""Muons in matter and decays in flight against tables, closure and published rates."""

from __future__ import annotations

import math

import numpy as np
import pytest
import vector

from emiss.physics import constants
from emiss.physics.passage import decays, muons


@pytest.mark.parametrize(
    ("material", "momentum", "wanted"),
    [("iron", 0.36, 1.451), ("lead", 0.29, 1.122), ("iron", 10.0, 1.94)],
)
def test_ionisation_against_tables(material, momentum, wanted):
    # MeV cm^2/g at the minimum (PDG) and at 10 GeV/c (Groom et al., ionisation only)
    energy = np.sqrt(momentum**2 + constants.MUON_MASS**2)
    density = muons.MATERIALS[material].density
    assert muons.ionisation(np.array(energy), material) * 1e4 / density == pytest.approx(wanted, rel=0.04)


def test_the_radiative_part_is_half_at_the_critical_energy():
    total, ionised = muons.mean_loss(np.array(347.0), "iron"), muons.ionisation(np.array(347.0), "iron")
    assert total == pytest.approx(2 * ionised, rel=0.03)


def test_highland():
    assert muons.highland_angle(np.array(1.0), 1.0) == pytest.approx(0.0136)
    assert muons.highland_angle(np.array(10.0), 0.0) == 0.0


def test_decay_probabilities_are_the_published_ones():
    pion = decays.decay_probability(100.0, constants.PION_MASS, constants.PION_LIFETIME, 2300.0)
    kaon = decays.decay_probability(100.0, constants.KAON_MASS, constants.KAON_LIFETIME, 2300.0)
    assert pion == pytest.approx(0.0004, rel=0.05)
    assert kaon == pytest.approx(0.0032, rel=0.06)


@pytest.mark.parametrize("mass", [constants.PION_MASS, constants.KAON_MASS])
def test_the_neutrino_is_massless(mass):
    energy = np.full(5000, 100.0)
    muon, theta = decays.muon_from_decay(energy, mass, np.random.default_rng(1))
    p = np.sqrt(muon**2 - constants.MUON_MASS**2)
    zero = np.zeros(5000)
    final = vector.array({"px": p * np.sin(theta), "py": zero, "pz": p * np.cos(theta), "E": muon})
    initial = vector.array({"px": zero, "py": zero, "pz": np.sqrt(energy**2 - mass**2), "E": energy})
    np.testing.assert_allclose(initial.subtract(final).mass2, 0.0, atol=1e-9 * 100.0**2)
    rest = final.boostCM_of_p4(initial)
    np.testing.assert_allclose(rest.E, 0.5 * (mass**2 + constants.MUON_MASS**2) / mass, rtol=1e-6)
    assert abs(np.mean(rest.costheta)) < 0.05
    lowest = (constants.MUON_MASS / mass) ** 2  # of the energy, at high boost; flat up to the whole
    assert muon.min() / 100.0 == pytest.approx(lowest, rel=0.02)
    assert muon.mean() / 100.0 == pytest.approx(0.5 * (1 + lowest), rel=0.02)


@pytest.mark.parametrize(
    ("energy", "length"), [(100.0, -1.0), (0.05, 2300.0), (math.nan, 1.0), (100.0, math.nan), (math.inf, 1.0)]
)
def test_no_probability_of_a_decay_is_negative_or_undefined(energy, length):
    with pytest.raises(ValueError, match="no decay in flight"):
        decays.decay_probability(energy, constants.PION_MASS, constants.PION_LIFETIME, length)
    assert decays.decay_probability(constants.PION_MASS, constants.PION_MASS, constants.PION_LIFETIME, 1.0) == 1.0


def test_a_pion_below_its_mass_does_not_decay_in_flight():
    with pytest.raises(ValueError, match="below the mass"):
        decays.muon_from_decay(np.array([1.0, 0.1]), constants.PION_MASS, np.random.default_rng(1))
