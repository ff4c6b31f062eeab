"""What cannot be reconstructed in a detector file: names that are none of its own, stations that tracks have no use for."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from emiss.configs.errors import did_you_mean
from emiss.reco.parts.base import ReadOut
from emiss.reco.parts.grid import Grid
from emiss.reco.parts.magnet import Magnet
from emiss.reco.parts.tracker import Tracker

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from emiss.configs.document import YamlPath
    from emiss.reco.detector.spectrometers import Spectrometer
    from emiss.reco.parts.base import Part, Volume

    Mistake = tuple[YamlPath, str]

FEWEST = 3
"""Stations that a track is made of (`emiss.reco.tracking.finding`): with a magnet two on one side of it, one on the other."""


def mistakes(
    parts: Mapping[str, Part],
    spectrometers: Mapping[str, Spectrometer],
    volumes: Mapping[str, Volume],
    materials: Collection[str],
    reference: Collection[str],
) -> Iterator[Mistake]:
    """Yield each mistake of a detector file with the path of the node that it concerns.

    Parameters
    ----------
    parts, spectrometers, volumes : mappings
        As in the detector.
    materials : collection of str
        Names of those that are known.
    reference : collection of str
        The counters that times are relative to.
    """
    single = [
        c.removesuffix(".0.0")
        for p in parts.values()
        if isinstance(p, ReadOut)
        for c in p.channels()
        if c.endswith(".0.0")
    ]
    for counter in reference:
        if counter not in single:
            yield ("time", "reference"), f"there is no counter '{counter}'; {did_you_mean(counter, single)}"
    for name, part in parts.items():
        for material in getattr(part, "matter", ()):
            yield from _unknown(("parts", name, "matter", material), "material", material, materials)
    for name, one in spectrometers.items():
        path: YamlPath = ("spectrometers", name)
        wrong = list(_names(path, one, parts, spectrometers, volumes))
        yield from wrong
        if not wrong:
            yield from _views(one, parts)
            yield from _spectrometer(path, one, parts)


def target_mistakes(target: str | None, parts: Mapping[str, Part]) -> Iterator[Mistake]:
    """Yield what is wrong with the name of the part that the beam showers in."""
    if target is not None:
        grids = [name for name, part in parts.items() if isinstance(part, Grid)]
        yield from _unknown(("target",), "part of the kind 'grid'", target, grids)


def _names(
    path: YamlPath,
    one: Spectrometer,
    parts: Mapping[str, Part],
    spectrometers: Mapping[str, Spectrometer],
    volumes: Mapping[str, Volume],
) -> Iterator[Mistake]:
    """Yield the names that a spectrometer uses and that stand for nothing, or for something else."""
    magnets = [name for name, part in parts.items() if isinstance(part, Magnet)]
    trackers = [name for name, part in parts.items() if isinstance(part, Tracker)]
    if one.magnet is not None:
        yield from _unknown((*path, "magnet"), "magnet", one.magnet, magnets)
    for number, tracker in enumerate(one.trackers):
        yield from _unknown((*path, "trackers", number), "tracker", tracker, trackers)
    for key in ("at", "match"):
        if (named := getattr(one, key)) is not None:
            yield from _unknown((*path, key), "part or element", named, volumes)
    if one.incoming is not None:
        upstream = [name for name, other in spectrometers.items() if other.best is not None and other is not one]
        yield from _unknown((*path, "incoming"), "spectrometer with a best track", one.incoming, upstream)


def _unknown(path: YamlPath, called: str, name: str, known: Collection[str]) -> Iterator[Mistake]:
    if name not in known:
        yield path, f"there is no {called} '{name}'; {did_you_mean(name, list(known))}"


def _views(one: Spectrometer, parts: Mapping[str, Part]) -> Iterator[Mistake]:
    for name in one.trackers:
        tracker = parts[name]
        if isinstance(tracker, Tracker) and set(tracker.views) != {"x", "y"}:
            path = ("parts", name, "views")
            yield path, f"tracks need the views x and y, here: {', '.join(tracker.views) or 'none'}"


def _spectrometer(path: YamlPath, one: Spectrometer, parts: Mapping[str, Part]) -> Iterator[Mistake]:
    """Yield what is wrong with the stations of a spectrometer."""
    stations: list[tuple[str, str, float]] = []
    for part in one.trackers:
        tracker = parts[part]
        if isinstance(tracker, Tracker):
            stations += [(station, part, z) for station, _, _, z in tracker.layers()]
    ordered = sorted(stations, key=lambda item: item[2])
    for (name, _, z), (other, part, next_) in pairwise(ordered):
        if z == next_:
            yield _z(part, other), f"{name} and {other} stand at one z, {z:g} mm"
    if one.magnet is not None:
        yield from _around(path, one.magnet, parts[one.magnet], ordered)
    elif len(ordered) < FEWEST:
        found = f"{len(ordered)} ({', '.join(name for name, _, _ in ordered)})"
        yield (*path, "trackers"), f"tracks without a magnet need at least three stations, here: {found}"


def _around(path: YamlPath, name: str, magnet: Part, stations: Sequence[tuple[str, str, float]]) -> Iterator[Mistake]:
    """Yield what is wrong with stations (name, tracker, z) around a magnet."""
    if not isinstance(magnet, Magnet):
        return
    first, last = magnet.z
    inside = {station: part for station, part, z in stations if first <= z <= last}
    for station, part in inside.items():
        where = f"inside the magnet {name}, {first:g} to {last:g} mm"
        yield _z(part, station), f"{station} stands {where}: tracks are made of stations before and behind it"
    before = [station for station, _, z in stations if z < first]
    behind = [station for station, _, z in stations if z > last]
    if not inside and (min(len(before), len(behind)) == 0 or len(before) + len(behind) < FEWEST):
        shown = " and ".join(
            f"{', '.join(names) or 'none'} {side}" for side, names in (("before", before), ("behind", behind))
        )
        needs = f"stations before and behind the magnet {name} ({first:g} to {last:g} mm), at least two on one side"
        yield (*path, "trackers"), f"tracks need {needs}; here: {shown}"


def _z(part: str, station: str) -> YamlPath:
    return ("parts", part, "stations", station, "z")
