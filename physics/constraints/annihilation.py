"""What a virtual photon of mass sqrt(s) turns into: leptons and hadrons, in units of e+ e- -> mu+ mu- of massless muons.

The ratio R(s) of hadrons is a parametrisation by vector-meson dominance, in three parts:

- two pions: the form factor of G. J. Gounaris and J. J. Sakurai, Phys. Rev. Lett. 21 (1968) 244, with rho(770), its mixing
  with the omega, and rho(1450), the form and about the parameters of the fit of CMD-2, Phys. Lett. B 648 (2007) 28;
- omega(782) and phi(1020), but for the omega's two pions, as Breit-Wigner peaks of the widths of the PDG 2022:
  R = 9 s Gamma_ee Gamma/(alpha^2 [(s - M^2)^2 + M^2 Gamma^2]);
- more pions and kaons: 2 (1 + alpha_s/pi) of three flavours from 1.5 GeV on, reached on a straight line in sqrt(s) from 1 GeV.

It ends at 2.6 GeV, before the J/psi. Its integral for the muon's g-2 is that of the measured cross sections within 3 %
(`tests/physics/constraints/test_constraints.py`); at one energy above 1 GeV it may be off by a third.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.physics.constants import ALPHA, LEPTON_MASSES, PION_MASS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from emiss.configs.arrays import Floats

Complex = np.ndarray[Any, np.dtype[np.complex128]]

LARGEST = 2.6
"""sqrt(s) in GeV up to which the parametrisation goes."""

RHO = (0.776, 0.146)
"""Mass and width, GeV."""

RHO_PRIME, RHO_PRIME_SHARE = (1.465, 0.400), -0.086
"""rho(1450): mass and width, GeV (PDG 2022), and its amplitude over that of rho(770)."""

MIXING = 1.57e-3 * np.exp(1j * np.deg2rad(10.4))
"""Amplitude of the omega in two pions."""

OMEGA, PHI = (0.78266, 8.68e-3), (1.019461, 4.249e-3)
"""Mass and width, GeV (PDG 2022)."""

OMEGA_TO_ELECTRONS, PHI_TO_ELECTRONS = 0.60e-6, 1.27e-6
"""Gamma_ee, GeV (PDG 2022)."""

OMEGA_TO_PIONS = 0.0153
"""Branching ratio of omega -> pi+ pi- (PDG 2022)."""

ONSET, PLATEAU = 1.0, 1.5
"""sqrt(s) in GeV between which many hadrons rise."""

MANY = 2.0 * (1.0 + 0.3 / np.pi)
"""R of u, d, s with alpha_s = 0.3 (at 2 GeV)."""


def leptons(s: ArrayLike, mass: float) -> Floats:
    """Return beta (3 - beta^2)/2 of a pair of leptons, 0 below its threshold.

    Parameters
    ----------
    s : array
        GeV^2.
    mass : float
        GeV.
    """
    beta2 = np.maximum(1.0 - 4.0 * mass**2 / np.asarray(s, np.float64), 0.0)
    value: Floats = 0.5 * np.sqrt(beta2) * (3.0 - beta2)
    return value


def hadrons(s: ArrayLike) -> Floats:
    """Return R(s) of hadrons.

    Parameters
    ----------
    s : array
        GeV^2.

    Raises
    ------
    ValueError
        Above 2.6 GeV: charmonium is not in it.
    """
    s2 = np.asarray(s, np.float64)
    if np.any(s2 > LARGEST**2 * (1.0 + 1e-12)):
        msg = f"hadrons are parametrised up to {LARGEST:g} GeV"
        raise ValueError(msg)
    root = np.sqrt(s2)
    many = MANY * np.clip((root - ONSET) / (PLATEAU - ONSET), 0.0, 1.0)
    three = (1.0 - OMEGA_TO_PIONS) * _peak(s2, *OMEGA, OMEGA_TO_ELECTRONS) * (root > 3.0 * PION_MASS)
    value: Floats = _pions(s2) + three + _peak(s2, *PHI, PHI_TO_ELECTRONS) * (root > 2.0 * PION_MASS) + many
    return value


def channels(s: ArrayLike) -> Floats:
    """Return the sum of electrons (massless), muons and hadrons: the factor over annihilation to electrons alone."""
    return 1.0 + leptons(s, LEPTON_MASSES["muon"]) + hadrons(s)


def pion_form_factor(s: ArrayLike) -> Complex:
    """Return F(s) of the charged pion, 1 at s = 0; s of shape (...) in GeV^2, above the threshold of two pions."""
    s2 = np.asarray(s, np.float64)
    mixed = _gounaris_sakurai(s2, *RHO) * (1.0 + MIXING * _narrow(s2, *OMEGA)) / (1.0 + MIXING)
    total = (mixed + RHO_PRIME_SHARE * _gounaris_sakurai(s2, *RHO_PRIME)) / (1.0 + RHO_PRIME_SHARE)
    value: Complex = total
    return value


def _pions(s: Floats) -> Floats:
    """Return beta^3 |F|^2/4 of pi+ pi-."""
    beta2 = 1.0 - 4.0 * PION_MASS**2 / s
    opened = beta2 > 0.0
    value: Floats = np.zeros(s.shape)
    value[opened] = 0.25 * beta2[opened] ** 1.5 * np.abs(pion_form_factor(s[opened])) ** 2
    return value


def _peak(s: Floats, mass: float, width: float, to_electrons: float) -> Floats:
    value: Floats = 9.0 * s * to_electrons * width / (ALPHA**2 * ((s - mass**2) ** 2 + (mass * width) ** 2))
    return value


def _narrow(s: Floats, mass: float, width: float) -> Complex:
    """Return s/M^2 times a Breit-Wigner amplitude: what the omega adds, 0 at s = 0."""
    value: Complex = s / (mass**2 - s - 1j * mass * width)
    return value


def _gounaris_sakurai(s: Floats, mass: float, width: float) -> Complex:
    """Return the amplitude of a resonance in two pions that is 1 at s = 0."""
    at_mass = 0.5 * np.sqrt(mass**2 - 4.0 * PION_MASS**2)
    momentum = 0.5 * np.sqrt(s - 4.0 * PION_MASS**2)

    def loop(root: Floats | float, k: Floats | float) -> Floats:
        value: Floats = 2.0 * k / (np.pi * root) * np.log((root + 2.0 * k) / (2.0 * PION_MASS))
        return value

    h_mass = loop(mass, at_mass)
    slope = h_mass * (1.0 / (8.0 * at_mass**2) - 1.0 / (2.0 * mass**2)) + 1.0 / (2.0 * np.pi * mass**2)
    shift = (
        width * mass**2 / at_mass**3
        * (momentum**2 * (loop(np.sqrt(s), momentum) - h_mass) + (mass**2 - s) * at_mass**2 * slope)
    )  # fmt: skip
    running = width * (momentum / at_mass) ** 3 * mass / np.sqrt(s)
    d = (
        3.0 * PION_MASS**2 / (np.pi * at_mass**2) * np.log((mass + 2.0 * at_mass) / (2.0 * PION_MASS))
        + mass / (2.0 * np.pi * at_mass)
        - PION_MASS**2 * mass / (np.pi * at_mass**3)
    )
    value: Complex = mass**2 * (1.0 + d * width / mass) / (mass**2 - s + shift - 1j * mass * running)
    return value
