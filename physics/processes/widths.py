"""Widths of what X decays to, GeV: pairs of leptons, of photons, of hadrons, of neutrinos and of dark particles.

Tree level; g is the coupling to the particle in question (eps e for a dark photon), r = (m_l/m)^2. 0 below a threshold. Masses
may be arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.constants import ALPHA
from emiss.physics.constraints import annihilation

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats

SHAPES = ("S", "P", "V", "A")


def lepton_pair(boson: str, mass: Floats | float, lepton: float, coupling: float) -> Floats:
    """Return Gamma(X -> f f-bar) of a Dirac fermion: g^2 m/(12 pi) times a factor of the threshold.

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
    mass = np.asarray(mass, np.float64)
    r = (lepton / mass) ** 2
    beta = np.sqrt(np.maximum(1.0 - 4.0 * r, 0.0))
    shapes = {"S": 1.5 * beta**3, "P": 1.5 * beta, "V": beta * (1.0 + 2.0 * r), "A": beta**3}
    if boson not in shapes:
        msg = f"no boson '{boson}'; there are {', '.join(shapes)}"
        raise ValueError(msg)
    value: Floats = coupling**2 * mass / (12.0 * np.pi) * shapes[boson]
    return value


def hadrons(mass: Floats | float, mixing: float) -> Floats:
    """Return Gamma(A' -> hadrons) = eps^2 alpha m/3 R(m^2), R as in `emiss.physics.constraints.annihilation`.

    Above 2.6 GeV R is taken as there: charmonium is left out.
    """
    mass = np.asarray(mass, np.float64)
    at = np.minimum(mass, annihilation.LARGEST) ** 2
    value: Floats = mixing**2 * ALPHA * mass / 3.0 * annihilation.hadrons(at)
    return value


def neutrinos(mass: Floats | float, coupling: float, flavours: int, *, right_handed: bool = False) -> Floats:
    """Return Gamma(Z' -> nu nu-bar) = n g^2 m/(24 pi), twice that with light right-handed neutrinos beside."""
    value: Floats = (
        coupling**2 * np.asarray(mass, np.float64) / (24.0 * np.pi) * flavours * (2.0 if right_handed else 1.0)
    )
    return value


def dark_scalars(mass: Floats | float, chi: float, coupling: float) -> Floats:
    """Return Gamma(V -> phi phi*) of complex scalars: g^2 m/(48 pi) (1 - 4 r)^(3/2)."""
    mass = np.asarray(mass, np.float64)
    beta = np.sqrt(np.maximum(1.0 - 4.0 * (chi / mass) ** 2, 0.0))
    value: Floats = coupling**2 * mass / (48.0 * np.pi) * beta**3
    return value


DARK = ("dirac", "scalar")


def dark_pair(boson: str, kind: str, mass: Floats | float, chi: float, alpha_d: float) -> Floats:
    """Return Gamma(X -> chi chi), g_D^2 = 4 pi alpha_D.

    Of V: alpha_D m/3 (1 + 2 r^2) sqrt(1 - 4 r^2) for Dirac fermions, alpha_D m/12 (1 - 4 r^2)^(3/2) for complex scalars,
    r = m_chi/m.

    Parameters
    ----------
    boson : 'S', 'P', 'V' or 'A'
    kind : 'dirac' or 'scalar'
        Scalars are for V only.
    mass, chi : float
    alpha_d : float

    Raises
    ------
    ValueError
        For another kind.
    """
    coupling = float(np.sqrt(4.0 * np.pi * alpha_d))
    if kind == "dirac":
        return lepton_pair(boson, mass, chi, coupling)
    if kind == "scalar" and boson == "V":
        return dark_scalars(mass, chi, coupling)
    msg = f"no dark matter '{kind}' of {boson}; there are {' and '.join(DARK)}, the second of V only"
    raise ValueError(msg)


def photon_pair(mass: Floats | float, coupling: float) -> Floats:
    """Return Gamma(a -> gamma gamma) = g^2 m^3/(64 pi), g in 1/GeV."""
    value: Floats = coupling**2 * np.asarray(mass, np.float64) ** 3 / (64.0 * np.pi)
    return value


def inelastic_pair(mass: Floats | float, light: float, heavy: float, alpha_d: float) -> Floats:
    """Return Gamma(A' -> chi1 chi2) of Majorana fermions that a vector takes into each other.

    alpha_D m/3 (1 - Delta^2/m^2)^(3/2) (1 - M^2/m^2)^(1/2) (1 + M^2/(2 m^2)), M and Delta sum and difference of the masses.
    """
    m2 = np.asarray(mass, np.float64) ** 2
    sum2, difference2 = (light + heavy) ** 2 / m2, (heavy - light) ** 2 / m2
    beta = np.sqrt(np.maximum(1.0 - sum2, 0.0))
    value: Floats = alpha_d * np.sqrt(m2) / 3.0 * np.maximum(1.0 - difference2, 0.0) ** 1.5 * beta * (1.0 + 0.5 * sum2)
    return value
