"""`Steps`: the way of all tracks from plane to plane, cut into pieces that `transport_kernels` moves a state over.

A piece is a drift, an arc in a uniform field, or one Runge-Kutta step (a curve). Where a Runge-Kutta step may end follows
from the field alone and not from the track: `partition` joins the planes of a field map as long as Simpson's rule, which the
fourth-order step comes down to along a straight line, nearly gives the field's integrals; what it lacks is put into the
field that the step sees (`_three`). So no track pays for step control, and the map is interpolated in z once for all tracks:
what is left at run time is bilinear in x and y.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.configs.arrays import Bools, Floats, Ints

DRIFT, ARC, CURVE = 0, 1, 2
"""Kinds of steps."""

TOLERANCE = 1e-3
"""What Simpson's rule may miss of the field integral in one step, before it is corrected; as a part of the whole."""

LONGEST = 500.0
"""mm; the longest Runge-Kutta step, for tracks that bend a lot."""

ARM = 1000.0
"""mm; the lever arm over which an error of the deflection counts like one of the position."""


class Steps(NamedTuple):
    """S steps that lead past P planes, for the kernels.

    Attributes
    ----------
    kind : int array of shape (S,)
        DRIFT, ARC or CURVE.
    length, by, loss : float arrays of shape (S,)
        mm; By of an arc, T; the mean energy (GeV) that a muon along z has lost when the step begins.
    first : int array of shape (S,)
        The first of the three slices (begin, middle, end) of a curve.
    plane : int array of shape (S,)
        The plane at the end of the step, -1 for none; plane 0 stands where the first step begins.
    slices : float array of shape (K * nx * ny * 3,)
        The field (T) on a grid of x and y at K positions in z, three for each curve.
    grid : (float, float, float, float, int, int)
        Lowest x, nodes per mm in x, lowest y, nodes per mm in y, nx, ny.
    free : int
        First parameter whose derivatives are not trivial: 2 where the field does not depend on x and y, else 0.
    bends, levers : float arrays of shape (P,)
        Single (T mm) and double (T mm^2) integral of By on the axis from the first plane to each.
    """

    kind: Ints
    length: Floats
    by: Floats
    loss: Floats
    first: Ints
    plane: Ints
    slices: Floats
    grid: tuple[float, float, float, float, int, int]
    free: int
    bends: Floats
    levers: Floats


def box_steps(z: Floats, low: float, high: float, by: float) -> Steps:
    """Return the steps past planes at `z` through a field `by` between `low` and `high`: drifts and arcs."""
    edges = np.unique([*z, *(edge for edge in (low, high) if z[0] < edge < z[-1])])
    middle = 0.5 * (edges[:-1] + edges[1:])
    inside = (middle > low) & (middle < high) & (by != 0.0)
    kind = np.where(inside, ARC, DRIFT)
    begin = np.maximum(z[0], low)
    within = np.clip(np.minimum(z, high) - begin, 0.0, None)
    return Steps(
        kind=kind,
        length=np.diff(edges),
        by=np.where(inside, by, 0.0),
        loss=np.zeros(len(kind)),
        first=np.zeros(len(kind), np.int64),
        plane=_planes(edges, z),
        slices=np.zeros(12),
        grid=(0.0, 1.0, 0.0, 1.0, 2, 2),
        free=2,
        bends=by * within,
        levers=by * (0.5 * within**2 + within * np.clip(z - high, 0.0, None)),
    )


def _planes(edges: Floats, z: Floats) -> Ints:
    """Return the number of the plane at the end of each step between `edges`, -1 for none."""
    numbers = np.full(len(edges), -1, np.int64)
    numbers[np.searchsorted(edges, z)] = np.arange(len(z))
    return numbers[1:]


def curve_steps(z: Floats, field: Any) -> Steps:
    """Return the steps past planes at `z` through a field that is given on nodes.

    Parameters
    ----------
    z : array of shape (P,)
    field : emiss.reco.field.transport.NodeField
    """
    low, high = field.region
    nodes = field.nodes
    nodes = np.unique(np.clip(np.concatenate([nodes, z, [z[0], z[-1]]]), z[0], z[-1]))
    inner = nodes[(nodes >= low) & (nodes <= high)]
    edges, kinds = [nodes[0]], []
    if len(inner) > 1:
        values = field.profile(inner)
        stops = np.isin(inner, z)
        empty = np.all(values == 0.0, axis=1)
        stops[1:-1] |= (empty[1:-1] != empty[:-2]) | (empty[1:-1] != empty[2:])
        stops[-1] = True
        if inner[0] > edges[0]:
            edges.append(inner[0])
            kinds.append(DRIFT)
        chosen = partition(inner, values, stops)
        for begin, end in pairwise(chosen):
            edges.append(inner[end])
            kinds.append(DRIFT if empty[begin : end + 1].all() else CURVE)
    for plane in (*z, nodes[-1]):
        if plane > edges[-1]:
            edges.append(plane)
            kinds.append(DRIFT)
    # planes in drifts before the field
    return _with_slices(_at_planes(np.array(edges), kinds, z), z, field)


def _at_planes(edges: Floats, kinds: Sequence[int], z: Floats) -> tuple[Floats, Ints]:
    """Cut drifts at the planes that stand in them; curves end at planes already."""
    fine = np.unique(np.concatenate([edges, z]))
    return fine, np.array(kinds, np.int64)[np.searchsorted(edges, fine[1:]) - 1]


def _with_slices(way: tuple[Floats, Ints], z: Floats, field: Any) -> Steps:
    """Return the steps between edges, with the slices of the field that the curves need."""
    edges, kind = way
    curves = np.flatnonzero(kind == CURVE)
    first = np.zeros(len(kind), np.int64)
    first[curves] = 3 * np.arange(len(curves))
    _, grid = field.slices(edges[:1])
    made = [_three(field, edges[step], edges[step + 1]) for step in curves]
    slices = np.concatenate(made) if made else np.zeros((1, 2, 2, 3))
    bends, levers = field.axis_integrals(z)
    return Steps(
        kind=kind,
        length=np.diff(edges),
        by=np.zeros(len(kind)),
        loss=np.zeros(len(kind)),
        first=first,
        plane=_planes(edges, z),
        slices=slices.ravel(),
        grid=(*grid, *slices.shape[1:3]),
        free=0,
        bends=bends,
        levers=levers,
    )


def _three(field: Any, begin: float, end: float) -> Floats:
    """Return the three slices of one step, shape (3, nx, ny, 3), such that it has the field's single and double integral.

    A step of length h takes h/6 (B1 + 4 B2 + B3) for the integral and h^2/6 (B1 + 2 B2) for the double one. With B1 the field
    where it begins, both are right on every line of x and y for these B2 and B3, however the field runs in between.
    """
    nodes = field.nodes
    inner = nodes[(nodes > begin) & (nodes < end)]
    z = np.concatenate([[begin], inner, [end]])
    values, _ = field.slices(z)
    once, twice = (found[-1] / (end - begin) for found in integrals(z, values))
    middle = 3.0 * twice / (end - begin) - 0.5 * values[0]
    three: Floats = np.stack([values[0], middle, 6.0 * once - values[0] - 4.0 * middle])
    return three


def partition(z: Floats, values: Floats, stops: Bools) -> list[int]:
    """Return the nodes at which Runge-Kutta steps begin and end: few, with the field in between near a parabola.

    Parameters
    ----------
    z : array of shape (n,)
        Nodes; the field is linear between them.
    values : array of shape (n, columns)
        Components of the field on some lines along z.
    stops : bool array of shape (n,)
        Nodes that no step passes over.
    """
    once, twice = integrals(z, values)
    allowed = TOLERANCE * np.ptp(once, axis=0).max()
    chosen, last = [0], len(z) - 1
    ends = np.flatnonzero(stops)
    while chosen[-1] < last:
        i = chosen[-1]
        stop = int(ends[np.searchsorted(ends, i, side="right")])
        j = np.arange(i + 1, stop + 1)
        length = z[j] - z[i]
        middle = _linear(z, values, 0.5 * (z[i] + z[j]))
        simpson = length[:, None] / 6.0 * (values[i] + 4.0 * middle + values[j])
        shift = length[:, None] ** 2 / 6.0 * (values[i] + 2.0 * middle)
        exact_shift = twice[j] - twice[i] - length[:, None] * once[i]
        error = np.abs(simpson - (once[j] - once[i])).max(axis=1)
        error = np.maximum(error, np.abs(shift - exact_shift).max(axis=1) / ARM)
        good = np.flatnonzero((error <= allowed) & (length <= LONGEST))
        chosen.append(int(j[good[-1]]) if len(good) else i + 1)
    return chosen


def integrals(z: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Return the single and double integrals along z (axis 0) of what is linear between nodes, 0 at the first."""
    step = np.diff(z).reshape(-1, *[1] * (values.ndim - 1))
    once = np.zeros_like(values)
    np.cumsum(0.5 * step * (values[:-1] + values[1:]), axis=0, out=once[1:])
    twice = np.zeros_like(values)
    np.cumsum(step * once[:-1] + step**2 / 6.0 * (2.0 * values[:-1] + values[1:]), axis=0, out=twice[1:])
    return once, twice


def _linear(z: Floats, values: Floats, at: Floats) -> Floats:
    """Return values (len(at), columns) between nodes."""
    left = np.clip(np.searchsorted(z, at) - 1, 0, len(z) - 2)
    part = ((at - z[left]) / (z[left + 1] - z[left]))[:, None]
    found: Floats = (1.0 - part) * values[left] + part * values[left + 1]
    return found
