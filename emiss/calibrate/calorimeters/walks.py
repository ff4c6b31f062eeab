"""Time walk of channels: by how much small pulses are late, from their times relative to the reference by charge.

In bins of the charge a Gaussian on a flat background gives the time; a straight line in 1 / sqrt(charge) through them is the
walk. A counter of the reference moves the times of all others in its event: its own walk comes from their mean, by its charge.
As charges go together, what is known of the walk of the others is taken away first, in passes: where times are, the walk of all
but the reference, that of the reference, then all once more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from emiss.calibrate.calorimeters.cells import Measuring
from emiss.calibrate.frame import Derivation, Doubts, Found, Made, Shapes, Sums
from emiss.calibrate.gaussians import gaussians, peaks
from emiss.configs.errors import UserError
from emiss.reco.calorimetry.corrections import DRIFT, IN_SPILL, WALK
from emiss.reco.detector.boards import by_channel

if TYPE_CHECKING:
    from emiss.calib.conditions import RunConditions
    from emiss.calibrate.calorimeters.cells import Pulses
    from emiss.configs.arrays import Array, Bools, Floats, Ints
    from emiss.events.batch import Batch
    from emiss.reco.detector.boards import Board
    from emiss.reco.detector.model import Detector

AROUND, COARSE = 400.0, 1.0
"""ns of the pilot's histograms on each side of 0, and their bins."""

REACH, BIN = 60.0, 0.25
"""The same around the time of the pilot."""

LOW, STEP, LEVELS = 2.0, 0.25, 44
"""Bins of the logarithm of the charge in ADC."""

NEAR = 15.0
"""ns around its place within which a time counts for the mean of an event."""

FEW = 40
"""Entries that a bin of the charge needs."""

ABOVE = 2.0
"""Of the charge of a pulse at the threshold: below, what is seen depends on the noise, and so does its time."""

UNSURE = 0.5
"""ns of the error of a slope from which on nothing is said of a walk."""

BAD_FIT = 5.0


class Walks(Derivation):
    """Time walk of all channels, those of the reference included."""

    kind = "walk"
    meaning = "time walk: by how much small pulses are late (sadc.walk); derive times after it"
    wants = "electrons for what is before and in the ECAL, muons for the rest; both may be given together"
    pilot = 1 << 40  # all: runs of several particles may come one after the other
    rounds = 3

    def __init__(self, detector: Detector, options: Any) -> None:
        super().__init__(detector, options)
        # late pulses are those that are small in ADC, whatever they stand for
        self._measure = Measuring(detector, without=(WALK, DRIFT, IN_SPILL))
        self._own = detector.reference > 0
        self._threshold = by_channel(detector.boards, _smallest)
        self._least = np.zeros(len(detector.channels))

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the constants of a run."""
        self._measure.begin_run(conditions)
        self._least = ABOVE * self._threshold * conditions.get("sadc.pedestal", self.detector.channels)["sigma"]

    def empty(self, learned: Any) -> Sums:
        """Return histograms of the time for the pilot; else of the time by charge, with the sums of 1 / sqrt(charge)."""
        channels = len(self.detector.channels)
        if learned is None:
            return Sums({"time": np.zeros((channels, round(2 * AROUND / COARSE)), np.int64)})
        return Sums(
            {
                "time": np.zeros((channels, LEVELS, round(2 * REACH / BIN)), np.int32),
                "root": np.zeros((channels, LEVELS)),
                "number": np.zeros((channels, LEVELS), np.int64),
                "logarithm": np.zeros(channels),
            }
        )

    def add(self, batch: Batch, sums: Sums, learned: Any) -> None:
        """Add the pulses of a batch."""
        pulses = self._measure(batch)
        usable = pulses.good & np.isfinite(pulses.time) & (pulses.charge > self._least[pulses.channel])
        if learned is None:
            place = np.floor((pulses.time + AROUND) / COARSE)
            rows = np.flatnonzero(usable & (place >= 0) & (place < sums["time"].shape[1]))
            np.add.at(sums["time"], (pulses.channel[rows], place[rows].astype(np.int64)), 1)
            return
        late = learned.late(pulses.channel, pulses.charge)
        early = self._early(pulses, late, len(batch))
        away = pulses.time - learned.centre[pulses.channel] + early[pulses.event]
        usable &= np.isfinite(away)
        rows = np.flatnonzero(usable & ~self._own[pulses.channel])
        self._fill(sums, pulses.channel[rows], pulses.charge[rows], away[rows])
        # the walk of the reference is what the others are early by, without what was taken away for it
        self._fill_reference(sums, pulses, away - late - early[pulses.event], rows, len(batch))

    def _early(self, pulses: Pulses, late: Floats, events: int) -> Floats:
        """Return by how much the reference makes all others early in each event, shape (events,)."""
        own = np.flatnonzero(self._own[pulses.channel])
        event, weight = pulses.event[own], self.detector.reference[pulses.channel[own]]
        norm = np.bincount(event, weight, events)
        total = np.bincount(event, weight * late[own], events)
        return np.divide(total, norm, out=np.zeros(events), where=norm > 0)

    def _fill(self, sums: Sums, channel: Ints, charge: Floats, away: Floats) -> None:
        level = np.floor((np.log(np.maximum(charge, 1e-300)) - LOW) / STEP).astype(np.int64)
        place = np.floor((away + REACH) / BIN).astype(np.int64)
        inside = (level >= 0) & (level < LEVELS) & (place >= 0) & (place < sums["time"].shape[2])
        channel, charge, level, place = channel[inside], charge[inside], level[inside], place[inside]
        np.add.at(sums["time"], (channel, level, place), 1)
        np.add.at(sums["root"], (channel, level), charge**-0.5)
        np.add.at(sums["number"], (channel, level), 1)
        np.add.at(sums["logarithm"], channel, np.log(charge))

    def _fill_reference(self, sums: Sums, pulses: Pulses, away: Floats, rows: Ints, events: int) -> None:
        """Add the counters of the reference: what the others of their events are early by, for their part in the reference."""
        rows = rows[np.abs(away[rows]) < NEAR]
        number = np.bincount(pulses.event[rows], minlength=events)
        total = np.bincount(pulses.event[rows], away[rows], events)
        early = -np.divide(total, number, out=np.full(events, np.nan), where=number > 0)
        own = np.flatnonzero(self._own[pulses.channel])
        weight = self.detector.reference[pulses.channel[own]]
        norm = np.bincount(pulses.event[own], weight, events)[pulses.event[own]]
        moved = early[pulses.event[own]] * norm / weight
        good = np.isfinite(moved) & pulses.good[own]
        self._fill(sums, pulses.channel[own[good]], pulses.charge[own[good]], moved[good])

    def learn(self, sums: Sums) -> Learned:
        """Return where the times of channels are, NaN for those that have none, and their walk as far as it is known."""
        channels = len(self.detector.channels)
        if "number" not in sums.arrays:
            counts = sums["time"].astype(np.float64)
            edges = np.arange(counts.shape[1] + 1) * COARSE - AROUND
            centre, _ = peaks(counts, edges)
            self._centre = np.where(counts.any(axis=1), centre, np.nan)
            self._centre[self._own] = 0.0
            return Learned(self._centre, np.zeros(channels), np.ones(channels), np.zeros(channels))
        found = _found(sums, np.arange(channels))
        known = (found.bins >= 2) & (found.error < UNSURE)
        level = np.where(self._own | ~np.isfinite(found.level), 0.0, found.level)
        return Learned(self._centre, np.where(known, found.slope, 0.0), found.charge, np.where(known, level, 0.0))

    def finish(self, sums: Sums, learned: Any) -> Found:  # noqa: ARG002 - sums are relative to it
        """Return the table of walks.

        Raises
        ------
        UserError
            If there is no time relative to a reference.
        """
        if not sums["number"].any():
            raise UserError("no event has a pulse in a reference counter", hint=f"{self.kind} wants {self.wants}")
        rows = np.flatnonzero(self.channels_of(list(self.detector.read_out)))
        entries = sums["number"][rows].sum(axis=1)
        charge, time, slope, slope_error, chi2, bins, level = _found(sums, rows)
        known = (entries >= self.options.least) & (bins >= 2) & (slope_error < UNSURE)
        doubts = Doubts(len(rows))
        doubts.add(entries == 0, "dead or not hit: no pulse")
        doubts.add(entries < self.options.least, [f"{int(one)} pulses are too few" for one in entries])
        doubts.add(bins < 2, "pulses are of one size: nothing is known of a walk")
        doubts.add(
            slope_error >= UNSURE,
            [f"pulses are of much the same size: the slope is known to {one:.1f} ns" for one in slope_error],
        )
        doubts.add(chi2 > BAD_FIT, [f"the fit is bad: chi2 per degree of freedom {one:.1f}" for one in chi2])
        made = Made(
            WALK,
            tuple(self.detector.channels[row] for row in rows),
            {"slope": "ns", "charge": "ADC"},
            {"slope": np.where(known, slope, np.nan), "charge": np.where(known, charge, np.nan)},
            {"slope": np.where(known, slope_error, np.nan), "charge": np.where(known, 0.0, np.nan)},
            entries,
            chi2,
            tuple(doubts.texts),
            _shapes(time - level[:, None], slope, charge, known),
        )
        return Found(self.kind, (made,), tuple(sorted(sums.runs)), sums.read, sums.used)


class Learned(NamedTuple):
    """What passes before have told, arrays of shape (channels,).

    Attributes
    ----------
    centre : array
        Time that histograms are around, ns.
    slope, charge, level : arrays
        The walk, and the time at the charge relative to `centre`.
    """

    centre: Floats
    slope: Floats
    charge: Floats
    level: Floats

    def late(self, channel: Ints, charge: Floats) -> Floats:
        """Return by how much pulses are late, relative to `centre`."""
        root = np.sqrt(self.charge[channel] / np.maximum(charge, 1.0))
        return np.asarray(self.level[channel] + self.slope[channel] * (root - 1.0))


class _Line(NamedTuple):
    """Walks of channels: charges that they are relative to, times by charge, slopes; (channels,) and (channels, LEVELS)."""

    charge: Floats
    time: Floats
    slope: Floats
    error: Floats
    chi2: Floats
    bins: Ints
    level: Floats


def _found(sums: Sums, rows: Ints) -> _Line:
    """Return the walks of some channels."""
    number = sums["number"][rows]
    time, error = _times(sums["time"][rows], number)
    root = np.divide(sums["root"][rows], number, out=np.full(number.shape, np.nan), where=number > 0)
    charge = np.exp(sums["logarithm"][rows] / np.maximum(number.sum(axis=1), 1))
    # four digits say as much: what is written is what the slope belongs to
    charge = np.array([float(f"{one:.4g}") for one in charge])
    return _Line(charge, time, *_lines(root * np.sqrt(charge)[:, None] - 1.0, time, error))


def _smallest(board: Board) -> float:
    """Return the charge of a pulse at the threshold, in units of the noise."""
    return float(board.digitiser.measure.threshold * np.e * board.pulse.rise / board.digitiser.period)


def _times(counts: Array, number: Ints) -> tuple[Floats, Floats]:
    """Return times in bins of the charge and their errors, NaN where there are too few entries, shape (channels, LEVELS)."""
    time, error = np.full(number.shape, np.nan), np.full(number.shape, np.nan)
    chosen = number >= FEW
    if chosen.any():
        edges = np.arange(counts.shape[2] + 1) * BIN - REACH
        found = gaussians(counts[chosen].astype(np.float64), edges)
        time[chosen] = np.where(found.converged, found.place, np.nan)
        error[chosen] = np.where(found.converged, found.error, np.nan)
    return time, np.where(error > 0.0, error, np.nan)


def _lines(u: Floats, time: Floats, error: Floats) -> tuple[Floats, Floats, Floats, Ints, Floats]:
    """Return slopes with errors, chi2 per degree of freedom, bins and the level at u = 0 of lines; (channels,) each."""
    good: Bools = np.isfinite(u) & np.isfinite(time) & np.isfinite(error)
    weight = np.where(good, np.where(good, error, 1.0) ** -2.0, 0.0)
    u, time = np.where(good, u, 0.0), np.where(good, time, 0.0)
    total = np.maximum(weight.sum(axis=1), 1e-300)
    mean_u, mean_t = (weight * u).sum(axis=1) / total, (weight * time).sum(axis=1) / total
    du, dt = u - mean_u[:, None], time - mean_t[:, None]
    spread = (weight * du**2).sum(axis=1)
    bins = good.sum(axis=1)
    enough = (bins >= 2) & (spread > 0.0)
    safe = np.where(enough, spread, 1.0)
    slope = np.where(enough, (weight * du * dt).sum(axis=1) / safe, np.nan)
    sigma = np.where(enough, safe**-0.5, np.inf)
    squares = (weight * (dt - np.where(enough, slope, 0.0)[:, None] * du) ** 2).sum(axis=1)
    chi2 = np.where(bins > 2, squares / np.maximum(bins - 2, 1), np.nan)
    # bins that agree less than their errors say count for less
    return slope, sigma * np.sqrt(np.maximum(np.where(bins > 2, chi2, 1.0), 1.0)), chi2, bins, mean_t - slope * mean_u


def _shapes(time: Floats, slope: Floats, charge: Floats, known: Bools) -> Shapes:
    """Return the times by charge for plots, those without a value as 0."""
    edges = np.exp(LOW + STEP * np.arange(LEVELS + 1))
    middle = np.exp(LOW + STEP * (np.arange(LEVELS) + 0.5))
    curve = slope[:, None] * (np.sqrt(charge[:, None] / middle) - 1.0)
    seen = np.isfinite(time) & known[:, None]
    return Shapes(
        "charge [ADC]; the time less its offset, ns",
        np.broadcast_to(edges, (len(slope), LEVELS + 1)),
        np.where(seen, time, 0.0),
        np.where(seen, curve, np.nan),
    )
