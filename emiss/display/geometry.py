"""A set-up as the page draws it: outlines in both views to scale, cells, the beam, and how z is shortened; plain data."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from emiss.reco.parts.grid import Grid
from emiss.reco.parts.magnet import Magnet
from emiss.reco.parts.tracker import Tracker
from emiss.setups import scale
from emiss.setups.draw import beam_of
from emiss.setups.shapes import Shape, called, groups_of, shapes_of

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.reco.detector.model import Detector

PLAIN = scale.Scale(np.array([-1e9, 1e9]), np.array([-1e9, 1e9]), ())
"""z as it is: the page shortens it itself."""


class Place(NamedTuple):
    """Where a channel is: name, part, outline, column and row, layer (-1: all of its depth), whether the outline has cells."""

    name: str
    part: str
    outline: str
    x: int
    y: int
    layer: int
    cells: bool


class Geometry:
    """The outlines of a set-up, and which channels are where in them."""

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self.shapes = shapes_of(detector)
        self.along = scale.scale(shape.ends for shape in self.shapes if not shape.empty)

    def describe(self) -> dict[str, Any]:
        """Return everything that does not change from event to event."""
        path, straight = beam_of(self.detector, self.along)
        return {
            "name": self.detector.name,
            "beam": f"{self.detector.beam.particle} of {self.detector.beam.energy:g} GeV",
            "along": {"z": self.along.z.tolist(), "drawn": self.along.drawn.tolist(), "breaks": self.along.breaks},
            "shapes": [self._shape(shape) for shape in self.shapes],
            "labels": [
                {"part": group[0].part, "text": called(group), "ends": group[0].ends, "element": group[0].box.name}
                for group in groups_of(self.shapes)
            ],
            "path": [rounded(path[0]), rounded(path[1])],
            "straight": [rounded(straight[0]), rounded(straight[1])],
            "grids": {name: self._grid(part) for name, part in self.detector.of_kind(Grid).items()},
            "channels": [list(place) for place in self.places],
            "planes": [
                {"name": plane.name, "part": plane.part, "view": plane.view, "z": plane.z}
                for plane in self.detector.planes
            ],
        }

    def _shape(self, shape: Shape) -> dict[str, Any]:
        box = shape.box
        hole = min(box.hole) > 0
        return {
            "part": shape.part,
            "name": box.name,
            "kind": shape.kind,
            "read": shape.part in self.detector.read_out or shape.part in self.detector.trackers,
            "empty": shape.empty,
            "unknown": shape.unknown,
            "ends": shape.ends,
            "cells": [box.columns, box.rows],
            "x": corners(shape, "x"),
            "y": corners(shape, "y"),
            "hole": {"x": corners(shape, "x", hole=True), "y": corners(shape, "y", hole=True)} if hole else None,
            "about": self._about(shape),
        }

    def _about(self, shape: Shape) -> str:
        """Return what an outline is, in words."""
        part = self.detector.parts[shape.part]
        box = shape.box
        said = [f"{box.name}: {shape.kind}", f"z {box.z:g} mm", f"{box.width:g} x {box.height:g} mm"]
        if shape.unknown:
            said[-1] = "no size given"
        if box.depth:
            said[-1] += f", {box.depth:g} mm deep"
        if isinstance(part, Magnet):
            said.append(shape.field.strip())
        if isinstance(part, Tracker):
            said.append(part.technology)
        return ", ".join(said)

    def _grid(self, part: Grid) -> dict[str, Any]:
        """Return the layers of a calorimeter: each from where to where in its depth."""
        return {"layers": list(part.layers), "edges": _edges(part).tolist()}

    @cached_property
    def places(self) -> list[Place]:
        """Where each channel of the set-up is."""
        found: list[Place] = []
        boxes = {shape.box.name: shape.box for shape in self.shapes}
        for name, part in self.detector.read_out.items():
            layers = list(part.layers) if isinstance(part, Grid) else []
            for channel in part.channels():
                element, x, y = channel.split(".")
                layer = layers.index(element) if element in layers else -1
                outline = name if layers else element if element in boxes else self._outline(name, element)
                cells = outline in boxes and boxes[outline].columns * boxes[outline].rows > 1
                found.append(Place(channel, name, outline, int(x), int(y), layer, cells))
        return found

    def depth(self, outline: str, layer: int) -> tuple[float, float]:
        """Return which share of the depth of an outline a layer has; -1 is all of it."""
        part = self.detector.parts.get(outline)
        if layer < 0 or not isinstance(part, Grid):
            return 0.0, 1.0
        edges = _edges(part)
        return float(edges[layer]), float(edges[layer + 1])

    def _outline(self, part: str, element: str) -> str:
        """Return the outline of a channel's element that has none of its own, such as a tube of a panel."""
        slots = self.detector.read_out[part].slots()
        names = self.detector.read_out[part].names()
        for slot in slots:
            if any(channel.partition(".")[0] == element for channel in slot.channels):
                return names[slot.pile_up]
        return part


def _edges(part: Grid) -> Floats:
    """Return where the layers of a calorimeter end, as shares of its depth by radiation lengths."""
    lengths = np.array([layer.radiation_lengths for layer in part.layers.values()])
    return np.concatenate([[0.0], np.cumsum(lengths) / lengths.sum()])


def corners(shape: Shape, view: str, *, hole: bool = False) -> list[list[float]]:
    """Return the corners of an outline, mm: z and x or y, shape (4, 2)."""
    return [rounded(point) for point in shape.outline(view, PLAIN, hole=hole)]


def rounded(values: Floats) -> list[float]:
    """Return numbers to a hundredth, for the page."""
    found: list[float] = np.round(np.asarray(values, float), 2).tolist()
    return found
