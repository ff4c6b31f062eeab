"""Hadrons of the beam that decay between SRD and ECAL, h- -> mu- anti-nu (emiss.physics.passage.decays)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.physics import constants
from emiss.physics.passage.decays import muon_from_decay
from emiss.samples.beam import sample
from emiss.samples.generators.base import ENOUGH
from emiss.samples.particles import KAON_MINUS, MUON, PION_MINUS, Beamed, Products, deflect, made
from emiss.samples.walk.tracks import ENERGY, TX, TY

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.samples.config import Beam, DecayProcess
    from emiss.samples.setup import SetUp


class DecayGenerator:
    """One decay per event, evenly spread over the way from SRD to ECAL (the decay length is kilometres)."""

    weight = 1.0

    def __init__(self, beam: Beam, process: DecayProcess, setup: SetUp) -> None:
        self._beam = beam
        self._process = process
        self._begin, self._end = setup.decays_from, setup.target.z
        pion = process.hadron == "pion"
        self._mass = constants.PION_MASS if pion else constants.KAON_MASS
        self._pdg = PION_MINUS if pion else KAON_MINUS

    @property
    def least(self) -> float:
        """Half the energy of the beam."""
        return ENOUGH * self._beam.energy

    @property
    def takes_over(self) -> float:
        """What tags hadrons: those that decay behind it go unnoticed."""
        return self._begin

    def beam(self, events: int, rng: np.random.Generator) -> Beamed:
        """Return hadrons, as they would come to the front of the target."""
        return Beamed(sample(self._beam, events, rng, pdg=self._pdg), self._end)

    def products(self, arrived: Floats, rng: np.random.Generator) -> Products:
        """Return the muon; the neutrino is lost."""
        hadron = np.maximum(arrived[:, ENERGY], self._mass)
        muon, theta = muon_from_decay(hadron, self._mass, rng)
        directions = deflect(arrived[:, TX], arrived[:, TY], theta, rng.uniform(0.0, 2.0 * np.pi, len(arrived)))
        depth = rng.uniform(0.0, self._end - self._begin, len(arrived))
        tracks = made(arrived, MUON, muon, depth, directions)
        return Products(tracks, {"neutrino": arrived[:, ENERGY] - muon}, hadron)

    def on_target(self, events: int) -> float:
        """Return events over decays per electron on target, all factors of the sample's file included."""
        return events / self._process.rate
