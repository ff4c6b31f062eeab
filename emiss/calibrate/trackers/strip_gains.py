"""Gain and noise of the read-out channels of strips, from what their front end has left.

Beam runs are suppressed by the front end: pedestals and noise are not in them. Gains are: amplitudes far above the noise
have the same spectrum in all channels of a plane but for the gain, which is a shift of the logarithm against the spectrum of
the whole plane, fitted for all channels at once. That spectrum is the sum of all with the shifts that were found, a few times
over. No gain depends on what the neighbours see, be they dead. What all channels of a plane share no spectrum tells: their
mean stays.

Runs with all channels in each event (latch-all) tell pedestals and noise: a Gaussian in the histogram of each channel, after
the common mode, the median of a plane in an event, is taken away. Where the front end has subtracted pedestals, what is below
0 is cut off, and the part of the Gaussian above tells its width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.calibrate.frame import Derivation, Doubts, Found, Made, Shapes, Sums
from emiss.calibrate.trackers.strip_digits import Strips
from emiss.calibrate.trackers.strip_noise import NEAR, gaussians, medians, steps_of
from emiss.calibrate.trackers.strip_shifts import BINS, STEP, Shifted, shifts
from emiss.configs.errors import UserError
from emiss.reco.tracking.strips import THRESHOLD

if TYPE_CHECKING:
    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Array
    from emiss.events.batch import Batch
    from emiss.reco.detector.model import Detector

ABOVE, TOP = 3.0, 900
"""Window of a fit: from so many thresholds of a plane on, and up to so many ADC."""

SHARES = 40
"""Bins of a fit."""

LEVELS = 1024
"""Values of a sample: 10 bits."""

ALL = 0.5
"""Share of the events in which a channel is there, from which on a run is not suppressed: some leave out what is 0."""

CLIPPED = 8
"""ADC: of a channel whose median is below, the front end has subtracted the pedestal."""

HITS = 0.05
"""Strips by plane and event below which a suppressed run has no beam in the trackers."""

FAR = 0.35
"""Change of a gain that is looked at."""

LOUD, STRIPS = 6.0, 3
"""A plane of which so many channels are above so many times their noise has a particle in this event."""


class StripGains(Derivation):
    """Gains and noise of the channels of strips."""

    kind = "apv"
    meaning = "gain of strips from beam runs, noise and pedestals from runs with all channels (apv.gain)"
    wants = "beam particles in the trackers, or random triggers with all channels (latch-all)"
    pilot = 2000

    def __init__(self, detector: Detector, options: Any) -> None:
        super().__init__(detector, options)
        self._strips = Strips(detector, options.parts)
        self._plane = np.full(len(self._strips.channels), -1, np.int64)
        self._plane[self._strips.channel_of] = self._strips.plane_of
        self._gain = self._noise = self._floor = np.ones(0)

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the constants of a run."""
        names = self._strips.channels
        found = conditions.get("apv.gain", names)
        self._gain, self._noise = found["gain"], found["noise"]
        good = conditions.get("apv.status", names)["status"] == 0
        self._floor = np.where(good, THRESHOLD * self._noise, np.inf)

    def empty(self, learned: Any) -> Sums:
        """Return empty histograms of charges at peaks, and of samples where all channels are there."""
        channels = len(self._strips.channels)
        arrays: dict[str, Array] = {"gain": np.zeros(channels), "noise": np.zeros(channels), "batches": np.zeros(1)}
        if learned is None:
            arrays |= {"level": np.zeros((channels, LEVELS), np.int32), "digits": np.zeros(channels, np.int64)}
        if learned is not None and learned["all"]:
            arrays |= {
                "near": np.zeros((channels, 2 * NEAR), np.int32),
                "common": np.zeros((len(self._strips.planes), 3)),
                "quiet": np.zeros(len(self._strips.planes), np.int64),
            }
        else:
            arrays |= {"charge": np.zeros((channels, BINS), np.int32)}
        return Sums(arrays)

    def add(self, batch: Batch, sums: Sums, learned: Any) -> None:
        """Add the strips of a batch."""
        sums["gain"] += self._gain
        sums["noise"] += self._noise
        sums["batches"] += 1.0
        if learned is None:
            _, channel, first, _ = self._strips.first_samples(batch)
            sums["digits"] += np.bincount(channel, minlength=len(sums["digits"]))
            np.add.at(sums["level"], (channel, np.clip(first, 0, LEVELS - 1)), 1)
        if learned is not None and learned["all"]:
            self._add_quiet(batch, sums, learned)
            return
        lit = self._strips(batch, self._floor)
        place = np.clip(lit.samples[:, 2] // STEP, 0, BINS - 1)
        np.add.at(sums["charge"], (lit.channel, place), 1)

    def _add_quiet(self, batch: Batch, sums: Sums, learned: Any) -> None:
        """Add the first samples of all channels, without the common mode of their plane, where no particle is in it."""
        event, channel, first, height = self._strips.first_samples(batch)
        planes, level = len(self._strips.planes), learned["level"][channel]
        key = event * planes + self._plane[channel]
        high = height - level > LOUD * self._noise[channel]
        quiet = np.bincount(key[high], minlength=len(batch) * planes) < STRIPS
        sums["quiet"] += quiet.reshape(len(batch), planes).sum(axis=0)
        rows = np.flatnonzero(quiet[key])
        channel, key, away = channel[rows], key[rows], (first - level)[rows]
        common = medians(away, key, len(batch) * planes)
        common[np.tile(learned["clipped"], len(batch))] = 0.0
        place = np.floor(away - common[key] + 0.5).astype(np.int64) + NEAR
        inside = (place >= 0) & (place < 2 * NEAR)
        np.add.at(sums["near"], (channel[inside], place[inside]), 1)
        there = np.unique(key)
        by_plane = there % len(self._strips.planes)
        for power in range(3):
            sums["common"][:, power] += np.bincount(by_plane, common[there] ** power, len(self._strips.planes))

    def learn(self, sums: Sums) -> dict[str, Any]:
        """Return whether all channels are there in each event, and at which level they are."""
        own = self._strips.own
        below = np.cumsum(sums["level"], axis=1)
        level = (below > 0.5 * below[:, -1:]).argmax(axis=1).astype(np.float64)
        planes = range(len(self._strips.planes))
        clipped = np.array([np.median(level[self._plane == plane]) < CLIPPED for plane in planes], bool)
        level[np.isin(self._plane, np.flatnonzero(clipped))] = 0.0
        return {
            "all": bool(np.median(sums["digits"][own]) > ALL * max(sums.used, 1)), "level": level, "clipped": clipped
        }  # fmt: skip

    def _refuse_empty(self, sums: Sums) -> None:
        own = self._strips.own
        first = int(ABOVE * THRESHOLD * np.median(sums["noise"][own]) / max(float(sums["batches"][0]), 1.0)) // STEP
        strips = np.bincount(self._plane[own], sums["charge"][own, first:].sum(axis=1))
        if strips.max(initial=0) < max(HITS * sums.used, 1.0):
            raise UserError(
                f"run {', '.join(map(str, sorted(sums.runs)))} has no beam in the trackers, and not all channels: at most "
                f"{int(strips.max(initial=0))} strips in a plane in {sums.used} events",
                hint=f"{self.kind} wants {self.wants}",
            )

    def _shifted(self, sums: Sums) -> Shifted:
        """Return what is found for all channels of the detector; the shift is 0 where nothing is."""
        size, batches = len(self._plane), max(float(sums["batches"][0]), 1.0)
        own = self._strips.own
        before, noise = sums["gain"] / batches, float(np.median(sums["noise"][own])) / batches
        spaced = np.geomspace(max(ABOVE * THRESHOLD * noise, 8.0), TOP, SHARES + 1) / STEP
        cuts = np.unique(np.round(spaced).astype(np.int64))
        counts = np.add.reduceat(sums["charge"].astype(np.float64), cuts, axis=1)[:, :-1]
        made = Shifted(
            np.zeros(size), np.full(size, np.nan), np.full(size, np.nan), counts, np.full(counts.shape, np.nan), cuts
        )
        for plane in range(len(self._strips.planes)):
            rows = np.flatnonzero((self._plane == plane) & (counts.sum(axis=1) >= self.options.least))
            found = shifts(sums["charge"][rows].astype(np.float64), np.log(before[rows]), cuts)
            for values, new in zip(made[:-1], found[:-1], strict=True):
                values[rows] = new
        return made

    def finish(self, sums: Sums, learned: Any) -> Found:
        """Return the table of gains and noise."""
        return self._noises(sums, learned) if learned["all"] else self._gains(sums)

    def _gains(self, sums: Sums) -> Found:
        self._refuse_empty(sums)
        own = self._strips.own
        found = self._shifted(sums)
        shift, error, chi2, counts, curve = (one[own] for one in found[:-1])
        cuts, entries = found.cuts, counts.sum(axis=1)
        batches = max(float(sums["batches"][0]), 1.0)
        before, noise = (sums[name][own] / batches for name in ("gain", "noise"))
        gain = before * np.exp(shift)
        good = np.isfinite(error)
        # the gains of a plane keep the mean that they had
        for plane in range(len(self._strips.planes)):
            rows = good & (self._plane[own] == plane)
            if rows.any():
                gain[rows] *= np.exp(np.mean(np.log(before[rows] / gain[rows])))
        doubts = Doubts(len(own))
        doubts.add(entries == 0, "dead or not hit: never lit")
        doubts.add(~good & (entries < self.options.least), [f"{int(n)} strips are too few" for n in entries])
        doubts.add(~good, "the fit did not converge")
        doubts.add(
            np.abs(gain / before - 1.0) > FAR, [f"the gain has changed by {one - 1.0:+.0%}" for one in gain / before]
        )
        doubts.add(chi2 > 2.5, [f"the spectrum is another one: chi2 per degree of freedom {one:.1f}" for one in chi2])
        edges = np.broadcast_to(STEP * cuts.astype(np.float64), (len(own), len(cuts)))
        width = np.diff(edges, axis=1)
        made = Made(
            "apv.gain",
            tuple(self._strips.channels[row] for row in own),
            {"gain": "-", "noise": "ADC"},
            {"gain": np.where(good, gain, np.nan), "noise": noise},
            {"gain": np.where(good, gain * error, np.nan), "noise": np.full(len(own), np.nan)},
            entries.astype(np.int64),
            chi2,
            tuple(doubts.texts),
            Shapes("third sample [ADC], entries by its width", edges, counts / width, curve / width),
        )
        remark = (
            "Gains are relative to the others of a plane, whose mean stays as it was. The front end has suppressed the rest: "
            "the noise is what it was: runs with all channels tell it."
        )
        return Found(self.kind, (made,), tuple(sorted(sums.runs)), sums.read, sums.used, (remark,))

    def _noises(self, sums: Sums, learned: Any) -> Found:
        own = self._strips.own
        counts = sums["near"][own].astype(np.float64)
        clipped = learned["clipped"][self._plane[own]]
        quiet = sums["quiet"][self._plane[own]]
        counts[:, NEAR] += np.where(clipped, np.maximum(quiet - counts.sum(axis=1), 0.0), 0.0)  # left out as 0
        steps = steps_of(counts, clipped)
        fits = gaussians(counts, steps, clipped)
        entries = counts.sum(axis=1)
        good = fits.converged & (entries >= self.options.least)
        batches = max(float(sums["batches"][0]), 1.0)
        gain = sums["gain"][own] / batches
        chi2 = np.where(good, fits.deviance / np.maximum(fits.freedom, 1), np.nan)
        noise, error = (np.where(good, one[:, 2], np.nan) for one in (fits.values, fits.errors))
        names = tuple(self._strips.channels[row] for row in own)
        doubts = Doubts(len(own))
        doubts.add(entries == 0, "no samples")
        doubts.add(entries < self.options.least, [f"{int(n)} samples are too few" for n in entries])
        doubts.add(~fits.converged, "the fit did not converge")
        middle = np.nanmedian(noise) if good.any() else np.nan
        doubts.add(good & (noise > 3.0 * middle), [f"noisy: {one:.1f} ADC" for one in noise])
        doubts.add(good & (noise < middle / 3.0), [f"quiet, is it connected? {one:.2f} ADC" for one in noise])
        made = Made(
            "apv.gain",
            names,
            {"gain": "-", "noise": "ADC"},
            {"gain": gain, "noise": noise},
            {"gain": np.full(len(own), np.nan), "noise": error},
            entries.astype(np.int64),
            chi2,
            tuple(doubts.texts),
        )
        level = np.where(good & ~clipped, learned["level"][own] + fits.values[:, 1], np.nan)
        pedestal = Made(
            "pedestals of strips",
            names,
            {"pedestal": "ADC"},
            {"pedestal": level},
            {"pedestal": np.where(np.isfinite(level), fits.errors[:, 1], np.nan)},
            entries.astype(np.int64),
            chi2,
            ("",) * len(own),
        )
        number, total, square = np.maximum(sums["common"], 1e-9).T
        rms = np.sqrt(np.maximum(square / number - (total / number) ** 2, 0.0))
        common = Made(
            "common mode",
            tuple(self.detector.planes[number].name for number in self._strips.planes),
            {"rms": "ADC"},
            {"rms": np.where(learned["clipped"], np.nan, rms)},
            {"rms": rms / np.sqrt(2.0 * number)},
            number.astype(np.int64),
            np.full(len(rms), np.nan),
            ("",) * len(rms),
        )
        remark = (
            "All channels are there in each event: noise without the common mode of a plane, which is in a table of the page "
            "beside pedestals. Gains are what they were: a beam tells them."
        )
        return Found(self.kind, (made, pedestal, common), tuple(sorted(sums.runs)), sums.read, sums.used, (remark,))
