"""Muon pairs: a photon of the shower converts, gamma N -> mu+ mu- N (emiss.physics.emission.dimuons)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.emission import dimuons
from emiss.samples.beam import sample
from emiss.samples.generators.base import ENOUGH, depth_in, rest, scaled
from emiss.samples.particles import ELECTRON, MUON, Beamed, Products, deflect, made
from emiss.samples.walk.tracks import TX, TY

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.samples.config import Beam, DimuonProcess
    from emiss.samples.setup import SetUp


class DimuonGenerator:
    """One muon pair per event, of a photon above the threshold."""

    weight = 1.0

    def __init__(self, beam: Beam, process: DimuonProcess, setup: SetUp) -> None:
        self._beam = beam
        self._process = process
        self._target = setup.target
        self._emission = dimuons.emission(beam.energy, process.threshold)

    @property
    def least(self) -> float:
        """Half the energy of the beam."""
        return ENOUGH * self._beam.energy

    @property
    def takes_over(self) -> float:
        """The front of the target."""
        return self._target.z

    def beam(self, events: int, rng: np.random.Generator) -> Beamed:
        """Return electrons at the front of the target."""
        return Beamed(sample(self._beam, events, rng, pdg=ELECTRON), self.takes_over)

    def products(self, arrived: Floats, rng: np.random.Generator) -> Products:
        """Return the pair, and an electron with the rest of the energy, whose shower is that of the beam electron."""
        photon, lengths = self._emission.sample(len(arrived), rng)
        photon = photon * scaled(arrived, self._beam.energy)
        share, plus_angle, minus_angle = dimuons.sample_pair(photon, rng)
        phi = rng.uniform(0.0, 2.0 * np.pi, len(arrived))
        depth = depth_in(self._target, lengths)
        tx, ty = arrived[:, TX], arrived[:, TY]
        plus = deflect(tx, ty, np.minimum(plus_angle, 1.0), phi)
        minus = deflect(tx, ty, np.minimum(minus_angle, 1.0), phi + np.pi)
        tracks = np.concatenate(
            [
                rest(arrived, photon),
                made(arrived, -MUON, share * photon, depth, plus, number=0),
                made(arrived, MUON, (1.0 - share) * photon, depth, minus, number=1),
            ]
        )
        return Products(tracks, {}, photon)

    def on_target(self, events: int) -> float:
        """Return events over pairs per electron on target, the sample's `rate`."""
        return events / self._process.rate
