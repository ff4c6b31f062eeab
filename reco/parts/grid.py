"""A calorimeter of cells in columns and rows, with layers one behind the other, in which showers have a place and a profile."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from emiss.configs.schema import Model
from emiss.events.columns import Column
from emiss.reco.parts.base import ReadOut, Slot, Volume, fits, opens, ratio
from emiss.reco.parts.profiles import BLOCK, RINGS, Library, Profile
from emiss.reco.parts.quantities import Count, Extent, Lengths, Name, Place, Plates, Share, Visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from emiss.configs.arrays import Array, Floats
    from emiss.reco.parts.base import Sums


class Layer(Model):
    """One layer in depth, read out by itself."""

    radiation_lengths: Lengths


class Shower(Model):
    """Resolution of the sum for electron showers."""

    stochastic: Share
    constant: Share


class Grid(ReadOut):
    """Cells of `pitch` in `columns` and `rows`; the beam cell has its centre at x, y.

    Sums leave the first of several layers, the preshower, out of place and profile.
    """

    kind: Literal["grid"]
    layers: dict[Name, Layer] = Field(min_length=1, max_length=100)
    columns: Count
    rows: Count
    pitch: Extent
    beam_cell: tuple[int, int]
    z: Place
    depth: Extent
    hole: tuple[Extent, Extent] | None = None
    matter: dict[Name, Extent] = Field(default_factory=dict)
    plates: Plates | None = None
    mip: Visible
    shower: Shower | None = None
    profile: Profile | None = None
    library: Library | None = None

    @model_validator(mode="after")
    def _cells(self) -> Grid:
        x, y = self.beam_cell
        if not (0 <= x < self.columns and 0 <= y < self.rows):
            msg = f"the beam cell {x}, {y} is none of the {self.columns} x {self.rows} cells"
            raise ValueError(msg)
        if self.library is not None:
            if self.profile is not None:
                msg = "profile and library are two ways to the same column; give one of them"
                raise ValueError(msg)
            if min(self.columns, self.rows) < BLOCK:
                msg = f"a library of profiles needs {BLOCK} x {BLOCK} cells at least"
                raise ValueError(msg)
        fits(self.matter, self.depth)
        opens(self.hole, self.columns * self.pitch, self.rows * self.pitch)
        return self

    @property
    def radiation_lengths(self) -> float:
        """Of all layers."""
        return sum(layer.radiation_lengths for layer in self.layers.values())

    @property
    def main(self) -> tuple[str, ...]:
        """The layers behind the preshower, or the only one."""
        return tuple(self.layers)[1:] or tuple(self.layers)

    def centre(self, ix: Array, iy: Array) -> tuple[Array, Array]:
        """Return x and y (mm) of the centres of cells relative to the beam cell's."""
        return (ix - self.beam_cell[0]) * self.pitch, (iy - self.beam_cell[1]) * self.pitch

    def names(self) -> tuple[str, ...]:
        """Return the names of the layers."""
        return tuple(self.layers)

    def channels(self) -> tuple[str, ...]:
        """Return the cells of each layer, column by column."""
        return tuple(f"{layer}.{x}.{y}" for layer in self.layers for x in range(self.columns) for y in range(self.rows))

    def slots(self) -> tuple[Slot, ...]:
        """Return the preshower, if there is one, and the rings of all that stands behind it."""
        main: list[list[str]] = [[] for _ in range(RINGS)]
        for layer in self.main:
            for x in range(self.columns):
                for y in range(self.rows):
                    away = max(abs(x - self.beam_cell[0]), abs(y - self.beam_cell[1]))
                    main[min(away, RINGS - 1)].append(f"{layer}.{x}.{y}")
        first = [[c for c in self.channels() if c.partition(".")[0] not in self.main]] if len(self.layers) > 1 else []
        return tuple(Slot(channels, 0) for channels in (*first, *main))

    def declare(self, name: str) -> tuple[Column, ...]:
        """Return the sums, the place of the shower, its time and profile, and the list of cells."""
        many = len(self.layers) > 1
        rows = [("energy", "GeV", "energy in all cells" + (", preshower included" if many else ""))]
        if many:
            first = next(iter(self.layers.values())).radiation_lengths
            rows.append(("preshower", "GeV", f"energy in the first {first:g} radiation lengths"))
        behind = " of the main part" if many else ""
        rows += [
            ("x", "mm", f"energy-weighted x{behind}; undefined without energy"),
            ("y", "mm", f"energy-weighted y{behind}; undefined without energy"),
            ("time", "ns", "energy-weighted time relative to the reference; undefined without energy"),
        ]
        if self.profile is not None:
            meaning = (
                "distance of the lateral profile to that of an electron, per share compared; undefined without energy"
            )
            rows.append(("profile_chi2", "1", meaning))
        if self.library is not None:
            rows += self.library.columns(behind)
        rows.append(("pileup", "GeV", "energy in pulses outside the time window"))
        layers = ", ".join(f"{number} {layer}" for number, layer in enumerate(self.layers))
        cells = f"{name}_cells"
        return (
            *(Column(f"{name}.{inner}", "f8", unit, meaning) for inner, unit, meaning in rows),
            *(Column(f"{name}.{inner}", "i4", "1", meaning) for inner, meaning in self._places()),
            Column(f"{cells}.energy", "f8", "GeV", "energy of the cell", "list"),
            Column(f"{cells}.time", "f8", "ns", "time of the cell relative to the reference", "list"),
            Column(f"{cells}.ix", "i4", "1", "column of the cell", "list"),
            Column(f"{cells}.iy", "i4", "1", "row of the cell", "list"),
            Column(f"{cells}.layer", "i4", "1", f"layer of the cell: {layers}", "list"),
        )

    def _places(self) -> list[tuple[str, str]]:
        """Return the names and meanings of the columns that are numbers of cells."""
        if self.library is None:
            return []
        return [
            (key, f"{what} of the cell of most energy behind the preshower; -1 without energy")
            for key, what in (("max_ix", "column"), ("max_iy", "row"))
        ]

    def needs(self, name: str) -> Mapping[str, Sequence[str]]:
        """Return the profiles of the library."""
        return {f"{name}.profile": self.library.bins()} if self.library is not None else {}

    def position(self, x: Array, y: Array) -> tuple[Floats, Floats]:
        """Return the place (mm) of the centres of cells."""
        return self.centre(x.astype(np.float64), y.astype(np.float64))

    def energies(self, name: str, slots: Floats) -> dict[str, Floats]:
        """Return the energy in all cells, and that in the preshower if there is one."""
        main = slots[:, -RINGS:].sum(axis=1)
        if len(self.layers) == 1:
            return {f"{name}.energy": main}
        return {f"{name}.energy": main + slots[:, 0], f"{name}.preshower": slots[:, 0].copy()}

    def reduce(self, name: str, sums: Sums) -> dict[str, Any]:
        """Return the columns of `declare` without the list of cells."""
        rings = sums.energy[:, -RINGS:]
        main = rings.sum(axis=1)
        many, profile = len(self.layers) > 1, self.profile
        energies = self.energies(name, sums.energy)

        def moment() -> Array:
            behind: Array = sums.moment[:, -RINGS:].sum(axis=1)
            return behind + sums.moment[:, 0] if many else behind

        made: dict[str, Callable[[], Array]] = {key: partial(energies.__getitem__, key) for key in energies}
        if profile is not None:
            made[f"{name}.profile_chi2"] = lambda: profile.distance(rings, main)
        return sums.only(
            made
            | {
                f"{name}.x": lambda: ratio(sums.x[:, -RINGS:].sum(axis=1), main),
                f"{name}.y": lambda: ratio(sums.y[:, -RINGS:].sum(axis=1), main),
                f"{name}.time": lambda: ratio(moment(), energies[f"{name}.energy"]),
                f"{name}.pileup": lambda: sums.late[:, 0],
            }
        )

    def volumes(self, name: str) -> tuple[Volume, ...]:
        """Return the whole calorimeter."""
        x, y = (
            self.pitch * (0.5 * (count - 1) - beam)
            for count, beam in zip((self.columns, self.rows), self.beam_cell, strict=True)
        )
        return (
            Volume(
                name,
                self.x + x,
                self.y + y,
                self.z,
                width=self.columns * self.pitch,
                height=self.rows * self.pitch,
                depth=self.depth,
                angle=self.angle,
                hole=self.hole or (0.0, 0.0),
                columns=self.columns,
                rows=self.rows,
                matter=self.matter,
            ),
        )
