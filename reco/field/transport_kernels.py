"""The numba kernels of the transport: drifts, exact arcs in a uniform field, Runge-Kutta steps, all with derivatives.

Arc: with s the sine of the angle to z in the bend plane and f = p_y/p_t, p_t the momentum in the bend plane, a charge q
gains ds = -kappa dz, kappa = C q/p By sqrt(1 + f^2); a positive charge in By > 0 bends towards -x. Over a length h in the
field x grows by h (s + s')/(c + c') with the cosines c and c', y by f (theta - theta')/kappa. No small angles assumed.

Curve: one step of the fourth-order Runge-Kutta-Nystroem method for the equation of motion in z (E. Lund et al., J. Instrum.
4 (2009) P04001; L. Bugge, J. Myrheim, Nucl. Instrum. Meth. 179 (1981) 365), with n^2 = 1 + tx^2 + ty^2:
tx' = C q/p n [ty (tx Bx + Bz) - (1 + tx^2) By], ty' = C q/p n [(1 + ty^2) Bx - tx (ty By + Bz)]. The derivatives are those
of the step itself.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.compiled import fused
from emiss.reco.field.curvature import CURVATURE
from emiss.reco.field.steps import ARC, CURVE

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.reco.field.steps import Steps

STEEPEST = 0.999
"""Sine of the angle to z beyond which a particle counts as turned back by the field."""

ROW = 8
"""Numbers in a row of derivatives: five parameters, padded to a whole vector of the processor."""


@fused
def _drift(state: Floats, jacobian: Floats, step: float, free: int) -> None:
    state[0] += state[2] * step
    state[1] += state[3] * step
    for k in range(free, 5):
        jacobian[k] += jacobian[2 * ROW + k] * step
        jacobian[ROW + k] += jacobian[3 * ROW + k] * step


@fused
def _arc(state: Floats, jacobian: Floats, step: float, by: float, free: int) -> bool:
    """Move a state by `step` (mm) in a uniform field; False if it is turned back."""
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
    if abs(kappa * step) < 1e-6:  # the closed form of the path cancels: its expansion instead, good to 1e-12
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
    for k in range(free, 5):
        # the chain: what a start parameter does to s, f and kappa here, and those to the state behind
        d_sine = cosine * cosine * cosine * jacobian[2 * ROW + k]
        d_flat = cosine * jacobian[3 * ROW + k] - flat * sine * cosine * jacobian[2 * ROW + k]
        d_kappa = kappa * flat / (1.0 + flat * flat) * d_flat + per_charge * jacobian[4 * ROW + k]
        d_after = d_sine - step * d_kappa
        d_both = -sine / cosine * d_sine - after / cosine_after * d_after
        d_path = d_sine * aside / (cosine * cosine_after) + lag * d_kappa
        jacobian[k] += (step * (d_sine + d_after) - aside * d_both) / both
        jacobian[ROW + k] += d_flat * path + flat * d_path
        jacobian[2 * ROW + k] = d_after * cube
        jacobian[3 * ROW + k] = d_flat / cosine_after + flat * after * cube * d_after
    return True


@fused
def _bilinear(
    slices: Floats, at: int, next_y: int, next_x: int, a: float, b: float, per_x: float, per_y: float
) -> tuple[float, float, float]:
    """Return one component of the field and its derivatives by x and y, from its place `at` in `slices`."""
    low, high = slices[at], slices[at + next_y]
    next_low, next_high = slices[at + next_x], slices[at + next_x + next_y]
    left, right = low + b * (high - low), next_low + b * (next_high - next_low)
    by_y = (high - low) + a * ((next_high - next_low) - (high - low))
    return left + a * (right - left), per_x * (right - left), per_y * by_y


@fused
def _field(
    slices: Floats, k: int, grid: tuple[float, float, float, float, int, int], x: float, y: float
) -> tuple[bool, float, float, float, float, float, float, float, float, float]:
    """Return whether the field is known at x, y of slice k; and Bx, dBx/dx, dBx/dy, the same of By and Bz."""
    low_x, per_x, low_y, per_y, nx, ny = grid
    u, v = (x - low_x) * per_x, (y - low_y) * per_y
    if not (0.0 <= u <= nx - 1 and 0.0 <= v <= ny - 1):
        return False, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    i, j = min(int(u), nx - 2), min(int(v), ny - 2)
    a, b = u - i, v - j
    # an unsigned place: no check for negative ones
    at, next_y, next_x = np.uint64(((k * nx + i) * ny + j) * 3), np.uint64(3), np.uint64(3 * ny)
    bx, bx_x, bx_y = _bilinear(slices, at, next_y, next_x, a, b, per_x, per_y)
    by, by_x, by_y = _bilinear(slices, at + np.uint64(1), next_y, next_x, a, b, per_x, per_y)
    bz, bz_x, bz_y = _bilinear(slices, at + np.uint64(2), next_y, next_x, a, b, per_x, per_y)
    return True, bx, bx_x, bx_y, by, by_x, by_y, bz, bz_x, bz_y


@fused
def _force(
    field: tuple[bool, float, float, float, float, float, float, float, float, float], tx: float, ty: float, c: float
) -> tuple[float, float, float, float, float, float, float, float, float, float, float, float]:
    """Return tx' and ty' for C q/p = `c` in a field as `_field` gives it, with their derivatives.

    In the order: tx', its derivatives by x, y, tx, ty, c; the same of ty'.
    """
    _, bx, bx_x, bx_y, by, by_x, by_y, bz, bz_x, bz_y = field
    txy, one_x, one_y = tx * ty, 1.0 + tx * tx, 1.0 + ty * ty
    norm = math.sqrt(one_x + ty * ty)
    cn, inverse = c * norm, c / norm
    g = txy * bx + ty * bz - one_x * by
    h = one_y * bx - txy * by - tx * bz
    return (
        cn * g,
        cn * (txy * bx_x + ty * bz_x - one_x * by_x),
        cn * (txy * bx_y + ty * bz_y - one_x * by_y),
        inverse * tx * g + cn * (ty * bx - 2.0 * tx * by),
        inverse * ty * g + cn * (tx * bx + bz),
        norm * g,
        cn * h,
        cn * (one_y * bx_x - txy * by_x - tx * bz_x),
        cn * (one_y * bx_y - txy * by_y - tx * bz_y),
        inverse * tx * h - cn * (ty * by + bz),
        inverse * ty * h + cn * (2.0 * ty * bx - tx * by),
        norm * h,
    )


@fused
def _curve(
    state: Floats,
    jacobian: Floats,
    step: float,
    slices: Floats,
    k: int,
    grid: tuple[float, float, float, float, int, int],
) -> bool:
    """Move a state by one Runge-Kutta step (mm) past the slices k, k + 1, k + 2; False where the field is not known."""
    x, y, tx, ty = state[0], state[1], state[2], state[3]
    c = CURVATURE * state[4]
    half, eighth = 0.5 * step, 0.125 * step * step
    first = _field(slices, k, grid, x, y)
    a1, a1x, a1y, a1t, a1u, a1c, b1, b1x, b1y, b1t, b1u, b1c = _force(first, tx, ty, c)
    middle = _field(slices, k + 1, grid, x + half * tx + eighth * a1, y + half * ty + eighth * b1)
    a2, a2x, a2y, a2t, a2u, a2c, b2, b2x, b2y, b2t, b2u, b2c = _force(middle, tx + half * a1, ty + half * b1, c)
    a3, a3x, a3y, a3t, a3u, a3c, b3, b3x, b3y, b3t, b3u, b3c = _force(middle, tx + half * a2, ty + half * b2, c)
    last = _field(slices, k + 2, grid, x + step * tx + 4.0 * eighth * a3, y + step * ty + 4.0 * eighth * b3)
    a4, a4x, a4y, a4t, a4u, a4c, b4, b4x, b4y, b4t, b4u, b4c = _force(last, tx + step * a3, ty + step * b3, c)
    if not (first[0] and middle[0] and last[0]):
        return False
    sixth, square = step / 6.0, step * step / 6.0
    state[0] = x + step * tx + square * (a1 + a2 + a3)
    state[1] = y + step * ty + square * (b1 + b2 + b3)
    state[2] = tx + sixth * (a1 + 2.0 * (a2 + a3) + a4)
    state[3] = ty + sixth * (b1 + 2.0 * (b2 + b3) + b4)
    for n in range(ROW):  # all columns at once in the processor's vectors
        jx, jy, jt, ju = jacobian[n], jacobian[ROW + n], jacobian[2 * ROW + n], jacobian[3 * ROW + n]
        jc = CURVATURE * jacobian[4 * ROW + n]
        da1 = a1x * jx + a1y * jy + a1t * jt + a1u * ju + a1c * jc
        db1 = b1x * jx + b1y * jy + b1t * jt + b1u * ju + b1c * jc
        dx, dy = jx + half * jt + eighth * da1, jy + half * ju + eighth * db1
        dt, du = jt + half * da1, ju + half * db1
        da2 = a2x * dx + a2y * dy + a2t * dt + a2u * du + a2c * jc
        db2 = b2x * dx + b2y * dy + b2t * dt + b2u * du + b2c * jc
        dt, du = jt + half * da2, ju + half * db2
        da3 = a3x * dx + a3y * dy + a3t * dt + a3u * du + a3c * jc
        db3 = b3x * dx + b3y * dy + b3t * dt + b3u * du + b3c * jc
        dx, dy = jx + step * jt + 4.0 * eighth * da3, jy + step * ju + 4.0 * eighth * db3
        dt, du = jt + step * da3, ju + step * db3
        da4 = a4x * dx + a4y * dy + a4t * dt + a4u * du + a4c * jc
        db4 = b4x * dx + b4y * dy + b4t * dt + b4u * du + b4c * jc
        jacobian[n] = jx + step * jt + square * (da1 + da2 + da3)
        jacobian[ROW + n] = jy + step * ju + square * (db1 + db2 + db3)
        jacobian[2 * ROW + n] = jt + sixth * (da1 + 2.0 * (da2 + da3) + da4)
        jacobian[3 * ROW + n] = ju + sixth * (db1 + 2.0 * (db2 + db3) + db4)
    return state[2] * state[2] * (1.0 - STEEPEST * STEEPEST) < STEEPEST * STEEPEST


@fused(inline="always")
def advance(state: Floats, jacobian: Floats, steps: Steps, s: int) -> bool:
    """Move a state and its derivatives over step `s` in place; False if it is turned back or leaves the known field.

    Parameters
    ----------
    state : float array of shape (5,)
    jacobian : float array of shape (5 * ROW,)
        Derivatives by the state at the start of the track, a row of `ROW` for each of x, y, tx, ty, q/p.
    steps : Steps
    s : int
    """
    if steps.loss[s] > 0.0:  # |q/p| grows: p falls by the loss along the path
        lost = steps.loss[s] * math.sqrt(1.0 + state[2] * state[2] + state[3] * state[3])
        rest = 1.0 - lost * abs(state[4])
        if not rest > 0.5:
            return False
        state[4] /= rest
        for k in range(5):
            jacobian[4 * ROW + k] /= rest * rest
    if steps.kind[s] == CURVE:
        return _curve(state, jacobian, steps.length[s], steps.slices, steps.first[s], steps.grid)
    if steps.kind[s] == ARC:
        return _arc(state, jacobian, steps.length[s], steps.by[s], steps.free)
    _drift(state, jacobian, steps.length[s], steps.free)
    return True


@fused
def identity(jacobian: Floats) -> None:
    """Set derivatives to those of a state by itself."""
    for k in range(5 * ROW):
        jacobian[k] = 0.0
    for k in range(5):
        jacobian[k * ROW + k] = 1.0


@fused
def transport_all(states: Floats, jacobians: Floats, steps: Steps, part: Floats) -> None:
    """Move states (N, 5) over all steps in place and write their derivatives (N, 5, 5); NaN where that is not possible.

    `part` is room for one track, (5 * ROW,).
    """
    for i in range(len(states)):
        identity(part)
        good = True
        for s in range(len(steps.kind)):
            good = good and advance(states[i], part, steps, s)
        if good:
            for k in range(5):
                for m in range(5):
                    jacobians[i, k, m] = part[ROW * k + m]
        else:
            states[i], jacobians[i] = np.nan, np.nan
