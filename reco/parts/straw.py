"""Straw tubes: where their wires stand, and what a drift time says about the distance of a track to its wire."""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field, model_validator

from emiss.configs.schema import Length, Model, Time, Velocity

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats

Point = tuple[Annotated[Time, Field(ge=0, le=1e5)], Annotated[Length, Field(ge=0, le=100)]]


class Drift(Model):
    """Drift time to distance: one velocity, or a table of times with distances, ascending, from the wire to the wall."""

    velocity: Annotated[Velocity, Field(gt=0, le=10)] | None = None
    table: tuple[Point, ...] = Field(default=(), max_length=1000)
    source: str

    @model_validator(mode="after")
    def _one_of_both(self) -> Drift:
        if (self.velocity is None) == (not self.table):
            msg = "a drift relation is a 'velocity' or a 'table'"
            raise ValueError(msg)
        for (time, distance), (later, farther) in pairwise(self.table):
            if later <= time or farther <= distance:
                msg = f"times and distances ascend: [{later:g} ns, {farther:g} mm] stands after [{time:g} ns, {distance:g} mm]"
                raise ValueError(msg)
        if self.table and (len(self.table) == 1 or self.table[0][1] != 0.0):
            msg = "a table begins at the wire, at the distance 0 mm, and has two lines at least"
            raise ValueError(msg)
        return self


class Straw(Model):
    """Tubes side by side in one or two layers; those of the second stand half a pitch further, `spacing` behind the first.

    `diameter` is that of the gas volume. A hit tells the distance to the wire and not the side.
    """

    diameter: Annotated[Length, Field(gt=0, le=100)]
    layers: Annotated[int, Field(ge=1, le=2)] = 1
    spacing: Annotated[Length, Field(gt=0, le=1000)] | None = None
    drift: Drift
    source: str

    @model_validator(mode="after")
    def _whole(self) -> Straw:
        if (self.layers == 2) != (self.spacing is not None):
            msg = "two layers, and no single one, need a 'spacing' along z"
            raise ValueError(msg)
        if self.drift.table and self.drift.table[-1][1] < self.radius:
            msg = f"the drift table ends at {self.drift.table[-1][1]:g} mm, before the wall of the tube at {self.radius:g} mm"
            raise ValueError(msg)
        return self

    @property
    def radius(self) -> float:
        """Of a tube, mm."""
        return 0.5 * self.diameter

    @property
    def places(self) -> tuple[float, ...]:
        """Where the layers stand behind the station's z, mm."""
        return (0.0,) if self.spacing is None else (0.0, self.spacing)

    @cached_property
    def _curve(self) -> tuple[Floats, Floats]:
        """Times (ns) and distances (mm) from the wire to the wall and beyond."""
        if self.drift.velocity is not None:
            return np.array([0.0, self.radius / self.drift.velocity]), np.array([0.0, self.radius])
        times, distances = np.array(self.drift.table).T
        return times, distances

    @property
    def longest(self) -> float:
        """Drift time from the wall, ns."""
        times, distances = self._curve
        return float(np.interp(self.radius, distances, times))

    def distance(self, time: Floats) -> Floats:
        """Return the distances (mm) to the wire that drift times (ns) tell, none of them beyond the wall."""
        found: Floats = np.minimum(np.interp(time, *self._curve), self.radius)
        return found

    def time(self, distance: Floats) -> Floats:
        """Return drift times (ns) for distances (mm); on in straight lines for what an error takes beyond wire and wall."""
        times, distances = self._curve
        first, last = (np.diff(times) / np.diff(distances))[[0, -1]]
        found: Floats = np.interp(distance, distances, times)
        found += first * np.minimum(distance - distances[0], 0.0) + last * np.maximum(distance - distances[-1], 0.0)
        return found
