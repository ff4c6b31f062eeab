"""Decays in flight to a muon and a neutrino: probability, and the muon's energy and angle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.constants import MUON_MASS

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats


def decay_probability(energy: float, mass: float, lifetime: float, length: float) -> float:
    """Return the probability that a particle decays within `length`.

    Parameters
    ----------
    energy, mass : float
        GeV.
    lifetime : float
        c tau, mm.
    length : float
        mm.

    Raises
    ------
    ValueError
        If the energy is below the mass, the length is below 0, or mass or lifetime is not above 0.
    """
    if not (0.0 < mass <= energy < np.inf and lifetime > 0.0 and length >= 0.0):
        msg = (
            f"no decay in flight at {energy:g} GeV, mass {mass:g} GeV, c tau {lifetime:g} mm, within {length:g} mm: "
            "the energy must not be below the mass, the length not below 0"
        )
        raise ValueError(msg)
    if energy == mass:
        return 1.0  # at rest
    beta_gamma = np.sqrt((energy / mass) ** 2 - 1.0)
    return float(-np.expm1(-length / (beta_gamma * lifetime)))


def muon_from_decay(energy: Floats, mass: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return energy (GeV) and polar angle (rad) of the muon of h -> mu nu, isotropic in the rest frame.

    The neutrino takes the rest of the energy. Two-body kinematics: E* = (M^2 + m^2)/(2M), boosted along the flight.

    Parameters
    ----------
    energy : array of shape (N,)
        Energy of the decaying particle, GeV.
    mass : float
        Its mass, GeV.
    rng : numpy Generator

    Raises
    ------
    ValueError
        If an energy is below the mass.
    """
    energy = np.asarray(energy, np.float64)
    if np.any(~(energy >= mass)):
        msg = f"an energy is below the mass of {mass:g} GeV"
        raise ValueError(msg)
    star = 0.5 * (mass**2 + MUON_MASS**2) / mass
    momentum = 0.5 * (mass**2 - MUON_MASS**2) / mass
    cosine = rng.uniform(-1.0, 1.0, energy.shape)
    gamma = energy / mass
    beta_gamma = np.sqrt(gamma**2 - 1.0)
    muon = gamma * star + beta_gamma * momentum * cosine
    along = beta_gamma * star + gamma * momentum * cosine
    across = momentum * np.sqrt(1.0 - cosine**2)
    return muon, np.arctan2(across, along)
