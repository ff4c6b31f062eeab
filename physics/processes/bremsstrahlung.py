"""Bremsstrahlung of a new particle, l N -> l N X, in a thick target: how many, of which energy, from which lepton, how deep.

Electrons and positrons of a shower emit along the track lengths of approximation A, muons on their way through the whole
target without a loss (one of 160 GeV leaves 0.6 GeV in 40 radiation lengths of lead). The spectrum of each lepton is the exact
tree level of `emiss.physics.emission`, or an approximation, integrated over angle at Gauss-Legendre nodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.constants import ALPHA, CM2_PER_PICOBARN, LEPTON_MASSES
from emiss.physics.emission.phase_space import energy_range, over_angle
from emiss.physics.emission.yields import Emission
from emiss.physics.process import Process
from emiss.physics.processes.angles import polar
from emiss.physics.processes.base import Production
from emiss.physics.processes.states import Emitted, FinalStates, X
from emiss.physics.shower.transport import track_lengths

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.physics.constants import Nucleus
    from emiss.physics.emission.phase_space import Method
    from emiss.physics.processes.base import Beam, Target
    from emiss.physics.shower.transport import TrackLengths

PARENTS = 14
"""Energies of leptons at which spectra are integrated."""

BINS = 48
"""Of the energy of X, even between threshold and beam."""

POINTS = 3
"""Nodes between two knots."""

KNOTS = np.concatenate([np.arange(0.0, 4.0, 0.25), np.arange(4.0, 23.0, 1.0)])
"""Of -ln(1 - v), v the place between threshold and highest energy; the last 3e-10 of the range are left out."""

TOLERANCE = 1e-4
"""Relative, of the integrals over angle."""

MINOR = 0.05
"""Share in the sum of Z^2 below which an element counts as Z^2 of the main one."""

LEPTONS = {11: "electron", 13: "muon"}


@dataclass(frozen=True)
class Spectra:
    """How the energy of X is spread, for leptons of some energies.

    Attributes
    ----------
    parent : array of shape (P,)
        Energies of the leptons, GeV, rising.
    threshold : float
        Lowest energy of X, GeV.
    highest : array of shape (P,)
        Highest energy of X, GeV.
    knots : array of shape (K,)
        Of w = -ln(1 - v), v = (E_X - threshold)/(highest - threshold), from 0.
    below : array of shape (P, K)
        Cross section for X between the threshold and a knot, pb at a coupling of e.
    """

    parent: Floats
    threshold: float
    highest: Floats
    knots: Floats
    below: Floats

    @property
    def total(self) -> Floats:
        """Cross section above the threshold, pb, shape (P,)."""
        return self.below[:, -1]

    def shares(self, energy: Floats) -> tuple[Floats, Floats]:
        """Return the cumulated share at each knot and the highest energy (GeV) for leptons in between.

        Parameters
        ----------
        energy : array of shape (N,)
            GeV.

        Returns
        -------
        share : array of shape (N, K)
        highest : array of shape (N,)
        """
        total = self.total[:, None]
        normal = np.divide(self.below, total, out=np.zeros_like(self.below), where=total > 0.0)
        place = np.interp(self._logarithm(energy), self._logarithm(self.parent), np.arange(len(self.parent)))
        left = np.clip(place.astype(np.int64), 0, len(self.parent) - 2)
        part = (place - left)[:, None]
        share = (1.0 - part) * normal[left] + part * normal[left + 1]
        return share, energy - np.interp(energy, self.parent, self.parent - self.highest)

    def cross_section(self, energy: Floats) -> Floats:
        """Return the cross section above the threshold, pb: a cubic spline of logarithms between the parents."""
        from scipy.interpolate import CubicSpline

        positive = self.total > 0.0
        if positive.sum() < 2:  # X is too heavy for all of them
            return np.zeros_like(energy)
        spline = CubicSpline(self._logarithm(self.parent[positive]), np.log(self.total[positive]))
        inside = energy >= self.parent[positive][0]
        return np.where(inside, np.exp(spline(self._logarithm(energy))), 0.0)

    def _logarithm(self, energy: Floats) -> Floats:
        return np.log(np.maximum(energy - self.threshold, 1e-12))

    def within(self, energy: Floats, edges: Floats) -> Floats:
        """Return the share of X in bins of energy, shape (N, n), for leptons of N energies."""
        from scipy.interpolate import PchipInterpolator

        share, highest = self.shares(energy)
        found = np.empty((len(energy), len(edges)))
        for row, (one, high) in enumerate(zip(share, highest, strict=True)):
            v = np.clip((edges - self.threshold) / max(high - self.threshold, 1e-12), 0.0, 1.0)
            w = np.minimum(-np.log(np.maximum(1.0 - v, 1e-300)), self.knots[-1])
            found[row] = PchipInterpolator(self.knots, one)(w)
        return np.diff(found, axis=1)

    def draw(self, energy: Floats, rng: np.random.Generator) -> Floats:
        """Return an energy of X, GeV, for each lepton."""
        share, highest = self.shares(energy)
        u = rng.random(len(energy))
        right = np.clip((share < u[:, None]).sum(axis=1), 1, len(self.knots) - 1)
        rows = np.arange(len(energy))
        low, high = share[rows, right - 1], share[rows, right]
        part = (u - low) / np.where(high > low, high - low, 1.0)
        w = self.knots[right - 1] + part * (self.knots[right] - self.knots[right - 1])
        drawn: Floats = self.threshold - np.expm1(-w) * (highest - self.threshold)
        return drawn


def spectra(mass: float, parent: Floats, threshold: float, process: Process, method: Method = "exact") -> Spectra:
    """Return the spectra of X from a process whose lanes are the parents'.

    Raises
    ------
    ValueError
        If the threshold is not above the mass of X.
    """
    if not threshold > mass:
        msg = f"the threshold ({threshold:g} GeV) must be above the mass of X ({mass:g} GeV), as it is on its energy"
        raise ValueError(msg)
    highest = np.maximum(energy_range(process, method, "x")[1], threshold)
    node, weight = np.polynomial.legendre.leggauss(POINTS)
    step = np.diff(KNOTS)[:, None]
    w = KNOTS[:-1, None] + 0.5 * (node + 1.0) * step
    fraction, slope = -np.expm1(-w.ravel()), np.exp(-w.ravel())
    span = highest - threshold
    energy = threshold + span[:, None] * fraction
    share = energy / parent[:, None]
    inside = (span > 0.0)[:, None] & (energy < highest[:, None])
    lane = np.nonzero(inside)[0]
    density = np.zeros(energy.shape)
    density[inside] = over_angle(process.lanes(lane), share[inside], method, "x", TOLERANCE)
    per_w = density * slope * (span / parent)[:, None]
    cells = (per_w.reshape(len(parent), *w.shape) * (0.5 * weight * step)).sum(axis=2)
    below = np.pad(np.cumsum(cells, axis=1), ((0, 0), (1, 0)))
    return Spectra(parent, threshold, highest, KNOTS, below)


@dataclass(frozen=True)
class Made:
    """Bremsstrahlung in a target: spectra of the main element, and X made in cells of depth and the lepton's energy.

    Attributes
    ----------
    spectra : Spectra
    emission : Emission
        Number of X at a coupling g = 1; depth in radiation lengths.
    x0 : float
        Radiation length, mm.
    main : Nucleus
        That of the spectra.
    boson : str
        What X is.
    """

    spectra: Spectra
    emission: Emission
    x0: float
    main: Nucleus
    boson: str

    def production(self, edges: Floats) -> Production:
        """Return X in bins of its energy (GeV, from the threshold on)."""
        content = self.emission.content
        within = self.spectra.within(self.emission.energy, edges)
        layers = 0.5 * (self.emission.depth[1:] + self.emission.depth[:-1]) * self.x0
        rate, moment = content.sum(axis=0) @ within, (layers @ content) @ within
        depth = np.divide(moment, rate, out=np.zeros_like(rate), where=rate > 0.0)
        return Production(edges, np.maximum(rate, 0.0), depth)

    def draw(self, events: int, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
        """Return energies of lepton and X (GeV) and depths (mm)."""
        parent, lengths = self.emission.sample(events, rng)
        return parent, self.spectra.draw(parent, rng), lengths * self.x0


def edges(threshold: float, highest: float) -> Floats:
    """Return the edges of energy, GeV, in which productions are counted.

    Raises
    ------
    ValueError
        If the threshold is not above 0 and below the highest energy.
    """
    if not 0.0 < threshold < highest:
        msg = f"the threshold ({threshold:g} GeV) must be above 0 and below the energy of the beam ({highest:g} GeV)"
        raise ValueError(msg)
    return np.linspace(threshold, highest, BINS + 1)


@lru_cache(maxsize=16)
def shower(primary: float, lowest: float) -> TrackLengths:
    """Return the track lengths of `emiss.physics.shower.transport`, kept: several processes ask for the same."""
    return track_lengths(primary, lowest)


@lru_cache(maxsize=64)
def emitted(mass: float, beam: Beam, target: Target, threshold: float, boson: str, method: Method = "exact") -> Made:
    """Return the bremsstrahlung of X at a coupling g = 1 to the beam's lepton.

    Parameters
    ----------
    mass, threshold : float
        Of X, and lowest energy of X, GeV.
    beam : Beam
        An electron, positron or muon.
    target : Target
    boson : str
        What X is: see `emiss.physics.process.Process`.
    method : 'exact', 'ww' or 'iww'

    Raises
    ------
    ValueError
        For a beam of other particles, or a threshold that is not between the mass and the energy of the beam.
    """
    lepton = LEPTONS.get(abs(beam.pdg))
    if lepton is None:
        msg = f"the beam particle {beam.pdg} emits no X by bremsstrahlung: it is no electron and no muon"
        raise ValueError(msg)
    edges(threshold, beam.energy)
    main = max(target.elements, key=lambda one: one[0].z ** 2 * one[1])[0]
    grown = np.geomspace(2e-3 * (beam.energy - threshold), beam.energy - threshold, PARENTS)
    parent = threshold + grown
    found = spectra(mass, parent, threshold, _process(mass, parent, main, lepton, boson), method)
    if lepton == "muon":
        return Made(found, _along(found, beam, target, main), target.x0, main, boson)
    lengths = shower(beam.energy, threshold)
    depth = lengths.depth[1:] <= target.radiation_lengths * (1.0 + 1e-9)
    sigma = found.cross_section(lengths.energy) * _weight(target, main) * target.x0
    content = lengths.charged * depth[:, None] * sigma
    return Made(found, Emission(lengths.edges, lengths.depth, content), target.x0, main, boson)


def sample(made: Made, mass: float, beam: Beam, n: int, rng: np.random.Generator) -> FinalStates:
    """Return n final states of bremsstrahlung.

    The lepton balances the transverse momentum of X, as the nucleus takes next to none. What an electron has left goes on in
    the shower, a muon comes out as a track of its own.
    """
    parent, energy, depth = made.draw(n, rng)
    lepton = LEPTONS[abs(beam.pdg)]
    theta = polar(_process(mass, parent, made.main, lepton, made.boson), energy / parent, rng)
    phi = rng.uniform(0.0, 2.0 * np.pi, n)
    x = Emitted(X, energy, theta, phi)
    if lepton == "electron":
        return FinalStates(parent, depth, x, (), beam.energy - energy, np.ones(n))
    left = np.maximum(parent - energy, LEPTON_MASSES[lepton])
    across = np.sqrt(np.maximum(energy**2 - mass**2, 0.0)) * np.sin(theta)
    psi = np.arctan2(across, np.sqrt(np.maximum(left**2 - LEPTON_MASSES[lepton] ** 2 - across**2, 1e-12)))
    return FinalStates(parent, depth, x, (Emitted(beam.pdg, left, psi, phi + np.pi),), np.zeros(n), np.ones(n))


def _along(found: Spectra, beam: Beam, target: Target, main: Nucleus) -> Emission:
    """Return what a particle makes that goes through the whole target with the energy that it has."""
    energies = beam.energy * np.array([1.0 - 1e-9, 1.0])
    depth = np.linspace(0.0, target.radiation_lengths, 41)
    each = found.total[-1] * _weight(target, main) * target.thickness / 40.0
    return Emission(energies, depth, np.full((40, 1), each))


def _weight(target: Target, main: Nucleus) -> float:
    """Return nuclei per mm^3 in mm^2/pb, all elements as so many of the main one by Z^2."""
    number = sum(n * nucleus.z**2 for nucleus, n in target.elements) / main.z**2
    return number * CM2_PER_PICOBARN * 1e2


def _process(mass: float, energy: Floats, nucleus: Nucleus, lepton: str, boson: str) -> Process:
    return Process.of(
        np.full(len(energy), mass), energy, coupling=1.0, nucleus=nucleus, beam=lepton, final=lepton, boson=boson
    )


ELEMENTARY = float(np.sqrt(4.0 * np.pi * ALPHA))
"""e: a mixing epsilon is a coupling of epsilon e."""
