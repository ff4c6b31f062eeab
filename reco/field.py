"""The field of a dipole, and the transport of tracks through it.

The state of a track at a plane of given z is (x, y, tx, ty, q/p): mm, mm, dx/dz, dy/dz, e/GeV. `UniformBox` moves arrays of
states by the exact arc; the kernels it shares with the track fit stand in `field_kernels`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from events.lists import Array

CURVATURE = 0.299792458e-3
"""GeV/(T mm): p_t = CURVATURE * B * R for a charge of 1 e (the speed of light in these units)."""


@dataclass(frozen=True)
class UniformBox:
    """A vertical field `by` (T) between two z (mm), nothing outside; endless in x and y.

    Raises
    ------
    ValueError
        If the box ends before it begins, or a number is not finite.
    """

    by: float
    z_range: tuple[float, float]

    def __post_init__(self) -> None:
        if not np.all(np.isfinite([self.by, *self.z_range])) or self.z_range[0] >= self.z_range[1]:
            msg = f"a field of {self.by} T from {self.z_range[0]} to {self.z_range[1]} mm is no box"
            raise ValueError(msg)

    @property
    def kick(self) -> float:
        """C times the field integral, GeV: a charge of 1 e gains this much p_x, with the sign of -`by`."""
        return CURVATURE * self.by * (self.z_range[1] - self.z_range[0])

    def transport(self, states: Array, z: float, target: float) -> tuple[Array, Array]:
        """Move states downstream.

        Parameters
        ----------
        states : array of shape (N, 5)
        z, target : float
            From and to, mm; target >= z.

        Returns
        -------
        states : array of shape (N, 5)
            NaN where the field turns a particle back.
        jacobians : array of shape (N, 5, 5)
            Derivatives of the new states by the old.
        """
        if target < z:
            msg = f"transport goes downstream, not from {z} to {target} mm"
            raise ValueError(msg)
        from reco.field_kernels import transport_all

        moved = np.array(states, np.float64)
        jacobians = np.empty((len(moved), 5, 5))
        transport_all(moved, jacobians, z, target, self.z_range[0], self.z_range[1], self.by)
        return moved, jacobians
