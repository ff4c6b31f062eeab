"""The dark photon A': couples to charges with eps e, and to dark matter with alpha_D."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from emiss.physics.constants import LEPTON_MASSES
from emiss.physics.processes import bremsstrahlung, widths
from emiss.physics.processes.base import INVISIBLE, Parametrised, Plane, Unstable
from emiss.physics.processes.bremsstrahlung import ELEMENTARY

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from emiss.physics.processes.base import Beam, FinalStates, Production, Target


@dataclass(frozen=True)
class DarkPhoton(Parametrised):
    """A' with a kinetic mixing eps, and a pair of dark particles of mass m/ratio.

    With `alpha_d` 0 it decays to what is seen only.
    """

    name: ClassVar[str] = "dark-photon"
    title: ClassVar[str] = "dark photon A'"
    plane: ClassVar[Plane] = Plane("eps")
    defaults: ClassVar[Mapping[str, float | str]] = {"alpha_d": 0.1, "ratio": 3.0, "dark": "dirac", "method": "exact"}

    def production(
        self, mass: float, beam: Beam, target: Target, *, threshold: float, coupling: float = 0.0
    ) -> Production:
        """Return A' bremsstrahlung."""
        del coupling
        made = bremsstrahlung.emitted(mass, beam, target, threshold, "V")
        return made.production(bremsstrahlung.edges(threshold, beam.energy)).times(ELEMENTARY**2)

    def channels(self, mass: float, coupling: float) -> Mapping[str, float]:
        """Return the width of each channel, GeV."""
        g = coupling * ELEMENTARY
        found = {
            "e+ e-": widths.lepton_pair("V", mass, LEPTON_MASSES["electron"], g),
            "mu+ mu-": widths.lepton_pair("V", mass, LEPTON_MASSES["muon"], g),
            "hadrons": widths.hadrons(mass, coupling),
            INVISIBLE: widths.dark_pair(self.word("dark"), mass, mass / self.number("ratio"), self.number("alpha_d")),
        }
        return {name: width for name, width in found.items() if width > 0.0}

    def width(self, mass: float, coupling: float) -> float:
        """Return the total width, GeV."""
        return sum(self.channels(mass, coupling).values())

    def branching(self, mass: float, coupling: float) -> Mapping[str, float]:
        """Return the shares of the channels."""
        channels = self.channels(mass, coupling)
        total = sum(channels.values())
        return {name: width / total for name, width in channels.items()}

    def unstable(self, mass: float, coupling: float) -> Unstable:
        """Return A' itself."""
        return Unstable(mass, self.width(mass, coupling))

    def sample(
        self, mass: float, beam: Beam, target: Target, n: int, rng: np.random.Generator, *, threshold: float,
        coupling: float = 0.0,
    ) -> FinalStates:  # fmt: skip
        """Return bremsstrahlung."""
        del coupling
        return bremsstrahlung.sample(mass, beam, target, n, rng, threshold=threshold, boson="V")
