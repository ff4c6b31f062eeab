"""Knock-on electrons against integration of Bhabha's cross section and against energy and momentum conservation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from emiss.physics.constants import ELECTRON_MASS, PION_MASS, PROTON_MASS
from emiss.physics.passage import knock_on
from emiss.physics.passage.knock_on_kernels import largest_transfer

PARTICLES = [(100.0, PION_MASS, False), (5.0, PROTON_MASS, True), (2.0, PROTON_MASS, True)]


def _per_energy(kinetic, energy, mass, half):
    beta2 = 1.0 - (mass / energy) ** 2
    factor = 1.0 - beta2 * kinetic / largest_transfer(energy, mass) + (0.5 * (kinetic / energy) ** 2 if half else 0.0)
    return 0.5 * 0.307075e-3 / beta2 / kinetic**2 * factor


@pytest.mark.parametrize(("energy", "mass", "half"), PARTICLES)
def test_number_and_energies_are_those_of_the_cross_section(energy, mass, half):
    least, largest = 1e-3, largest_transfer(energy, mass)
    total, _ = integrate.quad(
        lambda log: _per_energy(np.exp(log), energy, mass, half) * np.exp(log),
        np.log(least),
        np.log(largest),
        limit=200,
    )
    assert knock_on.mean_number(energy, mass, least, 1.0, half=half) == pytest.approx(total, rel=1e-7)
    kinetic, _ = knock_on.sample(energy, mass, least, 20000, np.random.default_rng(3), half=half)
    above = [knock_on.mean_number(energy, mass, t, 1.0, half=half) / total for t in np.sort(kinetic)]
    assert stats.kstest(1.0 - np.array(above), "uniform").pvalue > 1e-3
    assert knock_on.mean_number(energy, mass, 2.0 * largest, 1.0, half=half) == 0.0


@pytest.mark.parametrize(("energy", "mass", "half"), PARTICLES)
def test_the_angle_conserves_energy_and_momentum(energy, mass, half):
    kinetic, angle = knock_on.sample(energy, mass, 1e-3, 500, np.random.default_rng(4), half=half)
    momentum, p = np.sqrt(energy**2 - mass**2), np.sqrt(kinetic * (kinetic + 2 * ELECTRON_MASS))
    left = (energy - kinetic) ** 2 - (momentum**2 + p**2 - 2 * momentum * p * np.cos(angle))
    np.testing.assert_allclose(left, mass**2, rtol=0, atol=1e-9 * energy**2)


def test_a_hadron_knocks_an_electron_above_1_mev_on_in_every_fortieth_3_mm_of_scintillator():
    # 0.077 MeV/T per g/cm^2 at Z/A = 1/2, which 3 mm of scintillator have 0.31 of
    assert knock_on.mean_number(100.0, PION_MASS, 1e-3, 0.31 * 0.5414) == pytest.approx(0.31 * 0.0831, rel=0.01)
