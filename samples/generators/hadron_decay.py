"""Hadrons of the beam that decay between SRD and ECAL, h- -> mu- anti-nu (emiss.physics.passage.decays)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.physics import constants
from emiss.physics.passage.decays import muon_from_decay
from emiss.samples.generators.base import particles
from emiss.samples.particles import KAON_MINUS, PION_MINUS, Particles, beam_state, deflect

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.samples.config import Beam, DecayProcess
    from emiss.samples.setup import SetUp


class DecayGenerator:
    """One decay per event, evenly spread over the way from SRD to ECAL (the decay length is kilometres)."""

    def __init__(self, beam: Beam, process: DecayProcess, setup: SetUp) -> None:
        self.beam = beam
        self.process = process
        self._begin, self._end = setup.decays_from, setup.target.z
        pion = process.hadron == "pion"
        self._mass = constants.PION_MASS if pion else constants.KAON_MASS
        self._pdg = PION_MINUS if pion else KAON_MINUS

    def generate(self, events: int, rng: np.random.Generator) -> tuple[Particles, Floats]:
        """Return events of weight 1."""
        state = beam_state(self.beam, events, rng)
        hadron = np.full(events, self.beam.energy)
        muon, theta = muon_from_decay(hadron, self._mass, rng)
        tx, ty = deflect(state.tx, state.ty, theta, rng.uniform(0.0, 2.0 * np.pi, events))
        z = rng.uniform(self._begin, self._end, events)
        x, y = state.at(z)
        muons = {"charge": np.full(events, -1), "energy": muon, "x": x, "y": y, "z": z, "tx": tx, "ty": ty}
        made = particles(
            self.beam,
            state,
            self._pdg,
            shower=np.zeros(events),
            lost=hadron - muon,
            emission=hadron,
            muons=muons,
            per_event=1,
        )
        return made, np.ones(events)

    def on_target(self, events: int) -> float:
        """Return events over decays per electron on target, all factors of the sample's file included."""
        return events / self.process.rate
