"""Tracks: particles under way, as rows of numbers that kernels and NumPy share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.compiled import bare
from emiss.physics.constants import MUON_MASS
from emiss.physics.passage.species_kernels import (
    ELECTRON,
    MUON,
    NEUTRON,
    PHOTON,
    PROTON,
    charge,
    lifetime,
    mass,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.arrays import Array, Floats

__all__ = ["ELECTRON", "MUON", "MUON_MASS", "PHOTON", "availables", "charges", "lifetimes", "masses", "tracks"]

ROW, PDG, ENERGY, X, Y, Z, TX, TY, LAST, ID, CARRIED = range(11)
"""Columns of a track: its beam particle, PDG code, total energy (GeV), mm, slopes, the part that it came from last, its number,
and the energy (GeV) of soft electrons that go with it.

The number is that of the particle a generator made, for the truth; what is made on the way has -1.
"""

BEAM_ID = -2
"""The number of the beam particle itself."""

COLUMNS = 11


def charges(pdg: Array) -> Floats:
    """Return the charges of particles, e."""
    found = np.empty(len(pdg))
    _charges(pdg, found)
    return found


def masses(pdg: Array) -> Floats:
    """Return the masses of particles, GeV."""
    found = np.empty(len(pdg))
    _masses(pdg, found)
    return found


def lifetimes(pdg: Array) -> Floats:
    """Return c tau of particles, mm; infinite of what does not decay."""
    found = np.empty(len(pdg))
    _lifetimes(pdg, found)
    return found


@bare
def _charges(pdg: Array, found: Floats) -> None:
    for i in range(len(pdg)):
        found[i] = charge(int(pdg[i]))


@bare
def _masses(pdg: Array, found: Floats) -> None:
    for i in range(len(pdg)):
        found[i] = mass(int(pdg[i]))


@bare
def _lifetimes(pdg: Array, found: Floats) -> None:
    for i in range(len(pdg)):
        found[i] = lifetime(int(pdg[i]))


def availables(tracks: Floats) -> Floats:
    """Return the energies (GeV) of tracks without the rest mass of nucleons, with that of antinucleons once more.

    As `emiss.physics.passage.species_kernels.available`.
    """
    pdg = tracks[:, PDG]
    nucleon = np.isin(np.abs(pdg), (PROTON, NEUTRON))
    found: Floats = tracks[:, ENERGY] - np.where(nucleon, np.sign(pdg) * masses(pdg), 0.0)
    return found


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
