"""`simulate`: a sample from its YAML file to a run file, raw (.dat) or of the hits tier (.root), from the same events.

Events are made in blocks of fixed size, each from its own seed, so that neither the tier nor the number of events changes an
event, nor who makes a block: blocks are a piece of work (`Blocks`) that others may do. They are written here in their order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from emiss.calib.conditions import Conditions
from emiss.calib.tag import find as find_tag
from emiss.configs.errors import Location, UserError, did_you_mean
from emiss.configs.schema import dump
from emiss.configs.units import UNITS
from emiss.events import provenance
from emiss.events.batch import Batch
from emiss.events.ledger import Ledger
from emiss.reco.detector.model import load_detector
from emiss.reco.formats.date.channels.reading import read_channel_maps
from emiss.reco.formats.date.writing import encode
from emiss.reco.formats.date.writing.damage import KINDS
from emiss.reco.formats.date.writing.damage import damage as damage_events
from emiss.reco.readers.simulated import HitsWriter
from emiss.samples import digitise, splitting, trigger
from emiss.samples.config import LedProcess, Sample, load_sample
from emiss.samples.generators import generator_of
from emiss.samples.led import lit
from emiss.samples.raw_events import digitised, with_marks
from emiss.samples.recording import DIGITS, LIGHT, drawn, seeds
from emiss.samples.response import Response
from emiss.samples.setup import SetUp
from emiss.samples.truth import MEANINGS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.arrays import Array
    from emiss.reco.detector.model import Detector
    from emiss.reco.formats.date.channels.channel_map import ChannelMaps
    from emiss.samples.generators.base import Generator

BLOCK = 1000
PHYSICS, CALIBRATION = 7, 8


@dataclass(frozen=True)
class Block:
    """Some events of a sample: the number of their seed, which ones they are, and how many there are in all."""

    number: int
    start: int
    stop: int
    of: int

    def __str__(self) -> str:
        return f"events {self.start} to {self.stop}"

    @property
    def events(self) -> int:
        """How many they are."""
        return self.stop - self.start


def blocks_of(events: int, first: int = 0, last: int | None = None) -> list[Block]:
    """Return the blocks of so many events, or those of them that begin at events first to last (without `last` itself)."""
    starts = range(-(-first // BLOCK) * BLOCK, events if last is None else min(last, events), BLOCK)
    return [Block(start // BLOCK, start, min(start + BLOCK, events), events) for start in starts]


class Simulation:
    """A sample with the detector, the conditions and the generator it is made with."""

    def __init__(self, sample: Sample, *, seed: int | None = None) -> None:
        self.sample = sample
        self.seed = sample.seed if seed is None else seed
        self.detector: Detector = load_detector(sample.detector, near=sample.folder)
        self.setup = SetUp(self.detector)
        self.constants = Conditions.load(find_tag(sample.calib, near=sample.folder))
        self.conditions = self.constants.for_run(sample.run)
        trigger.check(sample, self.detector)
        digitise.check(sample, self.detector)
        splitting.check(sample, self.setup)

    @cached_property
    def generator(self) -> Generator:
        """What makes the events; what it tabulates, which may take seconds, is tabulated when it is asked for.

        Raises
        ------
        ValueError
            If the sample cannot be simulated.
        """
        made = generator_of(self.sample, self.setup)
        splitting.check(self.sample, self.setup, behind=made.takes_over)
        return made

    @cached_property
    def response(self) -> Response:
        """The set-up that answers."""
        return Response(self.setup, self.sample, self.generator, self._scales)

    @property
    def process(self) -> dict[str, Any]:
        """What is simulated: kind and parameters in base units, energy of the beam, rate per electron on target if known."""
        one = self.generator.on_target(1)
        rate = {"per_electron": 1.0 / one} if one else {}
        said = {name: value for name, value in dump(self.sample.process).items() if value is not None}
        return {**said, "beam_energy": self.sample.beam.energy, **rate}

    @cached_property
    def maps(self) -> ChannelMaps:
        """The channel maps of the run, which give a channel to all that the detector has."""
        maps = read_channel_maps(self.detector.channel_maps_path, self.sample.run)
        maps.check(self.detector.channels, self.detector.plane_names, self.detector.timed)
        return maps

    @property
    def lit(self) -> bool:
        """Whether its events are those of LEDs, of the type calibration."""
        return isinstance(self.sample.process, LedProcess)

    @cached_property
    def _scales(self) -> dict[str, float]:
        arms = {name: arm.name for name, arm in self.detector.arms.items() if arm.name}
        scales = self.conditions.get("magnet.field", list(arms.values()))["scale"].tolist()
        return dict(zip(arms.values(), scales, strict=True))

    def blocks(self, events: int) -> Iterator[tuple[Batch, np.random.Generator]]:
        """Yield the events as batches of hits, with the random numbers that are left for the digitisation."""
        for block in blocks_of(events):
            yield self.block(block)

    def block(self, block: Block) -> tuple[Batch, np.random.Generator]:
        """Return one batch of hits, with the random numbers that are left for the digitisation."""
        start, size = block.start, block.events
        hits, generated = drawn(self.response, self.sample.trigger, BLOCK, size, seed=self.seed, number=block.number)
        if isinstance(self.sample.process, LedProcess):
            rng = seeds(self.seed, block.number, LIGHT)
            hits = lit(hits, self.sample.process, self.detector, self.conditions, rng)
        batch = Batch(
            run=self.sample.run,
            entries=(start, start + size),
            header=self._header(
                np.arange(start, start + size), block.of, hits.trigger, self.generator.weight * hits.weight
            ),
            ledger=Ledger(read=size, passed=size),
            cells=hits.cells,
            points=hits.points,
            truth=hits.truth,
            generated=generated,
        )
        return batch, seeds(self.seed, block.number, DIGITS)

    def raw(self, block: Block) -> Raw:
        """Return one batch as the bytes of a raw run file."""
        batch, rng = self.block(block)
        digits = digitised(batch, self.detector, self.conditions, self.sample.digitisation, rng)
        events = with_marks(digits, block.start, block.of, self.sample.spill.events)
        data = encode.to_bytes(events, self.maps, self.detector.channels, self.detector.plane_names)
        return Raw(data, batch.generated)

    def on_target(self, events: int, generated: int) -> float | None:
        """Return the electrons on target that events stand for, of so many that were generated for them."""
        one = self.generator.on_target(events)
        return one if one is None or generated == events else one * generated / events

    def _header(self, entry: Array, events: int, trigger: Array, weight: Array) -> dict[str, Array]:
        spill = self.sample.spill
        number, position = entry // spill.events, entry % spill.events
        length = np.minimum(spill.events, events - number * spill.events)  # the last spill may be short
        seconds = spill.period / UNITS["s"].factor
        return {
            "entry": entry,
            "run": np.full(len(entry), self.sample.run, np.int32),
            "spill": (number + 1).astype(np.int32),
            "in_spill": (position + 1).astype(np.int32),
            "in_run": (entry + 1).astype(np.int32),
            "time": spill.start + np.floor(number * seconds).astype(np.int64),
            "trigger": trigger.astype(np.uint32),
            "type": np.full(len(entry), CALIBRATION if self.lit else PHYSICS, np.uint32),
            "quality": np.zeros(len(entry), np.uint32),
            "spill_position": (position + 1) / length,
            "weight": weight,
        }


class Raw(NamedTuple):
    """A block of the raw tier: its bytes, and how many events were generated for it."""

    data: bytes
    generated: int


@dataclass(frozen=True)
class Blocks:
    """The blocks of a simulation as a piece of work: as bytes of the raw tier, or else as batches of hits."""

    sample: Sample
    seed: int | None
    raw: bool
    name = "simulate"

    def start(self) -> Callable[[Block], Batch | Raw]:
        """Load detector and constants, and tabulate what the generator needs."""
        return self.of(Simulation(self.sample, seed=self.seed))

    def of(self, simulation: Simulation) -> Callable[[Block], Batch | Raw]:
        """Return what makes a block with a simulation that is there."""
        _ = simulation.generator
        return simulation.raw if self.raw else lambda block: simulation.block(block)[0]


Stream = Callable[[Blocks, Sequence[Block]], Iterator["Batch | Raw"]]
"""Makes blocks, and yields them in their order (`emiss.job.work.Pool.stream`)."""


def simulate(
    sample: Sample | str | Path,
    out: str | Path,
    *,
    events: int | None = None,
    seed: int | None = None,
    damage: Mapping[str, int] | None = None,
    stream: Stream | None = None,
    progress: Callable[[int], None] = lambda _: None,
    exposure: Callable[[int, float | None], None] = lambda *_: None,
) -> Path:
    """Simulate a sample and write its run file.

    Parameters
    ----------
    sample : Sample or path
        A sample, its file, or the name of one that ships.
    out : path
        ``.dat`` for the raw tier, ``.root`` for the hits tier.
    events, seed : int, optional
        Default: those of the sample.
    damage : mapping of kind to int, optional
        Raw tier: how many events are to be damaged in each way (`emiss.reco.formats.date.writing.damage.KINDS`).
    stream : callable, optional
        Who makes the blocks of events; this process by default. No event depends on it.
    progress : callable
        Called with the number of events made.
    exposure : callable
        Called at the end with the number of events that were generated, those that no required trigger recorded included, and
        with the electrons on target that they stand for, if that is known. Files of the hits tier say both, raw files cannot.

    Raises
    ------
    UserError
        If the suffix is neither, a constant is missing, or the damage cannot be done.
    """
    if not isinstance(sample, Sample):
        sample = load_sample(sample)
    path = Path(out)
    count = sample.events if events is None else events
    if path.suffix not in (".dat", ".root"):
        raise UserError(f"a run file is '.dat' (raw) or '.root' (hits), not '{path.suffix}'", at=Location(str(out)))
    hurts = dict(damage or {})
    for kind in hurts:
        if kind not in KINDS:
            raise UserError(f"no damage '{kind}'", hint=did_you_mean(kind, KINDS, otherwise="one of"))
    if hurts and path.suffix == ".root":
        raise UserError("only raw files ('.dat') can be damaged", at=Location(str(out)))
    simulation = Simulation(sample, seed=seed)
    _ = simulation.generator  # what cannot be simulated is told before anything is written
    work, blocks = Blocks(sample, seed, raw=path.suffix == ".dat"), blocks_of(count)
    if work.raw:
        if sample.weighted:
            raise UserError(
                f"raw files hold no weights: sample '{sample.name}' has '{sample.weighted}', which needs them"
            )
        _ = simulation.maps  # a channel without a place is told before anything is made
    made = stream(work, blocks) if stream is not None else map(work.of(simulation), blocks)

    generated = 0

    def counted() -> Iterator[Any]:
        nonlocal generated
        for block, found in zip(blocks, made, strict=True):
            generated += found.generated
            yield found.data if isinstance(found, Raw) else found
            progress(block.events)

    if work.raw:
        _write_raw(simulation, path, counted(), hurts)
    else:
        _write_hits(simulation, path, count, counted())
    exposure(generated, simulation.on_target(count, generated))
    return path


def _write_hits(simulation: Simulation, path: Path, events: int, batches: Iterator[Batch]) -> Path:
    sample, detector = simulation.sample, simulation.detector
    types: dict[str, str] = {}
    generated = 0
    with HitsWriter(path) as writer:
        for batch in batches:
            writer.extend(batch)
            generated += batch.generated
            types = {name: values.dtype.str[1:] for name, values in batch.truth.items()}
        document = sample.document
        metadata: dict[str, Any] = {
            "detector": detector.name,
            "channels": list(detector.channels),
            "planes": list(detector.plane_names),
            "sample": sample.name,
            "role": sample.role,
            "on_target": simulation.on_target(events, generated),
            "process": simulation.process,
            "events": events,
            "generated": generated,
            "seed": simulation.seed,
            "truth": {
                name: {"type": kind, "unit": MEANINGS[name][0], "meaning": MEANINGS[name][1], "shape": "flat"}
                for name, kind in types.items()
            },
            "provenance": provenance.record(
                configs={document.name: document.text} if document else {},
                payloads=simulation.conditions.payloads,
                constants=simulation.constants.about(simulation.conditions.payloads),
            ),
        }
        writer.finish(metadata)
    return path


def _write_raw(simulation: Simulation, path: Path, pieces: Iterator[bytes], hurts: Mapping[str, int]) -> Path:
    if not hurts:
        return encode.write(path, pieces)
    try:
        data, _ = damage_events(b"".join(pieces), simulation.maps, hurts, seed=simulation.seed)
    except ValueError as error:
        raise UserError(str(error), at=Location(str(path))) from None
    return encode.write(path, data)
