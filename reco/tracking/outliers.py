"""Outliers: a hit that alone makes the chi2 of a track bad is left out, and the track fitted again."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np

from emiss.reco.tracking.fit import Hits, TrackFits

if TYPE_CHECKING:
    from collections.abc import Callable

    from emiss.configs.arrays import Array, Floats, Ints

CLEARLY = 4.0
"""By so much chi2 is larger without any other hit: else nothing tells which of two is wrong."""


def reject(
    hits: Hits, fits: TrackFits, fit: Callable[[Hits], TrackFits], sigmas: float, *, bends: bool
) -> tuple[Hits, TrackFits, Array]:
    """Leave one hit out of each track that it alone spoils.

    Each hit of a track with a bad chi2 is left out in turn. The one without which chi2 is least is dropped if that is good, and
    clearly better than without any other. A view must keep a degree of freedom: else every hit of it explains all.

    Parameters
    ----------
    hits : Hits
        Of N tracks.
    fits : TrackFits
        Of all hits.
    fit : callable
        Fits hits.
    sigmas : float
        A chi2 is bad whose probability is below that of so many sigmas.
    bends : bool
        Whether the bend view has a parameter for the momentum.

    Returns
    -------
    hits, fits
        Without what is dropped.
    dropped : int32 array of shape (N,)
        2 * plane + view, -1 for none.
    """
    from scipy import stats

    x, y = np.array(hits.x, np.float64), np.array(hits.y, np.float64)
    worst = 2.0 * stats.norm.sf(sigmas)
    dropped = np.full(len(x), -1, np.int32)
    ndf = np.maximum(fits.ndf, 1)
    bad = np.flatnonzero((fits.status == 0) & (stats.chi2.sf(fits.chi2, ndf) < worst))
    measured = np.stack([x, y], axis=2)
    seen = np.isfinite(measured[bad])
    free = seen.sum(axis=1) - np.array([3 if bends else 2, 2])
    row, plane, view = np.nonzero(seen & (free >= 2)[:, None, :])
    if not len(row):
        return hits, fits, dropped
    tried = measured[bad[row]]
    tried[np.arange(len(row)), plane, view] = np.nan
    again = fit(_hits(hits, tried, bad[row]))
    chi2 = np.full((len(bad), measured.shape[1] * 2), np.inf)
    place = 2 * plane + view
    chi2[row, place] = np.where(again.status == 0, again.chi2, np.inf)
    number = np.full(chi2.shape, -1)
    number[row, place] = np.arange(len(row))
    order = np.sort(chi2, axis=1)
    best = chi2.argmin(axis=1)
    good = (order[:, 1] > order[:, 0] + CLEARLY) & (stats.chi2.sf(order[:, 0], np.maximum(ndf[bad] - 1, 1)) >= worst)
    taken, which = bad[good], number[np.arange(len(bad)), best][good]
    dropped[taken] = best[good]
    measured[taken] = tried[which]
    merged = {}
    for field in fields(fits):
        values = np.array(getattr(fits, field.name))
        values[taken] = getattr(again, field.name)[which]
        merged[field.name] = values
    return _hits(hits, measured, np.arange(len(x))), replace(fits, **merged), dropped


def _hits(hits: Hits, measured: Floats, rows: Ints) -> Hits:
    """Return hits with other coordinates (N, P, 2), and the errors of some rows."""
    shape = np.shape(hits.x)
    errors = (np.broadcast_to(np.asarray(sigma, np.float64), shape)[rows] for sigma in (hits.sigma_x, hits.sigma_y))
    return Hits(hits.z, measured[:, :, 0], measured[:, :, 1], *errors)
