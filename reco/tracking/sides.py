"""Which side of their wires tracks pass: of all combinations of sides that one with which a line, bent or straight, fits best.

What is left of positions u of one view after a least-squares fit of a line to them is chi2 = u^T M u with
M = W - W A (A^T W A)^-1 A^T W: A has the columns 1, z and in the bend view the lever arm of q/p, W is the inverse of the
covariance of the hits, scattering at the fitted momentum included. M does not depend on the sides, so that all are tried
(`sides_kernels`). The tracks are then fitted again, and keep their first sides where these fit better after all.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from emiss.configs.arrays import Array, Floats, Ints
    from emiss.reco.tracking.fit import Hits, TrackFits

FREEDOM = 1
"""Positions more than parameters that it takes to tell sides."""


def take_sides(
    rows: Ints,
    columns: Mapping[str, Array],
    measure: Callable[[Ints], Hits],
    fit: Callable[[Hits], TrackFits],
    design: tuple[Floats, Floats],
    noise: Floats,
    momentum: float,
) -> tuple[Ints, Hits, TrackFits]:
    """Return the clusters of tracks on the sides that fit best, with their hits and fits.

    Parameters
    ----------
    rows : int array of shape (T, S, 2)
        Clusters by station and view, -1 where one is missing.
    columns : mapping of name to arrays
        The clusters: position, twin.
    measure, fit : callables
        Clusters to hits, hits to fits.
    design : two float arrays of shape (S, parameters)
        A of the views x and y.
    noise : float array of shape (S, S)
        Covariance of displacements by scattering for p = 1 GeV, mm^2.
    momentum : float
        GeV; where a fit tells none.
    """
    hits = measure(rows)
    fits = fit(hits)
    if "twin" not in columns:
        return rows, hits, fits
    twin = np.append(columns["twin"], 0)[rows]
    if not twin.any():
        return rows, hits, fits
    from emiss.reco.tracking.sides_kernels import choose

    turned = rows.copy()
    known = (fits.status == 0) & np.isfinite(fits.q_over_p)
    p = np.full(len(rows), momentum)
    p[known] = np.minimum(fits.p[known], momentum)
    position = np.append(columns["position"], np.nan)
    for view, (parameters, sigma) in enumerate(zip(design, (hits.sigma_x, hits.sigma_y), strict=True)):
        own = rows[:, :, view]
        here, has = position[own], twin[:, :, view] != 0
        seen = np.isfinite(here)
        chosen = np.flatnonzero((seen.sum(axis=1) >= parameters.shape[1] + FREEDOM) & has.any(axis=1))
        if not len(chosen):
            continue
        matrix = remainders(seen[chosen], np.asarray(sigma)[chosen], parameters, noise, p[chosen])
        other = np.where(has, position[np.where(has, own + twin[:, :, view], -1)], np.nan)[chosen]
        flip = np.empty(other.shape, np.bool_)
        choose(matrix, np.where(seen, here, 0.0)[chosen], other, flip)
        turned[chosen, :, view] += np.where(flip, twin[chosen, :, view], 0)
    changed = np.flatnonzero((turned != rows).any(axis=(1, 2)))
    again = measure(turned[changed])
    better = fit(again)
    good = (better.status == 0) & ~(better.chi2 >= fits.chi2[changed])  # a fit that has failed has no chi2
    return _merged(rows, turned, changed[good]), *_taken(hits, fits, again, better, changed, good)


def remainders(seen: Array, sigma: Floats, design: Floats, noise: Floats, momentum: Floats) -> Floats:
    """Return M (T, S, S) of the positions that are `seen` (T, S), 0 for the others."""
    pairs = seen[:, :, None] & seen[:, None, :]
    spread = np.where(pairs, noise / momentum[:, None, None] ** 2, 0.0)
    index = np.arange(seen.shape[1])
    spread[:, index, index] += np.where(seen, sigma**2, 1.0)
    weight = np.linalg.inv(spread)
    lines = seen[:, :, None] * (design / np.abs(design).max(axis=0))
    weighted = weight @ lines
    # lines that the hits cannot tell apart, as those of a bend before the magnet alone, are left out
    normal = np.linalg.pinv(lines.transpose(0, 2, 1) @ weighted, rcond=1e-12, hermitian=True)
    rest: Floats = weight - weighted @ normal @ weighted.transpose(0, 2, 1)
    return np.where(pairs, rest, 0.0)


def _merged(rows: Ints, turned: Ints, taken: Ints) -> Ints:
    merged = rows.copy()
    merged[taken] = turned[taken]
    return merged


def _taken(
    hits: Hits, fits: TrackFits, again: Hits, better: TrackFits, changed: Ints, good: Array
) -> tuple[Hits, TrackFits]:
    """Return hits and fits with those tracks of `changed` that are `good` in place of the first ones."""
    x, y = np.array(hits.x), np.array(hits.y)
    x[changed[good]], y[changed[good]] = again.x[good], again.y[good]
    values = {}
    for field in fields(fits):
        merged = np.array(getattr(fits, field.name))
        merged[changed[good]] = getattr(better, field.name)[good]
        values[field.name] = merged
    return replace(hits, x=x, y=y), replace(fits, **values)
