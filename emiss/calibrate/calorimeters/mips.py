"""The scale of minimum ionizing particles: the most probable charge of muons in each channel, and the gain that follows.

In each event the channel of largest charge of each element counts, so that cells that a muon did not cross, and see what
leaks out of it, stay outside. Histograms are in the logarithm of the charge, so that no channel has to be known before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.calibrate.calorimeters.cells import Measuring, smallest
from emiss.calibrate.frame import Derivation, Doubts, Found, Made, Shapes, Sums
from emiss.calibrate.landau import MODE, expected, fit_landau
from emiss.configs.errors import UserError
from emiss.reco.detector.boards import by_channel
from emiss.reco.parts.counter import Counter
from emiss.reco.parts.grid import Grid
from emiss.reco.parts.modules import Modules
from emiss.reco.parts.panels import Panels

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emiss.calib.conditions import RunConditions
    from emiss.calibrate.likelihood import Fits
    from emiss.configs.arrays import Array, Bools, Floats, Ints
    from emiss.events.batch import Batch
    from emiss.reco.detector.model import Detector

BIN, BINS = 0.015, 1100
"""Width of the bins of the logarithm of the charge in ADC, from 0 on, and their number."""

UNIT = 1e-6
"""GeV: simulated energies are counted in it, as charges are in ADC."""

SMOOTH = 5.0
"""Bins over which a histogram is smoothed before its peak is looked for."""

BEFORE, BEHIND = 1.6, 3.5
"""Half widths of a peak, before it and behind it, that the fit takes."""

SHOWERS = 0.2
"""Of the energy of the beam: a run with more in a calorimeter of cells in half of its events is none of muons."""

WIDE = 0.45
"""Half width of a peak over its place above which it is no peak of single particles."""

CLEAR = 1.2
"""Of the charge of the smallest pulse that is seen: a peak whose rise begins below is no peak."""

BAD_FIT, OFF = 2.0, 0.1
"""chi2 per degree of freedom of a bad fit, and by how much the shape may be off in each bin besides, relative: a module adds up
what many layers saw, which is not quite a Landau."""


def mip_energies(detector: Detector) -> Floats:
    """Return the most probable visible energy of a muon in each channel, GeV; NaN where the set-up says none, shape (C,)."""
    made = np.full(len(detector.channels), np.nan)
    for name, part in detector.read_out.items():
        numbers = detector.part_numbers(name)
        match part:
            case Counter():
                made[numbers] = part.mips()
            case Panels():
                made[numbers] = part.mip
            case Modules() if part.mip is not None:
                for element, one in part.elements.items():
                    made[detector.numbers(element)] = one.mip or part.mip
            case Grid():
                total = sum(layer.radiation_lengths for layer in part.layers.values())
                for element, layer in part.layers.items():
                    made[detector.numbers(element)] = part.mip * layer.radiation_lengths / total
            case _:
                pass
    return made


class Mips(Derivation):
    """Gains from the peak of muons."""

    kind = "mip"
    meaning = "gains from the peak of muons (sadc.gain): counters, panels and modules; other parts with --part"
    wants = "muons"
    runs_of = "muons"

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the constants of a run."""
        self._measure.begin_run(conditions)
        self._gain = conditions.get("sadc.gain", self.detector.channels)["gain"]
        self._seen = self._smallest * conditions.get("sadc.pedestal", self.detector.channels)["sigma"]

    def __init__(self, detector: Detector, options: Any) -> None:
        super().__init__(detector, options)
        self._measure = Measuring(detector)
        self._energy = mip_energies(detector)
        self._known = np.zeros(len(detector.channels))
        self._smallest = by_channel(detector.boards, smallest)
        self._seen = np.zeros(len(detector.channels))
        elements = [name.partition(".")[0] for name in detector.channels]
        names = list(dict.fromkeys(elements))
        self._element = np.array([names.index(name) for name in elements])
        grids = detector.of_kind(Grid)
        self._wanted = self.channels_of([name for name in detector.read_out if name not in grids or options.parts])
        self._wanted &= np.isfinite(self._energy)
        self._grid = np.zeros(len(detector.channels), bool)
        for name in grids:
            self._grid[detector.part_numbers(name)] = True

    def refer(self, batches: Iterable[Batch]) -> None:
        """Take the energies of the peaks from simulated hits."""
        counts = np.zeros((len(self.detector.channels), BINS))
        for batch in batches:
            hits = batch.cells
            assert hits is not None  # noqa: S101 - who asks has looked
            channel = hits["channel"].astype(np.int64)
            self._count(counts, hits.parents, channel, hits["energy"] / UNIT)
        peak, half = peaks(counts)
        used = window(counts, peak, half)
        enough = np.where(used, counts, 0.0).sum(axis=1) >= self.options.least
        fits = fit_landau(np.exp(BIN * np.arange(BINS + 1)), counts, peak, 0.6 * half, used)
        good = fits.converged & enough & self._wanted
        self._energy = np.where(good, UNIT * fits.values[:, MODE], np.nan)
        self._known = fits.errors[:, MODE] / fits.values[:, MODE]

    def _count(self, counts: Array, event: Ints, channel: Ints, charge: Floats) -> None:
        """Count the largest charge of each element in each event."""
        key = event * (self._element.max() + 1) + self._element[channel]
        order = np.lexsort((charge, key))
        last = np.append(np.diff(key[order]) != 0, True) if len(order) else np.empty(0, bool)
        chosen = order[last]
        chosen = chosen[charge[chosen] > 1.0]
        place = np.minimum((np.log(charge[chosen]) / BIN).astype(np.int64), BINS - 1)
        np.add.at(counts, (channel[chosen], place), 1)

    def empty(self, learned: Any) -> Sums:  # noqa: ARG002 - there is no pilot
        """Return empty histograms of the charge."""
        shape = (len(self.detector.channels), BINS)
        return Sums(
            {
                "charge": np.zeros(shape, np.int64),
                "events": np.zeros(2, np.int64),
                "seen": np.zeros(len(self.detector.channels)),
                "batches": np.zeros(1),
            }
        )

    def add(self, batch: Batch, sums: Sums, learned: Any) -> None:  # noqa: ARG002 - there is no pilot
        """Add the pulses of a batch."""
        pulses = self._measure(batch)
        cells = self._grid[pulses.channel]
        energy = np.bincount(
            pulses.event[cells], (pulses.charge * self._gain[pulses.channel])[cells], minlength=len(batch)
        )
        sums["events"] += [len(batch), int((energy > SHOWERS * self.detector.beam.energy).sum())]
        rows = np.flatnonzero(self._wanted[pulses.channel] & pulses.good)
        self._count(sums["charge"], pulses.event[rows], pulses.channel[rows], pulses.charge[rows])
        sums["seen"] += self._seen
        sums["batches"] += 1.0

    def finish(self, sums: Sums, learned: Any) -> Found:  # noqa: ARG002 - there is no pilot
        """Return the table of gains.

        Raises
        ------
        UserError
            If most events have a shower.
        """
        events, showers = sums["events"]
        if showers > 0.5 * events:
            share = showers / max(events, 1)
            raise UserError(
                f"run {', '.join(map(str, sorted(sums.runs)))} is none of muons: {share:.0%} of {events} events have a shower",
                hint=f"{self.kind} wants runs of {self.wants}",
            )
        rows = np.flatnonzero(self._wanted)
        counts = sums["charge"][rows].astype(np.float64)
        edges = np.exp(BIN * np.arange(BINS + 1))
        peak, half = peaks(counts)
        used = window(counts, peak, half)
        entries = np.where(used, counts, 0.0).sum(axis=1)
        fits = fit_landau(edges, counts, peak, 0.6 * half, used)
        mode, error = fits.values[:, MODE], fits.errors[:, MODE]
        hidden = peak - half < CLEAR * sums["seen"][rows] / max(float(sums["batches"][0]), 1.0)
        good = fits.converged & (entries >= self.options.least) & ~hidden
        energy = self._energy[rows]
        if not self._known.any():  # simulated peaks are fitted with the same shape, which is not exact
            error = error * np.sqrt(np.maximum(fits.deviance / np.maximum(fits.freedom, 1), 1.0))
        gain = np.where(good, 1e3 * energy / mode, np.nan)
        chi2 = np.where(good, fits.deviance / np.maximum(fits.freedom, 1), np.nan)
        curve = np.where(used & good[:, None], expected(edges, fits.values), np.nan)
        made = Made(
            "sadc.gain",
            tuple(self.detector.channels[row] for row in rows),
            {"gain": "MeV"},
            {"gain": gain},
            {"gain": np.where(good, gain * np.hypot(error / mode, self._known[rows]), np.nan)},
            entries.astype(np.int64),
            chi2,
            self._doubts(counts, entries, peak, half, hidden, chi2, fits),
            Shapes("charge [ADC]", np.broadcast_to(edges, (len(rows), BINS + 1)), counts, curve),
        )
        return Found(self.kind, (made,), tuple(sorted(sums.runs)), sums.read, sums.used)

    def _doubts(
        self, counts: Floats, entries: Floats, peak: Floats, half: Floats, hidden: Bools, chi2: Floats, fits: Fits
    ) -> tuple[str, ...]:
        doubts = Doubts(len(entries))
        total = counts.sum(axis=1)
        doubts.add(total == 0, "dead: no pulse")
        doubts.add(entries < self.options.least, [f"{int(n)} entries are too few" for n in entries])
        doubts.add(hidden, "muons are not seen: the peak is at the smallest pulse that is")
        doubts.add(~fits.converged, "the fit did not converge")
        doubts.add(half > WIDE * peak, "no peak: it is as wide as its place is high")
        lowest = np.exp(BIN * np.where(total > 0, (counts > 0).argmax(axis=1), 0))
        doubts.add(peak - half < lowest, "the peak is at the threshold")
        bad = chi2 > BAD_FIT + OFF**2 * entries / np.maximum(fits.freedom, 1)
        doubts.add(bad, [f"the fit is bad: chi2 per degree of freedom {one:.1f}" for one in chi2])
        return tuple(doubts.texts)


def peaks(counts: Floats) -> tuple[Floats, Floats]:
    """Return place and half width below it of the highest peak in histograms of the logarithm of the charge, (C,) in ADC."""
    from scipy.ndimage import gaussian_filter1d

    smooth = gaussian_filter1d(counts, SMOOTH, axis=1)
    top = smooth.argmax(axis=1)
    height = np.take_along_axis(smooth, top[:, None], axis=1)
    bins = np.arange(counts.shape[1])
    below = (smooth < 0.5 * height) & (bins < top[:, None])
    last = np.where(below.any(axis=1), counts.shape[1] - 1 - below[:, ::-1].argmax(axis=1), 0)
    place, foot = np.exp(BIN * (top + 0.5)), np.exp(BIN * (last + 0.5))
    return place, np.maximum(place - foot, 2.0 * BIN * place)


def window(counts: Array, peak: Floats, half: Floats) -> Bools:
    """Return the bins that a fit takes, shape (C, B)."""
    middle = np.exp(BIN * (np.arange(counts.shape[1]) + 0.5))
    low, high = np.maximum(peak - BEFORE * half, 0.25 * peak), peak + BEHIND * half
    return np.asarray((middle > low[:, None]) & (middle < high[:, None]))
