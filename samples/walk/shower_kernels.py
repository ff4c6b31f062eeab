"""Numba kernels that book one electron, positron or photon as a shower: in its slab and in those behind.

`shower` is what a walk calls for each particle, `calibrate` before each event. Energies from `ANALYTIC` on are shared by
integrals, with fluctuations of the profile, of the sharing among cells and of sampling; below, a few spots are drawn. What is
taken from the particle is booked as deposited or leaked, to rounding.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from emiss.configs.compiled import apart, fused
from emiss.samples.walk.shower_shared_kernels import shared
from emiss.samples.walk.shower_spots_kernels import spot, spots
from emiss.samples.walk.shower_way_kernels import place

if TYPE_CHECKING:
    import numpy as np

    from emiss.samples.walk.shower import Showers
    from emiss.samples.walk.world import Seen, World

ANALYTIC = 3.0
"""GeV: from here on energy is shared by integrals."""

ABSORBED = 0.01
"""GeV: photons below are absorbed at one point."""


@fused
def calibrate(world: World, rng: np.random.Generator) -> None:
    """Draw the calibration of each body for one event, 1 within `World.constant`."""
    for s in range(len(world)):
        if world.like[s] == s:
            world.scale[s] = max(1.0 + world.constant[s] * rng.standard_normal(), 0.0)
        else:
            world.scale[s] = world.scale[world.like[s]]


@fused
def shower(
    world: World,
    showers: Showers,
    seen: Seen,
    row: int,
    pdg: int,
    energy: float,
    s: int,
    x: float,
    y: float,
    z: float,
    tx: float,
    ty: float,
    rng: np.random.Generator,
) -> None:
    """Book all of the energy of an electron, positron or photon.

    Parameters
    ----------
    world, showers, seen
        What it meets, tables and workspace, where it is booked.
    row : int
        Of `seen`.
    pdg : int
        22 is a photon, anything else an electron or positron.
    energy : float
        GeV; all of it is booked.
    s, x, y, z, tx, ty
        Slab, place (mm) and slopes in the slab's frame; z from 0 to its depth.
    rng : numpy Generator
    """
    apart()
    if energy <= 0.0:
        return
    if pdg == 22:
        s, x, y, z, tx, ty, last = place(
            world, showers.absorption, s, x, y, z, tx, ty, rng.standard_exponential(), math.log(energy)
        )
        if s < 0:
            seen.leaked[row, world.part[last]] += energy
            return
        if energy < ABSORBED:
            spot(world, seen, row, s, x, y, energy, rng)
            return
    if energy < ANALYTIC:
        spots(world, showers.absorption, seen, row, energy, s, x, y, z, tx, ty, rng)
    else:
        shared(world, showers, seen, row, energy, s, x, y, z, tx, ty, rng)
