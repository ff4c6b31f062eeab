"""`FieldMap`: a magnetic field on a regular grid, trilinear between its nodes, with derivatives and a divergence check.

The files that maps are read from are the business of `field_map_files`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.errors import Location, UserError
from emiss.reco.field.steps import integrals
from emiss.reco.field.transport import NodeField, UniformBox

if TYPE_CHECKING:
    from pathlib import Path

    from emiss.configs.arrays import Floats

LARGEST_DIVERGENCE = 0.15
"""A map whose divergence (`FieldMap.divergence`) is above this is refused: swapped columns or signs give 0.2 to 0.6,
probe noise of 1e-3 T on nodes 20 mm apart less than 0.05."""

LINES = 5
"""Lines along z in x and in y from which the length of steps is chosen."""


@dataclass(frozen=True)
class FieldMap(NodeField):
    """A field on a regular grid. Before and behind it there is none; beside it the field is not known.

    Attributes
    ----------
    axes : three arrays
        Nodes in x, y and z, mm, ascending and equidistant in x and y, at least two each.
    values : array of shape (nx, ny, nz, 3)
        Bx, By, Bz at the nodes, T.
    name : str
        For messages.

    Raises
    ------
    ValueError
        If the shapes do not fit or a number is not finite.
    """

    axes: tuple[Floats, Floats, Floats]
    values: Floats
    name: str = "field map"
    _ways: dict[bytes, object] = field(default_factory=dict, init=False, compare=False, repr=False)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        shape = (*(len(axis) for axis in self.axes), 3)
        if self.values.shape != shape or min(shape) < 2:
            msg = f"a map with nodes {shape[:3]}, two at least, holds values of shape {shape}, not {self.values.shape}"
            raise ValueError(msg)
        for axis, of in zip(self.axes, "xyz", strict=True):
            steps = np.diff(axis)
            if not np.all(steps > 0) or (of != "z" and np.ptp(steps) > 1e-6 * (axis[-1] - axis[0])):
                msg = f"the nodes in {of} do not ascend{'' if of == 'z' else ' in equal steps'}"
                raise ValueError(msg)
        if not np.all(np.isfinite(self.values)):
            msg = "a map holds finite numbers"
            raise ValueError(msg)

    @classmethod
    def load(
        cls, path: str | Path, *, at: tuple[float, float, float] = (0.0, 0.0, 0.0), scale: float = 1.0
    ) -> FieldMap:
        """Read a map from a text or ROOT file, with the origin of its coordinates placed at `at` (mm).

        Raises
        ------
        UserError
            If the file cannot be read, is no regular grid, or its divergence is far from zero.
        """
        from emiss.reco.field.field_map_files import read_field_map

        axes, values = read_field_map(path)
        try:
            found = cls(tuple(axis + offset for axis, offset in zip(axes, at, strict=True)), scale * values, str(path))  # type: ignore[arg-type]
        except ValueError as error:
            raise UserError(str(error), at=Location(str(path))) from None
        if found.divergence > LARGEST_DIVERGENCE:
            raise UserError(
                f"the divergence of the field is {found.divergence:.2f} of its derivatives, above {LARGEST_DIVERGENCE}: "
                "no magnetic field",
                at=Location(str(path)),
                hint="look for swapped columns, signs or units",
            )
        return found

    @property
    def region(self) -> tuple[float, float]:
        """Where the map begins and ends, mm."""
        return float(self.axes[2][0]), float(self.axes[2][-1])

    @cached_property
    def integral(self) -> float:
        """Integral of By along x = y = 0, T mm; NaN where the map does not hold that line."""
        by = self.at(np.zeros(1), np.zeros(1), self.axes[2])[:, 1]
        return float(integrals(self.axes[2], by)[0][-1])

    @property
    def box(self) -> UniformBox:
        """The box of the same integral with the largest By of the axis, around the field's middle."""
        z = self.axes[2]
        by = np.nan_to_num(self.at(np.zeros(1), np.zeros(1), z)[:, 1])
        largest = float(by[np.argmax(np.abs(by))])
        whole, moment = (float(integrals(z, values)[0][-1]) for values in (by, by * z))
        if whole == 0.0:
            return UniformBox(0.0, self.region)
        middle, half = moment / whole, 0.5 * whole / largest
        return UniformBox(largest, (middle - half, middle + half))

    @property
    def nodes(self) -> Floats:
        """The planes of the grid, mm."""
        return self.axes[2]

    def at(self, x: Floats | float, y: Floats | float, z: Floats | float) -> Floats:
        """Return the field (T) at points, shape (..., 3); NaN beside the map, 0 before and behind it."""
        return self._interpolate(x, y, z)[0]

    def gradient(self, x: Floats | float, y: Floats | float, z: Floats | float) -> Floats:
        """Return the derivatives (T/mm) at points, shape (..., 3, 3): of Bx, By, Bz by x, y, z."""
        return self._interpolate(x, y, z)[1]

    def _interpolate(self, x: Floats | float, y: Floats | float, z: Floats | float) -> tuple[Floats, Floats]:
        points = np.broadcast_arrays(*(np.asarray(v, np.float64) for v in (x, y, z)))
        index, part, pitch = [], [], []
        for axis, value in zip(self.axes, points, strict=True):
            i = np.clip(np.searchsorted(axis, value, side="right") - 1, 0, len(axis) - 2)
            pitch.append(axis[i + 1] - axis[i])
            part.append((value - axis[i]) / pitch[-1])
            index.append(i)
        corners = np.zeros((*points[0].shape, 3))
        slopes = np.zeros((*points[0].shape, 3, 3))
        for corner in np.ndindex(2, 2, 2):
            weights = [f if up else 1.0 - f for f, up in zip(part, corner, strict=True)]
            value = self.values[tuple(i + up for i, up in zip(index, corner, strict=True))]
            corners += (weights[0] * weights[1] * weights[2])[..., None] * value
            for axis_ in range(3):
                others = weights[(axis_ + 1) % 3] * weights[(axis_ + 2) % 3]
                sign = 1.0 if corner[axis_] else -1.0
                slopes[..., axis_] += (sign * others / pitch[axis_])[..., None] * value
        low, high = self.region
        outside = (points[2] < low) | (points[2] > high)
        beside = ~outside & np.any([(v < a[0]) | (v > a[-1]) for v, a in zip(points, self.axes, strict=True)], axis=0)
        corners[outside], slopes[outside] = 0.0, 0.0
        corners[beside], slopes[beside] = np.nan, np.nan
        return corners, slopes

    @cached_property
    def divergences(self) -> Floats:
        """Divergence in the middle of each cell, T/mm, shape (nx - 1, ny - 1, nz - 1)."""
        parts = self._cell_derivatives
        found: Floats = parts[0][..., 0] + parts[1][..., 1] + parts[2][..., 2]
        return found

    @property
    def divergence(self) -> float:
        """Rms of the divergence over all cells, over the rms of all nine derivatives; 0 for a field that is constant."""
        size = np.sqrt(np.mean(np.sum([part**2 for part in self._cell_derivatives], axis=(0, -1))))
        return float(np.sqrt(np.mean(self.divergences**2)) / size) if size > 0.0 else 0.0

    @cached_property
    def _cell_derivatives(self) -> list[Floats]:
        """Return the derivatives of the field by x, y and z in the middle of each cell."""
        parts = []
        for axis, nodes in enumerate(self.axes):
            pitch = np.diff(nodes).reshape([-1 if k == axis else 1 for k in range(4)])
            part = np.diff(self.values, axis=axis) / pitch
            for other in {0, 1, 2} - {axis}:
                low, high = ([slice(None)] * 4 for _ in range(2))
                low[other], high[other] = slice(None, -1), slice(1, None)
                part = 0.5 * (part[tuple(low)] + part[tuple(high)])
            parts.append(part)
        return parts

    def scaled(self, factor: float) -> FieldMap:
        """Return the map with all values times a factor."""
        return self if factor == 1.0 else replace(self, values=factor * self.values)

    def profile(self, z: Floats) -> Floats:
        """Return the field on some lines along z, shape (len(z), columns)."""
        i, j = (np.unique(np.linspace(0, len(axis) - 1, LINES).astype(np.int64)) for axis in self.axes[:2])
        lines = self.values[np.ix_(i, j)]
        flat = np.moveaxis(lines, 2, 0).reshape(len(self.axes[2]), -1)
        return np.stack([np.interp(z, self.axes[2], column) for column in flat.T], axis=1)

    def slices(self, z: Floats) -> tuple[Floats, tuple[float, float, float, float]]:
        """Return the field on the map's grid in x and y at some z, and the grid."""
        axis = self.axes[2]
        i = np.clip(np.searchsorted(axis, z, side="right") - 1, 0, len(axis) - 2)
        part = ((z - axis[i]) / (axis[i + 1] - axis[i]))[:, None, None, None]
        planes = np.moveaxis(self.values, 2, 0)
        x, y = self.axes[:2]
        grid = (
            float(x[0]),
            float((len(x) - 1) / (x[-1] - x[0])),
            float(y[0]),
            float((len(y) - 1) / (y[-1] - y[0])),
        )
        return (1.0 - part) * planes[i] + part * planes[i + 1], grid
