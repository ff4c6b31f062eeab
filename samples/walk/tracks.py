"""Tracks: particles under way, as rows of numbers that kernels and NumPy share; masses, charges and lifetimes by PDG code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.compiled import fused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.arrays import Array, Floats

ROW, PDG, ENERGY, X, Y, Z, TX, TY, LAST, ID = range(10)
"""Columns of a track: its beam particle, PDG code, total energy (GeV), mm, slopes, the part that it came from last, its number.

The number is that of the particle a generator made, for the truth; what is made on the way has -1.
"""

COLUMNS = 10

ELECTRON, MUON, PHOTON, PION, KAON, PROTON, NEUTRON, PI_ZERO, K_LONG, K_SHORT = (
    11, 13, 22, 211, 321, 2212, 2112, 111, 130, 310,
)  # fmt: skip

ELECTRON_MASS, MUON_MASS, PION_MASS, KAON_MASS = 0.51099895e-3, 0.1056583755, 0.13957039, 0.493677
PI_ZERO_MASS, K_ZERO_MASS, PROTON_MASS, NEUTRON_MASS = 0.1349768, 0.497611, 0.93827209, 0.93956542
"""GeV (PDG 2022)."""


@fused
def mass_of(pdg: float) -> float:
    """Return the mass of a particle, GeV; 0 of what has none or is not known."""
    code = abs(pdg)
    if code == ELECTRON:
        return ELECTRON_MASS
    if code == MUON:
        return MUON_MASS
    if code == PION:
        return PION_MASS
    if code == KAON:
        return KAON_MASS
    if code == PROTON:
        return PROTON_MASS
    if code == NEUTRON:
        return NEUTRON_MASS
    if code == PI_ZERO:
        return PI_ZERO_MASS
    return K_ZERO_MASS if code in (K_LONG, K_SHORT) else 0.0


@fused
def charge_of(pdg: float) -> float:
    """Return the charge of a particle, e."""
    code = abs(pdg)
    if code in (ELECTRON, MUON):
        return -1.0 if pdg > 0 else 1.0
    if code in (PION, KAON, PROTON):
        return 1.0 if pdg > 0 else -1.0
    return 0.0


def charges(pdg: Array) -> Floats:
    """Return the charges of particles, e."""
    code = np.abs(pdg)
    lepton, hadron = np.isin(code, (ELECTRON, MUON)), np.isin(code, (PION, KAON, PROTON))
    return np.where(lepton, -np.sign(pdg), np.where(hadron, np.sign(pdg), 0.0))


def masses(pdg: Array) -> Floats:
    """Return the masses of particles, GeV."""
    known = {
        ELECTRON: ELECTRON_MASS, MUON: MUON_MASS, PION: PION_MASS, KAON: KAON_MASS, PROTON: PROTON_MASS,
        NEUTRON: NEUTRON_MASS, PI_ZERO: PI_ZERO_MASS, K_LONG: K_ZERO_MASS, K_SHORT: K_ZERO_MASS,
    }  # fmt: skip
    code = np.abs(pdg)
    result = np.zeros(len(code))
    for one, mass in known.items():
        result[code == one] = mass
    return result


def tracks(values: Mapping[str, Array | float], count: int) -> Floats:
    """Return tracks, shape (count, `COLUMNS`), from columns by name: row, pdg, energy, x, y, z, tx, ty, last, id.

    What is not named is 0, `id` -1.
    """
    made = np.zeros((count, COLUMNS))
    made[:, ID] = -1.0
    names = ("row", "pdg", "energy", "x", "y", "z", "tx", "ty", "last", "id")
    for name, value in values.items():
        made[:, names.index(name)] = value
    return made
