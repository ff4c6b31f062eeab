"""Micromegas: APV25 digits to clusters of strips, and simulated points to the same clusters.

Each read-out channel reads several strips; the clustering decides which of them were hit (`strips_kernels`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from events.lists import Array, Lists, offsets_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from calib.conditions import RunConditions
    from events.batch import Batch
    from reco.detector import Detector

THRESHOLD = 4.0
"""A channel counts above this many sigma of its noise."""


class StripStage:
    """APV digits to ``clusters``: plane, position and error (mm), charge (ADC), time (ns), strips.

    The charge of a channel is its largest sample divided by its gain, summed over the channels of a cluster; the time is the
    charge-weighted mean of the ratio timing, NaN where no channel has one.
    """

    uses: tuple[str, ...] = ()
    produces: tuple[str, ...] = ("clusters",)

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        planes = detector.planes
        self._base = np.concatenate(([0], np.cumsum([plane.channels for plane in planes])))
        strips = [_strips_of(detector.multiplex[plane.view], plane.channels) for plane in planes]
        self._strip_of = np.concatenate(strips)
        counts = [np.bincount(detector.multiplex[plane.view], minlength=plane.channels) for plane in planes]
        self._strip_start = offsets_of(np.concatenate(counts))
        self._first = np.array([float(plane.position(np.zeros(1))[0]) for plane in planes])
        self._pitch = np.array([plane.pitch for plane in planes])
        self._widest = max(plane.strips for plane in planes)
        self._gain = self._noise = self._shift = np.empty(0)
        self._timing: dict[str, Array] = {}

    @property
    def needs(self) -> Mapping[str, Sequence[str]]:
        """The conditions used: gain and noise of each channel, timing and alignment of each plane."""
        planes = self.detector.planes
        channels = [f"{plane.name}.{wire}" for plane in planes for wire in range(plane.channels)]
        names = self.detector.plane_names
        return {"apv.gain": channels, "apv.time": names, "tracker.alignment": names}

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the constants of a run."""
        needs = self.needs
        channels = conditions.get("apv.gain", needs["apv.gain"])
        self._gain, self._noise = channels["gain"], channels["noise"]
        self._timing = conditions.get("apv.time", needs["apv.time"])
        self._shift = conditions.get("tracker.alignment", needs["tracker.alignment"])["shift"]

    def __call__(self, batch: Batch, products: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG002 - a stage
        """Return the clusters of a batch."""
        from reco import strips_kernels as kernels

        digits = batch.apv
        if digits is None:
            msg = "a batch without APV digits"
            raise ValueError(msg)
        plane = digits["plane"].astype(np.int64)
        channel = self._base[plane] + digits["wire"]
        samples = np.stack([digits[name].astype(np.float64) for name in ("a0", "a1", "a2")])
        height = samples.max(axis=0)
        kept = height > THRESHOLD * self._noise[channel]
        key = digits.parents[kept] * len(self._pitch) + plane[kept]
        order = np.flatnonzero(kept)[np.lexsort((channel[kept], key))]
        plane, channel, samples = plane[order], channel[order], samples[:, order]
        charge = height[order] / self._gain[channel]
        noise = self._noise[channel] / self._gain[channel]
        groups, start = np.unique(np.sort(key), return_index=True)
        member, place, group = (np.empty(len(order), np.int64) for _ in range(3))
        found = kernels.cluster(
            np.append(start, len(order)),
            channel,
            charge,
            noise,
            self._strip_start,
            self._strip_of,
            self._widest,
            member,
            place,
            group,
        )
        key = groups[group[:found]]
        used = member >= 0
        columns = self._columns(
            (key % len(self._pitch)).astype(np.int32),
            member[used],
            place[used],
            charge[used],
            noise[used],
            self._times(plane[used], samples[:, used]),
        )
        counts = np.bincount(key // len(self._pitch), minlength=len(batch))
        return {"clusters": Lists(offsets_of(counts), columns)}

    def _columns(
        self, plane: Array, member: Array, place: Array, charge: Array, noise: Array, time: Array
    ) -> dict[str, Array]:
        """Return the fields of the clusters on `plane` from their digits.

        The position is the charge-weighted mean of the strips; its error that of the chamber and what the noise of the
        strips adds.
        """
        found = len(plane)
        total = np.bincount(member, charge, found)
        centre = np.bincount(member, charge * place, found) / total
        shaken = np.bincount(member, (noise * (place - centre[member])) ** 2, found) / total**2
        timed = np.isfinite(time)
        weight = np.bincount(member[timed], charge[timed], found)
        when = np.bincount(member[timed], (charge * time)[timed], found)
        pitch = self._pitch[plane]
        return {
            "plane": plane,
            "position": self._first[plane] + centre * pitch + self._shift[plane],
            "sigma": np.sqrt(self.detector.trackers.plane.sigma**2 + shaken * pitch**2),
            "charge": total,
            "time": np.divide(when, weight, out=np.full(found, np.nan), where=weight > 0),
            "size": np.bincount(member, minlength=found).astype(np.int32),
        }

    def _times(self, plane: Array, samples: Array) -> Array:
        """Return the time of digits from the ratio r of second to third sample, t = t0 + a0 ln(r0/r - 1).

        NA64's public analysis code; NaN where the ratio is outside 0 to r0.
        """
        t0, r0, a0 = (self._timing[name][plane] for name in ("t0", "r0", "a0"))
        ratio = np.divide(samples[1], samples[2], out=np.full(len(plane), np.nan), where=samples[2] > 0)
        known = (ratio > 0) & (ratio < r0)
        inside = np.where(known, r0 / np.where(known, ratio, 1.0) - 1.0, np.nan)
        times: Array = t0 + a0 * np.log(inside)
        return times


class PointStage:
    """Simulated points to ``clusters``: they carry the intrinsic resolution already."""

    uses: tuple[str, ...] = ()
    produces: tuple[str, ...] = ("clusters",)
    needs: Mapping[str, Sequence[str]] = {}

    def __init__(self, detector: Detector) -> None:
        self.detector = detector

    def begin_run(self, conditions: RunConditions) -> None:
        """Take nothing: points stand in the frame of the detector."""

    def __call__(self, batch: Batch, products: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG002 - a stage
        """Return the points of a batch as clusters."""
        if batch.points is None:
            msg = "a batch without points"
            raise ValueError(msg)
        points = batch.points
        size = int(points.offsets[-1])
        columns: dict[str, Array] = {
            "plane": points["plane"].astype(np.int32),
            "position": points["position"],
            "sigma": np.full(size, self.detector.trackers.plane.sigma),
            "charge": points["charge"],
            "time": points["time"],
            "size": np.ones(size, np.int32),
        }
        return {"clusters": Lists(points.offsets, columns)}


def _strips_of(channel_of: Array, channels: int) -> Array:
    """Return the strips ordered by the channel that reads them."""
    if channel_of.max(initial=0) >= channels:
        msg = "a strip is read by a channel that does not exist"
        raise ValueError(msg)
    return np.argsort(channel_of, kind="stable").astype(np.int64)
