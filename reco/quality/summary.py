"""Data quality of raw files, spill by spill: rate, losses, pedestals, saturation against the position in the spill.

A `Survey` is a sum: over batches, files and jobs. `verdicts` compares each spill with the others of its run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from emiss.events.columns import QUALITY_BITS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from emiss.calib.conditions import Conditions
    from emiss.configs.arrays import Array, Ints
    from emiss.events.batch import Batch
    from emiss.reco.quality.spills import SpillCounts

BINS = 20
"""Bins of the position in the spill."""

HEAD = 4
"""Samples at the beginning of a waveform that its pedestal is taken from."""

LEAST = 20
"""Waveforms of a channel in a spill below which nothing is said about its pedestal."""


@dataclass(frozen=True)
class Limits:
    """What makes a spill bad.

    Attributes
    ----------
    rate : float
        Events, over the median of the spills of the run: less is bad.
    lost : float
        Share of events lost, missing, damaged, without a source, or after a lost block: more is bad.
    shift : float
        Change of a channel's pedestal against the median of the spills of the run, in ADC: more is bad.
    saturated : float
        Share of events with a saturated waveform above the median of the spills of the run: more is bad.
    """

    rate: float = 0.5
    lost: float = 0.05
    shift: float = 5.0
    saturated: float = 0.05


@dataclass(frozen=True)
class Survey:
    """Counts of some spills; arrays have one row per spill, in ascending order of (run, spill).

    Attributes
    ----------
    spills : list of (run, spill)
    events, hurt, saturated_events : int64 arrays of shape (S,)
        Physics events; those damaged, without a source or after a lost block; those with a saturated waveform.
    gone : int64 array of shape (S,)
        Events lost, and those missing by their numbers or by the bytes that were passed over (an estimate).
    first, last : int64 arrays of shape (S,)
        Unix time of the first and the last event.
    quiet, shift, square, saturated : arrays of shape (S, channels)
        Waveforms that tell the pedestal, sum and sum of squares of its shift from the conditions (ADC); saturated waveforms.
    waveforms_at, saturated_at : arrays of shape (BINS, channels)
        By position in the spill.
    """

    spills: list[tuple[int, int]]
    events: Ints
    hurt: Ints
    saturated_events: Ints
    gone: Ints
    first: Ints
    last: Ints
    quiet: Array
    shift: Array
    square: Array
    saturated: Array
    waveforms_at: Array
    saturated_at: Array

    @classmethod
    def empty(cls, spills: Sequence[tuple[int, int]], channels: int) -> Survey:
        """Return a survey of some spills without an event."""
        rows = len(spills)

        def counts() -> Array:
            return np.zeros(rows, np.int64)

        def table(lines: int = rows) -> Array:
            return np.zeros((lines, channels))

        return cls(
            spills=list(spills),
            events=counts(),
            hurt=counts(),
            saturated_events=counts(),
            gone=counts(),
            first=np.full(rows, np.iinfo(np.int64).max),
            last=counts(),
            quiet=table(),
            shift=table(),
            square=table(),
            saturated=table(),
            waveforms_at=table(BINS),
            saturated_at=table(BINS),
        )

    def __add__(self, other: Survey) -> Survey:
        spills = sorted({*self.spills, *other.spills})
        total = Survey.empty(spills, self.quiet.shape[1])
        where = {spill: row for row, spill in enumerate(spills)}
        for part in (self, other):
            rows = np.array([where[spill] for spill in part.spills], np.int64)
            for name in ("events", "hurt", "saturated_events", "gone", "quiet", "shift", "square", "saturated"):
                getattr(total, name)[rows] += getattr(part, name)
            np.minimum.at(total.first, rows, part.first)
            np.maximum.at(total.last, rows, part.last)
            total.waveforms_at[:] += part.waveforms_at
            total.saturated_at[:] += part.saturated_at
        return total

    def pedestal(self) -> Array:
        """Return the mean shift of each pedestal from the conditions, (S, channels) in ADC; NaN below `LEAST` waveforms."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.quiet >= LEAST, self.shift / self.quiet, np.nan)

    def saturation(self) -> Array:
        """Return the share of saturated waveforms against the position in the spill, (BINS,); NaN without any."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.saturated_at.sum(axis=1) / self.waveforms_at.sum(axis=1))


class RawFile(Protocol):
    """What is asked of a raw run file (`emiss.reco.readers.raw.RawRunFile`)."""

    def counts(self) -> SpillCounts:
        """Return how many events of each spill can be used, are lost, and are missing."""
        ...

    def batches(self, start: int = 0, stop: int | None = None) -> Iterator[Batch]:
        """Yield entries start to stop in batches."""
        ...


def surveys(
    file: RawFile,
    channels: Sequence[str],
    full_scale: Ints,
    conditions: Conditions,
    start: int = 0,
    stop: int | None = None,
) -> Iterator[Survey]:
    """Yield the survey of each batch of a raw file; what the file does not hold any more comes with its first entry.

    Parameters
    ----------
    file : RawFile
        Its `context` says where in their spill the events are, if the spills are spread over several files.
    channels : sequence of str
        The MSADC channels of the detector, in its order.
    full_scale : int64 array of shape (channels,)
        The largest sample of each.
    conditions : Conditions
    start, stop : int
        Entries.
    """
    constants: Mapping[str, Array] = {}
    run = None
    if start == 0:
        yield _gone(file, len(channels))
    for batch in file.batches(start, stop):
        if len(batch) and batch.run != run:
            run = batch.run
            constants = conditions.for_run(run).get("sadc.pedestal", channels)
        yield survey_of(batch, len(channels), full_scale, constants)


def _gone(file: RawFile, channels: int) -> Survey:
    """Return the survey of what a file does not hold any more."""
    counts = file.counts()
    gone = counts.lost + counts.missing
    some = np.flatnonzero(gone)
    spills = [(int(counts.run[i]), int(counts.spill[i])) for i in some]
    found = Survey.empty(spills, channels)
    found.gone[:] = gone[some]
    return found


def survey_of(batch: Batch, channels: int, full_scale: Ints, constants: Mapping[str, Array]) -> Survey:
    """Return the survey of a batch.

    Parameters
    ----------
    batch : Batch
    channels : int
    full_scale : int64 array of shape (channels,)
    constants : mapping
        ``even``, ``odd`` and ``sigma`` of the pedestals of the batch's run, arrays of shape (channels,).
    """
    from emiss.reco.quality.summary_kernels import survey

    header = batch.header
    pairs = np.stack([header["run"], header["spill"]], axis=1).astype(np.int64)
    unique, row = np.unique(pairs, axis=0, return_inverse=True)
    found = Survey.empty([(int(a), int(b)) for a, b in unique], channels)
    if not len(batch) or batch.sadc is None:
        return found
    row = row.reshape(-1).astype(np.int64)
    against = sum(1 << QUALITY_BITS[name] for name in ("damaged", "missing_source", "after_lost_block"))
    np.add.at(found.events, row, 1)
    np.add.at(found.hurt, row, (header["quality"] & np.uint32(against)) > 0)
    np.minimum.at(found.first, row, header["time"])
    np.maximum.at(found.last, row, header["time"])
    digits = batch.sadc
    at_top = np.zeros(len(batch), bool)
    at_top[digits.parents[(digits["samples"] >= full_scale[digits["channel"]][:, None]).any(axis=1)]] = True
    np.add.at(found.saturated_events, row, at_top)
    survey(
        digits["samples"],
        digits["n_samples"],
        digits["channel"].astype(np.int64),
        digits.parents,
        row,
        np.minimum(header["spill_position"] * BINS, BINS - 1).astype(np.int64),
        constants["even"],
        constants["odd"],
        constants["sigma"],
        HEAD,
        full_scale,
        found.quiet,
        found.shift,
        found.square,
        found.saturated,
        found.waveforms_at,
        found.saturated_at,
    )
    return found


@dataclass(frozen=True)
class Verdict:
    """One spill compared with the others of its run; `reasons` is empty for a good one.

    Attributes
    ----------
    rate, lost, saturated : float
        Events over the median of the run; share of events lost or hurt; share with a saturated waveform.
    shift : float
        The largest change of a pedestal against the median of the run, ADC, and its channel; NaN if none can be told.
    """

    run: int
    spill: int
    events: int
    rate: float
    lost: float
    shift: float
    channel: str
    saturated: float
    reasons: tuple[str, ...]


def verdicts(survey: Survey, channels: Sequence[str], limits: Limits) -> list[Verdict]:
    """Return what is to be said about each spill.

    A pedestal counts as changed where the change is also more than five times its statistical error.
    """
    runs = np.array([run for run, _ in survey.spills])
    pedestal = survey.pedestal()
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = survey.square / survey.quiet - (survey.shift / survey.quiet) ** 2
        error = np.sqrt(np.maximum(variance, 0.0) / survey.quiet)
    found = []
    for i, (run, spill) in enumerate(survey.spills):
        same = runs == run
        events = int(survey.events[i])
        rate = events / max(float(np.median(survey.events[same])), 1.0)
        gone = int(survey.gone[i])
        lost = float(survey.hurt[i] + gone) / max(events + gone, 1)
        share = survey.saturated_events / np.maximum(survey.events, 1)
        change = _change(pedestal[i], pedestal[same])
        change[~(np.abs(change) > 5.0 * error[i])] = 0.0
        largest = int(np.argmax(np.abs(change))) if len(change) else 0
        shift = float(change[largest])
        saturated = float(share[i])
        reasons = []
        if rate < limits.rate:
            reasons.append(f"few events: {rate:.0%} of the median of the run")
        if lost > limits.lost:
            reasons.append(f"{lost:.0%} of the events lost, damaged or after a lost block")
        if abs(shift) > limits.shift:
            reasons.append(f"pedestal of {channels[largest]} off by {shift:+.1f} ADC")
        if saturated - float(np.median(share[same])) > limits.saturated:
            reasons.append(f"{saturated:.0%} of the events saturated")
        found.append(Verdict(run, spill, events, rate, lost, shift, channels[largest], saturated, tuple(reasons)))
    return found


def _change(mine: Array, others: Array) -> Array:
    """Return the change of pedestals against the median over spills; 0 where it cannot be told."""
    known = np.isfinite(others)
    middle = np.zeros(len(mine))
    several = known.any(axis=0)
    middle[several] = np.nanmedian(others[:, several], axis=0)
    return np.where(np.isfinite(mine) & several, mine - middle, 0.0)
