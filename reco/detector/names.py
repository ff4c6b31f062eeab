"""The names of elements, which channels, maps and conditions go by: each is there once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from emiss.reco.parts.base import ReadOut
from emiss.reco.parts.magnet import Magnet
from emiss.reco.parts.tracker import Tracker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.document import YamlPath
    from emiss.reco.parts.base import Part


def names_of(parts: Mapping[str, Part]) -> list[str]:
    """Return the names of all that has one, as often as it is given."""
    names: list[str] = []
    for part in parts.values():
        if isinstance(part, ReadOut):
            channels = Counter(part.channels())
            names += dict.fromkeys(channel.partition(".")[0] for channel in channels)
            names += [channel.partition(".")[0] for channel, count in channels.items() for _ in range(count - 1)]
    names += [station for part in parts.values() if isinstance(part, Tracker) for station in part.stations]
    return [*names, *(name for name, part in parts.items() if isinstance(part, Magnet))]


def last_with(parts: Mapping[str, Part], name: str) -> YamlPath:
    """Return the path of the last part or element of a name."""
    found: YamlPath = ()
    for part, one in parts.items():
        if part == name and isinstance(one, Magnet):
            found = ("parts", part)
        if isinstance(one, ReadOut) and any(channel.partition(".")[0] == name for channel in one.channels()):
            found = ("parts", part)
        for key in ("elements", "layers", "stations"):
            if key in type(one).model_fields and name in getattr(one, key):
                found = ("parts", part, key, name)
    return found
