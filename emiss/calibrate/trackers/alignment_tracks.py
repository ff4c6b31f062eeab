"""Tracks of an alignment: where straight or bent ones cross planes that are where they were last taken to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from emiss.reco.field.curvature import CURVATURE
from emiss.reco.tracking.fit import Hits
from emiss.reco.tracking.placement import followed, read, straightened
from emiss.reco.tracking.timed import twins

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.calibrate.trackers.alignment_groups import Group
    from emiss.configs.arrays import Bools, Floats, Ints
    from emiss.events.lists import Lists
    from emiss.reco.tracking.placement import Placement
    from emiss.reco.tracking.stage import ArmTracks

ROUNDS = 3
"""How often coordinates and tracks are made from each other."""

GUARD = 3.0
"""sigma; nearer to its wire a straw does not tell the side."""


@dataclass(frozen=True)
class Told:
    """What N events tell of each plane: NaN where it has not exactly one hit.

    Attributes
    ----------
    position : array of shape (N, planes)
        mm; of straws that of the wire.
    distance : array of shape (N, planes)
        To the wire, mm; NaN of all but straws.
    count : int array of shape (N, planes)
    """

    position: Floats
    distance: Floats
    count: Ints

    @classmethod
    def of(cls, clusters: Lists, planes: int) -> Told:
        """Return what clusters tell of so many planes."""
        twin = twins(clusters)
        rows = np.flatnonzero(clusters["in_time"] & (twin >= 0))
        key = clusters.parents[rows] * planes + clusters["plane"][rows].astype(np.int64)
        shape = (len(clusters), planes)
        count = np.bincount(key, minlength=shape[0] * planes)
        position, distance = np.full(count.shape, np.nan), np.full(count.shape, np.nan)
        here, other = clusters["position"][rows], clusters["position"][rows + twin[rows]]
        position[key] = 0.5 * (here + other)
        distance[key] = np.where(twin[rows] != 0, 0.5 * np.abs(other - here), np.nan)
        position[count != 1] = np.nan
        return cls(position.reshape(shape), distance.reshape(shape), count.reshape(shape))


class Paths(Protocol):
    """Makes tracks from coordinates in one or both views of a spectrometer."""

    def __call__(self, positions: Sequence[Floats], seen: Sequence[Bools]) -> tuple[Floats, Floats, Floats]:
        """Return where tracks cross all stations and their slopes there, arrays of shape (N, S, 2), and their bends, (N,).

        NaN without a track. A bend is what the lever arms are multiplied with.
        """
        ...


class Lines:
    """Straight tracks, in each view by itself."""

    def __init__(self, groups: Sequence[Group], z: Floats) -> None:
        self._groups, self._z = groups, z

    def __call__(self, positions: Sequence[Floats], seen: Sequence[Bools]) -> tuple[Floats, Floats, Floats]:
        """Return lines; of a view that is not measured the axis."""
        shape = (len(positions[0]), len(self._z), 2)
        model, slopes = np.zeros(shape), np.zeros(shape)
        for group, position, which in zip(self._groups, positions, seen, strict=True):
            line = group.lines(position, which)
            model[:, :, group.view] = line[:, :1] + line[:, 1:] * self._z
            slopes[:, :, group.view] = line[:, 1:]
        return model, slopes, np.zeros(shape[0])


class Bends:
    """Tracks through a magnet, their momentum being a parameter of each."""

    def __init__(self, groups: Sequence[Group], tracks: ArmTracks, sigma: Sequence[Floats]) -> None:
        self._groups, self._tracks, self._sigma = groups, tracks, sigma

    def __call__(self, positions: Sequence[Floats], seen: Sequence[Bools]) -> tuple[Floats, Floats, Floats]:
        """Return fitted tracks."""
        shape = (len(positions[0]), len(self._tracks.z), 2)
        hits, sigma = np.full(shape, np.nan), np.ones(shape)
        for group, position, which, error in zip(self._groups, positions, seen, self._sigma, strict=True):
            hits[:, group.at, group.view] = np.where(which, position, np.nan)
            sigma[:, group.at, group.view] = error
        fits = self._tracks.fit(Hits(self._tracks.z, hits[..., 0], hits[..., 1], sigma[..., 0], sigma[..., 1]))
        model, slopes = followed(fits, self._tracks.spectrometer, self._tracks.z, bends=True)
        model[fits.status != 0] = np.nan
        return model, slopes, -CURVATURE * fits.q_over_p


@dataclass(frozen=True)
class Crossed:
    """Tracks in the planes of a group: residuals (N, P), which are seen, and derivatives by places of planes (N, P, 3).

    What is not seen is 0. Residuals are those to a track of the bend that is known before, where there is one; `bend` is what
    these measure, shape (N,).
    """

    residuals: Floats
    seen: Bools
    slopes: Floats
    bend: Floats

    def rows(self, which: Bools) -> Crossed:
        """Return some of the tracks."""
        return Crossed(self.residuals[which], self.seen[which], self.slopes[which], self.bend[which])


def crossed(
    groups: Sequence[Group], told: Told, placed: Placement, paths: Paths, guard: Sequence[Floats]
) -> list[Crossed]:
    """Return the tracks of a spectrometer in each of its views, for all events; what too few planes have seen is seen by none.

    Sides of straws are those of the track in the other planes.

    Parameters
    ----------
    groups : sequence of Group
        Its views.
    told : Told
    placed : Placement
        Where planes are taken to be.
    paths : Paths
    guard : sequence of arrays of shape (P,)
        mm; straws with hits nearer to their wires are left out.
    """
    numbers = [group.planes for group in groups]
    raw = [told.position[:, own] + placed.shift[own] for own in numbers]
    seen = [np.isfinite(one) & ~group.straws for one, group in zip(raw, groups, strict=True)]
    none = np.zeros(len(told.position))
    shape = (len(none), max(int(group.at.max()) for group in groups) + 1, 2)
    model, tangents = np.zeros(shape), np.zeros(shape)
    positions, bend = raw, none
    for step in range(ROUNDS + 1):
        across = [np.nan_to_num(model[:, group.at, 1 - group.view]) for group in groups]
        slopes = [
            (
                np.nan_to_num(tangents[:, group.at, group.view]),
                np.nan_to_num(tangents[:, group.at, 1 - group.view]),
            )
            for group in groups
        ]
        if step == ROUNDS - 1:
            for k, group in enumerate(groups):
                if not group.straws.any():
                    continue
                own, view = group.planes, np.full(len(group.planes), group.view)
                at = model[:, group.at, group.view]
                expected = read(view, placed.rotation[own], placed.z[own], at, across[k], slopes[k])
                distance = told.distance[:, own]
                known = group.straws & np.isfinite(raw[k]) & np.isfinite(expected) & (distance > guard[k])
                raw[k] = np.where(known, raw[k] + np.sign(expected - raw[k]) * distance, raw[k])
                seen[k] = seen[k] | known
        positions = [
            straightened(np.full(len(own), group.view), placed.rotation[own], placed.z[own], one, other, slope)
            for group, own, one, other, slope in zip(groups, numbers, raw, across, slopes, strict=True)
        ]
        model, tangents, bend = paths(positions, seen)
    found = []
    good = np.isfinite(model[:, [int(group.at[0]) for group in groups]]).all(axis=(1, 2))
    for k, group in enumerate(groups):
        enough = good & (seen[k].sum(axis=1) >= group.needed)
        which = seen[k] & enough[:, None]
        rest = positions[k] - model[:, group.at, group.view]
        if group.bend is not None:
            rest = rest + (bend - group.bend[0])[:, None] * group.design[:, 2]
        rest = np.where(which, rest, 0.0)
        by = group.slopes(across[k], slopes[k][0], slopes[k][1], placed.rotation[group.planes])
        found.append(Crossed(rest, which, np.where(which[:, :, None], by, 0.0), bend))
    return found
