"""Momentum from the bend in a dipole: `fit_tracks` fits hits on planes before and behind it, with errors.

Usable without the rest of emiss::

    from emiss.reco.tracking.fit import Hits, Spectrometer, fit_tracks

    hits = Hits(z=[0, 500, 2900, 3400], x=x, y=y, sigma_x=0.08, sigma_y=0.08)      # x, y: (tracks, planes), mm
    fits = fit_tracks(hits, Spectrometer.uniform(by=1.4, z_range=(700.0, 2700.0)))
    fits.p[fits.status == 0]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.reco.field.transport import Field, SoftBox, UniformBox

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from emiss.configs.arrays import Array
    from emiss.reco.field.steps import Steps


@dataclass(frozen=True)
class Hits:
    """Measured coordinates of N tracks on P planes.

    Attributes
    ----------
    z : array of shape (P,)
        Positions of the planes, mm, ascending.
    x, y : arrays of shape (N, P)
        mm; NaN where a coordinate is not measured.
    sigma_x, sigma_y : arrays of shape (N, P), or what broadcasts to it
        mm.
    """

    z: Any
    x: Any
    y: Any
    sigma_x: Any
    sigma_y: Any


@dataclass(frozen=True)
class Spectrometer:
    """Field and material that a track meets.

    Attributes
    ----------
    field : Field
    x_over_x0 : float or sequence of P floats
        Radiation lengths of the planes.
    air : bool
        Whether there is air between the planes (else vacuum or helium, neglected).
    """

    field: Field
    x_over_x0: float | Sequence[float] = 0.003
    air: bool = False

    def __post_init__(self) -> None:
        lengths = np.asarray(self.x_over_x0, np.float64)
        if not np.all(np.isfinite(lengths) & (lengths >= 0.0)):
            msg = f"x_over_x0 is {self.x_over_x0}; radiation lengths are finite and not negative"
            raise ValueError(msg)

    @classmethod
    def uniform(
        cls,
        by: float,
        z_range: tuple[float, float],
        x_over_x0: float | Sequence[float] = 0.003,
        air: bool = False,
    ) -> Spectrometer:
        """Return a spectrometer with a uniform field By (T) between two z (mm).

        Raises
        ------
        ValueError
            If the field ends before it begins, or a number is not finite.
        """
        return cls(UniformBox(float(by), (float(z_range[0]), float(z_range[1]))), x_over_x0, air)

    @classmethod
    def soft(
        cls,
        by: float,
        z_range: tuple[float, float],
        edge: float,
        x_over_x0: float | Sequence[float] = 0.003,
        air: bool = False,
    ) -> Spectrometer:
        """Return a spectrometer with the same field integral, and edges of a length `edge` (mm); see `field.SoftBox`.

        Raises
        ------
        ValueError
            As for `uniform`, or if the edge is not above zero.
        """
        return cls(SoftBox(float(by), (float(z_range[0]), float(z_range[1])), float(edge)), x_over_x0, air)

    @classmethod
    def from_map(
        cls,
        path: str | Path,
        x_over_x0: float | Sequence[float] = 0.003,
        air: bool = False,
        *,
        at: tuple[float, float, float] = (0.0, 0.0, 0.0),
        scale: float = 1.0,
    ) -> Spectrometer:
        """Return a spectrometer with the field of a map (text or ROOT, `field_map_files`).

        Parameters
        ----------
        path : path
        x_over_x0, air
            As in the class.
        at : (float, float, float)
            Where the origin of the map's coordinates stands, mm.
        scale : float
            Factor on the field.

        Raises
        ------
        UserError
            If the map cannot be read, is no regular grid, or no magnetic field.
        """
        from emiss.reco.field.field_map import FieldMap

        return cls(FieldMap.load(path, at=at, scale=scale), x_over_x0, air)

    def way(self, z: Array) -> tuple[Steps, Array]:
        """Return the steps past planes at `z` (P,) with their energy losses, and the noise (2, P, P) for p = 1 GeV."""
        from emiss.reco.tracking import material

        lengths = np.broadcast_to(np.asarray(self.x_over_x0, np.float64), z.shape)
        steps = self.field.steps(z)
        noise = np.stack([material.scattering(z, lengths, self.air), material.straggling(z, lengths, self.air, steps)])
        return material.with_losses(steps, lengths, self.air), noise


@dataclass(frozen=True)
class TrackFits:
    """Fitted tracks; the state is given at the first plane. Where `status` is not 0 all floats are NaN.

    Attributes
    ----------
    q_over_p : array of shape (N,)
        e/GeV.
    x, y, tx, ty : arrays of shape (N,)
        mm and slopes; y and ty are NaN where no y was measured.
    cov : array of shape (N, 5, 5)
        Covariance in the order x, y, tx, ty, q/p.
    chi2, ndf : arrays of shape (N,)
    residuals, pulls : arrays of shape (N, P, 2)
        Measured minus fitted x and y (mm), and over their expected spread; NaN where there is none.
    status : int array of shape (N,)
        0 ok, 1 too few hits, 2 not converged, 3 covariance not positive, 4 left the field.
    """

    q_over_p: Array
    x: Array
    y: Array
    tx: Array
    ty: Array
    cov: Array
    chi2: Array
    ndf: Array
    residuals: Array
    pulls: Array
    status: Array

    @property
    def p(self) -> Array:
        """Momentum, GeV, shape (N,); infinite where no bend at all is seen."""
        with np.errstate(divide="ignore"):
            momentum: Array = 1.0 / np.abs(self.q_over_p)
        return momentum

    @property
    def charge(self) -> Array:
        """Charge, e, shape (N,); NaN for a track that failed."""
        sign: Array = np.sign(self.q_over_p)
        return sign

    def momentum(self) -> Any:
        """Momenta at the first plane (GeV) as an array of `vector`, shape (N,); needs that package (``pip install vector``)."""
        import vector

        p_z = self.p / np.sqrt(1.0 + self.tx**2 + self.ty**2)
        return vector.array({"px": self.tx * p_z, "py": self.ty * p_z, "pz": p_z})

    @property
    def sigma_q_over_p(self) -> Array:
        """Error of q/p, e/GeV, shape (N,)."""
        sigma: Array = np.sqrt(self.cov[:, 4, 4])
        return sigma


def fit_tracks(hits: Hits, spectrometer: Spectrometer) -> TrackFits:
    """Fit tracks through a dipole.

    A least-squares fit of (x, y, tx, ty, q/p) with the transport through the field (exact arcs in a uniform box,
    Runge-Kutta steps else) and the mean energy loss; measurement errors, multiple scattering (Highland formula) and
    fluctuations of the loss enter with all their correlations between planes. It is equivalent to a Kalman filter with its
    smoother: the state at the first plane knows all hits. A bad track never raises: it has a status.

    Parameters
    ----------
    hits : Hits
        At least three x; none or at least two y.
    spectrometer : Spectrometer

    Returns
    -------
    TrackFits

    Raises
    ------
    ValueError
        If shapes do not fit or z does not ascend.
    """
    from emiss.reco.tracking import fit_kernels as kernels

    z = np.ascontiguousarray(hits.z, np.float64)
    x, y, sigma_x, sigma_y = np.broadcast_arrays(
        *(np.asarray(v, np.float64) for v in (hits.x, hits.y, hits.sigma_x, hits.sigma_y))
    )
    if z.ndim != 1 or len(z) < 3 or not np.all(np.isfinite(z)) or np.any(np.diff(z) <= 0):
        msg = "z lists at least three planes in ascending order"
        raise ValueError(msg)
    if x.ndim != 2 or x.shape[1] != len(z):
        msg = f"x and y have shape (tracks, {len(z)}), not {x.shape}"
        raise ValueError(msg)
    tracks = len(x)
    steps, noise = spectrometer.way(z)
    state, cov = np.empty((tracks, 5)), np.empty((tracks, 5, 5))
    chi2, ndf = np.empty(tracks), np.empty(tracks, np.int32)
    residuals, pulls = np.empty((tracks, len(z), 2)), np.empty((tracks, len(z), 2))
    status = np.empty(tracks, np.int32)
    kernels.fit(
        z,
        np.stack([x, y], axis=-1),
        np.stack([sigma_x, sigma_y], axis=-1),
        steps,
        noise,
        state,
        cov,
        chi2,
        ndf,
        residuals,
        pulls,
        status,
        kernels.work_for(len(z)),
    )
    x, y, tx, ty, q_over_p = state.T
    return TrackFits(q_over_p, x, y, tx, ty, cov, chi2, ndf, residuals, pulls, status)
