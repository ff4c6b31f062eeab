"""Beam counters: one channel per paddle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from emiss.reco.parts.base import Element, ReadOut, Slot, Volume, need_z, of_elements, ratio
from emiss.reco.parts.quantities import Extent, Name, Threshold, Visible

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.events.columns import Column
    from emiss.reco.parts.base import Sums


class Paddle(Element):
    """One counter."""

    width: Extent | None = None
    height: Extent | None = None
    mip: Visible | None = None


class Counter(ReadOut):
    """Thin counters, each a paddle of scintillator with one channel."""

    kind: Literal["counter"]
    elements: dict[Name, Paddle] = Field(min_length=1, max_length=100)
    threshold: Threshold
    mip: Visible
    width: Extent = 50.0
    height: Extent = 50.0
    depth: Extent = 3.0

    @model_validator(mode="after")
    def _placed(self) -> Counter:
        need_z(self, self.elements)
        return self

    def names(self) -> tuple[str, ...]:
        """Return the names of the paddles."""
        return tuple(self.elements)

    def channels(self) -> tuple[str, ...]:
        """Return one channel per paddle."""
        return tuple(f"{name}.0.0" for name in self.elements)

    def slots(self) -> tuple[Slot, ...]:
        """Return one slot per paddle."""
        return tuple(Slot((channel,), number) for number, channel in enumerate(self.channels()))

    def mips(self) -> tuple[float, ...]:
        """Return the visible energy of a minimum ionizing particle in each paddle, GeV."""
        return tuple(paddle.mip or self.mip for paddle in self.elements.values())

    def declare(self, name: str) -> tuple[Column, ...]:
        """Return energy, time and pile-up of each paddle."""
        return of_elements(
            name,
            self.names(),
            (
                ("energy", "GeV", "energy in each counter"),
                (
                    "time",
                    "ns",
                    "time of each counter relative to the reference, which has its own; undefined without a hit",
                ),
                ("pileup", "GeV", "energy outside the time window in each counter"),
            ),
        )

    def energies(self, name: str, slots: Floats) -> dict[str, Floats]:
        """Return the energy of each paddle."""
        return {f"{name}.energy": slots}

    def reduce(self, name: str, sums: Sums) -> dict[str, Any]:
        """Return the columns of `declare`."""
        return self.energies(name, sums.energy) | {
            f"{name}.time": ratio(sums.moment, sums.energy),
            f"{name}.pileup": sums.late,
        }

    def volumes(self, name: str) -> tuple[Volume, ...]:  # noqa: ARG002 - elements have their own names
        """Return the paddles."""
        return tuple(
            Volume(
                key,
                *self._at(paddle)[:3],
                width=paddle.width or self.width,
                height=paddle.height or self.height,
                depth=self.depth,
                angle=self._at(paddle).angle,
                matter={"scintillator": self.depth},
            )
            for key, paddle in self.elements.items()
        )
