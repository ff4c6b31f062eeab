"""Particles through slabs of matter, one after the other, with all that they make on the way."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.compiled import kernel
from emiss.samples.walk.frame_kernels import inside, into, out_of, show
from emiss.samples.walk.tracks import COLUMNS, ELECTRON, ENERGY, LAST, MUON, PDG, PHOTON, ROW, TX, TY, X, Y, Z, charge_of

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.samples.walk.world import Seen, World

STEP = 100.0
"""mm; the longest step within a slab."""


@kernel
def walk(world: World, first: int, last: int, tracks: Floats, seen: Seen, rng: np.random.Generator) -> Floats:
    """Take tracks through the slabs `first` to `last` - 1; return those that come out behind them.

    Parameters
    ----------
    tracks : array of shape (M, COLUMNS)

    Returns
    -------
    tracks : array of shape (K, COLUMNS)
        In the order of the beam particles; each stands where it left its last slab.
    """
    stack = np.empty((256, COLUMNS))
    out = np.empty((max(2 * len(tracks), 64), COLUMNS))
    track = np.empty(COLUMNS)
    done = 0
    for i in range(len(tracks)):
        stack[0] = tracks[i]
        waiting = 1
        while waiting > 0:
            waiting -= 1
            track[:] = stack[waiting]
            alive = True
            s = first
            while s < last and alive:
                alive = through(world, s, track, seen, rng)
                s += 1
            if alive:
                if done == len(out):
                    more = np.empty((2 * done, COLUMNS))
                    more[:done] = out
                    out = more
                out[done] = track
                done += 1
    return out[:done]


@kernel
def through(world: World, s: int, track: Floats, seen: Seen, rng: np.random.Generator) -> bool:
    """Take a track through one slab; False if it ends there."""
    x, y, z, tx, ty = into(world, s, track[X], track[Y], track[Z], track[TX], track[TY])
    if z < 0.0:
        x, y, z = x - z * tx, y - z * ty, 0.0
    left = world.depth[s] - z
    if left <= 0.0:
        return True
    row, part = int(track[ROW]), world.part[s]
    steps = int(math.ceil(left / STEP))
    h = left / steps
    for _ in range(steps):
        if inside(world, s, x + 0.5 * h * tx, y + 0.5 * h * ty):
            track[LAST] = part
            code = abs(track[PDG])
            if code == ELECTRON or code == PHOTON:
                if world.depth[s] > world.mixtures.x0[world.mixture[s]]:
                    seen.deposited[row, part] += track[ENERGY]
                    show(world, seen, row, s, x, y, track[ENERGY])
                    return False
            if charge_of(track[PDG]) != 0.0:
                e = world.mip[s] * h / world.depth[s]
                show(world, seen, row, s, x, y, e)
                seen.deposited[row, part] += e
                track[ENERGY] -= e
        x, y, z = x + h * tx, y + h * ty, z + h
    track[X], track[Y], track[Z], track[TX], track[TY] = out_of(world, s, x, y, z, tx, ty)
    return True
