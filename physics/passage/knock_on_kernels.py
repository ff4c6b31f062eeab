"""Kernels of knock-on electrons: how many a heavy particle makes, their energies and angles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from emiss.configs.compiled import fused
from emiss.physics.constants import ELECTRON_MASS

if TYPE_CHECKING:
    import numpy as np

K = 0.307075e-3
"""4 pi N_A r_e^2 m_e c^2 in GeV cm^2/mol (PDG 2022, Table 34.1)."""


@fused
def largest_transfer(energy: float, mass: float) -> float:
    """Return the largest kinetic energy (GeV) that an electron at rest can get: PDG 2022, Eq. 34.4."""
    gamma, ratio = energy / mass, ELECTRON_MASS / mass
    return 2.0 * ELECTRON_MASS * (gamma * gamma - 1.0) / (1.0 + 2.0 * gamma * ratio + ratio * ratio)


@fused
def knock_ons(energy: float, mass: float, half: bool, least: float, matter: float) -> float:
    """Return the mean number of electrons above a kinetic energy.

    Parameters
    ----------
    energy, mass : float
        Of the particle, which is not an electron and has a charge of 1 e, GeV.
    half : bool
        Whether it has spin 1/2 (muon, proton) or 0 (pion, kaon).
    least : float
        GeV.
    matter : float
        Z/A times thickness, mol/cm^2 (g/cm^2 over g/mol).
    """
    largest = largest_transfer(energy, mass)
    if least >= largest:
        return 0.0
    beta2 = 1.0 - (mass / energy) ** 2
    number = 1.0 / least - 1.0 / largest - beta2 / largest * math.log(largest / least)
    if half:
        number += 0.5 * (largest - least) / (energy * energy)
    return 0.5 * K * matter / beta2 * number


@fused
def knock_on_energy(energy: float, mass: float, half: bool, least: float, rng: np.random.Generator) -> float:
    """Return the kinetic energy (GeV) of one of these electrons; `least` is below the largest transfer."""
    largest = largest_transfer(energy, mass)
    beta2 = 1.0 - (mass / energy) ** 2
    low, high = 1.0 / largest, 1.0 / least
    while True:
        kinetic = 1.0 / (high - rng.random() * (high - low))
        kept = 1.0 - beta2 * kinetic * low
        if half:
            kept += 0.5 * (kinetic / energy) ** 2
        if rng.random() < kept:
            return kinetic


@fused
def knock_on_cosine(kinetic: float, energy: float, mass: float) -> float:
    """Return the cosine of the angle between the particle and an electron of a kinetic energy (GeV) that it knocks on."""
    momentum = math.sqrt(energy * energy - mass * mass)
    cosine = (energy + ELECTRON_MASS) / momentum * math.sqrt(kinetic / (kinetic + 2.0 * ELECTRON_MASS))
    return min(cosine, 1.0)
