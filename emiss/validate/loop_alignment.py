"""Places of planes beside the true ones: what is different once all that no track can tell is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.calibrate.trackers.alignment import UNITS
from emiss.calibrate.trackers.alignment_groups import groups_of
from emiss.calibrate.trackers.alignment_solve import COLUMNS, normal_equations, solve
from emiss.calibrate.trackers.alignment_tracks import Lines, Told, crossed
from emiss.reco.tracking.placement import Placement, read

if TYPE_CHECKING:
    from emiss.calib.conditions import RunConditions
    from emiss.calibrate.frame import Made
    from emiss.configs.arrays import Floats
    from emiss.reco.detector.model import Detector

TRACKS, ROUNDS = 2000, 3
"""Lines that fill the planes, without errors; how often the places are made from what they tell."""


def differences(made: Made, true: RunConditions, detector: Detector, column: str) -> Floats:
    """Return derived less true values of a column, in the units of `made`, for all of its planes; 0 of what was held.

    Planes that are where the true constants have them read lines without an error; by how much planes at the derived places
    would have to move to fit them is what is wrong with these.
    """
    names = [plane.name for plane in detector.planes]
    where = Placement.of(true, names)
    rows = [names.index(name) for name in made.channels]
    found = np.zeros((3, len(names)))
    errors = np.zeros((3, len(names)))
    for k, name in enumerate(COLUMNS):
        found[k, rows] = np.nan_to_num(made.values[name]) / UNITS[name][1]
        errors[k, rows] = np.nan_to_num(made.errors[name])
    rng = np.random.default_rng(0)
    away = np.zeros_like(found)
    groups = groups_of(detector)
    for arm in dict.fromkeys(group.arm for group in groups):
        own = [group for group in groups if group.arm == arm]
        z = np.array(sorted({plane.z for plane in detector.arms[arm].planes}))
        told = _told(detector, arm, where, rng)
        for _ in range(ROUNDS):
            placed = Placement(*(found - away))
            guard = [np.zeros(len(group.planes)) for group in own]
            for group, one in zip(own, crossed(own, told, placed, Lines(own, z), guard), strict=True):
                normal, vector = normal_equations(group, one)
                away[:, group.planes] -= solve(group, normal, vector, 0.0, errors[:, group.planes] == 0.0).moved
    return UNITS[column][1] * away[COLUMNS.index(column), rows]


def _told(detector: Detector, arm: str, where: Placement, rng: np.random.Generator) -> Told:
    """Return what the planes of a spectrometer read of lines through it."""
    planes, numbers = detector.arms[arm].planes, detector.arms[arm].numbers
    first, last = planes[0].z, planes[-1].z
    ends = np.empty((2, 2, TRACKS))
    for view in range(2):
        half = min(0.5 * plane.strips * plane.pitch for plane in planes if plane.view == "xy"[view])
        ends[view] = rng.uniform(-half, half, (2, TRACKS))
    slopes = (ends[:, 1] - ends[:, 0]) / (last - first)
    shape = (TRACKS, len(detector.planes))
    position, distance = np.full(shape, np.nan), np.full(shape, np.nan)
    for plane, number in zip(planes, numbers.tolist(), strict=True):
        view = int(plane.view == "y")
        at = ends[:, 0] + slopes * (plane.z - first)
        tangents = (slopes[view], slopes[1 - view])
        told = read(np.array(view), where.rotation[number], where.z[number], at[view], at[1 - view], tangents)
        position[:, number] = told - where.shift[number]
        if plane.straw is not None:  # as if all tracks passed their wires on the same side
            distance[:, number] = plane.straw.radius
            position[:, number] -= plane.straw.radius
    return Told(position, distance, np.isfinite(position).astype(np.int64))
