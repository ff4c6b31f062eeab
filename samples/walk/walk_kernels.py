"""Particles through slabs of matter, one after the other, with all that they make on the way.

Each track is taken from slab to slab in the order of z until it ends or leaves the last one; what it makes waits on a stack.
Muons go in steps (`muon_kernels`), electrons and photons end in a shower in the first slab that is thick enough
(`shower_kernels`) and go on from those that are not (`thin_kernels`), hadrons go on to an interaction or decay
(`hadron_kernels`), whatever else is lost.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.compiled import fused, kernel
from emiss.physics.constants import ELECTRON_MASS, MUON_MASS
from emiss.physics.passage.muon_kernels import michel
from emiss.physics.passage.muon_tables import NUCLEAR
from emiss.physics.passage.muon_tables import PHOTON as BREMSSTRAHLUNG
from emiss.physics.passage.species_kernels import ELECTRON, MUON, PHOTON, PION, is_hadron
from emiss.samples.walk.frame_kernels import inside, into, out_of
from emiss.samples.walk.hadron_kernels import hadron_interacts, push, through_hadron
from emiss.samples.walk.muon_kernels import muon_through
from emiss.samples.walk.photonuclear_kernels import nuclear
from emiss.samples.walk.shower_kernels import calibrate, shower
from emiss.samples.walk.shower_way_kernels import place, rate
from emiss.samples.walk.thin_kernels import ABSORBED, ionise, kicked, radiate
from emiss.samples.walk.tracks import CARRIED, COLUMNS, ENERGY, ID, LAST, PDG, ROW, TX, TY, X, Y, Z
from emiss.samples.walk.world import INVISIBLE, NEUTRINO

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.samples.walk.tables import Tables
    from emiss.samples.walk.world import Seen, World

STEP, SLOW = 150.0, 10.0
"""mm; the longest step within a slab of a muon near a side, or of less than so many GeV."""

ENTRIES = 8
"""Depths at which it is looked whether something comes into a slab through a side."""

NOTHING = 1e-5
"""GeV; electrons and photons of less end at once."""

LEAST_NUCLEAR = 5.0
"""GeV; showers of less are taken without photonuclear interactions."""

THICK = 1.0
"""Radiation lengths along the depth from which on electrons and photons end in a slab."""

AT_ONCE = -3
"""The number of a hadron that stands for a photon that interacts where it is, and not an interaction length on."""


@kernel
def walk(
    world: World, tables: Tables, first: int, last: int, tracks: Floats, seen: Seen, rng: np.random.Generator
) -> Floats:
    """Take tracks through the slabs `first` to `last` - 1; return those that come out behind them.

    Parameters
    ----------
    tracks : array of shape (M, COLUMNS)
        In the order of their rows.

    Returns
    -------
    tracks : array of shape (K, COLUMNS)
        Each stands where it left its last slab.
    """
    out = np.empty((max(2 * len(tracks), 64), COLUMNS))
    track = np.empty(COLUMNS)
    stack = tables.stack
    done, row = 0, -1.0
    for i in range(len(tracks)):
        if tracks[i, ROW] != row:
            row = tracks[i, ROW]
            calibrate(world, rng)
        stack[0] = tracks[i]
        waiting = 1
        while waiting > 0:
            waiting -= 1
            track[:] = stack[waiting]
            alive, s = True, first
            while s < last and behind(world, s, track[Z]):
                s += 1
            while alive and s < last:
                alive, waiting = through(world, tables, first, last, s, track, waiting, seen, rng)
                s += 1
            if alive:
                if done == len(out):
                    more = np.empty((2 * done, COLUMNS))
                    more[:done] = out
                    out = more
                out[done] = track
                done += 1
    return out[:done]


@fused
def behind(world: World, s: int, z: float) -> bool:
    """Tell whether a place (mm, frame of the set-up) is behind all of a slab."""
    return bool(world.z[s] + world.depth[s] * world.cosine[s] + world.half_x[s] * abs(world.sine[s]) <= z)


@fused(forceinline=True)
def through(
    world: World,
    tables: Tables,
    first: int,
    last: int,
    s: int,
    track: Floats,
    waiting: int,
    seen: Seen,
    rng: np.random.Generator,
) -> tuple[bool, int]:
    """Take a track through one slab; return whether it goes on behind it, and how many wait."""
    pdg = int(track[PDG])
    kind = abs(pdg)
    if track[ID] == AT_ONCE:
        x, y, z, _, _ = into(world, s, track[X], track[Y], track[Z], track[TX], track[TY])
        if not (0.0 <= z <= world.depth[s] and inside(world, s, x, y)):
            return True, waiting
        return False, hadron_interacts(
            tables.hadrons, first, last, s, track, tables.stack, waiting, tables.kinds, tables.momenta, seen, rng
        )
    if is_hadron(pdg):
        return through_hadron(
            world, tables.muons, tables.hadrons, first, last, s, track, tables.stack, waiting, tables.kinds,
            tables.momenta, seen, rng,
        )  # fmt: skip
    if kind == MUON:
        return through_muon(world, tables, s, track, waiting, seen, rng)
    if kind in (ELECTRON, PHOTON):
        return through_light(world, tables, first, last, s, track, waiting, seen, rng)
    seen.lost[int(track[ROW]), INVISIBLE if kind > 100 else NEUTRINO] += track[ENERGY]
    return False, waiting


@fused
def meets(world: World, s: int, x: float, y: float, tx: float, ty: float, h: float, steps: int) -> bool:
    """Tell whether a straight line from a place across a slab is in its matter in the middle of any of its steps (mm)."""
    for k in range(steps):
        depth = (k + 0.5) * h
        if inside(world, s, x + depth * tx, y + depth * ty):
            return True
    return False


@fused(forceinline=True)
def through_muon(
    world: World, tables: Tables, s: int, track: Floats, waiting: int, seen: Seen, rng: np.random.Generator
) -> tuple[bool, int]:
    """Take a muon through a slab in steps, showers of its hard secondaries booked; one that stops decays."""
    x, y, z, tx, ty = into(world, s, track[X], track[Y], track[Z], track[TX], track[TY])
    if z < 0.0:
        x, y, z = x - z * tx, y - z * ty, 0.0
    left = world.depth[s] - z
    if left <= 0.0:
        return True, waiting
    row, part, energy = int(track[ROW]), world.part[s], track[ENERGY]
    # in one step, but where the muon may come in or go out through a side, or stop
    whole = inside(world, s, x, y) and inside(world, s, x + left * tx, y + left * ty) and energy > SLOW
    steps = 1 if whole else math.ceil(left / STEP)
    h = left / steps
    if not whole and not meets(world, s, x, y, tx, ty, h, steps):
        return True, waiting  # it stays where it is: another slab may stand beside this one
    for _ in range(steps):
        if not inside(world, s, x + 0.5 * h * tx, y + 0.5 * h * ty):
            x, y, z = x + h * tx, y + h * ty, z + h
            continue
        track[LAST] = part
        stretch = math.sqrt(1.0 + tx * tx + ty * ty)
        end_x, end_y, end_tx, end_ty, energy, travelled, carried, count = muon_through(
            world, tables.muons, seen, row, s, x, y, tx, ty, energy, h * stretch, track[CARRIED],
            tables.kinds, tables.energies, tables.places, rng,
        )  # fmt: skip
        track[CARRIED] = carried
        for i in range(count):
            along = tables.places[i] / stretch
            at_x, at_y, at_z = x + along * tx, y + along * ty, min(z + along, world.depth[s])
            if tables.kinds[i] == NUCLEAR and waiting < len(tables.stack) - 2:
                gx, gy, gz, gtx, gty = out_of(world, s, at_x, at_y, at_z, tx, ty)
                waiting = push(tables.stack, waiting, row, PION, tables.energies[i], gx, gy, gz, gtx, gty, part)
                # a photon that has turned into hadrons: at once, and not an interaction length on
                tables.stack[waiting - 1, ID] = AT_ONCE
            else:
                code = PHOTON if tables.kinds[i] == BREMSSTRAHLUNG else ELECTRON
                shower(world, tables.showers, seen, row, code, tables.energies[i], s, at_x, at_y, at_z, tx, ty, rng)
        if energy <= MUON_MASS:
            electron = michel(rng)
            seen.lost[row, NEUTRINO] += energy - electron
            seen.deposited[row, part] += carried
            depth = min(z + travelled / stretch, world.depth[s])
            shower(
                world, tables.showers, seen, row, np.int64(ELECTRON), electron, s, end_x, end_y, depth, 0.0, 0.0, rng
            )
            return False, waiting
        x, y, z, tx, ty = end_x, end_y, z + h, end_tx, end_ty
    track[ENERGY] = energy
    track[X], track[Y], track[Z], track[TX], track[TY] = out_of(world, s, x, y, z, tx, ty)
    return True, waiting


@fused(forceinline=True)
def through_light(
    world: World,
    tables: Tables,
    first: int,
    last: int,
    s: int,
    track: Floats,
    waiting: int,
    seen: Seen,
    rng: np.random.Generator,
) -> tuple[bool, int]:
    """Take an electron, positron or photon through a thin slab, or let it end in a shower in a thick one."""
    x, y, z, tx, ty = into(world, s, track[X], track[Y], track[Z], track[TX], track[TY])
    if z < 0.0:
        x, y, z = x - z * tx, y - z * ty, 0.0
    left = world.depth[s] - z
    if left <= 0.0:
        return True, waiting
    row, pdg, energy = int(track[ROW]), int(track[PDG]), track[ENERGY]
    if energy < NOTHING:
        seen.deposited[row, int(track[LAST])] += energy
        return False, waiting
    if not inside(world, s, x, y):
        # it may come in through a side further on, or through the wall of a hole
        entered = False
        for k in range(ENTRIES):
            depth = left * (k + 1.0) / ENTRIES
            if inside(world, s, x + depth * tx, y + depth * ty):
                x, y, z, left, entered = x + depth * tx, y + depth * ty, z + depth, left - depth, True
                break
        if not entered:
            return True, waiting  # it stays where it is: another slab may stand beside this one
    track[LAST] = world.part[s]
    if world.depth[s] > THICK * world.x0[s]:
        if energy > LEAST_NUCLEAR and waiting < len(tables.stack) - 2:
            count, k, depth = nuclear(tables.photonuclear, world.per_length[s], energy, rng)
            if count > 0:
                at, ax, ay, az, atx, aty, _ = place(world, tables.showers.absorption, s, x, y, z, tx, ty, depth, np.inf)
                if first <= at < last:
                    gx, gy, gz, gtx, gty = out_of(world, at, ax, ay, az, atx, aty)
                    waiting = push(tables.stack, waiting, row, PION, k, gx, gy, gz, gtx, gty, world.part[at])
                    tables.stack[waiting - 1, ID] = AT_ONCE
                    energy -= k
        shower(world, tables.showers, seen, row, pdg, energy, s, x, y, z, tx, ty, rng)
        return False, waiting
    stretch = math.sqrt(1.0 + tx * tx + ty * ty)
    if pdg == PHOTON:
        depth = rng.standard_exponential() / (rate(world, tables.showers.absorption, s, math.log(energy)) * stretch)
        if depth >= left:
            track[X], track[Y], track[Z], track[TX], track[TY] = out_of(
                world, s, x + left * tx, y + left * ty, z + left, tx, ty
            )
            return True, waiting
        x, y, z = x + depth * tx, y + depth * ty, z + depth
        if energy < ABSORBED or waiting >= len(tables.stack) - 3:
            shower(world, tables.showers, seen, row, np.int64(ELECTRON), energy, s, x, y, z, tx, ty, rng)
            return False, waiting
        share = rng.random()
        gx, gy, gz, gtx, gty = out_of(world, s, x, y, z, tx, ty)
        for code, part in ((ELECTRON, share), (-ELECTRON, 1.0 - share)):
            waiting = push(tables.stack, waiting, row, code, part * energy, gx, gy, gz, gtx, gty, world.part[s])
        return False, waiting
    if energy < ABSORBED:
        shower(world, tables.showers, seen, row, pdg, energy, s, x, y, z, tx, ty, rng)
        return False, waiting
    count, soft = radiate(energy, left * stretch / world.x0[s], tables.energies, rng)
    for i in range(count):
        if waiting >= len(tables.stack) - 2:
            break
        depth = left * rng.random()
        gx, gy, gz, gtx, gty = out_of(world, s, x + depth * tx, y + depth * ty, z + depth, tx, ty)
        waiting = push(tables.stack, waiting, row, PHOTON, tables.energies[i], gx, gy, gz, gtx, gty, world.part[s])
        energy -= tables.energies[i]
    seen.deposited[row, world.part[s]] += soft
    energy -= soft
    energy -= ionise(
        world,
        tables.muons,
        seen,
        row,
        s,
        x + 0.5 * left * tx,
        y + 0.5 * left * ty,
        energy,
        ELECTRON_MASS,
        left * stretch,
        rng,
    )
    if energy <= 2.0 * ELECTRON_MASS:
        seen.deposited[row, world.part[s]] += energy
        return False, waiting
    end_tx, end_ty, off_x, off_y = kicked(
        tables.muons, world.mixture[s], energy, ELECTRON_MASS, tx, ty, left * stretch, rng
    )
    track[ENERGY] = energy
    track[X], track[Y], track[Z], track[TX], track[TY] = out_of(
        world, s, x + left * tx + off_x, y + left * ty + off_y, z + left, end_tx, end_ty
    )
    return True, waiting
