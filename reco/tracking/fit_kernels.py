"""The numba kernels of the track fit: weighted least squares with correlated process noise, track by track.

The model of a track is the transport of its state at the first plane. Scattering in plane k moves the hits behind it
together, so the covariance of the hits of a view is diag(sigma^2) + sum_k theta_k^2 (z_i - z_k)(z_j - z_k), and the same
holds for fluctuations of the energy loss in x (`material`); a strong bend stretches the lever arms (`lever_stretch`).
Gauss-Newton steps from the closed form: mostly one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.configs.compiled import fused
from emiss.reco.field.curvature import CURVATURE
from emiss.reco.field.transport_kernels import ROW, advance, identity
from emiss.reco.tracking.linear_kernels import cholesky, invert

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Floats
    from emiss.reco.field.steps import Steps

OK, TOO_FEW, NOT_CONVERGED, BAD_COVARIANCE, LEFT_FIELD = 0, 1, 2, 3, 4
"""Status of a fit."""

ITERATIONS = 12

SETTLED = 0.005
"""A step is the last when what it leaves is below this part of the errors, in the parameters and in the errors."""

LOWEST_P = 0.05
"""GeV; a fit that goes below has lost its way."""

FREEDOM = 1e-6
"""A residual whose variance is below this part of sigma^2 is fixed by the fit and has no pull."""


class Work(NamedTuple):
    """Room for one track on P planes: hits in each view, covariance, whitened rows, model, normal matrix, steps."""

    hits: Array
    counts: Array
    block: Array
    rows: Array
    model: Array
    slopes: Array
    normal: Array
    inverse: Array
    gradient: Array
    par: Array
    step: Array
    moving: Array
    part: Array
    factors: Array
    stretch: Array


def work_for(planes: int) -> Work:
    """Return room for a track on so many planes."""
    large = ((planes, planes), (planes, 6), (planes, 2), (planes, 2, 5), (5, 6), (5, 5))
    shapes = (*large, 5, 5, 5, 5, 5 * ROW, 3, (2, planes))
    return Work(np.empty((2, planes), np.int64), np.empty(2, np.int64), *(np.empty(shape) for shape in shapes))


@fused
def _seed(
    z: Array,
    hits: Array,
    index: Array,
    count: Array,
    bends: Array,
    levers: Array,
    work: Array,
    inverse: Array,
    par: Array,
) -> bool:
    """Set the closed form: x = x0 + tx (z - z0) - C q/p lever(z) for small angles, y through its outer hits.

    q/p then follows from the slopes before and behind the field without assuming small angles: the sine of the angle
    changes by C q/p times the integral of By times sqrt(1 + (p_y/p_t)^2). False if the hits do not determine it.
    """
    b0 = b1 = b2 = 0.0
    for j in range(3):
        for k in range(3):
            work[j, k] = 0.0
    for n in range(count[0]):
        i = index[0, n]
        x, dz, bend = hits[i, 0], z[i] - z[0], -CURVATURE * levers[i]
        b0 += x
        b1 += x * dz
        b2 += x * bend
        work[0, 0] += 1.0
        work[1, 0] += dz
        work[1, 1] += dz * dz
        work[2, 0] += bend
        work[2, 1] += bend * dz
        work[2, 2] += bend * bend
    if not invert(work, inverse, 3):
        return False
    par[0] = inverse[0, 0] * b0 + inverse[0, 1] * b1 + inverse[0, 2] * b2
    par[2] = inverse[1, 0] * b0 + inverse[1, 1] * b1 + inverse[1, 2] * b2
    par[4] = inverse[2, 0] * b0 + inverse[2, 1] * b1 + inverse[2, 2] * b2
    par[1] = par[3] = 0.0
    if count[1] >= 2:
        a, b = index[1, 0], index[1, count[1] - 1]
        par[3] = (hits[b, 1] - hits[a, 1]) / (z[b] - z[a])
        par[1] = hits[a, 1] - par[3] * (z[a] - z[0])
    last = len(z) - 1
    if abs(bends[last] * (z[last] - z[0])) > abs(levers[last]):  # not where magnets cancel each other
        behind = par[2] - CURVATURE * par[4] * bends[last]
        cosine = 1.0 / math.sqrt(1.0 + par[2] * par[2])
        change = par[2] * cosine - behind / math.sqrt(1.0 + behind * behind)
        flat = par[3] * cosine
        par[4] = change / (CURVATURE * bends[last] * math.sqrt(1.0 + flat * flat))
    return True


@fused
def predict(par: Array, steps: Steps, state: Array, part: Array, model: Array, slopes: Array) -> bool:
    """Write positions (P, 2) of a state given at the first plane and their derivatives by it (P, 2, 5)."""
    for k in range(5):
        state[k] = par[k]
    identity(part)
    for view in range(2):
        model[0, view] = state[view]
        for k in range(5):
            slopes[0, view, k] = part[view * ROW + k]
    for s in range(len(steps.kind)):
        if not advance(state, part, steps, s):
            return False
        at = steps.plane[s]
        if at >= 0:
            for view in range(2):
                model[at, view] = state[view]
                for k in range(5):
                    slopes[at, view, k] = part[view * ROW + k]
    return True


@fused
def _whiten(
    view: int,
    index: Array,
    n: int,
    hits: Array,
    sigma: Array,
    model: Array,
    slopes: Array,
    noise: Array,
    factors: Array,
    stretch: Array,
    block: Array,
    rows: Array,
) -> bool:
    """Write L^-1 (J | r) of one view into `rows` (n, 6), with L L^T the covariance of its hits; False if it is not positive.

    Columns: derivatives by x, y, tx, ty, q/p and the residual.
    """
    for i in range(n):
        at = index[i]
        for j in range(i + 1):
            block[i, j] = factors[view] * noise[0, at, index[j]] * stretch[view, at] * stretch[view, index[j]]
            if view == 0:
                block[i, j] += factors[2] * noise[1, at, index[j]]
        block[i, i] += sigma[at, view] * sigma[at, view]
        for k in range(5):
            rows[i, k] = slopes[at, view, k]
        rows[i, 5] = hits[at, view] - model[at, view]
    if not cholesky(block, n):
        return False
    for i in range(n):
        for j in range(i):
            for k in range(6):
                rows[i, k] -= block[i, j] * rows[j, k]
        for k in range(6):
            rows[i, k] *= block[i, i]
    return True


@fused
def _residuals(
    view: int,
    index: Array,
    n: int,
    hits: Array,
    sigma: Array,
    model: Array,
    slopes: Array,
    noise: Array,
    factors: Array,
    stretch: Array,
    cov: Array,
    step: Array,
    residuals: Array,
    pulls: Array,
) -> None:
    """Write the residuals of one view after the last step, and over their expected spread."""
    for i in range(n):
        at = index[i]
        square = sigma[at, view] * sigma[at, view]
        residual = hits[at, view] - model[at, view]
        variance = square + factors[view] * noise[0, at, at] * stretch[view, at] * stretch[view, at]
        if view == 0:
            variance += factors[2] * noise[1, at, at]
        for k in range(5):
            residual -= slopes[at, view, k] * step[k]
            half = 0.5 * cov[k, k] * slopes[at, view, k]
            for m in range(k):
                half += cov[k, m] * slopes[at, view, m]
            variance -= 2.0 * slopes[at, view, k] * half
        residuals[at, view] = residual
        if variance > FREEDOM * square:
            pulls[at, view] = residual / math.sqrt(variance)


@fused
def noise_factors(par: Array, factors: Array) -> None:
    """Write the factors on the noise of p = 1 GeV along z: scattering in x and y, fluctuations of the loss in x.

    A slanted track meets more material, and the same kink moves its slopes more.
    """
    along = 1.0 + par[2] * par[2] + par[3] * par[3]
    common = par[4] * par[4] * along * math.sqrt(along)
    factors[0] = common * (1.0 + par[2] * par[2])
    factors[1] = common * (1.0 + par[3] * par[3])
    factors[2] = par[4] * par[4] * par[4] * par[4] * along


@fused
def lever_stretch(z: Array, slopes: Array, stretch: Array) -> None:
    """Write by how much a track's bend stretches the lever arms of scattering, (2, P): dx/dtx and dy/dty over the distance."""
    stretch[0, 0] = stretch[1, 0] = 1.0
    for at in range(1, len(z)):
        for view in range(2):
            stretch[view, at] = slopes[at, view, 2 + view] / (z[at] - z[0])


@fused
def _left(par: Array, step: Array, largest: float, bend: float, share: float) -> float:
    """Return what a Gauss-Newton step leaves to do, as a part of the errors.

    After a step that changes q/p by the part e of itself the derivatives are off by about 2 e times the square of the bend
    angle, and the noise, of which the last plane has the `share`, by 2 e.
    """
    if par[4] == 0.0:
        return largest
    change = abs(step[4] / par[4])
    angle = CURVATURE * par[4] * bend
    turned = abs(step[2]) + abs(step[3])
    left = largest * (2.0 * change * (angle * angle + share) + 4.0 * turned * (abs(par[2]) + abs(angle)))
    return min(largest, max(left, change * share))


@fused
def fit(
    z: Floats,
    hits: Floats,
    sigma: Floats,
    steps: Steps,
    noise: Floats,
    state: Array,
    cov: Array,
    chi2: Array,
    ndf: Array,
    residuals: Array,
    pulls: Array,
    status: Array,
    work: Work,
) -> None:
    """Fit all tracks; what is written for one that fails is NaN.

    Parameters
    ----------
    z : float array of shape (P,), ascending
    hits, sigma : float arrays of shape (N, P, 2)
        Measured x and y and their errors, mm; a coordinate counts as measured where both are finite and sigma > 0.
    steps : Steps
        The way past the planes, with losses.
    noise : float array of shape (2, P, P)
        Covariance of displacements for p = 1 GeV: `material.scattering`, `material.straggling`.
    state (N, 5), cov (N, 5, 5), chi2 (N,), ndf (N,), residuals (N, P, 2), pulls (N, P, 2), status (N,) : written
    work : Work
    """
    planes = len(z)
    index, count, block, rows, model, slopes, normal, inverse, gradient, par, step, moving, part, factors, stretch = (
        work
    )
    bend = abs(steps.bends[planes - 1])
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
        if not _seed(z, measured, index, count, steps.bends, steps.levers, normal, inverse, par):
            status[track] = TOO_FEW if bend > 0.0 else BAD_COVARIANCE
            continue
        status[track] = NOT_CONVERGED
        for _ in range(ITERATIONS):
            if not abs(par[4]) < 1.0 / LOWEST_P:
                break
            if not predict(par, steps, moving, part, model, slopes):
                status[track] = LEFT_FIELD
                break
            noise_factors(par, factors)
            lever_stretch(z, slopes, stretch)
            for j in range(5):
                gradient[j] = 0.0
                for k in range(j + 1):
                    normal[j, k] = 0.0
            total, positive = 0.0, True
            for view in range(views):
                n = count[view]
                positive = positive and _whiten(
                    view, index[view], n, measured, errors, model, slopes, noise, factors, stretch, block, rows
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
            if not (positive and invert(normal, inverse, 5)):
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
            at = index[0, count[0] - 1]
            scattered = factors[0] * noise[0, at, at]
            share = scattered / (scattered + errors[at, 0] * errors[at, 0])
            if _left(par, step, largest, bend, share) < SETTLED:
                status[track] = OK
                break
        if status[track] != OK:
            continue
        for k in range(5):
            state[track, k] = par[k]
            for m in range(5):
                cov[track, k, m] = inverse[k, m]
        chi2[track] = max(total, 0.0)
        ndf[track] = count[0] - 3 + max(count[1] - 2, 0)
        for view in range(views):
            _residuals(
                view,
                index[view],
                count[view],
                measured,
                errors,
                model,
                slopes,
                noise,
                factors,
                stretch,
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
