"""Numba kernels that book one electron, positron or photon as a shower: in its slab and in those behind.

`shower` is what a walk calls for each particle, `calibrate` before each event, `nuclear` for the hadrons of a shower. Energies
from `ANALYTIC` on are shared by integrals, with fluctuations of the profile, of the sharing among cells and of sampling; below,
a few spots are drawn. What is taken from the particle is booked as deposited or leaked, to rounding.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.compiled import fused
from emiss.physics.shower.photonuclear import SOFTEST
from emiss.physics.shower.profile_kernels import density, drawn, longitudinal, radii, rising, tail
from emiss.samples.walk.frame_kernels import cell, inside, into, out_of
from emiss.samples.walk.shower_cells_kernels import clear, display, gamma, point, spread
from emiss.samples.walk.shower_way_kernels import GAP, RADIUS, T0, T1, TX, TY, U0, U1, X0, Y0, Z0, Z1, place, trace
from emiss.samples.walk.world import PANELS

if TYPE_CHECKING:
    from emiss.samples.walk.shower import Showers
    from emiss.samples.walk.world import Seen, World

ANALYTIC = 3.0
"""GeV: from here on energy is shared by integrals."""

ABSORBED = 0.01
"""GeV: photons below are absorbed at one point."""

SPOT_ENERGY = 0.02
"""GeV per spot at low energies, where one spot more has the rest."""

FEWEST = 4
"""So few spots differ more than the profiles of showers: they are drawn from the mean one."""

MOST = 60
"""Spots of one shower."""

PHOTON_ENERGY = 1.15e-3
"""GeV that one of the photons behind a shower leaves where it is absorbed, on average; exponential. With it the width of the
VETO's energy behind 40 X0 is Geant4's."""

BESIDE = 0.0255
"""Part of what leaves a calorimeter through its sides that goes on as soft photons to what stands behind. Fitted to the VETO's
energy (Geant4), less what comes through the back: half of it does not follow the energy in the last layers."""

THIN = 1.0
"""Radiation lengths: up to here a slab has at least what the electron's own track leaves."""

FEW = 12.0
"""More photons than these are drawn as so many of more energy."""

CORE_ANGLE, WIDE_ANGLE, SOFT_ANGLE = 0.05, 0.3, 1.0
"""By how much the radii of core and tail, and that of the photons behind the shower, grow per length without matter: energies
of 400 and 70 MeV have such Highland angles in a radiation length; the last as the HCAL's nine cells share what is behind the
ECAL (Geant4)."""

CUTS = (0.5, 1.0, 1.5, 2.0, 3.0)
"""Depths in units of the maximum's where the lateral form is taken anew."""


@fused
def calibrate(world: World, showers: Showers, rng: np.random.Generator) -> None:
    """Draw the calibration of each body for one event, 1 within `World.constant`."""
    for i in range(len(showers.scale)):
        showers.scale[i] = -1.0
    for s in range(len(world.z)):
        if showers.scale[world.body[s]] < 0.0:
            showers.scale[world.body[s]] = max(1.0 + world.constant[s] * rng.standard_normal(), 0.0)


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
    if energy <= 0.0:
        return
    if pdg == 22:
        s, x, y, z, tx, ty, last = place(
            world, showers, s, x, y, z, tx, ty, rng.standard_exponential(), math.log(energy)
        )
        if s < 0:
            seen.leaked[row, world.part[last]] += energy
            return
        if energy < ABSORBED:
            _spot(world, showers, seen, row, s, x, y, energy, rng)
            return
    if energy < ANALYTIC:
        _spots(world, showers, seen, row, energy, s, x, y, z, tx, ty, rng)
    else:
        _shared(world, showers, seen, row, energy, s, x, y, z, tx, ty, rng)


@fused
def _spot(
    world: World,
    showers: Showers,
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
    _shine(world, showers, seen, row, s, x, y, energy, rng)


@fused
def _shine(
    world: World,
    showers: Showers,
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
    point(world, seen, row, s, number, y, value * world.visible[s] * showers.scale[world.body[s]])


@fused
def _spots(
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
    """Book a shower of low energy as spots of equal energy, their depths and radii drawn from the mean profile."""
    m = world.mixture[s]
    mix = world.mixtures
    if energy > mix.critical[m]:  # it may go through thin matter, and showers behind
        energy -= _thin(world, showers, seen, row, energy, s, x, y, z, tx, ty, rng)
        deep = place(world, showers, s, x, y, z, tx, ty, 1.0, np.inf)[0]
        m = world.mixture[s if deep < 0 else deep]
    count = min(int(energy / SPOT_ENERGY) + 1, MOST)
    ln_e = math.log(energy)
    ln_t, ln_alpha, spread_t, spread_a, correlation = longitudinal(
        ln_e - math.log(mix.critical[m]), mix.z[m], showers.plates[m], showers.e_mip[m]
    )
    mean_alpha = math.exp(ln_alpha)
    if count > FEWEST:
        first, second = rng.standard_normal(), rng.standard_normal()
        alpha, beta = drawn(ln_t, ln_alpha, spread_t, spread_a, correlation, first, second)
        slope = showers.soft[m] * mix.x0[m]
        begin, behind = tail(alpha, beta, slope)
        in_tail = behind / (behind + rising(alpha, beta * begin)) if behind > 0.0 else 0.0
    else:
        alpha, beta = mean_alpha, (mean_alpha - 1.0) / math.exp(ln_t)
        slope, begin, in_tail = 1.0, np.inf, 0.0
    to_tau = beta / alpha * mean_alpha / (mean_alpha - 1.0)
    # across as at the mean depth
    core, wide, weight = radii(alpha / beta * to_tau, ln_e, mix.z[m], showers.plates[m], showers.e_mip[m])
    for _ in range(count):
        if in_tail > 0.0 and rng.random() < in_tail:
            depth = begin + rng.standard_exponential() / slope
        else:
            depth = rng.standard_gamma(alpha) / beta
            while depth > begin:
                depth = rng.standard_gamma(alpha) / beta
        at, ax, ay, _az, _atx, _aty, last = place(world, showers, s, x, y, z, tx, ty, depth, np.inf)
        if at < 0:
            seen.leaked[row, world.part[last]] += energy / count
            continue
        radius = (core if rng.random() < weight else wide) * mix.moliere[m]
        u = rng.random()
        radius *= math.sqrt(u / (1.0 - u))
        phi = 2.0 * math.pi * rng.random()
        _spot(
            world, showers, seen, row, at, ax + radius * math.cos(phi), ay + radius * math.sin(phi), energy / count, rng
        )


@fused
def _thin(
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
) -> float:
    """Book what one electron ionises in the slabs that it leaves within `THIN`; return the sum, below half of the energy."""
    mix, whole, t = world.mixtures, 0.0, 0.0
    while True:
        step = 0.0  # past a slab that it misses: another may stand beside it
        if z < world.depth[s] and inside(world, s, x, y):
            step = world.depth[s] - z
            more = step * math.sqrt(1.0 + tx * tx + ty * ty) / mix.x0[world.mixture[s]]
            t += more
            if t > THIN:
                return whole
            track = mix.critical[world.mixture[s]] * more * gamma(25.0, rng) / 25.0
            if whole + track > 0.5 * energy:
                return whole
            seen.deposited[row, world.part[s]] += track
            _shine(world, showers, seen, row, s, x, y, track, rng)
            whole += track
        gx, gy, gz, gtx, gty = out_of(world, s, x + tx * step, y + ty * step, z + step, tx, ty)
        s += 1
        if s >= len(world.z):
            return whole
        x, y, z, tx, ty = into(world, s, gx, gy, gz, gtx, gty)
        if z < 0.0:
            x, y, z = x - tx * z, y - ty * z, 0.0


@fused
def _shared(
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
    mix, way = world.mixtures, showers.way
    count = trace(world, showers, s, x, y, z, tx, ty)
    if count == 0:
        seen.leaked[row, world.part[s]] += energy
        return
    # the matter where the maximum is
    ln_e = math.log(energy)
    m = world.mixture[showers.slab[0]]
    maximum = math.exp(longitudinal(ln_e - math.log(mix.critical[m]), mix.z[m], 0.0, 1.0)[0])
    for k in range(count):
        m = world.mixture[showers.slab[k]]
        if way[k, T1] > maximum:
            break
    z_mean, plates, e_mip = mix.z[m], showers.plates[m], showers.e_mip[m]
    ln_t, ln_alpha, spread_t, spread_a, correlation = longitudinal(
        ln_e - math.log(mix.critical[m]), z_mean, plates, e_mip
    )
    alpha, beta = drawn(ln_t, ln_alpha, spread_t, spread_a, correlation, rng.standard_normal(), rng.standard_normal())
    begin, behind = tail(alpha, beta, showers.soft[m] * mix.x0[m])
    mean_alpha = math.exp(ln_alpha)
    to_tau = beta / alpha * mean_alpha / (mean_alpha - 1.0)

    front = rising(alpha, beta * begin) if behind > 0.0 else 1.0
    # the tail's photons leave `tail_seen` of what they deposit where they are made
    in_tail = behind / showers.tail_seen[m]
    deposits, shown = energy / (front + in_tail), energy / (front + behind)
    u_begin = _absorption_lengths(showers, count, begin)

    own = booked = most = 0.0
    largest = 0
    low, low_tail = 0.0, 1.0
    for k in range(count):
        slab = showers.slab[k]
        high = rising(alpha, beta * min(way[k, T1], begin)) if low < front else front
        high_tail = math.exp(-max(way[k, U1] - u_begin, 0.0)) if way[k, T1] > begin else 1.0
        photons = in_tail * (low_tail - high_tail)
        if high <= low and photons * deposits < 100.0 * PHOTON_ENERGY:
            photons = _counted(photons * deposits, rng) / deposits
        taken = deposits * (high - low + photons)
        # energies go where absorption lengths were: they are not needed from here on
        way[k, U0], way[k, U1] = taken, shown * (high - low + photons * showers.tail_seen[world.mixture[slab]])
        if way[k, T1] < THIN:
            track = _own_track(world, showers, k, rng)
            if track > taken:
                seen.deposited[row, world.part[slab]] += track
                _shine(world, showers, seen, row, slab, way[k, X0], way[k, Y0], track, rng)
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
    for k in range(count):
        if way[k, U0] > 0.0:
            out = _across(world, showers, seen, row, k, alpha, beta, to_tau, begin, ln_e, z_mean, plates, e_mip, rng)
            if world.part[showers.slab[k]] == part:
                beside += out
    if beside > PHOTON_ENERGY:
        _behind(world, showers, seen, row, largest, count, BESIDE * beside, rng)


@fused
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
        taken = 1.0 - math.exp(-showers.soft[world.mixture[slab]] * (way[k, Z1] - way[k, Z0]))
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
                _shine(world, showers, seen, row, slab, x, y, deposit * showers.tail_seen[world.mixture[slab]], rng)


@fused
def _own_track(world: World, showers: Showers, k: int, rng: np.random.Generator) -> float:
    """Return what one electron ionises on piece `k` of the way: the critical energy per radiation length (Rossi), 20 % wide."""
    depth = showers.way[k, T1] - showers.way[k, T0]
    return world.mixtures.critical[world.mixture[showers.slab[k]]] * depth * gamma(25.0, rng) / 25.0


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


@fused
def _across(
    world: World,
    showers: Showers,
    seen: Seen,
    row: int,
    k: int,
    alpha: float,
    beta: float,
    to_tau: float,
    soft: float,
    ln_e: float,
    z_mean: float,
    plates: float,
    e_mip: float,
    rng: np.random.Generator,
) -> float:
    """Share the energy of piece `k` of the way among cells, in steps of depth, and book it; return what leaks."""
    way = showers.way[k]
    slab = showers.slab[k]
    part = world.part[slab]
    begin, end = way[T0], way[T1]
    taken, shown = way[U0], way[U1]
    cells = clear(world, showers, slab)
    within = whole = 0.0
    first, low, low_density = begin, rising(alpha, beta * begin), density(alpha, beta * begin)
    gap = way[GAP]
    for i in range(len(CUTS) + 1):
        last = min(CUTS[i] / to_tau, end) if i < len(CUTS) else end
        if last <= first:
            continue
        high, high_density = rising(alpha, beta * last), density(alpha, beta * last)
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
        if weight > 0.0:
            within += spread(world, showers, slab, x, y, core, share * weight)
        if weight < 1.0:
            within += spread(world, showers, slab, x, y, wide, share * (1.0 - weight))
        whole += share
        first, low, low_density = last, high, high_density
    inside_share = min(within / whole, 1.0)
    seen.deposited[row, part] += taken * inside_share
    seen.leaked[row, part] += taken - taken * inside_share
    display(world, showers, seen, row, slab, cells, way[Y0], shown * inside_share, rng)
    return taken - taken * inside_share


@fused
def nuclear(showers: Showers, m: int, energy: float, rng: np.random.Generator) -> tuple[int, float, float]:
    """Draw the hadronic interaction of a photon in an electron's shower in mixture `m`.

    Parameters
    ----------
    m : int
        Mixture.
    energy : float
        Of the electron, GeV.

    Returns
    -------
    count : int
        0 or 1; a second one in the same shower has the square of a per cent and is left out.
    k : float
        The photon's energy, GeV, from `emiss.physics.shower.photonuclear.SOFTEST` on.
    depth : float
        Where, in radiation lengths from the electron.
    """
    table = showers.nuclear
    ln_least = math.log(SOFTEST / energy)
    if ln_least >= 0.0:
        return 0, 0.0, 0.0
    step = table.ln_ratio[1] - table.ln_ratio[0]
    at = (ln_least - table.ln_ratio[0]) / step
    if at < 0.0:  # 0.57/ratio below the table
        most = table.length[0] * math.exp(table.ln_ratio[0] - ln_least)
    else:
        i = min(int(at), len(table.length) - 2)
        most = table.length[i] + (at - i) * (table.length[i + 1] - table.length[i])
    highest = _microbarn(SOFTEST)
    if rng.random() >= most * showers.per_length[m] * highest:
        return 0, 0.0, 0.0
    length = rng.random() * most
    low, high = 0, len(table.length) - 1  # lengths fall: the pair around this one
    if length >= table.length[0]:
        ratio, low = math.exp(table.ln_ratio[0]) * table.length[0] / length, 0
    else:
        while high - low > 1:
            middle = (low + high) // 2
            if table.length[middle] > length:
                low = middle
            else:
                high = middle
        w = (table.length[low] - length) / (table.length[low] - table.length[high])
        ratio = math.exp(table.ln_ratio[low] + w * step)
    k = ratio * energy
    if rng.random() * highest >= _microbarn(k):
        return 0, 0.0, 0.0
    u, shares = rng.random(), table.by_depth[low]
    j = 0
    while j < len(table.depth) - 2 and shares[j + 1] < u:
        j += 1
    w = (u - shares[j]) / max(shares[j + 1] - shares[j], 1e-12)
    return 1, k, table.depth[j] + min(max(w, 0.0), 1.0) * (table.depth[j + 1] - table.depth[j])


@fused
def _microbarn(k: float) -> float:
    """Return the cross section on a nucleon, as `emiss.physics.shower.photonuclear.cross_section`."""
    return 114.3 + 1.647 * math.log(0.0213 * k) ** 2
