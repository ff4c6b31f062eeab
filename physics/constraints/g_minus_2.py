"""The scalar's contribution to the muon's anomalous magnetic moment (Eq. 3 of arXiv:2404.15931), and the coupling for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.constants import ELECTRON_MASS, MUON_MASS
from emiss.physics.validity import check_coupling

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from emiss.configs.arrays import Floats


NODES, PANELS = 24, 40

LOWEST = MUON_MASS - ELECTRON_MASS
"""GeV: phi must be heavier."""


@dataclass(frozen=True)
class Difference:
    """Measured minus predicted a_mu, its standard deviation, and where it is from."""

    value: float
    error: float
    source: str


DIFFERENCES = {
    "wp2020": Difference(
        249e-11,
        48e-11,
        "experiment 116592059(22)e-11 (E989 runs 1-3 and E821, Phys. Rev. Lett. 131 (2023) 161802) minus "
        "116591810(43)e-11 (Phys. Rep. 887 (2020) 1): what was known when arXiv:2404.15931 was written",
    ),
    "wp2025": Difference(
        26e-11,
        66e-11,
        "the same experiment minus 116592033(62)e-11 (Phys. Rep. 1143 (2025) 1, arXiv:2505.21476): no tension is left",
    ),
    "final2025": Difference(
        38.5e-11,
        63.7e-11,
        "experiment 116592071.5(14.5)e-11 (E989 runs 1-6, the final result, and E821: Phys. Rev. Lett. 135 (2025) 101802, "
        "arXiv:2506.03069) minus 116592033(62)e-11 (Phys. Rep. 1143 (2025) 1, arXiv:2505.21476)",
    ),
}
"""Named comparisons of experiment and theory."""


def contribution(m_phi: ArrayLike, coupling: ArrayLike = 1.0) -> Floats:
    """Return Delta a_mu of the scalar (Eq. 3).

    h^2/(16 pi^2) r Int_0^1 dx x^2 (1 - x)/[(1 - x)(1 - r x) + e x], r = (m_mu/m_phi)^2, e = (m_e/m_phi)^2; integrated in
    ln(1 - x), where the edge at x = 1 is smooth.

    Parameters
    ----------
    m_phi, coupling : arrays that broadcast
        GeV; h of Eq. 1.

    Raises
    ------
    ValueError
        If the mass is not above m_mu - m_e: the muon decays to electron and phi, and the integral has a pole.
    """
    mass, h = np.broadcast_arrays(np.asarray(m_phi, np.float64), np.asarray(coupling, np.float64))
    if np.any(~(mass > LOWEST)):
        msg = f"m_phi must be above {LOWEST:.6g} GeV: below, the muon decays to an electron and phi"
        raise ValueError(msg)
    points, weights = np.polynomial.legendre.leggauss(NODES)
    edges = np.linspace(0.0, 40.0, PANELS + 1)  # of -ln(1 - x); exp(-40) is nothing
    half = 0.5 * np.diff(edges)[:, None]
    t = (edges[:-1, None] + half * (1.0 + points)).ravel()
    w = np.exp(-t)
    r, e = ((m / mass[..., None]) ** 2 for m in (MUON_MASS, ELECTRON_MASS))
    x = -np.expm1(-t)
    inner = x**2 * w**2 / (w * (1.0 - r * x) + e * x)
    integral = inner @ (half * weights).ravel()
    value: Floats = h**2 / (16.0 * np.pi**2) * r[..., 0] * integral
    return value


def coupling_for(m_phi: ArrayLike, delta: ArrayLike) -> Floats:
    """Return the coupling h whose contribution is `delta`; 0 where that is not above 0.

    Parameters
    ----------
    m_phi, delta : arrays that broadcast
        GeV; Delta a_mu.

    Warns
    -----
    RangeWarning
        Where it is beyond perturbativity.
    """
    coupling: Floats = np.sqrt(np.maximum(np.asarray(delta, np.float64), 0.0) / contribution(m_phi))
    check_coupling(float(coupling.max(initial=0.0)), "for muon g-2: h")
    return coupling


def band(m_phi: ArrayLike, sigmas: float, difference: Difference = DIFFERENCES["wp2020"]) -> tuple[Floats, Floats]:
    """Return the lowest and the highest coupling that explain the difference within so many standard deviations.

    Where the difference is within so many of 0 the lowest is 0: no coupling is asked for, and the highest is an upper limit.
    """
    low, high = (difference.value + sign * sigmas * difference.error for sign in (-1.0, 1.0))
    return coupling_for(m_phi, low), coupling_for(m_phi, high)
