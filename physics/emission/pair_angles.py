"""Directions of the muons of gamma N -> mu+ mu- N, with what the nucleus takes: they come out nearly back to back.

H. Burkhardt, S. Kelner, R. Kokoulin, CERN-SL-2002-016 (2002), as in the Geant4 Physics Reference Manual ("Gamma conversion
into lepton pair"). With u+- = gamma+- theta+- the muons have u+- = u +- (rho cos psi)/2 and the azimuths differ from pi by
(rho sin psi)/u: rho is the transverse momentum that the nucleus takes, in muon masses. The density factorises in t =
1/(1 + u^2), psi and rho:

- t: (1 - 2 x+x- + 4 x+x- t (1 - t)) times the integral over rho^2 of rho^2 / (rho^2 + q^2)^2 / (1 + (rho^2 + q^2)/L^2)^2,
  q = m/(2 E x+x- t): the least momentum that the nucleus takes, and its form factor;
- psi: 1 - 2 x+x- + 4 x+x- t (1 - t) (1 + cos 2 psi);
- rho: rho^3/(rho^4 + C2) up to rho_max, C2 from q and from the screening by the atom's electrons.

Left out: that rho has the form factor's shape (a sharp end stands for it), polarisation, breakup of the nucleus.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.constants import ELECTRON_MASS, LEAD, MUON_MASS, Nucleus

if TYPE_CHECKING:
    from collections.abc import Callable

    from emiss.configs.arrays import Floats, Ints

FORM_FACTOR = 0.276
"""m/L over A^0.27, L the scale of the nuclear form factor 1/(1 + q^2/L^2)."""

LARGEST = 1.9
"""rho_max t/(1 - t) times A^0.27."""

SCREENING = 183.0
"""Of Thomas and Fermi, in the radiation logarithm."""

SMALL = 0.02
"""Below this L^2/q^2 the integral over rho is taken from its series."""

STEEPEST = 0.5 * np.pi
"""rad; muons with more are drawn again, as they go backwards."""


@dataclass(frozen=True)
class Angles:
    """Directions of N pairs relative to their photons.

    Attributes
    ----------
    plus, minus : arrays of shape (N,)
        Polar angles of mu+ and mu-, rad; below 0 for one that lies on the other's side.
    fold : array of shape (N,)
        rad; mu+ has the azimuth phi + fold, mu- phi - fold + pi, at a random phi.
    """

    plus: Floats
    minus: Floats
    fold: Floats


def recoil_integral(least: Floats, scale: float) -> Floats:
    """Return the integral over s = rho^2 of s/((s + a)^2 (s + a + b)^2), a = `least`, b = `scale`.

    It is ((2 a + b) ln(1 + b/a) - 2 b)/b^3.
    """
    ratio = scale / least
    exact = ((2.0 + ratio) * np.log1p(ratio) - 2.0 * ratio) / ratio**3
    series = (1.0 - ratio + 0.9 * ratio**2) / 6.0
    found: Floats = np.where(ratio > SMALL, exact, series) / least**2
    return found


def sample_angles(energy: Floats, share: Floats, rng: np.random.Generator, nucleus: Nucleus = LEAD) -> Angles:
    """Return the directions of muon pairs.

    Parameters
    ----------
    energy : array of shape (N,)
        Of photons, GeV.
    share : array of shape (N,)
        x+, of the photon's energy; both muons above their mass.
    rng : numpy Generator
    nucleus : Nucleus
    """
    found = Angles(*np.empty((3, len(energy))))
    todo = np.arange(len(energy))
    while len(todo):
        drawn = _sample(energy[todo], share[todo], rng, nucleus)
        forward = (np.abs(drawn.plus) < STEEPEST) & (np.abs(drawn.minus) < STEEPEST)
        for name in ("plus", "minus", "fold"):
            getattr(found, name)[todo[forward]] = getattr(drawn, name)[forward]
        todo = todo[~forward]
    return found


def _sample(energy: Floats, share: Floats, rng: np.random.Generator, nucleus: Nucleus) -> Angles:
    product, unit = share * (1.0 - share), MUON_MASS / energy
    size = nucleus.a**0.27
    least = 0.5 * unit / product
    scale = (FORM_FACTOR * size) ** -2

    def of_t(t: Floats, row: Ints) -> Floats:
        shape: Floats = recoil_integral((least[row] / t) ** 2, scale)
        shape *= 1.0 - 2.0 * product[row] + 4.0 * product[row] * t * (1.0 - t)
        return shape

    t = _accepted(of_t, (1.0 - product) * recoil_integral(least**2, scale), rng)
    swing = 4.0 * product * t * (1.0 - t)

    def of_psi(turn: Floats, row: Ints) -> Floats:
        value: Floats = 1.0 - 2.0 * product[row] + swing[row] * (1.0 + np.cos(4.0 * np.pi * turn))
        return value

    psi = 2.0 * np.pi * _accepted(of_psi, 1.0 - 2.0 * product + 2.0 * swing, rng)
    screening = ELECTRON_MASS * nucleus.z ** (1 / 3) / (SCREENING * MUON_MASS)
    c2 = 4.0 / np.sqrt(product) * ((least / t) ** 2 + screening**2) ** 2
    most = LARGEST / size * (1.0 / t - 1.0)
    rho = (c2 * np.expm1(np.log1p(most**4 / c2) * rng.random(len(t)))) ** 0.25
    u = np.sqrt(1.0 / t - 1.0)
    aside = 0.5 * rho * np.cos(psi)
    return Angles(unit * (u + aside) / share, unit * (u - aside) / (1.0 - share), 0.5 * rho / u * np.sin(psi))


def _accepted(density: Callable[[Floats, Ints], Floats], bound: Floats, rng: np.random.Generator) -> Floats:
    """Return a number between 0 and 1 for each bound, by accept-reject; `density` is of numbers and the rows they are for."""
    found = np.empty(len(bound))
    todo = np.arange(len(bound))
    while len(todo):
        x = 1.0 - rng.random(len(todo))
        hit = rng.random(len(todo)) * bound[todo] < density(x, todo)
        found[todo[hit]] = x[hit]
        todo = todo[~hit]
    return found
