"""An axion-like particle that couples to two photons, L = -(g/4) a F F~: Primakoff production, decay to two photons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from emiss.physics.processes import bremsstrahlung, primakoff, widths
from emiss.physics.processes.base import INVISIBLE, Parametrised, Plane, Unstable
from emiss.physics.processes.kinematics import emitted, flying, into_two
from emiss.physics.processes.states import Decay, Emitted, FinalStates, X
from emiss.physics.shower.directions import photon_angles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.arrays import Floats
    from emiss.physics.processes.base import Beam, Production, Target

PHOTONS = "gamma gamma"


@dataclass(frozen=True)
class Alp(Parametrised):
    """a with g of two photons in 1/GeV."""

    name: ClassVar[str] = "alp"
    title: ClassVar[str] = "axion-like particle a"
    plane: ClassVar[Plane] = Plane("g", "1/GeV")
    defaults: ClassVar[Mapping[str, float | str]] = {}

    def production(
        self, mass: float, beam: Beam, target: Target, *, threshold: float, coupling: float = 0.0
    ) -> Production:
        """Return ALPs from the photons of the shower."""
        del coupling
        edges = bremsstrahlung.edges(threshold, beam.energy)
        return primakoff.converted(mass, beam, target, threshold).production(edges)

    def width(self, mass: float, coupling: float) -> float:
        """Return Gamma(a -> gamma gamma), GeV."""
        return float(widths.photon_pair(mass, coupling))

    def branching(self, mass: float, coupling: float) -> Mapping[str, float]:
        """Return photons only."""
        del mass, coupling
        return {PHOTONS: 1.0}

    def unstable(self, mass: float, coupling: float) -> Unstable:
        """Return a itself."""
        return Unstable(mass, self.width(mass, coupling))

    def sample(
        self, mass: float, beam: Beam, target: Target, n: int, rng: np.random.Generator, *, threshold: float,
        coupling: float = 0.0,
    ) -> FinalStates:  # fmt: skip
        """Return ALPs with the energy of a photon; their angle is that of the photon and of the conversion together."""
        del coupling
        found = primakoff.converted(mass, beam, target, threshold)
        energy, lengths = found.emission.sample(n, rng)
        own = primakoff.polar(energy, mass, found.main, rng)
        theta = np.hypot(own, photon_angles(energy, rng))
        x = Emitted(X, energy, theta, rng.uniform(0.0, 2.0 * np.pi, n))
        return FinalStates(energy, lengths * found.x0, x, (), beam.energy - energy, np.ones(n))

    def decay(self, channel: str, mass: float, energy: Floats, rng: np.random.Generator) -> Decay:
        """Return two photons, or nothing that is seen.

        Raises
        ------
        ValueError
            For another channel.
        """
        if channel == INVISIBLE:
            return Decay(energy, (), energy)
        if channel != PHOTONS:
            msg = f"no products of '{channel}' of {self.name}; there is {PHOTONS}"
            raise ValueError(msg)
        one, two = into_two(flying(mass, energy), mass, 0.0, 0.0, rng)
        return Decay(energy, (emitted(22, one), emitted(22, two)), np.zeros_like(energy))
