"""The kinds of parts, and what a mapping of a detector file is that names one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Tag

from emiss.configs.schema import by_kind
from emiss.reco.parts.counter import Counter
from emiss.reco.parts.grid import Grid
from emiss.reco.parts.magnet import Magnet
from emiss.reco.parts.modules import Modules
from emiss.reco.parts.panels import Panels
from emiss.reco.parts.tracker import Tracker
from emiss.reco.parts.volume import Volume

if TYPE_CHECKING:
    from emiss.reco.parts.base import Part

KINDS: dict[str, type[Part]] = {
    "counter": Counter,
    "panels": Panels,
    "modules": Modules,
    "grid": Grid,
    "tracker": Tracker,
    "magnet": Magnet,
    "volume": Volume,
}


AnyPart = Annotated[
    Annotated[Counter, Tag("counter")]
    | Annotated[Panels, Tag("panels")]
    | Annotated[Modules, Tag("modules")]
    | Annotated[Grid, Tag("grid")]
    | Annotated[Tracker, Tag("tracker")]
    | Annotated[Magnet, Tag("magnet")]
    | Annotated[Volume, Tag("volume")],
    by_kind("part", KINDS),
]
