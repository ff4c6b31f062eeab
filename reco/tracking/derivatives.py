"""Residuals of fitted tracks with their derivatives, as arrays: what an alignment takes.

The residuals are measured minus fitted. Their derivatives by the parameters of the track are minus those of the model; those
by the place of a plane are as if the plane's hits were moved with it: a plane moved by (dx, dy, dz) and turned by dphi around z
measures x + dx - y dphi and y + dy + x dphi at z + dz.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.reco.tracking.fit import Hits, Spectrometer, TrackFits

PLANE_PARAMETERS = ("dx", "dy", "dz", "dphi")
"""mm, mm, mm, rad: the last axis of `Residuals.by_plane`."""


@dataclass(frozen=True)
class Residuals:
    """Residuals of N tracks on P planes in two views, and their derivatives; NaN where a coordinate is not measured.

    Attributes
    ----------
    residuals : array of shape (N, P, 2)
        Measured minus fitted, mm.
    by_track : array of shape (N, P, 2, 5)
        Derivatives by x, y, tx, ty, q/p at the first plane.
    by_plane : array of shape (N, P, 2, 4)
        Derivatives by the place of the plane of the hit, `PLANE_PARAMETERS`.
    cov : array of shape (N, 2, P, P)
        Covariance of the hits of each view around the true track: sigma and scattering with its correlations, mm^2.
    """

    residuals: Floats
    by_track: Floats
    by_plane: Floats
    cov: Floats


def residuals(hits: Hits, fits: TrackFits, spectrometer: Spectrometer) -> Residuals:
    """Return the residuals of tracks with their derivatives; those of a track that failed are NaN.

    Parameters
    ----------
    hits : Hits
        As given to `emiss.reco.tracking.fit.fit_tracks`.
    fits : TrackFits
        What it returned; any other states at the first plane will do.
    spectrometer : Spectrometer
    """
    from emiss.reco.field.transport_kernels import ROW
    from emiss.reco.tracking.derivatives_kernels import predict_all

    z = np.ascontiguousarray(hits.z, np.float64)
    arrays = np.broadcast_arrays(*(np.asarray(v, np.float64) for v in (hits.x, hits.y, hits.sigma_x, hits.sigma_y)))
    measured, sigma = np.stack(arrays[:2], axis=-1), np.stack(arrays[2:], axis=-1)
    tracks, planes = measured.shape[:2]
    state = np.stack([fits.x, fits.y, fits.tx, fits.ty, fits.q_over_p], axis=1)
    held = np.isfinite(state[:, 4]) & np.isnan(state[:, 1])  # x alone is measured: the fit holds y and ty at zero
    state[held, 1], state[held, 3] = 0.0, 0.0
    steps, noise = spectrometer.way(z)
    model, slopes = np.empty((tracks, planes, 2)), np.empty((tracks, planes, 2, 5))
    tangents, cov = np.empty((tracks, planes, 2)), np.empty((tracks, 2, planes, planes))
    work = np.empty(5), np.empty(5 * ROW), np.empty(3), np.empty((2, planes))
    predict_all(z, state, steps, noise, model, slopes, tangents, cov, *work)
    index = np.arange(planes)
    cov[:, :, index, index] += np.moveaxis(sigma, 2, 1) ** 2
    found = measured - model
    unseen = ~(np.isfinite(found) & np.isfinite(sigma) & (sigma > 0.0))
    by_plane = np.zeros((tracks, planes, 2, len(PLANE_PARAMETERS)))
    by_plane[:, :, 0, 0] = by_plane[:, :, 1, 1] = 1.0
    by_plane[..., 2] = -tangents
    by_plane[:, :, 0, 3], by_plane[:, :, 1, 3] = -model[:, :, 1], model[:, :, 0]
    slopes = -slopes
    for values in (found, slopes, by_plane):
        values[unseen] = np.nan
    return Residuals(found, slopes, by_plane, cov)
