"""Single muons for the checks of the spectrometer: flat in momentum, straight from `z`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from emiss.samples.generators.base import particles
from emiss.samples.muon_state import MUON_MASS
from emiss.samples.particles import MUON, Particles, beam_state

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.samples.config import Beam, MuonProcess


class MuonGenerator:
    """One muon per event; no number of particles on target belongs to it."""

    def __init__(self, beam: Beam, process: MuonProcess) -> None:
        self.beam = beam
        self.process = process

    def generate(self, events: int, rng: np.random.Generator) -> tuple[Particles, Floats]:
        """Return events of weight 1."""
        state = beam_state(self.beam, events, rng)
        momentum = rng.uniform(*self.process.momentum, events)
        energy = np.sqrt(momentum**2 + MUON_MASS**2)
        zero = np.zeros(events)
        muons = {
            "charge": rng.choice(self.process.charges, events),
            "energy": energy,
            "x": state.x,
            "y": state.y,
            "z": np.full(events, self.process.z),
            "tx": state.tx,
            "ty": state.ty,
        }
        made = particles(self.beam, state, MUON, shower=zero, lost=zero, emission=zero, muons=muons, per_event=1)
        return replace(made, energy=energy), np.ones(events)

    def on_target(self, events: int) -> None:
        """Return nothing: the sample is a tool, not a part of the beam."""
        del events
