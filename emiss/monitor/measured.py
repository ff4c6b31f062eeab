"""What is measured of one spill: its events and losses, pedestals, pulses and hits by channel, and the cutflow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.configs.arrays import Array  # noqa: TC001 - a dataclass
from emiss.configs.errors import Location, UserError
from emiss.events.ledger import Ledger
from emiss.job.source import DetectorSource
from emiss.monitor.following import Spill  # noqa: TC001 - a dataclass
from emiss.reco.pipeline import Pipeline, columns_of
from emiss.reco.quality.spills import Spills
from emiss.reco.quality.summary import Survey, survey_of
from emiss.reco.readers import open_run_file
from emiss.reco.readers.base import BATCH
from emiss.reco.readers.raw import RawRunFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from emiss.events.batch import Batch
    from emiss.events.lists import Lists
    from emiss.monitor.growing import Piece
    from emiss.selection import Analysis
    from emiss.selection.counting.counts import Rows
    from emiss.selection.counting.engine import Bound

PULSE = 8.0
"""A waveform that reaches so many sigma above its pedestal has a pulse."""

ROWS = 8192
"""Waveforms that are looked at together."""

SAMPLE, ROLE = "data", "data"


class Piled(NamedTuple):
    """Counts by channel that add: arrays of shape (channels,) and (planes,).

    `pulses`, `height`, `square`: waveforms with a pulse, sum and sum of squares of their largest sample above the pedestal,
    ADC; `hits`: of strips and wires.
    """

    pulses: Array
    height: Array
    square: Array
    hits: Array

    @classmethod
    def empty(cls, channels: int, planes: int) -> Piled:
        """Return counts of nothing."""
        return cls(np.zeros(channels), np.zeros(channels), np.zeros(channels), np.zeros(planes))

    def plus(self, other: Piled) -> Piled:
        """Return the sum."""
        return Piled(*(mine + its for mine, its in zip(self, other, strict=True)))


@dataclass(frozen=True)
class Measured:
    """What was found in a spill.

    Attributes
    ----------
    survey : Survey
        Of `emiss quality`; all its rows are of this spill.
    piled : Piled
    rows : Rows
        The cutflow of the first region; empty without an analysis.
    """

    spill: Spill
    ledger: Ledger
    survey: Survey
    piled: Piled
    rows: Rows = field(default=())

    @property
    def events(self) -> int:
        """Physics events that can be used."""
        return int(self.survey.events.sum())


class NotMeasuredError(UserError):
    """A spill could not be looked at."""


class Measuring:
    """Measures spills of a set-up.

    Parameters
    ----------
    detector, calib : Path
    analysis : Analysis, optional
        Whose cutflow is made, too.
    unblind : bool

    Raises
    ------
    UserError
        If the analysis does not fit the set-up.
    """

    def __init__(self, detector: Path, calib: Path, analysis: Analysis | None = None, *, unblind: bool = False) -> None:
        self.source = DetectorSource(detector, calib)
        self.detector = self.source.detector
        self.channels, self.planes = tuple(self.detector.channels), tuple(self.detector.plane_names)
        self.unblind = unblind
        self.bound: Bound | None = None
        self._pipeline = self.source.pipeline
        self._last: RawRunFile | None = None
        self._known: dict[int, Mapping[str, Array]] = {}
        if analysis is not None:
            from emiss import selection
            from emiss.job.absent import from_detector

            columns = columns_of(self.detector)
            self.bound = selection.bind(analysis, columns, absent=from_detector(self.detector, columns))
            wanted = self.bound.columns_for(fill=False)
            self._pipeline = Pipeline(self.detector, self.source.conditions, wanted)

    @property
    def hidden(self) -> bool:
        """Whether the analysis hides events of data: then their numbers are not told."""
        return self.bound is not None and not self.unblind and self.bound.blinded(SAMPLE, ROLE)

    @property
    def cuts(self) -> tuple[str, ...]:
        """The cuts of the first region."""
        return () if self.bound is None else tuple(cut.name for cut in self.bound.region(None).cuts)

    def __call__(self, spill: Spill, between: Callable[[], None] = lambda: None) -> Measured:
        """Return what is in a spill; `between` is called after each batch.

        Raises
        ------
        NotMeasuredError
            If its file does not hold it any more, or there are no maps or constants for the run.
        """
        files: list[tuple[Piece, RawRunFile]] = []
        try:
            files.extend((piece, self._open(piece)) for piece in spill.pieces)  # those before a mistake are closed, too
            context = Spills.merge(file.spills() for _, file in files)
            ledger, piled = Ledger(), Piled.empty(len(self.channels), len(self.planes))
            survey = Survey.empty([], len(self.channels))
            rows: Rows = ()
            for piece, file in files:
                file.context = context
                for batch in self._batches(piece, file):
                    ledger += batch.ledger
                    if len(batch):
                        constants = self._constants(batch.run)
                        survey += survey_of(batch, len(self.channels), self.detector.full_scale, constants)
                        piled = piled.plus(self._pile(batch, constants))
                        rows = self._count(batch, rows)
                    between()
                self._last = file
                file.release()
        except UserError as error:
            raise NotMeasuredError(error.message, at=error.at, hint=error.hint) from None
        except OSError as error:
            raise NotMeasuredError(error.strerror or str(error)) from None
        finally:
            for _, file in files:
                file.close()
        return Measured(spill, ledger.check(), survey, piled, rows)

    def _open(self, piece: Piece) -> RawRunFile:
        if piece.gone:
            raise NotMeasuredError("the file does not hold it any more", at=Location(str(piece.file.path)))
        file = open_run_file(piece.file.path, self.detector, span=(piece.before, piece.stop))
        assert isinstance(file, RawRunFile)  # noqa: S101 - that is what is followed
        if self._last is not None:
            file.go_on_from(self._last)
        if file.index().good.any() and not set(file.index().runs()) <= set(self._known):
            file.check()
            for run in file.index().runs():
                self._pipeline.check([run], file.tier)
        file.spills()
        file.release()  # a spill may be larger than the memory
        return file

    def _batches(self, piece: Piece, file: RawRunFile) -> Iterator[Batch]:
        """Yield the batches of a piece, without the event before it."""
        first = int(np.searchsorted(file.index().offset, piece.start - piece.before))
        yield from file.batches(first, None, BATCH, self._pipeline.floors)

    def _constants(self, run: int) -> Mapping[str, Array]:
        if run not in self._known:
            self._known = {run: self.source.conditions.for_run(run).get("sadc.pedestal", self.channels)}
        return self._known[run]

    def _count(self, batch: Batch, rows: Rows) -> Rows:
        if self.bound is None:
            return rows
        table = self._pipeline.run(batch)
        counted = self.bound.run(table, sample=SAMPLE, role=ROLE, unblind=self.unblind, fill=False).regions
        more = next(iter(next(iter(counted.values())).values()))
        return tuple(a + b for a, b in zip(rows, more, strict=True)) if rows else more

    def _pile(self, batch: Batch, constants: Mapping[str, Array]) -> Piled:
        found = Piled.empty(len(self.channels), len(self.planes))
        if batch.sadc is not None:
            self._pulses(batch.sadc, constants, found)
        for lists in (batch.apv, batch.tdc):
            if lists is not None and len(lists["plane"]):
                found.hits[:] += np.bincount(lists["plane"], minlength=len(self.planes))
        return found

    def _pulses(self, digits: Lists, constants: Mapping[str, Array], found: Piled) -> None:
        samples, channel = digits["samples"], digits["channel"]
        odd = np.arange(samples.shape[1]) % 2 == 1
        for start in range(0, len(samples), ROWS):
            rows = slice(start, start + ROWS)
            of = channel[rows]
            there = np.arange(samples.shape[1]) < digits["n_samples"][rows][:, None]
            pedestal = np.where(odd, constants["odd"][of][:, None], constants["even"][of][:, None])
            height = np.where(there, samples[rows] - pedestal, -np.inf).max(axis=1, initial=-np.inf)
            pulse = height > PULSE * constants["sigma"][of]
            of, height = of[pulse], height[pulse]
            size = len(self.channels)
            found.pulses[:] += np.bincount(of, minlength=size)
            found.height[:] += np.bincount(of, height, size)
            found.square[:] += np.bincount(of, height * height, size)
