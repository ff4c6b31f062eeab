"""The signal: an electron of the shower converts, e- N -> mu- N phi, and phi carries energy away.

The muon's energy and angle follow the Weizsaecker-Williams cross section in the region that can be seen, the electron's
energy and depth the yield of Eq. 29 of arXiv:2404.15931 into that region, of which the exact cross section decides. All
events have the same weight, the share of the whole yield that goes there: the sum of weights over the number of events is
the efficiency per phi emitted above the threshold, and a raw file, which has no place for weights, holds the same spectrum
with weight 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.emission import yields
from emiss.physics.emission.sampling import MuonSampler
from emiss.samples.beam import sample
from emiss.samples.generators.base import ENOUGH, depth_in, rest, scaled
from emiss.samples.particles import ELECTRON, MUON, Beamed, Products, deflect, made
from emiss.samples.walk.tracks import MUON_MASS, TX, TY

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.samples.config import Beam, SignalProcess
    from emiss.samples.setup import SetUp


class SignalGenerator:
    """One e -> mu phi conversion per event."""

    def __init__(self, beam: Beam, process: SignalProcess, setup: SetUp) -> None:
        self._beam = beam
        self._target = setup.target
        made = yields.emission(
            process.m_phi, coupling=process.coupling, primary=beam.energy, threshold=process.threshold
        )
        self._sampler = MuonSampler.tabulate(
            process.m_phi,
            process.threshold,
            beam.energy,
            min_energy=process.min_muon_energy,
            max_angle=process.max_angle,
        )
        self._rate = made.total
        self._seen = made.weighted(self._sampler.weight(made.energy))
        if not self._seen.total > 0.0:
            msg = f"electrons of {beam.energy:g} GeV emit no phi of {process.m_phi:g} GeV with a muon that can be seen"
            raise ValueError(msg)
        self.weight = self._seen.total / made.total

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
        """Return the muon, and an electron with the energy that was not emitted, whose shower is the beam electron's."""
        electron, lengths = self._seen.sample(len(arrived), rng)
        y, psi = self._sampler.sample(electron, rng)
        electron = electron * scaled(arrived, self._beam.energy)
        muon = np.maximum(y * electron, MUON_MASS)
        directions = deflect(arrived[:, TX], arrived[:, TY], psi, rng.uniform(0.0, 2.0 * np.pi, len(arrived)))
        muons = made(arrived, MUON, muon, depth_in(self._target, lengths), directions)
        tracks = np.concatenate([rest(arrived, electron), muons])
        return Products(tracks, {"invisible": electron - muon}, electron)

    def on_target(self, events: int) -> float:
        """Return events over phi emitted per electron on target, for events that carry their weight.

        An event of weight 1, as raw files have them, stands for 1/`weight` phi.
        """
        return events / self._rate
