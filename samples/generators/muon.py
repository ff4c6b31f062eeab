"""Single muons for the checks of the spectrometer: flat in momentum, from `z`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.samples.beam import sample
from emiss.samples.particles import MUON, Beamed, Products
from emiss.samples.walk.tracks import ID, MUON_MASS

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.samples.config import Beam, MuonProcess
    from emiss.samples.setup import SetUp


class MuonGenerator:
    """One muon per event; no number of particles on target belongs to it.

    One that stands behind the front of the target is born there; else it has come all the way.
    """

    weight = 1.0
    least = 0.0

    def __init__(self, beam: Beam, process: MuonProcess, setup: SetUp) -> None:
        self._beam = beam
        self._process = process
        self._born = process.z > setup.target.z

    @property
    def takes_over(self) -> float:
        """Where it stands."""
        return self._process.z

    def beam(self, events: int, rng: np.random.Generator) -> Beamed:
        """Return muons at their place."""
        momentum = rng.uniform(*self._process.momentum, events)
        charge = rng.choice(self._process.charges, events)
        state = sample(self._beam, events, rng, pdg=MUON)
        energy = np.sqrt(momentum**2 + MUON_MASS**2)
        state = state._replace(energy=energy, pdg=np.where(charge < 0, MUON, -MUON).astype(np.int32))
        return Beamed(state, self._process.z, self._born)

    def products(self, arrived: Floats, rng: np.random.Generator) -> Products:
        """Return the muon, for the truth."""
        del rng
        tracks = arrived.copy()
        tracks[:, ID] = 0.0
        return Products(tracks, {}, np.zeros(len(arrived)))

    def on_target(self, events: int) -> None:
        """Return nothing: the sample is a tool, not a part of the beam."""
        del events
