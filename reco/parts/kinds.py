"""The kinds of parts, and what a mapping of a detector file is that names one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Discriminator, Tag
from pydantic_core import PydanticCustomError, PydanticKnownError

from emiss.configs.errors import did_you_mean
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


def _kind(value: Any) -> str | None:
    """Return the kind that a part says it is of."""
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return None if kind is None else str(kind)


def _of_a_kind(value: Any) -> Any:
    """Refuse what says no kind, or none of these."""
    kind = _kind(value)
    if kind is None and not isinstance(value, dict):
        raise PydanticKnownError("dict_type")
    if kind is None:
        known = ", ".join(KINDS)
        raise PydanticCustomError("kind", "a part needs a 'kind': one of {known}", {"known": known})
    if kind not in KINDS:
        context = {"kind": kind, "hint": did_you_mean(kind, list(KINDS)), "at": ("kind",)}
        raise PydanticCustomError("kind", "no kind of part '{kind}'; {hint}", context)
    return value


AnyPart = Annotated[
    Annotated[Counter, Tag("counter")]
    | Annotated[Panels, Tag("panels")]
    | Annotated[Modules, Tag("modules")]
    | Annotated[Grid, Tag("grid")]
    | Annotated[Tracker, Tag("tracker")]
    | Annotated[Magnet, Tag("magnet")]
    | Annotated[Volume, Tag("volume")],
    Discriminator(_kind),
    BeforeValidator(_of_a_kind),
]
