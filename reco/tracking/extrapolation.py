"""Extrapolation of fitted tracks to places outside the spectrometer: the faces of the calorimeters, the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.reco.parts.counter import Counter

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.reco.detector.model import Detector
    from emiss.reco.field.transport import Field
    from emiss.reco.tracking.fit import TrackFits


def faces(detector: Detector) -> dict[str, float]:
    """Return z (mm) of the front faces of calorimeters and panels by name, along the beam."""
    own = [
        volume
        for name, part in detector.read_out.items()
        for volume in part.volumes(name)
        if volume.width and not isinstance(part, Counter)
    ]
    return {volume.name: volume.z for volume in sorted(own, key=lambda volume: volume.z)}


def straight(fits: TrackFits, distance: float) -> tuple[Floats, Floats]:
    """Return states (N, 5) and covariances (N, 5, 5) a distance (mm) from the first plane, where there is no field.

    Upstream (a negative distance) nothing scatters between the plane and there but what the caller knows of: the errors
    are those of the fit. NaN for tracks that failed.
    """
    state = np.stack([fits.x, fits.y, fits.tx, fits.ty, fits.q_over_p], axis=1)
    state[:, :2] += distance * state[:, 2:4]
    move = np.eye(4)
    move[0, 2] = move[1, 3] = distance
    cov = fits.cov.copy()  # q/p apart: straight tracks have none
    cov[:, :4, :4] = move @ cov[:, :4, :4] @ move.T
    cov[:, :4, 4] = cov[:, 4, :4] = cov[:, :4, 4] @ move.T
    return state, cov


def downstream(fits: TrackFits, field: Field, z: float, target: float) -> tuple[Floats, Floats]:
    """Return states (N, 5) and covariances (N, 5, 5) behind the spectrometer, through its field.

    Scattering on the way is left out: beam particles of 100 GeV scatter by 6 urad in a plane, and are measured to 140.

    Parameters
    ----------
    fits : TrackFits
    field : Field
    z, target : float
        The first plane, and where to, mm.
    """
    state = np.stack([fits.x, fits.y, fits.tx, fits.ty, fits.q_over_p], axis=1)
    moved, jacobian = field.transport(state, z, target)
    return moved, jacobian @ fits.cov @ jacobian.transpose(0, 2, 1)
