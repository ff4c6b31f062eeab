"""Extrapolation of fitted tracks to places outside the spectrometer: the faces of the calorimeters, the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.reco.detector.model import Detector
    from emiss.reco.field.transport import Field
    from emiss.reco.tracking.fit import TrackFits


def faces(detector: Detector) -> dict[str, float]:
    """Return z (mm) of the front faces of ECAL, VETO and each HCAL module by name, and of the middle of the last as `match`."""
    last = max(detector.hcal.modules.values(), key=lambda module: module.z)
    modules = {name: module.z for name, module in detector.hcal.modules.items()}
    return {"ECAL": detector.ecal.z, "VETO": detector.veto.z, **modules, "match": last.z + 0.5 * detector.hcal.depth}


def straight(fits: TrackFits, distance: float) -> tuple[Floats, Floats]:
    """Return states (N, 5) and covariances (N, 5, 5) a distance (mm) from the first plane, where there is no field.

    Upstream (a negative distance) nothing scatters between the plane and there but what the caller knows of: the errors
    are those of the fit. NaN for tracks that failed.
    """
    state = np.stack([fits.x, fits.y, fits.tx, fits.ty, fits.q_over_p], axis=1)
    state[:, :2] += distance * state[:, 2:4]
    move = np.eye(5)
    move[0, 2] = move[1, 3] = distance
    return state, move @ fits.cov @ move.T


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
