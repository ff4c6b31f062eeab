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
from emiss.samples.generators.base import particles, place
from emiss.samples.particles import ELECTRON, Particles, beam_state, deflect

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.samples.config import Beam, SignalProcess
    from emiss.samples.setup import SetUp


class SignalGenerator:
    """One e -> mu phi conversion per event."""

    def __init__(self, beam: Beam, process: SignalProcess, setup: SetUp) -> None:
        self.beam = beam
        self.target = setup.target
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

    def generate(self, events: int, rng: np.random.Generator) -> tuple[Particles, Floats]:
        """Return events with the weight of the region they are made in."""
        state = beam_state(self.beam, events, rng)
        electron, depth = self._seen.sample(events, rng)
        y, psi = self._sampler.sample(electron, rng)
        muon = y * electron
        tx, ty = deflect(state.tx, state.ty, psi, rng.uniform(0.0, 2.0 * np.pi, events))
        z = place(self.target, depth)
        x, y_ = state.at(z)
        muons = {"charge": np.full(events, -1), "energy": muon, "x": x, "y": y_, "z": z, "tx": tx, "ty": ty}
        made = particles(
            self.beam,
            state,
            ELECTRON,
            shower=self.beam.energy - electron,
            lost=electron - muon,
            emission=electron,
            muons=muons,
            per_event=1,
        )
        return made, np.full(events, self.weight)

    def on_target(self, events: int) -> float:
        """Return events over phi emitted per electron on target, for events that carry their weight.

        An event of weight 1, as raw files have them, stands for 1/`weight` phi.
        """
        return events / self._rate
