"""Clusters around tracks: how many there are in each view, and how many near to a track that are not its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats, Ints
    from emiss.events.lists import Lists


def counts(clusters: Lists, planes: int) -> Ints:
    """Return the number of clusters in time of each event in each plane, shape (N, planes)."""
    key = clusters.parents * planes + clusters["plane"]
    found = np.bincount(key[clusters["in_time"]], minlength=len(clusters) * planes)
    return found.reshape(len(clusters), planes).astype(np.int32)


def extra(clusters: Lists, plane: Ints, offsets: Ints, fitted: Floats, rows: Ints, road: float) -> Ints:
    """Return how many clusters in time are near to each track that are not its own, int32 array of shape (tracks,).

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
    own = rows.reshape(tracks, planes)[track, plane[cluster]] == cluster
    near = (np.abs(clusters["position"][cluster] - at) < road) & ~own & clusters["in_time"][cluster]
    return np.bincount(track[near], minlength=tracks).astype(np.int32)
