"""What a set-up answers to generated events: cells, points, trigger bits, and the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss.events.lists import Lists, offsets_of
from emiss.reco.parts.counter import Counter
from emiss.reco.parts.grid import Grid
from emiss.reco.parts.modules import Modules
from emiss.reco.parts.panels import Panels
from emiss.samples.spectrometer import moyal, points_of
from emiss.samples.truth import TRUTH, Passed, truth_of
from emiss.samples.walk.tracks import BEAM_ID, ELECTRON, ENERGY, ID, ROW
from emiss.samples.walk.walking import LOST, Passage, Walk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.arrays import Array, Floats
    from emiss.reco.detector.model import Detector
    from emiss.samples.config import Response as Settings
    from emiss.samples.generators.base import Generator
    from emiss.samples.setup import SetUp

STORED = 0.1
"""Cells below this part of their detector's threshold are not stored."""

TAKEN, END = "taken over", "end of absorbers"
"""Marks on the line: where the process takes over, and the back face of the last absorber."""


@dataclass(frozen=True)
class Hits:
    """What the detector saw of N events.

    Attributes
    ----------
    cells, points : Lists
        As in `emiss.events.batch.Batch`.
    trigger : u4 array of shape (N,)
        Trigger bits: beam always, physics where its condition holds (recorded, not required).
    truth : mapping of name to array of shape (N,)
        The columns of `TRUTH`.
    """

    cells: Lists
    points: Lists
    trigger: Array
    truth: Mapping[str, Array]


@dataclass(frozen=True)
class Draws:
    """The random numbers of a block of events: those of the beam and the process, and those of what comes of them."""

    generation: np.random.Generator
    response: np.random.Generator


class Response:
    """A set-up that answers to generated events.

    Parameters
    ----------
    setup : SetUp
    settings : emiss.samples.config.Response
    generator : Generator
    field_scales : mapping of magnet to float
        Factors on fields, from the conditions.
    """

    def __init__(
        self, setup: SetUp, settings: Settings, generator: Generator, field_scales: Mapping[str, float] | None = None
    ) -> None:
        self.setup, self.settings, self.generator = setup, settings, generator
        last = setup.last_absorber
        marks = {END: last.z + last.depth}
        if generator.takes_over is not None:
            marks[TAKEN] = generator.takes_over
        self.walk = Walk(setup.detector, settings, field_scales or {}, marks)
        self._first = next(((name, 0) for name in setup.downstream), None)

    def hits(self, events: int, draws: Draws) -> Hits:
        """Return what the detector sees of so many events, and the truth."""
        passed = self.passage(events, draws)
        detector, settings, rng = self.setup.detector, self.settings, draws.response
        visible = passed.passage.seen.visible
        tag(self.setup, settings, passed.beam.pdg, visible, rng)
        if passed.beam.born:
            as_if_crossed(self.setup, settings, visible, rng)
        time = passed.time
        kept = visible > STORED * thresholds(detector)
        row, channel = np.nonzero(kept)
        cells = Lists(
            offsets_of(np.bincount(row, minlength=events)),
            {"channel": channel.astype(np.int32), "energy": visible[kept], "time": time[kept]},
        )
        points = points_of(passed.passage.points, events)
        return Hits(cells, points, _trigger(self.setup, settings, visible), truth_of(passed, self.setup, self.walk.parts))

    def passage(self, events: int, draws: Draws) -> Passed:
        """Take so many events through the set-up."""
        generator, walk, rng = self.generator, self.walk, draws.response
        time = _times(self.setup, self.settings, events, rng)
        start = (time @ self.setup.detector.reference) / self.setup.detector.reference.sum()
        beam = generator.beam(events, draws.generation)
        passage = Passage(walk.nothing(events))
        keep = () if self._first is None else (self._first,)
        tracks = beam.tracks()
        if not beam.born:
            tracks = walk.from_the_beginning(tracks, beam.z)
        before, behind = walk.before(TAKEN) if generator.takes_over is not None else (walk.line, [])
        if not beam.born:
            tracks = walk.run(tracks, before, passage, start, rng, keep=keep)
        if generator.takes_over is not None:
            tracks = walk.move(tracks, generator.takes_over, passage, rng)
        arrived, others = beam_particles(tracks, generator.least)
        products = generator.products(arrived, draws.generation)
        rows = arrived[:, ROW].astype(np.int64)
        for name, energy in products.lost.items():
            passage.seen.lost[rows, LOST.index(name)] += energy
        tracks = walk.run(np.concatenate([products.tracks, others]), behind, passage, start, rng, keep=keep)
        walk.leave(tracks, passage)
        return Passed(beam, rows, products, time, passage, self._first, END)


def thresholds(detector: Detector) -> Array:
    """Return the threshold of the detector file for each channel, GeV, shape (channels,)."""
    return np.concatenate([np.full(len(part.channels()), part.threshold) for part in detector.read_out.values()])


def tag(setup: SetUp, settings: Settings, pdg: Array, visible: Floats, rng: np.random.Generator) -> None:
    """Add the synchrotron light of beam electrons in the taggers, or the little that heavy particles leave there."""
    number = setup.detector.channel_number
    modules = np.array([number[f"{name}.0.0"] for name in setup.taggers], np.int64)
    shape = settings.synchrotron_shape
    light = rng.gamma(shape, settings.synchrotron / shape, size=(len(pdg), len(modules)))
    little = rng.exponential(settings.hadron_srd, size=(len(pdg), len(modules)))
    visible[:, modules] += np.where((np.abs(pdg) == ELECTRON)[:, None], light, little)


def as_if_crossed(setup: SetUp, settings: Settings, visible: Floats, rng: np.random.Generator) -> None:
    """Add a minimum ionizing particle in each counter before the target: those born behind it have not come through them."""
    for name, mip in setup.counters.items():
        visible[:, setup.detector.channel_number[f"{name}.0.0"]] += mip * moyal(settings.landau, len(visible), rng)


def beam_particles(tracks: Floats, least: float) -> tuple[Floats, Floats]:
    """Return the beam particles among tracks by row, with at least so much energy (GeV), and the other tracks."""
    own = (tracks[:, ID] == BEAM_ID) & (tracks[:, ENERGY] >= least)
    arrived = tracks[own]
    return arrived[np.argsort(arrived[:, ROW], kind="stable")], tracks[~own]


def _times(setup: SetUp, settings: Settings, events: int, rng: np.random.Generator) -> Array:
    """Return the time of each channel, shape (events, channels), ns: S0 relative to the trigger, others relative to S0.

    The flight times are calibrated away. Cells of one calorimeter or module and ends of one panel share their time.
    """
    detector = setup.detector
    groups: list[tuple[float, list[str]]] = [(settings.srd_time, [name]) for name in setup.taggers]
    parts = detector.read_out.values()
    groups += [(settings.counter_time, [name]) for part in parts if isinstance(part, Counter) for name in part.names()]
    groups += [(settings.ecal_time, list(part.names())) for part in parts if isinstance(part, Grid)]
    panels = [part for part in parts if isinstance(part, Panels)]
    groups += [(settings.veto_time, list(pair)) for part in panels for pair in part.elements.values()]
    modules = [name for part in parts if isinstance(part, Modules) for name in part.names()]
    groups += [(settings.hcal_time, [name]) for name in modules if name not in setup.taggers]
    number = {name: index for index, (_, names) in enumerate(groups) for name in names}
    group = np.array([number[name.partition(".")[0]] for name in detector.channels])
    drawn = rng.normal(size=(events, len(groups))) * np.array([rms for rms, _ in groups])
    time = drawn[:, group]
    phase = settings.clock_phase * (rng.random(events) - 0.5)
    counters = np.flatnonzero(detector.reference)
    if len(counters) == 1:
        time[:, counters[0]] = phase
    else:  # each has its own resolution, their mean is the start
        mean = (time @ detector.reference) / detector.reference.sum()
        time[:, counters] += (phase - mean)[:, None]
    return np.asarray(time)


def _trigger(setup: SetUp, settings: Settings, energy: Array) -> Array:
    """Return the trigger bits: counters x preshower > 2 GeV x target < 95 GeV sets `physics`, `beam` is always set.

    Bits that the detector file does not name are not set.
    """
    detector = setup.detector
    first = energy[:, detector.numbers(next(iter(setup.target.layers)))].sum(axis=1)
    total = first
    for layer in list(setup.target.layers)[1:]:
        total = total + energy[:, detector.numbers(layer)].sum(axis=1)
    fired = (first > settings.physics_preshower) & (total < settings.physics_ecal)
    for part in detector.of_kind(Counter).values():
        for name in set(part.names()) & set(setup.counters):
            fired &= energy[:, detector.channel_number[f"{name}.0.0"]] > part.threshold
    bits = detector.trigger_bits
    word = np.full(len(energy), 1 << bits["beam"] if "beam" in bits else 0, np.uint32)
    if "physics" in bits:
        word |= fired.astype(np.uint32) << np.uint32(bits["physics"])
    return word
