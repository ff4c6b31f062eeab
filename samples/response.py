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
from emiss.samples.beam import BeamParticles, beside
from emiss.samples.particles import Beamed
from emiss.samples.splitting import place_of, split
from emiss.samples.tagging import grains, photostatistics, seen
from emiss.samples.trigger import fired
from emiss.samples.truth import Passed, truth_of
from emiss.samples.walk.line import parted
from emiss.samples.walk.stations import Came, moyal, points_of
from emiss.samples.walk.tracks import BEAM_ID, ENERGY, ID, ROW
from emiss.samples.walk.walking import Passage, Walk
from emiss.samples.walk.world import LOST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.configs.arrays import Array, Bools, Floats, Ints
    from emiss.reco.detector.model import Detector
    from emiss.samples.config import Response as Settings
    from emiss.samples.config import Sample
    from emiss.samples.generators.base import Generator
    from emiss.samples.setup import SetUp
    from emiss.samples.walk.line import Item

STORED = 0.1
"""Cells below this part of their detector's threshold are not stored."""

LANDAU = 0.08
"""Width of Moyal's distribution over its most probable value, of a minimum ionizing particle in a counter."""

TAKEN, END, SPLIT = "taken over", "end of absorbers", "split"
"""Marks on the line: where the process takes over, the back face of the last absorber, where events are split."""


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
    weight : array of shape (N,)
        Beside that of the generator.
    """

    cells: Lists
    points: Lists
    trigger: Array
    truth: Mapping[str, Array]
    weight: Floats


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
    sample : Sample
    generator : Generator
    field_scales : mapping of magnet to float
        Factors on fields, from the conditions.
    """

    def __init__(
        self, setup: SetUp, sample: Sample, generator: Generator, field_scales: Mapping[str, float] | None = None
    ) -> None:
        self.setup, self.sample, self.settings, self.generator = setup, sample, sample.response, generator
        last = setup.last_absorber
        marks = {END: last.z + last.depth}
        if generator.takes_over is not None:
            marks[TAKEN] = generator.takes_over
        if sample.splitting is not None:
            marks[SPLIT] = place_of(sample.splitting, setup)
        self.walk = Walk(
            setup.detector,
            self.settings,
            field_scales or {},
            marks,
            target=setup.target_name,
            softest=sample.tagging.softest,
        )
        self._first = next(((name, 0) for name in setup.downstream), None)
        self._grains = grains(setup.detector, setup.taggers, sample.tagging)
        bits = setup.detector.trigger_bits if sample.process.kind == "empty" else {}
        self._random = np.uint32(1 << bits["random"] if "random" in bits else 0)
        # where light comes through the set-up, no share of it comes by the short way
        self._tagging = sample.tagging.model_copy(update={"share": 0.0}) if setup.lit else sample.tagging

    def hits(self, events: int, draws: Draws) -> Hits:
        """Return what the detector sees of so many events, and the truth."""
        passed = self.passage(events, draws)
        detector, beam = self.setup.detector, passed.beam
        visible = passed.passage.seen.visible
        light(self.setup, self.settings, visible, draws.response)
        numbers = detector.channel_number
        taggers = np.array([numbers[f"{name}.0.0"] for name in self.setup.taggers], np.int64)
        visible[:, taggers] = photostatistics(self._tagging, self._grains, visible[:, taggers], draws.response)
        visible[:, taggers] += seen(self._tagging, self._grains, beam.pdg, beam.energy, draws.response)
        if beam.born:
            as_if_crossed(self.setup, visible, draws.response)
        kept = visible > STORED * thresholds(detector)
        row, channel = np.nonzero(kept)
        cells = Lists(
            offsets_of(np.bincount(passed.event[row], minlength=events)),
            {"channel": channel.astype(np.int32), "energy": visible[kept], "time": passed.time[kept]},
        )
        main = np.flatnonzero(passed.main)
        return Hits(
            cells,
            points_of(passed.passage.points, passed.event, events),
            fired(detector, visible[main]) | self._random,
            truth_of(passed, self.setup, self.walk.parts),
            passed.weight[main],
        )

    def passage(self, events: int, draws: Draws) -> Passed:
        """Take so many events through the set-up, with what comes beside them."""
        generator, walk, rng = self.generator, self.walk, draws.response
        beam = generator.beam(events, draws.generation)
        others = beside(self.sample.beam, events, draws.generation, particle=self.setup.detector.beam.particle)
        event = np.concatenate([np.arange(events), others.event])
        order = np.argsort(event, kind="stable")
        main = order < events
        event = event[order]
        late = np.concatenate([np.zeros(events), others.time])[order]
        time = _times(self.setup, self.settings, event, late, rng)
        came = self._came(time, event, main)

        passage = Passage(walk.nothing(len(event)))
        keep = () if self._first is None else (self._first,)
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        tracks, more = beam.tracks(), Beamed(others.particles, self.setup.target.z).tracks()
        tracks[:, ROW], more[:, ROW], more[:, ID] = place[:events], place[events:], -1.0
        for one in (tracks, more):
            walk.begin(one, passage)
        more = walk.from_the_beginning(more, self.setup.target.z)
        if not beam.born:
            tracks = walk.from_the_beginning(tracks, beam.z)
        began = np.zeros(len(event))
        for one in (tracks, more):
            began[one[:, ROW].astype(np.int64)] = one[:, ENERGY]
        before, behind = ([], walk.line) if generator.takes_over is None else parted(walk.line, TAKEN)
        tracks, more = (more, tracks) if beam.born else (np.concatenate([tracks, more]), tracks[:0])
        tracks = np.concatenate([walk.run(tracks, before, passage, came, rng, keep=keep), more])
        if generator.takes_over is not None:
            tracks = walk.move(tracks, generator.takes_over, passage, rng)
        arrived, left = beam_particles(tracks, generator.least)
        products = generator.products(arrived, draws.generation)
        rows = arrived[:, ROW].astype(np.int64)
        for name, energy in products.lost.items():
            passage.seen.lost[rows, LOST.index(name)] += energy
        whole = Beamed(
            BeamParticles(
                *(np.concatenate(pair)[order] for pair in zip(beam.particles, others.particles, strict=True))
            ),
            beam.z,
            beam.born,
        )
        emission, weight = np.zeros(len(event)), np.ones(len(event))
        emission[rows] = products.emission
        if products.weight is not None:
            weight[rows] = products.weight
        told = {name: np.zeros(len(event)) for name in products.truth}
        for name, values in products.truth.items():
            told[name][rows] = values
        passed = Passed(whole, began, event, main, products, emission, weight, time, told, passage, self._first, END)
        return self._to_the_end(np.concatenate([products.tracks, left]), behind, passed, draws)

    def _to_the_end(self, tracks: Floats, items: Sequence[Item], passed: Passed, draws: Draws) -> Passed:
        """Take tracks through the rest of the line, in events that may be split on the way."""
        rule, keep = self.sample.splitting, () if self._first is None else (self._first,)
        came = self._came(passed.time, passed.event, passed.main)
        if rule is not None:
            before, items = parted(items, SPLIT)
            tracks = self.walk.run(tracks, before, passed.passage, came, draws.response, keep=keep)
            tracks, passed = split(rule, tracks, passed, draws.response)
            came = self._came(passed.time, passed.event, passed.main)
        self.walk.leave(self.walk.run(tracks, items, passed.passage, came, draws.response, keep=keep), passed.passage)
        return passed

    def _came(self, time: Floats, event: Ints, main: Bools) -> Came:
        """Return when beam particles came, from the times of all channels, (N, channels)."""
        start = (time @ self.setup.detector.reference) / self.setup.detector.reference.sum()
        return Came(start, start - start[main][event])


def thresholds(detector: Detector) -> Array:
    """Return the threshold of the detector file for each channel, GeV, shape (channels,)."""
    return np.concatenate([np.full(len(part.channels()), part.threshold) for part in detector.read_out.values()])


def light(setup: SetUp, settings: Settings, visible: Floats, rng: np.random.Generator) -> None:
    """Give panels the statistics of their light: so many photoelectrons per MIP at each end, gamma distributed."""
    for part in setup.panels.values():
        numbers = [setup.detector.channel_number[channel] for channel in part.channels()]
        unit = part.mip / settings.light_yield
        visible[:, numbers] = unit * rng.standard_gamma(visible[:, numbers] / unit)


def as_if_crossed(setup: SetUp, visible: Floats, rng: np.random.Generator) -> None:
    """Add a minimum ionizing particle in each counter before the target: those born behind it have not come through them."""
    for name, mip in setup.counters.items():
        visible[:, setup.detector.channel_number[f"{name}.0.0"]] += mip * moyal(LANDAU, len(visible), rng)


def beam_particles(tracks: Floats, least: float) -> tuple[Floats, Floats]:
    """Return the beam particles among tracks by row, with at least so much energy (GeV), and the other tracks."""
    own = (tracks[:, ID] == BEAM_ID) & (tracks[:, ENERGY] >= least)
    arrived = tracks[own]
    return arrived[np.argsort(arrived[:, ROW], kind="stable")], tracks[~own]


def _times(setup: SetUp, settings: Settings, event: Ints, late: Floats, rng: np.random.Generator) -> Array:
    """Return the time of each channel, shape (rows, channels), ns: S0 relative to the trigger, others relative to S0.

    The flight times are calibrated away. Cells of one calorimeter or module and ends of one panel share their time.

    Parameters
    ----------
    event : int array of shape (rows,)
        The event of each beam particle.
    late : array of shape (rows,)
        By how much it comes behind the one that triggers, ns.
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
    drawn = rng.normal(size=(len(event), len(groups))) * np.array([rms for rms, _ in groups])
    time = drawn[:, group]
    phase = settings.clock_phase * (rng.random(int(event.max(initial=-1)) + 1) - 0.5)[event]
    counters = np.flatnonzero(detector.reference)
    if len(counters) == 1:
        time[:, counters[0]] = phase
    else:  # each has its own resolution, their mean is the start
        mean = (time @ detector.reference) / detector.reference.sum()
        time[:, counters] += (phase - mean)[:, None]
    return np.asarray(time + late[:, None])
