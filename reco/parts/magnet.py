"""Dipole magnets: their field, and where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from emiss.configs.schema import Field as MagneticField
from emiss.configs.schema import Model, Number
from emiss.reco.parts.base import Part, Volume
from emiss.reco.parts.quantities import Extent, Place

if TYPE_CHECKING:
    from pathlib import Path

    from emiss.reco.field.transport import Field as AnyField


def no_field(first: float, last: float) -> AnyField:
    """Return a field that is zero between two z (mm)."""
    from emiss.reco.field.transport import UniformBox

    return UniformBox(0.0, (first, last))


class FieldMapFile(Model):
    """A field map: the file beside the detector file, where the origin of its coordinates stands, a factor."""

    file: str
    at: tuple[Place, Place, Place] = (0.0, 0.0, 0.0)
    scale: Annotated[Number, Field(ge=-1000, le=1000)] = 1.0


class Magnet(Part):
    """A dipole between two z: with a vertical field `by`, with soft edges where `edge` is given, or with a field map.

    A field of 0 T is a magnet that is off: tracks are straight, as for an alignment.
    """

    kind: Literal["magnet"]
    z: tuple[Place, Place]
    by: Annotated[MagneticField, Field(ge=-50, le=50)] | None = None
    edge: Extent | None = None
    map: FieldMapFile | None = None
    width: Extent | None = None
    height: Extent | None = None

    @model_validator(mode="after")
    def _one_field(self) -> Magnet:
        if self.z[0] >= self.z[1]:
            msg = "the magnet ends before it begins"
            raise ValueError(msg)
        if (self.by is None) == (self.map is None):
            msg = "a magnet has either a field 'by' or a 'map'"
            raise ValueError(msg)
        if self.edge is not None and self.map is not None:
            msg = "'edge' goes with 'by'; a map has its own edges"
            raise ValueError(msg)
        return self

    def field(self, path: Path | None) -> AnyField:
        """Return the field; that of a map is read from `path`.

        Raises
        ------
        UserError
            If the map cannot be read or is no magnetic field.
        """
        from emiss.reco.field.transport import SoftBox, UniformBox

        if self.map is not None and path is not None:
            from emiss.reco.field.field_map import FieldMap

            return FieldMap.load(path, at=self.map.at, scale=self.map.scale)
        by = self.by or 0.0
        return UniformBox(by, self.z) if self.edge is None else SoftBox(by, self.z, self.edge)

    def volumes(self, name: str) -> tuple[Volume, ...]:
        """Return the yoke; width and height are those of the gap."""
        first, last = self.z
        return (Volume(name, 0.0, 0.0, first, width=self.width or 0.0, height=self.height or 0.0, depth=last - first),)
