"""Volumes without read-out: tubes, air, windows, plates."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from emiss.reco.parts.base import Part, fits, opens
from emiss.reco.parts.base import Volume as Outline
from emiss.reco.parts.quantities import Extent, Name, Place, Rotation


class Volume(Part):
    """A box that nothing reads out; `matter` is what stands along its depth, nothing for a vacuum."""

    kind: Literal["volume"]
    x: Place = 0.0
    y: Place = 0.0
    z: Place
    angle: Rotation = 0.0
    width: Extent
    height: Extent
    depth: Extent
    hole: tuple[Extent, Extent] | None = None
    matter: dict[Name, Extent] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits(self) -> Volume:
        fits(self.matter, self.depth)
        opens(self.hole, self.width, self.height)
        return self

    def volumes(self, name: str) -> tuple[Outline, ...]:
        """Return the box."""
        return (
            Outline(
                name,
                self.x,
                self.y,
                self.z,
                width=self.width,
                height=self.height,
                depth=self.depth,
                angle=self.angle,
                hole=self.hole or (0.0, 0.0),
                matter=self.matter,
            ),
        )
