"""Numba kernels: how a piece of a shower is shared among the cells of a slab, and what these show."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from emiss.configs.compiled import fused
from emiss.physics.shower.profile_kernels import TURN, arctangent, corner
from emiss.samples.walk.shower import LANES
from emiss.samples.walk.world import CELLS, PANELS

if TYPE_CHECKING:
    import numpy as np

    from emiss.samples.walk.shower import Showers
    from emiss.samples.walk.world import Seen, World

SPOT = 0.0003
"""GeV: sharing fluctuates as if the energy came in spots of this size, beside the sampling. Fitted to the rms of the centre
cell's share in the preshower (Geant4, electrons of 100 GeV)."""

ONE_CELL = 0.004
"""GeV: less is in one cell."""

NORMAL = 12.0
"""Gamma distributions of this shape or more are drawn as normal to the third power (Wilson and Hilferty)."""

TINY = 0.02
"""Gamma distributions of this shape or less are 0 within 1e-12 in at least 44 % of all cases."""


@fused
def gamma(shape: float, rng: np.random.Generator) -> float:
    """Return a gamma-distributed number of mean and variance `shape`."""
    if shape > NORMAL:
        ninth = 1.0 / (9.0 * shape)
        root = 1.0 - ninth + math.sqrt(ninth) * rng.standard_normal()
        return shape * max(root, 0.0) ** 3
    if shape > TINY:
        return rng.standard_gamma(shape)
    # NumPy's way (J. H. Ahrens, U. Dieter, Computing 12 (1974) 223), that spares what comes out below 1e-12
    while True:
        u, v = rng.random(), rng.standard_exponential()
        if u < 1.0 - 28.0 * shape:
            return 0.0
        if u <= 1.0 - shape:
            x = u ** (1.0 / shape)
            if x <= v:
                return x
        else:
            y = -math.log((1.0 - u) / shape)
            x = (1.0 - shape + shape * y) ** (1.0 / shape)
            if x <= v + y:
                return x


@fused
def rectangle(x0: float, x1: float, y0: float, y1: float, radius: float) -> float:
    """Return the share of the lateral form in a rectangle, places relative to the axis, mm."""
    square = radius * radius
    r0, r1 = math.sqrt(x0 * x0 + square), math.sqrt(x1 * x1 + square)
    q0, q1 = math.sqrt(y0 * y0 + square), math.sqrt(y1 * y1 + square)
    return corner(x1, y1, r1, q1) - corner(x0, y1, r0, q1) - corner(x1, y0, r1, q0) + corner(x0, y0, r0, q0)


@fused(forceinline=True)
def spread(world: World, showers: Showers, s: int, x: float, y: float, radius: float, energy: float) -> float:
    """Share energy around an axis among the cells of slab `s`, in `showers.cells`; return what falls inside the slab.

    Parameters
    ----------
    x, y : float
        The axis, mm, in the slab's frame.
    radius : float
        Of the lateral form, mm.
    energy : float
        GeV.
    """
    half_x, half_y = world.half_x[s], world.half_y[s]
    columns = world.columns[s] if world.kind[s] in (CELLS, PANELS) else 1
    rows = world.rows[s] if world.kind[s] == CELLS else 1
    square = radius * radius
    above, root, sine, before, value = (
        showers.edges[0], showers.edges[1], showers.edges[2], showers.edges[3], showers.edges[4]
    )  # fmt: skip
    whole = (rows // LANES + 1) * LANES
    for j in range(whole):
        place = 2.0 * half_y * j / rows - half_y - y
        length = math.sqrt(place * place + square)
        above[j], root[j], sine[j] = place, length, place / length
    total, energy = 0.0, energy * TURN
    for i in range(columns + 1):
        place = -half_x + 2.0 * half_x * i / columns - x
        this = math.sqrt(place * place + square)
        ratio = place / this
        for j in range(whole):  # `corner`, for a column of corners
            value[j] = ratio * arctangent(above[j], this) + sine[j] * arctangent(place, root[j])
        if i == 0:
            total += value[0] - value[rows]
        else:
            first = (i - 1) * rows
            for j in range(rows):
                showers.cells[first + j] += energy * max(value[j + 1] - before[j + 1] - value[j] + before[j], 0.0)
            if i == columns:
                total += value[rows] - value[0]
        value, before = before, value
    total = energy * max(total, 0.0)
    if world.hole_x[s] > 0.0 and world.hole_y[s] > 0.0:
        hx, hy = world.hole_x[s], world.hole_y[s]
        lost = energy / TURN * rectangle(-hx - x, hx - x, -hy - y, hy - y, radius)
        total = max(total - lost, 0.0)
    return total


@fused
def clear(world: World, showers: Showers, s: int) -> int:
    """Set the cells of slab `s` to 0; return how many there are."""
    if world.kind[s] == CELLS:
        count = world.columns[s] * world.rows[s]
    elif world.kind[s] == PANELS:
        count = world.columns[s]
    else:
        count = 1
    for i in range(count):
        showers.cells[i] = 0.0
    return int(count)


@fused
def point(world: World, seen: Seen, row: int, s: int, place: int, y: float, energy: float) -> None:
    """Add visible energy (GeV) to cell number `place` of slab `s`, columns of panels at y (mm)."""
    if world.kind[s] == PANELS:
        slope = math.exp(y / world.attenuation[s])
        first = world.first[s] + 2 * place
        seen.visible[row, seen.channels[first]] += energy * slope
        seen.visible[row, seen.channels[first + 1]] += energy / slope
    else:
        seen.visible[row, seen.channels[world.first[s] + place]] += energy


@fused(forceinline=True)
def display(
    world: World,
    showers: Showers,
    seen: Seen,
    row: int,
    s: int,
    count: int,
    y: float,
    mean: float,
    rng: np.random.Generator,
) -> None:
    """Show the energy `mean` (GeV, visible) in the cells of slab `s` as `showers.cells` share it, with fluctuations.

    The sum has the sampling fluctuations of the slab; the shares have those and that of spots.
    """
    if world.kind[s] not in (CELLS, PANELS) or mean <= 0.0:
        return
    sampling = world.stochastic[s] ** 2
    size = sampling + SPOT
    whole = 0.0
    for i in range(count):
        whole += showers.cells[i]
    if whole <= 0.0:
        return
    value = sampling * gamma(mean / sampling, rng) if sampling > 0.0 else mean
    scale = world.visible[s] * world.scale[s]
    if mean < ONE_CELL or count == 1:  # one spot, in one cell
        chosen, left = 0, rng.random() * whole - showers.cells[0]
        while left > 0.0 and chosen < count - 1:
            chosen += 1
            left -= showers.cells[chosen]
        point(world, seen, row, s, chosen, y, value * scale)
        return
    factor, total = mean / whole, 0.0
    for i in range(count):
        energy = showers.cells[i] * factor
        energy = size * gamma(energy / size, rng) if energy > 1e-7 else 0.0
        showers.cells[i] = energy
        total += energy
    if total <= 1e-3 * mean:  # no cell has a spot
        return
    factor = value / total * scale
    for i in range(count):
        if showers.cells[i] > 0.0:
            point(world, seen, row, s, i, y, showers.cells[i] * factor)
