"""Beam electrons that shower in the ECAL, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.samples.generators.base import particles
from emiss.samples.particles import ELECTRON, Particles, beam_state

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.samples.config import Beam


class BeamGenerator:
    """One electron on target per event."""

    def __init__(self, beam: Beam) -> None:
        self.beam = beam

    def generate(self, events: int, rng: np.random.Generator) -> tuple[Particles, Floats]:
        """Return events of weight 1."""
        state = beam_state(self.beam, events, rng)
        zero = np.zeros(events)
        shower = np.full(events, self.beam.energy)
        made = particles(
            self.beam, state, ELECTRON, shower=shower, lost=zero, emission=zero.copy(), muons={}, per_event=0
        )
        return made, np.ones(events)

    def on_target(self, events: int) -> float:
        """Return the number of events."""
        return float(events)
