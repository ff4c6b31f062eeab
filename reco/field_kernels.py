"""The numba kernels of the transport through a box field: straight lines outside it, the exact arc inside, with derivatives.

With s the sine of the angle to z in the bend plane and f = p_y/p_t, p_t the momentum in the bend plane: a charge q gains
ds = -kappa dz, kappa = C q/p By sqrt(1 + f^2); a positive charge in By > 0 bends towards -x. Over a length h in the field x
grows by h (s + s')/(c + c') with the cosines c and c', y by f (theta - theta')/kappa. No approximation of small angles.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numba
import numpy as np

from reco.field import CURVATURE

if TYPE_CHECKING:
    from events.lists import Array

STEEPEST = 0.999
"""Sine of the angle to z beyond which a particle counts as turned back by the field."""


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _drift(state: Array, jacobian: Array, step: float) -> None:
    state[0] += state[2] * step
    state[1] += state[3] * step
    for k in range(3):
        jacobian[0, k] += jacobian[2, k] * step
        jacobian[1, k] += jacobian[3, k] * step


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _arc(state: Array, jacobian: Array, step: float, by: float) -> bool:
    """Move a state by `step` (mm) inside the field; False if it is turned back."""
    tx, ty, q_over_p = state[2], state[3], state[4]
    cosine = 1.0 / math.sqrt(1.0 + tx * tx)
    sine = tx * cosine
    flat = ty * cosine  # f = p_y/p_t
    per_charge = CURVATURE * by * math.sqrt(1.0 + flat * flat)
    kappa = per_charge * q_over_p
    after = sine - kappa * step
    if not abs(after) < STEEPEST:
        return False
    cosine_after = math.sqrt(1.0 - after * after)
    both = cosine + cosine_after
    aside = step * (sine + after) / both
    weak = abs(kappa * step) < 1e-6  # the closed form of the path cancels: its expansion instead, good to 1e-12
    if weak:
        path = 2.0 * step / both
        lag = -0.5 * step * step * sine / cosine**3
    else:
        path = math.asin(sine * cosine_after - after * cosine) / kappa
        lag = (step / cosine_after - path) / kappa  # d path / d kappa
    state[0] += aside
    state[1] += flat * path
    state[2] = after / cosine_after
    state[3] = flat / cosine_after
    cube = 1.0 / (cosine_after * cosine_after * cosine_after)
    for k in range(3):
        # the chain: what a start parameter does to s, f and kappa here, and those to the state behind
        d_sine = cosine * cosine * cosine * jacobian[2, k]
        d_flat = cosine * jacobian[3, k] - flat * sine * cosine * jacobian[2, k]
        d_kappa = kappa * flat / (1.0 + flat * flat) * d_flat
        if k == 2:
            d_kappa += per_charge
        d_after = d_sine - step * d_kappa
        d_both = -sine / cosine * d_sine - after / cosine_after * d_after
        d_path = d_sine * aside / (cosine * cosine_after) + lag * d_kappa
        jacobian[0, k] += (step * (d_sine + d_after) - aside * d_both) / both
        jacobian[1, k] += d_flat * path + flat * d_path
        jacobian[2, k] = d_after * cube
        jacobian[3, k] = d_flat / cosine_after + flat * after * cube * d_after
    return True


@numba.njit(cache=True, nogil=True, error_model="numpy")
def transport(state: Array, jacobian: Array, z: float, target: float, low: float, high: float, by: float) -> bool:
    """Move a state and its derivatives in place from `z` to `target` >= z; False if the field turns it back.

    Parameters
    ----------
    state : float array of shape (5,)
    jacobian : float array of shape (4, 3)
        Derivatives of x, y, tx, ty by tx, ty and q/p at the start of the track, where it is ((0, 0, 0), (0, 0, 0),
        (1, 0, 0), (0, 1, 0)); those by x and y are trivial, as the field does not depend on x and y.
    z, target : float, mm
    low, high : float, mm
        The box of the field.
    by : float, T
    """
    if z < low:
        before = min(target, low) - z
        _drift(state, jacobian, before)
        z += before
    step = min(target, high) - z
    if step > 0.0:
        if not _arc(state, jacobian, step, by):
            return False
        z += step
    if target > z:
        _drift(state, jacobian, target - z)
    return True


@numba.njit(cache=True, nogil=True, error_model="numpy")
def transport_all(states: Array, jacobians: Array, z: float, target: float, low: float, high: float, by: float) -> None:
    """Move states (N, 5) in place and write their derivatives (N, 5, 5); NaN where the field turns a particle back."""
    part = np.empty((4, 3))
    for i in range(len(states)):
        part[:] = 0.0
        part[2, 0] = part[3, 1] = 1.0
        jacobians[i] = 0.0
        for k in range(5):
            jacobians[i, k, k] = 1.0
        if transport(states[i], part, z, target, low, high, by):
            jacobians[i, :4, 2:] = part
        else:
            states[i], jacobians[i] = np.nan, np.nan


@numba.njit(cache=True, nogil=True, error_model="numpy")
def lever(z: float, start: float, low: float, high: float) -> float:
    """Return the double integral over the box from `start` to `z`, mm^2: times -C q/p By the displacement of small angles."""
    begin = max(low, start)
    if z <= begin:
        return 0.0
    inside = max(min(z, high) - begin, 0.0)
    return 0.5 * inside * inside + inside * max(z - high, 0.0)
