"""What muons need to know of a world: tables of losses and scattering, and how much of a loss is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.configs.compiled import kernel
from emiss.physics.passage.matter import matter
from emiss.physics.passage.muon_kernels import step
from emiss.physics.passage.muon_tables import CUT, MuonTables, Plates, muon_tables
from emiss.physics.passage.scattering_tables import ScatteringTables, scattering_tables
from emiss.samples.walk.matter import ACTIVE
from emiss.samples.walk.world import PASSIVE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.arrays import Floats, Ints
    from emiss.reco.parts.materials import Material
    from emiss.samples.walk.matter import Mixtures
    from emiss.samples.walk.world import World

REFERENCE = 50.0
"""GeV; the muons that a part's MIP is the most probable energy of. The most probable loss is the same to 1 % from 5 GeV on."""

TRIES, SEED = 20_000, 64
"""Muons that the most probable energy is found with, and where their random numbers begin."""


class MuonWorld(NamedTuple):
    """What the kernels of muons need beside the `World` of S slabs.

    Attributes
    ----------
    tables : MuonTables
    scattering : ScatteringTables
    scale : array of shape (S,)
        Visible energy per energy left in active material.
    quantum : array of shape (S,)
        GeV; the square of the stochastic term: visible energy of showers of energy E is gamma distributed, with variance
        `quantum` E. For plates with a stochastic term of 0 a rule of thumb stands in.
    photoelectrons : array of shape (S,)
        Of a minimum ionizing particle; 0 where photostatistics are left out.
    """

    tables: MuonTables
    scattering: ScatteringTables
    scale: Floats
    quantum: Floats
    photoelectrons: Floats


def muon_world(
    world: World,
    mixtures: Mixtures,
    materials: Mapping[str, Material],
    *,
    photoelectrons: Floats | float = 0.0,
    cut: float = CUT,
) -> MuonWorld:
    """Return what muons need to know of a world.

    Parameters
    ----------
    world : World
        What showers show in modules with the scale of muons is set (`visible`).
    mixtures : Mixtures
        Its mixtures.
    materials : mapping of name to material
        In the order of the mixtures.
    photoelectrons : array of shape (S,) or float
        Of a minimum ionizing particle, slab by slab.
    cut : float
        GeV; what is lost at once and is more becomes a secondary of its own.
    """
    of = [matter(name, one.density, one.z, one.a) for name, one in materials.items()]
    active = np.array([name in ACTIVE for name in materials])
    plates = []
    for row, plate, part in zip(mixtures.fraction, mixtures.plate, mixtures.active, strict=True):
        dense = row * np.array([one.density for one in of]) > 1e-3 * (row * np.array([one.density for one in of])).sum()
        solid = np.where(active | ~dense, 0.0, row)  # air between plates is no absorber
        gap = plate / part * solid.sum() if part > 0.0 else 0.0
        plates.append(Plates(np.where(active, 0.0, row), np.where(active, row, 0.0), float(plate), float(gap)))
    tables = muon_tables(plates, of, cut)
    slabs = len(world.z)
    quantum = _quanta(world, mixtures)
    _showers_of_modules(world, tables)
    return MuonWorld(
        tables,
        scattering_tables(mixtures.fraction, of),
        _scales(world, tables, quantum),
        quantum,
        np.broadcast_to(np.asarray(photoelectrons, np.float64), (slabs,)).copy(),
    )


def _showers_of_modules(world: World, tables: MuonTables) -> None:
    """Set what showers show of their energy in modules with the scale of muons: e/mip of what a muon shows of its loss.

    e/mip of the plates is that of GFLASH (hep-ex/0001020, Eq. 26). The tail of muons in MIPs, which showers make, depends on
    this ratio alone and not on the scale that a module happens to have.
    """
    modules = (world.by_muons == 1) & (world.mip > 0.0)
    for body in np.unique(world.body[modules]):
        slabs = np.flatnonzero(modules & (world.body == body))
        lost, rng = np.zeros(TRIES), np.random.default_rng(SEED)
        for s in slabs:
            _lost(tables, int(world.mixture[s]), REFERENCE, float(world.depth[s]), lost, rng)
        world.visible[slabs] = world.mip[slabs].sum() * world.e_mip[slabs] / most_probable(lost)


def _quanta(world: World, mixtures: Mixtures) -> Floats:
    """Return the squares of the stochastic terms, for plates of which none is given (27 MeV)^2 plate/(mm sampling)/GeV.

    R. Wigmans, Calorimetry (2000), Sec. 4.2.3: 2.7 % sqrt(plate/mm/sampling fraction); 10 % for the ECAL of the Geant4 samples,
    which has 8.8 %.
    """
    m = world.mixture
    plates = (mixtures.active[m] > 0.0) & (mixtures.active[m] < 0.999) & (world.kind != PASSIVE)
    guessed = 0.027**2 * mixtures.plate[m] / np.where(plates, mixtures.sampling[m], 1.0)
    return np.where(world.stochastic > 0.0, world.stochastic**2, np.where(plates, guessed, 0.0))


def _scales(world: World, tables: MuonTables, quantum: Floats) -> Floats:
    """Return visible energy per energy left in active material, such that the sum over each body peaks at its MIP."""
    result = np.zeros(len(world.z))
    known: dict[tuple[float, ...], float] = {}
    for body in np.unique(world.body):
        slabs = np.flatnonzero((world.body == body) & (world.mip > 0.0))
        if not len(slabs):
            continue
        wanted = float(world.mip[slabs].sum())
        key = (
            wanted, *world.mixture[slabs], *world.depth[slabs], *quantum[slabs], *world.visible[slabs]
        )  # fmt: skip
        if key not in known:
            known[key] = _scale(world, tables, quantum, slabs, wanted)
        result[slabs] = known[key]
    return result


def _scale(world: World, tables: MuonTables, quantum: Floats, slabs: Ints, wanted: float) -> float:
    active, shower = np.zeros((2, TRIES))
    rng = np.random.default_rng(SEED)
    for s in slabs:
        left = np.zeros((2, TRIES))
        _losses(tables, int(world.mixture[s]), REFERENCE, float(world.depth[s]), float(quantum[s]), left, rng)
        active += left[0]
        shower += left[1] * world.visible[s]
    if not active.any():
        return 0.0
    scale = wanted / most_probable(active)
    for _ in range(8):
        scale *= wanted / most_probable(scale * active + shower)
    return float(scale)


def most_probable(values: Floats) -> float:
    """Return the most probable of values: the peak of their histogram, smoothed over a quarter of half the central 68 %."""
    low, middle, high = np.quantile(values, [0.16, 0.5, 0.84])
    width = max(0.5 * (high - low), 1e-9 * abs(middle) + 1e-300)
    begin, bins = low - 3.0 * width, 600
    count, edges = np.histogram(values, bins, (begin, high + 3.0 * width))
    x = edges[:-1] + 0.5 * (edges[1] - edges[0])
    reach = 0.25 * width / (edges[1] - edges[0])
    offsets = np.arange(-int(4 * reach), int(4 * reach) + 1)
    smooth = np.convolve(count, np.exp(-0.5 * (offsets / reach) ** 2), mode="same")
    top = int(smooth.argmax())
    near = slice(max(top - int(reach), 0), top + int(reach) + 1)
    if near.stop - near.start < 5:
        return float(x[top])
    square, slope, _ = np.polyfit(x[near] - x[top], smooth[near], 2)
    return float(x[top] - 0.5 * slope / square) if square < 0.0 else float(x[top])


@kernel
def _lost(tables: MuonTables, m: int, energy: float, path: float, lost: Floats, rng: np.random.Generator) -> None:
    """Add what muons lose on a path to `lost`, shape (N,)."""
    kinds, energies, places = np.zeros(64, np.int64), np.zeros(64), np.zeros(64)
    for n in range(len(lost)):
        lost[n] += energy - step(tables, m, energy, path, kinds, energies, places, rng)[0]


@kernel
def _losses(
    tables: MuonTables, m: int, energy: float, path: float, quantum: float, left: Floats, rng: np.random.Generator
) -> None:
    """Fill (2, N) with energy left in active material and visible energy of showers, of muons that cross a path."""
    kinds, energies, places = np.zeros(64, np.int64), np.zeros(64), np.zeros(64)
    for n in range(left.shape[1]):
        _, _, _, active, crossing, count = step(tables, m, energy, path, kinds, energies, places, rng)
        for j in range(count):
            crossing += energies[j]
        left[0, n] = active
        left[1, n] = crossing if quantum <= 0.0 else quantum * rng.standard_gamma(crossing / quantum)
