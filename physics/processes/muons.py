"""Models that are there without a new coupling of electrons: phi of e N -> mu N phi, and muon pairs of photons.

They wrap `emiss.physics.emission.yields`, `sampling` and `dimuons`, whose results they have, with all radiation lengths of the
target in its heaviest element, as there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from emiss.physics.constants import MUON_MASS, Nucleus
from emiss.physics.emission import dimuons, yields
from emiss.physics.emission.sampling import MuonSampler
from emiss.physics.processes import bremsstrahlung
from emiss.physics.processes.base import INVISIBLE, Beam, Parametrised, Plane, Production, Target, Unstable
from emiss.physics.processes.states import Decay, Emitted, FinalStates, X
from emiss.physics.shower.directions import photon_angles
from emiss.physics.validity import PERTURBATIVE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.arrays import Floats

FORWARD = 1.5
"""rad; muons at larger angles to the electron are not drawn (5e-6 of the yield at 0.3 GeV, 2e-3 at 3 GeV)."""

STEEPEST = 1.0
"""rad; the largest angle that muons of pairs are given."""

MUON = 13


def _nucleus(beam: Beam, target: Target) -> Nucleus:
    """Return the nucleus that the target is taken to be made of, for a beam that showers.

    Raises
    ------
    ValueError
        For another beam.
    """
    if abs(beam.pdg) != 11:
        msg = f"the beam particle {beam.pdg} makes no shower of electrons and photons"
        raise ValueError(msg)
    return max(target.elements, key=lambda one: one[0].z ** 2 * one[1])[0]


def _binned(made: yields.Emission, x0: float, beam: Beam, threshold: float, power: int) -> Production:
    """Return what is made, by the energy of the particle that makes it."""
    edges = bremsstrahlung.edges(threshold, beam.energy)
    cells = np.clip(np.searchsorted(edges, made.energy, side="right") - 1, 0, len(edges) - 2)
    middle = 0.5 * (made.depth[1:] + made.depth[:-1]) * x0
    rate = np.bincount(cells, made.content.sum(axis=0), len(edges) - 1).astype(np.float64)
    moment = np.bincount(cells, middle @ made.content, len(edges) - 1)
    depth = np.divide(moment, rate, out=np.zeros_like(rate), where=rate > 0.0)
    return Production(edges, rate, depth, power)


@lru_cache(maxsize=16)
def _phi(mass: float, beam: Beam, nucleus: Nucleus, threshold: float, leptons: tuple[str, ...]) -> yields.Emission:
    return yields.emission(
        mass, coupling=1.0, primary=beam.energy, threshold=threshold, nucleus=nucleus, leptons=leptons
    )


@lru_cache(maxsize=16)
def _sampler(mass: float, lowest: float, highest: float, nucleus: Nucleus) -> MuonSampler:
    return MuonSampler.tabulate(mass, lowest, highest, max_angle=FORWARD, nucleus=nucleus)


@dataclass(frozen=True)
class _Prompt(Parametrised):
    """What makes nothing that decays in flight."""

    def width(self, mass: float, coupling: float) -> float:
        """Return 0: nothing decays where it could be seen."""
        del mass, coupling
        return 0.0

    def unstable(self, mass: float, coupling: float) -> Unstable:
        """Return what never decays."""
        del coupling
        return Unstable(mass, 0.0)


@dataclass(frozen=True)
class Phi(_Prompt):
    """phi of e N -> mu N phi, invisible; `leptons` are those of the shower that emit: e-, e+ or both.

    Threshold and bins of energy are those of the electron that emits, not of phi.
    """

    name: ClassVar[str] = "phi"
    title: ClassVar[str] = "phi of e N -> mu N phi"
    plane: ClassVar[Plane] = Plane("h", largest=PERTURBATIVE)
    defaults: ClassVar[Mapping[str, float | str]] = {"leptons": "e-"}

    def _leptons(self) -> tuple[str, ...]:
        word = self.word("leptons")
        return yields.LEPTONS if word == "both" else (word,)

    def production(
        self, mass: float, beam: Beam, target: Target, *, threshold: float, coupling: float = 0.0
    ) -> Production:
        """Return phi by the energy of the emitting electron."""
        del coupling
        made = _phi(mass, beam, _nucleus(beam, target), threshold, self._leptons())
        return _binned(made, target.x0, beam, threshold, 2)

    def branching(self, mass: float, coupling: float) -> Mapping[str, float]:
        """Return what nothing sees."""
        del mass, coupling
        return {INVISIBLE: 1.0}

    def sample(
        self, mass: float, beam: Beam, target: Target, n: int, rng: np.random.Generator, *, threshold: float,
        coupling: float = 0.0,
    ) -> FinalStates:  # fmt: skip
        """Return phi and the muon, whose angle is that of `MuonSampler`; the transverse momenta balance."""
        del coupling
        nucleus, leptons = _nucleus(beam, target), self._leptons()
        sampler = _sampler(mass, threshold, beam.energy, nucleus)
        whole = _phi(mass, beam, nucleus, threshold, leptons)
        made = whole.weighted(sampler.weight(whole.energy))
        parent, lengths = made.sample(n, rng)
        y, psi = sampler.sample(parent, rng)
        muon = np.maximum(y * parent, MUON_MASS)
        energy = np.maximum(parent - muon, mass)
        across = np.sqrt(np.maximum(muon**2 - MUON_MASS**2, 0.0)) * np.sin(psi)
        along = np.sqrt(np.maximum(energy**2 - mass**2 - across**2, 1e-12))
        phi = rng.uniform(0.0, 2.0 * np.pi, n)
        share = 1.0
        if len(leptons) > 1:
            share = _phi(mass, beam, nucleus, threshold, ("e-",)).total / whole.total
        negative = leptons[0] == "e-"
        sign = np.where(rng.random(n) < share, 1, -1) * (1 if negative else -1) * (1 if beam.pdg > 0 else -1)
        other = Emitted(MUON * sign, muon, psi, phi)
        x = Emitted(X, parent - muon, np.arctan2(across, along), phi + np.pi)
        return FinalStates(
            parent, lengths * target.x0, x, (other,), beam.energy - parent, np.full(n, made.total / whole.total)
        )

    def decay(self, channel: str, mass: float, energy: Floats, rng: np.random.Generator) -> Decay:
        """Return nothing that is seen.

        Raises
        ------
        ValueError
            For another channel.
        """
        del mass, rng
        if channel != INVISIBLE:
            msg = f"no products of '{channel}' of phi: it is {INVISIBLE}"
            raise ValueError(msg)
        return Decay(energy, (), energy)


PAIR = "mu+ mu-"


@dataclass(frozen=True)
class Dimuon(_Prompt):
    """gamma N -> mu+ mu- N of the shower's photons: known physics, which has no coupling; bins are of the photon's energy."""

    name: ClassVar[str] = "dimuon"
    title: ClassVar[str] = "muon pairs of photons"
    plane: ClassVar[Plane] = Plane("", largest=np.inf)
    defaults: ClassVar[Mapping[str, float | str]] = {}

    def production(
        self, mass: float, beam: Beam, target: Target, *, threshold: float, coupling: float = 0.0
    ) -> Production:
        """Return pairs by the energy of the photon."""
        del mass, coupling
        made = dimuons.emission(beam.energy, threshold, _nucleus(beam, target))
        return _binned(made, target.x0, beam, threshold, 0)

    def branching(self, mass: float, coupling: float) -> Mapping[str, float]:
        """Return the pair."""
        del mass, coupling
        return {PAIR: 1.0}

    def sample(
        self, mass: float, beam: Beam, target: Target, n: int, rng: np.random.Generator, *, threshold: float,
        coupling: float = 0.0,
    ) -> FinalStates:  # fmt: skip
        """Return the two muons, the first in the place of X."""
        del mass, coupling
        nucleus = _nucleus(beam, target)
        photon, lengths = dimuons.emission(beam.energy, threshold, nucleus).sample(n, rng)
        share, angles = dimuons.sample_pair(photon, rng, nucleus)
        phi, around = 2.0 * np.pi * rng.random((2, n))
        off = np.minimum(photon_angles(photon, rng), STEEPEST)
        plus = _around(off, around, np.clip(angles.plus, -STEEPEST, STEEPEST), phi + angles.fold)
        minus = _around(off, around, np.clip(angles.minus, -STEEPEST, STEEPEST), phi - angles.fold + np.pi)
        x = Emitted(-MUON, share * photon, *plus)
        return FinalStates(
            photon,
            lengths * target.x0,
            x,
            (Emitted(MUON, (1.0 - share) * photon, *minus),),
            beam.energy - photon,
            np.ones(n),
        )

    def decay(self, channel: str, mass: float, energy: Floats, rng: np.random.Generator) -> Decay:
        """Refuse: muons go on as what they are.

        Raises
        ------
        ValueError
            Always.
        """
        del mass, energy, rng
        msg = f"{self.name} has no new particle that decays ('{channel}')"
        raise ValueError(msg)


def _around(theta: Floats, phi: Floats, own: Floats, azimuth: Floats) -> tuple[Floats, Floats]:
    """Return polar angle and azimuth of directions at angles `own`, `azimuth` to the direction at theta, phi."""
    u, v, w = np.sin(own) * np.cos(azimuth), np.sin(own) * np.sin(azimuth), np.cos(own)
    outward, along = u * np.cos(theta) + w * np.sin(theta), w * np.cos(theta) - u * np.sin(theta)
    return np.arctan2(np.hypot(outward, v), along), phi + np.arctan2(v, outward)
