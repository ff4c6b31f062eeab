"""Track finding: which clusters of the stations before and behind a dipole belong together.

In each view candidates are made from all combinations of clusters that stay within the roads; of the sets of candidates
that share no cluster the one of most tracks that match well is taken, first with all stations, then with one missing on either
side of the dipole, then on both, from what is left; never with less than three. The straight view comes first: in the bend
plane three clusters always make a track, so that a candidate there must agree with a track of the other view in charge and
time. The tracks of both views are then paired by the same. Without a field both views are straight. The kernels stand in
`finding_kernels` and `roads_kernels`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product
from typing import TYPE_CHECKING

import numpy as np

from emiss.events.lists import offsets_of
from emiss.reco.tracking.material import scattering
from emiss.reco.tracking.timed import twins

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Floats, Ints
    from emiss.events.lists import Lists
    from emiss.reco.field.transport import UniformBox
    from emiss.reco.parts.tracker import Plane
    from emiss.reco.tracking.roads_kernels import Layout

FEWEST = 3
"""Stations of the smallest track."""

MAX_CLUSTERS = 16
"""Clusters per view that are combined, those of highest charge; of straws so many hits, whose sides are two each."""


@dataclass(frozen=True)
class Roads:
    """What a candidate must fulfil.

    Attributes
    ----------
    slope : float
        Largest slope before the dipole.
    momentum : float
        GeV; the lowest momentum looked for, whose bend is the largest change of slope in the bend plane.
    sigmas : float
        Half width of a road in errors of the planes and multiple scattering at the lowest momentum.
    """

    slope: float = 0.06
    momentum: float = 5.0
    sigmas: float = 7.0

    def layout(self, z: Floats, before: int, box: UniformBox, sigma: Floats, noise: Floats) -> Layout:
        """Return stations and roads for the kernels.

        Parameters
        ----------
        z : array of shape (S,)
            Stations, mm.
        before : int
            How many of them stand before the dipole, or without one in the first half.
        box : UniformBox
            The field, or a box that does about the same.
        sigma : array of shape (S,)
            Resolution of the planes, mm.
        noise : array of shape (S, S)
            Covariance of displacements by scattering for p = 1 GeV, mm^2 (`material.scattering`).
        """
        from emiss.reco.tracking.roads_kernels import Layout

        covariance = np.diag(sigma**2)
        covariance += noise / self.momentum**2
        stations = len(z)
        sides = range(before), range(before, stations)
        segments = [_ends(side) for side in sides]
        meeting, error = np.full((stations,) * 4, np.inf), np.inf
        bend = abs(box.kick) / self.momentum
        for front, back in product(*segments):
            wide, turned = _meeting(z, box, covariance, (*front, *back))
            meeting[(*front, *back)] = (
                self.sigmas * wide + (box.z_range[1] - box.z_range[0]) * bend**3 / 8.0
            )  # they meet in the middle at small angles only
            error = min(error, turned)
        widest = float(max((meeting[(*front, *back)] for front, back in product(*segments)), default=0.0))
        lines = [self.sigmas * _straight(z, covariance, stops) for stops in (range(stations), *sides)]
        return Layout(
            z=z,
            before=before,
            fewest=max(FEWEST, stations - sum(len(side) > 1 for side in sides)),
            bends=bend > (error if np.isfinite(error) else 0.0),
            middle=0.5 * (box.z_range[0] + box.z_range[1]),
            roads=np.array([self.slope, bend, widest, lines[0], self.sigmas, lines[1], lines[2]]),
            meeting=meeting,
        )


def _ends(side: range) -> list[tuple[int, int]]:
    """Return the first and the last station that a track can have on one side of the dipole, where one may be missing."""
    return [pair for pair in combinations(side, 2) if pair[0] - side[0] + side[-1] - pair[1] <= 1]


def _meeting(z: Floats, box: UniformBox, covariance: Floats, four: tuple[int, int, int, int]) -> tuple[float, float]:
    """Return the errors of the distance (mm) of two segments at the middle of the dipole, and of their angle (rad).

    The segments run between the first two and the last two of four stations.
    """
    middle = 0.5 * (box.z_range[0] + box.z_range[1])
    a, b, c, d = z[list(four)]
    before, behind = (middle - b) / (b - a), (c - middle) / (d - c)
    meeting = np.array([-before, 1.0 + before, -1.0 - behind, behind])
    angle = np.array([1.0 / (b - a), -1.0 / (b - a), -1.0 / (d - c), 1.0 / (d - c)])
    own = covariance[np.ix_(four, four)]
    return float(np.sqrt(meeting @ own @ meeting)), float(np.sqrt(angle @ own @ angle))


def _straight(z: Floats, covariance: Floats, stations: range) -> float:
    """Return the largest error (mm) of the distance of a position to the line through two others around it; 0 of none."""
    worst = 0.0
    for first, between, last in combinations(stations, 3):
        share = (z[between] - z[first]) / (z[last] - z[first])
        line = np.zeros(len(z))
        line[[first, between, last]] = share - 1.0, 1.0, -share
        worst = max(worst, float(line @ covariance @ line))
    return float(np.sqrt(worst))


@dataclass(frozen=True)
class Candidates:
    """Candidates in the order of their events.

    Attributes
    ----------
    offsets : int64 array of shape (N + 1,)
        Event i holds the candidates offsets[i] to offsets[i + 1].
    clusters : int64 array of shape (candidates, S, 2)
        Row of the cluster in the stations along the beam and the views x, y; -1 where it is missing.
    """

    offsets: Ints
    clusters: Ints


class Finder:
    """Finds candidates in stations with both views.

    Parameters
    ----------
    planes : tuple of Plane
    before : int
        Stations before the field; None: those that stand there, or the first half where there is no field.
    box : UniformBox
        The field, or a box that does about the same.
    roads : Roads
    air : bool
        Whether there is air between the stations.
    slack : array of shape (S,), optional
        By how much positions may be off beside their errors, mm.
    """

    def __init__(
        self,
        planes: tuple[Plane, ...],
        box: UniformBox,
        roads: Roads,
        *,
        before: int | None = None,
        air: bool = False,
        slack: Floats | None = None,
    ) -> None:
        self._station = np.array([plane.station for plane in planes])
        self._view = np.array([int(plane.view == "y") for plane in planes])
        self.place = 2 * self._station + self._view
        self._most = np.full((int(self._station.max()) + 1, 2), MAX_CLUSTERS)
        self._most[self._station, self._view] *= [1 if plane.straw is None else 2 for plane in planes]
        stations = int(self._station.max()) + 1
        self.z, sigma, lengths = np.zeros(stations), np.zeros(stations), np.zeros(stations)
        self.z[self._station] = [plane.z for plane in planes]
        sigma[self._station] = [plane.sigma for plane in planes]
        lengths[self._station] = [plane.x_over_x0 for plane in planes]
        if before is None:
            before = int(np.sum(self.z < box.z_range[0]))
        noise = scattering(self.z, lengths, air=air)
        self.layout = roads.layout(self.z, before, box, sigma, noise)
        if slack is not None:  # wider roads, but what bends does not depend on them
            wide = roads.layout(self.z, before, box, sigma + slack / roads.sigmas, noise)
            self.layout = wide._replace(bends=self.layout.bends)

    def __call__(self, clusters: Lists) -> Candidates:
        """Return the candidates among clusters with plane, position, charge, time, in_time and twin."""
        from emiss.reco.tracking.finding_kernels import find

        first, last, order = self._by_view(clusters)
        position, charge, time = (clusters[name][order] for name in ("position", "charge", "time"))
        twin = _places(order, twins(clusters))
        room = len(clusters) + 64
        while True:
            chosen = np.empty((room, len(self.z), 2), np.int64)
            counts = np.empty(len(clusters), np.int64)
            found = find(first, last, position, charge, time, twin, self.layout, counts, chosen)
            if found <= room:
                break
            room = found
        chosen = chosen[:found]
        rows = np.append(order, -1)[chosen]  # a missing cluster, -1, takes the last
        return Candidates(offsets_of(counts), rows)

    def _by_view(self, clusters: Lists) -> tuple[Array, Array, Array]:
        """Sort the clusters in time by event, station, view and falling charge; return first, last (N, S, 2) and order."""
        plane, stations = clusters["plane"], len(self.z)
        group = clusters.parents * (2 * stations) + 2 * self._station[plane] + self._view[plane]
        chosen = np.flatnonzero(clusters["in_time"])
        group = group[chosen]
        order = chosen[_ordered(group, -clusters["charge"][chosen], clusters["position"][chosen])]
        ends = np.cumsum(np.bincount(group, minlength=len(clusters) * 2 * stations))
        first = np.concatenate(([0], ends))[:-1].reshape(-1, stations, 2)
        last = np.minimum(ends.reshape(-1, stations, 2), first + self._most)
        return first, last, order


def _ordered(group: Array, *keys: Array) -> Array:
    """Return the rows in the order of groups, in these of the first key and so on: what a lexical sort gives.

    Most groups have one row, so that only the rows of the others are sorted by all keys.
    """
    order = np.argsort(group, kind="stable")
    again = np.diff(group[order]) == 0
    several = np.flatnonzero(np.append(again, False) | np.append(False, again))
    rows = order[several]
    order[several] = rows[np.lexsort((*(key[rows] for key in reversed(keys)), group[rows]))]
    return order


def _places(order: Ints, twin: Array) -> Ints:
    """Return for rows in an order where in it their twins are; a row without one is its own."""
    own = np.arange(len(order))
    twin = twin[order]
    has = np.flatnonzero(twin)
    if not len(has):
        return own
    place = np.empty(int(order.max()) + 2, np.int64)
    place[order] = own
    own[has] = place[order[has] + twin[has]]
    return own
