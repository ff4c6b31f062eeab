"""Muon pairs: a photon of the shower converts, gamma N -> mu+ mu- N (emiss.physics.emission.dimuons)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.emission import dimuons
from emiss.physics.shower.directions import photon_angles
from emiss.samples.beam import sample
from emiss.samples.generators.base import ENOUGH, depth_in, rest, scaled
from emiss.samples.particles import ELECTRON, MUON, Beamed, Products, deflect, made
from emiss.samples.walk.tracks import TX, TY

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.samples.config import Beam, DimuonProcess
    from emiss.samples.setup import SetUp

STEEPEST = 1.0
"""rad; the largest angle that muons are given."""


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
        share, angles = dimuons.sample_pair(photon, rng)
        phi, around = 2.0 * np.pi * rng.random((2, len(arrived)))
        depth = depth_in(self._target, lengths)
        off = np.minimum(photon_angles(photon, rng), STEEPEST)
        tx, ty = deflect(arrived[:, TX], arrived[:, TY], off, around)
        plus = _forward(tx, ty, angles.plus, phi + angles.fold)
        minus = _forward(tx, ty, angles.minus, phi - angles.fold + np.pi)
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


def _forward(tx: Floats, ty: Floats, angle: Floats, phi: Floats) -> tuple[Floats, Floats]:
    """Return slopes at a polar angle, which may be below 0, and azimuth around a direction."""
    return deflect(tx, ty, np.clip(angle, -STEEPEST, STEEPEST), phi)
