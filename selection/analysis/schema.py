"""The keys of an analysis file, and what each may hold. Expressions stay text here, with their places; `read` parses them.

A file that others extend may leave anything out, so nearly every key is optional; what has to be there in the end is
checked by `merge` once all files are put together.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import BeforeValidator, Field

from emiss.configs.place import Placed, Text, Texts

MAX_STEPS = 10_000
"""Most steps of a parameter in a scan."""

T = TypeVar("T")

Section = Annotated[dict[str, T], BeforeValidator(lambda value: {} if value is None else value)]
"""Entries by their names; nothing behind the colon is none."""

_Steps = Annotated[int, Field(ge=2, le=MAX_STEPS)]


class ScanModel(Placed):
    """A scan of a parameter, or of two, beside a cut."""

    parameter: Texts
    from_: Texts = Field(alias="from")
    to: Texts
    points: _Steps | list[_Steps]
    figure_of_merit: Text | None = None


class CutModel(Placed):
    """A cut, or a group of cuts at this place."""

    name: Text | None = None
    require: Text | None = None
    group: Text | None = None
    replaces: bool = False
    before: Text | None = None
    scan: ScanModel | None = None
    description: str | None = None


class ObjectModel(Placed):
    """A list made from another one, or from list columns of the same length."""

    from_: Texts | None = Field(default=None, alias="from")
    where: Text | None = None
    description: str | None = None


class WeightsModel(Placed):
    """The weight of an event and its variations."""

    nominal: Text | None = None
    variations: dict[str, Text] | None = None


class UpDownModel(Placed):
    """What stands in the place of something, once shifted up and once down; either may be left out."""

    up: Texts | None = None
    down: Texts | None = None


class VariationModel(Placed):
    """A systematic variation: parameters, definitions, scales of columns and the weight, shifted up and down together."""

    parameters: Section[UpDownModel] = Field(default_factory=dict)
    define: Section[UpDownModel] = Field(default_factory=dict)
    scale: Section[Text | UpDownModel] = Field(default_factory=dict)
    weight: UpDownModel | None = None
    description: str | None = None


class RegionModel(Placed):
    """A set of the same cuts with some replaced, dropped or added."""

    replace: Section[Text] = Field(default_factory=dict)
    drop: list[Text] | None = None
    cuts: list[CutModel] | None = None
    description: str | None = None


class HistogramModel(Placed):
    """A histogram of an expression, or of two."""

    name: Text
    of: Texts
    bins: int | list[int] | None = None
    from_: Texts | None = Field(default=None, alias="from")
    to: Texts | None = None
    edges: list[Text] | None = None
    after: Texts | None = None
    regions: Texts | None = None
    title: Text | None = None


class BlindModel(Placed):
    """Events that nobody is to see yet."""

    samples: Texts | None = None
    box: Text | None = None


class AnalysisModel(Placed):
    """An analysis file."""

    analysis: Text | None = None
    extends: Text | None = None
    description: str | None = None
    made_with: Text | None = None
    columns: Section[Text] = Field(default_factory=dict)
    parameters: Section[Texts] = Field(default_factory=dict)
    objects: Section[ObjectModel] = Field(default_factory=dict)
    define: Section[Text] = Field(default_factory=dict)
    functions: Section[Text] = Field(default_factory=dict)
    cuts: list[CutModel] | None = None
    drop: list[Text] | None = None
    groups: Section[list[CutModel]] = Field(default_factory=dict)
    weights: WeightsModel | None = None
    variations: Section[VariationModel] = Field(default_factory=dict)
    regions: Section[RegionModel | None] = Field(default_factory=dict)
    histograms: list[HistogramModel] | None = None
    blind: BlindModel | None = None
