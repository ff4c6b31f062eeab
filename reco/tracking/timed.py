"""Trackers that a TDC reads: hits of fibres and straw tubes to clusters, those of a straw on both sides of its wire.

A drift time tells the distance to the wire and not the side. Both sides are clusters, one behind the other, and each says where
its `twin` is: +1 for the row behind it, -1 for the one before, 0 for a cluster that has none. Of a hit one side at most is part
of a track (`finding`), and the fit takes the sides of least chi2 (`sides`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.events.lists import Lists, offsets_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Array, Floats
    from emiss.events.batch import Batch
    from emiss.reco.detector.model import Detector
    from emiss.reco.parts.tracker import Plane

CHARGE = 1.0
"""Of a hit: a TDC tells none, and all are alike."""


class TdcStage:
    """TDC hits to more of the ``clusters``, and the hits that nothing is made of.

    The time of a hit is its count times the bin, less `t0` (`tdc.time`), so relative to the trigger; those outside the window
    of the detector file are counted, and those of wires that are noisy or dead (`tdc.status`). A straw's clusters have no time:
    what is measured is the drift's.
    """

    uses: tuple[str, ...] = ("clusters",)

    def __init__(self, detector: Detector) -> None:
        planes = detector.planes
        self.detector = detector
        self._wires = np.array([plane.strips if plane.timed else 0 for plane in planes], np.int64)
        self._base = np.concatenate(([0], np.cumsum(self._wires)))
        self._bin = np.array([detector.tdc(plane).bin if plane.timed else 0.0 for plane in planes])
        self._first = np.array([float(plane.position(np.zeros(1))[0]) for plane in planes])
        self._pitch = np.array([plane.pitch for plane in planes])
        self._sigma = np.array([plane.sigma for plane in planes])
        self._window = np.array([plane.window for plane in planes]).reshape(-1, 2)
        self._t0 = self._status = np.empty(0)
        self._shift = np.zeros(len(planes))
        none = np.empty((0, len(planes)), np.int32)
        self.produces: tuple[str, ...] = ("clusters", *counted(detector, none))

    @property
    def needs(self) -> Mapping[str, Sequence[str]]:
        """The conditions used: start and status of each wire, alignment of each plane."""
        wires = wires_of(self.detector)
        return {"tdc.time": wires, "tdc.status": wires, "tracker.alignment": list(self.detector.timed)}

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the constants of a run."""
        needs = self.needs
        self._t0 = conditions.get("tdc.time", needs["tdc.time"])["t0"]
        self._status = conditions.get("tdc.status", needs["tdc.status"])["status"]
        own = np.flatnonzero([plane.timed for plane in self.detector.planes])
        self._shift[own] = conditions.get("tracker.alignment", needs["tracker.alignment"])["shift"]

    def __call__(self, batch: Batch, products: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the clusters of a batch, those of strips first in each event, and counts."""
        strips: Lists = products["clusters"]
        digits = batch.tdc
        if digits is None:
            msg = "a batch without TDC hits"
            raise ValueError(msg)
        plane, events, planes = digits["plane"].astype(np.int64), len(batch), len(self._bin)
        wire = self._base[plane] + digits["wire"]
        time = digits["time"] * self._bin[plane] - self._t0[wire]
        bad = self._status[wire] != 0
        first, last = self._window[plane].T
        inside = (time >= first) & (time <= last)
        key = digits.parents * planes + plane
        noisy, outside = (
            np.bincount(key[rows], minlength=events * planes).reshape(events, planes) for rows in (bad, ~bad & ~inside)
        )
        kept = np.flatnonzero(inside & ~bad)
        order = kept[np.lexsort((time[kept], digits["wire"][kept], key[kept]))]
        plane, time = plane[order], time[order]
        columns: dict[str, Array] = {
            "plane": plane.astype(np.int32),
            "position": self._first[plane] + digits["wire"][order] * self._pitch[plane] + self._shift[plane],
            "sigma": self._sigma[plane],
            "charge": np.full(len(order), CHARGE),
            "time": time,
            "sigma_time": np.zeros(len(order)),
            "in_time": np.ones(len(order), bool),
            "size": np.ones(len(order), np.int32),
            "twin": np.zeros(len(order), np.int32),
        }
        counts = np.bincount(digits.parents[order], minlength=events)
        more = both_sides(Lists(offsets_of(counts), columns), self.detector.planes)
        return {"clusters": _joined(strips, more), **counted(self.detector, outside, noisy)}


def twins(clusters: Lists) -> Array:
    """Return where the twins of clusters are, 0 for those without one; clusters that say nothing of twins have none."""
    found = clusters.columns.get("twin")
    return np.zeros(int(clusters.offsets[-1]), np.int32) if found is None else found


def wires_of(detector: Detector) -> list[str]:
    """Return the names PLANE.wire of all channels of TDCs."""
    return [f"{name}.{wire}" for name, wires in detector.timed.items() for wire in range(wires)]


def counted(detector: Detector, outside: Array, noisy: Array | None = None) -> dict[str, Array]:
    """Return the columns of hits that nothing is made of, from their numbers (N, planes) by plane."""
    parts = np.array([plane.part for plane in detector.planes], np.str_)
    noisy = np.zeros_like(outside) if noisy is None else noisy
    return {
        f"{name}.{inner}": values[:, parts == name].astype(np.int32)
        for name, tracker in detector.trackers.items()
        if tracker.digitiser is not None
        for inner, values in (("n_outside", outside), ("n_noisy", noisy))
    }


def both_sides(clusters: Lists, planes: Sequence[Plane]) -> Lists:
    """Return clusters with those of straws, at their wires with their drift times, on both sides: left, then right."""
    straws = {number: plane.straw for number, plane in enumerate(planes) if plane.straw is not None}
    if not straws:
        return clusters
    plane = clusters["plane"]
    drifts = np.isin(plane, list(straws))
    distance: Floats = np.zeros(len(plane))
    for number, straw in straws.items():
        rows = plane == number
        distance[rows] = straw.distance(clusters["time"][rows])
    times = np.where(drifts, 2, 1)
    row = np.repeat(np.arange(len(plane)), times)
    right = np.diff(row, prepend=-1) == 0
    two = drifts[row]
    columns = {name: values[row] for name, values in clusters.columns.items()}
    columns["position"] = columns["position"] + np.where(two, np.where(right, distance[row], -distance[row]), 0.0)
    columns["time"] = np.where(two, np.nan, columns["time"])
    columns["sigma_time"] = np.where(two, np.nan, columns["sigma_time"])
    columns["twin"] = np.where(two, np.where(right, -1, 1), 0).astype(np.int32)
    counts = np.bincount(clusters.parents, times, len(clusters)).astype(np.int64)
    return Lists(offsets_of(counts), columns)


def _joined(first: Lists, second: Lists) -> Lists:
    """Return the rows of two collections of the same events, those of the first before those of the second."""
    order = np.argsort(np.concatenate([first.parents, second.parents]), kind="stable")
    columns = {name: np.concatenate([first[name], second[name]])[order] for name in first.columns}
    return Lists(offsets_of(first.counts + second.counts), columns)
