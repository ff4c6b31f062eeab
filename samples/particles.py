"""What passes between generators and the walk: beam particles, and what a process makes of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from emiss.samples.walk.tracks import BEAM_ID, COLUMNS, ENERGY, ID, LAST, PDG, ROW, TX, TY, X, Y, Z

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.arrays import Array, Floats
    from emiss.samples.beam import BeamParticles

ELECTRON, MUON, PION_MINUS, KAON_MINUS = 11, 13, -211, -321
"""PDG codes of beam particles."""


@dataclass(frozen=True)
class Beamed:
    """N beam particles, given at `z` (mm).

    They are those that would be there without matter on the way: where there is matter or a field before, they are drawn back
    to the beginning of the line and come from there, unless they are `born` at `z`.
    """

    particles: BeamParticles
    z: float
    born: bool = False

    @property
    def pdg(self) -> Array:
        """PDG codes."""
        return self.particles.pdg

    @property
    def energy(self) -> Floats:
        """Total energies, GeV."""
        return self.particles.energy

    def tracks(self) -> Floats:
        """Return them as tracks; the number of a row is that of the beam particle."""
        count = len(self.energy)
        made = np.zeros((count, COLUMNS))
        made[:, ROW], made[:, ID], made[:, Z] = np.arange(count), BEAM_ID, self.z
        for column, values in zip((PDG, ENERGY, X, Y, TX, TY), self.particles, strict=True):
            made[:, column] = values
        return made


@dataclass(frozen=True)
class Products:
    """What a process makes of beam particles that have come to it.

    Energy is kept: that of a beam particle = its products' + `lost`, up to the recoil of nuclei (below 1 MeV, left out).

    Attributes
    ----------
    tracks : array of shape (M, COLUMNS)
        All particles that go on, each from its own place; `ROW` says whose they are. Those with an `ID` are told in the truth.
    lost : mapping of name to array of shape (K,)
        Energy that nothing sees, GeV; by the beam particles that have come.
    emission : array of shape (K,)
        Energy of the particle that gave them (electron, photon or hadron), GeV; 0 where nothing was made.
    weight : array of shape (K,), optional
        Of each event, beside the one that all have; 1 by default.
    truth : mapping of name to array of shape (K,), optional
        What the truth tells of it beside what it tells of all: columns of `emiss.samples.truth.OF_MODELS`.
    """

    tracks: Floats
    lost: Mapping[str, Floats]
    emission: Floats
    weight: Floats | None = None
    truth: Mapping[str, Floats] = field(default_factory=dict)


def made(
    arrived: Floats,
    pdg: Array | int,
    energy: Floats,
    depth: Floats,
    directions: tuple[Floats, Floats],
    *,
    number: int = 0,
) -> Floats:
    """Return one product of each beam particle: on its line, `depth` mm behind it, with slopes of its own.

    Parameters
    ----------
    arrived : array of shape (N, COLUMNS)
    pdg : array of shape (N,) or int
    energy, depth : arrays of shape (N,)
        GeV, mm.
    directions : (array, array)
        Slopes dx/dz and dy/dz.
    number : int
        Its `ID`; -1 for what the truth does not tell.
    """
    tracks = arrived.copy()
    tracks[:, PDG], tracks[:, ENERGY], tracks[:, ID] = pdg, energy, number
    tracks[:, X] += arrived[:, TX] * depth
    tracks[:, Y] += arrived[:, TY] * depth
    tracks[:, Z] += depth
    tracks[:, TX], tracks[:, TY] = directions
    tracks[:, LAST] = 0.0
    return tracks


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
