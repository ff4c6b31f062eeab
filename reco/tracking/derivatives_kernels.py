"""The numba kernel of the residuals' derivatives: the model of every track at every plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.compiled import fused
from emiss.reco.field.transport_kernels import ROW, advance, identity
from emiss.reco.tracking.fit_kernels import lever_stretch, noise_factors

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.reco.field.steps import Steps


@fused
def predict_all(
    z: Floats,
    states: Floats,
    steps: Steps,
    noise: Floats,
    model: Floats,
    slopes: Floats,
    tangents: Floats,
    cov: Floats,
    state: Floats,
    part: Floats,
    factors: Floats,
    stretch: Floats,
) -> None:
    """Write positions (N, P, 2), their derivatives (N, P, 2, 5), tx and ty (N, P, 2) and the noise (N, 2, P, P) of states.

    NaN from the plane on that a track does not reach. There is room for one track in `state` (5,), `part` (5 * ROW,),
    `factors` (3,) and `stretch` (2, P).
    """
    planes = model.shape[1]
    for track in range(len(states)):
        for k in range(5):
            state[k] = states[track, k]
        noise_factors(state, factors)
        model[track] = np.nan
        slopes[track] = np.nan
        tangents[track] = np.nan
        identity(part)
        for s in range(-1, len(steps.kind)):
            if s >= 0 and not advance(state, part, steps, s):
                break
            at = 0 if s < 0 else steps.plane[s]
            if at >= 0:
                for view in range(2):
                    model[track, at, view] = state[view]
                    tangents[track, at, view] = state[2 + view]
                    for k in range(5):
                        slopes[track, at, view, k] = part[view * ROW + k]
        lever_stretch(z, slopes[track], stretch)
        for i in range(planes):
            for j in range(planes):
                for view in range(2):
                    cov[track, view, i, j] = factors[view] * noise[0, i, j] * stretch[view, i] * stretch[view, j]
                cov[track, 0, i, j] += factors[2] * noise[1, i, j]
