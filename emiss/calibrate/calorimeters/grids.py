"""Intercalibration of the cells of a calorimeter and its absolute scale, from electrons over its face.

The energy of the beam is the sum over all cells, of all layers, of gain times charge: regularised least squares over all
events give all gains at once. Events are in classes by their cell of largest energy, each with a target and a variance of
its own, as showers at the edge leak out; targets are those of simulated electrons of the same kind of run where they are
given, or else of electrons that are sent into the calorimeter alone. In a set-up that says nothing of showers they are the
energy of the beam, and events at the edge are left out. What a preshower sees fluctuates with all that is lost, so that least
squares give it the gain of the best resolution; where there are simulated electrons, its gains are such that its mean
energies by class are theirs. Sampling fluctuations of the cells, which would make gains too small, are taken out of the
normal equations (W. A. Fuller, Measurement Error Models, 1987, Sec. 2.2). The scale of all is set by the peak of the sum,
in a second pass.

What cells see that `sadc.status` says are not good is missing in the sums: in those of simulated electrons, too; without these,
showers beside them are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.calibrate.calorimeters.cells import Measuring, smallest
from emiss.calibrate.calorimeters.least_squares import Targets, by_means, solved
from emiss.calibrate.frame import Derivation, Doubts, Found, Made, Shapes, Sums
from emiss.calibrate.gaussians import gaussians
from emiss.configs.errors import UserError
from emiss.events.lists import Lists, offsets_of
from emiss.reco.calorimetry.corrections import GOOD, Corrections
from emiss.reco.detector.boards import by_channel
from emiss.reco.parts.grid import Grid
from emiss.samples.config import Response
from emiss.samples.walk.walking import Walk
from emiss.setups.profiles import shots

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Array, Bools, Floats, Ints
    from emiss.events.batch import Batch
    from emiss.reco.detector.model import Detector

LIGHT = 0.1
"""Relative error from which on a cell is said to be hardly lit, and keeps its gain."""

LEAST, MOST = 0.5, 1.6
"""Of the energy of the beam, with the gains that there are: what is outside is no electron."""

ELECTRONS = 0.5
"""Share of events with that energy below which a run is none of electrons."""

BINS, TOP = 600, 1.5
"""Of histograms of the energy over that of the beam."""

ABOVE = 1.5
"""The energy from which on cells count, over the largest that may not be seen: all cells, and simulated ones, have the same."""

LIT = 0.8
"""Share of the cells around a silent one that have pulses, from which on it looks dead."""

FAR = 0.35
"""Change of a gain that is looked at."""

SUPPOSED, AT_ONCE, SEED = 30_000, 2000, 1729
"""Electrons that are sent into a calorimeter where no simulated hits are given, so many at once."""


def calorimeter_of(detector: Detector, parts: Sequence[str] = ()) -> str:
    """Return the calorimeter of the kind `grid` that is the target, or else the first, among some parts or all.

    Raises
    ------
    UserError
        If there is none.
    """
    grids = [name for name in detector.of_kind(Grid) if not parts or name in parts]
    if not grids:
        raise UserError(f"the set-up {detector.name} has no calorimeter of the kind 'grid'")
    return detector.target if detector.target in grids else grids[0]


class Grids(Derivation):
    """Gains of all cells of a calorimeter of the kind `grid`."""

    kind = "ecal"
    meaning = "gains of all cells of the ECAL, preshower included, and its absolute scale (sadc.gain)"
    wants = "electrons over the face of the calorimeter"
    runs_of = "electrons"
    pilot = 1 << 40  # all: the sums of squares first, then the peak with the gains that follow
    supposes = True
    rounds = 2  # thresholds and classes are those of the gains: once more with those that were found

    def __init__(self, detector: Detector, options: Any) -> None:
        super().__init__(detector, options)
        self._measure = Measuring(detector)
        self._name = calorimeter_of(detector, options.parts)
        self._part = detector.of_kind(Grid)[self._name]
        self._numbers = detector.part_numbers(self._name)
        self._own = np.full(len(detector.channels), -1, np.int64)
        self._own[self._numbers] = np.arange(len(self._numbers))
        main = detector.numbers(list(self._part.layers)[-1])
        self._main = self._own[main]
        x, y = detector.channel_x[main], detector.channel_y[main]
        self._edge = (x == 0) | (y == 0) | (x == self._part.columns - 1) | (y == self._part.rows - 1)
        self._x, self._y = x, y
        self._beside = np.zeros(len(main), bool)
        self._good = np.ones(len(self._numbers), bool)
        self._threshold = self._part.threshold
        self._seen = by_channel(detector.boards, smallest)
        self._gain = np.ones(0)
        self.targets: Targets | None = None
        self._round = 0

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the constants of a run."""
        self._measure.begin_run(conditions)
        names = [self.detector.channels[number] for number in self._numbers]
        self._gain = conditions.get("sadc.gain", names)["gain"]
        seen = self._seen[self._numbers] * conditions.get("sadc.pedestal", names)["sigma"] * self._gain
        self._threshold = max(self._part.threshold, ABOVE * float(seen.max()))
        corrections = Corrections.of(self.detector, conditions)
        if corrections is not None and corrections.status is not None:
            self._leave_out(corrections.status[self._numbers] != GOOD)

    def _leave_out(self, bad: Bools) -> None:
        self._good, self._beside = ~bad, self._around(bad)

    def _around(self, cells: Bools) -> Bools:
        """Return which cells of the last layer some cells, of any layer, are at or beside, shape (cells,)."""
        places = self._numbers[cells]
        near = np.zeros(len(self._main), bool)
        for x, y in zip(self.detector.channel_x[places], self.detector.channel_y[places], strict=True):
            near |= (np.abs(self._x - x) <= 1) & (np.abs(self._y - y) <= 1)
        return near

    @property
    def _inside(self) -> Bools:
        """In which classes the sum of all cells is that of the beam: not at the edge, nor beside gaps if there are others."""
        whole = ~self._edge & ~self._beside
        return whole if whole.any() else ~self._edge

    def refer(self, batches: Iterable[Batch]) -> None:
        """Take the targets from simulated hits."""
        self.targets = self._targets(batch.cells for batch in batches if batch.cells is not None)

    def suppose(self) -> None:
        """Take the targets from electrons that are sent into the calorimeter of the set-up alone, evenly over its face."""
        if self._part.shower is not None:
            self.targets = self._targets(_electrons(self.detector, self._name, self._part))

    def _targets(self, batches: Iterable[Lists]) -> Targets:
        """Return the targets of hits."""
        cells = len(self._main)
        total, first, number, seen = np.zeros(cells), np.zeros(cells), np.zeros(cells), []
        sums = self.empty(None)
        for hits in batches:
            energy = self._filled(hits, hits["energy"])
            energy = np.where((energy > self._threshold) & self._good, energy, 0.0)
            of, largest = energy.sum(axis=1), energy[:, self._main].argmax(axis=1)
            good = self._electrons(of)
            total += np.bincount(largest[good], of[good], cells)
            before = of - energy[:, self._main].sum(axis=1)
            first += np.bincount(largest[good], before[good], cells)
            number += np.bincount(largest[good], minlength=cells)
            seen.append(of[good & self._inside[largest]])
            self._fill(sums, energy[good], largest[good])
        mean, first = (np.divide(one, number, out=np.zeros(cells), where=number > 0) for one in (total, first))
        counts = np.histogram(np.concatenate(seen) / self.detector.beam.energy, BINS, (0.0, TOP))[0]
        found = gaussians(counts[None].astype(np.float64), np.linspace(0.0, TOP, BINS + 1))
        return Targets(mean, number, first, float(found.place[0]) * self.detector.beam.energy, sums)

    def empty(self, learned: Any) -> Sums:
        """Return empty normal equations by class, or histograms of the energy."""
        classes, channels = len(self._main), len(self._numbers)
        if learned is None or learned["round"] < self.rounds:
            return Sums(
                {
                    "square": np.zeros((classes, channels, channels)),
                    "sum": np.zeros((classes, channels)),
                    "number": np.zeros(classes),
                    "hit": np.zeros(channels, np.int64),
                    "gain": np.zeros(channels),
                    "batches": np.zeros(1),
                    "bad": np.zeros(channels, np.int64),
                }
            )
        return Sums({"energy": np.zeros((2, BINS), np.int64)})

    def add(self, batch: Batch, sums: Sums, learned: Any) -> None:
        """Add the events of a batch."""
        pulses = self._measure(batch)
        own = self._own[pulses.channel]
        rows = np.flatnonzero(own >= 0)
        charge = np.zeros((len(batch), len(self._numbers)))
        charge[pulses.event[rows], own[rows]] = pulses.charge[rows]
        bad = np.bincount(pulses.event[rows], ~pulses.good[rows], len(batch)) > 0
        energy = charge * (self._gain if learned is None else learned["gain"])
        charge = np.where(energy > self._threshold, charge, 0.0)
        energy = np.where(energy > self._threshold, energy, 0.0)
        good = self._electrons(energy.sum(axis=1)) & ~bad
        charge, energy = charge[good], energy[good]
        largest = energy[:, self._main].argmax(axis=1)
        if learned is not None and learned["round"] >= self.rounds:
            relative = charge @ learned["gain"] / self.detector.beam.energy
            inside = self._inside[largest]
            for row, chosen in enumerate((inside, ~inside)):
                sums["energy"][row] += np.histogram(relative[chosen], BINS, (0.0, TOP))[0]
            return
        self._fill(sums, charge, largest)
        sums["gain"] += self._gain
        sums["batches"] += 1.0
        sums["bad"] += ~self._good

    @staticmethod
    def _fill(sums: Sums, charge: Floats, largest: Ints) -> None:
        """Add events to the normal equations of their classes."""
        for number in np.unique(largest):
            part = charge[largest == number]
            sums["square"][number] += part.T @ part
            sums["sum"][number] += part.sum(axis=0)
            sums["number"][number] += len(part)
        sums["hit"] += (charge > 0).sum(axis=0)

    def learn(self, sums: Sums) -> dict[str, Array]:
        """Return the gains of least squares with their covariance.

        Raises
        ------
        UserError
            If most events are none of electrons.
        """
        number = sums["number"]
        if number.sum() < ELECTRONS * sums.used or not sums.used:
            share = number.sum() / max(sums.used, 1)
            runs = ", ".join(map(str, sorted(sums.runs)))
            raise UserError(
                f"run {runs} is none of electrons: only {share:.0%} of {sums.used} events have their energy in '{self._name}'",
                hint=f"{self.kind} wants runs of {self.wants}",
            )
        self._leave_out(sums["bad"] > 0)
        before = sums["gain"] / max(float(sums["batches"][0]), 1.0)
        target = np.full(len(number), self.detector.beam.energy)
        known = self._inside
        if self.targets is not None:
            target, known = self.targets.mean, self.targets.number >= self.options.least
        classes = np.flatnonzero(known & (number >= self.options.least))
        if not len(classes):
            raise UserError(
                f"no cell of '{self._name}' has {self.options.least} events", hint=f"{self.kind} wants {self.wants}"
            )
        stochastic = self._part.shower.stochastic if self._part.shower else 0.0
        fixed = None
        held = np.setdiff1d(np.arange(len(before)), self._main)
        if self.targets is not None and len(held):
            fixed = by_means(sums, classes, self.targets, before, held)
        self._round += 1
        made = solved(sums, classes, target, before, stochastic, held, fixed)
        if self.targets is not None:
            # what least squares make of energies that are right is taken away: what depends on the place within a cell
            ones = np.ones(len(before))
            right = None if fixed is None else (np.ones(len(held)), np.zeros(len(held)))
            expected = solved(self.targets.sums, classes, target, ones, stochastic, held, right)
            unsure = np.hypot(made["error"] / made["gain"], expected["error"])
            made |= {"gain": made["gain"] / expected["gain"], "error": made["gain"] * unsure}
        return {**made, "good": self._good, "round": np.array(self._round)}

    def finish(self, sums: Sums, learned: Any) -> Found:
        """Return the table of gains."""
        counts = sums["energy"].astype(np.float64)
        edges = np.linspace(0.0, TOP, BINS + 1)
        found = gaussians(counts[:1], edges)
        wanted = 1.0 if self.targets is None else self.targets.peak / self.detector.beam.energy
        scale, scale_error = wanted / float(found.place[0]), float(found.error[0])
        fine = bool(found.converged[0]) and counts[0].sum() >= self.options.least
        gain, error = learned["gain"].copy(), learned["error"]
        if fine:  # where the preshower has a scale of its own, the rest of the energy gets it
            free = np.ones(len(gain), bool) if self.targets is None else np.isin(np.arange(len(gain)), self._main)
            gain[free] *= 1.0 + (scale - 1.0) / learned["share"][free].sum()
        relative = error / np.maximum(gain, 1e-300)
        lit = (relative < LIGHT) & (learned["hit"] >= self.options.least)
        doubts = Doubts(len(gain))
        doubts.add(~learned["good"], "left out: sadc.status says that it is not good")
        silent = learned["hit"] == 0
        doubts.add(silent, "dead or not hit: no pulse")
        doubts.add(self._main_beside(silent, learned["hit"]), "beside a cell without a pulse: derive status first")
        doubts.add(
            ~lit,
            [
                f"hardly lit: its gain is known to {one:.0%}, {n} pulses"
                for one, n in zip(relative, learned["hit"], strict=True)
            ],
        )
        far = np.abs(gain / learned["before"] - 1.0) > FAR
        doubts.add(far & lit, [f"the gain has changed by {one - 1.0:+.0%}" for one in gain / learned["before"]])
        if self.targets is None:
            edge = np.isin(np.arange(len(gain)), self._main[self._edge])
            doubts.add(edge & lit, "at the edge, where showers leak out: simulated electrons would tell how much")
        if not fine:
            doubts.add(lit, "the sum of all cells has no peak: the scale is not set")
        rows = len(gain)
        made = Made(
            "sadc.gain",
            tuple(self.detector.channels[number] for number in self._numbers),
            {"gain": "MeV"},
            {"gain": np.where(lit, 1e3 * gain, np.nan)},
            {"gain": np.where(lit, 1e3 * gain * np.hypot(relative, scale_error), np.nan)},
            learned["hit"],
            np.full(rows, np.nan),
            tuple(doubts.texts),
        )
        peak = Made(
            "sum of all cells",
            ("inside", "edge"),
            {"peak": "-", "sigma": "-"},
            {
                "peak": np.array([scale * found.place[0], np.nan]),
                "sigma": np.array([found.sigma[0] / found.place[0], np.nan]),
            },
            {"peak": np.array([found.error[0], np.nan]), "sigma": np.array([found.sigma_error[0], np.nan])},
            counts.sum(axis=1).astype(np.int64),
            np.array([found.chi2[0], np.nan]),
            ("", ""),
            Shapes(
                "energy / energy of the beam, before the scale is set",
                np.broadcast_to(edges, (2, BINS + 1)),
                counts,
                np.vstack([found.curve, np.full((1, BINS), np.nan)]),
            ),
        )
        how = "the energy of the beam"
        if self.targets is not None:
            how = f"those of {SUPPOSED} electrons that were sent into '{self._name}' alone"
            how = "those of simulated electrons" if self.options.simulated is not None else how
        remark = f"Targets are {how}; the scale of all cells was changed by {scale - 1.0:+.2%} ± {scale_error:.2%}."
        return Found(self.kind, (made, peak), tuple(sorted(sums.runs)), sums.read, sums.used, (remark,))

    def _main_beside(self, silent: Bools, hit: Array) -> Bools:
        """Return which cells of the last layer are beside a silent one and well lit; silent corners are no wonder."""
        made = np.zeros(len(hit), bool)
        for number in np.flatnonzero(silent & self._good):
            around = self._around(np.arange(len(hit)) == number)
            lit = hit[self._main[around]] >= self.options.least
            if lit.mean() > LIT:
                made[self._main[around]] |= lit
        return made & ~silent

    def _filled(self, cells: Lists, energy: Floats) -> Floats:
        """Return energies by event and channel of the part."""
        own = self._own[cells["channel"]]
        rows = np.flatnonzero(own >= 0)
        size = len(self._numbers)
        key = cells.parents[rows] * size + own[rows]
        return np.asarray(np.bincount(key, energy[rows], len(cells) * size), np.float64).reshape(len(cells), size)

    def _electrons(self, energy: Floats) -> Array:
        beam = self.detector.beam.energy
        return (energy > LEAST * beam) & (energy < MOST * beam)


def _electrons(detector: Detector, name: str, part: Grid) -> Iterator[Lists]:
    """Yield the hits of electrons with the energy of the beam, evenly over the face of a calorimeter."""
    walk, rng = Walk(detector, Response(), {}, {}, target=name), np.random.default_rng(SEED)
    for _ in range(SUPPOSED // AT_ONCE):
        shown = shots(walk, name, part, detector.beam.energy, AT_ONCE, rng, face=True)
        event, channel = np.nonzero(shown)
        counts = np.bincount(event, minlength=AT_ONCE)
        columns: dict[str, Array] = {"channel": channel.astype(np.int32), "energy": shown[event, channel]}
        yield Lists(offsets_of(counts), columns)
