"""A plain fit of one track with iminuit: slow, with nothing of the fast fit but the field, to check it and to show a track.

chi2 = sum over views of r^T W r, with r the residuals and W the inverse of the covariance of the hits, scattering with its
correlations included: every kick is followed through the field. The covariance is that of the fitted track: it is held fixed in
a fit, and the fit repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.reco.field.curvature import CURVATURE
from emiss.reco.tracking import material

if TYPE_CHECKING:
    from collections.abc import Callable

    from emiss.configs.arrays import Floats
    from emiss.reco.tracking.fit import Hits, Spectrometer

NAMES = ("x", "y", "tx", "ty", "q/p")

UNITS = np.array([1.0, 1.0, 1e-3, 1e-3, 1e-3])
"""mm, mm, mrad, mrad, e/TeV: what the parameters of Minuit are in, so that they are of the same order."""

ROUNDS = 5

FAR = 1e9
"""chi2 of a track that the field loses."""


@dataclass(frozen=True)
class SingleFit:
    """One fitted track.

    Attributes
    ----------
    state, errors : arrays of shape (5,)
        x, y, tx, ty, q/p at the first plane, and where chi2 has risen by one (mean of the two sides).
    cov : array of shape (5, 5)
        From the second derivatives of chi2.
    chi2 : float
    ndf : int
    residuals : array of shape (P, 2)
        Measured minus fitted, mm; NaN where not measured.
    sigma : array of shape (P, 2)
        Expected spread of a hit around the true track, scattering included, mm.
    scan : array of shape (points, 2)
        q/p (e/GeV) and chi2 minus its minimum with all other parameters fitted again.
    valid : bool
        Whether Minuit has converged.
    """

    state: Floats
    errors: Floats
    cov: Floats
    chi2: float
    ndf: int
    residuals: Floats
    sigma: Floats
    scan: Floats
    valid: bool


class TrackModel:
    """The hits of one track with the spectrometer they were seen in: where a state leads, and how likely that is."""

    def __init__(self, hits: Hits, spectrometer: Spectrometer, track: int) -> None:
        self.z = np.asarray(hits.z, np.float64)
        self.field, self.air = spectrometer.field, spectrometer.air
        self.lengths = np.broadcast_to(np.asarray(spectrometer.x_over_x0, np.float64), self.z.shape)
        arrays = np.broadcast_arrays(*(np.asarray(v, float) for v in (hits.x, hits.y, hits.sigma_x, hits.sigma_y)))
        x, y, sigma_x, sigma_y = (values[track] for values in arrays)
        self.hits, self.sigma = np.stack([x, y], axis=1), np.stack([sigma_x, sigma_y], axis=1)
        self.seen = np.isfinite(self.hits) & np.isfinite(self.sigma) & (self.sigma > 0.0)

    @property
    def determined(self) -> bool:
        """Whether the hits fix a track."""
        x, y = self.seen.sum(axis=0)
        return bool(x >= 3 and y != 1)

    def start(self) -> Floats:
        """Return the state of the closed form for small angles."""
        steps, dz = self.field.steps(self.z), self.z - self.z[0]
        seen_x, seen_y = self.seen.T
        design = np.column_stack([np.ones(len(dz)), dz, -CURVATURE * steps.levers])
        scale = np.abs(design).max(axis=0)
        (x, tx, q_over_p), *_ = np.linalg.lstsq((design / scale)[seen_x], self.hits[seen_x, 0])
        y, ty = np.polynomial.polynomial.polyfit(dz[seen_y], self.hits[seen_y, 1], 1) if seen_y.any() else (0.0, 0.0)
        return np.array([x / scale[0], y, tx / scale[1], ty, q_over_p / scale[2]])

    def path(self, state: Floats, z: Floats | None = None) -> Floats:
        """Return x and y of a state at the first plane, at each plane or at ascending `z`, shape (len(z), 2)."""
        stops = self.z if z is None else z
        planes = np.searchsorted(stops, self.z) if z is not None else np.arange(len(stops))
        points = np.empty((len(stops), 2))
        gaps = np.diff(stops, prepend=stops[0], append=stops[-1])
        air = (
            0.5 * (gaps[:-1] + gaps[1:]) / material.AIR if self.air else np.zeros(len(stops))
        )  # half before, half behind
        here, place = np.array([state], np.float64), self.z[0]
        for number, stop in enumerate(stops):
            if stop > place:
                here, _ = self.field.transport(here, place, stop)
                place = stop
            points[number] = here[0, :2]
            lost = material.LOSS * (self.lengths[planes == number].sum() + air[number])
            here[0, 4] /= 1.0 - lost * np.sqrt(1.0 + here[0, 2] ** 2 + here[0, 3] ** 2) * abs(here[0, 4])
        return points

    def covariance(self, state: Floats) -> tuple[Floats, Floats]:
        """Return the covariances (P, P) of the hits of both views around a track: each kick followed through the field.

        A slab of air scatters as at its middle, with its depth^2/12 for the lever arms.
        """
        covs = [np.diag(self.sigma[:, view] ** 2) for view in range(2)]
        places = [(z, length, 0.0) for z, length in zip(self.z, self.lengths, strict=True)]
        if self.air:
            places += [
                (z + 0.5 * gap, gap / material.AIR, gap) for z, gap in zip(self.z, np.diff(self.z), strict=False)
            ]
        for z, length, depth in places:
            if length == 0.0:
                continue
            here, _ = self.field.transport(state[None], self.z[0], z)
            _, _, tx, ty, q_over_p = here[0]
            along = 1.0 + tx**2 + ty**2
            theta = material.highland(length) * abs(q_over_p) * along**0.75
            arms = np.zeros((len(self.z), 3))  # dx by tx, dy by ty, dx by q/p
            for plane in np.flatnonzero(self.z > z):
                _, jacobian = self.field.transport(here, z, self.z[plane])
                arms[plane] = jacobian[0, 0, 2], jacobian[0, 1, 3], jacobian[0, 0, 4]
            behind = np.outer(self.z > z, self.z > z) * depth**2 / 12.0
            for view, slope in enumerate((tx, ty)):
                covs[view] += theta**2 * (1.0 + slope**2) * (np.outer(arms[:, view], arms[:, view]) + behind)
            loss = material.STRAGGLING * length * np.sqrt(along) * q_over_p**2
            covs[0] += loss**2 * np.outer(arms[:, 2], arms[:, 2])
        return covs[0], covs[1]

    def chi2(self, state: Floats) -> Callable[[Floats], float]:
        """Return chi2 as a function of the parameters in `UNITS`, with the covariance at `state`."""
        weights = []
        for view, cov in enumerate(self.covariance(state)):
            seen = np.flatnonzero(self.seen[:, view])
            weights.append((seen, np.linalg.inv(cov[np.ix_(seen, seen)])))

        def chi2(parameters: Floats) -> float:
            points = self.path(np.asarray(parameters) * UNITS)
            if not np.all(np.isfinite(points)):
                return FAR
            residual = self.hits - points
            return float(sum(residual[seen, view] @ w @ residual[seen, view] for view, (seen, w) in enumerate(weights)))

        return chi2


def fit_single(
    hits: Hits, spectrometer: Spectrometer, track: int = 0, *, tol: float = 1e-3, scan: bool = True
) -> SingleFit:
    """Fit one track with Minuit.

    Parameters
    ----------
    hits : Hits
    spectrometer : Spectrometer
    track : int
        Its row in the hits.
    tol : float
        Tolerance of Minuit: the expected distance to the minimum is below 0.002 `tol`.
    scan : bool
        Whether to run MINOS for the errors and to scan chi2; else the errors are those of HESSE and the scan is empty.

    Raises
    ------
    ValueError
        If there are fewer than three x, or a single y.
    """
    this = TrackModel(hits, spectrometer, track)
    if not this.determined:
        msg = "a track has at least three x, and none or at least two y"
        raise ValueError(msg)
    state = this.start()
    minuit: Any = None
    for _ in range(ROUNDS):
        minuit = _minimise(this, state, tol)
        moved = np.array(minuit.values) * UNITS
        done = abs(moved[4] - state[4]) < 1e-3 * minuit.errors[4] * UNITS[4]
        state = moved
        if done:
            break
    minuit.hesse()
    held = np.array(minuit.fixed)
    cov = np.array(minuit.covariance) * np.outer(UNITS, UNITS)
    errors, profile = np.array(minuit.errors) * UNITS, np.empty((0, 2))
    if scan:
        minuit.minos()
        errors[~held] = [0.5 * (e.upper - e.lower) for e in minuit.merrors.values()] * UNITS[~held]
        places, values, _ = minuit.mnprofile("q_over_p", size=25, bound=3, subtract_min=True)
        profile = np.column_stack([np.asarray(places) * UNITS[4], values])
    cov[held], cov[:, held], state[held], errors[held] = np.nan, np.nan, np.nan, np.nan
    count = this.seen.sum(axis=0)
    spread = np.stack([np.sqrt(np.diag(c)) for c in this.covariance(np.nan_to_num(state))], axis=1)
    return SingleFit(
        state=state,
        errors=errors,
        cov=cov,
        chi2=float(minuit.fval),
        ndf=int(count[0] - 3 + max(count[1] - 2, 0)),
        residuals=np.where(this.seen, this.hits - this.path(np.nan_to_num(state)), np.nan),
        sigma=np.where(this.seen, spread, np.nan),
        scan=profile,
        valid=bool(minuit.valid),
    )


def _minimise(track: TrackModel, state: Floats, tol: float) -> Any:
    from iminuit import Minuit

    minuit = Minuit(track.chi2(state), state / UNITS, name=[name.replace("/", "_over_") for name in NAMES])
    minuit.errordef = Minuit.LEAST_SQUARES
    minuit.errors = [0.1, 0.1, 0.1, 0.1, max(0.01 * abs(state[4] / UNITS[4]), 0.01)]
    minuit.tol = tol
    minuit.strategy = 2
    if not track.seen[:, 1].any():
        minuit.values["y"], minuit.values["ty"] = 0.0, 0.0
        minuit.fixed["y"] = minuit.fixed["ty"] = True
    minuit.migrad()
    return minuit
