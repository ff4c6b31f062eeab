"""Synchrotron radiation of particles in a bend: number of photons, their exact spectrum, and the particles' way out.

J. Schwinger, Phys. Rev. 75 (1949) 1912; A. A. Sokolov, I. M. Ternov, Synchrotron Radiation (1968). With the critical energy
E_c = 3/2 hbar c gamma^3/rho and y = k/E_c

    photons per radian = 5 alpha gamma/(2 sqrt 3),    dn/dy proportional to integral_y^inf K_5/3(x) dx,    <y> = 8/(15 sqrt 3)

so that 100 GeV electrons give 42 photons of 3.5 MeV on average in 6.8 T m. Left out: quantum corrections (of the order E_c/E,
1e-4 here), the angle of emission around the tangent (1/gamma, 5 urad), polarisation, the soft edges of magnets.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.integrate import cumulative_trapezoid
from scipy.special import kv

from emiss.physics.constants import ELECTRON_MASS
from emiss.physics.passage.synchrotron_kernels import (
    CURVATURE,
    MEAN,
    PER_RADIAN,
    Light,
    bend_all,
    critical_energy,
    photon_rate,
)

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats, Ints

WHOLE = 5.0 * np.pi / 3.0
"""Integral of x K_5/3(x) over all x: the norm of the spectrum."""

FIRST, LAST, STEP = -13.0, 36.0, 0.02
"""Range and step of the table in ln F/(1 - F), F being the share of photons below an energy."""

LEAST = 1e-5
"""GeV: softer photons do not come through the walls of a beam line."""


@cache
def light() -> Light:
    """Return the table of the spectrum."""
    logs = np.linspace(np.log(1e-18), np.log(60.0), 8000)
    below, above = shares(np.exp(logs))
    at = np.arange(FIRST, LAST + 0.5 * STEP, STEP)
    with np.errstate(divide="ignore"):
        found = np.log(below) - np.log(above)
    kept = np.isfinite(found)
    return Light(np.interp(at, found[kept], logs[kept]), FIRST, STEP)


def shares(y: Floats) -> tuple[Floats, Floats]:
    """Return the shares of photons below and above energies y = k/E_c.

    Parameters
    ----------
    y : array of shape (N,)
        Ascending and closely spaced (the integrals are taken on them), from a y that is much below 1 to one much above.

    Each is computed from its own end, so that small ones keep their digits.
    """
    values = kv(5.0 / 3.0, y)
    logs = np.log(y)

    def up(integrand: Floats, start: float) -> Floats:
        return start + cumulative_trapezoid(integrand * y, logs, initial=0.0)

    def down(integrand: Floats) -> Floats:
        return -cumulative_trapezoid((integrand * y)[::-1], logs[::-1], initial=0.0)[::-1]

    tail = down(values)  # integral of K from y on
    # x K_5/3 is 2^(2/3) Gamma(5/3) x^(-2/3) at small x, three times x times that below the first one
    moment = up(values * y, 3.0 * values[0] * y[0] ** 2)
    below = (moment + y * tail) / WHOLE
    above = down(tail) / WHOLE
    return below, above


def expected(energy: float, field: float, length: float, mass: float = ELECTRON_MASS) -> tuple[float, float]:
    """Return the mean number of photons and their mean energy (GeV) of a charge of 1 e in a field.

    Parameters
    ----------
    energy, mass : float
        GeV.
    field : float
        T, across the way.
    length : float
        mm.
    """
    number = float(photon_rate(energy, mass, field)) * length
    return number, MEAN * float(critical_energy(energy, mass, field))


def before(energy: Floats, field: float, length: float, mass: float = ELECTRON_MASS) -> Floats:
    """Return the energy (GeV) that particles of an energy behind a bend had before it, on average.

    The loss per mm goes with the square of the energy, so that the inverse of the energy grows evenly.

    Parameters
    ----------
    energy : array of shape (N,)
        GeV, far above the mass.
    field : float
        T.
    length : float
        mm.
    mass : float
        GeV.
    """
    number, mean = expected(1.0, field, length, mass)
    had: Floats = energy / (1.0 - number * mean * energy)
    return had


class Radiated(NamedTuple):
    """What comes out of a field.

    Attributes
    ----------
    states : array of shape (N, 4)
        x, y (mm), tx, ty at the end; NaN for a particle that is turned back.
    energy : array of shape (N,)
        GeV.
    photons : array of shape (P, 6)
        x, y, z (mm), tx, ty, energy (GeV).
    row : int array of shape (P,)
        Whose photons they are, ascending.
    lost : array of shape (N,)
        Energy of the photons that were too soft to be kept, GeV.
    """

    states: Floats
    energy: Floats
    photons: Floats
    row: Ints
    lost: Floats


def radiate(
    states: Floats,
    energy: Floats,
    *,
    by: float,
    region: tuple[float, float],
    rng: np.random.Generator,
    z: Floats | float | None = None,
    end: float | None = None,
    charge: Floats | float = -1.0,
    mass: Floats | float = ELECTRON_MASS,
    least: float = LEAST,
) -> Radiated:
    """Take particles through a vertical field to a plane, photon by photon, and in straight lines before and behind it.

    Parameters
    ----------
    states : array of shape (N, 4)
        x, y (mm), tx, ty.
    energy : array of shape (N,)
        GeV.
    by : float
        T.
    region : (float, float)
        Where the field begins and ends, mm.
    rng : numpy Generator
    z : array of shape (N,) or float, optional
        Where the particles are, mm; the beginning of the field.
    end : float, optional
        Where they are taken to, mm: the end of the field. Those behind it stay where they are.
    charge : array of shape (N,) or float
        +1 or -1.
    mass : array of shape (N,) or float
        GeV.
    least : float
        Photons below (GeV) are not kept.
    """
    many = len(states)
    low, high = region
    made, left = np.array(states, np.float64), np.array(energy, np.float64)
    at = np.full(many, low) if z is None else np.array(np.broadcast_to(z, many), np.float64)
    last = high if end is None else end
    masses, charges = (np.array(np.broadcast_to(value, many), np.float64) for value in (mass, charge))
    made[:, :2] += made[:, 2:] * np.maximum(np.minimum(low, last) - at, 0.0)[:, None]
    at = np.maximum(at, min(low, last))
    stop = min(high, last)
    room = _room(left, masses, by, np.maximum(stop - at, 0.0))
    photons, row, lost = np.empty((room, 6)), np.empty(room, np.int64), np.zeros(many)
    used = bend_all(light(), made, at, left, masses, charges, by, stop, least, rng, photons, row, lost)
    made[:, :2] += made[:, 2:] * np.maximum(last - np.maximum(at, stop), 0.0)[:, None]
    return Radiated(made, left, photons[:used], row[:used], lost)


def _room(energy: Floats, mass: Floats, by: float, length: Floats) -> int:
    """Return how many photons there will not be."""
    momentum = np.sqrt(np.maximum(energy**2 - mass**2, 1e-12))
    # arcs are longer than z by less than a half where particles get through at all
    mean = 1.5 * float(np.sum(PER_RADIAN * energy / mass * CURVATURE * abs(by) / momentum * length))
    return int(mean + 10.0 * np.sqrt(mean) + 100.0)
