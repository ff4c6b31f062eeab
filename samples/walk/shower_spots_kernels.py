"""Numba kernels: showers of low energy as spots drawn from the mean profile, and what one electron leaves in thin slabs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.compiled import fused
from emiss.physics.shower.profile_kernels import drawn, longitudinal, radii, rising, tail
from emiss.samples.walk.frame_kernels import cell, inside, into, out_of
from emiss.samples.walk.shower_cells_kernels import gamma, point
from emiss.samples.walk.shower_way_kernels import place
from emiss.samples.walk.world import PANELS

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.samples.walk.world import Seen, World

SPOT_ENERGY = 0.02
"""GeV per spot at low energies, where one spot more has the rest."""

FEWEST = 4
"""So few spots differ more than the profiles of showers: they are drawn from the mean one."""

MOST = 60
"""Spots of one shower."""

THIN = 1.0
"""Radiation lengths: up to here a slab has at least what the electron's own track leaves."""


@fused(forceinline=True)
def spot(
    world: World,
    seen: Seen,
    row: int,
    s: int,
    x: float,
    y: float,
    energy: float,
    rng: np.random.Generator,
) -> None:
    """Book energy at one place of slab `s`, visible with its sampling fluctuations."""
    part = world.part[s]
    if not inside(world, s, x, y):
        seen.leaked[row, part] += energy
        return
    seen.deposited[row, part] += energy
    shine(world, seen, row, s, x, y, energy, rng)


@fused(forceinline=True)
def shine(
    world: World,
    seen: Seen,
    row: int,
    s: int,
    x: float,
    y: float,
    energy: float,
    rng: np.random.Generator,
) -> None:
    """Show energy at one place of slab `s`, with its sampling fluctuations."""
    number = cell(world, s, x, y)
    if number < 0:
        return
    sampling = world.stochastic[s] ** 2
    value = sampling * gamma(energy / sampling, rng) if sampling > 0.0 else energy
    number -= world.first[s]
    if world.kind[s] == PANELS:
        number //= 2
    point(world, seen, row, s, number, y, value * world.visible[s] * world.scale[s])


@fused(forceinline=True)
def spots(
    world: World,
    absorption: Floats,
    seen: Seen,
    row: int,
    energy: float,
    s: int,
    x: float,
    y: float,
    z: float,
    tx: float,
    ty: float,
    rng: np.random.Generator,
) -> None:
    """Book a shower of low energy as spots of equal energy, their depths and radii drawn from the mean profile."""
    m = s
    if energy > world.critical[m]:  # it may go through thin matter, and showers behind
        energy -= thin(world, seen, row, energy, s, x, y, z, tx, ty, rng)
        deep = place(world, absorption, s, x, y, z, tx, ty, 1.0, np.inf)[0]
        m = s if deep < 0 else deep
    count = min(int(energy / SPOT_ENERGY) + 1, MOST)
    ln_e = math.log(energy)
    ln_t, ln_alpha, spread_t, spread_a, correlation = longitudinal(
        ln_e - math.log(world.critical[m]), world.charge[m], world.plates[m], world.e_mip[m]
    )
    mean_alpha = math.exp(ln_alpha)
    if count > FEWEST:
        first, second = rng.standard_normal(), rng.standard_normal()
        alpha, beta = drawn(ln_t, ln_alpha, spread_t, spread_a, correlation, first, second)
        slope = world.soft[m] * world.x0[m]
        begin, behind = tail(alpha, beta, slope)
        in_tail = behind / (behind + rising(alpha, beta * begin)) if behind > 0.0 else 0.0
    else:
        alpha, beta = mean_alpha, (mean_alpha - 1.0) / math.exp(ln_t)
        slope, begin, in_tail = 1.0, np.inf, 0.0
    to_tau = beta / alpha * mean_alpha / (mean_alpha - 1.0)
    # across as at the mean depth
    core, wide, weight = radii(alpha / beta * to_tau, ln_e, world.charge[m], world.plates[m], world.e_mip[m])
    for _ in range(count):
        if in_tail > 0.0 and rng.random() < in_tail:
            depth = begin + rng.standard_exponential() / slope
        else:
            depth = rng.standard_gamma(alpha) / beta
            while depth > begin:
                depth = rng.standard_gamma(alpha) / beta
        at, ax, ay, _az, _atx, _aty, last = place(world, absorption, s, x, y, z, tx, ty, depth, np.inf)
        if at < 0:
            seen.leaked[row, world.part[last]] += energy / count
            continue
        radius = (core if rng.random() < weight else wide) * world.moliere[m]
        u = rng.random()
        radius *= math.sqrt(u / (1.0 - u))
        phi = 2.0 * math.pi * rng.random()
        spot(world, seen, row, at, ax + radius * math.cos(phi), ay + radius * math.sin(phi), energy / count, rng)


@fused(forceinline=True)
def thin(
    world: World,
    seen: Seen,
    row: int,
    energy: float,
    s: int,
    x: float,
    y: float,
    z: float,
    tx: float,
    ty: float,
    rng: np.random.Generator,
) -> float:
    """Book what one electron ionises in the slabs that it leaves within `THIN`; return the sum, below half of the energy."""
    whole, t = 0.0, 0.0
    while True:
        step = 0.0  # past a slab that it misses: another may stand beside it
        if z < world.depth[s] and inside(world, s, x, y):
            step = world.depth[s] - z
            more = step * math.sqrt(1.0 + tx * tx + ty * ty) / world.x0[s]
            t += more
            if t > THIN:
                return whole
            track = world.critical[s] * more * gamma(25.0, rng) / 25.0
            if whole + track > 0.5 * energy:
                return whole
            seen.deposited[row, world.part[s]] += track
            shine(world, seen, row, s, x, y, track, rng)
            whole += track
        gx, gy, gz, gtx, gty = out_of(world, s, x + tx * step, y + ty * step, z + step, tx, ty)
        s += 1
        if s >= len(world.z):
            return whole
        x, y, z, tx, ty = into(world, s, gx, gy, gz, gtx, gty)
        if z < 0.0:
            x, y, z = x - tx * z, y - ty * z, 0.0
