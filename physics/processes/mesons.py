"""Mesons of charge exchange that decay to nothing that is seen: the coupling is the branching ratio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from emiss.physics.processes import bremsstrahlung, charge_exchange
from emiss.physics.processes.base import INVISIBLE, Parametrised, Plane, Unstable
from emiss.physics.processes.kinematics import emitted, flying, into_two
from emiss.physics.processes.states import Decay, Emitted, FinalStates, X

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.arrays import Floats
    from emiss.physics.processes.base import Beam, Production, Target

SEEN = "seen"

SAME = 0.01
"""Relative: a mass that is further off is not the meson's."""


@dataclass(frozen=True)
class Meson(Parametrised):
    """A meson of pi-, pi+, K- or K+; `branching` of invisible decays is the coupling, and production does not depend on it."""

    name: ClassVar[str] = "meson"
    title: ClassVar[str] = "neutral meson"
    plane: ClassVar[Plane] = Plane("Br")
    defaults: ClassVar[Mapping[str, float | str]] = {"meson": "pi0"}

    @property
    def meson(self) -> str:
        """Return the name of the meson."""
        name = self.word("meson")
        if name not in charge_exchange.MASSES:
            msg = f"no meson '{name}'; there are {', '.join(charge_exchange.MASSES)}"
            raise ValueError(msg)
        return name

    @property
    def mass(self) -> float:
        """Its mass, GeV: the only one that the model takes."""
        return charge_exchange.MASSES[self.meson]

    def _checked(self, mass: float) -> None:
        if abs(mass / self.mass - 1.0) > SAME:
            msg = f"the mass of {self.meson} is {self.mass:g} GeV, not {mass:g}"
            raise ValueError(msg)

    def production(
        self, mass: float, beam: Beam, target: Target, *, threshold: float, coupling: float = 0.0
    ) -> Production:
        """Return mesons per hadron on target, whatever they decay to."""
        del coupling
        self._checked(mass)
        edges = bremsstrahlung.edges(threshold, beam.energy)
        return charge_exchange.exchanged(self.meson, beam, target).production(edges)

    def width(self, mass: float, coupling: float) -> float:
        """Return 0: a meson's decay is at once, or of no concern where it is invisible."""
        del mass, coupling
        return 0.0

    def branching(self, mass: float, coupling: float) -> Mapping[str, float]:
        """Return the coupling, and what is left."""
        del mass
        return {INVISIBLE: coupling, SEEN: 1.0 - coupling}

    def unstable(self, mass: float, coupling: float) -> Unstable:
        """Return what never decays where it could be seen."""
        del coupling
        return Unstable(mass, 0.0)

    def sample(
        self, mass: float, beam: Beam, target: Target, n: int, rng: np.random.Generator, *, threshold: float,
        coupling: float = 0.0,
    ) -> FinalStates:  # fmt: skip
        """Return mesons with the energy of the beam; the nucleus takes next to none."""
        del threshold, coupling
        self._checked(mass)
        made = charge_exchange.exchanged(self.meson, beam, target)
        depth, theta = made.draw(n, rng)
        energy = np.full(n, beam.energy)
        x = Emitted(X, energy, theta, rng.uniform(0.0, 2.0 * np.pi, n))
        return FinalStates(energy.copy(), depth, x, (), np.zeros(n), np.ones(n))

    def decay(self, channel: str, mass: float, energy: Floats, rng: np.random.Generator) -> Decay:
        """Return nothing that is seen, or two photons for all that is (K0 goes on as what it is).

        Raises
        ------
        ValueError
            For another channel.
        """
        if channel == INVISIBLE:
            return Decay(energy, (), energy)
        if channel != SEEN:
            msg = f"no products of '{channel}' of {self.meson}; there are {INVISIBLE} and {SEEN}"
            raise ValueError(msg)
        nothing = np.zeros_like(energy)
        kaons = {"K0S": 310, "K0L": 130}
        if self.meson in kaons:
            return Decay(energy, (Emitted(kaons[self.meson], energy, nothing, nothing),), nothing, prompt=True)
        one, two = into_two(flying(mass, energy), mass, 0.0, 0.0, rng)
        return Decay(energy, (emitted(22, one), emitted(22, two)), nothing, prompt=True)


@dataclass(frozen=True)
class Eta(Meson):
    """eta -> invisible."""

    name: ClassVar[str] = "eta"
    title: ClassVar[str] = "eta -> invisible"
    defaults: ClassVar[Mapping[str, float | str]] = {"meson": "eta"}


@dataclass(frozen=True)
class EtaPrime(Meson):
    """eta' -> invisible."""

    name: ClassVar[str] = "eta-prime"
    title: ClassVar[str] = "eta' -> invisible"
    defaults: ClassVar[Mapping[str, float | str]] = {"meson": "eta_prime"}
