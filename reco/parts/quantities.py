"""Types of the keys of detector files, with the limits of the apparatus at large.

What lies outside is a slip, and some would fill the memory.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from emiss.configs.schema import Angle, Energy, Length, Number, Time

View = Literal["x", "y"]


def _ordered(window: tuple[float, float]) -> tuple[float, float]:
    if window[0] >= window[1]:
        msg = "the window ends before it begins"
        raise ValueError(msg)
    return window


# in base units: GeV, mm, ns, T, rad
Name = Annotated[str, Field(pattern=r"^[A-Za-z]\w*$")]
Place = Annotated[Length, Field(ge=-1e6, le=1e6)]
Extent = Annotated[Length, Field(gt=0, le=1e5)]
Rotation = Annotated[Angle, Field(ge=-0.5, le=0.5)]
Visible = Annotated[Energy, Field(gt=0, le=1000)]
Threshold = Annotated[Energy, Field(ge=0, le=1000)]
Share = Annotated[Number, Field(ge=0, le=1)]
Lengths = Annotated[Number, Field(gt=0, le=1000)]
Count = Annotated[int, Field(gt=0, le=100)]
Span = Annotated[Time, Field(gt=0, le=1e5)]
Window = Annotated[tuple[Time, Time], AfterValidator(_ordered)]
Thickness = Annotated[Length, Field(gt=0, le=1e5)]
