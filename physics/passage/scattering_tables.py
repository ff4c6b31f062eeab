"""Single collisions that deflect a muon, by momentum transfer: tables for mixtures of materials.

Rutherford's cross section with Moliere's screening, on nuclei with form factor and on the electrons: the law of
`emiss.physics.passage.single_scattering`, for any elements. Transfers depend on the muon by 1/beta^2 alone, so that the tables
know no energy. In matter of many radiation lengths the nuclei's size cuts into the Gaussian core, too: that is in the sums.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.physics.constants import ALPHA
from emiss.physics.passage.single_scattering import DIPOLE, HBAR_C

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.configs.arrays import Floats
    from emiss.physics.passage.matter import Matter

NODES = 128

LOWEST, HIGHEST = 1e-7, 2.0
"""Momentum transfers, GeV."""

ELECTRONS = 0.03
"""GeV; electrons at rest hardly take more: a GeV of recoil energy."""

RAREST = 1e-9
"""1/mm; collisions with more momentum transfer than those that come once in 1000 km are left out."""


class ScatteringTables(NamedTuple):
    """Tables for M mixtures, by the logarithm of the rate.

    Attributes
    ----------
    often : array of shape (M,)
        Logarithm of the rate of all collisions, 1/mm.
    per_step : array of shape (M,)
        Nodes per unit of that logarithm, downwards.
    transfer : array of shape (M, Q)
        Logarithm of the momentum transfer (GeV) above which the rate is that of the node, for beta = 1.
    below : array of shape (M, Q)
        Sum of squares of the smaller transfers, GeV^2/mm.
    """

    often: Floats
    per_step: Floats
    transfer: Floats
    below: Floats


def radius(a: float) -> float:
    """Return the rms charge radius (fm) of a nucleus of mass number `a`: 0.82 A^(1/3) + 0.58.

    A. V. Butkevich, R. P. Kokoulin, G. V. Matushko, S. P. Mikheyev, Nucl. Instrum. Meth. A 488 (2002) 282; lead 5.43 fm, iron
    3.72 fm, carbon 2.46 fm.
    """
    return 0.84 if a < 1.5 else 0.82 * a ** (1 / 3) + 0.58


def scattering_tables(fractions: Floats, materials: Sequence[Matter]) -> ScatteringTables:
    """Return the tables of mixtures, `fractions` of shape (M, K) being mm of each of K materials per mm of depth."""
    count = len(fractions)
    q = np.geomspace(LOWEST, HIGHEST, 400)
    often, per_step = np.zeros(count), np.ones(count)
    transfer, below = np.full((count, NODES), np.log(LOWEST)), np.zeros((count, NODES))
    for m, row in enumerate(np.asarray(fractions, np.float64)):
        used = [int(k) for k in np.flatnonzero(row > 0.0)]
        if not used:
            often[m] = np.log(RAREST)
            continue
        density = np.sum([row[k] * collisions(q, materials[k]) for k in used], axis=0)
        by_log = 2.0 * q**2 * density  # per unit of ln q
        step = np.log(q[1] / q[0])
        pieces = 0.5 * (by_log[1:] + by_log[:-1]) * step
        above = np.append(np.cumsum(pieces[::-1])[::-1], 0.0)
        squares = 0.5 * ((by_log * q**2)[1:] + (by_log * q**2)[:-1]) * step
        sums = np.insert(np.cumsum(squares), 0, 0.0)
        known = above > RAREST
        logarithm = np.log(above[known])
        nodes = np.linspace(logarithm[0], logarithm[-1], NODES)
        often[m], per_step[m] = logarithm[0], (NODES - 1) / (logarithm[0] - logarithm[-1])
        transfer[m] = np.interp(-nodes, -logarithm, np.log(q[known]))
        below[m] = np.interp(-nodes, -logarithm, sums[known])
    return ScatteringTables(often, per_step, transfer, below)


def collisions(q: Floats, of: Matter) -> Floats:
    """Return collisions per mm and GeV^2 of the squared momentum transfer q (GeV), for beta = 1.

    chi_c^2 = 0.157 MeV^2 Z (Z + 1) t/A, t in g/cm^2; screening 4.216 keV Z^(1/3) sqrt(1.13 + 3.76 alpha^2 Z^2)
    (H. A. Bethe, Phys. Rev. 89 (1953) 1256, Eqs. 10, 20, 21).
    """
    total: Floats = np.zeros_like(q)
    for z, a, weight in of.elements:
        screened = (4.216e-6 * z ** (1 / 3)) ** 2 * (1.13 + 3.76 * (ALPHA * z) ** 2)
        nucleus = np.exp(-((q * radius(a) / HBAR_C) ** 2) / 3.0) if a > 1.5 else (1.0 + q**2 / DIPOLE) ** -4
        proton = (1.0 + q**2 / DIPOLE) ** -4
        electrons = 1.0 / (1.0 + (q / ELECTRONS) ** 4)
        shape = z * z * nucleus + z * (1.0 - nucleus) * proton + z * electrons
        total = total + 0.157e-6 * weight * of.density / 10.0 / a * shape / (q**2 + screened) ** 2
    return total
