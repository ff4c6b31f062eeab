"""Dead and noisy wires that TDCs read: how often they are hit beside their neighbours, in time with the trigger and outside.

A beam's profile over wires is smooth: between two neighbours a wire has at least the geometric mean of theirs, and a dead one
next to nothing of that. Hits outside the window are of other particles, in every wire the same share of those inside, or they
are noise. Of a wire that the beam hardly hits nothing is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.calibrate.frame import Derivation, Doubts, Found, Made, Sums
from emiss.calibrate.trackers.strip_status import DEAD, GOOD, IS_DEAD, IS_HOT, LEAST, WEAK
from emiss.calibrate.trackers.wires import Wires

if TYPE_CHECKING:
    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Bools, Floats
    from emiss.events.batch import Batch
    from emiss.reco.detector.model import Detector

NOISE, OFTEN = 0.02, 5.0
"""Hits outside the window by event, and times as many as others have for those inside, that only a noisy wire has."""

NEIGHBOURS = (1, 2, 4, 8)
"""How far away pairs of neighbours are: those that are nearer may be dead themselves."""


class WireStatus(Derivation):
    """Which wires are dead or noisy."""

    kind = "tdc.status"
    meaning = "dead and noisy wires that TDCs read (tdc.status); derive it after tdc.time"
    wants = "beam particles in the straws; the wider the beam, the more wires it tells about"
    runs_of = "beam"

    def __init__(self, detector: Detector, options: Any) -> None:
        super().__init__(detector, options)
        self._wires = Wires(detector, options.parts)
        self._t0 = np.zeros(0)
        self._window = np.array([one.window for one in self._wires.planes])[self._wires.plane_of]

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the constants of a run."""
        self._t0 = conditions.get("tdc.time", list(self._wires.names))["t0"]

    def empty(self, learned: Any) -> Sums:  # noqa: ARG002 - there is no pilot
        """Return empty counts."""
        size = len(self._wires.names)
        return Sums({name: np.zeros(size, np.int64) for name in ("inside", "outside", "before", "behind")})

    def add(self, batch: Batch, sums: Sums, learned: Any) -> None:  # noqa: ARG002 - there is no pilot
        """Count the hits of a batch."""
        wire, count = self._wires(batch)
        time = count * self._wires.bin[wire] - self._t0[wire]
        first, last = self._window[wire].T
        inside = (time >= first) & (time <= last)
        long = last - first
        before, behind = (time >= first - long) & (time < first), (time > last) & (time <= last + long)
        for name, rows in (("inside", inside), ("outside", ~inside), ("before", before), ("behind", behind)):
            sums[name] += np.bincount(wire[rows], minlength=len(sums[name]))

    def finish(self, sums: Sums, learned: Any) -> Found:  # noqa: ARG002 - there is no pilot
        """Return the table of the status.

        Raises
        ------
        UserError
            If there is no beam in these planes.
        """
        wires, events = self._wires, sums.used
        own = wires.own
        inside, outside = (sums[name].astype(np.float64) for name in ("inside", "outside"))
        in_time = inside - np.maximum(sums["before"], sums["behind"])
        wires.check_beam(in_time, sums, f"{self.kind} wants {self.wants}; tdc.time says where their windows are")
        chosen = set(wires.plane_of[own].tolist())
        by_plane = np.bincount(wires.plane_of, inside + outside)
        width = np.diff(self._window, axis=1)[:, 0]
        typical = self._typical(inside, outside)
        hot = outside > NOISE * events + OFTEN * typical * inside
        # noise comes at any time
        lit = np.maximum(inside - np.where(hot, outside, 0.0) * width / (wires.range - width), 0.0)
        expected = self._expected(lit)
        known = (expected >= LEAST) | (lit >= LEAST)
        dead = known & ~hot & (lit < DEAD * expected)
        status = np.where(hot, IS_HOT, np.where(dead, IS_DEAD, np.where(known, GOOD, np.nan)))[own]
        names = tuple(wires.names[number] for number in own)
        none = np.full(len(own), np.nan)
        made = Made(
            "tdc.status",
            names,
            {"status": "-"},
            {"status": status},
            {"status": none},
            inside[own].astype(np.int64),
            none,
            self._doubts(inside[own], outside[own], expected[own], status, events),
        )
        share = 1.0 / max(events, 1)
        seen = Made(
            "occupancy",
            names,
            {"inside": "-", "outside": "-", "expected": "-"},
            {"inside": inside[own] * share, "outside": outside[own] * share, "expected": expected[own] * share},
            {"inside": np.sqrt(inside[own]) * share, "outside": np.sqrt(outside[own]) * share, "expected": none},
            inside[own].astype(np.int64),
            none,
            ("",) * len(own),
        )
        tell = known | hot
        silent = [plane.name for number, plane in enumerate(wires.planes) if number in chosen and not by_plane[number]]
        remark = (
            f"{int(dead[own].sum())} dead and {int(hot[own].sum())} noisy of {int(tell[own].sum())} wires; the beam hits "
            f"{int((~tell)[own].sum())} too little to tell, which keep the status that they had."
        )
        remarks = (remark, *(f"{name} has no hit at all: is it read out?" for name in silent))
        return Found(self.kind, (made, seen), tuple(sorted(sums.runs)), sums.read, sums.used, remarks)

    def _typical(self, inside: Floats, outside: Floats) -> Floats:
        """Return the hits outside the window over those inside, the median of each plane, shape (wires,)."""
        made = np.zeros(len(inside))
        for number in range(len(self._wires.planes)):
            plane = self._wires.plane_of == number
            rows = plane & (inside >= LEAST)
            if rows.any():
                made[plane] = float(np.median(outside[rows] / inside[rows]))
        return made

    def _expected(self, lit: Floats) -> Floats:
        """Return how often wires should be hit at least, from their neighbours in the plane, shape (wires,)."""
        made = np.zeros(len(lit))
        for number in range(len(self._wires.planes)):
            rows = np.flatnonzero(self._wires.plane_of == number)
            own = lit[rows]
            for away in NEIGHBOURS:
                if len(rows) > 2 * away:
                    both = np.sqrt(own[: -2 * away] * own[2 * away :])
                    made[rows[away:-away]] = np.maximum(made[rows[away:-away]], both)
        return made

    @staticmethod
    def _doubts(inside: Floats, outside: Floats, expected: Floats, status: Floats, events: int) -> tuple[str, ...]:
        doubts = Doubts(len(inside))
        hot = [
            f"noisy: {one / events:.3f} hits outside the window in an event, {two / events:.3f} inside"
            for one, two in zip(outside, inside, strict=True)
        ]
        doubts.add(status == IS_HOT, hot)
        few = [f"{int(one)} of {two:.0f} hits that are expected" for one, two in zip(inside, expected, strict=True)]
        doubts.add(status == IS_DEAD, [f"dead: {one}" for one in few])
        weak: Bools = (status == GOOD) & (inside < WEAK * expected)
        doubts.add(weak, [f"weak: {one}" for one in few])
        doubts.add(
            np.isnan(status) & (expected == 0.0),
            "nothing is expected from its neighbours: no beam, or they are dead too",
        )
        doubts.add(np.isnan(status), [f"hardly hit: {one:.0f} hits are expected" for one in expected])
        return tuple(doubts.texts)
