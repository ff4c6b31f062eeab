"""Particles of one kind and energy through the line of the Geant4 samples by the walk: what they leave, where they end."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.configs.compiled import kernel
from emiss.physics.passage.species_kernels import MUON, available
from emiss.samples.walk.shower_kernels import calibrate
from emiss.samples.walk.tables import Tables, tables_of
from emiss.samples.walk.tracks import CARRIED, COLUMNS, ENERGY, LAST, PDG, ROW, TX, TY, X, Y, Z, tracks
from emiss.samples.walk.walk_kernels import through
from emiss.samples.walk.world import LOST, Seen, World
from tests.samples.walk.line import DETECTOR, line

if TYPE_CHECKING:
    from pathlib import Path


BEHIND = 5126.0
"""mm; the plane behind the modules, 2 m wide, as in Geant4."""


class Rig(NamedTuple):
    world: World
    tables: Tables


@cache
def rig(detector: Path = DETECTOR) -> Rig:
    """Return the line of a detector file, and what the walk looks up of it."""
    return Rig(line(detector).world, tables_of(line(detector)))


def nothing(rows: int, detector: Path = DETECTOR) -> Seen:
    """Return empty accumulators, with the channels of the detector."""
    built = line(detector)
    shape = (rows, len(built.parts))
    return Seen(
        np.zeros((rows, len(built.channels) + 1)), np.zeros(shape), np.zeros(shape), np.zeros((rows, len(LOST))),
        built.channels,
    )  # fmt: skip


@kernel
def walk_all(world, tables, beam, seen, out, rng):
    """Walk all tracks; `out` gets available energies behind by kind: charged hadrons, e and photons, neutral hadrons, muons;
    and where the beam particle ends."""
    track, stack = np.empty(COLUMNS), tables.stack
    last = len(world.z)
    for i in range(len(beam)):
        calibrate(world, rng)
        stack[0] = beam[i]
        waiting, primary = 1, False
        while waiting > 0:
            waiting -= 1
            track[:] = stack[waiting]
            alive, s = True, 0
            while s < last and world.z[s] + world.depth[s] <= track[Z]:
                s += 1
            while s < last and alive:
                alive, waiting = through(world, tables, 0, last, s, track, waiting, seen, rng)
                s += 1
            if not primary:
                primary = True
                out[i, 4] = track[Z]
            if alive:
                pdg, row = int(track[PDG]), int(track[ROW])
                energy = available(pdg, track[ENERGY]) + track[CARRIED]
                seen.leaked[row, int(track[LAST])] += energy
                way = BEHIND - track[Z]
                if abs(track[X] + way * track[TX]) > 1000.0 or abs(track[Y] + way * track[TY]) > 1000.0:
                    continue
                kind = abs(pdg)
                column = 3 if kind == MUON else 1 if kind in (11, 22) else 0 if kind in (211, 321, 2212) else 2
                out[row, column] += energy


def run(pdg, energy, events, seed=1, *, spread=10.0, z=-500.0, detector=DETECTOR):
    """Walk particles of one kind and energy; return what is seen, and what comes out behind by kind."""
    rng = np.random.default_rng(seed)
    beam = tracks(
        {
            "row": np.arange(events), "pdg": pdg, "energy": energy,
            "x": rng.normal(0.0, spread, events), "y": rng.normal(0.0, spread, events), "z": z,
        },
        events,
    )  # fmt: skip
    seen, out = nothing(events, detector), np.zeros((events, 5))
    seen.lost[:, 2] = energy - available(pdg, energy)
    walk_all(rig(detector).world, rig(detector).tables, beam, seen, out, rng)
    return seen, out
