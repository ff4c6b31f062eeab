"""What the kernels of electromagnetic showers need (`emiss.samples.walk.shower_kernels`): tables by mixture, a workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.physics.shower import photons, photonuclear
from emiss.samples.walk.matter import ACTIVE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.arrays import Floats, Ints
    from emiss.reco.parts.materials import Material
    from emiss.samples.walk.matter import Mixtures
    from emiss.samples.walk.world import World

OBLIQUE = 1.05
"""Path over depth of the photons at the end of a shower. Fitted: energy falls by e per 3.4 X0 in lead-scintillator (Geant4,
20-40 X0 deep), where the minimum of their attenuation alone gives 3.56."""

TAIL_SEEN = 0.40
"""Visible over deposited energy of these photons in lead plates, a shower's being 1: electrons of a MeV stay in the lead.
Fitted to the VETO's energy behind 40 X0 (Geant4, electrons of 100 GeV). Other absorbers: to the power of their 1 - e/mip over
lead's."""

EMERGING = 0.4
"""Part of a shower's ionisation that comes out of heavy plates into a block of active material: the softest electrons stay.
Fitted to the VETO behind the ECAL (Geant4, muons of 5 to 90 GeV); e/mip of lead alone would be 0.65."""

HEAVY = 9e-3
"""GeV; critical energy of the calorimeters that showers grow in: lead or tungsten with scintillator."""

SOFT = 3.5e-3
"""GeV: where photons are most penetrating in heavy matter."""

THICKEST = 1.0
"""Radiation lengths per pair of plates up to which the corrections for sampling are used."""

LANES = 8
"""Corners of cells that a processor does at once."""

WAY = 12
"""Columns of `Showers.way`: see `emiss.samples.walk.shower_way_kernels`."""


class Showers(NamedTuple):
    """Tables by mixture (M), and the workspace of one walk (one thread).

    Attributes
    ----------
    absorption : array of shape (M, G)
        Attenuation of photons, 1/mm, at the energies of `emiss.physics.shower.photons.GRID`.
    way, slab : arrays of shape (S, WAY) and (S,)
        The axis through the slabs.
    cells, edges : arrays
        Energies in the cells of a slab; corner functions.
    """

    absorption: Floats
    way: Floats
    slab: Ints
    cells: Floats
    edges: Floats


def e_over_mip(z_absorber: float, z_active: float) -> float:
    """Return e/mip of plates: 1/(1 + 0.007 (Z_p - Z_a)) (GFLASH, hep-ex/0001020, Eq. 26)."""
    return 1.0 / (1.0 + 0.007 * max(z_absorber - z_active, 0.0))


def shower_matter(mix: Mixtures, materials: Mapping[str, Material]) -> dict[str, Floats]:
    """Return the columns of `World` that showers need, for each mixture.

    Returns
    -------
    plates
        Radiation lengths per pair of plates; 0 for homogeneous matter.
    e_mip
        e/mip; 1 for homogeneous matter.
    stopping
        1/mm; by how much a shower's energy goes on per mm of depth: 1/X0, and in blocks of active material more, as the
        electrons of a shower that has grown in lead lose there as much more per radiation length as the critical energy is
        higher, times `EMERGING`.
    soft
        Attenuation of the most penetrating photons, 1/mm of depth.
    tail_seen
        Visible over deposited energy of these photons.
    per_length
        Photonuclear interactions per radiation length and microbarn.
    """
    kinds = list(materials.values())
    z = np.array([one.z for one in kinds])
    x0 = np.array([one.x0 for one in kinds])
    seen = np.array([name in ACTIVE for name in materials])
    count = len(mix.x0)
    plates, e_mip = np.zeros(count), np.ones(count)
    for m in range(count):
        lengths = mix.fraction[m] / x0
        dead = np.where(seen, 0.0, lengths)
        live = np.where(seen, mix.fraction[m], 0.0)
        # a sampling calorimeter: absorber and active plates; what has no absorber or nothing active is homogeneous
        if live.sum() > 0.0 and dead.sum() > 0.05 * lengths.sum() and mix.active[m] > 0.0:
            plates[m] = min(mix.plate[m] / mix.active[m] / mix.x0[m], THICKEST)
            e_mip[m] = e_over_mip(float(dead @ z / dead.sum()), float(live @ z / live.sum()))
    soft = [np.exp(np.interp(np.log(SOFT), np.log(photons.GRID), np.log(row))) for row in _absorption(mix, materials)]
    lead = 1.0 - e_over_mip(82.0, 3.37)
    return {
        "plates": plates,
        "e_mip": e_mip,
        "stopping": np.where(e_mip < 1.0, 1.0, np.maximum(EMERGING * mix.critical / HEAVY, 1.0)) / mix.x0,
        "soft": np.array(soft) * OBLIQUE,
        "tail_seen": TAIL_SEEN ** ((1.0 - e_mip) / lead),
        "per_length": photonuclear.per_radiation_length(mix.a, mix.x0 * 0.1 * mix.density),
    }


def _absorption(mix: Mixtures, materials: Mapping[str, Material]) -> Floats:
    kinds = materials.values()
    found: Floats = photons.attenuation(
        mix.fraction,
        [float(one.z) for one in kinds],
        [float(one.density) for one in kinds],
        [float(one.x0) for one in kinds],
    )
    return found


def showers(world: World, mix: Mixtures, materials: Mapping[str, Material]) -> Showers:
    """Return tables and workspace for the showers of a world.

    Parameters
    ----------
    world : World
    mix, materials
        Its mixtures, and what they were made of, in the same order.
    """
    columns = int(np.max(world.columns, initial=1))
    rows = int(np.max(world.rows, initial=1))
    cells = int(np.max(world.columns * world.rows, initial=1))
    return Showers(
        absorption=_absorption(mix, materials),
        way=np.zeros((len(world.z) + 1, WAY)),
        slab=np.zeros(len(world.z) + 1, np.int64),
        cells=np.zeros(max(cells, columns)),
        edges=np.zeros((5, (rows // LANES + 1) * LANES)),
    )
