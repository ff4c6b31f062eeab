"""Ratio timing of the planes that APVs read: t0, r0 and a0 of t = t0 + a0 ln(r0/r - 1), with their covariance.

The chips sample with the clock of the waveforms, and the beam does not know it: the time of the reference counters relative to
that clock is the time at which a hit is to be. What the hit itself adds, drift and all, is a Gaussian of unknown width. So
the ratios r of second to third sample found at a reference time p follow the integral of that Gaussian over t(r) - p, smeared
by the noise of the samples, on a flat background. One channel of each plane in an event is taken, the highest that a cluster
peaks at.

In a window of time that is short beside a0, r0 and a0 are known together much better than each alone: their correlation is near
to 1, and belongs to the constants.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.calibrate.calorimeters.cells import Measuring
from emiss.calibrate.frame import Derivation, Doubts, Found, Made, Shapes, Sums
from emiss.calibrate.trackers.ratio_timing import (
    A0,
    COLUMNS,
    FLAT,
    R0,
    RATIO,
    SIGMA,
    TOP,
    agreement,
    correlations,
    fit,
    in_time_error,
    model,
    smearing,
)  # fmt: skip
from emiss.calibrate.trackers.strip_digits import Strips
from emiss.configs.errors import UserError
from emiss.reco.tracking.strips import THRESHOLD

if TYPE_CHECKING:
    from emiss.calib.conditions import RunConditions
    from emiss.calibrate.likelihood import Fits
    from emiss.configs.arrays import Array, Floats, Ints
    from emiss.events.batch import Batch
    from emiss.reco.detector.model import Detector

STEP, REACH = 1.0, 20.0
"""ns: bins of the time of the reference, and how far they go on each side of 0."""

CLASSES = np.array([0.0, 0.015, 0.02, 0.026, 0.034, 0.05])
"""Of the noise of a sample over the third one: each has a smearing of its own, and what is above is left out."""

LARGEST = 600
"""ADC: third samples above that are left out, as the second may be at the end of its range."""

STEPS = (1, 2, 4)
"""ADC that samples may be truncated to."""

SPREAD = 1.0
"""ns: rms of the time of the reference that is needed to see how the ratio depends on time."""

START = 0.2
"""Share of events with a time of the reference below which a run is not fit for it."""

VAGUE = 0.2
"""Relative error of r0 or a0 above which somebody should look."""


class StripTimes(Derivation):
    """The timing of planes that APVs read."""

    kind = "apv.time"
    meaning = "ratio timing of strips, with covariance (apv.time)"
    wants = "beam particles in the trackers and in a counter of the reference"
    runs_of = "beam"
    pilot = 2000

    def __init__(self, detector: Detector, options: Any) -> None:
        super().__init__(detector, options)
        self._measure = Measuring(detector)
        self._strips = Strips(detector, options.parts)
        self._planes = self._strips.planes
        self._offset = np.zeros(len(detector.channels))
        self._noise = self._floor = np.zeros(0)

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the constants of a run."""
        self._measure.begin_run(conditions)
        self._offset = conditions.get("sadc.time", self.detector.channels)["offset"]
        self._noise = conditions.get("apv.gain", self._strips.channels)["noise"]
        good = conditions.get("apv.status", self._strips.channels)["status"] == 0
        self._floor = np.where(good, THRESHOLD * self._noise, np.inf)

    def empty(self, learned: Any) -> Sums:
        """Return empty histograms of ratios by plane, class of noise and reference time; of last bits for the pilot."""
        planes = len(self._planes)
        if learned is None:
            return Sums({"bits": np.zeros((planes, 2, len(STEPS)), np.int64), "samples": np.zeros((planes, 2))})
        shape = (planes, len(CLASSES) - 1, round(2 * REACH / STEP), round(TOP / RATIO))
        return Sums(
            {
                "ratio": np.zeros(shape, np.int64),
                "noise": np.zeros((*shape[:2], 2)),
                "seen": np.zeros((2, planes), np.int64),
                "events": np.zeros(2, np.int64),
            }
        )

    def add(self, batch: Batch, sums: Sums, learned: Any) -> None:
        """Add the strips of a batch."""
        lit = self._strips(batch, self._floor, None if learned is None else learned[:, 2])
        second, third = lit.samples[:, 1], lit.samples[:, 2]
        if learned is None:
            for frame, values in enumerate((second, third)):
                for k, step in enumerate(STEPS):
                    odd = lit.plane[values % step > 0]
                    sums["bits"][:, frame, k] += np.bincount(odd, minlength=len(self._planes))
                sums["samples"][:, frame] += np.bincount(lit.plane, values, len(self._planes))
            return
        started, time = self._reference(batch)
        sums["events"] += [len(batch), int(started.sum())]
        key = lit.event * len(self._planes) + lit.plane
        rows = np.flatnonzero(started[lit.event] & (lit.peak >= 0))
        charge = third + learned[lit.plane, 2] * second
        order = rows[np.lexsort((lit.channel[rows], charge[rows], key[rows]))]
        chosen = order[np.append(np.diff(key[order]) != 0, True)] if len(order) else order
        noise = self._noise[lit.channel[chosen]]
        self._fill(sums, lit.plane[chosen], second[chosen], third[chosen], noise, time[lit.event[chosen]], learned)

    def _fill(
        self, sums: Sums, plane: Ints, second: Ints, third: Ints, noise: Floats, time: Floats, learned: Floats
    ) -> None:
        """Add one channel of each plane and event to the histograms; `learned` is what `learn` returns."""
        sums["seen"][0] += np.bincount(plane, minlength=len(self._planes))
        high = second + 0.5 * (learned[plane, 0] - 1.0)
        size = third + 0.5 * (learned[plane, 1] - 1.0)
        size = np.maximum(size, 1.0)
        level = np.searchsorted(CLASSES, noise / size, side="right") - 1  # late hits are in the same class
        place = np.floor((time + REACH) / STEP).astype(np.int64)
        column = np.floor(high / size / RATIO).astype(np.int64)
        shape = sums["ratio"].shape
        kept = (level < shape[1]) & (third < LARGEST) & (place >= 0) & (place < shape[2]) & (column < shape[3])
        plane, level, place, column = plane[kept], level[kept], place[kept], column[kept]
        np.add.at(sums["ratio"], (plane, level, place, column), 1)
        for frame in range(2):  # truncation is noise, too
            both = (noise[kept] ** 2 + learned[plane, frame] ** 2 / 12.0) / size[kept] ** 2
            key = plane * shape[1] + level
            sums["noise"][:, :, frame] += np.bincount(key, both, shape[0] * shape[1]).reshape(shape[:2])
        sums["seen"][1] += np.bincount(plane, minlength=shape[0])

    def _reference(self, batch: Batch) -> tuple[Array, Floats]:
        """Return which events have a pulse in the reference, and its time relative to the clock, ns."""
        pulses = self._measure(batch)
        weight = self.detector.reference[pulses.channel] * pulses.good
        norm = np.bincount(pulses.event, weight, len(batch))
        own = weight > 0
        late = np.where(own, pulses.time - self._offset[pulses.channel], 0.0)
        total = np.bincount(pulses.event, weight * late, len(batch))
        return norm > 0, np.divide(total, norm, out=np.zeros(len(batch)), where=norm > 0)

    def learn(self, sums: Sums) -> Floats:
        """Return to which steps second and third samples are truncated, and their ratio, shape (planes, 3)."""
        never = sums["bits"] == 0
        second, third = sums["samples"].T
        ratio = np.divide(second, third, out=np.ones(len(third)), where=third > 0)
        return np.column_stack([np.where(never, np.array(STEPS), 1).max(axis=2), ratio])

    def finish(self, sums: Sums, learned: Any) -> Found:  # noqa: ARG002 - the steps are in the sums
        """Return the table of timing.

        Raises
        ------
        UserError
            If most events have no reference, or no strips.
        """
        events, started = (int(one) for one in sums["events"])
        runs = ", ".join(map(str, sorted(sums.runs)))
        if started < START * events:
            raise UserError(
                f"run {runs}: only {started} of {events} events have a pulse in a reference counter",
                hint=f"{self.kind} wants {self.wants}",
            )
        if sums["seen"][0].max() < START * self.options.least:
            raise UserError(
                f"run {runs} has no particles in the trackers: strips in {sums['seen'][0].max()} of {started} events",
                hint=f"{self.kind} wants {self.wants}",
            )
        counts = sums["ratio"].astype(np.float64)
        used = np.flatnonzero(counts.sum(axis=(0, 1, 3)))
        times: Floats = np.asarray((used + 0.5) * STEP - REACH, np.float64)
        counts = counts[:, :, used]
        entries = counts.sum(axis=(1, 2, 3))
        smear = smearing(sums["noise"], counts.sum(axis=(2, 3)))
        fits = fit(counts, times, smear)
        edges = RATIO * np.arange(counts.shape[3] + 1)
        expected = model(fits.values, counts.sum(axis=3), times, smear)
        chi2 = agreement(counts, expected)
        good = fits.converged & (entries >= self.options.least)
        names = tuple(self.detector.planes[number].name for number in self._planes)
        known = {name: fits.values[:, k] for k, name in enumerate(COLUMNS)}
        unsure = {name: fits.errors[:, k] for k, name in enumerate(COLUMNS)}
        made = Made(
            "apv.time",
            names,
            {"t0": "ns", "r0": "-", "a0": "ns"},
            {name: np.where(good, values, np.nan) for name, values in known.items()},
            {name: np.where(good, values, np.nan) for name, values in unsure.items()},
            entries.astype(np.int64),
            np.where(good, chi2, np.nan),
            self._doubts(counts, times, entries, chi2, fits),
            Shapes(
                "second sample over third",
                np.broadcast_to(edges, (len(names), len(edges))),
                counts.sum(axis=(1, 2)),
                np.where(good[:, None], expected.sum(axis=(1, 2)), np.nan),
            ),
            correlations(fits, good),
        )
        width = Made(
            "time of hits",
            names,
            {"sigma": "ns", "background": "-"},
            {"sigma": np.where(good, fits.values[:, SIGMA], np.nan), "background": fits.values[:, FLAT]},
            {"sigma": fits.errors[:, SIGMA], "background": fits.errors[:, FLAT]},
            entries.astype(np.int64),
            np.full(len(names), np.nan),
            ("",) * len(names),
        )
        return Found(
            self.kind, (made, width), tuple(sorted(sums.runs)), sums.read, sums.used, self._remarks(fits, good)
        )

    @staticmethod
    def _remarks(fits: Fits, good: Array) -> tuple[str, ...]:
        if not good.any():
            return ()
        error = np.median(in_time_error(fits)[good])
        together = np.median(np.abs(correlations(fits, good)["r0", "a0"][good]))
        remark = (
            f"The constants together tell the time of a hit at 0 ns to {error:.3f} ns (median of planes); r0 and a0 have a "
            f"correlation of {together:.3f}: use the errors with the correlations beside them. Amplitudes stand in the middle "
            "of what the front end truncates."
        )
        return (remark,)

    def _doubts(self, counts: Floats, times: Floats, entries: Floats, chi2: Floats, fits: Fits) -> tuple[str, ...]:
        doubts = Doubts(len(entries))
        doubts.add(entries == 0, "no strips with a reference time")
        doubts.add(entries < self.options.least, [f"{int(n)} entries are too few" for n in entries])
        by_time = counts.sum(axis=(1, 3))
        total = np.maximum(by_time.sum(axis=1), 1.0)
        mean = by_time @ times / total
        rms = np.sqrt(np.maximum(by_time @ times**2 / total - mean**2, 0.0))
        doubts.add(rms < SPREAD, [f"the reference times are all alike, within {one:.1f} ns" for one in rms])
        doubts.add(~fits.converged, "the fit did not converge")
        vague = fits.errors[:, [R0, A0]] / fits.values[:, [R0, A0]]
        doubts.add(
            vague.max(axis=1) > VAGUE,
            [f"r0 and a0 are known to {one:.0%} and {two:.0%}: only together" for one, two in vague],
        )
        doubts.add(chi2 > 2.0, [f"the fit is bad: chi2 per degree of freedom {one:.1f}" for one in chi2])
        doubts.add(fits.values[:, FLAT] > 0.2, [f"{one:.0%} are out of time" for one in fits.values[:, FLAT]])
        return tuple(doubts.texts)
