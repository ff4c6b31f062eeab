"""A study as a piece of work: some events of a sample are made, reconstructed and counted; what comes home are sums."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - part of a dataclass that is pickled
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emiss import selection
from emiss.configs.errors import UserError
from emiss.events.columns import Column
from emiss.events.files.identity import number_of
from emiss.events.ledger import Ledger
from emiss.reco.pipeline import Pipeline, columns_of
from emiss.samples.config import Sample  # noqa: TC001 - part of a dataclass that is pickled
from emiss.samples.simulate import Simulation, blocks_of
from emiss.samples.truth import MEANINGS
from emiss.selection import Analysis  # noqa: TC001 - part of a dataclass that is pickled
from emiss.selection.counting.counter import Yields

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from emiss.events.batch import Batch
    from emiss.selection.counting.engine import Bound

FILE = "event.file"

LINES = 4
"""Samples that a worker keeps ready: what their generators have tabulated may take seconds to make again."""


@dataclass(frozen=True)
class StudySample:
    """A sample of a study.

    Attributes
    ----------
    sample : Sample
    role : str
        ``signal``, ``background`` or ``data``.
    events, seed : int
    identity : str
        What its events are made of: two studies with the same one have the same events.
    """

    sample: Sample
    role: str
    events: int
    seed: int
    identity: str

    @property
    def name(self) -> str:
        """The name of the sample."""
        return self.sample.name


@dataclass(frozen=True)
class Piece:
    """Events `start` to `stop` of the `of` events of a sample, and the number of the piece in the study."""

    number: int
    sample: int
    name: str
    start: int
    stop: int
    of: int

    def __str__(self) -> str:
        return f"sample {self.name}, events {self.start} to {self.stop}"

    @property
    def events(self) -> int:
        """How many they are."""
        return self.stop - self.start


@dataclass(frozen=True)
class Found:
    """What events of one sample give together.

    Attributes
    ----------
    ledger : Ledger
    yields : Yields
        Counts, histograms and scans.
    generated : int
        Events that were drawn for these: those without a trigger that the sample requires are drawn again.
    on_target : float or None
        Particles on target that all events of the sample stand for, not only these, if none is drawn again.
    process : mapping
        What was simulated.
    """

    ledger: Ledger
    yields: Yields
    generated: int
    on_target: float | None
    process: Mapping[str, Any]


def on_target(found: Found, events: int) -> float | None:
    """Return the particles on target that all `events` events of a sample stand for, as `Simulation.on_target` does."""
    known = found.on_target
    return known if known is None or found.generated == events else known * found.generated / events


def add(parts: Sequence[Found]) -> Found:
    """Return what several pieces of a sample give, which are added from left to right."""
    total = parts[0]
    for part in parts[1:]:
        ledger, yields = total.ledger + part.ledger, total.yields + part.yields
        total = Found(ledger, yields, total.generated + part.generated, total.on_target, total.process)
    return total


@dataclass(frozen=True)
class Studying:
    """All pieces of a study."""

    analysis: Analysis
    samples: tuple[StudySample, ...]
    unblind: bool = False
    name = "study"

    def start(self) -> Callable[[Piece], Found]:
        """Return what does a piece."""
        lines: dict[int, _Line] = {}

        def do(piece: Piece) -> Found:
            if piece.sample not in lines:
                while len(lines) >= LINES:
                    del lines[next(iter(lines))]
                lines[piece.sample] = _Line(self.analysis, self.samples[piece.sample], unblind=self.unblind)
            return lines[piece.sample].count(piece)

        return do


class _Line:
    """One sample from its generator to the counter."""

    def __init__(self, analysis: Analysis, wanted: StudySample, *, unblind: bool) -> None:
        self.analysis = analysis
        self.wanted = wanted
        self.unblind = unblind
        self.simulation = simulation = Simulation(wanted.sample, seed=wanted.seed)
        try:
            _ = simulation.generator
        except ValueError as error:
            raise UserError(f"sample '{wanted.name}' cannot be simulated: {error}") from None
        self.process = simulation.process
        self._number = number_of(wanted.identity)
        self._truth: dict[str, Column] = {}
        self._ready: tuple[Bound, Pipeline] | None = None

    def count(self, piece: Piece) -> Found:
        """Make the events of a piece and count them."""
        ledger, counter, generated = Ledger(), None, 0
        for block in blocks_of(piece.of, piece.start, piece.stop):
            batch, _ = self.simulation.block(block)
            bound, pipeline = self._ready = self._ready or self._made_ready(batch)
            counter = counter or bound.counter(sample=self.wanted.name, role=self.wanted.role, unblind=self.unblind)
            table = pipeline.run(batch, self._truth)
            if FILE in table.flat:
                table.flat[FILE][:] = self._number
            ledger += table.metadata.ledger
            generated += batch.generated
            counter.add(table)
        yields = Yields() if counter is None else counter.yields()
        return Found(ledger, yields, generated, self.simulation.generator.on_target(piece.of), self.process)

    def _made_ready(self, batch: Batch) -> tuple[Bound, Pipeline]:
        """Bind the analysis to the columns that the first batch will have, and prepare to make those that it reads."""
        for name, values in batch.truth.items():
            unit, meaning = MEANINGS.get(name, ("1", ""))
            self._truth[f"truth.{name}"] = Column(f"truth.{name}", values.dtype.str[1:], unit, meaning)
        detector = self.simulation.detector
        bound = selection.bind(self.analysis, columns_of(detector) | self._truth)
        return bound, Pipeline(detector, self.simulation.constants, bound.columns)
