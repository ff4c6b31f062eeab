"""Resonant annihilation e+ e- -> X -> anything of a shower's positrons with the electrons of atoms.

With s = 2 m_e E + 2 m_e^2 and the width Gamma(sqrt s) of a vector of that mass,

    sigma = g^2 sqrt(s) Gamma(sqrt s)/((s - m^2)^2 + m^2 Gamma(m)^2),

which for dark particles alone is 4 pi alpha eps^2 alpha_D (q/sqrt s) K/(...) with K of the kind of dark matter (L. Marsicano
and others, Phys. Rev. Lett. 121 (2018) 041802). All of the
positron's energy goes to X. Left out: the motion of bound electrons, which smears the peak by some per cent in E, and
e+ e- -> gamma X.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.constants import CM2_PER_PICOBARN, ELECTRON_MASS, PICOBARN
from emiss.physics.processes.base import Production
from emiss.physics.processes.bremsstrahlung import shower

if TYPE_CHECKING:
    from collections.abc import Callable

    from emiss.configs.arrays import Floats
    from emiss.physics.processes.base import Beam, Target

NODES = 16
"""Gauss-Legendre nodes in the angle arctan((s - m^2)/(m Gamma)) in each bin of the track lengths."""


def invariant(energy: Floats) -> Floats:
    """Return s (GeV^2) of a positron of an energy (GeV) and an electron at rest."""
    value: Floats = 2.0 * ELECTRON_MASS * energy + 2.0 * ELECTRON_MASS**2
    return value


def peak_energy(mass: float) -> float:
    """Return the energy of the positron, GeV, that makes X of a mass."""
    return (mass**2 - 2.0 * ELECTRON_MASS**2) / (2.0 * ELECTRON_MASS)


def cross_section(
    energy: Floats, mass: float, coupling: float, width: Callable[[Floats], Floats], at_mass: float
) -> Floats:
    """Return sigma of e+ e- -> X -> anything, pb.

    Parameters
    ----------
    energy : array
        Of the positron, GeV.
    mass : float
    coupling : float
        g to electrons.
    width : callable
        Gamma (GeV) of a vector of a mass sqrt(s), of arrays.
    at_mass : float
        Gamma(m).
    """
    s = invariant(energy)
    root = np.sqrt(s)
    value: Floats = PICOBARN * coupling**2 * root * width(root) / ((s - mass**2) ** 2 + (mass * at_mass) ** 2)
    return value


@dataclass(frozen=True)
class Annihilated:
    """X made by resonant annihilation: in cells of depth and of fine bins of energy, per beam particle.

    Attributes
    ----------
    edges : array of shape (B + 1,)
        Of the energy, GeV.
    depth : array of shape (D + 1,)
        mm.
    content : array of shape (D, B)
    mass, width : float
        Of X, which the energy within a bin is drawn with.
    """

    edges: Floats
    depth: Floats
    content: Floats
    mass: float
    width: float

    @property
    def total(self) -> float:
        """Expected number."""
        return float(self.content.sum())

    def production(self, edges: Floats, power: int = 2) -> Production:
        """Return X in other bins; a fine bin is shared as the Breit-Wigner form is."""
        low, high = np.maximum(edges[:-1, None], self.edges[:-1]), np.minimum(edges[1:, None], self.edges[1:])
        inside = self._angle(low, np.maximum(high, low))
        share = inside / self._angle(self.edges[:-1], self.edges[1:])
        middle = 0.5 * (self.depth[1:] + self.depth[:-1])
        rate, moment = share @ self.content.sum(axis=0), share @ (middle @ self.content)
        depth = np.divide(moment, rate, out=np.zeros_like(rate), where=rate > 0.0)
        return Production(edges, rate, depth, power)

    def _angle(self, low: Floats, high: Floats) -> Floats:
        return _angle(invariant(low), invariant(high), self.mass, self.width)

    def draw(self, events: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Return energies (GeV) and depths (mm)."""
        share = self.content.ravel() / self.total
        row, column = np.divmod(rng.choice(share.size, size=events, p=share), self.content.shape[1])
        u, v = rng.random((2, events))
        low, high = self.edges[column], self.edges[column + 1]
        s = _within(invariant(low), invariant(high), self.mass, self.width, u)
        energy = np.clip((s / (2.0 * ELECTRON_MASS)) - ELECTRON_MASS, low, high)
        return energy, self.depth[row] + v * np.diff(self.depth)[row]


def _angle(low: Floats, high: Floats, mass: float, width: float) -> Floats:
    """Return the difference of arctan((s - m^2)/(m Gamma)) at two s; exact also where both are far from the peak."""
    scale = mass * width
    angle: Floats = np.arctan2(scale * (high - low), scale**2 + (low - mass**2) * (high - mass**2))
    return angle


def _within(low: Floats, high: Floats, mass: float, width: float, share: Floats) -> Floats:
    """Return the s that is a share of the angle on the way from low to high: tan(a + b) of the tangents of a and b."""
    scale = mass * width
    start, step = (low - mass**2) / scale, np.tan(share * _angle(low, high, mass, width))
    s: Floats = mass**2 + scale * (start + step) / (1.0 - start * step)
    return s


def annihilated(
    mass: float, beam: Beam, target: Target, threshold: float, coupling: float, width: Callable[[Floats], Floats]
) -> Annihilated:
    """Return X of more than `threshold` (GeV) from the positrons of the beam's shower.

    Parameters
    ----------
    mass : float
    beam : Beam
        Electron or positron; a positron of the beam is the first of the shower.
    target : Target
    threshold : float
        GeV.
    coupling : float
        g to electrons.
    width : callable
        As in `cross_section`.

    Raises
    ------
    ValueError
        For another beam.
    """
    if abs(beam.pdg) != 11:
        msg = f"the beam particle {beam.pdg} makes no shower with positrons that annihilate"
        raise ValueError(msg)
    lengths = shower(beam.energy, threshold)
    # what `electrons` holds beside as many as there are positrons is the primary
    travelled = lengths.electrons if beam.pdg < 0 else lengths.positrons
    inside = lengths.depth[1:] <= target.radiation_lengths * (1.0 + 1e-9)
    density = travelled * inside[:, None] * target.x0 / np.diff(lengths.edges)  # mm/GeV
    at_mass = float(width(np.array([mass]))[0])
    low, high = invariant(lengths.edges[:-1]), invariant(lengths.edges[1:])
    node, weight = np.polynomial.legendre.leggauss(NODES)
    half = 0.5 * _angle(low, high, mass, at_mass)[:, None]
    s = _within(low[:, None], high[:, None], mass, at_mass, 0.5 * (node + 1.0))
    root = np.sqrt(np.clip(s, low[:, None], high[:, None]))
    # ds over the Breit-Wigner's denominator is dangle/(m Gamma)
    per_angle = PICOBARN * coupling**2 * root * width(root) / (mass * at_mass)
    integral = (per_angle * weight * half).sum(axis=1) / (2.0 * ELECTRON_MASS)  # pb GeV
    made = density * integral * target.electrons * CM2_PER_PICOBARN * 1e2
    return Annihilated(lengths.edges, lengths.depth * target.x0, made, mass, at_mass)
