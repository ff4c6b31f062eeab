"""Hadrons from electromagnetic showers: how often a photon of the shower makes some, with which energy and where.

The number of interactions is the photons' track length in the shower (`emiss.physics.shower.approximation_a`: 0.572 E0/k^2 dk
radiation lengths) times nuclei per volume times the cross section A^0.92 sigma(gamma N), with

    sigma(gamma N) = 114.3 + 1.647 ln^2(0.0213 k/GeV) microbarn

(L. B. Bezrukov, E. V. Bugaev, Sov. J. Nucl. Phys. 33 (1981) 635) and the shadowing seen for 20-185 GeV (D. O. Caldwell et al.,
Phys. Rev. Lett. 42 (1979) 553: 0.65 A for lead). Electrons themselves add `VIRTUAL`: their equivalent photons,
(alpha/2 pi) [1+(1-v)^2] ln(m_rho^2/Q_min^2)/k per length of track, some 0.034/k, are 2 % of the real ones, which an electron
makes at the rate 4/3/k and which go 9/7 radiation lengths. Nothing is fitted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.physics.constants import AVOGADRO
from emiss.physics.shower import approximation_a

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats

SHADOWING = 0.92
"""Power of A of the cross section."""

VIRTUAL = 0.02
"""Of electrons, per one of photons."""

SOFTEST = 1.0
"""GeV: hadrons of less energy are not told from the shower."""

RATIOS = np.geomspace(2.5e-3, 1.0, 37)
DEPTHS = np.linspace(0.0, 30.0, 21)


class Photonuclear(NamedTuple):
    """Where photons of a shower go, by their energy over that of the electron.

    Attributes
    ----------
    ln_ratio : array of shape (R,)
        ln of k/E0, rising to 0.
    length : array of shape (R,)
        Track length of photons above the ratio, radiation lengths, falling to 0.
    depth : array of shape (D,)
        Radiation lengths.
    by_depth : array of shape (R, D)
        Which part of the track length around this ratio is within the depth.
    """

    ln_ratio: Floats
    length: Floats
    depth: Floats
    by_depth: Floats


def cross_section(k: Floats | float) -> Floats:
    """Return the cross section of photons on a nucleon, microbarn; k in GeV."""
    return np.asarray(114.3 + 1.647 * np.log(0.0213 * np.asarray(k)) ** 2)


def per_radiation_length(a: Floats, x0_mass: Floats) -> Floats:
    """Return the interactions per radiation length and microbarn on a nucleon; X0 in g/cm^2."""
    return np.asarray(AVOGADRO / a * x0_mass * a**SHADOWING * 1e-30 * (1.0 + VIRTUAL))


def table() -> Photonuclear:
    """Return the photons' track lengths in the shower of an electron."""
    _, _, photons = approximation_a.lengths_above(RATIOS, DEPTHS)
    photons = np.maximum(photons, 0.0)
    length = photons[-1]
    slices = np.maximum(-np.diff(photons, axis=1), 1e-12)
    share = np.maximum.accumulate(slices / slices[-1], axis=0)
    by_depth = np.concatenate([share[:, :1], share], axis=1).T
    return Photonuclear(np.log(RATIOS), length, DEPTHS.copy(), np.ascontiguousarray(by_depth))
