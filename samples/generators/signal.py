"""The signal: an electron or positron of the shower converts, e N -> mu N phi, and phi carries energy away.

The muon's energy and angle follow the Weizsaecker-Williams cross section, the electron's energy and depth the yield of Eq. 29
of arXiv:2404.15931; of how much goes into a region of energy and angle the exact cross section decides. Muons are drawn from
all that go forwards, or from a region. All events have the same weight, the share of the whole yield that they are drawn
from: the sum of weights over the number of events is the efficiency per phi emitted above the threshold, and a raw file,
which has no place for weights, holds the same spectrum with weight 1.

With `importance` a share s of the events is drawn from a region that has the part w of the yield, and the others from all. The
density is 1 - s + s/w times the yield's within the region and 1 - s times outside; weights are one over that.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.emission import yields
from emiss.physics.emission.sampling import MuonSampler
from emiss.samples.beam import sample
from emiss.samples.generators.base import ENOUGH, depth_in, rest, scaled
from emiss.samples.particles import ELECTRON, MUON, Beamed, Products, deflect, made
from emiss.samples.walk.tracks import MUON_MASS, TX, TY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.configs.arrays import Bools, Floats
    from emiss.samples.config import Beam, SignalProcess
    from emiss.samples.setup import SetUp

FORWARD = 1.5
"""rad; muons at larger angles to the electron are not drawn (5e-6 of the yield at 0.3 GeV, 2e-3 at 3 GeV)."""


@lru_cache(maxsize=16)
def _sampler(m_phi: float, lowest: float, highest: float, min_energy: float, max_angle: float) -> MuonSampler:
    """Return a sampler, the same for all samples of a process that are of one region: it takes seconds to tabulate."""
    return MuonSampler.tabulate(m_phi, lowest, highest, min_energy=min_energy, max_angle=max_angle)


@lru_cache(maxsize=16)
def _emission(
    m_phi: float, coupling: float, primary: float, threshold: float, leptons: tuple[str, ...]
) -> yields.Emission:
    """Return what is emitted, likewise."""
    return yields.emission(m_phi, coupling=coupling, primary=primary, threshold=threshold, leptons=leptons)


class Drawn:
    """Where conversions come from, in a region of the muon's energy and angle.

    Parameters
    ----------
    made : Emission
        phi emitted.
    process : SignalProcess
    primary : float
        Energy of the beam electron, GeV.
    min_energy, max_angle : float
        The region, GeV and rad.
    """

    def __init__(
        self, made: yields.Emission, process: SignalProcess, primary: float, min_energy: float, max_angle: float
    ) -> None:
        self._region = (min_energy, max_angle)
        self.sampler = _sampler(process.m_phi, process.threshold, primary, min_energy, max_angle)
        self._seen = made.weighted(self.sampler.weight(made.energy))
        if not self._seen.total > 0.0:
            msg = f"electrons of {primary:g} GeV emit no phi of {process.m_phi:g} GeV with a muon that can be seen"
            raise ValueError(msg)
        self.share = self._seen.total / made.total

    def sample(self, events: int, rng: np.random.Generator) -> Floats:
        """Return energy (GeV) and depth (radiation lengths) of the electron, the muon's share and angle; shape (4, events)."""
        electron, lengths = self._seen.sample(events, rng)
        y, psi = self.sampler.sample(electron, rng)
        return np.stack([electron, lengths, y, psi])

    def holds(self, drawn: Floats) -> Bools:
        """Tell which of them are in the region."""
        electron, _, y, psi = drawn
        inside: Bools = (y * electron >= self._region[0]) & (psi <= self._region[1])
        return inside


class SignalGenerator:
    """One e -> mu phi conversion per event."""

    def __init__(self, beam: Beam, process: SignalProcess, setup: SetUp) -> None:
        self._beam = beam
        self._target = setup.target

        def emitted(leptons: Sequence[str]) -> yields.Emission:
            return _emission(process.m_phi, process.coupling, beam.energy, process.threshold, tuple(leptons))

        made = emitted(process.leptons)
        least = process.min_muon_energy or 0.0
        self._drawn = Drawn(made, process, beam.energy, least, process.max_angle or FORWARD)
        self._rate = made.total
        self.weight = self._drawn.share
        self._leptons = process.leptons
        self._positrons: Floats | None = None
        if len(process.leptons) > 1:
            alone = emitted(("e+",))
            self._made = made
            self._positrons = np.divide(
                alone.content, made.content, out=np.zeros_like(made.content), where=made.content > 0.0
            )
        self._importance = process.importance
        if process.importance is not None:
            region = process.importance
            self._more = Drawn(made, process, beam.energy, region.min_muon_energy, region.max_angle)

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
        drawn, weight = self._draw(len(arrived), rng)
        electron, lengths, y, psi = drawn
        pdg = self._muons(electron, lengths, rng)
        electron = electron * scaled(arrived, self._beam.energy)
        muon = np.maximum(y * electron, MUON_MASS)
        directions = deflect(arrived[:, TX], arrived[:, TY], psi, rng.uniform(0.0, 2.0 * np.pi, len(arrived)))
        muons = made(arrived, pdg, muon, depth_in(self._target, lengths), directions)
        tracks = np.concatenate([rest(arrived, electron), muons])
        return Products(tracks, {"invisible": electron - muon}, electron, weight)

    def _draw(self, events: int, rng: np.random.Generator) -> tuple[Floats, Floats | None]:
        """Return what `Drawn.sample` does, and weights if there is a region that is drawn more often."""
        if self._importance is None:
            return self._drawn.sample(events, rng), None
        share = self._importance.share
        more = rng.random(events) < share
        drawn = np.empty((4, events))
        drawn[:, more] = self._more.sample(int(more.sum()), rng)
        drawn[:, ~more] = self._drawn.sample(int((~more).sum()), rng)
        inside = share * self._drawn.share / self._more.share
        return drawn, 1.0 / (1.0 - share + np.where(self._more.holds(drawn), inside, 0.0))

    def _muons(self, electron: Floats, lengths: Floats, rng: np.random.Generator) -> Floats:
        """Return the PDG codes of the muons: mu- of electrons, mu+ of positrons."""
        if self._positrons is None:
            return np.full(len(electron), MUON if self._leptons[0] == "e-" else -MUON, np.float64)
        content = self._positrons
        row = np.clip(np.searchsorted(self._made.depth, lengths, side="right") - 1, 0, content.shape[0] - 1)
        column = np.clip(np.searchsorted(self._made.edges, electron, side="right") - 1, 0, content.shape[1] - 1)
        return np.where(rng.random(len(electron)) < content[row, column], -MUON, MUON).astype(np.float64)

    def on_target(self, events: int) -> float:
        """Return events over phi emitted per electron on target, for events that carry their weight.

        An event of weight 1, as raw files have them, stands for 1/`weight` phi.
        """
        return events / self._rate
