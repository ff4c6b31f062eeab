"""Widths of what X decays to, GeV: pairs of leptons, of photons, of hadrons, and of dark particles.

Tree level; g is the coupling to the particle in question (eps e for a dark photon), r = (m_l/m)^2. 0 below a threshold.
"""

from __future__ import annotations

import numpy as np

from emiss.physics.constants import ALPHA
from emiss.physics.constraints import annihilation


def lepton_pair(boson: str, mass: float, lepton: float, coupling: float) -> float:
    """Return Gamma(X -> l+ l-): g^2 m/(12 pi) times a factor of the threshold.

    V: (1 + 2r) sqrt(1 - 4r); A: (1 - 4r)^(3/2); S and P have g^2 m/(8 pi) times (1 - 4r)^(3/2) and sqrt(1 - 4r).

    Parameters
    ----------
    boson : 'S', 'P', 'V' or 'A'
    mass, lepton : float
        Of X and of the lepton.
    coupling : float
        g.

    Raises
    ------
    ValueError
        For another boson.
    """
    r = (lepton / mass) ** 2
    beta = float(np.sqrt(max(1.0 - 4.0 * r, 0.0)))
    shapes = {"S": 1.5 * beta**3, "P": 1.5 * beta, "V": beta * (1.0 + 2.0 * r), "A": beta**3}
    if boson not in shapes:
        msg = f"no boson '{boson}'; there are {', '.join(shapes)}"
        raise ValueError(msg)
    return coupling**2 * mass / (12.0 * np.pi) * shapes[boson]


def hadrons(mass: float, mixing: float) -> float:
    """Return Gamma(A' -> hadrons) = eps^2 alpha m/3 R(m^2), R as in `emiss.physics.constraints.annihilation`.

    Above 2.6 GeV R is taken as there: charmonium is left out.
    """
    at = min(mass, annihilation.LARGEST) ** 2
    return mixing**2 * ALPHA * mass / 3.0 * float(annihilation.hadrons(at))


def dark_pair(kind: str, mass: float, chi: float, alpha_d: float) -> float:
    """Return Gamma(V -> chi chi).

    alpha_D m/3 (1 + 2 r^2) sqrt(1 - 4 r^2) for Dirac fermions, alpha_D m/12 (1 - 4 r^2)^(3/2) for complex scalars, r = m_chi/m.

    Parameters
    ----------
    kind : 'dirac' or 'scalar'
    mass, chi : float
    alpha_d : float
        g_D^2/(4 pi).

    Raises
    ------
    ValueError
        For another kind.
    """
    r2 = (chi / mass) ** 2
    beta = float(np.sqrt(max(1.0 - 4.0 * r2, 0.0)))
    shapes = {"dirac": (1.0 + 2.0 * r2) * beta, "scalar": 0.25 * beta**3}
    if kind not in shapes:
        msg = f"no dark matter '{kind}'; there are {', '.join(shapes)}"
        raise ValueError(msg)
    return alpha_d * mass / 3.0 * shapes[kind]


def photon_pair(mass: float, coupling: float) -> float:
    """Return Gamma(a -> gamma gamma) = g^2 m^3/(64 pi), g in 1/GeV."""
    return coupling**2 * mass**3 / (64.0 * np.pi)
