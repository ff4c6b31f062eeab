"""Multiple scattering with its tails: Rutherford's single collisions, as in Moliere's theory, with the nucleus' form factor.

Below a few characteristic angles the collisions are so many that their sum is Gaussian; the rest are drawn one by one. Without
the form factor the sum is Moliere's distribution (`tests/physics/passage/test_single_scattering.py`).

G. Moliere, Z. Naturforsch. 3a (1948) 78; H. A. Bethe, Phys. Rev. 89 (1953) 1256 (equation numbers below).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.constants import ALPHA

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats

HARD = 2.0
"""Collisions beyond this many characteristic angles are drawn one by one: a quarter of one per plane."""

HBAR_C = 0.1973269804
"""GeV fm."""

DIPOLE = 0.71
"""GeV^2 of the proton's form factor (1 + q^2/0.71)^-2."""


@dataclass(frozen=True)
class Scatterer:
    """A light material.

    Attributes
    ----------
    z, a : float
        Charge and mass number.
    radiation_length : float
        g/cm^2.
    radius : float
        rms charge radius of the nucleus, fm.
    """

    z: float
    a: float
    radiation_length: float
    radius: float

    def characteristic_angle(self, momentum: Floats, x_over_x0: Floats | float) -> Floats:
        """Return chi_c (rad) of a charge 1 with beta = 1: one collision is expected beyond it (Bethe, Eq. 10).

        chi_c^2 = 0.157 MeV^2 Z (Z + 1) t/(A p^2), t in g/cm^2.
        """
        grams = np.asarray(x_over_x0) * self.radiation_length
        angle: Floats = 1e-3 * np.sqrt(0.157 * self.z * (self.z + 1.0) / self.a * grams) / momentum
        return angle

    def screening_angle(self, momentum: Floats) -> Floats:
        """Return chi_a (rad): chi_0 sqrt(1.13 + 3.76 alpha^2 Z^2), chi_0 = 4.216 keV Z^(1/3)/p (Bethe, Eqs. 20, 21)."""
        factor = np.sqrt(1.13 + 3.76 * (ALPHA * self.z) ** 2)
        angle: Floats = 4.216e-6 * self.z ** (1.0 / 3.0) * factor / momentum
        return angle

    def suppression(self, transfer: Floats) -> Floats:
        """Return by how much the nucleus' size makes collisions of a momentum transfer (GeV) rarer than a point's.

        Coherent on Z^2 with a Gaussian form factor, incoherent on Z protons; the electrons take no such transfers.
        """
        nucleus = np.exp(-((transfer * self.radius / HBAR_C) ** 2) / 3.0)  # the square of the form factor
        proton = (1.0 + transfer**2 / DIPOLE) ** -4
        return np.asarray((self.z * nucleus + (1.0 - nucleus) * proton) / (self.z + 1.0))


CARBON = Scatterer(6.0, 12.011, 42.70, 2.47)
"""Stands for the light matter of a Micromegas (PDG 2022; the chambers' true composition is not public)."""


def deflections(
    momentum: Floats,
    x_over_x0: Floats | float,
    rng: np.random.Generator,
    *,
    matter: Scatterer = CARBON,
    point_like: bool = False,
) -> tuple[Floats, Floats]:
    """Return the kicks in x and y (rad) of particles in a thin plane.

    Parameters
    ----------
    momentum : array of shape (N,), GeV
    x_over_x0 : array or float
        Thickness in radiation lengths.
    rng : numpy Generator
    matter : Scatterer
    point_like : bool
        Leave out the form factor.
    """
    p = np.asarray(momentum, np.float64)
    chi_c = np.broadcast_to(matter.characteristic_angle(p, x_over_x0), p.shape)
    # for the law 1/(theta^2 + s)^2 Moliere's screening angle, defined by an integral (Bethe, Eq. 16), is sqrt(s)
    screened = matter.screening_angle(p) ** 2
    border = (HARD * chi_c) ** 2
    # the integral of theta^2 chi_c^2/(theta^2 + screened)^2 over theta^2 up to the border, half of it in each view
    soft = chi_c**2 * (np.log1p(border / screened) - border / (border + screened))
    sigma = np.sqrt(0.5 * soft)
    x, y = sigma * rng.normal(size=p.shape), sigma * rng.normal(size=p.shape)
    count = rng.poisson(chi_c**2 / (border + screened))
    hit = np.repeat(np.arange(len(p)), count)
    angle = np.sqrt((border + screened)[hit] / (1.0 - rng.random(len(hit))) - screened[hit])
    if not point_like:
        kept = rng.random(len(hit)) < matter.suppression(p[hit] * angle)
        hit, angle = hit[kept], angle[kept]
    phi = 2.0 * np.pi * rng.random(len(hit))
    x += np.bincount(hit, angle * np.cos(phi), len(p))
    y += np.bincount(hit, angle * np.sin(phi), len(p))
    return x, y
