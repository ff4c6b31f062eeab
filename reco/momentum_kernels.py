"""The numba kernels of the track fit: weighted least squares with correlated multiple scattering, track by track.

The model of a track is the exact transport of its state at the first plane. Scattering in plane k moves the hits behind it
together, so the covariance of the hits of a view is diag(sigma^2) + sum_k theta_k^2 (z_i - z_k)(z_j - z_k). Gauss-Newton
steps from the closed form for small angles; two or three of them settle a track.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numba
import numpy as np

from reco.field import CURVATURE
from reco.field_kernels import lever, transport

if TYPE_CHECKING:
    from events.lists import Array

OK, TOO_FEW, NOT_CONVERGED, BAD_COVARIANCE, LEFT_FIELD = 0, 1, 2, 3, 4
"""Status of a fit."""

HIGHLAND = 0.0136
"""GeV: theta0 = 13.6 MeV/p sqrt(t) (1 + 0.038 ln t), t in radiation lengths (PDG 2022, Eq. 34.16; beta = 1)."""

AIR = 303.9e3
"""Radiation length of dry air at 20 C and 1 atm, mm (PDG: 36.62 g/cm2, 1.205 g/l)."""

ITERATIONS = 12

SETTLED = 0.01
"""A step is the last when it changes no parameter by more than this part of its error; what is left is its square."""

LOWEST_P = 0.05
"""GeV; a fit that goes below has lost its way."""

FREEDOM = 1e-6
"""A residual whose variance is below this part of sigma^2 is fixed by the fit and has no pull."""


@numba.njit(cache=True, nogil=True, error_model="numpy")
def scattering(z: Array, lengths: Array, air: bool) -> Array:
    """Return the covariance of displacements (P, P) that scattering makes for p = 1 GeV along z; it goes as 1/p^2.

    Parameters
    ----------
    z : float array of shape (P,), mm
    lengths : float array of shape (P,)
        Radiation lengths of the planes.
    air : bool
        Whether the gaps between the planes hold air. A slab from a to b scatters as at its middle m, with
        (z_i - m)(z_j - m) + (b - a)^2/12 for the lever arms.
    """
    planes = len(z)
    out = np.zeros((planes, planes))
    for k in range(planes - 1):
        for part in range(2):
            where, thickness, depth = z[k], lengths[k], 0.0
            if part == 1:
                depth = z[k + 1] - z[k]
                where, thickness = z[k] + 0.5 * depth, depth / AIR if air else 0.0
            if thickness <= 0.0:
                continue
            theta = HIGHLAND * math.sqrt(thickness) * max(1.0 + 0.038 * math.log(thickness), 0.0)
            for i in range(k + 1, planes):
                for j in range(k + 1, planes):
                    out[i, j] += theta * theta * ((z[i] - where) * (z[j] - where) + depth * depth / 12.0)
    return out


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _cholesky(a: Array, n: int) -> bool:
    """Replace the lower triangle of a symmetric n x n block by its Cholesky factor; False if it is not positive."""
    for j in range(n):
        for i in range(j, n):
            total = a[i, j]
            for k in range(j):
                total -= a[i, k] * a[j, k]
            if i == j:
                if not total > 0.0:
                    return False
                a[j, j] = math.sqrt(total)
            else:
                a[i, j] = total / a[j, j]
    return True


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _invert(a: Array, inverse: Array, n: int) -> bool:
    """Write the inverse of a symmetric positive n x n block, scaled to a unit diagonal on the way; False if there is none.

    The parameters differ by orders of magnitude, hence the scaling; `a` is overwritten.
    """
    for j in range(n):
        if not a[j, j] > 0.0:
            return False
        inverse[j, j] = 1.0 / math.sqrt(a[j, j])
    for j in range(n):
        for i in range(j, n):
            a[i, j] *= inverse[i, i] * inverse[j, j]
    for j in range(n):
        a[j, n] = inverse[j, j]  # the last column keeps the scales
    if not _cholesky(a, n):
        return False
    for j in range(n):  # the inverse of the triangle, in place
        if a[j, j] < 1e-7:  # singular but for rounding
            return False
        a[j, j] = 1.0 / a[j, j]
        for i in range(j + 1, n):
            total = 0.0
            for k in range(j, i):
                total -= a[i, k] * a[k, j]
            a[i, j] = total / a[i, i]
    for j in range(n):
        for i in range(j, n):
            total = 0.0
            for k in range(i, n):
                total += a[k, i] * a[k, j]
            inverse[i, j] = inverse[j, i] = total * a[i, n] * a[j, n]
    return True


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _seed(
    z: Array, hits: Array, index: Array, count: Array, levers: Array, by: float, work: Array, inverse: Array, par: Array
) -> bool:
    """Set the closed form for small angles: x = x0 + tx (z - z0) - C q/p By lever(z) and y through its outer hits.

    False if the hits do not determine it.
    """
    b0 = b1 = b2 = 0.0
    for j in range(3):
        for k in range(3):
            work[j, k] = 0.0
    for n in range(count[0]):
        i = index[0, n]
        x, dz, bend = hits[i, 0], z[i] - z[0], -CURVATURE * by * levers[i]
        b0 += x
        b1 += x * dz
        b2 += x * bend
        work[0, 0] += 1.0
        work[1, 0] += dz
        work[1, 1] += dz * dz
        work[2, 0] += bend
        work[2, 1] += bend * dz
        work[2, 2] += bend * bend
    if not _invert(work, inverse, 3):
        return False
    par[0] = inverse[0, 0] * b0 + inverse[0, 1] * b1 + inverse[0, 2] * b2
    par[2] = inverse[1, 0] * b0 + inverse[1, 1] * b1 + inverse[1, 2] * b2
    par[4] = inverse[2, 0] * b0 + inverse[2, 1] * b1 + inverse[2, 2] * b2
    par[1] = par[3] = 0.0
    if count[1] >= 2:
        a, b = index[1, 0], index[1, count[1] - 1]
        par[3] = (hits[b, 1] - hits[a, 1]) / (z[b] - z[a])
        par[1] = hits[a, 1] - par[3] * (z[a] - z[0])
    return True


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _predict(
    par: Array, z: Array, low: float, high: float, by: float, state: Array, part: Array, model: Array, slopes: Array
) -> bool:
    """Write positions (P, 2) of a state given at the first plane and their derivatives by tx, ty, q/p (P, 2, 3)."""
    state[:] = par
    part[:] = 0.0
    part[2, 0] = part[3, 1] = 1.0
    for i in range(len(z)):
        if i > 0 and not transport(state, part, z[i - 1], z[i], low, high, by):
            return False
        for view in range(2):
            model[i, view] = state[view]
            for k in range(3):
                slopes[i, view, k] = part[view, k]
    return True


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _whiten(
    view: int,
    index: Array,
    n: int,
    hits: Array,
    sigma: Array,
    model: Array,
    slopes: Array,
    spread: Array,
    factor: float,
    block: Array,
    rows: Array,
) -> bool:
    """Write L^-1 (J | r) of one view into `rows` (n, 6), with L L^T the covariance of its hits; False if it is not positive.

    Columns: derivatives by x, y, tx, ty, q/p and the residual.
    """
    for i in range(n):
        at = index[i]
        for j in range(i + 1):
            block[i, j] = factor * spread[at, index[j]]
        block[i, i] += sigma[at, view] * sigma[at, view]
        rows[i, view] = 1.0
        rows[i, 1 - view] = 0.0
        for k in range(3):
            rows[i, 2 + k] = slopes[at, view, k]
        rows[i, 5] = hits[at, view] - model[at, view]
    if not _cholesky(block, n):
        return False
    for i in range(n):
        for j in range(i):
            for k in range(6):
                rows[i, k] -= block[i, j] * rows[j, k]
        for k in range(6):
            rows[i, k] /= block[i, i]
    return True


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _residuals(
    view: int,
    index: Array,
    n: int,
    hits: Array,
    sigma: Array,
    model: Array,
    slopes: Array,
    spread: Array,
    factor: float,
    cov: Array,
    step: Array,
    residuals: Array,
    pulls: Array,
) -> None:
    """Write the residuals of one view after the last step, and over their expected spread."""
    row = np.empty(5)
    for i in range(n):
        at = index[i]
        row[view], row[1 - view] = 1.0, 0.0
        for k in range(3):
            row[2 + k] = slopes[at, view, k]
        square = sigma[at, view] * sigma[at, view]
        residual = hits[at, view] - model[at, view]
        variance = square + factor * spread[at, at]
        for k in range(5):
            residual -= row[k] * step[k]
            part = 0.0
            for m in range(5):
                part += cov[k, m] * row[m]
            variance -= row[k] * part
        residuals[at, view] = residual
        if variance > FREEDOM * square:
            pulls[at, view] = residual / math.sqrt(variance)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def fit(
    z: Array,
    hits: Array,
    sigma: Array,
    box: tuple[float, float, float],
    lengths: Array,
    air: bool,
    state: Array,
    cov: Array,
    chi2: Array,
    ndf: Array,
    residuals: Array,
    pulls: Array,
    status: Array,
) -> None:
    """Fit all tracks; what is written for one that fails is NaN.

    Parameters
    ----------
    z : float array of shape (P,), ascending
    hits, sigma : float arrays of shape (N, P, 2)
        Measured x and y and their errors, mm; a coordinate counts as measured where both are finite and sigma > 0.
    box : (low, high, by)
        The box of the field, mm, and By, T.
    lengths : float array of shape (P,)
        Radiation lengths of each plane.
    air : bool
        Whether the gaps between planes hold air.
    state (N, 5), cov (N, 5, 5), chi2 (N,), ndf (N,), residuals (N, P, 2), pulls (N, P, 2), status (N,) : written
    """
    low, high, by = box
    planes = len(z)
    spread = scattering(z, lengths, air)
    levers = np.array([lever(at, z[0], low, high) for at in z])
    index, count = np.empty((2, planes), np.int64), np.empty(2, np.int64)
    block, rows = np.empty((planes, planes)), np.empty((planes, 6))
    model, slopes = np.empty((planes, 2)), np.empty((planes, 2, 3))
    normal, inverse, gradient = np.empty((5, 6)), np.empty((5, 5)), np.empty(5)
    par, step, moving, part = np.empty(5), np.empty(5), np.empty(5), np.empty((4, 3))
    for track in range(len(hits)):
        state[track], cov[track], chi2[track], ndf[track] = np.nan, np.nan, np.nan, 0
        residuals[track], pulls[track] = np.nan, np.nan
        measured, errors = hits[track], sigma[track]
        for view in range(2):
            count[view] = 0
            for i in range(planes):
                if math.isfinite(measured[i, view]) and math.isfinite(errors[i, view]) and errors[i, view] > 0.0:
                    index[view, count[view]] = i
                    count[view] += 1
        views = 2 if count[1] > 0 else 1
        if count[0] < 3 or count[1] == 1:
            status[track] = TOO_FEW
            continue
        if not _seed(z, measured, index, count, levers, by, normal, inverse, par):
            status[track] = TOO_FEW if by != 0.0 else BAD_COVARIANCE
            continue
        status[track] = NOT_CONVERGED
        factor_x = factor_y = 0.0
        for _ in range(ITERATIONS):
            if not abs(par[4]) < 1.0 / LOWEST_P:
                break
            if not _predict(par, z, low, high, by, moving, part, model, slopes):
                status[track] = LEFT_FIELD
                break
            # a slanted track meets more material, and the same kink moves its slopes more
            along = 1.0 + par[2] * par[2] + par[3] * par[3]
            common = par[4] * par[4] * along * math.sqrt(along)
            factor_x, factor_y = common * (1.0 + par[2] * par[2]), common * (1.0 + par[3] * par[3])
            for j in range(5):
                gradient[j] = 0.0
                for k in range(j + 1):
                    normal[j, k] = 0.0
            total, positive = 0.0, True
            for view in range(views):
                n = count[view]
                factor = factor_y if view else factor_x
                positive = positive and _whiten(
                    view, index[view], n, measured, errors, model, slopes, spread, factor, block, rows
                )
                for i in range(n):
                    total += rows[i, 5] * rows[i, 5]
                    for j in range(5):
                        gradient[j] += rows[i, j] * rows[i, 5]
                        for k in range(j + 1):
                            normal[j, k] += rows[i, j] * rows[i, k]
            if views == 1:  # y and ty are not measured: held at zero
                for k in range(5):
                    for held in (1, 3):
                        normal[max(k, held), min(k, held)] = 0.0
                normal[1, 1] = normal[3, 3] = 1.0
                gradient[1] = gradient[3] = 0.0
            if not (positive and _invert(normal, inverse, 5)):
                status[track] = BAD_COVARIANCE
                break
            largest = 0.0
            for k in range(5):
                step[k] = 0.0
                for m in range(5):
                    step[k] += inverse[k, m] * gradient[m]
                largest = max(largest, abs(step[k]) / math.sqrt(inverse[k, k]))
            for k in range(5):
                par[k] += step[k]
                total -= step[k] * gradient[k]
            if largest < SETTLED:
                status[track] = OK
                break
        if status[track] != OK:
            continue
        state[track] = par
        cov[track] = inverse
        chi2[track] = max(total, 0.0)
        ndf[track] = count[0] - 3 + max(count[1] - 2, 0)
        for view in range(views):
            factor = factor_y if view else factor_x
            _residuals(
                view,
                index[view],
                count[view],
                measured,
                errors,
                model,
                slopes,
                spread,
                factor,
                inverse,
                step,
                residuals[track],
                pulls[track],
            )
        if views == 1:
            for held in (1, 3):
                state[track, held] = np.nan
                cov[track, held, :] = np.nan
                cov[track, :, held] = np.nan
