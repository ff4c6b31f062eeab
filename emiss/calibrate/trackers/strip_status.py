"""Dead and hot read-out channels of strips, from how often they are lit beside what the beam's profile lets expect.

Clusters that peak at a strip, with both neighbours lit, tell the profile of the beam strip by strip, although each channel
reads several; its running median goes over the holes that dead channels leave. What a channel should see is the sum over its
strips. A dead one sees next to nothing of that. A hot one is lit without its neighbours, or far more often than it should. Of
a channel that the beam hardly lights nothing is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.calibrate.frame import Derivation, Doubts, Found, Made, Sums
from emiss.calibrate.trackers.strip_digits import Strips
from emiss.configs.errors import UserError
from emiss.reco.tracking.strips import THRESHOLD

if TYPE_CHECKING:
    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Array, Bools, Floats
    from emiss.events.batch import Batch
    from emiss.reco.detector.model import Detector

SMOOTH = 11
"""Strips of the running median."""

LEAST = 25.0
"""Entries that are expected of a channel of which is said that it is dead: none is, by chance, in a million channels."""

DEAD, WEAK = 0.1, 0.5
"""Of what is expected: below the first a channel is dead, below the second somebody should look."""

HOT = 0.01
"""Share of the events in which a channel that is not hot may be lit for no reason."""

LONELY, OFTEN = np.array([0.3, 1.0, 3.0]), 3.0
"""Of what is expected: so often a good channel may be lit alone, by how many beside one of its strips are dead; and at all."""

HITS = 0.05
"""Clusters by plane and event below which a run has no beam in the trackers."""

ALL = 0.5
"""Share of the events in which half of the channels are lit where no front end suppresses noise and pedestals."""

GOOD, IS_DEAD, IS_HOT = 0.0, 1.0, 2.0


class StripStatus(Derivation):
    """Which channels of strips are dead or hot."""

    kind = "apv.status"
    meaning = "dead and hot channels of strips (apv.status)"
    wants = "beam particles in the trackers; the wider the beam, the more channels it tells about"
    runs_of = "beam"

    def __init__(self, detector: Detector, options: Any) -> None:
        super().__init__(detector, options)
        self._strips = Strips(detector, options.parts)
        self._floor = np.zeros(0)

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the constants of a run."""
        self._floor = THRESHOLD * conditions.get("apv.gain", self._strips.channels)["noise"]

    def empty(self, learned: Any) -> Sums:  # noqa: ARG002 - there is no pilot
        """Return empty counts."""
        channels, strips = len(self._strips.channels), len(self._strips.channel_of)
        return Sums(
            {
                "lit": np.zeros(channels, np.int64),
                "alone": np.zeros(channels, np.int64),
                "peak": np.zeros(strips, np.int64),
            }
        )

    def add(self, batch: Batch, sums: Sums, learned: Any) -> None:  # noqa: ARG002 - there is no pilot
        """Count the channels of a batch."""
        lit = self._strips(batch, self._floor)
        sums["lit"] += np.bincount(lit.channel, minlength=len(sums["lit"]))
        sums["alone"] += np.bincount(lit.channel[lit.alone], minlength=len(sums["alone"]))
        sums["peak"] += np.bincount(lit.peak[lit.peak >= 0], minlength=len(sums["peak"]))

    def finish(self, sums: Sums, learned: Any) -> Found:  # noqa: ARG002 - there is no pilot
        """Return the table of the status.

        Raises
        ------
        UserError
            If there are no clusters.
        """
        strips, events = self._strips, sums.used
        own = strips.own
        by_plane = np.bincount(strips.plane_of, sums["peak"], len(strips.planes))
        if by_plane.max() < max(HITS * events, 1.0):
            raise UserError(
                f"run {', '.join(map(str, sorted(sums.runs)))} has no beam in the trackers: at most "
                f"{int(by_plane.max())} clusters in a plane in {events} events",
                hint=f"{self.kind} wants {self.wants}",
            )
        if np.median(sums["lit"][own]) > ALL * events:
            raise UserError(
                f"run {', '.join(map(str, sorted(sums.runs)))} is not suppressed: half of the channels are lit in most events",
                hint=f"{self.kind} wants {self.wants}",
            )
        lit, alone = sums["lit"].astype(np.float64)[own], sums["alone"].astype(np.float64)[own]
        expected = self._expected(sums, sums["lit"] - sums["alone"])[own]
        known = expected >= LEAST
        dead = known & (lit < DEAD * expected)
        lonely = LONELY[strips.beside(dead)]
        hot = (alone > HOT * events + lonely * expected) | (lit > 5 * HOT * events + OFTEN * expected)
        status = np.where(hot, IS_HOT, np.where(dead, IS_DEAD, np.where(known, GOOD, np.nan)))
        names = tuple(strips.channels[number] for number in own)
        made = Made(
            "apv.status",
            names,
            {"status": "-"},
            {"status": status},
            {"status": np.full(len(names), np.nan)},
            lit.astype(np.int64),
            np.full(len(names), np.nan),
            self._doubts(lit, alone, expected, status, events),
        )
        share = 1.0 / max(events, 1)
        seen = Made(
            "occupancy",
            names,
            {"lit": "-", "alone": "-", "expected": "-"},
            {"lit": lit * share, "alone": alone * share, "expected": expected * share},
            {
                "lit": np.sqrt(lit) * share,
                "alone": np.sqrt(alone) * share,
                "expected": np.full(len(names), np.nan),
            },
            lit.astype(np.int64),
            np.full(len(names), np.nan),
            ("",) * len(names),
        )
        remark = (
            f"{int(dead.sum())} dead and {int(hot.sum())} hot of {int((known | hot).sum())} channels; the beam lights "
            f"{int((~known & ~hot).sum())} too little to tell, which keep the status that they had."
        )
        return Found(self.kind, (made, seen), tuple(sorted(sums.runs)), sums.read, sums.used, (remark,))

    def _expected(self, sums: Sums, together: Array) -> Floats:
        """Return how often each channel should be lit by clusters, shape (channels,)."""
        from scipy.ndimage import median_filter

        strips = self._strips
        profile = np.zeros(len(strips.channel_of))
        for first, last in zip(strips.first[:-1], strips.first[1:], strict=True):
            one = sums["peak"][first:last].astype(np.float64)
            # a median of small counts is none of their mean: they are added up in threes before
            profile[first:last] = median_filter(np.convolve(one, np.ones(3) / 3.0, "same"), SMOOTH, mode="nearest")
        made = strips.sums(profile)
        plane_of = np.zeros(len(strips.channels), np.int64)
        plane_of[strips.channel_of] = strips.plane_of
        for number in range(len(strips.planes)):
            rows = strips.own[plane_of[strips.own] == number]
            bright = rows[made[rows] > 0.5 * np.median(made[rows][made[rows] > 0])] if made[rows].any() else rows[:0]
            if len(bright):  # strips of a cluster, over its peaks
                made[rows] *= float(np.median(together[bright] / made[bright]))
        return np.asarray(made)

    @staticmethod
    def _doubts(lit: Floats, alone: Floats, expected: Floats, status: Floats, events: int) -> tuple[str, ...]:
        doubts = Doubts(len(lit))
        seen = [
            f"lit in {one / events:.2%} of the events, without its neighbours in {two / events:.2%}; "
            f"{three / events:.2%} are expected"
            for one, two, three in zip(lit, alone, expected, strict=True)
        ]
        doubts.add(status == IS_HOT, [f"hot: {one}" for one in seen])
        doubts.add(
            status == IS_DEAD,
            [
                f"dead: {int(one)} of {two:.0f} entries that are expected"
                for one, two in zip(lit, expected, strict=True)
            ],
        )
        weak: Bools = (status == GOOD) & (lit < WEAK * expected)
        doubts.add(weak, [f"weak: {one}" for one in seen])
        doubts.add(np.isnan(status), [f"hardly lit: {one:.0f} entries are expected" for one in expected])
        return tuple(doubts.texts)
