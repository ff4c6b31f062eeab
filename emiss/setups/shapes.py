"""Outlines of a set-up as a drawing shows them: with kinds, fields and labels, in both views; and where they crowd."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from emiss.reco.detector.overlaps import corners
from emiss.reco.parts.magnet import Magnet
from emiss.reco.parts.volume import Volume as Box

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.configs.arrays import Floats
    from emiss.reco.detector.model import Detector
    from emiss.reco.parts.base import Volume
    from emiss.setups.scale import Scale

NOMINAL = 160.0
"""mm: width and height of what the detector file gives none; drawn dotted."""

GAS = 0.01
"""g/cm^3; a volume of thinner matter is drawn as an empty one."""

CROWD = 4
"""So many names that are nearer to each other than they can be written make a detail of a drawing."""


@dataclass(frozen=True)
class Shape:
    """An outline with its kind; `unknown` where the detector file does not say how large it is."""

    part: str
    kind: str
    box: Volume
    empty: bool
    unknown: bool
    field: str = ""

    @property
    def ends(self) -> tuple[float, float]:
        """First and last z, mm."""
        return self.box.z_range

    def across(self, view: str) -> tuple[float, float]:
        """Return centre and size across the beam in a view, ``x`` or ``y``, mm."""
        if view == "y":
            return self.box.y, self.box.height
        x = corners(self.box)[:, 0]
        return 0.5 * float(x.min() + x.max()), float(np.ptp(x))

    def outline(self, view: str, along: Scale, *, hole: bool = False) -> Floats:
        """Return the corners of the box, or of its opening, shape (4, 2), as drawn."""
        box = replace(self.box, width=self.box.hole[0], height=self.box.hole[1]) if hole else self.box
        if view == "x":
            turned = corners(box)
            return np.column_stack([along(turned[:, 1]), turned[:, 0]])
        first, last = box.z_range
        low, high = box.y - 0.5 * box.height, box.y + 0.5 * box.height
        return np.column_stack([along(np.array([first, last, last, first])), [low, low, high, high]])

    def borders(self, view: str, along: Scale) -> list[Floats]:
        """Return the lines between cells, each of shape (2, 2), as drawn."""
        count = self.box.rows if view == "y" else self.box.columns
        a, b, c, d = self.outline(view, along)
        front, back = ((a, d), (b, c)) if view == "y" else ((a, b), (d, c))
        parts = np.arange(1, count) / count
        return [np.array([front[0] + f * (front[1] - front[0]), back[0] + f * (back[1] - back[0])]) for f in parts]


def shapes_of(detector: Detector) -> list[Shape]:
    """Return all outlines along the beam."""
    found = []
    for name, part in detector.parts.items():
        for volume in part.volumes(name):
            field = ""
            if isinstance(part, Magnet):
                mean, integral = detector.field(name).box.by, detector.field(name).integral
                field = f"  {abs(mean):.3g} T, {abs(integral) * 1e-3:.3g} T m"
            empty = isinstance(part, Box) and all(detector.material(one).density < GAS for one in part.matter)
            unknown = not (volume.width and volume.height)
            box = replace(volume, width=volume.width or NOMINAL, height=volume.height or NOMINAL)
            found.append(Shape(name, part.kind, box, empty, unknown, field))
    return sorted(found, key=lambda shape: shape.ends)


def groups_of(shapes: Sequence[Shape]) -> list[list[Shape]]:
    """Return the shapes of each label along the beam: elements of a part that stand at one z have one."""
    found: dict[tuple[str, float, float], list[Shape]] = {}
    for shape in shapes:
        found.setdefault((shape.part, *shape.ends), []).append(shape)
    return sorted(found.values(), key=lambda group: sum(group[0].ends))


def called(group: Sequence[Shape]) -> str:
    """Return the label of a group."""
    names = [shape.box.name for shape in group]
    text = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
    return text + group[0].field


def middle(group: Sequence[Shape], along: Scale) -> float:
    """Return where the middle of a group is drawn."""
    first, last = (float(place) for place in along(np.array(group[0].ends)))
    return 0.5 * (first + last)


def crowds(shapes: Sequence[Shape], along: Scale, apart: float) -> list[list[list[Shape]]]:
    """Return the groups that a detail shows, crowd by crowd: neighbours less than `apart` from each other as drawn.

    Volumes without matter do not count: others stand in them.
    """
    runs: list[list[list[Shape]]] = [[]]
    for group in groups_of([shape for shape in shapes if not shape.empty]):
        if runs[-1] and middle(group, along) - middle(runs[-1][-1], along) >= apart:
            runs.append([])
        runs[-1].append(group)
    return [run for run in runs if len(run) >= CROWD]
