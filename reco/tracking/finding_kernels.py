"""The numba kernels of track finding: candidates of one view, sets of them that share no cluster, pairs of views."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.compiled import kernel
from emiss.reco.tracking.roads_kernels import allows, bend_mismatch, few_missing, straight_mismatch

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Ints
    from emiss.reco.tracking.roads_kernels import Layout

MAX_CANDIDATES = 128
"""Candidates of a view and event that are kept to choose from, the best."""

MAX_TRACKS = 8
"""Tracks of a view and event."""

CHARGE_SPREAD = 0.3
"""rms of the logarithm of the ratio of the charges of a particle in x and y (illustrative)."""

ALONE = 9.0
"""Square that counts for a station where one view has a cluster and the other has none: 3 sigma."""

WORST = 2.5
"""Largest mean square by which the clusters of x and y in the same stations may differ, in units of the spreads."""

FAREST = 5.0
"""The same with stations in which one view has no cluster."""

TIME_SPREAD = 5.0
"""ns; rms of the difference of the times of a particle in x and y (illustrative)."""


@kernel(error_model="numpy")
def _disagreement(x: int, y: int, charge: Array, time: Array) -> float:
    """Return by how much the clusters of a particle in x and y differ in charge and time: a mean of squares."""
    total = (math.log(charge[x] / charge[y]) / CHARGE_SPREAD) ** 2
    late = time[x] - time[y]
    return total if math.isnan(late) else 0.5 * (total + (late / TIME_SPREAD) ** 2)


@kernel(error_model="numpy")
def _difference(x: Array, y: Array, charge: Array, time: Array) -> float:
    """Return how badly the clusters of an x and a y track agree in stations, charge and time: a mean of squares.

    Infinite if they are not of one particle.
    """
    total, both, alone = 0.0, 0, 0
    for s in range(len(x)):
        if x[s] >= 0 and y[s] >= 0:
            total += _disagreement(x[s], y[s], charge, time)
            both += 1
        elif x[s] >= 0 or y[s] >= 0:
            alone += 1
    if both == 0 or total > WORST * both:
        return np.inf
    mean = (total + ALONE * alone) / (both + alone)
    return mean if mean <= FAREST else np.inf


@kernel(error_model="numpy")
def _partners(first: Array, last: Array, charge: Array, time: Array, partner: Array) -> None:
    """Write for each y cluster how badly the best x cluster of its station agrees with it."""
    for s in range(len(first)):
        for y in range(first[s, 1], last[s, 1]):
            partner[y] = ALONE
            for x in range(first[s, 0], last[s, 0]):
                partner[y] = min(partner[y], _disagreement(x, y, charge, time))


@kernel(error_model="numpy")
def _candidates(
    needed: int,
    view: int,
    first: Array,
    last: Array,
    position: Array,
    used: Array,
    layout: Layout,
    charge: Array,
    time: Array,
    partner: Array,
    others: Array,
    chosen: Array,
    mismatch: Array,
) -> int:
    """Write the best combinations of clusters of `needed` stations, best first; return how many.

    To the mismatch adds how badly the clusters agree in charge and time with the other view: in the straight view with the
    best `partner` of each, in the bend view with the best of the `others`, the tracks of the straight view. Stations are
    filled along the beam, and what the roads leave no room for is not followed up.
    """
    found, stations, sigmas = 0, len(first), layout.roads[4]
    bends = view == 0 and layout.bends
    u, pick = np.empty(stations), np.empty(stations, np.int64)
    room = np.empty((stations + 1, 2))  # the slopes that are left before each station
    counter = np.full(stations, -1, np.int64)  # 0: missing, k: the cluster first + k - 1
    lowest = int(first.min())
    s = 0
    while s >= 0:
        counter[s] += 1
        if counter[s] > last[s] - first[s]:
            counter[s] = -1
            s -= 1
            continue
        pick[s], u[s] = -1, np.nan
        if counter[s] > 0:
            pick[s] = first[s] + counter[s] - 1
            u[s] = position[pick[s]]
            if used[pick[s] - lowest]:
                continue
        if not (few_missing(u, s, needed, layout) and allows(u, s, bends, layout, room)):
            continue
        if s < stations - 1:
            s += 1
            continue
        value = bend_mismatch(u, layout) if bends else straight_mismatch(u, layout)
        if view:
            alone = 0.0
            for k in range(stations):
                alone += partner[pick[k]] if pick[k] >= 0 else 0.0
            value += alone / (needed * sigmas**2)
        elif value < np.inf:
            nearest = np.inf
            for j in range(len(others)):
                nearest = min(nearest, _difference(pick, others[j], charge, time))
            value += nearest / sigmas**2
        if value < np.inf and (found < MAX_CANDIDATES or value < mismatch[found - 1]):
            at = min(found, MAX_CANDIDATES - 1)
            while at > 0 and mismatch[at - 1] > value:
                mismatch[at], chosen[at] = mismatch[at - 1], chosen[at - 1]
                at -= 1
            mismatch[at], chosen[at] = value, pick
            found = min(found + 1, MAX_CANDIDATES)
    return found


@kernel(error_model="numpy")
def _fill(
    start: int, found: int, room: int, chosen: Array, mismatch: Array, twin: Array, picked: Array
) -> tuple[int, float]:
    """Pick candidate `start`, then the best ones that share no cluster with those picked; return how many, and their worth.

    A cluster and its twin are one.

    A candidate is worth 1 less its mismatch, so that one good track is not given up for two that hardly fit the roads.
    """
    picked[0] = start
    size, worth = 1, 1.0 - mismatch[start]
    for c in range(found):
        if size == room:
            break
        apart = True
        for k in range(size):
            for s in range(chosen.shape[1]):
                own, other = chosen[c, s], chosen[picked[k], s]
                apart = apart and (own < 0 or (own != other and twin[own] != other))
        if apart:
            picked[size] = c
            worth += 1.0 - mismatch[c]
            size += 1
    return size, worth


@kernel(error_model="numpy")
def _tracks(
    view: int,
    first: Array,
    last: Array,
    position: Array,
    charge: Array,
    time: Array,
    twin: Array,
    partner: Array,
    others: Array,
    layout: Layout,
    tracks: Array,
) -> int:
    """Write the tracks of one view as clusters (tracks, S), -1 where one is missing; return how many.

    In the bend view there are as many as `others` at most: more could not be paired, and of two wrong ones that share no
    cluster each may look well enough to push out the right one.
    """
    stations, hit = len(first), 0
    for s in range(stations):
        hit += int(last[s] > first[s])
    if hit < layout.fewest:
        return 0
    lowest = int(first.min())
    used = np.zeros(int(last.max()) - lowest + 1, np.bool_)
    chosen, mismatch = np.empty((MAX_CANDIDATES, stations), np.int64), np.empty(MAX_CANDIDATES)
    picked, best = np.empty(MAX_TRACKS, np.int64), np.empty(MAX_TRACKS, np.int64)
    made = 0
    most_tracks = len(tracks) if view else min(len(others), len(tracks))
    for needed in range(stations, layout.fewest - 1, -1):
        found = _candidates(
            needed, view, first, last, position, used, layout, charge, time, partner, others, chosen, mismatch
        )
        most, highest = 0, -np.inf
        for start in range(found):
            size, worth = _fill(start, found, most_tracks - made, chosen, mismatch, twin, picked)
            if worth > highest:
                most, highest = size, worth
                best[:] = picked
        for k in range(most):
            tracks[made] = chosen[best[k]]
            for s in range(stations):
                if tracks[made, s] >= 0:
                    used[tracks[made, s] - lowest] = True
                    other = twin[tracks[made, s]] - lowest
                    if other < len(used):  # else it is not looked at
                        used[other] = True
            made += 1
        if made == most_tracks:
            break
    return made


@kernel(error_model="numpy")
def find(
    first: Ints,
    last: Ints,
    position: Array,
    charge: Array,
    time: Array,
    twin: Ints,
    layout: Layout,
    counts: Ints,
    out: Ints,
) -> int:
    """Find the track candidates of all events; return how many.

    Parameters
    ----------
    first, last : int64 arrays of shape (N, S, 2)
        The clusters of event, station and view (x, y) are first to last.
    position, charge, time : arrays of shape (clusters,)
        mm, ADC (above 0), ns (NaN where unknown).
    twin : int64 array of shape (clusters,)
        The cluster that is the other side of the same hit, in the same view; its own number where there is none.
    layout : Layout
        The stations and the roads.
    counts : int64 array of shape (N,), written
        Candidates of each event.
    out : int64 array of shape (room, S, 2), written
        Clusters of the candidates (-1: missing); counting goes on when the room is full.
    """
    found, stations = 0, first.shape[1]
    xs, ys = np.empty((MAX_TRACKS, stations), np.int64), np.empty((MAX_TRACKS, stations), np.int64)
    difference = np.empty((MAX_TRACKS, MAX_TRACKS))
    partner = np.empty(len(position))
    for event in range(len(first)):
        counts[event] = 0
        low, high = first[event], last[event]
        _partners(low, high, charge, time, partner)
        n_y = _tracks(1, low[:, 1], high[:, 1], position, charge, time, twin, partner, ys[:0], layout, ys)
        if n_y == 0:
            continue
        n_x = _tracks(0, low[:, 0], high[:, 0], position, charge, time, twin, partner, ys[:n_y], layout, xs)
        for i in range(n_x):
            for j in range(n_y):
                difference[i, j] = _difference(xs[i], ys[j], charge, time)
        for _ in range(min(n_x, n_y)):
            best_x, best_y = 0, 0
            for i in range(n_x):
                for j in range(n_y):
                    if difference[i, j] < difference[best_x, best_y] or math.isnan(difference[best_x, best_y]):
                        best_x, best_y = i, j
            if found < len(out):
                out[found, :, 0], out[found, :, 1] = xs[best_x], ys[best_y]
            found += 1
            counts[event] += 1
            difference[best_x, :n_y] = np.nan
            difference[:n_x, best_y] = np.nan
    return found
