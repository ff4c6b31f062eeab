"""The line: what particles come to along z, in its order: slabs of matter, tracker stations, places to look at them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss.samples.walk.stations import stations

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.reco.detector.model import Detector
    from emiss.reco.detector.spectrometers import Arm
    from emiss.samples.walk.world import World


@dataclass(frozen=True)
class Matter:
    """Slabs `first` to `last` - 1, from `z` to `end` (mm), with nothing else between them."""

    z: float
    end: float
    first: int
    last: int


@dataclass(frozen=True)
class StationAt:
    """A station of a spectrometer, `gap` mm of air behind the one before it."""

    z: float
    name: str
    arm: Arm
    number: int
    gap: float


@dataclass(frozen=True)
class Mark:
    """A place where the walk is asked to stop, or to look."""

    z: float
    name: str


Item = Matter | StationAt | Mark


def line_of(detector: Detector, world: World, marks: Mapping[str, float]) -> list[Item]:
    """Return the line of a set-up: by z, at one z first marks, then stations, then matter.

    Slabs are in one piece as long as no mark, station or edge of a magnet comes between their front faces.
    """
    places: list[Item] = [Mark(z, name) for name, z in marks.items()]
    for name, arm in detector.arms.items():
        z = stations(arm)
        air = arm.settings.air
        places += [StationAt(at, name, arm, k, at - z[k - 1] if air and k else 0.0) for k, at in enumerate(z)]
    cuts = sorted({item.z for item in places} | {z for magnet in detector.magnets.values() for z in magnet.z})
    places += _matter(world, cuts)
    return sorted(places, key=lambda item: (item.z, (Mark, StationAt, Matter).index(type(item))))


def parted(items: Sequence[Item], mark: str) -> tuple[Sequence[Item], Sequence[Item]]:
    """Return the items up to a mark, and from it on."""
    at = next(number for number, item in enumerate(items) if isinstance(item, Mark) and item.name == mark)
    return items[:at], items[at:]


def _matter(world: World, cuts: Sequence[float]) -> list[Matter]:
    """Return slabs in pieces: those whose front faces lie between the same two cuts."""
    if not len(world.z):
        return []
    turned = world.half_x * np.abs(world.sine)
    front, end = world.z - turned, world.z + world.depth * world.cosine + turned
    between = np.searchsorted(np.asarray(cuts), world.z, side="right")
    pieces = []
    for part in np.unique(between):
        rows = np.flatnonzero(between == part)  # slabs are in the order of z
        pieces.append(Matter(float(front[rows].min()), float(end[rows].max()), int(rows[0]), int(rows[-1]) + 1))
    return pieces
