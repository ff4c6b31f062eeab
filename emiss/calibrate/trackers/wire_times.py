"""When the times of wires that TDCs read begin: t0 of straws from the spectrum of drift times, of fibres from their peak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from emiss.calibrate.frame import Derivation, Doubts, Found, Made, Shapes, Sums
from emiss.calibrate.gaussians import gaussians
from emiss.calibrate.likelihood import coarser, pearson
from emiss.calibrate.trackers.drift_times import begins, model_of, near, spectrum
from emiss.calibrate.trackers.wires import Wires
from emiss.configs.errors import UserError

if TYPE_CHECKING:
    from emiss.configs.arrays import Bools, Floats
    from emiss.events.batch import Batch
    from emiss.reco.detector.model import Detector

STEP, HALF = 1.0, 500
"""Bins of about so many ns, a whole number of counts, and so many on each side of where the set-up says that the trigger is."""

BAD = 5.0
"""chi2 per degree of freedom above which a fit is looked at."""

ENOUGH = 100
"""Hits below which errors of starts are too small: the edge of a spectrum may be taken for another part of it."""

COARSE = 4
"""Bins that chi2 takes together: a wire has few hits."""

CLEAR = 2.0
"""Hits in the window over those of as long a time before or behind: where there are fewer, nothing begins."""


class _Begun(NamedTuple):
    """When the times of wires begin (ns), errors, chi2 and curves, and whether fits are good."""

    place: Floats
    error: Floats
    chi2: Floats
    curve: Floats
    good: Bools


class WireTimes(Derivation):
    """The time of the trigger in the range of the TDC, wire by wire."""

    kind = "tdc.time"
    meaning = "start of the times of straws and fibres that TDCs read (tdc.time)"
    wants = "beam particles in the straws; the wider the beam, the more wires it tells about"
    runs_of = "beam"

    def __init__(self, detector: Detector, options: Any) -> None:
        super().__init__(detector, options)
        self._wires = Wires(detector, options.parts)
        self._counts = np.maximum(np.rint(STEP / self._wires.bin), 1.0).astype(np.int64)
        self._middle = np.rint(self._wires.start / self._wires.bin).astype(np.int64)

    def empty(self, learned: Any) -> Sums:  # noqa: ARG002 - there is no pilot
        """Return empty histograms of the time."""
        return Sums({"time": np.zeros((len(self._wires.names), 2 * HALF), np.int64)})

    def add(self, batch: Batch, sums: Sums, learned: Any) -> None:  # noqa: ARG002 - there is no pilot
        """Add the hits of a batch."""
        wire, count = self._wires(batch)
        place = (count - self._middle[wire]) // self._counts[wire] + HALF
        inside = (place >= 0) & (place < 2 * HALF)
        np.add.at(sums["time"], (wire[inside], place[inside]), 1)

    def finish(self, sums: Sums, learned: Any) -> Found:  # noqa: ARG002 - there is no pilot
        """Return the table of starts.

        Raises
        ------
        UserError
            If there is no beam in these planes.
        """
        wires = self._wires
        own = wires.own
        counts = sums["time"].astype(np.float64)
        wires.check_beam(counts.sum(axis=1), sums, f"{self.kind} wants {self.wants}")
        # a count is a time that is rounded: a bin begins half a count before
        edges = wires.bin[:, None] * (self._counts[:, None] * np.arange(-HALF, HALF + 1) - 0.5)
        place, error, chi2 = (np.full(len(wires.names), np.nan) for _ in range(3))
        curve = np.full(counts.shape, np.nan)
        entries = counts.sum(axis=1)
        dim = np.zeros(len(place), bool)
        for number in np.unique(wires.plane_of[own]).tolist():
            rows = np.flatnonzero((wires.plane_of == number) & (entries >= self.options.least))
            if len(rows):
                found = self._fitted(number, counts[rows], edges[rows[0]])
                dim[rows] = not _in_time(counts[rows], edges[rows[0]], found.place, wires.planes[number].window)
                good = found.good & ~dim[rows] & (found.error > 0.0)
                for whole, part in ((place, found.place), (error, found.error), (chi2, found.chi2)):
                    whole[rows] = np.where(good, part, np.nan)
                curve[rows] = np.where(good[:, None], found.curve, np.nan)
        good = np.isfinite(place)
        if dim.any() and not good[own].any():
            runs = ", ".join(map(str, sorted(sums.runs)))
            raise UserError(f"hits of run {runs} come at any time", hint=f"{self.kind} wants {self.wants}")
        doubts = self._doubts(entries, good, dim, chi2)
        shapes = Shapes(
            "time since the set-up's start [ns]",
            edges[own],
            counts[own],
            curve[own],
        )
        made = Made(
            "tdc.time",
            tuple(wires.names[number] for number in own),
            {"t0": "ns"},
            {"t0": (place + self._middle * wires.bin)[own]},
            {"t0": error[own]},
            entries[own].astype(np.int64),
            chi2[own],
            tuple(doubts[number] for number in own),
            shapes,
        )
        return Found(self.kind, (made,), tuple(sorted(sums.runs)), sums.read, sums.used)

    def _fitted(self, number: int, counts: Floats, edges: Floats) -> _Begun:
        """Return when the times of wires of a plane begin."""
        plane = self._wires.planes[number]
        if plane.straw is None:
            peak = gaussians(counts, edges)
            return _Begun(peak.place, peak.error, peak.chi2, peak.curve, peak.converged)
        fits = begins(plane, counts, edges)
        place = fits.values[:, 2]
        curve = np.where(near(spectrum(plane), place, edges), model_of(plane, edges)(fits.values), np.nan)
        chi2 = pearson(coarser(counts, COARSE), np.nan_to_num(coarser(curve, COARSE)), fits.values.shape[1])
        return _Begun(place, fits.errors[:, 2], chi2, curve, fits.converged)

    def _doubts(self, entries: Floats, good: Bools, dim: Bools, chi2: Floats) -> list[str]:
        doubts = Doubts(len(entries))
        doubts.add(entries == 0, "dead or not hit: no hit")
        doubts.add(entries < self.options.least, [f"{int(n)} hits are too few" for n in entries])
        few = (entries >= self.options.least) & (entries < ENOUGH) & good
        doubts.add(few, [f"few: {int(n)} hits, the start may be wrong by more than its error" for n in entries])
        doubts.add(dim, "hits of the plane come at any time")
        doubts.add(~good, "the fit did not converge")
        doubts.add(chi2 > BAD, [f"the fit is bad: chi2 per degree of freedom {one:.1f}" for one in chi2])
        return doubts.texts


def _in_time(counts: Floats, edges: Floats, place: Floats, window: tuple[float, float]) -> bool:
    """Return whether wires of a plane have more hits in their window than before or behind, all of them together."""
    since = 0.5 * (edges[1:] + edges[:-1]) - place[:, None]
    first, last = window
    before, inside, behind = (
        np.where((since >= first + away) & (since < last + away), counts, 0.0).sum(axis=1)
        for away in (first - last, 0.0, last - first)
    )
    return bool(inside.sum() > CLEAR * np.maximum(before, behind).sum())
