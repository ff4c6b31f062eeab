"""What an S, P, V or A adds to the anomalous magnetic moment of the lepton that it couples to, at one loop.

With r = m^2/m_l^2 and D = x^2 + r (1 - x) the integrals over x from 0 to 1 (J. P. Leveille, Nucl. Phys. B 137 (1978) 63):

    V: g^2/(4 pi^2) x^2 (1 - x)/D,      A: g^2/(4 pi^2) [x (1 - x)(x - 4) - 2 x^3/r]/D,
    S: g^2/(8 pi^2) x^2 (2 - x)/D,      P: -g^2/(8 pi^2) x^3/D.

g is a coupling, so eps e of a dark photon. For the scalar that turns one lepton into another see
`emiss.physics.constraints.g_minus_2`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.constants import LEPTON_MASSES
from emiss.physics.constraints.g_minus_2 import Difference

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from emiss.configs.arrays import Floats

BOSONS = ("S", "P", "V", "A")

ELECTRON = {
    "rubidium": Difference(
        4.8e-13,
        3.0e-13,
        "experiment minus theory with alpha of rubidium (LKB, Nature 588 (2020) 61), as in a NA64 talk of 2025",
    ),
    "caesium": Difference(
        -8.8e-13,
        3.6e-13,
        "experiment minus theory with alpha of caesium (Berkeley, Science 360 (2018) 191), as in a NA64 talk of 2025",
    ),
}
"""Named differences of the electron's moment."""

NODES, PANELS = 24, 60

DEEPEST = 60.0
"""-ln(1 - x) and -ln x to which the integrals go."""


def contribution(boson: str, mass: ArrayLike, coupling: ArrayLike = 1.0, *, lepton: str = "muon") -> Floats:
    """Return Delta a_l.

    Parameters
    ----------
    boson : 'S', 'P', 'V' or 'A'
    mass, coupling : arrays that broadcast
        Of X, GeV; g.
    lepton : 'electron', 'muon' or 'tau'

    Raises
    ------
    ValueError
        For an unknown boson or lepton, or a mass that is not above 0.
    """
    if boson not in BOSONS or lepton not in LEPTON_MASSES:
        msg = f"no {boson} of the {lepton}; there are {', '.join(BOSONS)} of {', '.join(LEPTON_MASSES)}"
        raise ValueError(msg)
    m, g = np.broadcast_arrays(np.asarray(mass, np.float64), np.asarray(coupling, np.float64))
    if np.any(~(m > 0.0)):
        msg = "the mass must be above 0"
        raise ValueError(msg)
    r = (m[..., None] / LEPTON_MASSES[lepton]) ** 2
    x, other, weight = _points()
    d = x**2 + r * other
    numerator = {
        "V": 2.0 * x**2 * other,
        "A": 2.0 * (x * other * (x - 4.0) - 2.0 * x**3 / r),
        "S": x**2 * (1.0 + other),
        "P": -(x**3) * np.ones_like(r),
    }[boson]
    value: Floats = g**2 / (8.0 * np.pi**2) * ((numerator / d) @ weight)
    return value


def _points() -> tuple[Floats, Floats, Floats]:
    """Return x, 1 - x and weights of Gauss-Legendre nodes that are even in ln x below 1/2 and in ln(1 - x) above."""
    node, weight = np.polynomial.legendre.leggauss(NODES)
    edges = np.linspace(np.log(2.0), DEEPEST, PANELS + 1)
    half = 0.5 * np.diff(edges)[:, None]
    small = np.exp(-(edges[:-1, None] + half * (1.0 + node)).ravel())
    weights = (half * weight).ravel() * small
    return np.concatenate([small, 1.0 - small]), np.concatenate([1.0 - small, small]), np.tile(weights, 2)


def coupling_for(boson: str, mass: ArrayLike, delta: ArrayLike, *, lepton: str = "muon") -> Floats:
    """Return the g whose contribution is `delta`; NaN-free: 0 where `delta` has the other sign."""
    share = np.asarray(delta, np.float64) / contribution(boson, mass, lepton=lepton)
    value: Floats = np.sqrt(np.maximum(share, 0.0))
    return value


def band(
    boson: str, mass: ArrayLike, sigmas: float, difference: Difference, *, lepton: str = "muon"
) -> tuple[Floats, Floats]:
    """Return the lowest and the highest coupling that explain a difference within so many standard deviations."""
    ends = [
        coupling_for(boson, mass, difference.value + sign * sigmas * difference.error, lepton=lepton)
        for sign in (-1.0, 1.0)
    ]
    return np.minimum(*ends), np.maximum(*ends)
