"""Types of the keys of detector files, with the limits of the apparatus at large.

What lies outside is a slip, and some would fill the memory.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticCustomError

from emiss.configs.schema import Angle, Energy, Length, Number, Time

View = Literal["x", "y"]
Technology = Literal["micromegas", "gem", "hodoscope", "straw"]


def _ordered(window: tuple[float, float]) -> tuple[float, float]:
    if window[0] >= window[1]:
        msg = "the window ends before it begins"
        raise ValueError(msg)
    return window


@dataclass(frozen=True)
class InSigma:
    """A window on both sides of 0, in units of the time resolution of each channel (`sadc.resolution` of the conditions)."""

    number: Annotated[float, Field(gt=0, le=1000)]


def _sigma(value: Any) -> Any:
    """Take ``5 sigma``."""
    if isinstance(value, str):
        number, _, unit = value.partition(" ")
        try:
            return {"number": float(number if unit.strip() == "sigma" else "")}
        except ValueError:
            message = "a time window is '[-15 ns, 15 ns]' or '5 sigma', not '{text}'"
            raise PydanticCustomError("window", message, {"text": value}) from None
    return value


def _told(value: Any) -> str:
    return "sigma" if isinstance(value, str | InSigma) else "times"


def _weights(value: Any) -> Any:
    """Take one name, or a list of names, for a mapping of names to weights that are alike."""
    if isinstance(value, str):
        return {value: 1.0}
    if isinstance(value, list):
        twice = [name for number, name in enumerate(value) if name in value[:number]]
        if twice:
            raise PydanticCustomError("twice", "'{name}' is given twice", {"name": str(twice[0])})
        return dict.fromkeys(value, 1.0)
    return value


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z]\w*", text, re.ASCII):
        message = "'{text}' is no name: a letter, then letters, digits and '_'"
        raise PydanticCustomError("name", message, {"text": text})
    return text


# in base units: GeV, mm, ns, T, rad
Name = Annotated[str, AfterValidator(_name)]
Place = Annotated[Length, Field(ge=-1e6, le=1e6)]
Extent = Annotated[Length, Field(gt=0, le=1e5)]
Rotation = Annotated[Angle, Field(ge=-0.5, le=0.5)]
Visible = Annotated[Energy, Field(gt=0, le=1000)]
Threshold = Annotated[Energy, Field(ge=0, le=1000)]
Share = Annotated[Number, Field(ge=0, le=1)]
Lengths = Annotated[Number, Field(gt=0, le=1000)]
Count = Annotated[int, Field(gt=0, le=100)]
Plates = Annotated[int, Field(gt=0, le=10_000)]
Span = Annotated[Time, Field(gt=0, le=1e5)]
Window = Annotated[tuple[Time, Time], AfterValidator(_ordered)]
TimeWindow = Annotated[
    Annotated[Window, Tag("times")]
    | Annotated[InSigma, BeforeValidator(_sigma, json_schema_input_type=str), Tag("sigma")],
    Discriminator(_told),
]
_Weight = Annotated[Number, Field(gt=0, le=1e6)]
Weights = Annotated[
    dict[Name, _Weight],
    BeforeValidator(_weights, json_schema_input_type=dict[Name, _Weight] | list[Name] | Name),
    Field(min_length=1),
]
Thickness = Annotated[Length, Field(gt=0, le=1e5)]
