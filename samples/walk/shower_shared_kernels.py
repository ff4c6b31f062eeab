"""Numba kernels: showers of high energy, whose profile is integrated over slabs and cells."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from emiss.configs.compiled import fused
from emiss.physics.shower.profile_kernels import drawn, longitudinal, radii, rising_and_density, tail
from emiss.samples.walk.frame_kernels import inside
from emiss.samples.walk.shower_cells_kernels import clear, display, gamma, spread
from emiss.samples.walk.shower_spots_kernels import THIN, shine
from emiss.samples.walk.shower_way_kernels import GAP, RADIUS, T0, T1, TX, TY, U0, U1, X0, Y0, Z0, Z1, trace

if TYPE_CHECKING:
    import numpy as np

    from emiss.samples.walk.shower import Showers
    from emiss.samples.walk.world import Seen, World

PHOTON_ENERGY = 1.15e-3
"""GeV that one of the photons behind a shower leaves where it is absorbed, on average; exponential. With it the width of the
VETO's energy behind 40 X0 is Geant4's."""

BESIDE = 0.0255
"""Part of what leaves a calorimeter through its sides that goes on as soft photons to what stands behind. Fitted to the VETO's
energy (Geant4), less what comes through the back: half of it does not follow the energy in the last layers."""

FEW = 12.0
"""More photons than these are drawn as so many of more energy."""

CORE_ANGLE, WIDE_ANGLE, SOFT_ANGLE = 0.05, 0.3, 1.0
"""By how much the radii of core and tail, and that of the photons behind the shower, grow per length without matter: energies
of 400 and 70 MeV have such Highland angles in a radiation length; the last as the HCAL's nine cells share what is behind the
ECAL (Geant4)."""

CUTS = (0.5, 1.0, 1.5, 2.0, 3.0)
"""Depths in units of the maximum's where the lateral form is taken anew."""


@fused(forceinline=True)
def shared(
    world: World,
    showers: Showers,
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
    """Book a shower of high energy by integrals of its profile over slabs and cells."""
    way = showers.way
    count = trace(world, showers, s, x, y, z, tx, ty)
    if count == 0:
        seen.leaked[row, world.part[s]] += energy
        return
    # the matter where the maximum is
    ln_e = math.log(energy)
    m = showers.slab[0]
    maximum = math.exp(longitudinal(ln_e - math.log(world.critical[m]), world.charge[m], 0.0, 1.0)[0])
    for k in range(count):
        m = showers.slab[k]
        if way[k, T1] > maximum:
            break
    z_mean, plates, e_mip = world.charge[m], world.plates[m], world.e_mip[m]
    ln_t, ln_alpha, spread_t, spread_a, correlation = longitudinal(
        ln_e - math.log(world.critical[m]), z_mean, plates, e_mip
    )
    alpha, beta = drawn(ln_t, ln_alpha, spread_t, spread_a, correlation, rng.standard_normal(), rng.standard_normal())
    begin, behind = tail(alpha, beta, world.soft[m] * world.x0[m])
    mean_alpha = math.exp(ln_alpha)
    to_tau = beta / alpha * mean_alpha / (mean_alpha - 1.0)

    ln_gamma = math.lgamma(alpha)
    front = rising_and_density(alpha, beta * begin, ln_gamma)[0] if behind > 0.0 else 1.0
    # the tail's photons leave `tail_seen` of what they deposit where they are made
    in_tail = behind / world.tail_seen[m]
    deposits, shown = energy / (front + in_tail), energy / (front + behind)
    u_begin = _absorption_lengths(showers, count, begin)

    own = booked = most = 0.0
    largest = 0
    low, low_tail = 0.0, 1.0
    for k in range(count):
        slab = showers.slab[k]
        high = front
        if low < front and way[k, T1] < begin:
            high = rising_and_density(alpha, beta * way[k, T1], ln_gamma)[0]
        high_tail = math.exp(-max(way[k, U1] - u_begin, 0.0)) if way[k, T1] > begin else 1.0
        photons = in_tail * (low_tail - high_tail)
        if high <= low and photons * deposits < 100.0 * PHOTON_ENERGY:
            photons = _counted(photons * deposits, rng) / deposits
        taken = deposits * (high - low + photons)
        # energies go where absorption lengths were: they are not needed from here on
        way[k, U0], way[k, U1] = taken, shown * (high - low + photons * world.tail_seen[slab])
        if way[k, T1] < THIN:
            track = _own_track(world, showers, k, rng)
            if track > taken:
                seen.deposited[row, world.part[slab]] += track
                shine(world, seen, row, slab, way[k, X0], way[k, Y0], track, rng)
                own += track
                way[k, U0] = taken = 0.0
        if taken > most:
            largest, most = k, taken
        booked += taken
        low, low_tail = high, high_tail
    leaking = deposits * (front - low + in_tail * low_tail)
    if leaking < 100.0 * PHOTON_ENERGY:
        leaking = _counted(leaking, rng)
    # what chance added or took is shared by all
    if booked + leaking > 0.0:
        balance = (energy - own) / (booked + leaking)
    else:
        balance, leaking = 1.0, energy - own
    seen.leaked[row, world.part[showers.slab[count - 1]]] += leaking * balance
    for k in range(count):
        way[k, U0] *= balance

    beside, part = 0.0, world.part[showers.slab[largest]]
    reached, share, density = 0.0, 0.0, 0.0
    for k in range(count):
        if way[k, U0] > 0.0:
            if reached != way[k, T0]:
                share, density = rising_and_density(alpha, beta * way[k, T0], ln_gamma)
            out, share, density = _across(
                world, showers, seen, row, k, alpha, beta, ln_gamma, share, density, to_tau, begin, ln_e, z_mean, plates,
                e_mip, rng,
            )  # fmt: skip
            reached = way[k, T1]
            if world.part[showers.slab[k]] == part:
                beside += out
    if beside > PHOTON_ENERGY:
        _behind(world, showers, seen, row, largest, count, BESIDE * beside, rng)


@fused(forceinline=True)
def _behind(
    world: World,
    showers: Showers,
    seen: Seen,
    row: int,
    largest: int,
    count: int,
    energy: float,
    rng: np.random.Generator,
) -> None:
    """Bring soft photons from the sides of a part to the slabs behind, where some are absorbed; energy is what goes there.

    They come at all angles, so that half of them are within a radius of the distance.
    """
    way = showers.way
    source = showers.slab[largest]
    part = world.part[source]
    from_z = world.z[source] + 0.5 * (way[largest, Z0] + way[largest, Z1])
    through = 1.0
    for k in range(largest + 1, count):
        slab = showers.slab[k]
        if world.part[slab] == part:
            continue
        taken = 1.0 - math.exp(-world.soft[slab] * (way[k, Z1] - way[k, Z0]))
        mean = energy * through * taken
        through *= 1.0 - taken
        quantum = max(PHOTON_ENERGY, mean / FEW)
        radius = max(world.z[slab] - from_z, 0.0)
        left = mean / quantum - rng.standard_exponential()
        while left > 0.0:
            left -= rng.standard_exponential()
            u = rng.random()
            away, phi = radius * math.sqrt(u / (1.0 - u)), 2.0 * math.pi * rng.random()
            x, y = way[k, X0] + away * math.cos(phi), way[k, Y0] + away * math.sin(phi)
            deposit = min(quantum * rng.standard_exponential(), seen.leaked[row, part])
            if inside(world, slab, x, y):
                seen.leaked[row, part] -= deposit
                seen.deposited[row, world.part[slab]] += deposit
                shine(world, seen, row, slab, x, y, deposit * world.tail_seen[slab], rng)


@fused
def _own_track(world: World, showers: Showers, k: int, rng: np.random.Generator) -> float:
    """Return what one electron ionises on piece `k` of the way: the critical energy per radiation length (Rossi), 20 % wide."""
    depth = showers.way[k, T1] - showers.way[k, T0]
    return world.critical[showers.slab[k]] * depth * gamma(25.0, rng) / 25.0


@fused
def _absorption_lengths(showers: Showers, count: int, depth: float) -> float:
    """Return the soft photons' absorption lengths that are passed at a depth in radiation lengths."""
    way = showers.way
    for k in range(count):
        if way[k, T1] >= depth:
            return way[k, U0] + (way[k, U1] - way[k, U0]) * (depth - way[k, T0]) / (way[k, T1] - way[k, T0])
    return way[count - 1, U1]


@fused
def _counted(mean: float, rng: np.random.Generator) -> float:
    """Return the energy that a Poisson number of photons leaves, each exponential, whose sum is `mean` on average."""
    number, left = 0, mean / PHOTON_ENERGY
    if left > 30.0:
        return 2.0 * PHOTON_ENERGY * gamma(0.5 * left, rng)
    left -= rng.standard_exponential()
    while left > 0.0:
        number += 1
        left -= rng.standard_exponential()
    return PHOTON_ENERGY * gamma(float(number), rng) if number > 0 else 0.0


@fused(forceinline=True)
def _across(
    world: World,
    showers: Showers,
    seen: Seen,
    row: int,
    k: int,
    alpha: float,
    beta: float,
    ln_gamma: float,
    low: float,
    low_density: float,
    to_tau: float,
    soft: float,
    ln_e: float,
    z_mean: float,
    plates: float,
    e_mip: float,
    rng: np.random.Generator,
) -> tuple[float, float, float]:
    """Share the energy of piece `k` of the way among cells, in steps of depth, and book it; return what leaks.

    `low` and `low_density` are those of `rising_and_density` where the piece begins; those at its end are returned, too.
    """
    way = showers.way[k]
    slab = showers.slab[k]
    part = world.part[slab]
    begin, end = way[T0], way[T1]
    taken, shown = way[U0], way[U1]
    cells = clear(world, showers, slab)
    within = whole = 0.0
    first = begin
    gap = way[GAP]
    for i in range(len(CUTS) + 1):
        last = min(CUTS[i] / to_tau, end) if i < len(CUTS) else end
        if last <= first:
            continue
        high, high_density = rising_and_density(alpha, beta * last, ln_gamma)
        share = high - low
        if share > 1e-7:  # the energy's mean depth within the step
            middle = alpha / beta * (1.0 - (high_density - low_density) / share)
        else:  # in the tail of photons, whose energy falls within some radiation lengths
            share, middle = 1e-12, first + min(0.5 * (last - first), 3.0)
        along = (middle - begin) / (end - begin) * (way[Z1] - way[Z0])
        x, y = way[X0] + way[TX] * along, way[Y0] + way[TY] * along
        core, wide, weight = radii(middle * to_tau, ln_e, z_mean, plates, e_mip)
        core, wide = core * way[RADIUS], wide * way[RADIUS]
        if gap > 0.0:
            angle = WIDE_ANGLE
            if first > soft:
                angle, weight = SOFT_ANGLE, 0.0
            core, wide = math.hypot(core, CORE_ANGLE * gap), math.hypot(wide, angle * gap)
        for radius, part_of_it in ((core, weight), (wide, 1.0 - weight)):
            if part_of_it > 0.0:
                within += spread(world, showers, slab, x, y, radius, share * part_of_it)
        whole += share
        first, low, low_density = last, high, high_density
    inside_share = min(within / whole, 1.0)
    seen.deposited[row, part] += taken * inside_share
    seen.leaked[row, part] += taken - taken * inside_share
    display(world, showers, seen, row, slab, cells, way[Y0], shown * inside_share, rng)
    return taken - taken * inside_share, low, low_density
