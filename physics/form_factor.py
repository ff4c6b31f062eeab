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
    """
    low = np.minimum(t_min, t_max)

    def antiderivative(t: Array | float) -> Array:
        rational = (t_a + low) / (t + t_a) + (t_d + low) / (t + t_d)
        logarithm = (t_a + t_d + 2.0 * low) * np.log((t + t_d) / (t + t_a))
        value: Array = t_d**2 / (t_a - t_d) ** 3 * ((t_a - t_d) * rational + logarithm)
        return value

    return np.maximum(antiderivative(t_max) - antiderivative(low), 0.0)
