"""Micromegas and the like: APV25 digits to clusters of strips, and simulated points to the same clusters.

Each read-out channel reads several strips; the clustering decides which of them were hit (`strips_kernels`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.events.lists import Lists, offsets_of
from emiss.reco.tracking.timed import both_sides, counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Array, Bools, Floats
    from emiss.events.batch import Batch
    from emiss.reco.detector.model import Detector
    from emiss.reco.parts.tracker import Plane

THRESHOLD = 4.0
"""A channel counts above this many sigma of its noise."""


class StripStage:
    """APV digits to ``clusters``: plane, position, charge (ADC) and time (ns) with errors, strips, in_time, and no twin.

    The charge of a channel is its largest sample divided by its gain, summed over the channels of a cluster; the time is the
    mean of the ratio timing, weighted by its errors, NaN where no channel has one. Channels that are dead or hot (`apv.status`)
    are left out. A cluster is `in_time` inside the window of the detector file; one without a time is not. What a TDC reads has
    no strips here (`emiss.reco.tracking.timed`).
    """

    uses: tuple[str, ...] = ()
    produces: tuple[str, ...] = ("clusters",)

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        planes = detector.planes
        self._base = np.concatenate(([0], np.cumsum([plane.channels for plane in planes])))
        wiring = [detector.wiring(plane)[: None if plane.channels else 0] for plane in planes]
        none = np.empty(0, np.int64)
        strips = [_strips_of(wired, plane.channels) for wired, plane in zip(wiring, planes, strict=True)]
        self._strip_of = np.concatenate([none, *strips])
        counts = [np.bincount(wired, minlength=plane.channels) for wired, plane in zip(wiring, planes, strict=True)]
        self._strip_start = offsets_of(np.concatenate([none, *counts]))
        self._first = np.array([float(plane.position(np.zeros(1))[0]) for plane in planes])
        self._pitch = np.array([plane.pitch for plane in planes])
        self._sigma = np.array([plane.sigma for plane in planes])
        self._windows = windows(planes)
        self._widest = max((plane.strips for plane in planes if plane.channels), default=1)
        self._gain = self._noise = self._shift = self._floor = np.empty(0)
        self._timing: dict[str, Array] = {}

    @property
    def needs(self) -> Mapping[str, Sequence[str]]:
        """The conditions used: gain, noise and status of each channel, timing and alignment of each plane."""
        channels = _channels(self.detector)
        names = [plane.name for plane in self.detector.planes if not plane.timed]
        return {"apv.gain": channels, "apv.status": channels, "apv.time": names, "tracker.alignment": names}

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the constants of a run."""
        needs = self.needs
        channels = conditions.get("apv.gain", needs["apv.gain"])
        self._gain, self._noise = channels["gain"], channels["noise"]
        self._floor = np.concatenate(list(floors(self.detector, conditions).values()))
        own = np.flatnonzero([not plane.timed for plane in self.detector.planes])
        for name, values in conditions.get("apv.time", needs["apv.time"]).items():
            self._timing[name] = np.ones(len(self._pitch))
            self._timing[name][own] = values
        self._shift = np.zeros(len(self._pitch))
        self._shift[own] = conditions.get("tracker.alignment", needs["tracker.alignment"])["shift"]

    def __call__(self, batch: Batch, products: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG002 - a stage
        """Return the clusters of a batch."""
        from emiss.reco.tracking import strips_kernels as kernels

        digits = batch.apv
        if digits is None:
            msg = "a batch without APV digits"
            raise ValueError(msg)
        plane = digits["plane"].astype(np.int64)
        channel = self._base[plane] + digits["wire"]
        height = np.maximum(np.maximum(digits["a0"], digits["a1"]), digits["a2"])
        kept = np.flatnonzero(height > self._floor[channel])
        # by event, plane and channel: channels are numbered through all planes
        key = digits.parents[kept] * self._base[-1] + channel[kept]
        order = np.argsort(key, kind="stable")
        kept, event = kept[order], key[order] // self._base[-1]
        plane, channel = plane[kept], channel[kept]
        charge = height[kept] / self._gain[channel]
        noise = self._noise[channel] / self._gain[channel]
        time, error = self._times(plane, digits["a1"][kept], digits["a2"][kept], self._noise[channel])
        view = event * len(self._pitch) + plane
        start = np.flatnonzero(np.diff(view, prepend=-1))
        member, place, group = (np.empty(len(kept), np.int64) for _ in range(3))
        found = kernels.cluster(
            np.append(start, len(kept)),
            channel,
            charge,
            noise,
            time,
            error,
            self._strip_start,
            self._strip_of,
            self._widest,
            member,
            place,
            group,
        )
        key = view[start[group[:found]]]
        used = member >= 0
        columns = self._columns(
            (key % len(self._pitch)).astype(np.int32),
            member[used],
            place[used],
            charge[used],
            noise[used],
            time[used],
            error[used],
        )
        counts = np.bincount(key // len(self._pitch), minlength=len(batch))
        return {"clusters": Lists(offsets_of(counts), columns)}

    def _columns(
        self, plane: Array, member: Array, place: Array, charge: Array, noise: Array, time: Array, error: Array
    ) -> dict[str, Array]:
        """Return the fields of the clusters on `plane` from their digits.

        The position is the charge-weighted mean of the strips; its error that of the chamber and what the noise of the
        strips adds.
        """
        found = len(plane)
        total = np.bincount(member, charge, found).astype(np.float64, copy=False)  # of nothing it gives integers
        centre = np.bincount(member, charge * place, found) / total
        shaken = np.bincount(member, (noise * (place - centre[member])) ** 2, found) / total**2
        timed = np.isfinite(time)
        weight = np.bincount(member[timed], 1.0 / error[timed] ** 2, found)
        mean = np.bincount(member[timed], (time / error**2)[timed], found)
        known = weight > 0
        when = np.divide(mean, weight, out=np.full(found, np.nan), where=known)
        pitch = self._pitch[plane]
        return {
            "plane": plane,
            "position": self._first[plane] + centre * pitch + self._shift[plane],
            "sigma": np.sqrt(self._sigma[plane] ** 2 + shaken * pitch**2),
            "charge": total,
            "time": when,
            "sigma_time": np.sqrt(np.divide(1.0, weight, out=np.full(found, np.nan), where=known)),
            "in_time": in_time(when, self._windows[:, plane]),
            "size": np.bincount(member, minlength=found).astype(np.int32),
            "twin": np.zeros(found, np.int32),
        }

    def _times(self, plane: Array, second: Array, third: Array, noise: Array) -> tuple[Array, Array]:
        """Return time and error of digits from the ratio r of second to third sample, t = t0 + a0 ln(r0/r - 1).

        NA64's public analysis code; NaN where the ratio is outside 0 to r0. The error is that of the noise of the two samples:
        sigma_r = noise/a2 sqrt(1 + r^2), dt/dr = -a0 r0 / (r (r0 - r)).
        """
        t0, r0, a0 = (self._timing[name][plane] for name in ("t0", "r0", "a0"))
        ratio = np.divide(second, third, out=np.full(len(plane), np.nan), where=third > 0)
        known = (ratio > 0) & (ratio < r0)
        safe = np.where(known, ratio, 0.5 * r0)
        time = t0 + a0 * np.log(r0 / safe - 1.0)
        error = a0 * r0 / (safe * (r0 - safe)) * noise / np.maximum(third, 1.0) * np.sqrt(1.0 + safe**2)
        return np.where(known, time, np.nan), np.where(known, error, np.nan)


def floors(detector: Detector, conditions: RunConditions) -> dict[str, Array]:
    """Return what the largest amplitude of a channel must be above, by wire of each plane: infinity if it is bad."""
    channels = _channels(detector)
    good = conditions.get("apv.status", channels)["status"] == 0
    floor = np.where(good, THRESHOLD * conditions.get("apv.gain", channels)["noise"], np.inf)
    parts = np.split(floor, np.cumsum([plane.channels for plane in detector.planes])[:-1])
    return {plane.name: part for plane, part in zip(detector.planes, parts, strict=True)}


def _channels(detector: Detector) -> list[str]:
    """Return the names of the read-out channels of all planes."""
    return [f"{plane.name}.{wire}" for plane in detector.planes for wire in range(plane.channels)]


def windows(planes: Sequence[Plane]) -> Floats:
    """Return the first and the last time (ns) that count in each plane, shape (2, planes)."""
    return np.array([plane.window for plane in planes]).reshape(-1, 2).T


def in_time(time: Array, window: Floats) -> Bools:
    """Return which clusters are inside the window of their plane, array of shape (2, clusters); not those without a time."""
    first, last = window
    inside: Array = (time >= first) & (time <= last)  # False for NaN
    return inside


class PointStage:
    """Simulated points to ``clusters``: they carry the intrinsic resolution already.

    Those of straws stand at their wires and have the times that a TDC measures: they are clusters on both sides.
    """

    uses: tuple[str, ...] = ()
    needs: Mapping[str, Sequence[str]] = {}

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self._sigma = np.array([plane.sigma for plane in detector.planes])
        self._windows = windows(detector.planes)
        self._timed = np.array([plane.timed for plane in detector.planes], bool)
        self.produces: tuple[str, ...] = ("clusters", *counted(detector, np.empty((0, len(self._sigma)), np.int32)))

    def begin_run(self, conditions: RunConditions) -> None:
        """Take nothing: points stand in the frame of the detector."""

    def __call__(self, batch: Batch, products: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG002 - a stage
        """Return the points of a batch as clusters."""
        if batch.points is None:
            msg = "a batch without points"
            raise ValueError(msg)
        points = batch.points
        size = int(points.offsets[-1])
        plane = points["plane"].astype(np.int32)
        timed = self._timed[plane]
        columns: dict[str, Array] = {
            "plane": plane,
            "position": points["position"],
            "sigma": self._sigma[plane],
            "charge": np.where(timed, 1.0, points["charge"]) if timed.any() else points["charge"],
            "time": points["time"],
            "sigma_time": np.zeros(size),
            "in_time": in_time(points["time"], self._windows[:, plane]),
            "size": np.ones(size, np.int32),
            "twin": np.zeros(size, np.int32),
        }
        clusters = both_sides(Lists(points.offsets, columns), self.detector.planes)
        outside = ~columns["in_time"] & timed
        events, planes = len(points), len(self._sigma)
        key = points.parents * planes + plane
        late = np.bincount(key[outside], minlength=events * planes).reshape(events, planes)
        return {"clusters": clusters, **counted(self.detector, late)}


def _strips_of(channel_of: Array, channels: int) -> Array:
    """Return the strips ordered by the channel that reads them."""
    if channel_of.max(initial=-1) >= channels:
        msg = "a strip is read by a channel that does not exist"
        raise ValueError(msg)
    return np.argsort(channel_of, kind="stable").astype(np.int64)
