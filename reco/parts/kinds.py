"""The kinds of parts."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from emiss.reco.parts.counter import Counter
from emiss.reco.parts.grid import Grid
from emiss.reco.parts.magnet import Magnet
from emiss.reco.parts.modules import Modules
from emiss.reco.parts.panels import Panels
from emiss.reco.parts.tracker import Tracker
from emiss.reco.parts.volume import Volume

KINDS = (Counter, Panels, Modules, Grid, Tracker, Magnet, Volume)

AnyPart = Annotated[Counter | Panels | Modules | Grid | Tracker | Magnet | Volume, Field(discriminator="kind")]
