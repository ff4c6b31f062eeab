"""Straight tracks: `fit_straight` fits lines where there is no field, for alignment runs and telescopes without a magnet.

A least-squares fit of a line in each view, with multiple scattering and its correlations between the planes. Nothing tells a
momentum: scattering is that of an assumed one, and q/p is NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.reco.tracking import material
from emiss.reco.tracking.fit import TrackFits

if TYPE_CHECKING:
    from emiss.configs.arrays import Bools, Floats
    from emiss.reco.tracking.fit import Hits, Spectrometer

OK, TOO_FEW = 0, 1
"""Status of a fit, as in `fit_kernels`."""

FREEDOM = 1e-6
"""A residual whose variance is below this part of sigma^2 is fixed by the fit and has no pull."""


class _Lines(NamedTuple):
    """Lines of one view: offset and slope (N, 2), covariance (N, 2, 2), chi2 (N,), residuals and pulls (N, P)."""

    line: Floats
    cov: Floats
    chi2: Floats
    residuals: Floats
    pulls: Floats


def fit_straight(hits: Hits, spectrometer: Spectrometer, momentum: float) -> TrackFits:
    """Fit straight tracks.

    Parameters
    ----------
    hits : Hits
        At least two x; none or at least two y.
    spectrometer : Spectrometer
        Its planes and air; the field is taken as none.
    momentum : float
        What particles scatter as, GeV; infinite: they do not.

    Returns
    -------
    TrackFits
        With NaN for q/p, its covariances, the momentum and the charge.
    """
    z = np.asarray(hits.z, np.float64)
    x, y, sigma_x, sigma_y = np.broadcast_arrays(
        *(np.asarray(v, np.float64) for v in (hits.x, hits.y, hits.sigma_x, hits.sigma_y))
    )
    measured, sigma = np.stack([x, y]), np.stack([sigma_x, sigma_y])
    seen = np.isfinite(measured) & np.isfinite(sigma) & (sigma > 0.0)
    count = seen.sum(axis=2)
    good = np.flatnonzero((count[0] >= 2) & (count[1] != 1))
    lengths = np.broadcast_to(np.asarray(spectrometer.x_over_x0, np.float64), z.shape)
    noise = material.scattering(z, lengths, spectrometer.air) / momentum**2
    slopes = np.zeros((2, len(good)))
    views: list[_Lines] = []
    for _ in range(2):  # a slanted track meets more material
        along = (1.0 + np.sum(slopes**2, axis=0)) ** 1.5
        views = [
            _lines(z, measured[v][good], sigma[v][good], seen[v][good], noise, along * (1.0 + slopes[v] ** 2))
            for v in range(2)
        ]
        slopes = np.stack([np.nan_to_num(view.line[:, 1]) for view in views])
    tracks = len(x)
    state, cov = np.full((tracks, 5), np.nan), np.full((tracks, 5, 5), np.nan)
    chi2, ndf = np.full(tracks, np.nan), np.zeros(tracks, np.int32)
    residuals, pulls = np.full((tracks, len(z), 2), np.nan), np.full((tracks, len(z), 2), np.nan)
    chi2[good] = 0.0
    for v, view in enumerate(views):
        state[good, v], state[good, v + 2] = view.line.T
        for i in range(2):
            for j in range(2):
                cov[good, v + 2 * i, v + 2 * j] = view.cov[:, i, j]
                cov[good, v + 2 * i, 1 - v + 2 * j] = 0.0
        chi2[good] += view.chi2
        ndf[good] += np.maximum(count[v][good] - 2, 0).astype(np.int32)
        residuals[good, :, v], pulls[good, :, v] = view.residuals, view.pulls
    status = np.full(tracks, TOO_FEW, np.int32)
    status[good] = OK
    unknown = np.isnan(state)
    cov[unknown[:, :, None] | unknown[:, None, :]] = np.nan
    px, py, tx, ty, q_over_p = state.T
    return TrackFits(q_over_p, px, py, tx, ty, cov, chi2, ndf, residuals, pulls, status)


def _lines(z: Floats, hits: Floats, sigma: Floats, seen: Bools, noise: Floats, factor: Floats) -> _Lines:
    """Fit the lines of one view (N, P); where nothing is seen the line is NaN and chi2 0.

    Coordinates that are not seen are taken out: their rows of the design are zero, and those of the covariance of the hits
    are of a unit matrix.
    """
    design = seen[:, :, None] * np.column_stack([np.ones(len(z)), z - z[0]])
    pairs = seen[:, :, None] & seen[:, None, :]
    spread = np.where(pairs, factor[:, None, None] * noise, 0.0)
    index = np.arange(len(z))
    spread[:, index, index] += np.where(seen, sigma**2, 1.0)
    values = np.where(seen, hits, 0.0)
    weighted = np.linalg.solve(spread, design)
    normal = design.transpose(0, 2, 1) @ weighted
    none = ~seen.any(axis=1)
    normal[none] = np.eye(2)
    cov = np.linalg.inv(normal)
    line = (cov @ (weighted.transpose(0, 2, 1) @ values[:, :, None]))[:, :, 0]
    rest = values - (design @ line[:, :, None])[:, :, 0]
    chi2 = np.einsum("ni,ni->n", rest, np.linalg.solve(spread, rest[:, :, None])[:, :, 0])
    variance = spread[:, index, index] - np.einsum("nij,njk,nik->ni", design, cov, design)
    loose = seen & (variance > FREEDOM * sigma**2)
    pulls = np.where(loose, rest / np.sqrt(np.where(loose, variance, 1.0)), np.nan)
    line[none], cov[none] = np.nan, np.nan
    return _Lines(line, cov, np.maximum(chi2, 0.0), np.where(seen, rest, np.nan), pulls)
