"""The channel maps of a set-up against its parts: channels and planes that no map gives, told at the part they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss.configs.errors import Location, UserError
from emiss.reco.formats.date import layout
from emiss.reco.formats.date.channels.reading import read_channel_maps
from emiss.reco.formats.date.channels.xml import read_elements

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from emiss.configs.document import YamlPath
    from emiss.reco.detector.model import Detector
    from emiss.reco.formats.date.channels.channel_map import ChannelMaps

SHOWN = 6
"""So many channels are named one by one."""


def unmapped(detector: Detector) -> Iterator[tuple[YamlPath, str]]:
    """Yield each part of which a map lacks channels or planes, with a message; one run of each range of the maps is looked at.

    Nothing where there are no maps: simulated files of hits need none.

    Raises
    ------
    UserError
        If a map cannot be read, or names what the detector does not have.
    """
    if not detector.channel_maps_path.exists():
        return
    told: set[YamlPath] = set()
    for run in first_runs(detector.channel_maps_path):
        maps = read_channel_maps(detector.channel_maps_path, run)
        for path, message in _lacking(detector, maps):
            if path not in told:
                told.add(path)
                yield path, message
        if not told:
            maps.check(detector.channels, detector.plane_names, detector.timed)


def first_runs(path: Path) -> list[int]:
    """Return the first run of each range of runs that maps hold for.

    Raises
    ------
    UserError
        If a range is none.
    """
    found: set[int] = set()
    for file in sorted(path.glob("*.xml")) if path.is_dir() else [path]:
        for element in read_elements(file):
            for part in element.attributes.get("runs", "").split():
                first = part.partition("-")[0]
                if not first.isdecimal():
                    raise UserError(f"'{part}' is not a run or a range of runs", at=Location(str(file)))
                found.add(int(first))
    return sorted(found)


def _lacking(detector: Detector, maps: ChannelMaps) -> Iterator[tuple[YamlPath, str]]:
    msadc = {entry.channel_name for entry in maps.sadc if not entry.wave}
    for name, part in detector.read_out.items():
        yield from _missing(name, "channel", part.channels(), maps.channel_names, maps)
        board = part.digitiser or next(iter(detector.digitisers))
        bits = detector.digitisers[board].bits
        if bits > layout.SADC_BITS and (old := set(part.channels()) & msadc):
            message = (
                f"'{board}' has {bits} bits; a ChipSADC of {maps.path} has {layout.SADC_BITS}, and gives {min(old)}"
            )
            yield ("digitisers", board, "bits"), f"{message}; `emiss setup wire` makes maps again"
    for name, tracker in detector.trackers.items():
        yield from _missing(name, "plane", [plane.name for plane in tracker.planes(name)], maps.plane_names, maps)


def _missing(
    part: str, kind: str, needed: Sequence[str], known: Sequence[str], maps: ChannelMaps
) -> Iterator[tuple[YamlPath, str]]:
    missing = [name for name in needed if name not in known]
    if missing:
        shown = ", ".join(missing[:SHOWN]) + (f" ... ({len(missing)} in all)" if len(missing) > SHOWN else "")
        several = "s" if len(missing) > 1 else ""
        yield (
            ("parts", part),
            f"no map of run {maps.run} in {maps.path} gives the {kind}{several} {shown}; `emiss setup wire` makes maps again",
        )
