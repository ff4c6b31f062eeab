"""`Walk`: particles through a set-up from its first part to behind its last, and what they leave there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from emiss.reco.parts.grid import Grid
from emiss.samples.walk.backwards import back
from emiss.samples.walk.building import world_of
from emiss.samples.walk.decay_kernels import decays
from emiss.samples.walk.light import LIGHT, bent, electrons, had, pairs
from emiss.samples.walk.light_kernels import CONVERTS, GONE, shine
from emiss.samples.walk.line import Mark, Matter, StationAt, line_of
from emiss.samples.walk.state import State
from emiss.samples.walk.stations import at_station, transport
from emiss.samples.walk.tables import tables_of
from emiss.samples.walk.tracks import (
    CARRIED,
    ELECTRON,
    ENERGY,
    ID,
    LAST,
    PDG,
    PHOTON,
    ROW,
    TX,
    TY,
    Z,
    availables,
    lifetimes,
    masses,
    tracks,
)
from emiss.samples.walk.walk_kernels import walk
from emiss.samples.walk.world import LOST, Seen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.configs.arrays import Array, Bools, Floats
    from emiss.reco.detector.model import Detector
    from emiss.reco.field.transport import Field
    from emiss.samples.config import Response
    from emiss.samples.walk.line import Item
    from emiss.samples.walk.stations import Came

ELECTRONS, SEED = 4000, 1964
"""Electrons that a target is calibrated with, 0.05 %, and where their random numbers begin."""

SLOWEST = 0.01
"""GeV; a slower charged particle leaves nothing in a station."""

SOFTEST = 50e-6
"""GeV; synchrotron light below does not come out of a beam line."""


@dataclass
class Passage:
    """What has happened on the way of N beam particles.

    Attributes
    ----------
    seen : Seen
    points : list of columns
        Of stations, with the rows as `event`.
    marked : mapping of name to tracks
        Particles at the places where they were looked at.
    stations : mapping of (spectrometer, station) to (tracks, bool array)
        Particles at stations, and whether they cross all its views; only those that are kept.
    """

    seen: Seen
    points: list[dict[str, Array]] = field(default_factory=list)
    marked: dict[str, Floats] = field(default_factory=dict)
    stations: dict[tuple[str, int], tuple[Floats, Bools]] = field(default_factory=dict)


class Walk:
    """A set-up with all that the walk tabulates of it.

    Parameters
    ----------
    detector : Detector
    settings : Response
    scales : mapping of magnet to float
        Factors on fields.
    marks : mapping of name to z (mm)
        Where particles are looked at, or taken over.
    target : str, optional
        The grid that is calibrated with electrons of the beam's energy.
    softest : float
        Synchrotron light below (GeV) is booked as lost.
    """

    def __init__(
        self,
        detector: Detector,
        settings: Response,
        scales: Mapping[str, float],
        marks: Mapping[str, float],
        *,
        target: str | None = None,
        softest: float = SOFTEST,
    ) -> None:
        self.detector = detector
        self.softest = softest
        self.settings = settings
        built = world_of(detector, attenuation=settings.attenuation)
        self.world, self.mixtures, self.parts, self.channels = built.world, built.mixtures, built.parts, built.channels
        self.tables = tables_of(built)
        self.line: list[Item] = line_of(detector, self.world, marks)
        if target is not None:
            self._calibrate(target)
        fields = [detector.field(name).scaled(scales.get(name, 1.0)) for name in detector.magnets]
        self.fields: list[Field] = sorted(fields, key=lambda one: one.region[0])
        self.begins = min([item.z for item in self.line] + [one.region[0] for one in self.fields]) - 1.0

    def _calibrate(self, target: str) -> None:
        """Set the scale of the target: electrons of the beam's energy on its beam cell show it, what leaks included."""
        grid = self.detector.of_kind(Grid)[target]
        slabs = np.flatnonzero(self.world.part == self.parts.index(target))
        energy = self.detector.beam.energy
        place = {"x": grid.x, "y": grid.y, "z": self.world.z[slabs[0]] - 0.1}
        shots = tracks({"row": np.arange(ELECTRONS), "pdg": ELECTRON, "energy": energy, **place}, ELECTRONS)
        visible = self.shown(shots, target, np.random.default_rng(SEED))
        numbers = self.detector.part_numbers(target)
        scale = energy / visible[:, numbers].sum(axis=1).mean()
        self.world.visible[slabs] *= scale
        self.world.visible_of_hadrons[slabs] *= scale

    def shown(self, tracks: Floats, part: str, rng: np.random.Generator) -> Floats:
        """Return what tracks show in the channels when they go through one part and nothing else, shape (rows, channels)."""
        slabs = np.flatnonzero(self.world.part == self.parts.index(part))
        seen = self.nothing(int(tracks[:, ROW].max(initial=-1)) + 1)
        walk(self.world, self.tables, int(slabs[0]), int(slabs[-1]) + 1, tracks, seen, rng)
        return seen.visible

    def nothing(self, rows: int) -> Seen:
        """Return empty accumulators for so many beam particles."""
        parts = len(self.parts)
        return Seen(
            visible=np.zeros((rows, len(self.detector.channels))),
            deposited=np.zeros((rows, parts)),
            leaked=np.zeros((rows, parts)),
            lost=np.zeros((rows, len(LOST))),
            channels=self.channels,
        )

    def from_the_beginning(self, tracks: Floats, z: float) -> Floats:
        """Return beam particles, given by where they would be at `z` without matter, at the beginning of the line.

        Electrons begin with what they radiate in fields, on average, and more: they are at `z` with the energy given.
        """
        state = State.of(tracks)
        charged = np.flatnonzero(state.charge != 0.0)
        where = np.stack([state.x, state.y, state.tx, state.ty, np.zeros(len(tracks))], axis=1)
        for one in reversed(self.fields):
            low, high = one.region
            if high <= z:
                where[:, :2] += where[:, 2:4] * (high - z)
                behind, state.energy = state.energy, had(state, one)
                middle = np.sqrt(np.maximum((0.5 * (behind + state.energy)) ** 2 - np.square(state.mass), 1e-12))
                where[:, 4] = state.charge / middle
                where[charged] = back(where[charged], one, low, high)
                z = low
        where[:, :2] += where[:, 2:4] * (self.begins - z)
        state.x, state.y, state.tx, state.ty = where[:, :4].T.copy()
        state.z[:] = self.begins
        state.give_back(tracks)
        return tracks

    def run(
        self,
        tracks: Floats,
        items: Sequence[Item],
        passage: Passage,
        came: Came,
        rng: np.random.Generator,
        *,
        keep: Sequence[tuple[str, int]] = (),
    ) -> Floats:
        """Take tracks past the items of the line; return those that are under way behind the last.

        Parameters
        ----------
        tracks : array of shape (M, COLUMNS)
            Changed in place.
        passage : Passage
            What they leave is added to it.
        came : Came
            When each beam particle came.
        keep : sequence of (spectrometer, station)
            Stations whose tracks are kept.
        """
        for item in items:
            tracks = self.move(tracks, item.z, passage, rng)
            if isinstance(item, Mark):
                passage.marked[item.name] = tracks.copy()
            elif isinstance(item, StationAt):
                tracks = self._station(tracks, item, passage, came, rng, keep=(item.name, item.number) in keep)
            else:
                tracks = self._matter(tracks, item, passage, rng)
        return tracks

    def begin(self, tracks: Floats, passage: Passage) -> None:
        """Book the rest mass of nucleons of the beam, which nothing can take from them (`species_kernels.available`)."""
        rest = tracks[:, ENERGY] - availables(tracks)
        np.add.at(passage.seen.lost[:, LOST.index("rest mass")], tracks[:, ROW].astype(np.int64), rest)

    def leave(self, tracks: Floats, passage: Passage) -> None:
        """Book what is under way as leaked from the parts that it came from last."""
        rows, last = tracks[:, ROW].astype(np.int64), tracks[:, LAST].astype(np.int64)
        np.add.at(passage.seen.leaked, (rows, last), availables(tracks) + tracks[:, CARRIED])

    def move(self, tracks: Floats, z: float, passage: Passage, rng: np.random.Generator) -> Floats:
        """Take tracks through the fields, or in straight lines, to `z`; some decay on the way.

        Those that a field turns back are booked as leaked.
        """
        if not len(tracks) or np.all(tracks[:, Z] >= z):
            return tracks
        decay_z = self._decay_places(tracks, z, rng)
        going = decay_z >= z
        moved = [self._drift(tracks[going], z, passage, rng)]
        for row in np.flatnonzero(~going):
            there = self._drift(tracks[row : row + 1].copy(), float(decay_z[row]), passage, rng)
            moved.append(self.move(decays(there, passage.seen, rng), z, passage, rng))
        return moved[0] if len(moved) == 1 else np.concatenate(moved)

    @staticmethod
    def _decay_places(tracks: Floats, z: float, rng: np.random.Generator) -> Floats:
        """Return the z (mm) where tracks decay in a vacuum, infinite of those that do not before `z`."""
        pdg, energy = tracks[:, PDG], tracks[:, ENERGY]
        tau = lifetimes(pdg)
        places = np.full(len(tracks), np.inf)
        rows = np.flatnonzero(np.isfinite(tau) & (tracks[:, Z] < z))
        mass = masses(pdg[rows])
        length = tau[rows] * np.sqrt(np.maximum((energy[rows] / mass) ** 2 - 1.0, 0.0))
        way = (
            length * rng.standard_exponential(len(rows)) / np.sqrt(1.0 + tracks[rows, TX] ** 2 + tracks[rows, TY] ** 2)
        )
        soon = tracks[rows, Z] + way < z
        places[rows[soon]] = (tracks[rows, Z] + way)[soon]
        return places

    def _drift(self, tracks: Floats, z: float, passage: Passage, rng: np.random.Generator) -> Floats:
        state = State.of(tracks)
        lowest = float(state.z.min(initial=np.inf))
        for one in self.fields:
            low, high = one.region
            if high > lowest and low < z and np.any(state.charge != 0.0):
                self._through(state, one, min(z, high), passage, rng)
        state.drift_to(z)
        state.give_back(tracks)
        if np.all(state.alive):
            return tracks
        self.leave(tracks[~state.alive], passage)
        return tracks[state.alive]

    def _through(self, state: State, one: Field, z: float, passage: Passage, rng: np.random.Generator) -> None:
        """Take the charged particles through one field; the light of electrons goes through all that is behind."""
        radiating = electrons(state)
        others = np.flatnonzero((state.charge != 0.0) & ~radiating)
        if len(others):
            part = state.rows(others)
            transport(part, one, z)
            state.put(others, part)
        if np.any(radiating):
            which = np.flatnonzero(radiating)
            part = state.rows(which)
            shone = bent(part, one, z, self.softest, rng)
            state.put(which, part)
            np.add.at(passage.seen.lost[:, LOST.index("synchrotron light")], shone.row, shone.soft)
            first = int(np.searchsorted(self.world.z, one.region[0]))
            self._shine(shone.photons, first, passage, rng)

    def _shine(self, photons: Floats, first: int, passage: Passage, rng: np.random.Generator) -> None:
        """Take synchrotron light through the slabs from `first` on; what it converts to goes through them as all else does."""
        fate = np.empty(len(photons), np.int64)
        shine(self.world, self.tables.showers, first, photons, passage.seen, rng, fate)
        self.leave(photons[fate == GONE], passage)
        converted = photons[fate == CONVERTS]
        if len(converted):
            behind = Matter(0.0, 0.0, first, len(self.world.z))
            self.leave(self._matter(pairs(converted, rng), behind, passage, rng), passage)

    def _station(
        self, tracks: Floats, item: StationAt, passage: Passage, came: Came, rng: np.random.Generator, *, keep: bool
    ) -> Floats:
        state = State.of(tracks)
        charged = np.flatnonzero(state.at(item.z) & (state.charge != 0.0) & (state.momentum > SLOWEST))
        part = state.rows(charged)
        before = part.energy.copy()
        electrons: Bools = np.asarray(part.mass < LIGHT)
        here, points = at_station(
            part,
            item.arm,
            item.number,
            item.gap,
            self.settings,
            came,
            rng,
            radiating=electrons if np.any(electrons) else None,
        )
        if keep:
            kept = tracks[charged].copy()
            passage.stations[item.name, item.number] = (kept, here)
        state.put(charged, part)
        state.give_back(tracks)
        passage.points += points
        radiated = np.flatnonzero(part.energy < before)
        if not len(radiated):
            return tracks
        photons = tracks[charged[radiated]].copy()
        photons[:, PDG], photons[:, ID] = PHOTON, -1.0
        photons[:, ENERGY] = (before - part.energy)[radiated]
        return np.concatenate([tracks, photons])

    def _matter(self, tracks: Floats, item: Matter, passage: Passage, rng: np.random.Generator) -> Floats:
        order = np.argsort(tracks[:, ROW], kind="stable")
        found: Floats = walk(self.world, self.tables, item.first, item.last, tracks[order], passage.seen, rng)
        return found
