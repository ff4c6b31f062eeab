"""How photons from 10 keV on are absorbed: attenuation by energy and material.

Total mass attenuation coefficients from 10 keV to 20 MeV: J. H. Hubbell, S. M. Seltzer, NISTIR 5632 (1995), NIST Standard
Reference Database 126, entered by hand; scintillator is polyvinyltoluene, to two or three digits. Klein and Nishina's formula
agrees within 2 % where it has to. LYSO (Lu1.8Y0.2SiO5) is made of these: 0.714 of lutetium, tungsten's Compton part by
electrons per gram and the rest by Z^4.5/A below 1 MeV and Z^2/A from there on, and 0.286 of aluminium for what is lighter; up
to 15 keV, near the L edges, that is a guess. Above 20 MeV what is missing to 7/9 per radiation length falls as 1/sqrt(E).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.configs.arrays import Floats

ENERGY = np.array([10, 15, 20, 30, 40, 50, 60, 80, 100, 150, 200, 300, 400, 500, 600, 800]) * 1e-6
ENERGY = np.concatenate([ENERGY, np.array([1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20]) * 1e-3])
"""GeV."""

COEFFICIENTS = {
    82.0: "130.6 111.6 86.36 30.32 14.36 8.041 5.021 2.419 5.549 2.014 0.9985 0.4031 0.2323 0.1614 0.1248 0.0887 "
    "0.07102 0.05876 0.05222 0.04606 0.04234 0.04197 0.04272 0.04391 0.04675 0.04972 0.05658 0.06206",
    74.0: "96.91 138.9 65.73 22.73 10.67 5.949 3.713 7.810 4.438 1.581 0.7844 0.3238 0.1925 0.1378 0.1093 0.08066 "
    "0.06618 0.05577 0.05000 0.04433 0.04075 0.04038 0.04103 0.04210 0.04472 0.04747 0.05384 0.05893",
    66.0: "67.86 88.79 41.93 14.49 6.821 3.823 2.404 4.933 2.824 1.034 0.533 0.2398 0.1539 0.1168 0.09667 0.07532 "
    "0.06478 0.05557 0.05006 0.04402 0.03908 0.03745 0.03703 0.03719 0.03828 0.03977 0.04373 0.04711",
    29.0: "215.9 74.05 33.79 10.92 4.862 2.613 1.593 0.7630 0.4584 0.2217 0.1559 0.1119 0.09413 0.08362 0.07625 0.06605 "
    "0.05901 0.05261 0.04803 0.04205 0.03599 0.03318 0.03177 0.03108 0.03074 0.03103 0.03247 0.03408",
    26.0: "170.6 57.08 25.68 8.176 3.629 1.958 1.205 0.5952 0.3717 0.1964 0.1460 0.1099 0.0940 0.08414 0.07704 0.06699 "
    "0.05995 0.05350 0.04883 0.04265 0.03621 0.03312 0.03146 0.03057 0.02991 0.02994 0.03092 0.03224",
    13.0: "26.23 7.955 3.441 1.128 0.5685 0.3681 0.2778 0.2018 0.1704 0.1378 0.1223 0.1042 0.09276 0.08445 0.07802 0.06841 "
    "0.06146 0.05496 0.05006 0.04324 0.03541 0.03106 0.02836 0.02655 0.02437 0.02318 0.02195 0.02168",
    3.37: "2.05 0.75 0.42 0.258 0.216 0.196 0.185 0.171 0.162 0.144 0.132 0.114 0.1024 0.0936 0.0865 0.0760 "
    "0.0684 0.0611 0.0556 0.0478 0.0383 0.0329 0.0293 0.0268 0.0235 0.0215 0.0187 0.0173",
}
"""cm^2/g at `ENERGY`, by charge number (66: LYSO, 3.37: polyvinyltoluene)."""

GRID = np.geomspace(1e-5, 1e3, 161)
"""GeV: where `attenuation` is tabulated, even in the logarithm."""


def mass_attenuation(z: float, x0_mass: float, energy: Floats) -> Floats:
    """Return the mass attenuation coefficient, cm^2/g, of the tabulated material whose charge number is nearest.

    Parameters
    ----------
    z : float
        Charge number.
    x0_mass : float
        Radiation length, g/cm^2, which the values above 20 MeV are made of.
    energy : array
        GeV; below 10 keV the value there is taken.
    """
    nearest = min(COEFFICIENTS, key=lambda known: abs(np.sqrt(known) - np.sqrt(z)))
    values = np.array([float(text) for text in COEFFICIENTS[nearest].split()])
    low = np.exp(np.interp(np.log(energy), np.log(ENERGY), np.log(values)))
    highest = 7.0 / 9.0 / x0_mass
    at_end = float(values[-1])
    high = highest + (at_end - highest) * np.sqrt(ENERGY[-1] / np.maximum(energy, ENERGY[-1]))
    return np.where(energy > ENERGY[-1], high, low)


def attenuation(fraction: Floats, z: Sequence[float], density: Sequence[float], x0: Sequence[float]) -> Floats:
    """Return the attenuation of photons per mm in mixtures at the energies of `GRID`, shape (M, len(GRID)).

    Parameters
    ----------
    fraction : array of shape (M, K)
        mm of each of K materials per mm of depth.
    z, density, x0 : sequences of length K
        Charge numbers, densities in g/cm^3, radiation lengths in mm.
    """
    per_mm = np.array(
        [
            mass_attenuation(one, 0.1 * length * rho, GRID) * rho * 0.1
            for one, rho, length in zip(z, density, x0, strict=True)
        ]
    )
    return np.asarray(fraction @ per_mm)
