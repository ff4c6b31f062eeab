"""A line of calorimeters made by hand, the geometry of the Geant4 samples: ECAL of two layers, VETO, three HCAL modules."""

from __future__ import annotations

import numpy as np

from emiss.reco.parts.materials import shipped
from emiss.samples.walk.matter import Stack, mixtures
from emiss.samples.walk.world import CELLS, PANELS, Seen, World

PARTS = ("ECAL", "VETO", "HCAL")
LOST = ("neutrinos",)

# name, z, depth, half width in x and y, columns, rows, kind, mixture, part, body, mip (GeV), stochastic
SLABS = (
    ("ECAL0", 0.0, 48.0, 95.5, 114.6, 5, 6, CELLS, 0, 0, 0, 0.46 * 48 / 450, 0.088),
    ("ECAL1", 48.0, 402.0, 95.5, 114.6, 5, 6, CELLS, 0, 0, 0, 0.46 * 402 / 450, 0.088),
    ("VETO", 600.0, 50.0, 300.0, 300.0, 1, 2, PANELS, 1, 1, 1, 9.65e-3, 0.0),
    ("HCAL0", 700.0, 1392.0, 300.0, 300.0, 3, 3, CELLS, 2, 2, 2, 2.0, 0.31),
    ("HCAL1", 2192.0, 1392.0, 300.0, 300.0, 3, 3, CELLS, 2, 2, 3, 2.0, 0.31),
    ("HCAL2", 3684.0, 1392.0, 300.0, 300.0, 3, 3, CELLS, 2, 2, 4, 2.0, 0.31),
)


def line(**changes: dict[str, float]) -> World:
    """Return the world; `changes` gives other values of an attribute, slab by slab: `line(mip={"VETO": 0.01})`."""
    stacks = [
        Stack({"lead": 225.0, "scintillator": 225.0}, 450.0, 150),
        Stack({"scintillator": 50.0}, 50.0, 1),
        Stack({"iron": 1200.0, "scintillator": 192.0}, 1392.0, 48),
    ]
    names, z, depth, half_x, half_y, columns, rows, kind, mixture, part, body, mip, stochastic = (
        np.array(column) for column in zip(*SLABS, strict=True)
    )
    first = np.concatenate([[0], np.cumsum(columns * rows)])
    values = {"mip": mip.astype(float), "stochastic": stochastic.astype(float), "visible": np.ones(len(z))}
    for key, table in changes.items():
        for name, value in table.items():
            values[key][names == name] = value
    zero = np.zeros(len(z))
    return World(
        x=zero,
        y=zero,
        z=z,
        sine=zero,
        cosine=zero + 1.0,
        depth=depth,
        half_x=half_x,
        half_y=half_y,
        hole_x=zero,
        hole_y=zero,
        mixture=mixture,
        part=part,
        body=body,
        kind=kind,
        columns=columns,
        rows=rows,
        first=first[:-1],
        mip=values["mip"],
        visible=values["visible"],
        stochastic=values["stochastic"],
        constant=zero,
        attenuation=zero + 4000.0,
        channels=np.arange(first[-1]),
        mixtures=mixtures(stacks, shipped()),
    )


def nothing_seen(world: World, events: int) -> Seen:
    """Return empty accumulators for so many events."""
    shape = (events, len(PARTS))
    return Seen(
        np.zeros((events, len(world.channels))), np.zeros(shape), np.zeros(shape), np.zeros((events, len(LOST)))
    )
