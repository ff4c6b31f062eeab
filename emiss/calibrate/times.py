"""Time offsets of all channels and their resolution, relative to the reference counters.

The time of a channel relative to the reference, as it is without any offset, has a peak: a Gaussian on a flat background is
fitted around it. What the reference counters show relative to the trigger is no Gaussian, as the phase of the clock is in
it: their offset is the mean around the median.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from emiss.calibrate.cells import Measuring
from emiss.calibrate.frame import Derivation, Doubts, Found, Made, Shapes, Sums
from emiss.calibrate.likelihood import cropped, fit_many
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

FIT = 4.0
"""Of a fit on each side of the peak, in its rms."""

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


class Gaussians(NamedTuple):
    """Gaussians on a flat background; arrays of shape (C,), `curve` of shape (C, B) is NaN outside the fit."""

    place: Floats
    error: Floats
    sigma: Floats
    sigma_error: Floats
    chi2: Floats
    curve: Floats
    converged: Bools


def gaussians(counts: Floats, edges: Floats) -> Gaussians:
    """Fit the highest peaks of histograms (C, B); errors grow with chi2 where it is above 1."""
    from scipy.special import ndtr

    centre, rms = peaks(counts, edges)
    middle = 0.5 * (edges[1:] + edges[:-1])
    step = float(edges[1] - edges[0])
    used = np.abs(middle - centre[:, None]) < np.maximum(FIT * rms, 10.0 * step)[:, None]
    bins = cropped(used)
    inside, chosen = np.take_along_axis(counts, bins, axis=1), np.take_along_axis(used, bins, axis=1)
    at = edges[np.column_stack([bins, bins[:, -1] + 1])]
    seen = np.where(chosen, inside, 0.0).sum(axis=1)

    def model(values: Floats) -> Floats:
        number, mean, width, flat = values.T[:, :, None]
        return np.asarray(number * np.diff(ndtr((at - mean) / width), axis=1) + flat)

    start = np.column_stack([0.95 * seen, centre, rms, 0.01 * seen / np.maximum(used.sum(axis=1), 1)])
    steps = np.column_stack([1e-3 * seen + 1e-3, 1e-3 * rms, 1e-3 * rms, 1e-4 * seen + 1e-4])
    low = np.column_stack([0.2 * seen, centre - 3.0 * rms, 0.1 * rms, np.zeros(len(rms))])
    high = np.column_stack([2.0 * seen + 1.0, centre + 3.0 * rms, 5.0 * rms, seen + 1.0])
    fits = fit_many(model, inside, start, steps, low, high, chosen)
    each = fits.deviance / np.maximum(fits.freedom, 1)
    errors = fits.errors * np.sqrt(np.maximum(each, 1.0))[:, None]
    curve = np.full(counts.shape, np.nan)
    np.put_along_axis(curve, bins, np.where(chosen & fits.converged[:, None], model(fits.values), np.nan), axis=1)
    return Gaussians(
        fits.values[:, 1],
        errors[:, 1],
        fits.values[:, 2],
        errors[:, 2],
        np.where(fits.converged, each, np.nan),
        curve,
        fits.converged,
    )


def peaks(counts: Floats, edges: Floats) -> tuple[Floats, Floats]:
    """Return place and about the rms of the highest peak in histograms (C, B): the rms of what is near, twice over."""
    from scipy.ndimage import gaussian_filter1d

    middle = 0.5 * (edges[1:] + edges[:-1])
    centre = middle[gaussian_filter1d(counts, 5.0, axis=1).argmax(axis=1)]
    step = float(edges[1] - edges[0])
    rms = np.full(len(counts), 20.0 * step)
    for _ in range(4):
        near = np.where(np.abs(middle - centre[:, None]) < np.maximum(2.5 * rms, 4.0 * step)[:, None], counts, 0.0)
        total = np.maximum(near.sum(axis=1), 1e-9)
        centre = np.where(near.any(axis=1), (near * middle).sum(axis=1) / total, centre)
        rms = np.sqrt(np.maximum((near * (middle - centre[:, None]) ** 2).sum(axis=1) / total, (0.5 * step) ** 2))
    return centre, 1.1 * rms


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
