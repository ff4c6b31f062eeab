"""The reader map of a foreign file, as it is written in YAML (``configs/readers/*.yaml``)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from emiss.configs.place import Placed, Text, Texts
from emiss.configs.schema import Number, Time  # noqa: TC001 - pydantic reads the annotations

Role = Literal["signal", "background", "data"]

Reduction = Annotated[dict[str, Text], Field(min_length=1, max_length=1)]
"""``{max: EXPRESSION}``: one of count, sum, min, max, mean, first."""


class ObjectEntry(Placed):
    """A list made from another one, as in an analysis."""

    from_: Texts = Field(alias="from")
    where: Text | None = None


class GroupEntry(Placed):
    """Elements of a list put together by a key: one element per key and event, with counts and sums over its members."""

    from_: Text = Field(alias="from")
    by: Text
    where: Text | None = None
    columns: dict[str, Text | Reduction] = Field(min_length=1)


class CellsEntry(Placed):
    """Detector cells of a fixed array (`branch`, `shape`, `axes`), or of one branch each (`pattern`)."""

    branch: str | None = None
    shape: list[int] | None = None
    axes: list[str] | None = None
    pattern: str | None = None
    value: str = "energy"
    unit: str = "GeV"
    above: str = "0"
    constants: dict[str, float] = Field(default_factory=dict)


class WaveformsEntry(Placed):
    """Waveforms of another digitiser: one row each, measured as the MSADC's are, with one pedestal per channel."""

    samples: str
    channel: str | None = None
    period: Time
    bits: int = Field(gt=0, le=16)
    pedestal: tuple[int, int]
    rise: Time
    threshold: Number = 6.0
    before: int = Field(4, ge=0)
    after: int = Field(8, ge=0)


class ColumnEntry(Placed):
    """A column of the event table."""

    from_: Texts = Field(alias="from")
    default: Text | None = None
    meaning: str = ""


class ReaderMap(Placed):
    """A reader map: from the branches of a tree to the columns of an event table.

    `role` is that of files that are given without a run list.

    Columns that go by a name of the set-up `detector` have the unit, type and shape that they have there.
    """

    reader: str
    description: str = ""
    role: Role = "data"
    detector: Text | None = None
    tree: str | None = None
    group_by: str | None = None
    units: dict[str, Text] = Field(default_factory=dict)
    define: dict[str, Text] = Field(default_factory=dict)
    objects: dict[str, ObjectEntry] = Field(default_factory=dict)
    groups: dict[str, GroupEntry] = Field(default_factory=dict)
    cells: dict[str, CellsEntry] = Field(default_factory=dict)
    waveforms: dict[str, WaveformsEntry] = Field(default_factory=dict)
    columns: dict[str, Texts | ColumnEntry] = Field(min_length=1)
