"""What cannot be reconstructed in a detector file: stations where the finding of tracks has no use for them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from emiss.configs.document import YamlPath
    from emiss.reco.detector.parts import Magnet, Station, Trackers, Upstream

SIDE = 2
"""Stations on each side of a magnet that tracks are made of (`emiss.reco.tracking.finding`)."""


def mistakes(magnet: Magnet, trackers: Trackers, upstream: Upstream | None) -> Iterator[tuple[YamlPath, str]]:
    """Yield each mistake in the spectrometers of a detector file with the path of the node that it concerns."""
    views = trackers.plane.views
    if set(views) != {"x", "y"}:
        yield ("trackers", "plane", "views"), f"tracks need the views x and y, here: {', '.join(views) or 'none'}"
    yield from _spectrometer(("trackers",), magnet, trackers.stations)
    if upstream is not None:
        yield from _spectrometer(("upstream",), upstream.magnet, upstream.stations)


def _spectrometer(path: YamlPath, magnet: Magnet, stations: Mapping[str, Station]) -> Iterator[tuple[YamlPath, str]]:
    """Yield what is wrong with the stations around a magnet."""
    first, last = magnet.z
    ordered = sorted(stations.items(), key=lambda item: item[1].z)
    for (name, station), (other, next_) in pairwise(ordered):
        if station.z == next_.z:
            yield (*path, "stations", other, "z"), f"{name} and {other} stand at one z, {station.z:g} mm"
    inside = [name for name, station in ordered if first <= station.z <= last]
    for name in inside:
        where = f"inside the magnet {magnet.name}, {first:g} to {last:g} mm"
        yield (*path, "stations", name, "z"), f"{name} stands {where}: tracks are made of stations before and behind it"
    before = [name for name, station in ordered if station.z < first]
    behind = [name for name, station in ordered if station.z > last]
    for side, names in (("before", before), ("behind", behind)):
        if len(names) != SIDE and not inside:
            shown = f"{len(names)} ({', '.join(names)})" if names else "none"
            needs = (
                f"the finding of tracks needs two stations {side} the magnet {magnet.name} ({first:g} to {last:g} mm)"
            )
            yield (*path, "stations"), f"{needs}, here: {shown}"
