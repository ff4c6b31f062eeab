"""Kernel of synchrotron light on its way through slabs: straight lines until a photon is absorbed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.compiled import bare
from emiss.samples.walk.frame_kernels import show
from emiss.samples.walk.shower_kernels import shower
from emiss.samples.walk.shower_way_kernels import rate
from emiss.samples.walk.tracks import ELECTRON, ENERGY, LAST, ROW, TX, TY, X, Y, Z

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats, Ints
    from emiss.samples.walk.shower import Showers
    from emiss.samples.walk.world import Seen, World

THIN = 1.0
"""Radiation lengths of a slab along its depth: from here on a photon stays where it is absorbed."""

STAYS = 0.01
"""GeV: the electrons of a photon below stay where they are made; above they shower in a thick slab, and leave a thin one."""

GONE, STAYED, CONVERTS = 0, 1, 2
"""What becomes of a photon: it leaves the set-up, is absorbed and booked, or makes electrons that go on from where it is."""


@bare(error_model="numpy")
def shine(
    world: World, showers: Showers, first: int, photons: Floats, seen: Seen, rng: np.random.Generator, fate: Ints
) -> None:
    """Take photons (tracks) through the slabs from `first` on to where their attenuation ends them; fills `fate`.

    What is absorbed at low energy is booked at that place, visible with the sampling fluctuations of the slab. Those that
    convert in a thin slab stand there afterwards. A hole counts for photons that are in it at the front face.
    """
    slabs = len(world.z)
    for i in range(len(photons)):
        x, y, z, tx, ty = photons[i, X], photons[i, Y], photons[i, Z], photons[i, TX], photons[i, TY]
        energy, row = photons[i, ENERGY], int(photons[i, ROW])
        ln_energy, stretch = math.log(energy), math.sqrt(1.0 + tx * tx + ty * ty)
        left = rng.standard_exponential()
        fate[i] = GONE
        for s in range(first, slabs):
            dx, dz = x - world.x[s], z - world.z[s]
            sine, cosine = world.sine[s], world.cosine[s]
            along = cosine + tx * sine
            # the line in the slab's frame, by its depth there
            at_z = dx * sine + dz * cosine
            slope_x, slope_y = (tx * cosine - sine) / along, ty / along
            at_x, at_y = dx * cosine - dz * sine - at_z * slope_x, y - world.y[s] - at_z * slope_y
            begin, end = max(at_z, 0.0), world.depth[s]
            half_x, half_y = world.half_x[s], world.half_y[s]
            if abs(at_x + 0.5 * end * slope_x) - 0.5 * end * abs(slope_x) >= half_x:
                continue
            if abs(at_y + 0.5 * end * slope_y) - 0.5 * end * abs(slope_y) >= half_y:
                continue
            if abs(slope_x) > 1e-12:
                one, two = (-half_x - at_x) / slope_x, (half_x - at_x) / slope_x
                begin, end = max(begin, min(one, two)), min(end, max(one, two))
            if abs(slope_y) > 1e-12:
                one, two = (-half_y - at_y) / slope_y, (half_y - at_y) / slope_y
                begin, end = max(begin, min(one, two)), min(end, max(one, two))
            if end <= begin or (abs(at_x) < world.hole_x[s] and abs(at_y) < world.hole_y[s]):
                continue
            per_mm = rate(world, showers.absorption, s, ln_energy) * stretch / abs(along)
            photons[i, LAST] = world.part[s]
            if left >= (end - begin) * per_mm:
                left -= (end - begin) * per_mm
                continue
            depth = begin + left / per_mm
            if energy >= STAYS and world.depth[s] <= THIN * world.x0[s]:
                step = (depth - at_z) / along
                photons[i, X], photons[i, Y], photons[i, Z] = x + step * tx, y + step * ty, z + step
                fate[i] = CONVERTS
                break
            fate[i] = STAYED
            x, y = at_x + depth * slope_x, at_y + depth * slope_y
            if energy >= STAYS:
                shower(world, showers, seen, row, np.int64(ELECTRON), energy, s, x, y, depth, slope_x, slope_y, rng)
                break
            seen.deposited[row, world.part[s]] += energy
            grain = world.stochastic[s] ** 2
            value = grain * rng.standard_gamma(energy / grain) if grain > 0.0 else energy
            show(world, seen, row, s, x, y, value * world.visible[s])
            break
