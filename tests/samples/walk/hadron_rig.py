"""A minimal walk of hadrons through slabs: the stack, hadrons as they are, electromagnetic showers and muons crudely."""

from __future__ import annotations

import math

import numpy as np

from emiss.configs.compiled import fused, kernel
from emiss.physics.hadrons.interaction_kernels import SECONDARIES
from emiss.physics.passage.species_kernels import MUON, PION0, available, is_hadron
from emiss.samples.walk.frame_kernels import inside, into, show
from emiss.samples.walk.hadron_kernels import hadron_decays, through_hadron
from emiss.samples.walk.hadron_spot_kernels import spot
from emiss.samples.walk.hadron_tables import hadron_matter
from emiss.samples.walk.tracks import COLUMNS, ENERGY, LAST, PDG, ROW, TX, TY, X, Y, Z, tracks
from tests.samples.walk.line_hadrons import nothing


@fused
def shower(world, matter, first, last, s, track, seen, rng):
    """Leave an electromagnetic shower as ten spots or less on Longo's profile, two thirds of it narrow."""
    m = world.mixture[s]
    energy = track[ENERGY]
    y = energy / world.mixtures.critical[m]
    a = 1.0 + 0.5 * max(math.log(max(y, 3.0)) + 0.2, 0.5)
    spots = min(max(int(energy / 0.4), 2), 16)
    for _ in range(spots):
        depth = world.mixtures.x0[m] * rng.standard_gamma(a) / 0.5
        r = world.mixtures.moliere[m] * (0.25 if rng.random() < 0.8 else 0.9)
        px, py = track[X] + r * rng.standard_normal(), track[Y] + r * rng.standard_normal()
        spot(
            world, world.mixtures.x0, first, last, s, int(track[ROW]), energy / spots, energy / spots,
            px, py, track[Z], track[TX], track[TY], depth, seen, rng,
        )  # fmt: skip


@fused
def through(world, matter, first, last, s, track, stack, waiting, kinds, p, seen, rng):
    """Take any track through one slab; whether it goes on, and how many wait."""
    pdg = int(track[PDG])
    if is_hadron(pdg):
        if pdg == PION0:
            return False, hadron_decays(world, matter, first, last, s, track, stack, waiting, kinds, p, seen, rng)
        return through_hadron(world, matter, first, last, s, track, stack, waiting, kinds, p, seen, rng)
    x, y, z, tx, ty = into(world, s, track[X], track[Y], track[Z], track[TX], track[TY])
    left = world.depth[s] - z
    if left <= 0.0:
        return True, waiting
    if z < 0.0:
        x, y = x - z * tx, y - z * ty
        track[X], track[Y], track[Z] = track[X] - z * track[TX], track[Y] - z * track[TY], track[Z] - z
        left = world.depth[s]
    if not inside(world, s, x, y):
        return True, waiting
    if abs(pdg) != MUON:
        shower(world, matter, first, last, s, track, seen, rng)
        return False, waiting
    loss = min(matter.minimum[world.mixture[s]] * left, track[ENERGY])
    seen.deposited[int(track[ROW]), world.part[s]] += loss
    show(world, seen, int(track[ROW]), s, x, y, world.mip[s] * left / world.depth[s])
    track[ENERGY] -= loss
    track[X], track[Y], track[Z], track[LAST] = (
        track[X] + left * tx,
        track[Y] + left * ty,
        track[Z] + left,
        world.part[s],
    )
    return track[ENERGY] > 0.0, waiting


@kernel
def walk(world, matter, beam, seen, out, rng):
    """Walk all tracks; `out` gets available energies behind by kind: charged hadrons, e and photons, neutral hadrons, muons;
    and where the beam particle ends."""
    stack, track = np.empty((256, COLUMNS)), np.empty(COLUMNS)
    kinds, p = np.empty(SECONDARIES, np.int64), np.empty((SECONDARIES, 4))
    last = len(world.z)
    for i in range(len(beam)):
        stack[0] = beam[i]
        waiting, primary = 1, False
        while waiting > 0:
            waiting -= 1
            track[:] = stack[waiting]
            alive, s = True, 0
            while s < last and world.z[s] + world.depth[s] <= track[Z]:
                s += 1
            while s < last and alive:
                alive, waiting = through(world, matter, 0, last, s, track, stack, waiting, kinds, p, seen, rng)
                s += 1
            if not primary:
                primary = True
                out[i, 4] = track[Z]
            if alive:
                pdg, row = int(track[PDG]), int(track[ROW])
                energy = available(pdg, track[ENERGY])
                seen.leaked[row, int(track[LAST])] += energy
                if track[Z] < 5076.0 - 1.0 or abs(track[X]) > 300.0 or abs(track[Y]) > 300.0:
                    continue
                kind = abs(pdg)
                column = 3 if kind == MUON else 1 if kind in (11, 22) else 0 if kind in (211, 321, 2212) else 2
                out[row, column] += energy


def run(world, pdg, energy, events, seed=1, *, spread=10.0, z=-500.0):
    """Walk hadrons of one kind and energy; return what is seen, and what comes out behind by kind."""
    rng = np.random.default_rng(seed)
    beam = tracks(
        {
            "row": np.arange(events), "pdg": pdg, "energy": energy,
            "x": rng.normal(0.0, spread, events), "y": rng.normal(0.0, spread, events), "z": z,
        },
        events,
    )  # fmt: skip
    seen, out = nothing(world, events), np.zeros((events, 5))
    seen.lost[:, 2] = energy - available(pdg, energy)
    walk(world, hadron_matter(world.mixtures), beam, seen, out, rng)
    return seen, out
