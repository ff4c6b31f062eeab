"""What the passage of muons needs of a material: elements, density, mean excitation energy, density effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

LIKE = 0.1
"""A user's material of a known name takes the constants known here if density and Z/A are within this of them."""

GAS = 0.05
"""g/cm^3; what is lighter is taken as a gas by the general expression for the density effect."""


@dataclass(frozen=True)
class Matter:
    """A material.

    Attributes
    ----------
    density : float
        g/cm^3.
    elements : tuple of (Z, A, part of the mass)
    excitation : float
        Mean excitation energy, GeV.
    density_effect : (C, x0, x1, a, k)
        Sternheimer's parametrisation.
    """

    density: float
    elements: tuple[tuple[float, float, float], ...]
    excitation: float
    density_effect: tuple[float, float, float, float, float]

    @property
    def z_over_a(self) -> float:
        """Electrons per nucleon."""
        return float(sum(part * z / a for z, a, part in self.elements))

    @property
    def charge(self) -> float:
        """Charge number, weighted by mass."""
        return float(sum(part * z for z, _, part in self.elements))


def plasma_energy(density: float, z_over_a: float) -> float:
    """Return the plasma energy, GeV: 28.816 eV sqrt(density Z/A) (PDG 2022, Table 34.1)."""
    return float(28.816e-9 * np.sqrt(density * z_over_a))


def density_effect(density: float, z_over_a: float, excitation: float) -> tuple[float, float, float, float, float]:
    """Return Sternheimer's constants by the general expression, good to 2 % of the loss.

    R. M. Sternheimer and R. F. Peierls, Phys. Rev. B 3 (1971) 3681.
    """
    c = float(1.0 + 2.0 * np.log(excitation / plasma_energy(density, z_over_a)))
    k = 3.0
    if density < GAS:
        steps = [10.0, 10.5, 11.0, 11.5]
        x0 = 1.6 + 0.1 * float(np.searchsorted(steps, c, side="right")) if c < 13.804 else 0.326 * c - 2.5
        x1 = 4.0 if c < 12.25 else 5.0
    elif excitation < 100e-9:
        x0, x1 = (0.2 if c < 3.681 else 0.326 * c - 1.0), 2.0
    else:
        x0, x1 = (0.2 if c < 5.215 else 0.326 * c - 1.5), 3.0
    twice = 2.0 * np.log(10.0)
    a = float((c - twice * x0) / (x1 - x0) ** k)
    return c, x0, x1, a, k


def generic(density: float, z: float, a: float) -> Matter:
    """Return a material of which only density (g/cm^3), charge and mass number are known: I = 16 Z^0.9 eV.

    The mean excitation energy is that of W. R. Leo, Techniques for Nuclear and Particle Physics Experiments (1994), Sec. 2.2,
    and 19.2 eV for hydrogen.
    """
    excitation = 16e-9 * z**0.9 if z > 1.5 else 19.2e-9
    return Matter(density, ((z, a, 1.0),), excitation, density_effect(density, z / a, excitation))


def _element(
    density: float, z: float, a: float, excitation: float, effect: tuple[float, float, float, float, float]
) -> Matter:
    return Matter(density, ((z, a, 1.0),), excitation, effect)


_HYDROGEN, _CARBON, _NITROGEN, _OXYGEN = (1.0, 1.008), (6.0, 12.011), (7.0, 14.007), (8.0, 15.999)

KNOWN: Mapping[str, Matter] = {
    "lead": _element(11.35, 82.0, 207.2, 823.0e-9, (6.2018, 0.3776, 3.8073, 0.09359, 3.1608)),
    "tungsten": _element(19.30, 74.0, 183.84, 727.0e-9, (5.4059, 0.2167, 3.4960, 0.15509, 2.8447)),
    "bismuth": _element(9.747, 83.0, 208.98, 823.0e-9, (6.3505, 0.4152, 3.8248, 0.09410, 3.1671)),
    "iron": _element(7.874, 26.0, 55.845, 286.0e-9, (4.2911, -0.0012, 3.1531, 0.14680, 2.9632)),
    "copper": _element(8.960, 29.0, 63.546, 322.0e-9, (4.4190, -0.0254, 3.2792, 0.14339, 2.9044)),
    "aluminium": _element(2.699, 13.0, 26.982, 166.0e-9, (4.2395, 0.1708, 3.0127, 0.08024, 3.6345)),
    "silicon": _element(2.329, 14.0, 28.085, 173.0e-9, (4.4355, 0.2014, 2.8715, 0.14921, 3.2546)),
    "carbon": _element(2.210, 6.0, 12.011, 78.0e-9, (2.8926, -0.0178, 2.3415, 0.26142, 2.8697)),
    "helium": _element(1.66e-4, 2.0, 4.0026, 41.8e-9, (11.1393, 2.2017, 3.6122, 0.13443, 5.8347)),
    "scintillator": Matter(
        1.032,
        ((*_HYDROGEN, 0.085), (*_CARBON, 0.915)),
        64.7e-9,
        (3.1997, 0.1464, 2.4855, 0.16101, 3.2393),
    ),
    "kapton": Matter(
        1.42,
        ((*_HYDROGEN, 0.0264), (*_CARBON, 0.6911), (*_NITROGEN, 0.0733), (*_OXYGEN, 0.2092)),
        79.6e-9,
        (3.3497, 0.1509, 2.5631, 0.15972, 3.1921),
    ),
    "air": Matter(
        1.205e-3,
        ((*_NITROGEN, 0.755), (*_OXYGEN, 0.232), (18.0, 39.948, 0.013)),
        85.7e-9,
        (10.5961, 1.7418, 4.2759, 0.10914, 3.3994),
    ),
    "lyso": Matter(
        7.10,
        ((71.0, 174.967, 0.714), (39.0, 88.906, 0.041), (14.0, 28.085, 0.064), (*_OXYGEN, 0.181)),
        401e-9,
        density_effect(7.10, 0.4295, 401e-9),
    ),
}
"""Groom, Mokhov, Striganov, Atom. Data Nucl. Data Tables 78 (2001) 183; Sternheimer, Berger, Seltzer, ibid. 30 (1984) 261. The
scintillator is vinyltoluene; I of LYSO (Lu1.8 Y0.2 Si O5) by Bragg's rule, its density effect by the general expression."""


def matter(name: str, density: float, z: float, a: float) -> Matter:
    """Return a material of a detector file: what is known by its name, in the file's density, or else `generic`."""
    known = KNOWN.get(name)
    if known is None or abs(density / known.density - 1.0) > LIKE or abs(z / a / known.z_over_a - 1.0) > LIKE:
        return generic(density, z, a)
    return Matter(density, known.elements, known.excitation, known.density_effect)
