"""Hadrons of the beam that decay in a range before the target: all of them do, and the rate says how many would.

The place follows the exponential law within the range, a particle's weight is its probability to decay there over that of one
of the beam's energy (1 without a momentum spread), products are those of `emiss.physics.passage.decay_kernels`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.physics import constants
from emiss.samples.beam import sample
from emiss.samples.generators.base import ENOUGH
from emiss.samples.particles import KAON_MINUS, MUON, PION_MINUS, Beamed, Products
from emiss.samples.walk.decay_kernels import decays
from emiss.samples.walk.tracks import ENERGY, ID, LAST, PDG, ROW, TX, TY, X, Y, Z, lifetimes
from emiss.samples.walk.world import NEUTRINO, Seen

if TYPE_CHECKING:
    from emiss.configs.arrays import Bools, Floats
    from emiss.samples.config import Beam, DecayProcess
    from emiss.samples.setup import SetUp


class DecayGenerator:
    """One decay per event, between what tags hadrons and the target or within the range that the process says.

    Attributes
    ----------
    chance : float
        To decay there, of a hadron with the beam's momentum.
    """

    weight = 1.0

    def __init__(self, beam: Beam, process: DecayProcess, setup: SetUp) -> None:
        self._beam = beam
        self._process = process
        self._front = setup.target.z
        self._begin = setup.decays_from if process.begin is None else process.begin
        self._end = self._front if process.end is None else process.end
        if not self._begin < self._end <= self._front:
            msg = f"hadrons decay from {self._begin:g} to {self._end:g} mm: not a range before the target at {self._front:g} mm"
            raise ValueError(msg)
        pion = process.hadron == "pion"
        self._mass = constants.PION_MASS if pion else constants.KAON_MASS
        self._pdg = PION_MINUS if pion else KAON_MINUS
        nominal = np.hypot(beam.energy, self._mass)  # a beam line selects momenta
        self.chance = float(self.probability(np.array([nominal]), np.ones(1))[0])

    @property
    def least(self) -> float:
        """Half the energy of the beam."""
        return ENOUGH * self._beam.energy

    @property
    def takes_over(self) -> float:
        """The beginning of the range; by default what tags hadrons: those that decay behind it go unnoticed."""
        return self._begin

    def beam(self, events: int, rng: np.random.Generator) -> Beamed:
        """Return hadrons, as they would come to the front of the target."""
        return Beamed(sample(self._beam, events, rng, pdg=self._pdg), self._front)

    def probability(self, energy: Floats, stretch: Floats) -> Floats:
        """Return the probability of hadrons (GeV) to decay in the range; `stretch` is their path over the distance in z."""
        chance: Floats = -np.expm1(-(self._end - self._begin) / self._length(energy, stretch))
        return chance

    def _length(self, energy: Floats, stretch: Floats) -> Floats:
        """Return the mean distance in z to the decay, mm."""
        momentum = np.sqrt(np.maximum((energy / self._mass) ** 2 - 1.0, 1e-12))
        length: Floats = lifetimes(np.array([self._pdg]))[0] * momentum / stretch
        return length

    def products(self, arrived: Floats, rng: np.random.Generator) -> Products:
        """Return what hadrons decay to; neutrinos are lost."""
        energy = np.maximum(arrived[:, ENERGY], self._mass)
        stretch = np.sqrt(1.0 + arrived[:, TX] ** 2 + arrived[:, TY] ** 2)
        chance = self.probability(energy, stretch)
        depth = -self._length(energy, stretch) * np.log1p(-rng.random(len(arrived)) * chance)
        there = arrived.copy()
        there[:, X] += there[:, TX] * depth
        there[:, Y] += there[:, TY] * depth
        there[:, Z] += depth
        there[:, PDG] = self._pdg
        tracks, lost = self._decayed(there, rng)
        # without a spread momenta differ by what little matter takes on the way, and raw files hold no weights
        spread = self._beam.spread > 0.0 or self._beam.tail is not None
        weight = chance / self.chance if spread else None
        return Products(tracks, {"neutrino": lost}, arrived[:, ENERGY].copy(), weight)

    def _decayed(self, there: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Return the products of decays in the modes that are asked for, and the energy of neutrinos, GeV.

        Decays of other modes are drawn again, and those with a particle that flies backwards, too.
        """
        kept, lost = [there[:0]], np.zeros(len(there))
        todo = np.arange(len(there))
        while len(todo):
            again = there[todo]
            again[:, ROW], again[:, LAST] = np.arange(len(todo)), 0.0
            deposited, leaked, visible = np.zeros((3, len(todo), 1))
            booked = Seen(visible, deposited, leaked, np.zeros((len(todo), NEUTRINO + 1)), np.zeros(0, np.int64))
            made = decays(again, booked, rng)
            good = self._wanted(made, len(todo)) & (booked.leaked[:, 0] == 0.0)
            row = made[:, ROW].astype(np.int64)
            lost[todo[good]] = booked.lost[good, NEUTRINO]
            taken, whose = made[good[row]], todo[row[good[row]]]
            taken[:, ROW] = there[whose, ROW]
            kept.append(taken)
            todo = todo[~good]
        tracks = np.concatenate(kept)
        tracks[:, ID] = np.where(np.abs(tracks[:, PDG]) == MUON, 0.0, -1.0)
        return tracks[np.argsort(tracks[:, ROW], kind="stable")], lost

    def _wanted(self, made: Floats, count: int) -> Bools:
        """Tell which of so many decays are of the modes that are asked for."""
        if self._process.modes == "all":
            return np.ones(count, np.bool_)
        row = made[:, ROW].astype(np.int64)
        muons = np.bincount(row[np.abs(made[:, PDG]) == MUON], minlength=count)
        if self._process.modes == "muon":
            return muons > 0
        return (muons == 1) & (np.bincount(row, minlength=count) == 1)

    def on_target(self, events: int) -> float:
        """Return events over decays per electron on target, all factors of the sample's file included."""
        return events / self._process.rate
