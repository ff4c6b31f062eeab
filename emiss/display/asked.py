"""What the page of `emiss look` sends: which events are wanted, which one is looked at, which picture."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from emiss.configs.schema import Model
from emiss.look.judge import Wanted, read_numbers

Short = Annotated[str, Field(max_length=500)]
Long = Annotated[str, Field(max_length=100_000)]
Row = Annotated[int, Field(ge=0, le=2**53)]
Coordinate = Annotated[float, Field(allow_inf_nan=False)]


class FilterAsked(Model):
    """Which events are wanted; `events` is a list as it was typed."""

    region: Short | None = None
    passing: Short = ""
    failing: Short = ""
    expression: Annotated[str, Field(max_length=5000)] = ""
    events: Long = ""

    def wanted(self) -> Wanted:
        """Return it read.

        Raises
        ------
        UserError
            If the list of events is none.
        """
        return Wanted(self.region, self.passing, self.failing, self.expression.strip(), read_numbers(self.events))


class ListAsked(Model):
    """A page of the list."""

    filter: FilterAsked = Field(default_factory=FilterAsked)
    start: Row = 0
    count: Annotated[int, Field(ge=1, le=500)] = 50


class EventAsked(Model):
    """One event, and the region whose cuts it is held against."""

    file: Row
    row: Row
    region: Short | None = None


class SignalsAsked(EventAsked):
    """What a part has measured in it."""

    part: Short


class PictureAsked(EventAsked):
    """A picture of it; `within` is the range of z that is seen, mm."""

    kind: Literal["svg", "pdf"] = "svg"
    within: tuple[Coordinate, Coordinate] | None = None
