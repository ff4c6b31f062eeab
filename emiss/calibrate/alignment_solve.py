"""Where planes are, from the sums over all tracks: the normal equations, and what is held as no track or not these tell it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from emiss.calibrate.alignment_groups import Group
    from emiss.calibrate.alignment_tracks import Crossed
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


def normal_equations(group: Group, one: Crossed) -> tuple[Floats, Floats]:
    """Return the second and first derivatives of chi2/2 of tracks by the places of planes, ordered by `COLUMNS` and plane."""
    size = 3 * len(group.planes)
    normal, vector = np.zeros((size, size)), np.zeros(size)
    for rows, matrix, _ in group.patterns(one.seen):
        by = one.slopes[rows].transpose(0, 2, 1).reshape(len(rows), size)
        normal += (by.T @ by) * np.tile(matrix, (3, 3))
        vector += (by * np.tile(one.residuals[rows] @ matrix, (1, 3))).sum(axis=0)
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
    normal, vector : arrays of shape (3 P, 3 P), (3 P,)
        Second derivatives of chi2/2 by `COLUMNS` of the planes, and the first ones.
    each : float
        chi2 per degree of freedom, by which errors are larger.
    held : bool array of shape (3, P)
        What is held because no track can tell it.
    """
    size = len(group.planes)
    limits = np.repeat(LIMITS, size)
    unknown = np.zeros(3 * size, bool)
    while True:
        free = np.flatnonzero(~(held.ravel() | unknown))
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
    moved, errors = np.zeros(3 * size), np.zeros(3 * size)
    moved[free], errors[free] = -inverse @ vector[free], error
    shape = (3, size)
    return Solved(moved.reshape(shape), errors.reshape(shape), held, unknown.reshape(shape))
