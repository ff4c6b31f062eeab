"""Formulas of momenta, on arrays: those of the library `vector`, of which the signs of odd cases are taken over as well.

Arrays are float64 of one shape, NaN for undefined. Angles in rad; momenta, energies and masses in one unit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats


def exp10(x: Floats) -> Floats:
    """Return 10 to the power of x."""
    return cast("Floats", np.power(10.0, x))


def px(pt: Floats, phi: Floats) -> Floats:
    """Return the x component of a transverse momentum."""
    return pt * np.cos(phi)


def py(pt: Floats, phi: Floats) -> Floats:
    """Return the y component of a transverse momentum."""
    return pt * np.sin(phi)


def pz(pt: Floats, eta: Floats) -> Floats:
    """Return the momentum along z from the pseudorapidity."""
    return pt * np.sinh(eta)


def energy(x: Floats, y: Floats, z: Floats, m: Floats) -> Floats:
    """Return the energy from momentum and mass; a mass below 0 stands for -m**2 in E**2 = p**2 + m**2."""
    return cast("Floats", np.sqrt(np.maximum(np.copysign(m**2, m) + x**2 + y**2 + z**2, 0.0)))


def mass(x: Floats, y: Floats, z: Floats, e: Floats) -> Floats:
    """Return the invariant mass; below 0 where the energy is less than the momentum."""
    square = e**2 - (x**2 + y**2 + z**2)
    return cast("Floats", np.copysign(np.sqrt(np.abs(square)), square))


def pseudorapidity(z: Floats, pt: Floats) -> Floats:
    """Return the pseudorapidity from the momenta along and across z."""
    return cast("Floats", np.arcsinh(z / pt))


def delta_phi(a: Floats, b: Floats) -> Floats:
    """Return a - b as an angle from -pi (included) to pi."""
    return cast("Floats", (a - b + np.pi) % (2.0 * np.pi) - np.pi)
