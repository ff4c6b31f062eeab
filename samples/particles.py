"""`Particles`: the event record between a generator and the detector response.

A generator says what a beam particle became: energy that showers in the ECAL, muons at the place where they are born,
energy that nothing sees. The response follows from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss.events.lists import offsets_of

if TYPE_CHECKING:
    from emiss.configs.arrays import Array
    from emiss.events.lists import Lists
    from emiss.samples.config import Beam

ELECTRON, MUON, PION_MINUS, KAON_MINUS = 11, 13, -211, -321
"""PDG codes of the beam particles."""

MUON_COLUMNS = {"charge": "i4", "energy": "f8", "x": "f8", "y": "f8", "z": "f8", "tx": "f8", "ty": "f8"}
"""Fields of a muon at its production: e, GeV (total), mm, slopes dx/dz and dy/dz."""


@dataclass(frozen=True)
class Particles:
    """What N beam particles became.

    energy = shower + lost + sum of the muons' energies, up to the recoil of nuclei (below 1 MeV, left out).

    Attributes
    ----------
    pdg : array of shape (N,)
        PDG code of the beam particle.
    energy : array of shape (N,)
        Its energy, GeV.
    x, y, tx, ty : arrays of shape (N,)
        Its position (mm) and slopes at the ECAL front.
    shower : array of shape (N,)
        Energy that showers in the ECAL, GeV.
    lost : array of shape (N,)
        Energy of phi or neutrino, GeV.
    emission : array of shape (N,)
        Energy of the particle that gave the muons (electron, photon or hadron), GeV; 0 where there is none.
    muons : Lists
        `MUON_COLUMNS`.
    """

    pdg: Array
    energy: Array
    x: Array
    y: Array
    tx: Array
    ty: Array
    shower: Array
    lost: Array
    emission: Array
    muons: Lists

    def __len__(self) -> int:
        return len(self.energy)


@dataclass(frozen=True)
class BeamState:
    """Beam particles at the ECAL front: position (mm) and slopes, arrays of shape (N,)."""

    x: Array
    y: Array
    tx: Array
    ty: Array

    def at(self, z: Array | float) -> tuple[Array, Array]:
        """Return x and y (mm) at `z` (mm) on the straight line through the state."""
        return self.x + self.tx * z, self.y + self.ty * z


def beam_state(beam: Beam, events: int, rng: np.random.Generator) -> BeamState:
    """Return beam particles with Gaussian spot and divergence."""
    x, y, tx, ty = rng.normal(size=(4, events))
    return BeamState(beam.size * x, beam.size * y, beam.divergence * tx, beam.divergence * ty)


def deflect(tx: Array, ty: Array, theta: Array, phi: Array) -> tuple[Array, Array]:
    """Return the slopes of a direction at polar angle `theta` and azimuth `phi` around the direction (tx, ty, 1).

    Exact for any angle below 90 degrees from z; `phi` counts from the plane of the direction and z.

    Parameters
    ----------
    tx, ty : arrays
        Slopes of the axis.
    theta, phi : arrays
        rad.
    """
    norm = np.sqrt(1.0 + tx * tx + ty * ty)
    transverse = np.hypot(tx, ty)
    cos_a, sin_a = np.where(transverse > 0, tx, 1.0), np.where(transverse > 0, ty, 0.0)
    length = np.hypot(cos_a, sin_a)
    cos_a, sin_a = cos_a / length, sin_a / length
    sin_t, cos_t = transverse / norm, 1.0 / norm
    # components of the new direction along (in-plane transverse, out of plane, axis)
    u, v, w = np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)
    outward, along = u * cos_t + w * sin_t, w * cos_t - u * sin_t
    return (outward * cos_a - v * sin_a) / along, (outward * sin_a + v * cos_a) / along


def single(events: int) -> Array:
    """Return the offsets of one muon in each event."""
    return offsets_of(np.ones(events, np.int64))
