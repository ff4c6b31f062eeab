"""The pilots of an alignment: where planes about are, which ones are dead, what bent tracks have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.calibrate.trackers.alignment_groups import Group
    from emiss.configs.arrays import Array, Floats, Ints
    from emiss.reco.tracking.placement import Placement

BIN, REACH = 0.02, 12.0
"""mm: histograms of distances from the line through the first and the last plane."""

DEAD = 0.05
"""A plane that has a hit in less than this part of the events in which the others of its view have one is dead."""

NARROW = 1e-3
"""Least relative spread of the bends of tracks."""


@dataclass(frozen=True)
class Learned:
    """What a pilot tells.

    Attributes
    ----------
    rounds : int
        How many of them there were.
    placed : Placement
        Of all planes.
    dead : tuple of int
        Planes.
    bends : mapping of spectrometer to (mean, rms)
        Of bent tracks: particles of a beam have about one momentum.
    """

    rounds: int
    placed: Placement
    dead: tuple[int, ...]
    bends: Mapping[str, tuple[float, float]]


def count_hits(hits: Array, group: Group, count: Ints) -> None:
    """Count the events in which most planes of a group have a hit, and those of them in which each has."""
    has = count[:, group.planes] > 0
    most = 2 * has.sum(axis=1) > len(group.planes)
    hits[group.planes, 0] += most.sum()
    hits[group.planes, 1] += has[most].sum(axis=0)


def fill(counts: Array, planes: Ints, residuals: Floats, step: float) -> None:
    """Count residuals (N, P) of planes in bins of a width, zero in the middle; those that are not known in none."""
    bins = counts.shape[1]
    place = np.floor(np.nan_to_num(residuals / step, nan=1e9)).astype(np.int64) + bins // 2
    inside = (place >= 0) & (place < bins)
    row = np.broadcast_to(planes, place.shape)
    np.add.at(counts, (row[inside], place[inside]), 1)


def dead_planes(hits: Ints, least: int) -> tuple[int, ...]:
    """Return the planes without hits where the others of their views have some."""
    few = (hits[:, 0] >= least) & (hits[:, 1] < DEAD * hits[:, 0])
    return tuple(np.flatnonzero(few).tolist())


def bends_of(groups: Sequence[Group], sums: Floats, least: int) -> dict[str, tuple[float, float]]:
    """Return mean and rms of the bends of tracks by spectrometer, from their number, sum and sum of squares (groups, 3)."""
    bends = {}
    for group, (tracks, total, square) in zip(groups, sums.tolist(), strict=True):
        if group.design.shape[1] > 2 and tracks >= least:
            mean = total / tracks
            spread = square / tracks - mean**2 - group.blur
            bends[group.arm] = mean, float(np.sqrt(max(spread, (NARROW * mean) ** 2)))
    return bends


def peak(counts: Floats) -> float:
    """Return where a histogram of residuals (mm) peaks: the mean within 0.3 mm of the highest place."""
    from scipy.ndimage import gaussian_filter1d

    middle = BIN * (np.arange(len(counts)) - len(counts) // 2 + 0.5)
    top = middle[gaussian_filter1d(counts, 5.0).argmax()]
    for _ in range(3):
        near = np.where(np.abs(middle - top) < 0.3, counts, 0.0)
        top = float((near * middle).sum() / max(near.sum(), 1e-9))
    return float(top)
