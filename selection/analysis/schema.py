"""The keys of an analysis file, and what each may hold. Expressions stay text here; `analysis` reads them.

A file that others extend may leave anything out, so nearly every key is optional; what has to be there in the end is
checked by `merge` once all files are put together.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from emiss.configs.schema import Model

MAX_STEPS = 10_000
"""Most steps of a parameter in a scan."""


class ScanModel(Model):
    """A scan of a parameter, or of two, beside a cut."""

    parameter: str | list[str]
    from_: str | list[str] = Field(alias="from")
    to: str | list[str]
    points: Annotated[int, Field(ge=2, le=MAX_STEPS)] | list[Annotated[int, Field(ge=2, le=MAX_STEPS)]]
    figure_of_merit: str = "signal / sqrt(background + 1)"


class CutModel(Model):
    """A cut, or a group of cuts at this place."""

    name: str | None = None
    require: str | None = None
    group: str | None = None
    replaces: bool = False
    before: str | None = None
    scan: ScanModel | None = None
    description: str | None = None


class ObjectModel(Model):
    """A list made from another one, or from list columns of the same length."""

    from_: str | list[str] | None = Field(default=None, alias="from")
    where: str | None = None
    description: str | None = None


class WeightsModel(Model):
    """The weight of an event and its variations."""

    nominal: str | None = None
    variations: dict[str, str] | None = None


class RegionModel(Model):
    """A set of the same cuts with some replaced, dropped or added."""

    replace: dict[str, str] | None = None
    drop: list[str] | None = None
    cuts: list[CutModel] | None = None
    description: str | None = None


class HistogramModel(Model):
    """A histogram of an expression, or of two."""

    name: str
    of: str | list[str]
    bins: int | list[int] | None = None
    from_: str | list[str] | None = Field(default=None, alias="from")
    to: str | list[str] | None = None
    edges: list[str] | None = None
    after: str | list[str] | None = None
    regions: str | list[str] | None = None
    title: str | None = None


class BlindModel(Model):
    """Events that nobody is to see yet."""

    samples: str | list[str] | None = None
    box: str | None = None


class AnalysisModel(Model):
    """An analysis file."""

    analysis: str | None = None
    extends: str | None = None
    description: str | None = None
    made_with: str | None = None
    columns: dict[str, str] | None = None
    parameters: dict[str, str | list[str]] | None = None
    objects: dict[str, ObjectModel] | None = None
    define: dict[str, str] | None = None
    cuts: list[CutModel] | None = None
    drop: list[str] | None = None
    groups: dict[str, list[CutModel]] | None = None
    weights: WeightsModel | None = None
    regions: dict[str, RegionModel | None] | None = None
    histograms: list[HistogramModel] | None = None
    blind: BlindModel | None = None
