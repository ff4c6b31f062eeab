"""The numba kernels of the roads of track finding: which positions of one view may be a particle's, and how well they fit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.configs.compiled import bare

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats

ROUNDING = 1e-9
"""Slopes are left this much room when it is asked whether any fits."""


class Layout(NamedTuple):
    """The S stations of a spectrometer, and its roads.

    Attributes
    ----------
    z : float array of shape (S,)
        mm, ascending.
    before : int
        Stations before the magnet; without one the first half.
    fewest : int
        Stations of the smallest track.
    bends : bool
        Whether there is a field: else the bend view is straight, too.
    middle : float
        Middle of the magnet, mm.
    roads : float array of shape (7,)
        Largest slope and change of slope; half widths (mm) of the widest meeting and of the straight road; the errors that
        these are wide; the straight roads before and behind the magnet alone.
    meeting : float array of shape (S, S, S, S)
        Half width (mm) of the road in which the segments between the first two and the last two of these stations meet.
    """

    z: Floats
    before: int
    fewest: int
    bends: bool
    middle: float
    roads: Floats
    meeting: Floats


@bare(error_model="numpy")
def few_missing(u: Floats, s: int, needed: int, layout: Layout) -> bool:
    """Whether positions (NaN: missing) up to station `s` may be of a track of `needed` stations, one missing on each side."""
    stations, missing, here = len(u), 0, 0
    for k in range(s + 1):
        if k == layout.before:
            here = 0
        if math.isnan(u[k]):
            missing += 1
            here += 1
            alone = layout.before == 1 if k < layout.before else stations - layout.before == 1
            if here > 1 or alone:
                return False
    allowed = stations - needed
    return missing == allowed if s == stations - 1 else missing <= allowed


@bare(error_model="numpy")
def allows(u: Floats, s: int, bends: bool, layout: Layout, room: Floats) -> bool:
    """Whether any slope is left after the position in station `s`; write which to row s + 1 of `room` (S + 1, 2).

    What is left are the slopes of lines through the first position of the view, or of the side of the magnet, that pass the
    others within the road. Behind the magnet they also have to meet those before it.
    """
    z, roads = layout.z, layout.roads
    begin, road = 0, roads[3]
    if bends:
        begin, road = (0, roads[5]) if s < layout.before else (layout.before, roads[6])
    low, high = room[s, 0], room[s, 1]
    if s == 0:
        low, high = -roads[0], roads[0]
    anchor = -1
    for k in range(begin, s):
        if not math.isnan(u[k]):
            anchor = k
            break
    if not math.isnan(u[s]):
        if anchor >= 0:
            low = max(low, (u[s] - u[anchor] - road) / (z[s] - z[anchor]))
            high = min(high, (u[s] - u[anchor] + road) / (z[s] - z[anchor]))
        elif begin > 0:
            front = 0
            while math.isnan(u[front]):
                front += 1
            way, lever = layout.middle - z[front], z[s] - layout.middle
            met = (u[front] + low * way - roads[2], u[front] + high * way + roads[2])
            low = max(low - roads[1], (u[s] - met[1]) / lever)
            high = min(high + roads[1], (u[s] - met[0]) / lever)
    room[s + 1, 0], room[s + 1, 1] = low, high
    return low <= high + ROUNDING


@bare(error_model="numpy")
def _ends(u: Floats, begin: int, end: int) -> tuple[int, int, int]:
    """Return the first and the last station with a position between two, and how many there are."""
    first, last, known = -1, -1, 0
    for s in range(begin, end):
        if not math.isnan(u[s]):
            first, last = (s if first < 0 else first), s
            known += 1
    return first, last, known


@bare(error_model="numpy")
def _beside(u: Floats, z: Floats, first: int, last: int, slope: float, road: float) -> float:
    """Return the sum of the squared distances to the line between two stations, over the road; infinite outside it."""
    total = 0.0
    for s in range(first + 1, last):
        if not math.isnan(u[s]):
            distance = u[s] - u[first] - slope * (z[s] - z[first])
            if abs(distance) > road:
                return np.inf
            total += (distance / road) ** 2
    return total


@bare(error_model="numpy")
def bend_mismatch(u: Floats, layout: Layout) -> float:
    """Return the mismatch of x positions (NaN: missing), in units of the road squared; infinite outside the roads.

    The straight segments before and behind a dipole meet at its middle; on each side they run between the outermost positions
    and past those between them. Three positions always do so: of these the ones with the smaller slope before the dipole are
    preferred, as particles come from the target.
    """
    z, middle, roads = layout.z, layout.middle, layout.roads
    first, second, front = _ends(u, 0, layout.before)
    third, last, back = _ends(u, layout.before, len(u))
    if front == 0 or back == 0 or front + back < 3:
        return np.inf
    before, behind = (u[second] - u[first]) / (z[second] - z[first]), (u[last] - u[third]) / (z[last] - z[third])
    at_before, at_behind = u[second] + before * (middle - z[second]), u[third] + behind * (middle - z[third])
    if front == 1:
        before = (at_behind - u[first]) / (middle - z[first])
    elif back == 1:
        behind = (u[third] - at_before) / (z[third] - middle)
    if not (abs(before) <= roads[0] and abs(behind - before) <= roads[1]):
        return np.inf
    total = _beside(u, z, first, second, before, roads[5]) + _beside(u, z, third, last, behind, roads[6])
    bound = max(front - 2, 0) + max(back - 2, 0)
    if front > 1 and back > 1:
        distance, road = at_before - at_behind, layout.meeting[first, second, third, last]
        if not abs(distance) <= road:
            return np.inf
        total += (distance / road) ** 2
        bound += 1
    return total / bound if bound else (before / roads[0]) ** 2


@bare(error_model="numpy")
def straight_mismatch(u: Floats, layout: Layout) -> float:
    """Return the mismatch of positions on a line (NaN: missing), in units of the road squared; infinite outside the roads.

    The mean square of the distances to the line through the outermost two.
    """
    z, roads = layout.z, layout.roads
    first, last, known = _ends(u, 0, len(u))
    slope = (u[last] - u[first]) / (z[last] - z[first])
    if not abs(slope) <= roads[0]:
        return np.inf
    return _beside(u, z, first, last, slope, roads[3]) / (known - 2)
