"""Magnetic fields, and the transport of tracks through them: one interface for a uniform box, soft edges and field maps.

The state of a track at a plane of given z is (x, y, tx, ty, q/p): mm, mm, dx/dz, dy/dz, e/GeV. `Field.transport` moves
arrays of states with their derivatives; the kernels it shares with the track fit stand in `transport_kernels`, what is
common to all tracks on the way from plane to plane in `steps`. Maps (`FieldMap`) stand in `field_map`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from emiss.reco.field.curvature import CURVATURE

if TYPE_CHECKING:
    from typing import Self

    from emiss.configs.arrays import Floats
    from emiss.reco.field.steps import Steps

REACH = 9.0
"""Soft edges end this many edge lengths before and behind the box; 3e-8 of the field is cut off."""

KEPT = 32
"""Ways from plane to plane that a field remembers."""


class Field(ABC):
    """A magnetic field between two z; there is none outside."""

    _ways: dict[bytes, Steps]

    @property
    @abstractmethod
    def region(self) -> tuple[float, float]:
        """Where the field begins and ends, mm."""

    @property
    @abstractmethod
    def integral(self) -> float:
        """Integral of By along the axis x = y = 0, T mm."""

    @property
    @abstractmethod
    def box(self) -> UniformBox:
        """The uniform box of the same integral, for estimates."""

    @abstractmethod
    def at(self, x: Floats | float, y: Floats | float, z: Floats | float) -> Floats:
        """Return the field (T) at points (mm) that broadcast; the last axis holds Bx, By, Bz.

        NaN where the field is not known, 0 before and behind it.
        """

    @abstractmethod
    def scaled(self, factor: float) -> Self:
        """Return this field times a factor."""

    @abstractmethod
    def _steps(self, z: Floats) -> Steps:
        """Make the steps past planes at ascending `z` (mm)."""

    @property
    def kick(self) -> float:
        """C times the field integral, GeV: a charge of 1 e gains this much p_x, with the sign of minus the integral."""
        return CURVATURE * self.integral

    def steps(self, z: Floats) -> Steps:
        """Return the steps past planes at ascending `z` (mm); the last few ways are remembered."""
        key = np.asarray(z, np.float64).tobytes()
        if key not in self._ways:
            if len(self._ways) >= KEPT:
                self._ways.pop(next(iter(self._ways)))
            self._ways[key] = self._steps(np.asarray(z, np.float64))
        return self._ways[key]

    def transport(self, states: Floats, z: float, target: float) -> tuple[Floats, Floats]:
        """Move states downstream.

        Parameters
        ----------
        states : array of shape (N, 5)
        z, target : float
            From and to, mm; target >= z.

        Returns
        -------
        states : array of shape (N, 5)
            NaN where the field turns a particle back, or it leaves the region where the field is known.
        jacobians : array of shape (N, 5, 5)
            Derivatives of the new states by the old.
        """
        if target < z:
            msg = f"transport goes downstream, not from {z} to {target} mm"
            raise ValueError(msg)
        from emiss.reco.field.transport_kernels import ROW, transport_all

        moved = np.array(states, np.float64)
        jacobians = np.empty((len(moved), 5, 5))
        transport_all(moved, jacobians, self.steps(np.array([z, target])), np.empty(5 * ROW))
        return moved, jacobians


@dataclass(frozen=True)
class UniformBox(Field):
    """A vertical field `by` (T) between two z (mm), nothing outside; endless in x and y. Tracks follow exact arcs.

    Raises
    ------
    ValueError
        If the box ends before it begins, or a number is not finite.
    """

    by: float
    z_range: tuple[float, float]
    _ways: dict[bytes, Steps] = field(default_factory=dict, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        _check_box(self.by, self.z_range)

    @property
    def region(self) -> tuple[float, float]:
        """The two z."""
        return self.z_range

    @property
    def integral(self) -> float:
        """Integral of By, T mm."""
        return self.by * (self.z_range[1] - self.z_range[0])

    @property
    def box(self) -> UniformBox:
        """The box itself."""
        return self

    def at(self, x: Floats | float, y: Floats | float, z: Floats | float) -> Floats:
        """Return the field (T), shape (..., 3)."""
        x, y, z = np.broadcast_arrays(x, y, z)
        inside = (z >= self.z_range[0]) & (z <= self.z_range[1])
        return np.stack([np.zeros(x.shape), np.where(inside, self.by, 0.0), np.zeros(x.shape)], axis=-1)

    def scaled(self, factor: float) -> UniformBox:
        """Return the box with another field."""
        return UniformBox(factor * self.by, self.z_range)

    def _steps(self, z: Floats) -> Steps:
        from emiss.reco.field.steps import box_steps

        return box_steps(z, *self.z_range, self.by)


class NodeField(Field):
    """A field known at nodes along z and on a grid of x and y there; tracks take Runge-Kutta steps."""

    @property
    @abstractmethod
    def nodes(self) -> Floats:
        """Nodes in z (mm), ascending, between which the field is taken as linear."""

    @abstractmethod
    def profile(self, z: Floats) -> Floats:
        """Return the field on some lines along z, shape (len(z), columns): what the length of steps is chosen from."""

    @abstractmethod
    def slices(self, z: Floats) -> tuple[Floats, tuple[float, float, float, float]]:
        """Return the field at some z on a grid, shape (len(z), nx, ny, 3), and the grid as `steps.Steps` has it."""

    def axis_integrals(self, z: Floats) -> tuple[Floats, Floats]:
        """Return the single (T mm) and double (T mm^2) integral of By on the axis from z[0] to each z."""
        from emiss.reco.field.steps import integrals

        fine = np.unique(np.concatenate([self.nodes, z]))
        fine = fine[(fine >= z[0]) & (fine <= z[-1])]
        by = np.nan_to_num(self.at(np.zeros(1), np.zeros(1), fine)[:, 1])
        once, twice = integrals(fine, by)
        places = np.searchsorted(fine, z)
        return once[places], twice[places]

    def _steps(self, z: Floats) -> Steps:
        from emiss.reco.field.steps import curve_steps

        return curve_steps(z, self)


@dataclass(frozen=True)
class SoftBox(NodeField):
    """A dipole with soft edges of the field integral by * length: endless in x and y, right to first order in y.

    By(z) = by/2 [tanh((z - z0)/edge) - tanh((z - z1)/edge)] and Bz = y dBy/dz, so that the curl vanishes; the divergence
    y d2By/dz2 integrates to zero along a track.

    Attributes
    ----------
    by : float
        In the middle, T.
    z_range : (float, float)
        Where the field has half its value, mm: the integral is by times their distance.
    edge : float
        mm; from 12 % to 88 % of the field over two edges.

    Raises
    ------
    ValueError
        If the field ends before it begins, or an edge is not positive.
    """

    by: float
    z_range: tuple[float, float]
    edge: float
    _ways: dict[bytes, Steps] = field(default_factory=dict, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        _check_box(self.by, self.z_range)
        if not (np.isfinite(self.edge) and self.edge > 0.0):
            msg = f"soft edges have a length above zero, not {self.edge} mm"
            raise ValueError(msg)

    @property
    def region(self) -> tuple[float, float]:
        """The limits, and `REACH` edge lengths before and behind."""
        return self.z_range[0] - REACH * self.edge, self.z_range[1] + REACH * self.edge

    @property
    def integral(self) -> float:
        """Integral of By, T mm."""
        return self.by * (self.z_range[1] - self.z_range[0])

    @property
    def box(self) -> UniformBox:
        """The same with hard edges."""
        return UniformBox(self.by, self.z_range)

    @property
    def nodes(self) -> Floats:
        """A sixteenth of an edge apart at the edges, wider between them."""
        near = np.arange(-REACH * 16, REACH * 16 + 1) / 16.0 * self.edge
        low, high = self.region
        middle = np.linspace(*self.z_range, 33)
        nodes = np.unique(np.concatenate([self.z_range[0] + near, self.z_range[1] + near, middle]))
        return nodes[(nodes >= low) & (nodes <= high)]

    def at(self, x: Floats | float, y: Floats | float, z: Floats | float) -> Floats:
        """Return the field (T), shape (..., 3)."""
        x, y, z = np.broadcast_arrays(x, y, z)
        first, second = (np.tanh((z - limit) / self.edge) for limit in self.z_range)
        inside = np.where((z >= self.region[0]) & (z <= self.region[1]), 0.5 * self.by, 0.0)
        slope = inside * (second**2 - first**2) / self.edge
        return np.stack([np.zeros(x.shape), inside * (first - second), y * slope], axis=-1)

    def scaled(self, factor: float) -> SoftBox:
        """Return the same shape with another field."""
        return replace(self, by=factor * self.by)

    def profile(self, z: Floats) -> Floats:
        """Return By on the axis and Bz a hundredth of a metre beside it."""
        found: Floats = self.at(np.zeros(1), np.full(1, 10.0), z)[:, 1:]
        return found

    def slices(self, z: Floats) -> tuple[Floats, tuple[float, float, float, float]]:
        """Return the field on four corners ten metres away: it does not depend on x, and is linear in y."""
        wide = 1e4
        corners = np.array([-wide, wide])
        field_ = self.at(corners[None, :, None], corners[None, None, :], z[:, None, None])
        return field_, (-wide, 0.5 / wide, -wide, 0.5 / wide)


def _check_box(by: float, limits: tuple[float, float]) -> None:
    if not np.all(np.isfinite([by, *limits])) or limits[0] >= limits[1]:
        msg = f"a field of {by} T from {limits[0]} to {limits[1]} mm is no box"
        raise ValueError(msg)
