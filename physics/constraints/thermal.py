"""Thermal dark matter behind a dark photon: lines in eps^2 alpha_D, and freeze-out.

The rules are those of N. V. Krasnikov, "Search for dark matter at accelerators. NA64 experiment" (talk, INR RAS and JINR,
undated), for m_A' = 3 m_chi and annihilation to electrons. With the factor (m_A'^2 - 4 m_chi^2)^2 of its formula they hold for
any ratio, and divided by what opens beside electrons (`emiss.physics.constraints.annihilation`, averaged over the
velocities at freeze-out) for heavier dark matter. Constant g*, no resonance of the A'.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.constants import ELECTRON_MASS, PLANCK_MASS
from emiss.physics.constraints import annihilation
from emiss.physics.validity import RangeWarning

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from emiss.configs.arrays import Floats


P_WAVE, S_WAVE = 1e-11, 0.4e-12
"""eps^2 alpha_D at 1 MeV for m_A' = 3 m_chi: scalar and fermion dark matter."""

LINES = {"scalar": P_WAVE, "majorana": 0.5 * P_WAVE, "pseudo_dirac": S_WAVE}
"""Scalar and Majorana annihilate in p-wave (Majorana with "an additional factor 1/2"), pseudo-Dirac fermions in s-wave."""

WAVES = {"scalar": 1, "majorana": 1, "pseudo_dirac": 0}
"""n of sigma v proportional to v^2n."""

RATIO = 3.0
"""m_A'/m_chi of the rules and of most figures."""

RESONANCE = 0.5
"""Distance of the ratio from 2 within which the pole, which is left out, is felt: at freeze-out s is 4.3 to 4.6 m_chi^2, so
that the factor of the rules is 1.3 times too high at a ratio of 2.5 and 2.4 times at 2.2."""

LIGHTEST, HEAVIEST = ELECTRON_MASS, 1.0
"""m_chi of the lines, GeV: from where it annihilates to electrons, to where charmonium begins to count."""

X_FREEZE_OUT = 20.0
"""m_chi/T at freeze-out (10 to 20 in the talk)."""

G_STAR = 10.75
"""Degrees of freedom of photons, electrons and neutrinos, between 1 and 100 MeV."""

FASTEST, STEPS = 16.0, 4000
"""Largest kinetic energy of a pair over the temperature, and points below it: enough of them for the peak of the phi."""


def line(m_chi: ArrayLike, kind: str, *, ratio: float = RATIO) -> Floats:
    """Return eps^2 alpha_D of thermal dark matter.

    The talk's rule, proportional to m_chi^2 (ratio^2 - 4)^2, over `opened`.

    Parameters
    ----------
    m_chi : array
        GeV, above the electron's mass and up to 1 GeV.
    kind : 'scalar', 'majorana' or 'pseudo_dirac'
    ratio : float
        m_A'/m_chi, above 1 (below, pairs of A' are made) and not 2.

    Raises
    ------
    ValueError
        For an unknown kind, a ratio or a mass outside the range.

    Warns
    -----
    RangeWarning
        For a ratio within 0.5 of 2.
    """
    if kind not in LINES:
        msg = f"no dark matter '{kind}'; there is {', '.join(LINES)}"
        raise ValueError(msg)
    if not ratio > 1.0 or ratio == 2.0 or not np.isfinite(ratio):
        msg = (
            f"m_A'/m_chi = {ratio:g}: the lines hold above 1, where no pair of A' is made, and not at 2, the resonance"
        )
        raise ValueError(msg)
    if abs(ratio - 2.0) < RESONANCE:
        text = f"m_A'/m_chi = {ratio:g} is next to the resonance at 2, which the thermal lines leave out"
        warnings.warn(text, RangeWarning, stacklevel=2)
    mass = np.asarray(m_chi, np.float64)
    distance = ((ratio**2 - 4.0) / (RATIO**2 - 4.0)) ** 2
    value: Floats = LINES[kind] * (mass / 1e-3) ** 2 * distance / opened(mass, WAVES[kind])
    return value


def y_line(m_chi: ArrayLike, kind: str, *, ratio: float = RATIO) -> Floats:
    """Return y = eps^2 alpha_D (m_chi/m_A')^4 on the line, the variable of NA64's figures; arguments as in `line`."""
    return line(m_chi, kind, ratio=ratio) / ratio**4


def opened(m_chi: ArrayLike, wave: int, *, x: float = X_FREEZE_OUT) -> Floats:
    """Return annihilation to electrons, muons and hadrons over that to electrons, averaged over velocities at freeze-out.

    In the non-relativistic limit s = 4 m^2 (1 + u/x), u the kinetic energy of the pair over the temperature, and the weight is
    u^(n + 1/2) exp(-u).

    Parameters
    ----------
    m_chi : array
        GeV.
    wave : int
        n: 0 for s-wave, 1 for p-wave.
    x : float
        m_chi/T.

    Raises
    ------
    ValueError
        For a mass outside the range of the lines.
    """
    mass = np.asarray(m_chi, np.float64)
    if np.any(~((mass > LIGHTEST) & (mass <= HEAVIEST))):
        msg = (
            f"thermal lines go from {LIGHTEST:.3g} GeV, the electron's mass, to {HEAVIEST:g} GeV of dark matter: "
            "beyond, charmonium opens"
        )
        raise ValueError(msg)
    u = (np.arange(STEPS) + 0.5) * (FASTEST / STEPS)
    weight = u ** (wave + 0.5) * np.exp(-u)
    weight /= weight.sum()
    s = np.minimum(4.0 * mass[..., None] ** 2 * (1.0 + u / x), annihilation.LARGEST**2)
    value: Floats = annihilation.channels(s) @ weight
    return value


def freeze_out(
    m_chi: ArrayLike, sigma: ArrayLike, *, wave: int = 0, spin_states: float = 2.0, g_star: float = G_STAR
) -> Floats:
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
    x_f: Floats = c - (wave + 0.5) * np.log(c)
    return x_f


def relic_density(
    m_chi: ArrayLike, sigma: ArrayLike, *, wave: int = 0, spin_states: float = 2.0, g_star: float = G_STAR
) -> Floats:
    """Return Omega h^2 = 0.1 (n + 1) x_f^(n + 1) sqrt(g*)/g*_s 0.876e-9 GeV^-2/sigma_0, with g*_s = g*.

    Arguments as in `freeze_out`.
    """
    x_f = freeze_out(m_chi, sigma, wave=wave, spin_states=spin_states, g_star=g_star)
    value: Floats = 0.1 * (wave + 1) * x_f ** (wave + 1) / np.sqrt(g_star) * 0.876e-9 / np.asarray(sigma)
    return value
