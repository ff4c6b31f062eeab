"""Modules of a calorimeter: each stands by itself, on the axis or off it, and has one cell or a grid of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from emiss.reco.parts.base import Element, ReadOut, Slot, Volume, fits, need_z, of_elements, opens, ratio
from emiss.reco.parts.quantities import Count, Extent, Name, Plates, Visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from emiss.configs.arrays import Array, Floats
    from emiss.events.columns import Column
    from emiss.reco.parts.base import Sums


class Module(Element):
    """One module."""

    depth: Extent | None = None
    mip: Visible | None = None
    matter: dict[Name, Extent] | None = None
    plates: Plates | None = None


class Modules(ReadOut):
    """Modules alike, with `columns` x `rows` cells of `pitch` each, or one cell of `width` x `height`.

    With `mip`, the visible energy of a muon that crosses one, energies are also given in units of it; what counts then is the
    scale of the conditions (``NAME.mip``). `shower_scale` says what a shower shows in the simulation: its energy ('electrons'),
    or what it shows beside a muon in plates like these ('muons'), where `mip` sets the scale.
    """

    kind: Literal["modules"]
    elements: dict[Name, Module] = Field(min_length=1, max_length=100)
    columns: Count = 1
    rows: Count = 1
    pitch: Extent | None = None
    width: Extent | None = None
    height: Extent | None = None
    depth: Extent | None = None
    hole: tuple[Extent, Extent] | None = None
    matter: dict[Name, Extent] = Field(default_factory=dict)
    plates: Plates | None = None
    mip: Visible | None = None
    shower_scale: Literal["electrons", "muons"] = "electrons"

    @model_validator(mode="after")
    def _fits(self) -> Modules:
        need_z(self, self.elements)
        if self.cells > 1 and self.pitch is None:
            msg = "cells need a pitch"
            raise ValueError(msg)
        opens(self.hole, *self.size)
        if self.shower_scale == "muons" and self.mip is None and not all(one.mip for one in self.elements.values()):
            msg = "'shower_scale: muons' needs 'mip'"
            raise ValueError(msg)
        for module in self.elements.values():
            fits(self.matter if module.matter is None else module.matter, module.depth or self.depth)
        return self

    @property
    def cells(self) -> int:
        """Cells per module."""
        return self.columns * self.rows

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of a module, mm; 0 where the file says neither pitch nor width and height."""
        pitch = self.pitch or 0.0
        return self.width or self.columns * pitch, self.height or self.rows * pitch

    def names(self) -> tuple[str, ...]:
        """Return the names of the modules."""
        return tuple(self.elements)

    def channels(self) -> tuple[str, ...]:
        """Return the cells of each module, column by column."""
        return tuple(channel for name in self.elements for channel in self._cells(name))

    def _cells(self, name: str) -> list[str]:
        return [f"{name}.{x}.{y}" for x in range(self.columns) for y in range(self.rows)]

    def slots(self) -> tuple[Slot, ...]:
        """Return the central cells of all modules, then the other cells of each, where there are others."""
        central = [f"{name}.{self.columns // 2}.{self.rows // 2}" for name in self.elements]
        slots = [Slot((channel,), number) for number, channel in enumerate(central)]
        if self.cells > 1:
            slots += [
                Slot([channel for channel in self._cells(name) if channel != central[number]], number)
                for number, name in enumerate(self.elements)
            ]
        return tuple(slots)

    def declare(self, name: str) -> tuple[Column, ...]:
        """Return energy, time and pile-up of each module, and what its cells and its MIP scale allow."""
        rows = [("energy", "GeV", "energy in each module")]
        if self.mip is not None:
            rows.append(("mip", "1", "energy in each module in units of a minimum ionizing muon"))
        rows.append(("time", "ns", "time of each module relative to the reference; undefined without a hit"))
        if self.cells > 1:
            rows.append(("centre_fraction", "1", "share of the central cell in each module"))
        rows.append(("pileup", "GeV", "energy outside the time window in each module"))
        return of_elements(name, self.names(), rows)

    def needs(self, name: str) -> Mapping[str, Sequence[str]]:
        """Return the MIP scales of the modules."""
        return {f"{name}.mip": self.names()} if self.mip is not None else {}

    def energies(self, name: str, slots: Floats) -> dict[str, Floats]:
        """Return the energy of each module."""
        return {f"{name}.energy": self._whole(slots)}

    def _whole(self, slots: Floats) -> Floats:
        """Return sums over each module from those of its central cell and of its others."""
        count = len(self.elements)
        return slots[:, :count] + slots[:, count:] if self.cells > 1 else slots

    def reduce(self, name: str, sums: Sums) -> dict[str, Any]:
        """Return the columns of `declare`."""
        centre, energy = sums.energy[:, : len(self.elements)], self._whole(sums.energy)

        def fraction() -> Array:
            nothing = np.where(np.isnan(energy), np.nan, 0.0)
            share: Array = np.divide(centre, energy, out=nothing, where=energy > 0)
            return share

        made: dict[str, Callable[[], Array]] = {
            f"{name}.energy": lambda: energy,
            f"{name}.time": lambda: ratio(self._whole(sums.moment), energy),
            f"{name}.pileup": lambda: sums.late,
        }
        if self.mip is not None:
            made[f"{name}.mip"] = lambda: energy / sums.constants[f"{name}.mip"]["scale"]
        if self.cells > 1:
            made[f"{name}.centre_fraction"] = fraction
        return sums.only(made)

    def volumes(self, name: str) -> tuple[Volume, ...]:  # noqa: ARG002 - elements have their own names
        """Return the modules."""
        width, height = self.size
        return tuple(
            Volume(
                key,
                *self._at(module)[:3],
                width=width,
                height=height,
                depth=module.depth or self.depth or 0.0,
                angle=self._at(module).angle,
                hole=self.hole or (0.0, 0.0),
                columns=self.columns,
                rows=self.rows,
                matter=self.matter if module.matter is None else module.matter,
                plates=module.plates or (self.plates if module.matter is None else None),
            )
            for key, module in self.elements.items()
        )
