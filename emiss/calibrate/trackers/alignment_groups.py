"""The planes that are aligned together: those of one view of a spectrometer, and what lines in them tell and leave.

What is left of positions u after a least-squares fit of a line, or of a bent track, is u^T M u with
M = W - W A (A^T W A)^-1 A^T W: W is the inverse of the covariance of the hits, scattering included, and A has the columns 1, z
and, of bent tracks in x, the lever arm of q/p. So the parameters of each track are eliminated, and sums over tracks remain.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from emiss.reco.tracking.material import scattering
from emiss.reco.tracking.placement import SIGN

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from emiss.configs.arrays import Bools, Floats, Ints
    from emiss.reco.detector.model import Detector
    from emiss.reco.detector.spectrometers import Arm

FEWEST = 3
"""Planes of a view that can be aligned, and those besides the parameters of a track that it has to be seen in."""

SHARE = 0.75
"""Of the planes of a view that a track is seen in, at least."""


@dataclass(frozen=True)
class Group:
    """The planes of one view of a spectrometer, along the beam.

    Attributes
    ----------
    name, arm : str
    view : int
        0 for x, 1 for y.
    planes : int array of shape (P,)
        Of the detector.
    at : int array of shape (P,)
        Their stations.
    z : array of shape (P,)
    covariance : array of shape (P, P)
        Of hits around the true track, mm^2.
    design : array of shape (P, 2 or 3)
        A.
    straws : bool array of shape (P,)
    fine : bool array of shape (P,)
        Planes that can hold the others: no straws, and fibres only where there is nothing else.
    behind : bool array of shape (P,)
        Behind the magnet.
    bend : (float, float), optional
        Mean and rms of the parameter of the lever arms of bent tracks: each is known so well before it is measured.
    """

    name: str
    arm: str
    view: int
    planes: Ints
    at: Ints
    z: Floats
    covariance: Floats
    design: Floats
    straws: Bools
    fine: Bools
    behind: Bools
    bend: tuple[float, float] | None = None
    _made: dict[bytes, tuple[Floats, Floats]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def matrix(self) -> Floats:
        """M of tracks that all planes see, shape (P, P)."""
        return self.of(np.ones(len(self.planes), bool))[0]

    @property
    def ends(self) -> tuple[int, int]:
        """The first and the last plane that hold the others."""
        rows = np.flatnonzero(self.fine)
        return int(rows[0]), int(rows[-1])

    @property
    def line(self) -> Floats:
        """What takes positions to their distances from the line through these two, shape (P, P)."""
        first, last = self.ends
        share = (self.z - self.z[first]) / (self.z[last] - self.z[first])
        made = np.eye(len(self.z))
        made[:, first] -= 1.0 - share
        made[:, last] -= share
        return made

    @cached_property
    def free(self) -> Group:
        """The same without what is known of bends before: whether a track fits does not depend on its momentum."""
        return replace(self, bend=None, _made={})

    @property
    def blur(self) -> float:
        """Variance of the bends that planes measure of tracks that have the same."""
        scale = np.abs(self.design).max(axis=0)
        design = self.design / scale
        return float(np.linalg.inv(design.T @ np.linalg.inv(self.covariance) @ design)[2, 2] / scale[2] ** 2)

    @property
    def needed(self) -> int:
        """Planes that a track has to be seen in."""
        return max(self.design.shape[1] + 1, int(np.ceil(SHARE * len(self.planes))))

    def of(self, seen: Bools) -> tuple[Floats, Floats]:
        """Return M (P, P) and what takes positions to offset and slope (2, P) of tracks in the planes that are seen, else 0."""
        key = seen.tobytes()
        if key not in self._made:
            self._made[key] = self._eliminated(np.flatnonzero(seen))
        return self._made[key]

    def _eliminated(self, rows: Ints) -> tuple[Floats, Floats]:
        size, scale = len(self.planes), np.abs(self.design).max(axis=0)
        matrix, line = np.zeros((size, size)), np.zeros((2, size))
        weight = np.linalg.inv(self.covariance[np.ix_(rows, rows)])
        design = self.design[rows] / scale
        normal = design.T @ weight @ design
        if self.bend is not None:
            normal[2, 2] += (scale[2] * self.bend[1]) ** -2.0
        solved = np.linalg.pinv(normal, rcond=1e-12, hermitian=True) @ design.T @ weight
        matrix[np.ix_(rows, rows)] = weight - weight @ design @ solved
        line[:, rows] = (solved / scale[:, None])[:2]
        return matrix, line

    def patterns(self, seen: Bools) -> Iterator[tuple[Ints, Floats, Floats]]:
        """Yield the rows of tracks (T, P) that the same planes have seen, if enough, and what `of` says of these."""
        if not len(seen):
            return
        kinds, which = np.unique(seen, axis=0, return_inverse=True)
        for number, kind in enumerate(kinds):
            if kind.sum() >= self.design.shape[1]:
                yield (np.flatnonzero(which.ravel() == number), *self.of(kind))

    def lines(self, position: Floats, seen: Bools) -> Floats:
        """Return offset at z = 0 and slope of lines through positions (T, P), shape (T, 2); NaN where too few are seen."""
        found = np.full((len(position), 2), np.nan)
        for rows, _, line in self.patterns(seen):
            found[rows] = np.where(seen, position, 0.0)[rows] @ line.T
        return found

    def slopes(self, across: Floats, slope: Floats, slope_across: Floats, rotation: Floats) -> Floats:
        """Return the derivatives (T, P, 3) of the coordinates of tracks by shift, rotation and z of the planes."""
        turned = SIGN[self.view] * np.tan(rotation)
        return np.stack([np.ones_like(across), -SIGN[self.view] * across, -slope - turned * slope_across], axis=2)


def groups_of(
    detector: Detector,
    parts: tuple[str, ...] = (),
    *,
    without: Collection[int] = (),
    levers: Mapping[str, Floats] | None = None,
    bends: Mapping[str, tuple[float, float]] | None = None,
) -> list[Group]:
    """Return the views of all spectrometers with three planes or more that can hold the others.

    Parameters
    ----------
    detector : Detector
    parts : tuple of str
        Trackers; all by default.
    without : collection of int
        Planes of the detector that are left out.
    levers : mapping of spectrometer to arrays, optional
        Lever arms of q/p at its stations, where tracks are bent; straws are left out then.
    bends : mapping of spectrometer to pairs, optional
        What is known of their parameters before.
    """
    found = []
    for name, arm in detector.arms.items():
        if levers is not None and name not in levers:
            continue
        for view in range(2):
            rows = [
                k
                for k, plane in enumerate(arm.planes)
                if plane.view == "xy"[view]
                and not (levers is not None and plane.straw is not None)
                and (not parts or plane.part in parts)
                and int(arm.numbers[k]) not in without
            ]
            made = _group(detector, name, arm, view, rows, None if levers is None or view else levers[name])
            if made is not None:
                known = None if bends is None or made.design.shape[1] == 2 else bends.get(name)
                found.append(replace(made, bend=known, _made={}))
    return found


def _group(detector: Detector, name: str, arm: Arm, view: int, rows: list[int], levers: Floats | None) -> Group | None:
    """Return the group of some planes of a spectrometer, None where these are too few."""
    planes = [arm.planes[k] for k in rows]
    wires = np.array([plane.straw is not None for plane in planes], bool)
    fine = ~wires & np.array([plane.technology != "hodoscope" for plane in planes], bool)
    fine = fine if fine.sum() >= FEWEST else ~wires
    if fine.sum() < FEWEST + (levers is not None):
        return None
    stations = sorted({plane.z: plane.x_over_x0 for plane in arm.planes}.items())
    place = {z: number for number, (z, _) in enumerate(stations)}
    noise = scattering(np.array([z for z, _ in stations]), np.array([x0 for _, x0 in stations]), air=arm.settings.air)
    momentum = arm.settings.straight_momentum or detector.beam.energy
    z = np.array([plane.z for plane in planes])
    at = np.array([place[one] for one in z])
    covariance = noise[np.ix_(at, at)] / momentum**2 + np.diag([plane.sigma**2 for plane in planes])
    design = np.column_stack([np.ones(len(z)), z, *([] if levers is None else [levers[at]])])
    behind = z > (np.inf if arm.magnet is None else arm.magnet.z[1])
    title = f"{name}, {'xy'[view]}"
    return Group(title, name, view, arm.numbers[rows], at, z, covariance, design, wires, fine, behind)
