"""Scales of modules from their spectra: where energies begin to look like those of simulated hits of the same kind of run.

In the logarithm a scale is a shift. The charges of each channel are counted in bins that hold equal shares of the simulated
spectrum; their number follows its integral, shifted: a binned extended likelihood of two parameters, number and gain. Neither
a peak nor a particle of known energy in each cell is needed: synchrotron light in the SRD, showers that begin in the WCAL or
spread over cells of hadron calorimeters. What is seen is what the simulation knows: its spectrum has to be right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.calibrate.calorimeters.cells import Measuring, area, smallest
from emiss.calibrate.frame import Derivation, Doubts, Found, Made, Shapes, Sums
from emiss.calibrate.likelihood import fit_many
from emiss.configs.errors import UserError
from emiss.reco.detector.boards import by_channel
from emiss.reco.parts.modules import Modules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emiss.calib.conditions import RunConditions
    from emiss.calibrate.likelihood import Fits
    from emiss.configs.arrays import Array, Bools, Floats
    from emiss.events.batch import Batch
    from emiss.reco.detector.boards import Board
    from emiss.reco.detector.model import Detector

BIN, BINS = 0.002, 10_000
"""Width of the bins of the logarithm of the charge in ADC, from 0 on, and their number."""

UNIT = 1e-6
"""GeV: simulated energies are counted in it, as charges are in ADC."""

SHARES = 60
"""Bins of a fit, with equal shares of the simulated spectrum."""

FILLED = 20.0
"""Entries that a bin should have, of the simulated spectrum and of the one that was found."""

ABOVE, LOUD = 2.0, 3.0
"""Thresholds of the part, and smallest pulses, from which on a spectrum is looked at: below noise and suppression decide."""

FULL = 0.97
"""Of the charge of full scale, up to which a spectrum is looked at: what is saturated is left out."""

FAR, SCAN = 0.8, 161
"""Of the logarithm of a gain: how far from the one that there was it is looked for, and in how many steps."""

SMOOTH = 0.08
"""Of its half width: what a simulated spectrum is smoothed with, so that its statistics show no features."""

ALIKE = 2.0
"""Factor by which the share of events with energy in a module may differ from the simulated one, for a run of its kind."""

NUMBER, GAIN = range(2)


class Spectra(Derivation):
    """Gains from the shapes of spectra."""

    kind = "spectrum"
    meaning = "gains from the shape of spectra, against simulated hits (sadc.gain): SRD; WCAL, HCAL, VHCAL with --part"
    wants = "the particles that the simulated hits are of: electrons for SRD and WCAL"

    def __init__(self, detector: Detector, options: Any) -> None:
        super().__init__(detector, options)
        self._measure = Measuring(detector)
        without = [name for name, part in detector.of_kind(Modules).items() if part.mip is None]
        self._wanted = self.channels_of(list(detector.read_out) if options.parts else without)
        if not self._wanted.any():
            raise UserError(
                f"the set-up {detector.name} has no modules without a MIP scale",
                hint="name the parts whose spectra are to be looked at: '--part wcal'",
            )
        if options.simulated is None:
            raise UserError(
                f"{self.kind} is derived against simulated hits of the same kind of run",
                hint=f"'emiss simulate calib_electron --detector {detector.name} --out hits.root' makes some for --simulated",
            )
        self._low = ABOVE * np.concatenate(
            [np.full(len(part.channels()), part.threshold) for part in detector.read_out.values()]
        )
        self._area, self._full, self._seen = (by_channel(detector.boards, one) for one in (area, _full, smallest))
        self._window = np.ones((len(detector.channels), 2))
        self._before = np.ones(len(detector.channels))
        self._template = np.zeros((len(detector.channels), BINS))
        self._simulated = 0

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the constants of a run."""
        self._measure.begin_run(conditions)
        names = self.detector.channels
        self._before = conditions.get("sadc.gain", names)["gain"]
        level = conditions.get("sadc.pedestal", names)
        room = self._full - np.maximum(level["even"], level["odd"])
        seen = LOUD * self._seen * level["sigma"]
        self._window = np.column_stack([seen, np.maximum(FULL * room * self._area, 2.0 * seen)])

    def refer(self, batches: Iterable[Batch]) -> None:
        """Take the spectra of simulated hits."""
        for batch in batches:
            hits = batch.cells
            assert hits is not None  # noqa: S101 - who asks has looked
            self._simulated += len(batch)
            _count(self._template, hits["channel"].astype(np.int64), hits["energy"] / UNIT)

    def empty(self, learned: Any) -> Sums:  # noqa: ARG002 - there is no pilot
        """Return empty histograms of the charge, and sums of the gains that there were."""
        channels = len(self.detector.channels)
        return Sums(
            {
                "charge": np.zeros((int(self._wanted.sum()), BINS), np.int32),
                "gain": np.zeros(channels),
                "window": np.zeros((channels, 2)),
                "batches": np.zeros(1),
            }
        )

    def add(self, batch: Batch, sums: Sums, learned: Any) -> None:  # noqa: ARG002 - there is no pilot
        """Add the pulses of a batch."""
        pulses = self._measure(batch)
        rows = np.flatnonzero(self._wanted[pulses.channel] & pulses.good)
        place = np.cumsum(self._wanted) - 1
        _count(sums["charge"], place[pulses.channel[rows]], pulses.charge[rows])
        sums["gain"] += np.log(self._before / UNIT)
        sums["window"] += np.log(self._window)
        sums["batches"] += 1.0

    def finish(self, sums: Sums, learned: Any) -> Found:  # noqa: ARG002 - there is no pilot
        """Return the table of gains.

        Raises
        ------
        UserError
            If most modules see something else than the simulated ones.
        """
        rows = np.flatnonzero(self._wanted)
        counts, template = sums["charge"].astype(np.float64), self._template[rows]
        batches = max(float(sums["batches"][0]), 1.0)
        before, (seen, top) = sums["gain"][rows] / batches, sums["window"][rows].T / batches
        low = np.log(self._low[rows] / UNIT)
        below = integrals(template)
        start = scanned(counts, below, before, np.maximum(low - before + FAR, seen), top)
        edges = equal_shares(below, start, np.maximum(low - start, seen), top, counts)
        found = between(counts, edges)
        fits = self._fitted(found, below, edges, start)
        entries, simulated = found.sum(axis=1), _inside(below, edges, start)
        self._refuse_others(rows, entries, simulated, sums)
        good = fits.converged & (entries >= self.options.least) & (simulated >= self.options.least)
        gain = UNIT * np.exp(fits.values[:, GAIN])
        # the simulated spectrum has errors, too
        more = np.sqrt(1.0 + np.divide(entries, simulated, out=np.zeros(len(rows)), where=simulated > 0))
        chi2 = np.where(good, fits.deviance / more**2 / np.maximum(fits.freedom, 1), np.nan)
        wider = np.sqrt(np.maximum(np.nan_to_num(chi2, nan=1.0), 1.0))
        width = np.maximum(np.diff(edges, axis=1), 1e-9)
        curve = np.where(good[:, None], expected(below, edges, fits.values) / width, np.nan)
        made = Made(
            "sadc.gain",
            tuple(self.detector.channels[row] for row in rows),
            {"gain": "MeV"},
            {"gain": np.where(good, 1e3 * gain, np.nan)},
            {"gain": np.where(good, 1e3 * gain * fits.errors[:, GAIN] * more * wider, np.nan)},
            entries.astype(np.int64),
            chi2,
            self._doubts(entries, simulated, sums.used, chi2, fits, before),
            Shapes("logarithm of the charge [ADC], entries by its width", edges, found / width, curve),
        )
        remark = (
            f"Spectra of {self._simulated} simulated events, from {ABOVE:g} thresholds of each part, and above the noise, to "
            f"{FULL:.0%} of full scale; errors contain theirs, and grow with chi2."
        )
        return Found(self.kind, (made,), tuple(sorted(sums.runs)), sums.read, sums.used, (remark,))

    @staticmethod
    def _fitted(found: Floats, below: Floats, edges: Floats, start: Floats) -> Fits:
        seen = found.sum(axis=1)
        values = np.column_stack([seen, start])
        values[:, NUMBER] *= seen / np.maximum(expected(below, edges, values).sum(axis=1), 1e-9)
        steps = np.column_stack([1e-3 * seen + 1e-3, np.full(len(seen), 0.5 * BIN)])
        low = np.column_stack([0.01 * values[:, NUMBER], start - 0.3])
        high = np.column_stack([100.0 * values[:, NUMBER] + 1.0, start + 0.3])
        return fit_many(lambda one: expected(below, edges, one), found, values, steps, low, high, np.diff(edges) > 0)

    def _refuse_others(self, rows: Array, entries: Floats, simulated: Floats, sums: Sums) -> None:
        known = simulated >= self.options.least
        if not known.any():
            raise UserError(
                f"the simulated hits have less than {self.options.least} entries in each of the modules",
                hint=f"{self.kind} wants {self.wants}",
            )
        ratio = (entries / max(sums.used, 1) / (simulated / self._simulated).clip(1e-12))[known]
        if np.median(ratio) < 1.0 / ALIKE or np.median(ratio) > ALIKE:
            names = sorted({self.detector.channels[row].partition(".")[0] for row in rows})
            raise UserError(
                f"run {', '.join(map(str, sorted(sums.runs)))} is none of the simulated particles: energies in "
                f"{', '.join(names[:6])} are {np.median(ratio):.2g} times as frequent",
                hint=f"{self.kind} wants {self.wants}",
            )

    def _doubts(
        self, entries: Floats, simulated: Floats, events: int, chi2: Floats, fits: Fits, before: Floats
    ) -> tuple[str, ...]:
        doubts = Doubts(len(entries))
        doubts.add(entries == 0, "dead or not hit: no pulse")
        doubts.add(entries < self.options.least, [f"{int(n)} entries are too few" for n in entries])
        doubts.add(simulated < self.options.least, [f"{int(n)} simulated entries are too few" for n in simulated])
        doubts.add(~fits.converged, "the fit did not converge")
        moved = fits.values[:, GAIN] - before
        doubts.add(np.abs(moved) > FAR - 0.1, "its gain is at the end of where it was looked for")
        bad = chi2 > 2.0 + 0.001 * entries / SHARES
        doubts.add(bad, [f"the spectra differ: chi2 per degree of freedom {one:.1f}" for one in chi2])
        seen, wanted = entries / max(events, 1), simulated / max(self._simulated, 1)
        other: Bools = (np.abs(seen / wanted.clip(1e-12) - 1.0) > 0.3) & (entries > 0)
        shares = [
            f"{one:.1%} of the events and {two:.1%} of the simulated" for one, two in zip(seen, wanted, strict=True)
        ]
        doubts.add(other, [f"{one} have a pulse there" for one in shares])
        return tuple(doubts.texts)


def _full(board: Board) -> float:
    return float(board.digitiser.full_scale)


def _count(counts: Array, channel: Array, values: Floats) -> None:
    """Count the logarithm of values above 1."""
    some = values > 1.0
    place = np.minimum((np.log(values[some]) / BIN).astype(np.int64), BINS - 1)
    np.add.at(counts, (channel[some], place), 1)


def integrals(template: Floats) -> Floats:
    """Return the integrals of spectra up to the edges of bins, smoothed, shape (C, BINS + 1)."""
    from scipy.ndimage import gaussian_filter1d

    below = np.cumsum(template, axis=1)
    for row in range(len(template)):
        first, last = np.searchsorted(below[row], np.array([0.159, 0.841]) * below[row, -1])
        width = SMOOTH * 0.5 * max(float(last - first), 1.0)
        below[row] = np.cumsum(gaussian_filter1d(template[row], width, mode="constant"))
    return np.concatenate([np.zeros((len(template), 1)), below], axis=1)


def at(below: Floats, place: Floats, step: float = BIN) -> Floats:
    """Return integrals up to edges (C, B + 1), `step` apart from 0 on, at other places (C, E), by cubics between the edges."""
    last = below.shape[1] - 1
    x = np.clip(place / step, 0.0, last)
    k = np.minimum(x.astype(np.int64), last - 1)
    u = x - k
    left, right = np.take_along_axis(below, k, axis=1), np.take_along_axis(below, k + 1, axis=1)
    slope = np.gradient(below, axis=1)
    a, b = np.take_along_axis(slope, k, axis=1), np.take_along_axis(slope, k + 1, axis=1)
    rise = right - left
    return np.asarray(left + u * (a + u * (3.0 * rise - 2.0 * a - b + u * (a + b - 2.0 * rise))))


def expected(below: Floats, edges: Floats, values: Floats) -> Floats:
    """Return the expected counts (C, B) between edges (C, B + 1) of the charge for numbers and gains (C, 2)."""
    total = np.maximum(below[:, -1:], 1e-9)
    return np.asarray(values[:, NUMBER, None] * np.diff(at(below, edges + values[:, GAIN, None]), axis=1) / total)


def scanned(counts: Floats, below: Floats, before: Floats, low: Floats, top: Floats) -> Floats:
    """Return the gains (C,) at which counts and shifted spectra are most alike, in a scan around those before.

    The window from `low` to `top` is one of charges, the same at all gains.
    """
    coarse = 8
    first = BIN * coarse * np.ceil(low / BIN / coarse)
    width = BIN * coarse
    number = int(np.ceil((top - first).max(initial=width) / width))
    edges = np.minimum(first[:, None] + width * np.arange(number + 1), np.maximum(top, first)[:, None])
    found = between(counts, edges)
    seen = found.sum(axis=1, keepdims=True)
    best, least = before.copy(), np.full(len(before), np.inf)
    for shift in np.linspace(-FAR, FAR, SCAN):
        share = np.diff(at(below, edges + (before + shift)[:, None]), axis=1)
        share = np.maximum(share, 1e-4 * share.max(axis=1, keepdims=True) + 1e-9)
        unlike = -(found * np.log(share * seen / share.sum(axis=1, keepdims=True) + 1e-12)).sum(axis=1)
        better = unlike < least
        best, least = np.where(better, before + shift, best), np.where(better, unlike, least)
    return best


def equal_shares(below: Floats, gain: Floats, low: Floats, top: Floats, counts: Floats) -> Floats:
    """Return edges (C, SHARES + 1) of the logarithm of the charge, at edges of its bins, of equal shares of the spectrum.

    The window from `low` to `top` is one of charges.
    Spectra with few entries have fewer bins: several edges are at the same place then.
    """
    edges = np.empty((len(gain), SHARES + 1))
    fine = BIN * np.arange(below.shape[1])
    for row in range(len(gain)):
        first, last = low[row] + gain[row], max(top[row], low[row]) + gain[row]
        a, b = np.interp((first, last), fine, below[row])
        here = counts[row][(fine[:-1] > first - gain[row]) & (fine[:-1] < top[row])].sum()
        some = int(np.clip(min(b - a, here) / FILLED, 4, SHARES))
        shares = np.minimum(np.arange(SHARES + 1) / some, 1.0)
        at_share = np.interp(a + (b - a) * shares, below[row] + 1e-9 * np.arange(below.shape[1]), fine)
        at_share[0], at_share[some:] = first, last
        edges[row] = BIN * np.round((at_share - gain[row]) / BIN)
    return np.maximum.accumulate(np.clip(edges, 0.0, BIN * (below.shape[1] - 1)), axis=1)


def between(counts: Floats, edges: Floats) -> Floats:
    """Return counts (C, B) between edges (C, B + 1) at edges of bins."""
    below = np.concatenate([np.zeros((len(counts), 1)), np.cumsum(counts, axis=1)], axis=1)
    place = np.clip(np.round(edges / BIN).astype(np.int64), 0, counts.shape[1])
    return np.asarray(np.diff(np.take_along_axis(below, place, axis=1), axis=1))


def _inside(below: Floats, edges: Floats, gain: Floats) -> Floats:
    """Return how many simulated entries are in the window of the fit, shape (C,)."""
    ends = at(below, edges[:, [0, -1]] + gain[:, None])
    return np.asarray(ends[:, 1] - ends[:, 0])
