"""Track finding: which clusters of two stations before and two behind a dipole belong together.

In each view candidates are made from all combinations of clusters that stay within the roads; of the sets of candidates
that share no cluster the one of most tracks that match well is taken, first with all four stations, then with three from what
is left. Tracks of the two views are then paired by the charge and time of their clusters. The kernel stands in
`finding_kernels`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from events.lists import offsets_of

if TYPE_CHECKING:
    from events.lists import Array, Lists
    from reco.detector import Plane
    from reco.field import UniformBox

STATIONS = 4

MAX_CLUSTERS = 16
"""Clusters per view that are combined, those of highest charge."""


@dataclass(frozen=True)
class Roads:
    """What a candidate must fulfil; the defaults are some seven sigma of planes of 100 um half a metre apart.

    Attributes
    ----------
    slope : float
        Largest slope before the dipole.
    momentum : float
        GeV; the lowest momentum looked for, whose bend is the largest change of slope in the bend plane.
    meeting : float
        mm; largest distance in x of the two segments at the middle of the dipole.
    straight : float
        mm; largest distance of a y cluster to the line through the outermost two.
    """

    slope: float = 0.06
    momentum: float = 5.0
    meeting: float = 4.0
    straight: float = 1.0


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

    offsets: Array
    clusters: Array


class Finder:
    """Finds candidates in stations with both views, two before and two behind the field."""

    def __init__(self, planes: tuple[Plane, ...], box: UniformBox, roads: Roads) -> None:
        self._station = np.array([plane.station for plane in planes])
        self._view = np.array([int(plane.view == "y") for plane in planes])
        self.z = np.full((STATIONS, 2), np.nan)
        self.z[self._station, self._view] = [plane.z for plane in planes]
        self._middle = 0.5 * (box.z_range[0] + box.z_range[1])
        kick = abs(box.kick) / roads.momentum
        self._roads = np.array([roads.slope, kick, roads.meeting, roads.straight])

    def __call__(self, clusters: Lists) -> Candidates:
        """Return the candidates among clusters with plane, position, charge and time."""
        from reco.finding_kernels import find

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
        """Sort clusters by event, station, view and falling charge; return first and last (N, 4, 2), and the order."""
        plane = clusters["plane"]
        group = clusters.parents * (2 * STATIONS) + 2 * self._station[plane] + self._view[plane]
        order = np.lexsort((clusters["position"], -clusters["charge"], group))
        ends = np.cumsum(np.bincount(group, minlength=len(clusters) * 2 * STATIONS))
        first = np.concatenate(([0], ends))[:-1].reshape(-1, STATIONS, 2)
        last = np.minimum(ends.reshape(-1, STATIONS, 2), first + MAX_CLUSTERS)
        return first, last, order
