"""The nucleus' form factors and the flux of equivalent photons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.constants import ELECTRON_MASS, PROTON_MASS, PROTON_MOMENT, Nucleus

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats


def squared(t: Floats, t_a: float, t_d: float) -> Floats:
    """Return F^2(t)/Z^2 = [t/(t + t_a)]^2 [t_d/(t + t_d)]^2 (Eq. 6; Z^2 enters cross sections once, as a factor).

    Parameters
    ----------
    t : array
        Momentum transfer -q^2 > 0, GeV^2.
    t_a, t_d : float
        Screening and nuclear size, GeV^2 (`Process.screening`).
    """
    value: Floats = (t / (t + t_a) * t_d / (t + t_d)) ** 2
    return value


def inelastic(t: Floats, nucleus: Nucleus) -> Floats:
    """Return what collisions that break the nucleus up add to F^2(t)/Z^2, for protons that recoil on their own.

    [a'^2 t/(1 + a'^2 t)]^2 [(1 + tau (mu^2 - 1))/(1 + t/0.71 GeV^2)^4]^2/Z, a' = 773 Z^(-2/3)/m_e, tau = t/(4 m_p^2):
    Y.-S. Tsai, Rev. Mod. Phys. 46 (1974) 815, as in Eq. A19 of J. D. Bjorken et al., Phys. Rev. D 80 (2009) 075018. An
    approximation: neutrons, Pauli blocking and the energy that the break-up takes are left out.

    Parameters
    ----------
    t : array
        GeV^2.
    nucleus : Nucleus
    """
    size, moment = inelastic_constants(nucleus)
    value: Floats = inelastic_shape(t, size, moment) / nucleus.z
    return value


def inelastic_constants(nucleus: Nucleus) -> tuple[float, float]:
    """Return 1/a'^2 in GeV^2 and (mu^2 - 1)/(4 m_p^2) in 1/GeV^2."""
    size = (ELECTRON_MASS * nucleus.z ** (2 / 3) / 773.0) ** 2
    return size, (PROTON_MOMENT**2 - 1.0) / (4.0 * PROTON_MASS**2)


def inelastic_shape(t: Floats, size: float, moment: float) -> Floats:
    """Return `inelastic` times Z, for its constants; also compiled (`emiss.physics.emission.exact_kernels`)."""
    return (t / (t + size) * (1.0 + moment * t) / (1.0 + t / DIPOLE) ** 4) ** 2


DIPOLE = 0.71
"""GeV^2; of the proton's form factors."""


def inelastic_flux(t_min: Floats, t_max: Floats | float, nucleus: Nucleus) -> Floats:
    """Return the part of chi/Z^2 that `inelastic` adds, by Gauss-Legendre quadrature in ln t; arguments as in `flux`."""
    low, high = np.broadcast_arrays(np.asarray(np.minimum(t_min, t_max), np.float64), np.asarray(t_max, np.float64))
    span = np.log(high / low)
    node, weight = np.polynomial.legendre.leggauss(INELASTIC_NODES)
    total = np.zeros(low.shape)
    for place, part in zip(0.5 * (node + 1.0), 0.5 * weight, strict=True):
        t = low * np.exp(place * span)
        # (t - t_min)/t without cancellation
        total += part * -np.expm1(-place * span) * inelastic(t, nucleus)
    value: Floats = total * span
    return value


INELASTIC_NODES = 40


def flux(t_min: Floats, t_max: Floats | float, t_a: float, t_d: float) -> Floats:
    """Return chi/Z^2, the integral of (t - t_min)/t^2 F^2/Z^2 from t_min to t_max (Eqs. 14-16), 0 where t_min >= t_max.

    The paper does not say that the flux ends at t_min = t_max; carried on beyond, Eq. 15 makes totals up to 8 % too high.

    Where t_min is large against t_d, or near t_max, the closed form is the difference of numbers that agree in nearly all
    digits. There the integral is taken over g = p/(p + c), p = t - t_min, with c half the sum and delta half the difference of
    t_a + t_min and t_d + t_min: g (1 - g)/(1 - (delta/c)^2 (1 - g)^2)^2/c^2 has nothing to cancel, and its pole is at
    least as far from the interval as the interval is long, so that `NODES` Gauss-Legendre nodes give 13 digits.

    Parameters
    ----------
    t_min, t_max : arrays that broadcast
        GeV^2.
    t_a, t_d : float
        As in `squared`.
    """
    low, high = np.broadcast_arrays(np.asarray(np.minimum(t_min, t_max), np.float64), np.asarray(t_max, np.float64))
    path, centre = high - low, low + 0.5 * (t_a + t_d)
    share = path / (path + centre)  # g at t_max
    smooth = share * (t_d - t_a) <= 2.0 * (t_a + low)
    value = np.empty(low.shape)
    value[smooth] = _by_nodes(share[smooth], centre[smooth], (t_a + low[smooth]) / centre[smooth])
    rest = ~smooth
    value[rest] = _antiderivative(high[rest], low[rest], t_a, t_d) - _antiderivative(low[rest], low[rest], t_a, t_d)
    result: Floats = t_d**2 * value
    return result


NODES = 12


def _by_nodes(share: Floats, centre: Floats, near: Floats) -> Floats:
    """Return the integral over g from 0 to `share`; `near` is 1 - delta/c, which must not be formed as a difference."""
    node, weight = np.polynomial.legendre.leggauss(NODES)
    total = np.zeros(share.shape)
    for place, part in zip(0.5 * (node + 1.0), 0.5 * weight, strict=True):
        g = share * place
        first = near + (1.0 - near) * g
        total += part * g * (1.0 - g) / (first * (2.0 - first)) ** 2
    value: Floats = total * share / centre**2
    return value


def _antiderivative(t: Floats, low: Floats, t_a: float, t_d: float) -> Floats:
    """Return the antiderivative of (t - low)/((t + t_a)(t + t_d))^2 in t."""
    rational = (t_a + low) / (t + t_a) + (t_d + low) / (t + t_d)
    logarithm = (t_a + t_d + 2.0 * low) * np.log((t + t_d) / (t + t_a))
    value: Floats = ((t_a - t_d) * rational + logarithm) / (t_a - t_d) ** 3
    return value
