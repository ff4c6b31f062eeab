"""What the page sends: the choice that the user has made, and which part of the answer is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from emiss.browser.asked import read
from emiss.configs.schema import Model

if TYPE_CHECKING:
    from collections.abc import Mapping

Short = Annotated[str, Field(max_length=500)]
Merit = Annotated[str, Field(max_length=2000)]


class RangeAsked(Model):
    """Another range for a slider, in the unit of its value."""

    start: Annotated[float, Field(allow_inf_nan=False)]
    stop: Annotated[float, Field(allow_inf_nan=False)]


class Asked(Model):
    """The state of the page.

    `parameters` holds those that differ from the file, as ``--set`` takes them; `ranges` those whose slider goes elsewhere;
    `knob` is the value whose steps are asked for.
    """

    parameters: dict[Short, Short] = Field(default_factory=dict)
    region: Short | None = None
    cuts: list[Short] | None = None
    weight: Short | None = None
    merit: Merit | None = None
    ranges: dict[Short, RangeAsked] = Field(default_factory=dict)
    knob: Short | None = None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Asked:
        """Return what was sent.

        Raises
        ------
        UserError
            If it is something else.
        """
        return read(cls, data)
