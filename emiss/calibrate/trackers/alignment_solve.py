"""Where planes are, from the sums over all tracks: the normal equations, and what is held as no track or not these tell it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from emiss.calibrate.trackers.alignment_groups import Group
    from emiss.calibrate.trackers.alignment_tracks import Crossed
    from emiss.configs.arrays import Bools, Floats

COLUMNS = ("shift", "rotation", "z")

LIMITS = (np.inf, 5e-4, 1.0)
"""rad, mm: a rotation or z that tracks know to no better than that stays what it was."""

SINGULAR = 1e-11
"""Smallest eigenvalue of normal equations, over the largest, that tells anything: parameters of size 1."""


@dataclass(frozen=True)
class Solved:
    """What was found for the P planes of a group.

    Attributes
    ----------
    moved, error : arrays of shape (3, P)
        mm, rad, mm; 0 of what is held.
    weak, unknown : bool arrays of shape (3, P)
        What is held because no track can tell it, and because these do not.
    """

    moved: Floats
    error: Floats
    weak: Bools
    unknown: Bools


def size_of(group: Group) -> int:
    """Return how many parameters a group has: those of its planes, and the mean bend where there is one."""
    return len(COLUMNS) * len(group.planes) + (group.bend is not None)


def normal_equations(group: Group, one: Crossed) -> tuple[Floats, Floats]:
    """Return the second and first derivatives of chi2/2 of tracks by the places of planes, ordered by `COLUMNS` and plane.

    Where bends are known before, their mean is a parameter, too, the last one.
    """
    size = len(COLUMNS) * len(group.planes)
    normal, vector = np.zeros((size_of(group),) * 2), np.zeros(size_of(group))
    for rows, matrix, _ in group.patterns(one.seen):
        by = one.slopes[rows].transpose(0, 2, 1).reshape(len(rows), size)
        rest = one.residuals[rows] @ matrix
        normal[:size, :size] += (by.T @ by) * np.tile(matrix, (3, 3))
        vector[:size] += (by * np.tile(rest, (1, 3))).sum(axis=0)
        if group.bend is not None:
            lever = -group.design[:, 2]
            normal[size, :size] += by.sum(axis=0) * np.tile(matrix @ lever, 3)
            normal[size, size] += len(rows) * (lever @ matrix @ lever)
            vector[size] += (rest @ lever).sum()
    normal[:size, size:] = normal[size:, :size].T
    return normal, vector


def weak(group: Group, *, rotations: bool) -> Bools:
    """Return what holds the modes that no track tells, bool array of shape (3, P).

    A line goes into a line where offset and slope change by constants, in proportion to the line of the other view, or to its
    own slope: common shift and slope, rotation, z and scale of z. Bent tracks of unknown momentum have one more: shifts like
    the lever arm of q/p; and as their slopes differ by the bend alone, z is held altogether.

    Parameters
    ----------
    group : Group
    rotations : bool
        Whether there is another view.
    """
    first, last = group.ends
    bent = group.design.shape[1] > 2
    held = np.zeros((3, len(group.planes)), bool)
    held[0, [first, last]] = True
    held[1, first] = True
    held[2, [first, last]] = True
    if bent:
        held[0, int(np.flatnonzero(group.fine & group.behind)[0])] = True
    if bent:
        held[2] = True
    if not rotations:
        held[1] = True
    return held


def solve(group: Group, normal: Floats, vector: Floats, each: float, held: Bools) -> Solved:
    """Return the least-squares solution of normal equations.

    Parameters
    ----------
    group : Group
    normal, vector : arrays
        As of `normal_equations`.
    each : float
        chi2 per degree of freedom, by which errors are larger.
    held : bool array of shape (3, P)
        What is held because no track can tell it.
    """
    size = len(group.planes)
    more = size_of(group) - 3 * size
    limits = np.append(np.repeat(LIMITS, size), np.full(more, np.inf))
    fixed = np.append(held.ravel(), np.zeros(more, bool))
    unknown = np.zeros(len(limits), bool)
    while True:
        free = np.flatnonzero(~(fixed | unknown))
        scale = 1.0 / np.sqrt(np.maximum(np.diag(normal)[free], 1e-300))
        values, modes = np.linalg.eigh(normal[np.ix_(free, free)] * np.outer(scale, scale))
        if len(free) and values[0] <= SINGULAR * max(values[-1], 1e-300):
            loose = np.abs(modes[:, 0]) * np.isfinite(limits[free])  # of shifts only where nothing else is left
            unknown[free[int((loose if loose.max() > 1e-3 else np.abs(modes[:, 0])).argmax())]] = True
            continue
        inverse = (modes / values) @ modes.T * np.outer(scale, scale)
        error = np.sqrt(np.diag(inverse) * each)
        worst = error / limits[free]
        if len(free) and worst.max() > 1.0:
            unknown[free[int(worst.argmax())]] = True
            continue
        break
    moved, errors = np.zeros(len(limits)), np.zeros(len(limits))
    moved[free], errors[free] = -inverse @ vector[free], error
    own, shape = 3 * size, (3, size)
    return Solved(moved[:own].reshape(shape), errors[:own].reshape(shape), held, unknown[:own].reshape(shape))
