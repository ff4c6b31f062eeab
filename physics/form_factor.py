"""The nucleus' elastic form factor and the flux of equivalent photons."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]


def squared(t: Array, t_a: float, t_d: float) -> Array:
    """Return F^2(t)/Z^2 = [t/(t + t_a)]^2 [t_d/(t + t_d)]^2 (Eq. 6; Z^2 enters cross sections once, as a factor).

    Parameters
    ----------
    t : array
        Momentum transfer -q^2 > 0, GeV^2.
    t_a, t_d : float
        Screening and nuclear size, GeV^2 (`Process.screening`).
    """
    value: Array = (t / (t + t_a) * t_d / (t + t_d)) ** 2
    return value


def flux(t_min: Array, t_max: Array | float, t_a: float, t_d: float) -> Array:
    """Return chi/Z^2, the integral of (t - t_min)/t^2 F^2/Z^2 from t_min to t_max (Eqs. 14-16), 0 where t_min >= t_max.

    The paper does not say that the flux ends at t_min = t_max; carried on beyond, Eq. 15 makes totals up to 8 % too high.

    Where t_min is large against t_d, or near t_max, the closed form is the difference of numbers that agree in all but their last
    digits. There the integral is taken over g = p/(p + c), p = t - t_min, with c and delta the half sum and the half difference
    of t_a + t_min and t_d + t_min: g (1 - g)/(1 - (delta/c)^2 (1 - g)^2)^2/c^2 has nothing to cancel, and its pole is at
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
    result: Array = t_d**2 * value
    return result


NODES = 12


def _by_nodes(share: Array, centre: Array, near: Array) -> Array:
    """Return the integral over g from 0 to `share`; `near` is 1 - delta/c, which must not be formed as a difference."""
    node, weight = np.polynomial.legendre.leggauss(NODES)
    total = np.zeros(share.shape)
    for place, part in zip(0.5 * (node + 1.0), 0.5 * weight, strict=True):
        g = share * place
        first = near + (1.0 - near) * g
        total += part * g * (1.0 - g) / (first * (2.0 - first)) ** 2
    value: Array = total * share / centre**2
    return value


def _antiderivative(t: Array, low: Array, t_a: float, t_d: float) -> Array:
    """Return the antiderivative of (t - low)/((t + t_a)(t + t_d))^2 in t."""
    rational = (t_a + low) / (t + t_a) + (t_d + low) / (t + t_d)
    logarithm = (t_a + t_d + 2.0 * low) * np.log((t + t_d) / (t + t_a))
    value: Array = ((t_a - t_d) * rational + logarithm) / (t_a - t_d) ** 3
    return value
