"""Conversion of the beam's lepton into a muon or a tau on a nucleon; the coupling is the operator's scale Lambda in TeV."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from emiss.physics.constants import LEPTON_MASSES, PROTON_MASS
from emiss.physics.processes import bremsstrahlung
from emiss.physics.processes.base import Parametrised, Plane, Production, Unstable
from emiss.physics.processes.lepton_conversion import Converting, converting
from emiss.physics.processes.states import Decay, Emitted, FinalStates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.arrays import Floats
    from emiss.physics.processes.base import Beam, Target

CONVERTED = "converted"

CODES = {"muon": 13, "tau": 15}

PION = 211

SOFTEST = 0.3
"""GeV; the remains of the nucleon have at least this, as a pion."""


@dataclass(frozen=True)
class Conversion(Parametrised):
    """l N -> l' X by an operator S, V or T on a quark of a flavour; rates go as Lambda^-4, Lambda in TeV.

    There is no new particle: the lepton stands in the place of X, and the mass that is asked for is not used.
    """

    name: ClassVar[str] = "conversion"
    title: ClassVar[str] = "lepton conversion on nucleons"
    plane: ClassVar[Plane] = Plane("Lambda", "TeV", largest=np.inf)
    defaults: ClassVar[Mapping[str, float | str]] = {
        "operator": "V", "chirality": "LL", "quark": "u", "lepton": "tau",
    }  # fmt: skip

    @property
    def lepton(self) -> str:
        """Return the lepton that comes out."""
        name = self.word("lepton")
        if name not in CODES:
            msg = f"no conversion to '{name}'; there are {', '.join(CODES)}"
            raise ValueError(msg)
        return name

    def _converting(self, beam: Beam, target: Target, threshold: float) -> Converting:
        words = (self.word(name) for name in ("operator", "chirality", "quark"))
        return converting(beam, target, threshold, *words, LEPTON_MASSES[self.lepton])

    def production(
        self, mass: float, beam: Beam, target: Target, *, threshold: float, coupling: float = 0.0
    ) -> Production:
        """Return conversions in bins of the energy of the lepton that converts."""
        del mass, coupling
        edges = bremsstrahlung.edges(threshold, beam.energy)
        found = self._converting(beam, target, threshold)
        cells = np.clip(np.searchsorted(edges, found.emission.energy, side="right") - 1, 0, len(edges) - 2)
        content = found.emission.content
        middle = 0.5 * (found.emission.depth[1:] + found.emission.depth[:-1]) * found.x0
        rate = np.bincount(cells, content.sum(axis=0), len(edges) - 1).astype(np.float64)
        moment = np.bincount(cells, middle @ content, len(edges) - 1)
        depth = np.divide(moment, rate, out=np.zeros_like(rate), where=rate > 0.0)
        return Production(edges, rate, depth, power=-4)

    def width(self, mass: float, coupling: float) -> float:
        """Return 0."""
        del mass, coupling
        return 0.0

    def branching(self, mass: float, coupling: float) -> Mapping[str, float]:
        """Return all in one: the decays of a tau are those of its way through the set-up."""
        del mass, coupling
        return {CONVERTED: 1.0}

    def unstable(self, mass: float, coupling: float) -> Unstable:
        """Return what does not decay here."""
        del coupling
        return Unstable(mass, 0.0)

    def sample(
        self, mass: float, beam: Beam, target: Target, n: int, rng: np.random.Generator, *, threshold: float,
        coupling: float = 0.0,
    ) -> FinalStates:  # fmt: skip
        """Return the lepton, with (1 - y) of the energy, and the remains of the nucleon as a pion with the rest.

        The transverse momentum is that of Q^2 = x y s at x = 1/4, a mean of valence quarks.
        """
        del mass, coupling
        words = (self.word("operator"), self.word("chirality"))
        found = self._converting(beam, target, threshold)
        parent, depth, y = found.draw(n, *words, rng)
        own = LEPTON_MASSES[self.lepton]
        energy = np.clip((1.0 - y) * parent, own + 1e-6, np.maximum(parent - SOFTEST, own + 1e-6))
        left = np.maximum(parent - energy, SOFTEST)
        across = np.sqrt(0.25 * y * (1.0 - y) * 2.0 * PROTON_MASS * parent)
        theta, psi = np.arctan2(across, energy), np.arctan2(across, left)
        phi = rng.uniform(0.0, 2.0 * np.pi, n)
        sign = 1 if beam.pdg > 0 else -1
        x = Emitted(sign * CODES[self.lepton], energy, theta, phi)
        remains = Emitted(np.where(rng.random(n) < 0.5, PION, -PION), left, psi, phi + np.pi)
        rest = beam.energy - parent if abs(beam.pdg) == 11 else np.zeros(n)
        return FinalStates(parent, depth, x, (remains,), rest, np.ones(n))

    def decay(self, channel: str, mass: float, energy: Floats, rng: np.random.Generator) -> Decay:
        """Refuse: the lepton goes on as what it is.

        Raises
        ------
        ValueError
            Always.
        """
        del mass, energy, rng
        msg = f"{self.name} has no new particle that decays ('{channel}')"
        raise ValueError(msg)
