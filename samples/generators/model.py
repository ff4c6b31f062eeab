"""Any model of a new particle (`emiss.physics.processes`): it is made in the target, flies its way and decays, or is not seen.

The final state is the model's: electrons and photons of a shower leave what X has not taken to the shower of the beam particle;
a muon that has scattered begins at the front of the target with what it has left, as its way in matter is the same before
and behind; of a hadron nothing is left, and the little that it leaves in matter before (below 1 GeV in NA64's calorimeter)
is not simulated.

X decays in the channel that the sample says. Decays are forced into `between` where the sample has it: places are even in
z there, and the weight is the exponential law at the coupling of the sample, so that one sample can be weighted again for
any coupling: the truth has the energy of X, where it was made and where it decays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.processes.base import INVISIBLE, Beam, decay_length
from emiss.physics.processes.states import X as NEW
from emiss.samples.beam import sample
from emiss.samples.beam_schema import PARTICLES
from emiss.samples.generators.base import ENOUGH, rest, scaled
from emiss.samples.models import model_of
from emiss.samples.particles import Beamed, Products, deflect, made
from emiss.samples.targets import target_of
from emiss.samples.walk.tracks import MUON, TX, TY, X, Y, Z

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.physics.processes.states import Decay, Emitted, FinalStates
    from emiss.samples.config import Beam as BeamOfSample
    from emiss.samples.config import ModelProcess
    from emiss.samples.setup import SetUp

ELECTRON = 11

STEEPEST = 1.5
"""rad; what flies at a larger angle does not go forwards."""


class ModelGenerator:
    """One new particle per event.

    Attributes
    ----------
    rate : float
        Of X above the threshold per particle on target at the coupling, times the share of the channel.

    Raises
    ------
    UserError
        If there is no such model or part.
    ValueError
        If the model makes nothing of the beam.
    """

    weight = 1.0

    def __init__(self, beam: BeamOfSample, process: ModelProcess, setup: SetUp) -> None:
        self._beam, self._process = beam, process
        self._model = model_of(process.model, process.parameters)
        self._target, self._front = target_of(setup, process.target)
        shares = beam.composition
        particle = max(shares, key=shares.__getitem__, default=setup.detector.beam.particle)
        self._incoming = Beam(PARTICLES[particle], beam.energy)
        self._showers = abs(self._incoming.pdg) == ELECTRON
        asked = {"threshold": process.threshold, "coupling": process.coupling}
        production = self._model.production(process.mass, self._incoming, self._target, **asked)
        made_at = float(production.at(process.coupling).sum())
        share = self._model.branching(process.mass, process.coupling).get(process.channel, 0.0)
        if not made_at * share > 0.0:
            msg = (
                f"{particle} of {beam.energy:g} GeV give no {process.model} of {process.mass:g} GeV "
                f"above {process.threshold:g} GeV that decays as '{process.channel}'"
            )
            raise ValueError(msg)
        self.rate = made_at * share
        self._flies = self._model.unstable(process.mass, process.coupling)
        self._check(beam.energy)

    def _check(self, energy: float) -> None:
        """Refuse a channel without products, and decays that have a place and cannot be.

        Raises
        ------
        ValueError
        """
        process, rng = self._process, np.random.default_rng(0)
        asked = {"threshold": process.threshold, "coupling": process.coupling}
        tried = self._model.sample(process.mass, self._incoming, self._target, 1, rng, **asked)
        if process.channel == INVISIBLE or np.any(np.asarray(tried.x.pdg) != NEW):
            return
        decay = self._model.decay(process.channel, process.mass, np.array([energy]), rng)
        if decay.prompt and process.between is not None:
            msg = f"'{process.channel}' of {process.model} is where it is made: it cannot be forced between two places"
            raise ValueError(msg)
        if not decay.prompt and not self._flies.width > 0.0:
            msg = f"{process.model} of {process.mass:g} GeV does not decay at this coupling: no '{process.channel}' is seen"
            raise ValueError(msg)

    @property
    def least(self) -> float:
        """Half the energy of the beam."""
        return ENOUGH * self._beam.energy

    @property
    def takes_over(self) -> float:
        """The front of the part that X is made in."""
        return self._front

    def beam(self, events: int, rng: np.random.Generator) -> Beamed:
        """Return beam particles at the front of the target."""
        return Beamed(sample(self._beam, events, rng, pdg=self._incoming.pdg), self._front)

    def on_target(self, events: int) -> float:
        """Return events over `rate`: their weights hold the probability to decay in `between`."""
        return events / self.rate

    def products(self, arrived: Floats, rng: np.random.Generator) -> Products:
        """Return what comes out of the target, and what X decays to."""
        process, count = self._process, len(arrived)
        states = self._model.sample(
            process.mass, self._incoming, self._target, count, rng,
            threshold=process.threshold, coupling=process.coupling,
        )  # fmt: skip
        share = scaled(arrived, self._beam.energy)
        tracks = [rest(arrived, (self._beam.energy - states.seen) * share) if self._showers else arrived[:0]]
        for number, one in enumerate(states.others):
            tracks.append(self._track(arrived, one, share, states.depth, number))
        energy = np.maximum(states.x.energy * share, process.mass)
        truth = {"e_x": energy, "e_decaying": np.zeros(count)}
        truth |= {"z_x": arrived[:, Z] + states.depth, "z_decay": np.zeros(count)}
        weight, lost = states.weight, np.zeros(count)
        if np.all(np.asarray(states.x.pdg) != NEW):  # no new particle, but a lepton in its place
            tracks.append(self._track(arrived, states.x, share, states.depth, len(states.others)))
            return Products(np.concatenate(tracks), {}, states.parent * share, weight, truth)
        decay = self._model.decay(process.channel, process.mass, energy, rng)
        if process.channel == INVISIBLE:
            lost = energy
        else:
            place, chance = self._places(states, decay, rng)
            weight = weight * chance
            truth |= {"z_decay": arrived[:, Z] + place, "e_decaying": decay.flying}
            tracks += self._decayed(arrived, states.x, decay, place)
            lost = decay.lost
        return Products(np.concatenate(tracks), {"invisible": lost}, states.parent * share, weight, truth)

    def _track(self, arrived: Floats, one: Emitted, share: Floats, depth: Floats, number: int) -> Floats:
        """Return a particle of the final state as tracks; scattered muons of the beam begin at the front."""
        theta = np.minimum(one.theta, STEEPEST)
        directions = deflect(arrived[:, TX], arrived[:, TY], theta, one.phi)
        passes = not self._showers and abs(self._incoming.pdg) == MUON
        named = number if np.all(np.abs(one.pdg) == MUON) else -1
        return made(arrived, one.pdg, one.energy * share, 0.0 * depth if passes else depth, directions, number=named)

    def _places(self, states: FinalStates, decay: Decay, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Return where X decays (mm behind the front of the target) and the probability of it, 1 where it is not forced."""
        along = np.cos(np.minimum(states.x.theta, STEEPEST))
        length = decay_length(self._flies.mass, self._flies.width, decay.flying) * along
        begin = states.depth
        between = self._process.between
        if decay.prompt:
            return begin, np.ones(len(begin))
        if between is None:
            return begin + length * rng.standard_exponential(len(begin)), np.ones(len(begin))
        low = np.maximum(between[0] - self._front, begin)
        high = np.maximum(between[1] - self._front, low + 1e-6)
        place = low + (high - low) * rng.random(len(begin))
        return place, (high - low) / length * np.exp(-(place - begin) / length)

    def _decayed(self, arrived: Floats, x: Emitted, decay: Decay, place: Floats) -> list[Floats]:
        """Return the products of decays at their places, with directions around the flight of X."""
        tx, ty = deflect(arrived[:, TX], arrived[:, TY], np.minimum(x.theta, STEEPEST), x.phi)
        found = []
        for one in decay.products:
            directions = deflect(tx, ty, np.minimum(one.theta, STEEPEST), one.phi)
            tracks = made(arrived, one.pdg, one.energy, place, directions, number=-1)
            # from the target on along X and not along the beam particle
            tracks[:, X] += (tx - arrived[:, TX]) * place
            tracks[:, Y] += (ty - arrived[:, TY]) * place
            found.append(tracks)
        return found
