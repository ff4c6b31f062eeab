"""Track finding: which clusters of two stations before and two behind a dipole belong together.

In each view candidates are made from all combinations that fit the roads, the best first, no cluster twice; candidates with
all four stations go before those with three. Then x and y candidates are paired by charge.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numba
import numpy as np

if TYPE_CHECKING:
    from events.lists import Array

MAX_CLUSTERS = 16
"""Clusters per view that are combined; further ones, of lower charge, are noise."""

MAX_TRACKS = 8
"""Candidates per view and event."""


@dataclass(frozen=True)
class Roads:
    """What a candidate must fulfil.

    Attributes
    ----------
    slope : float
        Largest slope of a segment before the dipole.
    kick : float
        Largest difference of slopes across the dipole in the bend plane.
    meeting : float
        mm; largest distance of the two x segments at the middle of the dipole.
    straight : float
        mm; largest distance of a y cluster to the line through two others.
    """

    slope: float = 0.06
    kick: float = 0.09
    meeting: float = 4.0
    straight: float = 4.0


@numba.njit(cache=True, nogil=True)
def _quality(z: Array, u: Array, bend: bool, middle: float, roads: Array) -> float:
    """Return the mismatch of up to four positions (NaN: missing) in units of their road; infinite outside it."""
    known = 0
    for s in range(4):
        known += int(not math.isnan(u[s]))
    before = (u[1] - u[0]) / (z[1] - z[0])
    behind = (u[3] - u[2]) / (z[3] - z[2])
    if bend:
        if (not math.isnan(before) and abs(before) > roads[0]) or (
            not math.isnan(behind) and abs(behind) > roads[0] + roads[1]
        ):
            return np.inf
        if known == 4:
            distance = abs((u[1] + before * (middle - z[1])) - (u[2] + behind * (middle - z[2]))) / roads[2]
            return distance if distance <= 1.0 and abs(behind - before) <= roads[1] else np.inf
        # three clusters: the line through the pair and the third one must meet within the largest kick
        if math.isnan(before):
            single = u[0] if math.isnan(u[1]) else u[1]
            at = z[0] if math.isnan(u[1]) else z[1]
            meet = u[2] + behind * (middle - z[2])
            slope = (meet - single) / (middle - at)
            return 0.0 if abs(slope) <= roads[0] and abs(behind - slope) <= roads[1] else np.inf
        single = u[2] if math.isnan(u[3]) else u[3]
        at = z[2] if math.isnan(u[3]) else z[3]
        slope = (single - (u[1] + before * (middle - z[1]))) / (at - middle)
        return 0.0 if abs(slope - before) <= roads[1] else np.inf
    first, last = -1, -1
    for s in range(4):
        if not math.isnan(u[s]):
            first = s if first < 0 else first
            last = s
    slope = (u[last] - u[first]) / (z[last] - z[first])
    if abs(slope) > roads[0]:
        return np.inf
    worst = 0.0
    for s in range(4):
        if not math.isnan(u[s]):
            worst = max(worst, abs(u[s] - u[first] - slope * (z[s] - z[first])) / roads[3])
    return worst if worst <= 1.0 else np.inf


@numba.njit(cache=True, nogil=True)
def _view(
    start: Array, stop: Array, position: Array, z: Array, bend: bool, middle: float, roads: Array, chosen: Array
) -> int:
    """Fill `chosen` (tracks, 4) with the clusters of the candidates of one view (-1: missing); return how many."""
    found = 0
    u = np.empty(4)
    pick = np.empty(4, np.int64)
    best = np.empty(4, np.int64)
    total = 0
    for s in range(4):
        total = max(total, stop[s])
    used = np.zeros(total + 1, np.bool_)
    for needed in (4, 3):
        while found < len(chosen):
            lowest = np.inf
            for a in range(start[0] - 1, stop[0]):
                for b in range(start[1] - 1, stop[1]):
                    if needed == 4 and (a < start[0] or b < start[1]):
                        continue
                    for c in range(start[2] - 1, stop[2]):
                        for d in range(start[3] - 1, stop[3]):
                            pick[0], pick[1], pick[2], pick[3] = a, b, c, d
                            known, taken = 0, False
                            for s in range(4):
                                if pick[s] < start[s]:
                                    pick[s], u[s] = -1, np.nan
                                else:
                                    known += 1
                                    taken = taken or used[pick[s]]
                                    u[s] = position[pick[s]]
                            if known != needed or taken:
                                continue
                            value = _quality(z, u, bend, middle, roads)
                            if value < lowest:
                                lowest = value
                                best[:] = pick
            if not math.isfinite(lowest):
                break
            chosen[found] = best
            for s in range(4):
                if best[s] >= 0:
                    used[best[s]] = True
            found += 1
    return found


@numba.njit(cache=True, nogil=True)
def find(
    first: Array,
    last: Array,
    position: Array,
    charge: Array,
    z: Array,
    middle: float,
    roads: Array,
    out_event: Array,
    out_cluster: Array,
) -> int:
    """Find the track candidates of all events; return how many.

    Parameters
    ----------
    first, last : int64 arrays of shape (N, 4, 2)
        The clusters of event, station and view (x, y) are first to last.
    position, charge : arrays of shape (clusters,)
        mm, ADC.
    z : array of shape (4, 2)
        Positions of the planes, mm.
    middle : float
        Middle of the dipole, mm.
    roads : array of shape (4,)
        slope, kick, meeting, straight.
    out_event (room,), out_cluster (room, 4, 2) : written
        Event and clusters (-1: missing) of each candidate; counting goes on when the room is full.
    """
    found = 0
    xs = np.empty((MAX_TRACKS, 4), np.int64)
    ys = np.empty((MAX_TRACKS, 4), np.int64)
    for event in range(len(first)):
        n_x = _view(first[event, :, 0], last[event, :, 0], position, z[:, 0], True, middle, roads, xs)
        if n_x == 0:
            continue
        n_y = _view(first[event, :, 1], last[event, :, 1], position, z[:, 1], False, middle, roads, ys)
        free = np.ones(MAX_TRACKS, np.bool_)
        for i in range(n_x):
            best, lowest = -1, np.inf
            for j in range(n_y):
                if not free[j]:
                    continue
                distance, both = 0.0, 0
                for s in range(4):
                    if xs[i, s] >= 0 and ys[j, s] >= 0 and charge[xs[i, s]] > 0 and charge[ys[j, s]] > 0:
                        distance += abs(math.log(charge[xs[i, s]] / charge[ys[j, s]]))
                        both += 1
                distance = distance / both if both else 1e9
                if distance < lowest:
                    best, lowest = j, distance
            if best < 0:
                continue
            free[best] = False
            if found < len(out_event):
                out_event[found] = event
                out_cluster[found, :, 0] = xs[i]
                out_cluster[found, :, 1] = ys[best]
            found += 1
    return found
