"""What muons lose at once: differential cross sections of delta electrons, bremsstrahlung, e+e- pairs and nuclear reactions.

All are per energy of the secondary and per g/cm^2, in cm^2/(g GeV), zero where kinematics forbids them; arrays are broadcast.

- Delta electrons: Bhabha's for spin 1/2 (B. Rossi, High-Energy Particles, 1952, Sec. 2.3), with the radiative correction of
  S. R. Kelner, R. P. Kokoulin, A. A. Petrukhin, Phys. Atom. Nucl. 60 (1997) 576.
- Bremsstrahlung: A. A. Petrukhin and V. V. Shestakov, Can. J. Phys. 46 (1968) S377, with the nucleus' form factor and atomic
  electrons of S. R. Kelner, R. P. Kokoulin, A. A. Petrukhin, MEPhI 024-95 (1995) and Phys. Atom. Nucl. 60 (1997) 576.
- Pairs: R. P. Kokoulin and A. A. Petrukhin, Proc. 11th ICRC 4 (1969) 277 and 12th ICRC 6 (1971) 2436; atomic electrons:
  S. R. Kelner, Phys. Atom. Nucl. 61 (1998) 448.
- Nuclear: V. V. Borog and A. A. Petrukhin, Proc. 14th ICRC 6 (1975) 1949.

All four as written in D. E. Groom, N. V. Mokhov, S. I. Striganov, Atom. Data Nucl. Data Tables 78 (2001) 183 and in the
Geant4 Physics Reference Manual, chapter "Muons". Left out: the Landau-Pomeranchuk-Migdal effect, far above 200 GeV; Coulomb
corrections to bremsstrahlung (Groom et al., Sec. 4: below 1 %).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.constants import ALPHA, AVOGADRO, ELECTRON_MASS, MUON_MASS

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.physics.passage.matter import Matter

K = 0.307075e-3
"""4 pi N_A r_e^2 m_e c^2 in GeV cm^2/mol (PDG 2022, Table 34.1)."""

RADIUS = 2.8179403262e-13
"""Classical radius of the electron, cm (CODATA 2018)."""

RATIO = MUON_MASS / ELECTRON_MASS
SQRT_E = float(np.sqrt(np.e))

NUCLEAR_FROM = 0.2
"""GeV; nuclear reactions with less are left out: below the pion they are few, and not in the formula's range."""


def largest_transfer(energy: Floats | float) -> Floats:
    """Return the largest kinetic energy (GeV) of a delta electron from muons of a total energy (PDG 2022, Eq. 34.4)."""
    gamma = np.asarray(energy, np.float64) / MUON_MASS
    result: Floats = 2.0 * ELECTRON_MASS * (gamma**2 - 1.0) / (1.0 + 2.0 * gamma / RATIO + RATIO**-2)
    return result


def deltas(energy: Floats, kinetic: Floats, matter: Matter) -> Floats:
    """Return the cross section of delta electrons by their kinetic energy."""
    largest = largest_transfer(energy)
    beta2 = 1.0 - (MUON_MASS / energy) ** 2
    spin = 1.0 - beta2 * kinetic / largest + 0.5 * (kinetic / energy) ** 2
    allowed = kinetic < largest
    left = np.where(allowed, energy - kinetic, energy)
    inner = np.log(1.0 + 2.0 * kinetic / ELECTRON_MASS)
    radiative = 1.0 + 0.5 * ALPHA / np.pi * inner * (np.log(4.0 * energy * left / MUON_MASS**2) - inner)
    result: Floats = np.where(allowed, 0.5 * K * matter.z_over_a / beta2 * spin * radiative / kinetic**2, 0.0)
    return result


def bremsstrahlung(energy: Floats, photon: Floats, matter: Matter) -> Floats:
    """Return the cross section of bremsstrahlung by the photon's energy."""
    allowed = photon < energy - MUON_MASS
    part = np.where(allowed, photon / energy, 0.5)
    least = 0.5 * MUON_MASS**2 * part / (energy * (1.0 - part))  # momentum given to the nucleus
    electrons = photon < energy / (1.0 + 0.5 * MUON_MASS * RATIO / energy)
    total: Floats = np.zeros(np.broadcast_shapes(np.shape(energy), np.shape(photon)))
    for z, a, weight in matter.elements:
        # Thomas-Fermi; for hydrogen the exact wave functions
        elastic, inelastic = (182.7, 1429.0) if z > 1.5 else (202.4, 446.0)
        screening = elastic * z ** (-1 / 3)
        size = (1.54 * a**0.27) ** (1.0 - 1.0 / z if z > 1.5 else 1.0)
        nucleus = np.log(
            screening
            * (MUON_MASS + least * (size * SQRT_E - 2.0))
            / (size * (ELECTRON_MASS + least * SQRT_E * screening))
        )
        screening = inelastic * z ** (-2 / 3)
        atomic = np.log(
            screening
            * MUON_MASS
            / ((1.0 + least * RATIO / (ELECTRON_MASS * SQRT_E)) * (ELECTRON_MASS + least * SQRT_E * screening))
        )
        logarithm = z * np.maximum(nucleus, 0.0) + np.where(electrons, np.maximum(atomic, 0.0), 0.0)
        total = total + weight * z / a * logarithm
    shape = 16.0 / 3.0 * ALPHA * AVOGADRO * (RADIUS / RATIO) ** 2 * (1.0 - part + 0.75 * part**2) / photon
    return np.where(allowed, shape * total, 0.0)


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)


def pairs(energy: Floats, pair: Floats, matter: Matter) -> Floats:
    """Return the cross section of e+e- pairs by the pair's total energy, integrated over the asymmetry rho."""
    energy, pair = np.broadcast_arrays(np.asarray(energy, np.float64), np.asarray(pair, np.float64))
    total: Floats = np.zeros(energy.shape)
    for z, a, weight in matter.elements:
        allowed = (pair > 4.0 * ELECTRON_MASS * (1.0 + 1e-9)) & (
            pair < energy - 0.75 * SQRT_E * MUON_MASS * z ** (1 / 3)
        )
        e, loss = np.where(allowed, energy, 10.0)[..., None], np.where(allowed, pair, 0.1)[..., None]
        part = loss / e
        highest = (1.0 - 6.0 * MUON_MASS**2 / (e**2 * (1.0 - part))) * np.sqrt(1.0 - 4.0 * ELECTRON_MASS / loss)
        # 1 - rho is what the integrand depends on: even steps in its logarithm (as in Geant4)
        lowest = np.log(np.clip(1.0 - highest, 1e-12, 1.0))
        near = np.exp(0.5 * lowest * (1.0 + _NODES))
        inner = _pair_integrand(e, part, 1.0 - near, z) * near
        integral = -0.5 * lowest[..., 0] * (inner @ _WEIGHTS)
        factor = 4.0 / (3.0 * np.pi) * z * (z + _atomic(e[..., 0], z)) / a * AVOGADRO * (ALPHA * RADIUS) ** 2
        value = factor * (1.0 - part[..., 0]) / loss[..., 0] * integral
        total = total + weight * np.where(allowed & (highest[..., 0] > 0.0), np.maximum(value, 0.0), 0.0)
    return total


def _pair_integrand(energy: Floats, part: Floats, rho: Floats, z: float) -> Floats:
    """Return Phi_e + (m_e/m_mu)^2 Phi_mu; names as in the papers."""
    rho2 = rho**2
    beta = 0.5 * part**2 / (1.0 - part)
    xi = 0.25 * (RATIO * part) ** 2 * (1.0 - rho2) / (1.0 - part)
    y_e = (5.0 - rho2 + 4.0 * beta * (1.0 + rho2)) / (
        2.0 * (1.0 + 3.0 * beta) * np.log(3.0 + 1.0 / xi) - rho2 - 2.0 * beta * (2.0 - rho2)
    )
    y_mu = (4.0 + rho2 + 3.0 * beta * (1.0 + rho2)) / (
        (1.0 + rho2) * (1.5 + 2.0 * beta) * np.log(3.0 + xi) + 1.0 - 1.5 * rho2
    )
    screening = (183.0 if z > 1.5 else 202.4) * z ** (-1 / 3)
    recoil = 2.0 * ELECTRON_MASS * SQRT_E * screening / (energy * part * (1.0 - rho2))
    e_part, mu_part = (1.0 + xi) * (1.0 + y_e), (1.0 + xi) * (1.0 + y_mu)
    log_e = np.log(screening * np.sqrt(e_part) / (1.0 + recoil * e_part)) - 0.5 * np.log1p(
        (1.5 / RATIO * z ** (1 / 3)) ** 2 * e_part
    )
    log_mu = np.log(RATIO / 1.5 * screening * z ** (-1 / 3) / (1.0 + recoil * mu_part))
    far = xi > 1e3
    phi_e = np.where(
        far,
        0.5 / xi * (3.0 - rho2 + 2.0 * beta * (1.0 + rho2)),
        ((2.0 + rho2) * (1.0 + beta) + xi * (3.0 + rho2)) * np.log1p(1.0 / xi)
        + (1.0 - rho2 - beta) / (1.0 + xi)
        - (3.0 + rho2),
    )
    near = xi < 1e-3
    phi_mu = np.where(
        near,
        0.5 * xi * (5.0 - rho2 + beta * (3.0 + rho2)),
        ((1.0 + rho2) * (1.0 + 1.5 * beta) - (1.0 + 2.0 * beta) * (1.0 - rho2) / xi) * np.log1p(xi)
        + xi * (1.0 - rho2 - beta) / (1.0 + xi)
        + (1.0 + 2.0 * beta) * (1.0 - rho2),
    )
    result: Floats = phi_e * np.maximum(log_e, 0.0) + phi_mu * np.maximum(log_mu, 0.0) / RATIO**2
    return result


def _atomic(energy: Floats, z: float) -> Floats:
    """Return zeta: what is added to the charge for pairs on atomic electrons."""
    gamma = energy / MUON_MASS
    first, second = (1.95e-5, 5.30e-5) if z > 1.5 else (4.4e-5, 4.8e-5)
    above = 0.073 * np.log(gamma / (1.0 + first * z ** (2 / 3) * gamma)) - 0.26
    below = 0.058 * np.log(gamma / (1.0 + second * z ** (1 / 3) * gamma)) - 0.14
    result: Floats = np.where((above > 0.0) & (below > 0.0), above / np.where(below > 0.0, below, 1.0), 0.0)
    return result


def nuclear(energy: Floats, transfer: Floats, matter: Matter) -> Floats:
    """Return the cross section of nuclear reactions by the energy that they take, from `NUCLEAR_FROM` on."""
    nucleon, scale2 = 0.938272, 0.4
    allowed = (transfer >= NUCLEAR_FROM) & (transfer < energy - 0.5 * nucleon)
    nu = np.where(allowed, transfer, 1.0)
    e = np.where(allowed, energy, 10.0)
    part = nu / e
    real = 1e-30 * (49.2 + 11.1 * np.log(nu) + 151.8 / np.sqrt(nu))  # cm^2, real photons on a nucleon
    scale = np.sqrt(scale2)
    virtual = (part - 1.0) + (1.0 - part + 0.5 * part**2 * (1.0 + 2.0 * MUON_MASS**2 / scale2)) * np.log(
        e**2
        * (1.0 - part)
        / MUON_MASS**2
        * (1.0 + (MUON_MASS * part) ** 2 / (scale2 * (1.0 - part)))
        / (1.0 + nu / scale * (1.0 + 0.5 * scale / nucleon + nu / scale))
    )
    shadowed = sum(weight / a * (0.22 * a + 0.78 * a**0.89) for _, a, weight in matter.elements)
    result: Floats = np.where(allowed, ALPHA / np.pi * AVOGADRO * shadowed * real / nu * np.maximum(virtual, 0.0), 0.0)
    return result
