"""Muons in matter: mean energy loss and multiple scattering."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.constants import ELECTRON_MASS, MUON_MASS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.arrays import Floats


K = 0.307075e-3
"""4 pi N_A r_e^2 m_e c^2 in GeV cm^2/mol (PDG 2022, Table 34.1)."""


@dataclass(frozen=True)
class Material:
    """What the energy loss depends on.

    Attributes
    ----------
    density : float
        g/cm^3.
    z_over_a : float
    excitation : float
        Mean excitation energy, GeV.
    density_effect : (C, x0, x1, a, k)
        Sternheimer's parametrisation.
    critical : float
        Energy at which radiation takes as much as ionisation from a muon, GeV.
    """

    density: float
    z_over_a: float
    excitation: float
    density_effect: tuple[float, float, float, float, float]
    critical: float


MATERIALS: Mapping[str, Material] = {
    "copper": Material(8.960, 29 / 63.546, 322.0e-9, (4.4190, -0.0254, 3.2792, 0.14339, 2.9044), 317.0),
    "iron": Material(7.874, 26 / 55.845, 286.0e-9, (4.2911, -0.0012, 3.1531, 0.14680, 2.9632), 347.0),
    "lead": Material(11.35, 82 / 207.2, 823.0e-9, (6.2018, 0.3776, 3.8073, 0.09359, 3.1608), 141.0),
    "silicon": Material(2.329, 14 / 28.085, 173.0e-9, (4.4355, 0.2014, 2.8715, 0.14921, 3.2546), 582.0),
    "tungsten": Material(19.30, 74 / 183.84, 727.0e-9, (5.4059, 0.2167, 3.4960, 0.15509, 2.8447), 150.0),
    "scintillator": Material(1.032, 0.54141, 64.7e-9, (3.1997, 0.1464, 2.4855, 0.16101, 3.2393), 1194.0),
}
"""Groom, Mokhov, Striganov, Atom. Data Nucl. Data Tables 78 (2001) 183; scintillator is vinyltoluene."""


def ionisation(energy: Floats, material: str) -> Floats:
    """Return the mean ionisation loss of muons, GeV/mm: the Bethe equation with density effect (PDG 2022, Eq. 34.5).

    Parameters
    ----------
    energy : array
        Total energy, GeV.
    material : str
        One of `MATERIALS`.
    """
    matter = MATERIALS[material]
    gamma = np.maximum(np.asarray(energy, np.float64) / MUON_MASS, 1.001)
    beta2 = 1.0 - gamma**-2
    momentum = np.sqrt(gamma**2 - 1.0)
    ratio = ELECTRON_MASS / MUON_MASS
    largest = 2 * ELECTRON_MASS * momentum**2 / (1 + 2 * gamma * ratio + ratio**2)
    c, x0, x1, a, k = matter.density_effect
    x = np.log10(momentum)
    linear = 2 * np.log(10.0) * x - c
    delta = np.where(x >= x1, linear, np.where(x >= x0, linear + a * np.maximum(x1 - x, 0.0) ** k, 0.0))
    logarithm = 0.5 * np.log(2 * ELECTRON_MASS * momentum**2 * largest / matter.excitation**2)
    loss = K * matter.z_over_a / beta2 * (logarithm - beta2 - 0.5 * delta)
    per_mm: Floats = loss * matter.density / 10.0
    return per_mm


def mean_loss(energy: Floats, material: str) -> Floats:
    """Return the mean energy loss of muons, GeV/mm: ionisation plus radiation b E.

    b is taken such that both are equal at the muon's critical energy (Groom et al.); it rises slowly with energy in truth,
    so that below 100 GeV the radiative part, a few per cent to a third of the loss, is up to 20 % too high.
    """
    critical = MATERIALS[material].critical
    slope = ionisation(np.asarray(critical), material) / critical
    total: Floats = ionisation(energy, material) + slope * np.asarray(energy)
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
