"""Clusters that two tracks share: where the clusters of one view have merged, they are split, and tracks are looked for again.

Two particles that cross a station at the same y leave one cluster there, of the charge of both; the other view has two. Such a
cluster is taken for two, at the same place, of charges in the ratio of the two in the other view. Where there are more tracks
then than before, these are taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss.events.lists import Lists, offsets_of
from emiss.reco.tracking.finding import Candidates
from emiss.reco.tracking.timed import twins
from emiss.reco.tracking.vertex import pairs

if TYPE_CHECKING:
    from collections.abc import Callable

    from emiss.configs.arrays import Array, Floats, Ints

ALIKE = 0.75
"""Largest logarithm of the ratio of a merged cluster's charge to that of the two of the other view: 2.5 sigma."""

LATE = 20.0
"""ns; largest difference of their times."""


@dataclass(frozen=True)
class Shared:
    """Candidates with the clusters they are made of.

    Attributes
    ----------
    candidates : Candidates
        Their clusters are rows of `columns`.
    columns : mapping of name to arrays
        The clusters of a batch, then those of split events.
    source : int array
        Row of each in the clusters of the batch.
    shared : int32 array of shape (candidates,)
        Clusters of each candidate that another one has, too.
    """

    candidates: Candidates
    columns: dict[str, Array]
    source: Ints
    shared: Array


def share(clusters: Lists, find: Callable[[Lists], Candidates], place: Ints, pitch: Floats) -> Shared:
    """Find candidates that may share clusters.

    Parameters
    ----------
    clusters : Lists
        With plane, position, sigma, charge, time, in_time, size.
    find : callable
        Finds candidates that share none.
    place : int array of shape (planes,)
        2 * station + view of each plane.
    pitch : array of shape (planes,)
        mm; the error of a split cluster is as if the particles were anywhere in it.
    """
    once = find(clusters)
    merged, first, second = _merged(clusters, place[clusters["plane"]])
    events = np.unique(clusters.parents[merged])
    again, source = _split(clusters, events, merged, first, second)
    double = np.bincount(source, minlength=len(clusters.parents))[source] > 1
    wide = again["size"] * pitch[again["plane"]] / np.sqrt(12.0)
    sigma = np.where(double, np.hypot(again["sigma"], wide), again["sigma"])
    again = Lists(again.offsets, {**again.columns, "sigma": sigma})
    twice = find(again)
    better = np.diff(twice.offsets) > np.diff(once.offsets)[events]
    # the candidates of the other events, then those of split ones
    event = np.repeat(np.arange(len(clusters)), np.diff(once.offsets))
    event_again = np.repeat(np.arange(len(events)), np.diff(twice.offsets))
    kept, taken = ~np.isin(event, events[better]), better[event_again]
    size = len(clusters.parents)
    rows = np.concatenate([once.clusters[kept], np.where(twice.clusters >= 0, twice.clusters + size, -1)[taken]])
    of = np.concatenate([event[kept], events[event_again[taken]]])
    order = np.argsort(of, kind="stable")
    rows, of = rows[order], of[order]
    columns = {name: np.concatenate([values, again[name]]) for name, values in clusters.columns.items()}
    origin = np.concatenate([np.arange(size), source])
    used = np.bincount(origin[rows[rows >= 0]], minlength=size)
    shared = np.sum((rows >= 0) & (np.append(used, 0)[np.append(origin, size)[rows]] > 1), axis=(1, 2)).astype(np.int32)
    return Shared(Candidates(offsets_of(np.bincount(of, minlength=len(clusters))), rows), columns, origin, shared)


def _merged(clusters: Lists, place: Ints) -> tuple[Array, Array, Array]:
    """Return the rows of clusters that may have merged, and those of the two in the other view that they are of."""
    planes = int(place.max(initial=0)) // 2 * 2 + 2
    rows = np.flatnonzero(clusters["in_time"] & (twins(clusters) == 0))  # the sides of a straw are no two particles
    key = clusters.parents[rows] * planes + place[rows]
    rows = rows[np.argsort(key, kind="stable")]
    groups = Lists(offsets_of(np.bincount(key, minlength=len(clusters) * planes)), {"row": rows})
    a, b = pairs(groups)
    group = groups.parents[a]
    fewer = groups.counts[group ^ 1] < groups.counts[group]  # in the other view of the station
    a, b, other = a[fewer], b[fewer], group[fewer] ^ 1
    count = groups.counts[other]
    pair = np.repeat(np.arange(len(a)), count)
    one = np.repeat(groups.offsets[other], count) + np.arange(len(pair)) - np.repeat(np.cumsum(count) - count, count)
    one, a, b = rows[one], rows[a[pair]], rows[b[pair]]
    charge, time = clusters["charge"], clusters["time"]
    off = np.abs(np.log(charge[one] / (charge[a] + charge[b])))
    late = np.maximum(np.abs(time[one] - time[a]), np.abs(time[one] - time[b]))
    fits = (off < ALIKE) & ~(late > LATE)
    one, a, b, off = one[fits], a[fits], b[fits], off[fits]
    order = np.lexsort((off, one))
    best = order[np.diff(one[order], prepend=-1) > 0]
    return one[best], a[best], b[best]


def _split(clusters: Lists, events: Ints, merged: Ints, first: Ints, second: Ints) -> tuple[Lists, Ints]:
    """Return the clusters of some events with merged ones as two, and the row that each was."""
    number = np.full(len(clusters), -1)
    number[events] = np.arange(len(events))
    own = np.flatnonzero(number[clusters.parents] >= 0)
    source = np.concatenate([own, merged])
    charge = clusters["charge"].astype(np.float64)
    share_first = charge[first] / (charge[first] + charge[second])
    parts = charge.copy()
    parts[merged] *= share_first
    parts = np.concatenate([parts[own], charge[merged] * (1.0 - share_first)])
    event = number[clusters.parents[source]]
    order = np.argsort(event, kind="stable")
    source = source[order]
    columns = {name: values[source] for name, values in clusters.columns.items()} | {"charge": parts[order]}
    return Lists(offsets_of(np.bincount(event, minlength=len(events))), columns), source
