"""Track finding: which clusters of two stations before and two behind a dipole belong together.

In each view candidates are made from all combinations of clusters that stay within the roads; of the sets of candidates
that share no cluster the one of most tracks that match well is taken, first with all four stations, then with three from what
is left. The straight view comes first: in the bend plane three clusters always make a track, so that a candidate there must
agree with a track of the other view in charge and time. The tracks of both views are then paired by the same. The kernel
stands in `finding_kernels`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from emiss.events.lists import offsets_of
from emiss.reco.tracking.material import scattering

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Ints
    from emiss.events.lists import Lists
    from emiss.reco.field.transport import UniformBox
    from emiss.reco.parts.tracker import Plane

STATIONS = 4

MAX_CLUSTERS = 16
"""Clusters per view that are combined, those of highest charge."""


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

    def widths(self, z: Array, box: UniformBox, sigma: float, x_over_x0: float) -> tuple[float, float]:
        """Return the half widths of two roads, mm.

        The first is for the distance in x of the two segments at the middle of the dipole: to their error comes that they meet
        there at small angles only, L theta^3/8 away from it at a bend of theta in L. The second is for the distance of a y
        cluster to the line through two others.

        Parameters
        ----------
        z : array of shape (4,)
            Stations, mm.
        box : UniformBox
        sigma : float
            Resolution of a plane, mm.
        x_over_x0 : float
            Its thickness in radiation lengths.
        """
        covariance = sigma**2 * np.eye(STATIONS)
        covariance += scattering(z, np.full(STATIONS, x_over_x0), air=False) / self.momentum**2
        middle, length = 0.5 * (box.z_range[0] + box.z_range[1]), box.z_range[1] - box.z_range[0]
        before, behind = (middle - z[1]) / (z[1] - z[0]), (z[2] - middle) / (z[3] - z[2])
        meeting = np.array([-before, 1.0 + before, -1.0 - behind, behind])
        straight = []
        for first, between, last in combinations(range(STATIONS), 3):
            share = (z[between] - z[first]) / (z[last] - z[first])
            line = np.zeros(STATIONS)
            line[[first, between, last]] = share - 1.0, 1.0, -share
            straight.append(line @ covariance @ line)
        bend = abs(box.kick) / self.momentum
        meets = self.sigmas * np.sqrt(meeting @ covariance @ meeting) + length * bend**3 / 8.0
        return float(meets), float(self.sigmas * np.sqrt(max(straight)))


@dataclass(frozen=True)
class Candidates:
    """Candidates in the order of their events.

    Attributes
    ----------
    offsets : int64 array of shape (N + 1,)
        Event i holds the candidates offsets[i] to offsets[i + 1].
    clusters : int64 array of shape (candidates, 4, 2)
        Row of the cluster in the stations along the beam and the views x, y; -1 where it is missing.
    """

    offsets: Ints
    clusters: Ints


class Finder:
    """Finds candidates in stations with both views, two before and two behind the field.

    Parameters
    ----------
    planes : tuple of Plane
    box : UniformBox
        The field, or a box that does about the same.
    roads : Roads
    sigma, x_over_x0 : float
        Resolution (mm) and thickness (radiation lengths) of a plane.
    """

    def __init__(
        self, planes: tuple[Plane, ...], box: UniformBox, roads: Roads, *, sigma: float, x_over_x0: float
    ) -> None:
        self._station = np.array([plane.station for plane in planes])
        self._view = np.array([int(plane.view == "y") for plane in planes])
        self.z = np.full((STATIONS, 2), np.nan)
        self.z[self._station, self._view] = [plane.z for plane in planes]
        self._middle = 0.5 * (box.z_range[0] + box.z_range[1])
        kick = abs(box.kick) / roads.momentum
        self._roads = np.array([roads.slope, kick, *roads.widths(self.z[:, 0], box, sigma, x_over_x0), roads.sigmas])

    def __call__(self, clusters: Lists) -> Candidates:
        """Return the candidates among clusters with plane, position, charge, time and in_time."""
        from emiss.reco.tracking.finding_kernels import find

        first, last, order = self._by_view(clusters)
        position, charge, time = (clusters[name][order] for name in ("position", "charge", "time"))
        room = len(clusters) + 64
        while True:
            chosen = np.empty((room, STATIONS, 2), np.int64)
            counts = np.empty(len(clusters), np.int64)
            found = find(first, last, position, charge, time, self.z, self._middle, self._roads, counts, chosen)
            if found <= room:
                break
            room = found
        chosen = chosen[:found]
        rows = np.append(order, -1)[chosen]  # a missing cluster, -1, takes the last
        return Candidates(offsets_of(counts), rows)

    def _by_view(self, clusters: Lists) -> tuple[Array, Array, Array]:
        """Sort the clusters in time by event, station, view and falling charge; return first, last (N, 4, 2) and order."""
        plane = clusters["plane"]
        group = clusters.parents * (2 * STATIONS) + 2 * self._station[plane] + self._view[plane]
        chosen = np.flatnonzero(clusters["in_time"])
        group = group[chosen]
        order = chosen[np.lexsort((clusters["position"][chosen], -clusters["charge"][chosen], group))]
        ends = np.cumsum(np.bincount(group, minlength=len(clusters) * 2 * STATIONS))
        first = np.concatenate(([0], ends))[:-1].reshape(-1, STATIONS, 2)
        last = np.minimum(ends.reshape(-1, STATIONS, 2), first + MAX_CLUSTERS)
        return first, last, order
