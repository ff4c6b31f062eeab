"""What a period of data taking is made of, before any file is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emiss.configs.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from emiss.samples.config import Sample


@dataclass(frozen=True)
class Settings:
    """What a period is made of, before any file is read.

    Attributes
    ----------
    name : str
    on_target : float or None
        None: as the data sample says.
    observed : int or None
    data : str or None
        Sample of the cutflow whose events are counted.
    cutflow, table : Path or None
    known : mapping of sample's name to Sample
        What samples were simulated from that do not say it.
    region : str or None
    background : str
        As for `emiss.reach.background.choose`.
    background_error, on_target_error, efficiency_error : float
        Relative; the first is None for its own.
    efficiency_factor : float
    nucleus : str
    """

    name: str = ""
    on_target: float | None = None
    observed: int | None = None
    data: str | None = None
    cutflow: Path | None = None
    table: Path | None = None
    known: Mapping[str, Sample] = field(default_factory=dict)
    region: str | None = None
    background: str = "auto"
    background_error: float | None = None
    on_target_error: float = 0.0
    efficiency_error: float = 0.0
    efficiency_factor: float = 1.0
    nucleus: str = "lead"


def nucleus(name: str) -> str:
    """Return the name of a target's material.

    Raises
    ------
    UserError
        If it is none of `emiss.physics.nuclei.NUCLEI`.
    """
    from emiss.physics.nuclei import NUCLEI

    if name not in NUCLEI:
        raise UserError(f"there is no target '{name}'", hint=did_you_mean(name, NUCLEI))
    return name
