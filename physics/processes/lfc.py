"""phi of e N -> mu N phi (arXiv:2404.15931): the shower's electrons convert, and phi is not seen.

Unlike in the other models the threshold is one on the lepton that emits, as in the yields of Eq. 29: bins of energy are its
energies, and all phi that it emits are counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from emiss.physics.constants import MUON_MASS
from emiss.physics.emission import yields
from emiss.physics.emission.sampling import MuonSampler
from emiss.physics.processes.base import (
    INVISIBLE,
    Decay,
    Emitted,
    FinalStates,
    Parametrised,
    Plane,
    Production,
    Unstable,
    X,
)
from emiss.physics.validity import PERTURBATIVE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.arrays import Floats
    from emiss.physics.constants import Nucleus
    from emiss.physics.processes.base import Beam, Target

FORWARD = 1.5
"""rad; muons at larger angles are not drawn."""

MUON = 13


@lru_cache(maxsize=64)
def _emission(
    mass: float, energy: float, threshold: float, nucleus: Nucleus, leptons: tuple[str, ...]
) -> yields.Emission:
    return yields.emission(
        mass, coupling=1.0, primary=energy, threshold=threshold, nucleus=nucleus, leptons=leptons
    )  # fmt: skip


def main_nucleus(target: Target) -> Nucleus:
    """Return the nucleus with the most of Z^2: all of the radiation lengths are taken to be in it."""
    return max(target.elements, key=lambda one: one[1] * one[0].z ** 2)[0]


@dataclass(frozen=True)
class ConvertedScalar(Parametrised):
    """phi with the coupling h to e and mu; `leptons` are those of the shower that emit: ``e-``, ``e+`` or ``e- e+``."""

    name: ClassVar[str] = "lfc-scalar"
    title: ClassVar[str] = "phi of e N -> mu N phi"
    plane: ClassVar[Plane] = Plane("h", largest=PERTURBATIVE)
    defaults: ClassVar[Mapping[str, float | str]] = {"leptons": "e-"}

    def _made(self, mass: float, beam: Beam, target: Target, threshold: float) -> yields.Emission:
        if abs(beam.pdg) != 11:
            msg = f"a beam of {beam.pdg} makes no phi of this kind: electrons and positrons do"
            raise ValueError(msg)
        leptons = tuple(self.word("leptons").split())
        if beam.pdg < 0:  # the shower of a positron is that of an electron with the signs changed
            leptons = tuple({"e-": "e+", "e+": "e-"}.get(one, one) for one in leptons)
        return _emission(mass, beam.energy, threshold, main_nucleus(target), leptons)

    def production(
        self, mass: float, beam: Beam, target: Target, *, threshold: float, coupling: float = 0.0
    ) -> Production:
        """Return phi in bins of the energy of the lepton that emits."""
        del coupling
        made = self._made(mass, beam, target, threshold)
        rate = made.spectrum
        middle = 0.5 * (made.depth[1:] + made.depth[:-1]) * target.x0
        depth = np.divide(middle @ made.content, rate, out=np.zeros_like(rate), where=rate > 0.0)
        return Production(made.edges, rate, depth)

    def width(self, mass: float, coupling: float) -> float:
        """Return 0: phi goes to what is not seen, or lives long."""
        del mass, coupling
        return 0.0

    def branching(self, mass: float, coupling: float) -> Mapping[str, float]:
        """Return all as invisible."""
        del mass, coupling
        return {INVISIBLE: 1.0}

    def unstable(self, mass: float, coupling: float) -> Unstable:
        """Return what does not decay where it could be seen."""
        del coupling
        return Unstable(mass, 0.0)

    def sample(
        self, mass: float, beam: Beam, target: Target, n: int, rng: np.random.Generator, *, threshold: float,
        coupling: float = 0.0,
    ) -> FinalStates:  # fmt: skip
        """Return phi and the muon, by the Weizsaecker-Williams form in energy and angle of the muon."""
        del coupling
        made = self._made(mass, beam, target, threshold)
        sampler = MuonSampler.tabulate(mass, threshold, beam.energy, min_energy=0.0, max_angle=FORWARD)
        seen = made.weighted(sampler.weight(made.energy))
        parent, lengths = seen.sample(n, rng)
        y, psi = sampler.sample(parent, rng)
        muon = np.maximum(y * parent, MUON_MASS)
        energy = np.maximum(parent - muon, mass)
        around = rng.uniform(0.0, 2.0 * math.pi, n)
        across = np.sqrt(np.maximum(muon**2 - MUON_MASS**2, 0.0)) * np.sin(psi)
        along = np.sqrt(np.maximum(energy**2 - mass**2, 1e-12))
        x = Emitted(X, energy, np.arcsin(np.minimum(across / along, 1.0)), around + math.pi)
        sign = 1 if beam.pdg > 0 else -1
        weight = np.full(n, seen.total / made.total)
        return FinalStates(
            parent, lengths * target.x0, x, (Emitted(sign * MUON, muon, psi, around),), beam.energy - parent, weight
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
            msg = f"{self.name} has no channel '{channel}': it is {INVISIBLE}"
            raise ValueError(msg)
        return Decay(energy, (), energy)
