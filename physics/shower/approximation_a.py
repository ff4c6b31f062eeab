"""Rossi's approximation A of an electromagnetic shower, solved exactly: pair production and bremsstrahlung only.

Both in complete screening, with a = 4/3 + 2b, per radiation length (B. Rossi, High-Energy Particles, 1952, Sec. 5.10)

    bremsstrahlung  [a (1-v) + v^2]/v dv,   pair production  [1 - a u (1-u)] du,

and no ionisation, Compton effect or angles: right for energies far above the critical one (7 MeV in lead, 12 in the
calorimeter). The equations are linear and scale with energy, so that a Mellin transform in energy turns them into two
equations with constant coefficients; the inverse is a sum over a contour of Talbot's form (J. Abate, P. Valko, Int. J.
Numer. Meth. Eng. 60 (2004) 979).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats

Complex = np.ndarray[Any, np.dtype[np.complex128]]

SCREENING = 0.0122
"""b = 1/(18 ln(183 Z^(-1/3))), Rossi's value; lead has 0.015. It changes track lengths by 1.5 %."""

SLOPE = 4.0 / 3.0 + 2.0 * SCREENING
"""a of the formulas above."""

CONVERSION = 1.0 - SLOPE / 6.0
"""Pairs made by a photon per radiation length, 7/9 - b/3 (Rossi's sigma_0)."""

NODES = 24
"""Points on the contour: the inverse is right to 1e-10."""


def loss(s: Complex) -> Complex:
    """Return Rossi's A(s): the integral of [1 - (1-v)^s] over bremsstrahlung; an electron is lost from E^s at this rate."""
    from scipy.special import digamma

    soft = digamma(s + 1.0) + np.euler_gamma  # the integral of [1 - (1-v)^s]/v
    value: Complex = SLOPE * soft - SLOPE * s / (s + 1.0) + 0.5 - 1.0 / ((s + 1.0) * (s + 2.0))
    return value


def pairs(s: Complex) -> Complex:
    """Return Rossi's B(s): twice the integral of u^s over pair production."""
    value: Complex = 2.0 * (1.0 / (s + 1.0) - SLOPE / ((s + 2.0) * (s + 3.0)))
    return value


def photons(s: Complex) -> Complex:
    """Return Rossi's C(s): the integral of v^s over bremsstrahlung."""
    value: Complex = SLOPE / (s * (s + 1.0)) + 1.0 / (s + 2.0)
    return value


def lengths_above(ratio: Floats, depth: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the track lengths, in radiation lengths, above an energy and down to a depth, per primary electron.

    Parameters
    ----------
    ratio : array of shape (B,)
        Energy over the primary's, above 0; from 1 on there is nothing.
    depth : array of shape (D,)
        Radiation lengths.

    Returns
    -------
    primary, all, photons : arrays of shape (D, B)
        The primary electron, all electrons and positrons, photons.
    """
    ratio = np.asarray(ratio, np.float64)
    below = ratio < 1.0
    found = np.zeros((3, len(depth), len(ratio)))
    if below.any():
        s, weight = _contour(-np.log(ratio[below]))
        for kind, transforms in enumerate(_integrals(s, depth)):
            found[kind][:, below] = [(weight * transform / s).real.sum(axis=-1) for transform in transforms]
    return found[0], found[1], found[2]


def _integrals(s: Complex, depth: Floats) -> tuple[list[Complex], list[Complex], list[Complex]]:
    """Return the transforms integrated from 0 to each depth, E0 = 1: primary electron, electrons and positrons, photons."""
    a, b, c = loss(s), pairs(s), photons(s)
    root = np.sqrt((a - CONVERSION) ** 2 + 4.0 * b * c)
    first, second = 0.5 * (root - a - CONVERSION), -0.5 * (root + a + CONVERSION)  # Rossi's lambda_1, lambda_2

    def grown(rate: Complex, t: float) -> Complex:
        return np.asarray(np.expm1(rate * t) / rate)

    alone, both, light = [], [], []
    for t in depth:
        one, two = grown(first, float(t)), grown(second, float(t))
        alone.append(grown(-a, float(t)))
        both.append(((CONVERSION + first) * one - (CONVERSION + second) * two) / root)
        light.append(c * (one - two) / root)
    return alone, both, light


def _contour(y: Floats) -> tuple[Complex, Complex]:
    """Return nodes and weights with which the inverse transform at y = ln(E0/E) is a sum, both of shape (B, NODES)."""
    angle = np.arange(1, NODES) * np.pi / NODES
    cotangent = 1.0 / np.tan(angle)
    radius = (0.4 * NODES / y)[:, None]
    s = np.concatenate([radius.astype(np.complex128), radius * angle * (cotangent + 1j)], axis=1)
    slope = 1.0 + 1j * (angle + (angle * cotangent - 1.0) * cotangent)
    weight = np.concatenate([np.full_like(radius, 0.5), np.broadcast_to(slope, (len(y), NODES - 1))], axis=1)
    return s, radius / NODES * np.exp(y[:, None] * s) * weight
