"""The reader map of a foreign file, as it is written in YAML (``configs/readers/*.yaml``)."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from emiss.configs.place import Placed, Text, Texts
from emiss.configs.schema import Number, Time  # noqa: TC001 - pydantic reads the annotations
from emiss.events.history import Before, problem

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


class HistoryEntry(Placed):
    """A row of the cutflow that came before the files were written: events left after a cut, and the sum of their weights."""

    cut: str = Field(min_length=1)
    events: int = Field(ge=0)
    sum_w: Number | None = None
    require: str = ""

    def row(self) -> Before:
        """Return it as results hold it."""
        return Before(self.cut, self.events, self.sum_w, self.require)


class ReaderMap(Placed):
    """A reader map: from the branches of a tree to the columns of an event table.

    `role` is that of files that are given without a run list; `weight` the nominal weight of their events, the same as a
    column of that name. `history` is what was cut before all the files of a sample were written; or `history_from` names a
    histogram in each file whose labelled bins say it.

    Columns that go by a name of the set-up `detector` have the unit, type and shape that they have there.
    """

    reader: str
    description: str = ""
    role: Role = "data"
    detector: Text | None = None
    tree: str | None = None
    history: list[HistoryEntry] = Field(default_factory=list)
    history_from: Text | None = None
    weight: Text | None = None
    group_by: str | None = None
    units: dict[str, Text] = Field(default_factory=dict)
    define: dict[str, Text] = Field(default_factory=dict)
    objects: dict[str, ObjectEntry] = Field(default_factory=dict)
    groups: dict[str, GroupEntry] = Field(default_factory=dict)
    cells: dict[str, CellsEntry] = Field(default_factory=dict)
    waveforms: dict[str, WaveformsEntry] = Field(default_factory=dict)
    columns: dict[str, Texts | ColumnEntry] = Field(min_length=1)

    @model_validator(mode="after")
    def _weight_and_history(self) -> Self:
        if self.weight is not None:
            if "weight" in self.columns:
                msg = "the weight is given twice: as 'weight', and under 'columns'"
                raise ValueError(msg)
            self.columns["weight"] = Texts((self.weight,), self.weight.place, several=False)
        wrong = problem([entry.row() for entry in self.history])
        if self.history and self.history_from is not None:
            wrong = "give either 'history' or 'history_from'"
        if wrong is not None:
            msg = f"history: {wrong}"
            raise ValueError(msg)
        return self
