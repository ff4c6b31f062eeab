"""A muon through a slab: what it leaves there and shows, where it comes out, and its hard secondaries."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from emiss.configs.compiled import fused
from emiss.physics.constants import MUON_MASS
from emiss.physics.passage.muon_kernels import step
from emiss.physics.passage.muon_tables import IN_ABSORBER, IN_ACTIVE, SLOW
from emiss.physics.passage.scattering_kernels import scatter
from emiss.samples.walk.frame_kernels import cell, show

if TYPE_CHECKING:
    import numpy as np

    from emiss.configs.arrays import Floats, Ints
    from emiss.physics.passage.muon_tables import MuonTables
    from emiss.samples.walk.muons import MuonWorld
    from emiss.samples.walk.world import Seen, World

PLACES = 8
"""Visible energy of a muon that goes from one cell to another is shared among so many places on its way."""

AT_MINIMUM = 18
"""The node of the tables next to 0.3 GeV, where ionisation is least."""

SLOWEST = 0.05
"""GeV; momentum that scattering is taken at when a muon stops on the way."""


@fused(forceinline=True)
def muon_through(
    world: World,
    muons: MuonWorld,
    seen: Seen,
    row: int,
    s: int,
    x: float,
    y: float,
    tx: float,
    ty: float,
    energy: float,
    path: float,
    carried: float,
    kinds: Ints,
    energies: Floats,
    places: Floats,
    rng: np.random.Generator,
) -> tuple[float, float, float, float, float, float, float, int]:
    """Take a muon over a path in a slab; book what it loses softly, give back what it does not.

    energy + carried = energy after + carried after + booked + sum of `energies`, to rounding;
    the latter are for the caller to book.

    Parameters
    ----------
    world, muons, seen
    row, s : int
        Row of `seen`; the slab.
    x, y : float
        Place in the slab's frame at the beginning, mm.
    tx, ty : float
        Slopes there.
    energy : float
        Total, GeV.
    path : float
        mm along the muon's direction, within the slab.
    carried : float
        Energy (GeV) of soft delta electrons that come in with the muon: what the slab before it has given back; 0 at first.
    kinds, energies, places : arrays of shape (C,)
        Filled with the hard secondaries, see `emiss.physics.passage.muon_kernels.step`; places in mm along the direction.
    rng : numpy Generator

    Returns
    -------
    x, y, tx, ty : float
        At the end of the path, in the slab's frame; where it stops, if it does.
    energy : float
        Total energy there; the muon's mass if it has stopped, and then it is for the caller to let it decay.
    travelled : float
        mm.
    carried : float
        Energy (GeV) of soft delta electrons that leave with it, for the next slab, or for the caller to book as leaked.
    count : int
        Hard secondaries.
    """
    m = world.mixture[s]
    after, travelled, absorber, active, crossing, count = step(
        muons.tables, m, energy, path, kinds, energies, places, rng
    )
    left, here, crossing = companions(muons.tables, m, travelled, carried, crossing, after > MUON_MASS, rng)
    seen.deposited[row, world.part[s]] += absorber + active + crossing + here
    momentum2 = energy * energy - MUON_MASS * MUON_MASS
    end2 = max(after * after - MUON_MASS * MUON_MASS, SLOWEST * SLOWEST)
    scale = 1.0 / math.sqrt(math.sqrt(max(momentum2, SLOWEST * SLOWEST) * end2))
    inverse_beta2 = 1.0 + scale * scale * MUON_MASS * MUON_MASS
    kick_x, kick_y, off_x, off_y = scatter(muons.scattering, m, scale, inverse_beta2, travelled, rng)
    # the kicks are across the direction; slopes change by 1 + t^2 times as much
    square = 1.0 + tx * tx + ty * ty
    along = travelled / math.sqrt(square)
    end_x, end_y = x + tx * along + off_x, y + ty * along + off_y
    if world.mip[s] > 0.0:
        visible = muons.scale[s] * active + world.visible[s] * fluctuated(crossing + here, muons.quantum[s], rng)
        visible = lighted(visible, world.mip[s], muons.photoelectrons[s], rng)
        if cell(world, s, x, y) == cell(world, s, end_x, end_y):
            show(world, seen, row, s, 0.5 * (x + end_x), 0.5 * (y + end_y), visible)
        else:
            for i in range(PLACES):
                part = (i + 0.5) / PLACES
                show(world, seen, row, s, x + part * (end_x - x), y + part * (end_y - y), visible / PLACES)
    return (
        end_x,
        end_y,
        tx + kick_x * math.sqrt(square * (1.0 + tx * tx)),
        ty + kick_y * math.sqrt(square * (1.0 + ty * ty)),
        after,
        travelled,
        left,
        count,
    )


@fused(forceinline=True)
def companions(
    tables: MuonTables, m: int, path: float, carried: float, crossing: float, goes_on: bool, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Share the energy (GeV) of delta electrons between a slab and what is behind: leave, stay of `carried`, of `crossing`.

    Electrons that come in lose what a minimum ionizing particle does; those that go out are in equilibrium with the muon
    (`emiss.physics.passage.muon_tables`).
    """
    minimum = path * (tables.loss[m, AT_MINIMUM, IN_ABSORBER] + tables.loss[m, AT_MINIMUM, IN_ACTIVE])
    here = min(carried, minimum)
    left = carried - here
    expected = tables.companions[m]
    if not goes_on or expected == 0.0:
        return left, here, crossing
    if expected < 0.0:
        return left + crossing, here, 0.0
    count = rng.standard_exponential()
    while count < expected:
        steps = math.log(tables.cut / SLOW)
        kinetic = SLOW * math.exp(rng.random() * steps)
        while rng.random() > 1.0 - kinetic / tables.cut:
            kinetic = SLOW * math.exp(rng.random() * steps)
        kinetic = min(kinetic, crossing)
        left += kinetic
        crossing -= kinetic
        count += rng.standard_exponential()
    return left, here, crossing


@fused(forceinline=True)
def fluctuated(energy: float, quantum: float, rng: np.random.Generator) -> float:
    """Return the visible energy (GeV) of showers: gamma distributed about theirs, with variance `quantum` times it."""
    if energy <= 0.0 or quantum <= 0.0:
        return energy
    return quantum * rng.standard_gamma(energy / quantum)


@fused
def lighted(visible: float, mip: float, photoelectrons: float, rng: np.random.Generator) -> float:
    """Return visible energy (GeV) with the statistics of its light: so many photoelectrons per `mip`; 0 leaves it alone."""
    if photoelectrons <= 0.0 or visible <= 0.0:
        return visible
    unit = mip / photoelectrons
    return unit * rng.standard_gamma(visible / unit)
