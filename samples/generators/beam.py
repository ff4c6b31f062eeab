"""The beam as it is: its particles go through the set-up, and nothing is asked of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.samples.beam import sample
from emiss.samples.particles import Beamed, Products

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.samples.config import Beam, BeamProcess
    from emiss.samples.setup import SetUp


class BeamGenerator:
    """One beam particle per event."""

    takes_over = None
    weight = 1.0
    least = 0.0

    def __init__(self, beam: Beam, process: BeamProcess, setup: SetUp) -> None:
        del process
        self._beam = beam
        self._front = setup.target.z
        self._particle = setup.detector.beam.particle

    def beam(self, events: int, rng: np.random.Generator) -> Beamed:
        """Return the beam at the front of the target."""
        return Beamed(sample(self._beam, events, rng, particle=self._particle), self._front)

    def products(self, arrived: Floats, rng: np.random.Generator) -> Products:
        """Return the particles themselves."""
        del rng
        nothing = np.zeros(len(arrived))
        return Products(arrived, {}, nothing)

    def on_target(self, events: int) -> float:
        """Return the number of events."""
        return float(events)
