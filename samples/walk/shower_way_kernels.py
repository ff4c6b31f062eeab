"""Numba kernels: the axis of a shower through the slabs, the place at a depth along it, the absorption of photons."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.compiled import fused
from emiss.physics.shower.photons import GRID
from emiss.samples.walk.frame_kernels import inside, into, out_of

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.samples.walk.shower import Showers
    from emiss.samples.walk.world import World

T0, T1, U0, U1, Z0, Z1, X0, Y0, TX, TY, GAP, RADIUS = range(12)
"""Columns of the way: radiation lengths before and behind the slab, the same in absorption lengths of the most penetrating
photons, z in the slab's frame at both ends, x, y and slopes at the first, mm without matter so far, and the Moliere
radius (mm), averaged over radiation lengths so far."""

BEGUN = 1.0
"""Radiation lengths: before, nothing is there that a gap could widen."""

LIGHT = 5000.0
"""mm of a radiation length: what is as light as a gas widens a shower like a gap."""

LONGEST = 70.0
"""Radiation lengths: what is behind is not followed."""

LN_FIRST = math.log(GRID[0])
PER_LN = (len(GRID) - 1) / math.log(GRID[-1] / GRID[0])
LAST = len(GRID) - 2


@fused(forceinline=True)
def rate(world: World, absorption: Floats, s: int, ln_energy: float) -> float:
    """Return the attenuation of photons in a slab, 1/mm; ln_energy of GeV, and about 1/X0 for infinity."""
    if ln_energy == np.inf:
        return world.stopping[s]
    m = world.mixture[s]
    at = (ln_energy - LN_FIRST) * PER_LN
    i = min(max(int(at), 0), LAST)
    w = min(max(at - i, 0.0), 1.0)
    return (1.0 - w) * absorption[m, i] + w * absorption[m, i + 1]


@fused(forceinline=True)
def place(
    world: World,
    absorption: Floats,
    s: int,
    x: float,
    y: float,
    z: float,
    tx: float,
    ty: float,
    depth: float,
    ln_energy: float,
) -> tuple[int, float, float, float, float, float, int]:
    """Return where a straight line has passed a depth, in units of what `rate` says.

    Parameters
    ----------
    absorption : array of shape (M, G)
        See `emiss.samples.walk.shower.Showers`.
    s, x, y, z, tx, ty
        Slab, place and slopes in its frame.
    depth, ln_energy : float
        Depth to go; `rate`'s energy.

    Returns
    -------
    s, x, y, z, tx, ty
        In the frame of the slab; s is -1 where the line leaves the set-up before.
    last : int
        The last slab with matter on the line.
    """
    last, passed = s, 0.0
    while True:
        length = math.sqrt(1.0 + tx * tx + ty * ty)
        if inside(world, s, x, y) and z < world.depth[s]:
            per_mm = rate(world, absorption, s, ln_energy) * length
            if ln_energy == np.inf and passed < BEGUN:  # nothing has grown yet
                per_mm = length / world.x0[s]
            passed += (world.depth[s] - z) * length / world.x0[s]
            step = depth / per_mm
            last = s
            if z + step < world.depth[s]:
                return s, x + tx * step, y + ty * step, z + step, tx, ty, last
            depth -= (world.depth[s] - z) * per_mm
            step = world.depth[s] - z
        else:  # it stays where it is: another slab may stand beside this one
            step = 0.0
        gx, gy, gz, gtx, gty = out_of(world, s, x + tx * step, y + ty * step, z + step, tx, ty)
        s += 1
        if s >= len(world.z):
            return -1, 0.0, 0.0, 0.0, 0.0, 0.0, last
        x, y, z, tx, ty = into(world, s, gx, gy, gz, gtx, gty)
        if z < 0.0:
            x, y, z = x - tx * z, y - ty * z, 0.0


@fused(forceinline=True)
def trace(world: World, showers: Showers, s: int, x: float, y: float, z: float, tx: float, ty: float) -> int:
    """Follow a straight line from a place in slab `s` (its frame) through the slabs; return how many have matter on it.

    Fills `showers.way` and `showers.slab`, a row per slab with matter on the line.
    """
    count, t, u, gap, weighted = 0, 0.0, 0.0, 0.0, 0.0
    while t < LONGEST:
        length = math.sqrt(1.0 + tx * tx + ty * ty)
        step = 0.0  # past a slab that it misses: another may stand beside it
        if z < world.depth[s] and inside(world, s, x, y):
            step = world.depth[s] - z
            if world.x0[s] > LIGHT and t > BEGUN:
                gap += step * length
            more = step * length / world.x0[s]
            weighted += more * world.moliere[s]
            row = showers.way[count]
            row[T0], row[U0], row[Z0], row[X0], row[Y0], row[TX], row[TY], row[GAP] = t, u, z, x, y, tx, ty, gap
            t += more
            u += step * length * world.soft[s]
            row[T1], row[U1], row[Z1], row[RADIUS] = t, u, world.depth[s], weighted / t
            showers.slab[count] = s
            count += 1
        gx, gy, gz, gtx, gty = out_of(world, s, x + tx * step, y + ty * step, z + step, tx, ty)
        s += 1
        if s >= len(world.z):
            break
        x, y, z, tx, ty = into(world, s, gx, gy, gz, gtx, gty)
        if z < 0.0:
            if t > BEGUN:
                gap -= z * math.sqrt(1.0 + tx * tx + ty * ty)
            x, y, z = x - tx * z, y - ty * z, 0.0
    return count
