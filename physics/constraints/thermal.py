"""Thermal dark matter behind a dark photon: the lines of seed 003 (N. V. Krasnikov) in eps^2 alpha_D, and freeze-out.

The lines are the lectures' rules for m_A' = 3 m_chi; the formulas beside them are theirs, too, and are approximate in the
same way (constant g*, no threshold, no resonance).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from physics.constants import PLANCK_MASS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Array = np.ndarray[Any, np.dtype[np.float64]]

P_WAVE, S_WAVE = 1e-11, 0.4e-12
"""eps^2 alpha_D at 1 MeV: scalar and fermion dark matter (seed 003)."""

LINES = {"scalar": P_WAVE, "majorana": 0.5 * P_WAVE, "pseudo_dirac": S_WAVE}
"""Scalar and Majorana annihilate in p-wave (Majorana with "an additional factor 1/2"), pseudo-Dirac fermions in s-wave."""

G_STAR = 10.75
"""Degrees of freedom of photons, electrons and neutrinos, between 1 and 100 MeV."""


def line(m_chi: ArrayLike, kind: str) -> Array:
    """Return eps^2 alpha_D of thermal dark matter for m_A' = 3 m_chi, proportional to m_chi^2.

    Parameters
    ----------
    m_chi : array
        GeV.
    kind : 'scalar', 'majorana' or 'pseudo_dirac'
    """
    if kind not in LINES:
        msg = f"no dark matter '{kind}'; there is {', '.join(LINES)}"
        raise ValueError(msg)
    return LINES[kind] * (np.asarray(m_chi, np.float64) / 1e-3) ** 2


def y_line(m_chi: ArrayLike, kind: str, *, ratio: float = 3.0) -> Array:
    """Return y = eps^2 alpha_D (m_chi/m_A')^4 on the line, the variable of NA64's figures.

    Parameters
    ----------
    m_chi : array
        GeV.
    kind : str
        As in `line`.
    ratio : float
        m_A'/m_chi.
    """
    if ratio <= 0:
        msg = "the ratio of the masses must be above 0"
        raise ValueError(msg)
    return line(m_chi, kind) / ratio**4


def s_wave(m_chi: ArrayLike, *, ratio: float = 3.0, c_s: float = 1.0, g_star: float = G_STAR) -> Array:
    """Return eps^2 alpha_D of s-wave annihilation, 2e-8 GeV^-2 (m_A'^2 - 4 m_chi^2)^2/m_chi^2 2 c_s/sqrt(g*) (seed 003).

    Parameters
    ----------
    m_chi : array
        GeV.
    ratio : float
        m_A'/m_chi, not 2.
    c_s : float
        A factor of order 1 that the seed does not define.
    g_star : float
        Averaged degrees of freedom.
    """
    mass = np.asarray(m_chi, np.float64)
    value: Array = 2e-8 * mass**2 * (ratio**2 - 4.0) ** 2 * 2.0 * c_s / np.sqrt(g_star)
    return value


def freeze_out(
    m_chi: ArrayLike, sigma: ArrayLike, *, wave: int = 0, spin_states: float = 2.0, g_star: float = G_STAR
) -> Array:
    """Return x_f = m_chi/T at freeze-out: c - (n + 1/2) ln c, c = ln(0.038 (n + 1) g/sqrt(g*) M_Pl m_chi sigma_0).

    Parameters
    ----------
    m_chi, sigma : arrays that broadcast
        GeV; sigma_0 of <sigma v> = sigma_0 x^-n, GeV^-2 (half the annihilation cross section where the particle is not its
        own antiparticle).
    wave : int
        n: 0 for s-wave, 1 for p-wave.
    spin_states, g_star : float
        Internal degrees of freedom g, and relativistic ones.
    """
    argument = 0.038 * (wave + 1) * spin_states / np.sqrt(g_star) * PLANCK_MASS * np.asarray(m_chi) * np.asarray(sigma)
    if np.any(argument <= np.e):
        msg = "dark matter that interacts so weakly was never in equilibrium"
        raise ValueError(msg)
    c = np.log(argument)
    x_f: Array = c - (wave + 0.5) * np.log(c)
    return x_f


def relic_density(
    m_chi: ArrayLike, sigma: ArrayLike, *, wave: int = 0, spin_states: float = 2.0, g_star: float = G_STAR
) -> Array:
    """Return Omega h^2 = 0.1 (n + 1) x_f^(n + 1) sqrt(g*)/g*_s 0.876e-9 GeV^-2/sigma_0, with g*_s = g*.

    Arguments as in `freeze_out`.
    """
    x_f = freeze_out(m_chi, sigma, wave=wave, spin_states=spin_states, g_star=g_star)
    value: Array = 0.1 * (wave + 1) * x_f ** (wave + 1) / np.sqrt(g_star) * 0.876e-9 / np.asarray(sigma)
    return value
