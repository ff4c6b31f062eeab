"""What the kernels of muons look up: rates, mean losses and spectra by energy, for mixtures of materials.

A mixture is so many mm of each material per mm of depth, some of them active. Losses of a muon below `cut` are soft: they go
into one energy for the absorber and one for the active material; those above are drawn one by one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.physics.constants import MUON_LIFETIME, MUON_MASS
from emiss.physics.passage.muon_cross_sections import K, bremsstrahlung, deltas, largest_transfer, nuclear, pairs
from emiss.physics.passage.muons import atomic, restricted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.configs.arrays import Floats
    from emiss.physics.passage.matter import Matter

DELTA, PHOTON, PAIR, NUCLEAR = 0, 1, 2, 3
"""Kinds of hard secondaries: a delta electron, a photon of bremsstrahlung, an e+e- pair, a nuclear reaction."""

LIGHT = 299.792458
"""mm/ns."""

FREE = MUON_LIFETIME / LIGHT
"""ns; mean life of muons in vacuum."""

CAPTURE = (
    (1.0, 2194.9), (2.0, 2195.0), (6.0, 2026.0), (7.0, 1907.0), (8.0, 1795.0), (13.0, 864.0), (14.0, 756.0), (18.0, 537.0),
    (26.0, 206.0), (29.0, 163.5), (50.0, 91.0), (74.0, 78.4), (82.0, 75.4), (83.0, 73.5), (92.0, 77.1),
)  # fmt: skip
"""Charge number and mean life (ns) of mu- in atoms: T. Suzuki, D. F. Measday, J. P. Roalsvig, Phys. Rev. C 35 (1987) 2212."""

PROCESSES = (deltas, bremsstrahlung, pairs, nuclear)

CUT = 0.03
"""GeV; the default of what is drawn one by one."""

LOWEST, HIGHEST, NODES = 1e-3, 400.0, 41
"""Kinetic energies of the tables, GeV."""

QUANTILES, TAIL = 41, 10.0
"""Spectra by -ln of the part of secondaries above: 0 to `TAIL`."""

REACH = 0.2
"""Delta electrons whose range is this part of a plate cross over to others."""

SLOW = 1e-3
"""GeV; delta electrons with less do not come out of a calorimeter beside their muon (wrapping)."""

IN_ABSORBER, IN_ACTIVE, RADIATED, RADIATED_2, RATES = 0, 1, 2, 3, 4
"""Columns of `MuonTables.loss`."""


class MuonTables(NamedTuple):
    """Tables for M mixtures at E kinetic energies in even steps of the logarithm.

    Attributes
    ----------
    start, per_step : float
        Logarithm of the lowest kinetic energy (GeV); nodes per unit of the logarithm.
    cut : float
        GeV.
    loss : array of shape (M, E, 8)
        Mean soft ionisation loss in absorber and active material, mean soft radiative loss, GeV/mm; the sum of squares of the
        latter, GeV^2/mm; rates of the four kinds of hard secondaries, 1/mm.
    spectra : array of shape (M, 4, E, Q)
        ln(e/cut)/ln(largest/cut) of secondaries by -ln of the part that has more; the largest is the kinematic limit for delta
        electrons and the muon's kinetic energy for the others.
    xi : array of shape (M, 2)
        (K/2) Z/A density of absorber and active material, GeV/mm; over beta^2 it is Landau's xi per mm.
    leaves : array of shape (M, 2)
        Kinetic energy (GeV) of delta electrons that cross over from absorber and active plates to the next.
    keeps : array of shape (M,)
        Energy (GeV) that such a delta electron leaves in the active plate where it was made.
    companions : array of shape (M,)
        Delta electrons above `SLOW` that come out of the back with a muon, on average; -1 for one thin plate of active
        material, that all crossing energy leaves.
    lifetime : array of shape (M,)
        Mean life (ns) of a mu- at rest: nuclei capture it.
    """

    start: float
    per_step: float
    cut: float
    loss: Floats
    spectra: Floats
    xi: Floats
    leaves: Floats
    keeps: Floats
    companions: Floats
    lifetime: Floats


class Plates(NamedTuple):
    """A mixture by materials.

    Attributes
    ----------
    absorber, active : array of shape (K,)
        mm of each material per mm of depth.
    plate, gap : float
        Thickness of one active plate, and of the absorber between two, mm; 0 where there is none.
    """

    absorber: Floats
    active: Floats
    plate: float
    gap: float


def muon_tables(mixtures: Sequence[Plates], materials: Sequence[Matter], cut: float = CUT) -> MuonTables:
    """Return the tables of mixtures of materials.

    Parameters
    ----------
    mixtures : sequence of Plates
    materials : sequence of Matter
        K of them.
    cut : float
        GeV.
    """
    count = len(mixtures)
    loss, spectra = np.zeros((count, NODES, 8)), np.zeros((count, 4, NODES, QUANTILES))
    xi, leaves = np.zeros((count, 2)), np.full((count, 2), cut)
    keeps, companions, lifetime = np.zeros(count), np.zeros(count), np.full(count, FREE)
    secondary, highest = _grid(cut)
    used = {int(k) for row in mixtures for k in np.flatnonzero(np.asarray(row.absorber) + np.asarray(row.active) > 0.0)}
    known = {k: _material(materials[k], cut) for k in used}
    for m, row in enumerate(mixtures):
        hard = np.zeros((4, NODES, secondary.shape[-1]))
        for k in used:
            for column, part in enumerate((float(row.absorber[k]), float(row.active[k]))):
                if part > 0.0:
                    soft, radiated, radiated_2, density = known[k]
                    loss[m, :, column] += part * soft
                    loss[m, :, RADIATED] += part * radiated
                    loss[m, :, RADIATED_2] += part * radiated_2
                    hard += part * density
                    xi[m, column] += part * 0.05 * K * materials[k].z_over_a * materials[k].density
        for process in range(4):
            loss[m, :, RATES + process], spectra[m, process] = _quantiles(
                secondary[process], hard[process], highest[process], cut
            )
        parts = np.asarray(row.absorber) + np.asarray(row.active)
        lifetime[m] = _lifetime([(parts[k], materials[k]) for k in used if parts[k] > 0.0])
        if row.plate <= 0.0:
            continue
        half = 0.5 * row.plate
        if row.gap > 0.0:
            for column, (parts, width) in enumerate(((row.absorber, row.gap), (row.active, row.plate))):
                leaves[m, column] = min(cut, _electron_energy(REACH * _density(parts, materials) * width / 10.0))
            keeps[m] = leaves[m, 1]
            z = sum(float(row.absorber[k]) * materials[k].density * materials[k].charge for k in used)
            z /= _density(row.absorber, materials) * float(np.sum(row.absorber))
            companions[m] = _companions(xi[m].sum(), loss[m, :, :2].sum(axis=1).min(), z, cut)
        elif (crossed := half * loss[m, :, IN_ACTIVE].min() / float(row.active.sum())) < cut:
            leaves[m, 1] = keeps[m] = crossed
            companions[m] = -1.0
    return MuonTables(
        float(np.log(LOWEST)),
        float((NODES - 1) / np.log(HIGHEST / LOWEST)),
        cut,
        loss,
        spectra,
        xi,
        leaves,
        keeps,
        companions,
        lifetime,
    )


def _companions(xi: float, slowing: float, z: float, cut: float) -> float:
    """Return how many delta electrons between `SLOW` and `cut` come out of a surface with a muon.

    Equilibrium: xi/T^2 per mm are made and all lose `slowing` per mm, so that xi/slowing (1/T - 1/cut) are there per energy.
    They do not go straight: of their path the part 1/(1 + Z/70) leads forward, a half in lead, three quarters in iron.
    """
    return float(xi / slowing * (np.log(cut / SLOW) - 1.0 + SLOW / cut) / (1.0 + z / 70.0))


def _lifetime(parts: Sequence[tuple[float, Matter]]) -> float:
    """Return the mean life (ns) of stopped mu-, the mean over atoms that it may end in: by Z times atoms (Fermi and Teller)."""
    charges, lives = np.array(CAPTURE).T
    share, total = 0.0, 0.0
    for part, of in parts:
        for z, a, weight in of.elements:
            electrons = part * of.density * weight * z / a
            share += electrons * float(np.interp(z, charges, lives))
            total += electrons
    return share / total if total > 0.0 else FREE


def _density(parts: Floats, materials: Sequence[Matter]) -> float:
    total = float(np.sum(parts))
    return float(sum(part * of.density for part, of in zip(parts, materials, strict=True))) / max(total, 1e-12)


def _electron_energy(grams: float) -> float:
    """Return the energy (GeV) of electrons with a range in g/cm^2: L. Katz, A. S. Penfold, Rev. Mod. Phys. 24 (1952) 28.

    R = 0.412 T^(1.265 - 0.0954 ln T), T in MeV.
    """
    energy = np.geomspace(0.01, 100.0, 400)
    ranges = 0.412 * energy ** (1.265 - 0.0954 * np.log(energy))
    rising = np.maximum.accumulate(ranges)
    return float(1e-3 * np.exp(np.interp(np.log(grams), np.log(rising), np.log(energy))))


def _grid(cut: float) -> tuple[Floats, Floats]:
    """Return energies of hard secondaries, shape (4, E, S), and the largest there are, shape (4, E)."""
    kinetic = np.geomspace(LOWEST, HIGHEST, NODES)
    highest = np.tile(kinetic, (4, 1))
    highest[DELTA] = largest_transfer(kinetic + MUON_MASS)
    steps = np.linspace(0.0, 1.0, 81)
    upper = np.maximum(highest, cut * 1.0001)
    return cut * (upper / cut)[..., None] ** steps, upper


@lru_cache(maxsize=64)
def _material(of: Matter, cut: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Return soft ionisation (GeV/mm), soft radiation and its squares, and the hard cross sections (1/mm/GeV; 4, E, S)."""
    energy = np.geomspace(LOWEST, HIGHEST, NODES) + MUON_MASS
    per_mm = of.density / 10.0
    soft = restricted(energy, of, cut)
    low = np.geomspace(1e-5, cut, 61)
    logarithm = np.log(low)
    density = np.sum([f(energy[:, None], low, of) for f in PROCESSES[1:]], axis=0)
    first = np.trapezoid(density * low**2, logarithm, axis=1) * per_mm
    second = np.trapezoid(density * low**3, logarithm, axis=1) * per_mm
    radiated = atomic(energy, of, cut)
    first += radiated
    second += radiated * cut / 3.0  # their spectrum is about ln(T)/T^2
    secondary, _ = _grid(cut)
    hard = np.stack([f(energy[:, None], secondary[i], of) for i, f in enumerate(PROCESSES)]) * per_mm
    return soft, first, second, hard


def _quantiles(secondary: Floats, density: Floats, highest: Floats, cut: float) -> tuple[Floats, Floats]:
    """Return the rate, shape (E,), and ln(e/cut)/ln(highest/cut) at -ln(part above) = 0 ... TAIL, shape (E, Q)."""
    logarithm = np.log(secondary)
    value = density * secondary
    pieces = 0.5 * (value[:, 1:] + value[:, :-1]) * np.diff(logarithm, axis=1)
    above = np.concatenate([np.cumsum(pieces[:, ::-1], axis=1)[:, ::-1], np.zeros((len(pieces), 1))], axis=1)
    rate = above[:, 0]
    wanted = np.linspace(0.0, TAIL, QUANTILES)
    result = np.zeros((len(rate), QUANTILES))
    for row in np.flatnonzero(rate > 0.0):
        known = above[row] > 0.0
        depth = -np.log(above[row][known] / rate[row])
        result[row] = np.interp(wanted, depth, (logarithm[row][known] - np.log(cut))) / np.log(highest[row] / cut)
    return rate, result
