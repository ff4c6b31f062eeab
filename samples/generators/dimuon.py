"""Muon pairs: a photon of the shower converts, gamma N -> mu+ mu- N (emiss.physics.emission.dimuons)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.emission import dimuons
from emiss.samples.generators.base import particles, place
from emiss.samples.particles import ELECTRON, Particles, beam_state, deflect

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.samples.config import Beam, DimuonProcess
    from emiss.samples.setup import SetUp


class DimuonGenerator:
    """One muon pair per event, of a photon above the threshold."""

    def __init__(self, beam: Beam, process: DimuonProcess, setup: SetUp) -> None:
        self.beam = beam
        self.process = process
        self.target = setup.target
        self._emission = dimuons.emission(beam.energy, process.threshold)

    def generate(self, events: int, rng: np.random.Generator) -> tuple[Particles, Floats]:
        """Return events of weight 1."""
        state = beam_state(self.beam, events, rng)
        photon, depth = self._emission.sample(events, rng)
        share, plus_angle, minus_angle = dimuons.sample_pair(photon, rng)
        phi = rng.uniform(0.0, 2.0 * np.pi, events)
        z = place(self.target, depth)
        x, y = state.at(z)
        plus_tx, plus_ty = deflect(state.tx, state.ty, np.minimum(plus_angle, 1.0), phi)
        minus_tx, minus_ty = deflect(state.tx, state.ty, np.minimum(minus_angle, 1.0), phi + np.pi)

        def both(plus: Floats, minus: Floats) -> Floats:
            return np.stack([plus, minus], axis=1).ravel()

        muons = {
            "charge": np.tile([1, -1], events),
            "energy": both(share * photon, (1.0 - share) * photon),
            "x": both(x, x),
            "y": both(y, y),
            "z": both(z, z),
            "tx": both(plus_tx, minus_tx),
            "ty": both(plus_ty, minus_ty),
        }
        made = particles(
            self.beam,
            state,
            ELECTRON,
            shower=self.beam.energy - photon,
            lost=np.zeros(events),
            emission=photon,
            muons=muons,
            per_event=2,
        )
        return made, np.ones(events)

    def on_target(self, events: int) -> float:
        """Return events over pairs per electron on target, the sample's `rate`."""
        return events / self.process.rate
