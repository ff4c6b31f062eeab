"""Axion-like particles that couple to two photons: width and decay length.

As in N. V. Krasnikov, "Search for dark matter at accelerators. NA64 experiment" (talk, INR RAS and JINR, undated).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.constants import HBAR_C

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from emiss.configs.arrays import Floats


def width(mass: ArrayLike, coupling: ArrayLike) -> Floats:
    """Return Gamma(a -> gamma gamma) = g^2 m^3/(64 pi) in GeV.

    Parameters
    ----------
    mass, coupling : arrays that broadcast
        GeV; g of a gamma gamma in 1/GeV.
    """
    value: Floats = np.asarray(coupling, np.float64) ** 2 * np.asarray(mass, np.float64) ** 3 / (64.0 * np.pi)
    return value


def decay_length(mass: ArrayLike, coupling: ArrayLike, energy: ArrayLike) -> Floats:
    """Return the mean decay length p/m hbar c/Gamma in mm; 4.0 m at 100 MeV, 1e-4/GeV and 100 GeV.

    Parameters
    ----------
    mass, coupling, energy : arrays that broadcast
        GeV, 1/GeV, GeV.

    Raises
    ------
    ValueError
        If the energy is below the mass, or mass or coupling is not above 0.
    """
    m, e = np.asarray(mass, np.float64), np.asarray(energy, np.float64)
    if np.any(~(m > 0.0)) or np.any(~(np.asarray(coupling, np.float64) > 0.0)):
        msg = "mass and coupling must be above 0: an ALP without either never decays"
        raise ValueError(msg)
    if np.any(~(e >= m)):
        msg = "the energy must not be below the mass"
        raise ValueError(msg)
    value: Floats = np.sqrt(e**2 - m**2) / m * HBAR_C / width(m, coupling)
    return value


def decay_probability(length: ArrayLike, start: float, stop: float) -> Floats:
    """Return the probability to decay between two distances from where it was made.

    Parameters
    ----------
    length : array
        Mean decay length, mm, above 0.
    start, stop : float
        mm, 0 <= start <= stop.

    Raises
    ------
    ValueError
        If a length is not above 0 or the distances are not in order.
    """
    mean = np.asarray(length, np.float64)
    if np.any(~(mean > 0.0)) or not 0.0 <= start <= stop:
        msg = f"a decay length is above 0, and distances rise from 0: not {start:g} to {stop:g} mm"
        raise ValueError(msg)
    value: Floats = np.exp(-start / mean) * -np.expm1(-(stop - start) / mean)
    return value
