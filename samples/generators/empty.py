"""Events without a beam particle, as a random trigger takes them: noise, and what the beam's pile-up brings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.samples.beam import BeamParticles
from emiss.samples.particles import Beamed, Products

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.samples.config import Beam, EmptyProcess
    from emiss.samples.setup import SetUp

NOTHING = 0
"""The PDG code of no particle."""


class EmptyGenerator:
    """Nothing, once per event; no number of particles on target belongs to it."""

    takes_over = None
    weight = 1.0
    least = 0.0

    def __init__(self, beam: Beam, process: EmptyProcess, setup: SetUp) -> None:
        del beam, process
        self._front = setup.target.z

    def beam(self, events: int, rng: np.random.Generator) -> Beamed:
        """Return places that nothing comes from: code 0, no energy."""
        del rng
        zero = np.zeros(events)
        return Beamed(BeamParticles(np.full(events, NOTHING, np.int32), zero, zero, zero, zero, zero), self._front)

    def products(self, arrived: Floats, rng: np.random.Generator) -> Products:
        """Return nothing of nothing."""
        del rng
        return Products(arrived, {}, np.zeros(len(arrived)))

    def on_target(self, events: int) -> None:
        """Return nothing: a random trigger counts no particles."""
        del events
