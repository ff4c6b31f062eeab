"""Where a straight line meets a slab, and the booking of energy in the slab's cells."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from emiss.configs.compiled import fused
from emiss.samples.walk.world import CELLS, PANELS

if TYPE_CHECKING:
    from emiss.samples.walk.world import Seen, World


@fused(forceinline=True)
def into(
    world: World, s: int, x: float, y: float, z: float, tx: float, ty: float
) -> tuple[float, float, float, float, float]:
    """Return a point (mm) and slopes in the frame of slab `s`: x, y, z and the slopes there."""
    dx, dz = x - world.x[s], z - world.z[s]
    sine, cosine = world.sine[s], world.cosine[s]
    along = cosine + tx * sine
    return (
        dx * cosine - dz * sine,
        y - world.y[s],
        dx * sine + dz * cosine,
        (tx * cosine - sine) / along,
        ty / along,
    )


@fused(forceinline=True)
def out_of(
    world: World, s: int, x: float, y: float, z: float, tx: float, ty: float
) -> tuple[float, float, float, float, float]:
    """Return a point and slopes in the frame of slab `s` in that of the set-up: the inverse of `into`."""
    sine, cosine = world.sine[s], world.cosine[s]
    along = cosine - tx * sine
    return (
        world.x[s] + x * cosine + z * sine,
        world.y[s] + y,
        world.z[s] - x * sine + z * cosine,
        (tx * cosine + sine) / along,
        ty / along,
    )


@fused(forceinline=True)
def inside(world: World, s: int, x: float, y: float) -> bool:
    """Tell whether a place across the slab (its own frame, mm) is in its matter: in the box and not in the hole."""
    if not (abs(x) < world.half_x[s] and abs(y) < world.half_y[s]):
        return False
    return not (abs(x) < world.hole_x[s] and abs(y) < world.hole_y[s])


@fused(forceinline=True)
def cell(world: World, s: int, x: float, y: float) -> int:
    """Return the position in `channels` of the cell at a place across slab `s`; -1 where there is none.

    For panels it is that of the upper photomultiplier; the lower one is next.
    """
    if world.kind[s] == CELLS:
        rows = world.rows[s]
        iy = math.floor((y + world.half_y[s]) / (2.0 * world.half_y[s]) * rows)
        if not 0 <= iy < rows:
            return -1
    elif world.kind[s] == PANELS:
        rows, iy = 2, 0
    else:
        return -1
    ix = math.floor((x + world.half_x[s]) / (2.0 * world.half_x[s]) * world.columns[s])
    if not 0 <= ix < world.columns[s]:
        return -1
    return int(world.first[s] + ix * rows + iy)


@fused(forceinline=True)
def show(world: World, seen: Seen, row: int, s: int, x: float, y: float, visible: float) -> None:
    """Add visible energy (GeV) at a place across slab `s` to its cell; nothing where nothing reads it out.

    Panels get it at both ends, e-folding with the attenuation length of the part.
    """
    place = cell(world, s, x, y)
    if place < 0:
        return
    if world.kind[s] == PANELS:
        slope = math.exp(y / world.attenuation[s])
        seen.visible[row, seen.channels[place]] += visible * slope
        seen.visible[row, seen.channels[place + 1]] += visible / slope
    else:
        seen.visible[row, seen.channels[place]] += visible
