"""Many showers in the line of the Geant4 samples, its VETO as one cell."""

from __future__ import annotations

import numpy as np

from emiss.configs.compiled import bare
from emiss.physics.shower import photonuclear
from emiss.samples.walk.photonuclear_kernels import nuclear
from emiss.samples.walk.shower import Showers, showers
from emiss.samples.walk.shower_kernels import calibrate, shower
from emiss.samples.walk.world import CELLS, Seen, World
from tests.samples.walk import line
from tests.samples.walk.line import IN_ECAL as ECAL
from tests.samples.walk.line import IN_HCAL as HCAL
from tests.samples.walk.line import IN_VETO as VETO
from tests.samples.walk.line import nothing

__all__ = ["ECAL", "HCAL", "VETO", "booked", "cells", "interactions", "many", "nothing", "tables_of", "world_of"]

PRESHOWER, MAIN, PANEL, HCAL1, HCAL2, HCAL3 = range(6)


def world_of(stochastic: float = 0.085) -> World:
    """Return the world; the VETO is a cell whose scale is that of the energy left in it."""
    world = line.line().world
    wide = np.where(np.arange(6) == PANEL, 1, world.columns), np.where(np.arange(6) == PANEL, 1, world.rows)
    return line.changed(
        world,
        kind=CELLS,
        columns=wide[0],
        rows=wide[1],
        first=np.concatenate([[0], np.cumsum(wide[0] * wide[1])[:-1]]),
        visible=1.0,
        stochastic=[stochastic, stochastic, 0.0, 0.3, 0.3, 0.3],
        constant=0.0,
    )


def tables_of(world: World) -> Showers:
    """Return the tables of showers."""
    built = line.line()
    return showers(world, built.mixtures, built.materials)


@bare
def many(world, tables, seen, pdg, energy, slab, places, slopes, rng):
    """Book one particle per row: arrays of energy, slab, places (N, 3) and slopes (N, 2)."""
    for i in range(len(energy)):
        calibrate(world, rng)
        x, y, z = places[i]
        tx, ty = slopes[i]
        shower(world, tables, seen, i, pdg, energy[i], slab[i], x, y, z, tx, ty, rng)


@bare
def _interactions(table, per_length, energy, found, rng):
    for i in range(len(found)):
        _count, k, depth = nuclear(table, per_length, energy, rng)
        found[i, 0], found[i, 1] = k, depth


def interactions(world, slab, energy, found, rng) -> photonuclear.Photonuclear:
    """Fill k and depth of the hadronic interactions of so many showers; k is 0 without one. Return the table."""
    table = photonuclear.table()
    _interactions(table, world.per_length[slab], energy, found, rng)
    return table


def booked(world, tables, pdg, energy, count, rng, *, slab=0, place=(0.0, 19.1, 0.0), slope=(0.0, 0.0)) -> Seen:
    """Return what `count` particles leave; place and slope may be arrays (count, 3) and (count, 2)."""
    seen = nothing(count)
    places = np.array(np.broadcast_to(place, (count, 3)), np.float64, order="C")
    slopes = np.array(np.broadcast_to(slope, (count, 2)), np.float64, order="C")
    many(world, tables, seen, pdg, np.full(count, float(energy)), np.full(count, slab), places, slopes, rng)
    return seen


def cells(seen: Seen) -> np.ndarray:
    """Return the ECAL, shape (N, 2, 5, 6)."""
    return seen.visible[:, :60].reshape(-1, 2, 5, 6)
