"""The line of the Geant4 showers as a `World` made by hand (ECAL in two layers, VETO, HCAL), and many showers in it."""

from __future__ import annotations

import numpy as np

from emiss.configs.compiled import bare
from emiss.reco.parts.materials import shipped
from emiss.samples.walk.matter import Stack, mixtures
from emiss.samples.walk.shower_kernels import calibrate, nuclear, shower
from emiss.samples.walk.world import CELLS, Seen, World

ECAL, VETO, HCAL = 0, 1, 2
PRESHOWER, MAIN, PANEL, HCAL1, HCAL2, HCAL3 = range(6)


def line(stochastic: float = 0.085) -> World:
    stacks = [
        Stack({"lead": 24.0, "scintillator": 24.0}, 48.0, 16),
        Stack({"lead": 201.0, "scintillator": 201.0}, 402.0, 134),
        Stack({"scintillator": 50.0}, 50.0, 1),
        Stack({"iron": 1200.0, "scintillator": 192.0}, 1392.0, 48),
    ]
    mixture = np.array([0, 1, 2, 3, 3, 3])
    columns, rows = np.array([5, 5, 1, 3, 3, 3]), np.array([6, 6, 1, 3, 3, 3])
    count = columns * rows
    zero, one = np.zeros(6), np.ones(6)
    return World(
        x=zero,
        y=zero,
        z=np.array([0.0, 48.0, 600.0, 700.0, 2192.0, 3684.0]),
        sine=zero,
        cosine=one,
        depth=np.array([48.0, 402.0, 50.0, 1392.0, 1392.0, 1392.0]),
        half_x=np.array([95.5, 95.5, 300.0, 300.0, 300.0, 300.0]),
        half_y=np.array([114.6, 114.6, 300.0, 300.0, 300.0, 300.0]),
        hole_x=zero,
        hole_y=zero,
        mixture=mixture,
        part=np.array([0, 0, 1, 2, 2, 2]),
        body=np.array([0, 0, 1, 2, 3, 4]),
        kind=np.full(6, CELLS),
        columns=columns,
        rows=rows,
        first=np.concatenate([[0], np.cumsum(count)[:-1]]),
        mip=np.array([0.07, 0.57, 0.0095, 2.0, 2.0, 2.0]),
        visible=one,
        stochastic=np.array([stochastic, stochastic, 0.0, 0.3, 0.3, 0.3]),
        constant=zero,
        attenuation=zero,
        channels=np.arange(count.sum()),
        mixtures=mixtures(stacks, shipped()),
    )


def nothing(world: World, events: int) -> Seen:
    return Seen(
        np.zeros((events, len(world.channels))), np.zeros((events, 3)), np.zeros((events, 3)), np.zeros((events, 1))
    )


@bare
def many(world, tables, seen, pdg, energy, slab, places, slopes, rng):
    """Book one particle per row: arrays of energy, slab, places (N, 3) and slopes (N, 2)."""
    for i in range(len(energy)):
        calibrate(world, tables, rng)
        x, y, z = places[i]
        tx, ty = slopes[i]
        shower(world, tables, seen, i, pdg, energy[i], slab[i], x, y, z, tx, ty, rng)


@bare
def interactions(tables, mixture, energy, found, rng):
    """Fill k and depth of the hadronic interactions of so many showers; k is 0 without one."""
    for i in range(len(found)):
        _count, k, depth = nuclear(tables, mixture, energy, rng)
        found[i, 0], found[i, 1] = k, depth


def booked(world, tables, pdg, energy, count, rng, *, slab=0, place=(0.0, 19.1, 0.0), slope=(0.0, 0.0)) -> Seen:
    """Return what `count` particles leave; place and slope may be arrays (count, 3) and (count, 2)."""
    seen = nothing(world, count)
    places = np.array(np.broadcast_to(place, (count, 3)), np.float64, order="C")
    slopes = np.array(np.broadcast_to(slope, (count, 2)), np.float64, order="C")
    many(world, tables, seen, pdg, np.full(count, float(energy)), np.full(count, slab), places, slopes, rng)
    return seen


def cells(seen: Seen) -> np.ndarray:
    """Return the ECAL, shape (N, 2, 5, 6)."""
    return seen.visible[:, :60].reshape(-1, 2, 5, 6)
