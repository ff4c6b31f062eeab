"""The line of the Geant4 samples as a `World` made by hand: ECAL in two layers, VETO, three HCAL modules; or plate by plate."""

from __future__ import annotations

import numpy as np

from emiss.reco.parts.materials import shipped
from emiss.samples.walk.matter import Stack, mixtures
from emiss.samples.walk.world import CELLS, Seen, World

ECAL_MIP, VETO_MIP, HCAL_MIP = 0.522, 9.5e-3, 1.71
"""GeV; most probable, of pions of 100 GeV through the ECAL (on the scale of electrons) and muons through VETO and a module."""

ECAL_STOCHASTIC, HCAL_STOCHASTIC = 0.088, 0.32


def line(*, plates: bool = False) -> World:
    """Return the world: two layers of ECAL (5 x 6 cells), VETO, HCAL 1 to 3 (3 x 3); or one slab per pair of plates."""
    lead = {"lead": 1.5, "scintillator": 1.5}
    iron = {"iron": 25.0, "scintillator": 4.0}
    # z, pairs of plates, matter of one, depth of one, half sizes, part, columns, rows, mip of one, stochastic
    blocks = [
        (0.0, 16, lead, 3.0, 95.5, 114.6, 0, 5, 6, ECAL_MIP / 150, ECAL_STOCHASTIC),
        (48.0, 134, lead, 3.0, 95.5, 114.6, 0, 5, 6, ECAL_MIP / 150, ECAL_STOCHASTIC),
        (600.0, 1, {"scintillator": 50.0}, 50.0, 300.0, 300.0, 1, 1, 1, VETO_MIP, 0.0),
    ]
    blocks += [
        (z, 48, iron, 29.0, 300.0, 300.0, 2 + k, 3, 3, HCAL_MIP / 48, HCAL_STOCHASTIC)
        for k, z in enumerate((700.0, 2192.0, 3684.0))
    ]
    rows = []
    for z, pairs, matter, depth, half_x, half_y, part, columns, lines, mip, stochastic in blocks:
        if plates:
            rows += [
                (z + k * depth, 1, matter, depth, half_x, half_y, part, 1, 1, mip, stochastic) for k in range(pairs)
            ]
        else:
            whole = {name: pairs * length for name, length in matter.items()}
            rows.append((z, pairs, whole, pairs * depth, half_x, half_y, part, columns, lines, pairs * mip, stochastic))
    column = [np.array(values) for values in zip(*(row[:2] + row[3:] for row in rows), strict=True)]
    z, pairs, depth, half_x, half_y, part, columns, lines, mip, stochastic = column
    cells = columns * lines
    count = len(rows)
    zero = np.zeros(count)
    materials = {name: shipped()[name] for name in ("lead", "iron", "scintillator")}
    return World(
        x=zero, y=zero, z=z, sine=zero, cosine=np.ones(count), depth=depth, half_x=half_x, half_y=half_y, hole_x=zero,
        hole_y=zero, mixture=np.arange(count), part=part, body=part, kind=np.full(count, CELLS), columns=columns, rows=lines,
        first=np.concatenate([[0], np.cumsum(cells)[:-1]]), mip=mip, visible=np.ones(count), stochastic=stochastic,
        constant=zero, attenuation=zero, channels=np.arange(cells.sum()),
        mixtures=mixtures([Stack(row[2], row[3], int(row[1])) for row in rows], materials),
    )  # fmt: skip


def nothing(world: World, rows: int) -> Seen:
    """Return empty accumulators; lost are: invisible, neutrinos, rest mass."""
    parts = int(world.part.max()) + 1
    return Seen(
        np.zeros((rows, len(world.channels))), np.zeros((rows, parts)), np.zeros((rows, parts)), np.zeros((rows, 3))
    )
