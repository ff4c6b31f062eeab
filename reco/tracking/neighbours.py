"""Clusters around tracks: how many there are in each view, and how many near to a track that are not its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.reco.tracking.timed import twins

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats, Ints
    from emiss.events.lists import Lists


def counts(clusters: Lists, planes: int) -> Ints:
    """Return the number of clusters in time of each event in each plane, shape (N, planes); one for both sides of a straw."""
    key = clusters.parents * planes + clusters["plane"]
    found = np.bincount(key[clusters["in_time"] & (twins(clusters) >= 0)], minlength=len(clusters) * planes)
    return found.reshape(len(clusters), planes).astype(np.int32)


def extra(clusters: Lists, plane: Ints, offsets: Ints, fitted: Floats, rows: Ints, road: float) -> Ints:
    """Return how many clusters in time are near to each track that are not its own, int32 array of shape (tracks,).

    The other side of a straw that the track has is none, and of another straw one side at most counts.

    Parameters
    ----------
    clusters : Lists
    plane : int array of shape (clusters,)
        2 * station + view of each cluster.
    offsets : int64 array of shape (N + 1,)
        Of the tracks.
    fitted : array of shape (tracks, S, 2)
        Where a track crosses the planes, mm; NaN where that is not known.
    rows : int array of shape (tracks, S, 2)
        The track's own clusters.
    road : float
        mm.
    """
    tracks, planes = len(fitted), 2 * fitted.shape[1]
    event = np.repeat(np.arange(len(clusters)), np.diff(offsets))
    count = clusters.counts[event]
    track = np.repeat(np.arange(tracks), count)
    cluster = np.repeat(clusters.offsets[event], count) + np.arange(len(track))
    cluster -= np.repeat(np.cumsum(count) - count, count)
    at = fitted.reshape(tracks, planes)[track, plane[cluster]]
    taken = rows.reshape(tracks, planes)[track, plane[cluster]]
    twin = twins(clusters)[cluster]
    own = (taken == cluster) | (taken == cluster + twin)
    away = np.abs(clusters["position"][cluster] - at)
    near = (away < road) & ~own & clusters["in_time"][cluster]
    # of two sides that are both near, rows one behind the other of the same track, the first one counts
    near[1:] &= ~((twin[1:] < 0) & near[:-1])
    return np.bincount(track[near], minlength=tracks).astype(np.int32)
