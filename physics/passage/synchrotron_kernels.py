"""Kernels of synchrotron radiation: photons drawn one by one along a bend."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from emiss.configs.compiled import fused, kernel
from emiss.physics.constants import ALPHA, HBAR_C

if TYPE_CHECKING:
    import numpy as np

    from emiss.configs.arrays import Floats, Ints

CURVATURE = 0.299792458e-3
"""GeV/(T mm): the momentum over the curvature of a charge of 1 e in a field."""

PER_RADIAN = 5.0 * ALPHA / (2.0 * math.sqrt(3.0))
"""Photons per gamma and radian of bend."""

MEAN = 8.0 / (15.0 * math.sqrt(3.0))
"""Mean energy of a photon over the critical energy."""

HARDEST = 40.0
"""No photon in 1e16 is above so many critical energies."""


class Light(NamedTuple):
    """The spectrum of synchrotron radiation for drawing from it.

    Attributes
    ----------
    log_energy : array
        ln(k/E_c) at equal steps of ln F/(1 - F), F being the share of photons below k; below the first one k is as F^3.
    first, step : float
        Of the table.
    """

    log_energy: Floats
    first: float
    step: float


@fused
def critical_energy(energy: float, mass: float, field: float) -> float:
    """Return 3/2 hbar c gamma^3/rho (GeV) of a charge of 1 e in a field (T) across its way."""
    gamma = energy / mass
    momentum = math.sqrt(max(energy * energy - mass * mass, 0.0))
    return 1.5 * HBAR_C * gamma * gamma * gamma * CURVATURE * abs(field) / momentum


@fused
def photon_rate(energy: float, mass: float, field: float) -> float:
    """Return the mean number of photons per mm of the way."""
    momentum = math.sqrt(max(energy * energy - mass * mass, 0.0))
    return PER_RADIAN * energy / mass * CURVATURE * abs(field) / momentum


@fused
def photon_energy(light: Light, critical: float, rng: np.random.Generator) -> float:
    """Return the energy (GeV) of a photon."""
    above = 1.0 - rng.random()
    below = max(1.0 - above, 1e-16)
    at = (math.log(below / above) - light.first) / light.step
    position = min(max(int(at), 0), len(light.log_energy) - 2)
    low, high = light.log_energy[position], light.log_energy[position + 1]
    return critical * math.exp(low + (at - position) * (high - low))


@fused
def _arc_sine(value: float) -> float:
    """Return the arc sine; by its series where eleven digits follow from four terms."""
    if abs(value) > 0.05:
        return math.asin(value)
    square = value * value
    return value * (1.0 + square * (1.0 / 6.0 + square * (3.0 / 40.0 + square * (15.0 / 336.0))))


@fused
def _turned(angle: float) -> tuple[float, float]:
    """Return cosine and sine of an angle, by their series where it is small."""
    if abs(angle) > 0.02:
        return math.cos(angle), math.sin(angle)
    square = angle * angle
    return 1.0 - square * (0.5 - square * (1.0 / 24.0 - square / 720.0)), angle * (
        1.0 - square * (1.0 / 6.0 - square / 120.0)
    )


@fused
def bend(
    light: Light,
    x: float,
    y: float,
    z: float,
    tx: float,
    ty: float,
    energy: float,
    mass: float,
    charge: float,
    by: float,
    end: float,
    least: float,
    rng: np.random.Generator,
    photons: Floats,
) -> tuple[float, float, float, float, float, int, float]:
    """Take a particle of charge +-1 through a vertical field from `z` to `end` on its helix, photon by photon.

    Parameters
    ----------
    light : Light
    x, y, z, tx, ty : float
        mm and slopes.
    energy, mass : float
        GeV.
    charge : float
        e.
    by : float
        T.
    end : float
        mm.
    least : float
        GeV; photons below it are taken from the particle, but not kept.
    rng : numpy Generator
    photons : array of shape (M, 6)
        Filled with x, y, z (mm), slopes and energy (GeV) of those kept: at the place of emission, along the tangent there. For
        those that find no room the energy counts as lost.

    Returns
    -------
    x, y, tx, ty : float
        At `end`; NaN for a particle that the field turns back.
    energy : float
        What is left, GeV.
    count : int
        Photons kept.
    lost : float
        Energy of those not kept, GeV.
    """
    norm = 1.0 / math.sqrt(1.0 + tx * tx + ty * ty)
    ux, uy, uz = tx * norm, ty * norm, norm
    across = math.sqrt(ux * ux + uz * uz)  # the part of the direction that the field sees
    count, lost = 0, 0.0
    radiates = critical_energy(energy, mass, by * across) * HARDEST > least
    while True:
        momentum = math.sqrt(max(energy * energy - mass * mass, 0.0))
        turn = charge * CURVATURE * by / momentum if momentum > 0.0 else 0.0
        out = ux - turn * (end - z)
        if not abs(out) < across:
            return math.nan, math.nan, math.nan, math.nan, energy, count, lost
        straight = abs(turn) * (end - z) < 1e-12
        way = (end - z) / uz if straight else (_arc_sine(ux / across) - _arc_sine(out / across)) / turn
        step = way
        if radiates:
            step = min(step, rng.standard_exponential() / max(photon_rate(energy, mass, by * across), 1e-30))
        cosine, sine = _turned(0.5 * turn * step)
        chord = step if sine == 0.0 else sine / (0.5 * turn)
        x += chord * (ux * cosine - uz * sine)
        y += step * uy
        z += chord * (uz * cosine + ux * sine)
        cosine, sine = cosine * cosine - sine * sine, 2.0 * sine * cosine
        ux, uz = ux * cosine - uz * sine, uz * cosine + ux * sine
        if step >= way:
            break
        one = min(photon_energy(light, critical_energy(energy, mass, by * across), rng), energy - mass)
        energy -= one
        if one < least or count >= len(photons):
            lost += one
            continue
        photons[count, 0] = x
        photons[count, 1] = y
        photons[count, 2] = z
        photons[count, 3] = ux / uz
        photons[count, 4] = uy / uz
        photons[count, 5] = one
        count += 1
    return x, y, ux / uz, uy / uz, energy, count, lost


@kernel(error_model="numpy")
def bend_all(
    light: Light,
    states: Floats,
    z: Floats,
    energy: Floats,
    mass: Floats,
    charge: Floats,
    by: float,
    end: float,
    least: float,
    rng: np.random.Generator,
    photons: Floats,
    row: Ints,
    lost: Floats,
) -> int:
    """Do `bend` with N particles, in place: `states` (N, 4) of x, y, tx, ty, `energy`, `lost`; return the number of photons.

    `photons` and whose they are, `row`, are filled. Particles behind `end` stay as they are.
    """
    used = 0
    for n in range(len(states)):
        if z[n] >= end:
            continue
        x, y, tx, ty, left, count, gone = bend(
            light, states[n, 0], states[n, 1], z[n], states[n, 2], states[n, 3], energy[n], mass[n], charge[n], by, end,
            least, rng, photons[used:],
        )  # fmt: skip
        states[n, 0], states[n, 1], states[n, 2], states[n, 3] = x, y, tx, ty
        energy[n], lost[n] = left, gone
        row[used : used + count] = n
        used += count
    return used
