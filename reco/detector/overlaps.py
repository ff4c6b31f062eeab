"""Parts of a detector file that stand in each other's place."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.reco.parts.magnet import Magnet
from emiss.reco.parts.volume import Volume as Box

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from emiss.configs.arrays import Floats
    from emiss.configs.document import YamlPath
    from emiss.reco.parts.base import Part, Volume

TOLERANCE = 1e-3
"""mm by which boxes may go into each other: faces that touch do not overlap."""


class _Solid(NamedTuple):
    """An outline with its corners in the plane of x and z, shape (4, 2); `hollow` is a volume without matter."""

    part: str
    path: YamlPath
    box: Volume
    corners: Floats
    hollow: bool


def overlaps(parts: Mapping[str, Part]) -> Iterator[tuple[YamlPath, str]]:
    """Yield each pair of outlines that overlap, at the later of the two, with a message.

    Boxes may be turned about y. What stands in the hole of another one, or as a whole in a volume without matter, is right.
    Outlines without a width or a height are not known; magnets are not looked at, as their outline is that of the gap.
    """
    solids = [solid for name, part in parts.items() if not isinstance(part, Magnet) for solid in _solids(name, part)]
    solids.sort(key=lambda solid: solid.corners[:, 1].min())
    order = {name: number for number, name in enumerate(parts)}
    for first, second in combinations(solids, 2):
        if first.corners[:, 1].max() - second.corners[:, 1].min() < -TOLERANCE or not _overlap(first, second):
            continue
        if any(_within(a, b) for a, b in ((first, second), (second, first))):
            continue
        earlier, later = sorted((first, second), key=lambda solid: order[solid.part])
        yield (
            later.path,
            f"{later.box.name} overlaps {earlier.box.name}: {_place(later)} and {_place(earlier)}{_hint(earlier, later)}",
        )


def _solids(name: str, part: Part) -> Iterator[_Solid]:
    for volume in part.volumes(name):
        if not (volume.width and volume.height):
            continue
        path: YamlPath = ("parts", name)
        for key in ("elements", "stations"):
            own = getattr(part, key, {}).get(volume.name)
            if any(getattr(own, place, None) is not None for place in ("x", "y", "z")):
                path = (*path, key, volume.name)
        yield _Solid(name, path, volume, corners(volume), isinstance(part, Box) and not part.matter)


def corners(volume: Volume) -> Floats:
    """Return x and z of the corners, in turn around the box."""
    sine, cosine = np.sin(volume.angle), np.cos(volume.angle)
    across, along = np.array([cosine, -sine]), np.array([sine, cosine])
    half = 0.5 * volume.width
    front = np.array([volume.x, volume.z])
    sides = ((-half, 0.0), (half, 0.0), (half, volume.depth), (-half, volume.depth))
    return np.array([front + u * across + v * along for u, v in sides])


def _overlap(first: _Solid, second: _Solid) -> bool:
    """Tell whether two boxes have a place in common: no axis of either separates them."""
    a, b = first.box, second.box
    if abs(a.y - b.y) >= 0.5 * (a.height + b.height) - TOLERANCE:
        return False
    for angle in (a.angle, b.angle):
        for axis in (np.array([np.cos(angle), -np.sin(angle)]), np.array([np.sin(angle), np.cos(angle)])):
            one, other = first.corners @ axis, second.corners @ axis
            if _apart(one, other) or _apart(other, one):
                return False
    return True


def _apart(one: Floats, other: Floats) -> bool:
    """Tell whether one range ends before the other begins; a thin plane on a face is before it or behind it."""
    return bool(one.max() <= other.min() + TOLERANCE)


def _within(inner: _Solid, outer: _Solid) -> bool:
    """Tell whether a box stands in the hole of another one, or in a volume without matter."""
    box = outer.box
    sine, cosine = np.sin(box.angle), np.cos(box.angle)
    moved = inner.corners - np.array([box.x, box.z])
    across = np.abs(moved @ np.array([cosine, -sine])).max()
    along = moved @ np.array([sine, cosine])
    up = abs(inner.box.y - box.y) + 0.5 * inner.box.height
    width, height = box.hole
    in_hole = across <= 0.5 * width + TOLERANCE and up <= 0.5 * height + TOLERANCE
    inside = (
        across <= 0.5 * box.width + TOLERANCE
        and up <= 0.5 * box.height + TOLERANCE
        and along.min() >= -TOLERANCE
        and along.max() <= box.depth + TOLERANCE
    )
    return in_hole or (outer.hollow and inside)


def _place(solid: _Solid) -> str:
    (x, z), (right, end) = solid.corners.min(axis=0), solid.corners.max(axis=0)
    return f"{solid.box.name} z {z:g} to {end:g} mm, x {x:g} to {right:g} mm"


def _hint(first: _Solid, second: _Solid) -> str:
    return (
        "; a volume without matter may hold others that stand inside it as a whole"
        if first.hollow or second.hollow
        else ""
    )
