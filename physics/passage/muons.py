"""Muons in matter: mean energy loss, whole or below a cut, and the rms angle of multiple scattering."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.constants import ALPHA, ELECTRON_MASS, MUON_MASS
from emiss.physics.passage import matter
from emiss.physics.passage.muon_cross_sections import K, bremsstrahlung, largest_transfer, nuclear, pairs

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.physics.passage.matter import Matter

MATERIALS = matter.KNOWN

HIGHEST = 1000.0
"""GeV; the mean loss is tabulated up to here."""


def ionisation(energy: Floats, material: str) -> Floats:
    """Return the mean ionisation loss of muons, GeV/mm: the Bethe equation (PDG 2022, Eq. 34.5) and `atomic`.

    Parameters
    ----------
    energy : array
        Total energy, GeV.
    material : str
        One of `MATERIALS`.
    """
    total: Floats = restricted(energy, MATERIALS[material]) + atomic(energy, MATERIALS[material])
    return total


def restricted(energy: Floats, of: Matter, cut: float = np.inf) -> Floats:
    """Return the mean loss (GeV/mm) to delta electrons below a kinetic energy `cut` (GeV): PDG 2022, Eq. 34.13, and the spin.

    Without a cut it is the Bethe equation with the term of spin 1/2 (Groom et al. 2001, Eq. 4).
    """
    gamma = np.maximum(np.asarray(energy, np.float64) / MUON_MASS, 1.001)
    beta2 = 1.0 - gamma**-2
    momentum = np.sqrt(gamma**2 - 1.0)
    largest = largest_transfer(gamma * MUON_MASS)
    upper = np.minimum(largest, cut)
    c, x0, x1, a, k = of.density_effect
    x = np.log10(momentum)
    linear = 2 * np.log(10.0) * x - c
    delta = np.where(x >= x1, linear, np.where(x >= x0, linear + a * np.maximum(x1 - x, 0.0) ** k, 0.0))
    logarithm = np.log(2 * ELECTRON_MASS * momentum**2 * upper / of.excitation**2)
    spin = 0.25 * (upper / (gamma * MUON_MASS)) ** 2
    loss = 0.5 * K * of.z_over_a / beta2 * (logarithm - beta2 * (1.0 + upper / largest) - delta + spin)
    per_mm: Floats = loss * of.density / 10.0
    return per_mm


def atomic(energy: Floats, of: Matter, cut: float = np.inf) -> Floats:
    """Return what delta electrons below a cut (GeV) take beyond `restricted`, GeV/mm: photons radiated in the same collisions.

    2 % of the ionisation at 100 GeV. D. E. Groom, N. V. Mokhov, S. I. Striganov, Atom. Data Nucl. Data Tables 78 (2001) 183,
    Eq. 5, for the largest transfer; the same integral up to the cut.
    """
    gamma = np.maximum(np.asarray(energy, np.float64) / MUON_MASS, 1.001)
    upper = np.minimum(largest_transfer(gamma * MUON_MASS), cut)
    inner = np.log(np.maximum(2.0 * upper / ELECTRON_MASS, 1.0))
    per_mm: Floats = (
        0.025 * K * of.z_over_a * of.density * ALPHA / np.pi * inner**2 * (np.log(2.0 * gamma) - inner / 3.0)
    )
    return per_mm


@cache
def _radiation(material: str) -> tuple[Floats, Floats]:
    """Return the logarithm of energies and the mean loss to radiation, GeV/mm."""
    of = MATERIALS[material]
    grid = np.geomspace(0.3, HIGHEST, 40)
    x = np.linspace(0.0, 1.0, 120)
    secondary = 1e-5 * (grid[:, None] / 1e-5) ** x  # even steps of the logarithm
    step = np.log(grid / 1e-5)
    density = sum(f(grid[:, None], secondary, of) for f in (bremsstrahlung, pairs, nuclear))
    loss = np.trapezoid(secondary**2 * density, x, axis=1) * step * of.density / 10.0
    return np.log(grid), loss


def radiation(energy: Floats, material: str) -> Floats:
    """Return the mean loss (GeV/mm) to bremsstrahlung, pairs and nuclear reactions, up to `HIGHEST`."""
    where, loss = _radiation(material)
    result: Floats = np.interp(np.log(np.maximum(np.asarray(energy, np.float64), MUON_MASS)), where, loss, left=0.0)
    return result


def mean_loss(energy: Floats, material: str) -> Floats:
    """Return the mean energy loss of muons, GeV/mm: ionisation and radiation (`emiss.physics.passage.muon_cross_sections`)."""
    total: Floats = ionisation(energy, material) + radiation(energy, material)
    return total


def highland_angle(momentum: Floats, radiation_lengths: Floats | float) -> Floats:
    """Return the rms angle per view (rad) of multiple scattering: Highland's formula (PDG 2022, Eq. 34.16), beta = 1.

    Parameters
    ----------
    momentum : array
        GeV.
    radiation_lengths : array or float
        Thickness in radiation lengths; 0 gives 0.
    """
    t = np.maximum(np.asarray(radiation_lengths, np.float64), 0.0)
    thick = np.where(t > 0, t, 1.0)
    angle: Floats = np.where(t > 0, 0.0136 / momentum * np.sqrt(thick) * (1.0 + 0.038 * np.log(thick)), 0.0)
    return angle
