"""Primakoff production gamma N -> a N of an axion-like particle by the photons of a shower.

    dsigma/dt = (alpha g^2 Z^2/8) (t - t_min)/t^2 F^2(t),   t_min = m^4/(4 E^2),   E_a = E_gamma

(Y.-S. Tsai, Phys. Rev. D 34 (1986) 1326; J. D. Bjorken et al., Phys. Rev. D 80 (2009) 075018), with the elastic form factor of
`emiss.physics.emission.form_factor`; its closed form for t_min far below t_d is
(alpha g^2 Z^2/8) [ln((t_d + t_min)/(t_a + t_min)) - 2]. Left out: collisions that break the nucleus up, electrons of atoms.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.constants import ALPHA, CM2_PER_PICOBARN, ELECTRON_MASS, PICOBARN, Nucleus
from emiss.physics.emission.form_factor import flux, squared
from emiss.physics.emission.yields import Emission
from emiss.physics.processes.base import Production
from emiss.physics.processes.bremsstrahlung import shower

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.physics.processes.base import Beam, Target

LARGEST = 1.0
"""GeV^2; momentum transfer up to which the form factor leaves anything."""

NODES = 64
"""Places in ln t from which momentum transfers are drawn."""


def screening(nucleus: Nucleus) -> tuple[float, float]:
    """Return t_a and t_d of the form factor, GeV^2, as `Process.screening`."""
    return (ELECTRON_MASS * nucleus.z ** (1 / 3) / 111.0) ** 2, 0.164 * nucleus.a ** (-2 / 3)


def cross_section(energy: Floats, mass: float, nucleus: Nucleus) -> Floats:
    """Return sigma over g^2, pb GeV^2: the integral over t, exact for the form factor; 0 below threshold.

    Parameters
    ----------
    energy : array
        Of the photon, GeV.
    mass : float
    nucleus : Nucleus
    """
    t_min = (0.5 * mass**2 / energy) ** 2
    chi = np.where(t_min < LARGEST, flux(np.minimum(t_min, LARGEST), LARGEST, *screening(nucleus)), 0.0)
    value: Floats = PICOBARN * ALPHA * nucleus.z**2 / 8.0 * chi * (energy > mass)
    return value


def closed_form(energy: Floats, mass: float, nucleus: Nucleus) -> Floats:
    """Return the same in the approximation of the literature, right to 1 % where t_min is far below t_d."""
    t_min = (0.5 * mass**2 / energy) ** 2
    t_a, t_d = screening(nucleus)
    value: Floats = PICOBARN * ALPHA * nucleus.z**2 / 8.0 * (np.log((t_d + t_min) / (t_a + t_min)) - 2.0)
    return value


@dataclass(frozen=True)
class Converted:
    """ALPs from the photons of a shower, in cells of depth (radiation lengths) and energy, at g = 1/GeV."""

    emission: Emission
    x0: float
    main: Nucleus

    def production(self, edges: Floats) -> Production:
        """Return ALPs in bins of energy, GeV; within a cell they are spread evenly in the logarithm."""
        cells = np.log(self.emission.edges)
        wanted = np.log(edges)
        low, high = np.maximum(wanted[:-1, None], cells[:-1]), np.minimum(wanted[1:, None], cells[1:])
        share = np.maximum(high - low, 0.0) / np.diff(cells)
        middle = 0.5 * (self.emission.depth[1:] + self.emission.depth[:-1]) * self.x0
        content = self.emission.content
        rate, moment = share @ content.sum(axis=0), share @ (middle @ content)
        depth = np.divide(moment, rate, out=np.zeros_like(rate), where=rate > 0.0)
        return Production(edges, rate, depth)


@lru_cache(maxsize=64)
def converted(mass: float, beam: Beam, target: Target, threshold: float) -> Converted:
    """Return the ALPs of more than `threshold` (GeV) of the shower of an electron or positron.

    Raises
    ------
    ValueError
        For another beam.
    """
    if abs(beam.pdg) != 11:
        msg = f"the beam particle {beam.pdg} makes no shower with photons that convert"
        raise ValueError(msg)
    lengths = shower(beam.energy, threshold)
    inside = lengths.depth[1:] <= target.radiation_lengths * (1.0 + 1e-9)
    sigma = sum(cross_section(lengths.energy, mass, nucleus) * number for nucleus, number in target.elements)
    made = lengths.photons * inside[:, None] * (sigma * CM2_PER_PICOBARN * 1e2 * target.x0)
    main = max(target.elements, key=lambda one: one[0].z ** 2 * one[1])[0]
    return Converted(Emission(lengths.edges, lengths.depth, made), target.x0, main)


def polar(energy: Floats, mass: float, nucleus: Nucleus, rng: np.random.Generator) -> Floats:
    """Return angles (rad) of ALPs to the photon: t = t_min + (E theta)^2, t from dsigma/dt."""
    t_min = (0.5 * mass**2 / energy)[:, None] ** 2
    t_a, t_d = screening(nucleus)
    least = np.maximum(t_min, 1e-3 * t_a)
    t = least * (LARGEST / least) ** np.linspace(0.0, 1.0, NODES)
    density = np.maximum(t - t_min, 0.0) / t * squared(t, t_a, t_d)  # per ln t
    cumulated = np.pad(np.cumsum(0.5 * (density[:, 1:] + density[:, :-1]), axis=1), ((0, 0), (1, 0)))
    u = rng.random(len(energy)) * cumulated[:, -1]
    right = np.clip((cumulated < u[:, None]).sum(axis=1), 1, NODES - 1)
    rows = np.arange(len(energy))
    low, high = cumulated[rows, right - 1], cumulated[rows, right]
    part = np.divide(u - low, high - low, out=np.zeros_like(u), where=high > low)
    drawn = t[rows, right - 1] * (t[rows, right] / t[rows, right - 1]) ** part
    angle: Floats = np.sqrt(np.maximum(drawn - t_min[:, 0], 0.0)) / energy
    return angle
