"""`Portal`: what models have in common whose X couples to leptons: bremsstrahlung, resonant annihilation, decays to pairs."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from emiss.physics.constants import LEPTON_MASSES
from emiss.physics.processes import bremsstrahlung, resonant
from emiss.physics.processes.base import INVISIBLE, Parametrised, Plane, Unstable
from emiss.physics.processes.kinematics import emitted, flying, into_two
from emiss.physics.processes.resonant import annihilated
from emiss.physics.processes.states import Decay, Emitted, FinalStates, X, mixed
from emiss.physics.processes.widths import lepton_pair

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.arrays import Floats
    from emiss.physics.emission.phase_space import Method
    from emiss.physics.processes.base import Beam, Production, Target

PAIRS = {"e+ e-": 11, "mu+ mu-": 13, "tau+ tau-": 15}
"""Channels of two charged leptons, and their PDG code."""

OF_BEAM = {11: "electron", 13: "muon"}

REFERENCE = 1e-5
"""The coupling at which the width under a resonance is taken where none is said: far below that of dark particles."""

METHODS = ("exact", "ww", "iww")


@dataclass(frozen=True)
class Portal(Parametrised):
    """X of spin and parity `boson` that leptons emit with `charge` times the coupling."""

    name: ClassVar[str]
    boson: ClassVar[str] = "V"
    resonates: ClassVar[bool] = False
    """Whether positrons annihilate to it: a vector of which the cross section is known here."""

    plane: ClassVar[Plane] = Plane("eps")

    @abstractmethod
    def charge(self, lepton: str) -> float:
        """Return g over the coupling of the plane to a lepton, by its name in `LEPTON_MASSES`."""

    @abstractmethod
    def channels(self, mass: float, coupling: float, at: Floats) -> Mapping[str, Floats]:
        """Return the width of each channel, GeV, of an X whose virtual masses are `at`; what it decays to follows `mass`."""

    def pairs(self, coupling: float, at: Floats) -> dict[str, Floats]:
        """Return the widths of pairs of charged leptons."""
        return {
            channel: lepton_pair(self.boson, at, LEPTON_MASSES[name], coupling * self.charge(name))
            for channel, name in zip(PAIRS, LEPTON_MASSES, strict=True)
        }

    def width(self, mass: float, coupling: float) -> float:
        """Return the total width, GeV."""
        return float(sum(self.channels(mass, coupling, np.array(mass)).values()))

    def branching(self, mass: float, coupling: float) -> Mapping[str, float]:
        """Return the shares of the channels; all of it is invisible where X cannot decay."""
        widths = {name: float(width) for name, width in self.channels(mass, coupling, np.array(mass)).items()}
        total = sum(widths.values())
        if not total > 0.0:
            return {INVISIBLE: 1.0}
        return {name: width / total for name, width in widths.items() if width > 0.0}

    def unstable(self, mass: float, coupling: float) -> Unstable:
        """Return X itself."""
        return Unstable(mass, self.width(mass, coupling))

    def production(
        self, mass: float, beam: Beam, target: Target, *, threshold: float, coupling: float = 0.0
    ) -> Production:
        """Return bremsstrahlung by the beam's leptons and, of an electron or positron beam, resonant annihilation."""
        edges = bremsstrahlung.edges(threshold, beam.energy)
        lepton = OF_BEAM.get(abs(beam.pdg), "")
        made = self._emitted(mass, beam, target, threshold).production(edges).times(self.charge(lepton) ** 2)
        if not self._annihilates(beam):
            return made
        reference = coupling or REFERENCE
        found = self._annihilated(mass, beam, target, threshold, reference).production(edges)
        return made + found.times(reference**-2)

    def _annihilates(self, beam: Beam) -> bool:
        return self.resonates and abs(beam.pdg) == 11 and self.charge("electron") > 0.0

    def _emitted(self, mass: float, beam: Beam, target: Target, threshold: float) -> bremsstrahlung.Made:
        return bremsstrahlung.emitted(mass, beam, target, threshold, self.boson, self.method)

    def _annihilated(
        self, mass: float, beam: Beam, target: Target, threshold: float, coupling: float
    ) -> resonant.Annihilated:
        def width(masses: Floats) -> Floats:
            return np.asarray(sum(self.channels(mass, coupling, masses).values()))

        return annihilated(mass, beam, target, threshold, coupling * self.charge("electron"), width)

    @property
    def method(self) -> Method:
        """Exact, or an approximation."""
        name = self.word("method") if "method" in self.defaults else "exact"
        if name not in METHODS:
            msg = f"no method '{name}'; there are {', '.join(METHODS)}"
            raise ValueError(msg)
        found: Method = "exact" if name == "exact" else "ww" if name == "ww" else "iww"
        return found

    def sample(
        self, mass: float, beam: Beam, target: Target, n: int, rng: np.random.Generator, *, threshold: float,
        coupling: float = 0.0,
    ) -> FinalStates:  # fmt: skip
        """Return final states of both processes in their shares."""
        lepton = OF_BEAM.get(abs(beam.pdg), "")
        emitting = self._emitted(mass, beam, target, threshold)
        if not self._annihilates(beam):
            return bremsstrahlung.sample(emitting, mass, beam, n, rng)
        reference = coupling or REFERENCE
        annihilating = self._annihilated(mass, beam, target, threshold, reference)
        radiated = emitting.emission.total * (self.charge(lepton) * reference) ** 2
        if not annihilating.total + radiated > 0.0:
            msg = f"nothing is made: {mass:g} GeV is too much for a beam of {beam.energy:g} GeV"
            raise ValueError(msg)
        resonances = rng.binomial(n, annihilating.total / (annihilating.total + radiated))
        first = bremsstrahlung.sample(emitting, mass, beam, n - resonances, rng)
        energy, depth = annihilating.draw(resonances, rng)
        zero = np.zeros(resonances)
        second = FinalStates(
            energy, depth, Emitted(X, energy, zero, zero), (), beam.energy - energy, np.ones(resonances)
        )
        return mixed(first, second, rng)

    def decay(self, channel: str, mass: float, energy: Floats, rng: np.random.Generator) -> Decay:
        """Return the products of X in a channel: a pair of leptons, isotropic in its rest frame, or nothing that is seen.

        Raises
        ------
        ValueError
            For a channel without products here, as hadrons are.
        """
        if channel == INVISIBLE:
            return Decay(energy, (), energy)
        if channel not in PAIRS:
            msg = f"no products of '{channel}' of {self.name}; there are {', '.join(PAIRS)}"
            raise ValueError(msg)
        code = PAIRS[channel]
        lepton = LEPTON_MASSES[dict(zip(PAIRS, LEPTON_MASSES, strict=True))[channel]]
        one, two = into_two(flying(mass, energy), mass, lepton, lepton, rng)
        return Decay(energy, (emitted(code, one), emitted(-code, two)), np.zeros_like(energy))
