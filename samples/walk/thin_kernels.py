"""Electrons and photons through slabs that are too thin for a shower, and the ionisation of all that is charged but muons.

Bremsstrahlung: photons above `SOFTEST` of the energy are drawn from (4/3 - 4/3 y + y^2)/y per radiation length (complete
screening; PDG 2022, Eq. 34.29), the rest is a steady loss. Photons convert or scatter with their attenuation; pairs share the
energy evenly at random.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from emiss.configs.compiled import fused
from emiss.physics.constants import ELECTRON_MASS, MUON_MASS
from emiss.physics.passage.muon_kernels import soft_loss
from emiss.physics.passage.muon_tables import IN_ABSORBER, IN_ACTIVE
from emiss.physics.passage.scattering_kernels import scatter
from emiss.samples.walk.frame_kernels import show

if TYPE_CHECKING:
    import numpy as np

    from emiss.samples.walk.muons import MuonWorld
    from emiss.samples.walk.world import Seen, World

SOFTEST = 1e-3
"""Smallest part of an electron's energy that a photon takes."""

ABSORBED = 0.01
"""GeV; slower electrons and photons end where they are."""


@fused
def ionise(
    world: World,
    muons: MuonWorld,
    seen: Seen,
    row: int,
    s: int,
    x: float,
    y: float,
    energy: float,
    mass: float,
    path: float,
    rng: np.random.Generator,
) -> float:
    """Book what a particle of charge 1 loses by ionisation over a path (mm) at a place across slab `s`; return it, GeV.

    It is that of a muon as fast, without the delta electrons that muons have drawn one by one, and not more than the
    kinetic energy.
    """
    m, tables = world.mixture[s], muons.tables
    gamma = max(energy / mass, 1.001)
    place = (math.log((gamma - 1.0) * MUON_MASS) - tables.start) * tables.per_step
    place = min(max(place, 0.0), tables.loss.shape[1] - 1.0001)
    i = int(place)
    w = place - i
    low, high = tables.loss[m, i], tables.loss[m, i + 1]
    beta2 = 1.0 - 1.0 / (gamma * gamma)
    largest = min(2.0 * ELECTRON_MASS * (gamma * gamma - 1.0), energy)
    slope, top = beta2 / largest, min(tables.cut, largest)
    a_here, a_away = soft_loss(
        path * (low[IN_ABSORBER] + w * (high[IN_ABSORBER] - low[IN_ABSORBER])),
        path * tables.xi[m, 0] / beta2, top, slope, tables.leaves[m, 0], 0.0, rng,
    )  # fmt: skip
    b_here, b_away = soft_loss(
        path * (low[IN_ACTIVE] + w * (high[IN_ACTIVE] - low[IN_ACTIVE])),
        path * tables.xi[m, 1] / beta2, top, slope, tables.leaves[m, 1], tables.keeps[m], rng,
    )  # fmt: skip
    total = a_here + a_away + b_here + b_away
    kinetic = max(energy - mass, 0.0)
    part = 1.0 if total <= kinetic else kinetic / total
    loss = part * total
    seen.deposited[row, world.part[s]] += loss
    if world.mip[s] > 0.0:
        show(world, seen, row, s, x, y, part * (muons.scale[s] * b_here + world.visible[s] * (a_away + b_away)))
    return loss


@fused
def radiate(energy: float, thickness: float, energies: np.ndarray, rng: np.random.Generator) -> tuple[int, float]:
    """Let an electron radiate in so many radiation lengths; return the number of photons, and what it loses to softer ones.

    `energies` is filled with the photons'; those beyond its length are left out.
    """
    ln_softest = -math.log(SOFTEST)
    mean = thickness * (4.0 / 3.0 * ln_softest - 4.0 / 3.0 * (1.0 - SOFTEST) + 0.5 * (1.0 - SOFTEST * SOFTEST))
    count, left = 0, energy
    reached = rng.standard_exponential()
    while reached < mean and count < len(energies):
        y = math.exp(-ln_softest * rng.random())
        while rng.random() > 1.0 - y + 0.75 * y * y:
            y = math.exp(-ln_softest * rng.random())
        energies[count] = y * left
        left -= energies[count]
        count += 1
        reached += rng.standard_exponential()
    return count, min(thickness * 4.0 / 3.0 * SOFTEST * energy, left)


@fused
def kicked(
    muons: MuonWorld, m: int, energy: float, mass: float, tx: float, ty: float, path: float, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    """Return slopes behind a path (mm) of multiple scattering, and by how much the place is off the line, mm."""
    momentum2 = max(energy * energy - mass * mass, 1e-6)
    kick_x, kick_y, off_x, off_y = scatter(
        muons.scattering, m, 1.0 / math.sqrt(momentum2), 1.0 + mass * mass / momentum2, path, rng
    )
    square = 1.0 + tx * tx + ty * ty
    return (
        tx + kick_x * math.sqrt(square * (1.0 + tx * tx)),
        ty + kick_y * math.sqrt(square * (1.0 + ty * ty)),
        off_x,
        off_y,
    )
