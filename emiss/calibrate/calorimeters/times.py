"""Time offsets of all channels and their resolution, relative to the reference counters.

The time of a channel relative to the reference, as it is without any offset, has a peak: a Gaussian on a flat background is
fitted around it. What the reference counters show relative to the trigger is no Gaussian, as the phase of the clock is in
it: their offset is the mean around the median.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.calibrate.calorimeters.cells import Measuring
from emiss.calibrate.frame import Derivation, Doubts, Found, Made, Shapes, Sums
from emiss.calibrate.gaussians import gaussians
from emiss.configs.errors import UserError

if TYPE_CHECKING:
    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Bools, Floats
    from emiss.events.batch import Batch
    from emiss.reco.detector.model import Detector

BIN = 0.2
"""ns."""

AROUND = 400.0
"""ns of histograms on each side of 0."""

REACH = 25.0
"""ns around the median within which a time of a reference counter counts."""

START = 0.5
"""Share of events with a time of the reference below which a run is not fit for it."""


class Times(Derivation):
    """Time offsets, and the rms of times relative to the reference."""

    kind = "times"
    meaning = "starts of in-time pulses (sadc.time) and the rms of times relative to the reference (sadc.resolution)"
    wants = "electrons for what is before and in the ECAL, muons for the rest; both may be given together"
    runs_of = "beam"

    def __init__(self, detector: Detector, options: Any) -> None:
        super().__init__(detector, options)
        self._measure = Measuring(detector)
        self._own = detector.reference > 0

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the constants of a run."""
        self._measure.begin_run(conditions)

    def empty(self, learned: Any) -> Sums:  # noqa: ARG002 - there is no pilot
        """Return empty histograms of the time, in whole samples where the reference has none."""
        shape = (len(self.detector.channels), round(2 * AROUND / BIN))
        return Sums({"time": np.zeros(shape, np.int64), "started": np.zeros(1, np.int64)})

    def add(self, batch: Batch, sums: Sums, learned: Any) -> None:  # noqa: ARG002 - there is no pilot
        """Add the pulses of a batch."""
        pulses = self._measure(batch)
        sums["started"][0] += len(np.unique(pulses.event[self._own[pulses.channel]]))
        good = pulses.good & np.isfinite(pulses.time)
        place = np.floor((pulses.time[good] + AROUND) / BIN).astype(np.int64)
        inside = (place >= 0) & (place < sums["time"].shape[1])
        np.add.at(sums["time"], (pulses.channel[good][inside], place[inside]), 1)

    def finish(self, sums: Sums, learned: Any) -> Found:  # noqa: ARG002 - there is no pilot
        """Return the tables of offsets and resolutions.

        Raises
        ------
        UserError
            If most events have no pulse in a reference counter.
        """
        started = int(sums["started"][0])
        if started < START * sums.used:
            counters = ", ".join(name for name, own in zip(self.detector.channels, self._own, strict=True) if own)
            raise UserError(
                f"only {started} of {sums.used} events have a pulse in a reference counter ({counters})",
                hint=f"times want {self.wants}",
            )
        counts = sums["time"].astype(np.float64)
        edges = np.arange(counts.shape[1] + 1) * BIN - AROUND
        found = gaussians(counts, edges)
        value, error, sigma, chi2, converged = found.place, found.error, found.sigma, found.chi2, found.converged
        entries = counts.sum(axis=1)
        mean, spread = _trimmed(counts, edges)
        value = np.where(self._own, mean, value)
        error = np.where(self._own, spread / np.sqrt(np.maximum(entries, 1.0)), error)
        chi2 = np.where(self._own, np.nan, chi2)
        good = (entries >= self.options.least) & (converged | self._own)
        # times of others are relative to the reference: what it begins with is added
        weight = self.detector.reference
        zero = float((weight * np.where(self._own, value, 0.0)).sum() / weight.sum())
        offset = np.where(good, np.where(self._own, value, value + zero), np.nan)
        wanted = self.channels_of(list(self.detector.read_out))
        rows = np.flatnonzero(wanted)
        names = tuple(self.detector.channels[row] for row in rows)
        texts = self._doubts(counts, entries, converged, chi2, sigma)
        shapes = Shapes(
            "time relative to the reference [ns]",
            np.broadcast_to(edges, (len(rows), len(edges))),
            counts[rows],
            found.curve[rows],
        )
        made = Made(
            "sadc.time",
            names,
            {"offset": "ns"},
            {"offset": offset[rows]},
            {"offset": np.where(good, error, np.nan)[rows]},
            entries[rows].astype(np.int64),
            chi2[rows],
            tuple(texts[row] for row in rows),
            shapes,
        )
        others = np.flatnonzero(wanted & ~self._own & good)
        resolution = Made(
            "sadc.resolution",
            tuple(self.detector.channels[row] for row in others),
            {"sigma": "ns"},
            {"sigma": sigma[others]},
            {"sigma": found.sigma_error[others]},
            entries[others].astype(np.int64),
            chi2[others],
            ("",) * len(others),
        )
        own = np.where(self._own & good, error, 0.0)
        shared = float(np.sqrt(((weight * own) ** 2).sum()) / weight.sum())
        remark = (
            f"The mean of the reference is at {zero:.3f} +- {shared:.3f} ns. All other offsets contain it; their "
            "errors, of times relative to the reference, do not."
        )
        return Found(self.kind, (made, resolution), tuple(sorted(sums.runs)), sums.read, sums.used, (remark,))

    def _doubts(
        self, counts: Floats, entries: Floats, converged: Bools, chi2: Floats, sigma: Floats
    ) -> tuple[str, ...]:
        doubts = Doubts(len(entries))
        doubts.add(entries == 0, "dead or not hit: no pulse")
        doubts.add(entries < self.options.least, [f"{int(n)} pulses are too few" for n in entries])
        doubts.add(~converged & ~self._own, "the fit did not converge")
        peak = counts.max(axis=1)
        doubts.add((peak < 5) & (entries >= self.options.least), "no peak")
        doubts.add(chi2 > 5.0, [f"the fit is bad: chi2 per degree of freedom {one:.1f}" for one in chi2])
        good = converged & ~self._own & (entries >= self.options.least)
        if good.any():
            wide = sigma > 4.0 * np.median(sigma[good])
            doubts.add(wide & good, [f"wide: {one:.2f} ns" for one in sigma])
        return tuple(doubts.texts)


def _trimmed(counts: Floats, edges: Floats) -> tuple[Floats, Floats]:
    """Return mean and rms of what is within `REACH` of the median."""
    middle = 0.5 * (edges[1:] + edges[:-1])
    half = 0.5 * counts.sum(axis=1, keepdims=True)
    median = middle[(np.cumsum(counts, axis=1) >= half).argmax(axis=1)]
    mean, spread = median, np.zeros(len(median))
    for _ in range(2):
        near = np.where(np.abs(middle - mean[:, None]) < REACH, counts, 0.0)
        total = np.maximum(near.sum(axis=1), 1e-9)
        mean = (near * middle).sum(axis=1) / total
        spread = np.sqrt((near * (middle - mean[:, None]) ** 2).sum(axis=1) / total)
    return mean, spread
