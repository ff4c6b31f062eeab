"""What matter on the way does to a track: multiple scattering, mean energy loss and its fluctuation, as process noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.reco.field.curvature import CURVATURE

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.reco.field.steps import Steps

HIGHLAND = 0.0136
"""GeV: theta0 = 13.6 MeV/p sqrt(t) (1 + 0.038 ln t), t in radiation lengths (PDG 2022, Eq. 34.16; beta = 1)."""

AIR = 303.9e3
"""Radiation length of dry air at 20 C and 1 atm, mm (PDG: 36.62 g/cm2, 1.205 g/l)."""

LOSS = 0.070
"""GeV per radiation length that a minimum ionizing muon loses in light matter (PDG: air 66 MeV, Kapton 74 MeV)."""

STRAGGLING = 0.0052
"""GeV per radiation length: rms of a Gaussian of the width of the Landau distribution, 4 xi/2.355 with
xi = 0.1535 MeV Z/A x (PDG 2022, Sec. 34.2.9), for light matter of 40 g/cm2 per radiation length."""


def highland(thickness: Floats) -> Floats:
    """Return the scattering angle per view (rad) of p = 1 GeV in matter of so many radiation lengths; 0 in none."""
    thickness = np.asarray(thickness, np.float64)
    some = thickness > 0.0
    logarithm = np.log(np.where(some, thickness, 1.0))
    angle: Floats = HIGHLAND * np.sqrt(thickness) * np.maximum(1.0 + 0.038 * logarithm, 0.0)
    return angle


def scattering(z: Floats, lengths: Floats, air: bool) -> Floats:
    """Return the covariance of displacements (P, P) that scattering makes for p = 1 GeV along z; it goes as 1/p^2.

    Parameters
    ----------
    z : array of shape (P,)
        Planes, mm.
    lengths : array of shape (P,)
        Radiation lengths of the planes.
    air : bool
        Whether the gaps between the planes hold air. A slab from a to b scatters as at its middle m, with
        (z_i - m)(z_j - m) + (b - a)^2/12 for the lever arms.
    """
    gaps = np.diff(z)
    arms = np.maximum(z[:, None] - z[None, :], 0.0)
    out: Floats = np.einsum("ik,jk,k->ij", arms, arms, highland(lengths) ** 2)
    if air:
        behind = z[:, None] > z[None, :-1]
        arms = np.where(behind, z[:, None] - (z[:-1] + 0.5 * gaps), 0.0)
        theta = highland(gaps / AIR) ** 2
        out += np.einsum("ik,jk,k->ij", arms, arms, theta)
        out += np.einsum("ik,jk,k->ij", behind, behind, theta * gaps**2 / 12.0)
    return out


def straggling(z: Floats, lengths: Floats, air: bool, steps: Steps) -> Floats:
    """Return the covariance of displacements in x (P, P) that fluctuations of the energy loss make, for p = 1 GeV.

    It goes as 1/p^4: a change of energy in plane k moves a hit at z_i by (q/p^2) C times the double integral of By from k to
    i, here for small angles. Air counts where its gap begins.
    """
    sigma = STRAGGLING * (lengths + (np.append(np.diff(z), 0.0) / AIR if air else 0.0))
    arms = steps.levers[:, None] - steps.levers[None, :] - steps.bends[None, :] * (z[:, None] - z[None, :])
    arms = CURVATURE * np.where(z[:, None] > z[None, :], arms, 0.0)
    out: Floats = np.einsum("ik,jk,k->ij", arms, arms, sigma**2)
    return out


def with_losses(steps: Steps, lengths: Floats, air: bool) -> Steps:
    """Return steps that begin with the mean energy loss in the plane they start from, and half that in the air around."""
    begins = np.concatenate(([0], steps.plane[:-1]))
    thickness = np.where(begins >= 0, lengths[begins], 0.0)
    if air:
        thickness = thickness + 0.5 * (steps.length + np.concatenate(([0.0], steps.length[:-1]))) / AIR
    return steps._replace(loss=LOSS * thickness)
