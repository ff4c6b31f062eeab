"""What a spill is compared with: an earlier run that `--out` has kept, or the first spills of the run itself.

Pedestals have a third one, the conditions, which they are measured against in any case.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.configs.arrays import Array  # noqa: TC001 - a dataclass
from emiss.configs.errors import Location, UserError
from emiss.events.files.atomic import write_text
from emiss.monitor.measured import Piled
from emiss.reco.quality.summary import LEAST

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from emiss.monitor.measured import Measured

NAME = "reference.json"
SCHEMA = "emiss.monitor/1"

FIRST = 5
"""Spills of a run that the later ones are compared with, where no earlier run is given."""


@dataclass(frozen=True)
class Reference:
    """Sums over the spills that others are compared with.

    Attributes
    ----------
    source : str
        What they are of, for messages.
    spills, events : int
    piled : Piled
    quiet, shift : float arrays of shape (channels,)
        Waveforms that tell the pedestal, and the sum of its shifts from the conditions, ADC.
    earlier : bool
        It is of an earlier run, and pedestals are compared with it, too.
    """

    source: str
    spills: int
    events: int
    piled: Piled
    quiet: Array
    shift: Array
    earlier: bool = False

    @classmethod
    def empty(cls, source: str, channels: int, planes: int) -> Reference:
        """Return what has no spill yet."""
        return cls(source, 0, 0, Piled.empty(channels, planes), np.zeros(channels), np.zeros(channels))

    def plus(self, spill: Measured) -> Reference:
        """Return the sums with a spill more."""
        survey = spill.survey
        return Reference(
            self.source,
            self.spills + 1,
            self.events + spill.events,
            self.piled.plus(spill.piled),
            self.quiet + survey.quiet.sum(axis=0),
            self.shift + survey.shift.sum(axis=0),
            self.earlier,
        )

    def pedestal(self) -> Array:
        """Return the mean shift of each pedestal from the conditions, ADC; NaN where it cannot be told."""
        return mean(self.shift, self.quiet)

    def save(self, path: Path, channels: Sequence[str], planes: Sequence[str]) -> None:
        """Write the sums to a file, which appears when it is complete."""
        rows = zip(self.piled.pulses, self.piled.height, self.piled.square, self.quiet, self.shift, strict=True)
        data = {
            "schema": SCHEMA,
            "source": self.source,
            "spills": self.spills,
            "events": self.events,
            "channels": {name: list(map(float, row)) for name, row in zip(channels, rows, strict=True)},
            "planes": {name: float(n) for name, n in zip(planes, self.piled.hits, strict=True)},
        }
        write_text(path, json.dumps(data) + "\n")


def load(path: Path, channels: Sequence[str], planes: Sequence[str]) -> Reference:
    """Read what a monitor has kept; channels that it does not have are compared with nothing.

    Raises
    ------
    UserError
        If it is no such file, or has no channel of this set-up.
    """
    path = path / NAME if path.is_dir() else path
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        if data["schema"] != SCHEMA:
            raise KeyError(data["schema"])
        none = [0.0] * 5
        rows = [data["channels"].get(name, none) for name in channels]
        pulses, height, square, quiet, shift = np.array(rows, float).reshape(len(channels), 5).T
        hits = np.array([data["planes"].get(name, 0.0) for name in planes], float)
        known = set(data["channels"]) & set(channels)
        piled = Piled(pulses, height, square, hits)
        found = Reference(str(path), int(data["spills"]), int(data["events"]), piled, quiet, shift, earlier=True)
    except OSError as error:
        raise UserError(error.strerror or "cannot be read", at=Location(str(path))) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        hint = "'emiss monitor RUN --once --out FOLDER' keeps one"
        raise UserError("not what 'emiss monitor' keeps of a run", at=Location(str(path)), hint=hint) from None
    if channels and not known:
        raise UserError("has no channel of this set-up", at=Location(str(path)), hint="is it of another --detector?")
    return found


def mean(sums: Array, counts: Array) -> Array:
    """Return means; NaN below `LEAST` counts."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(counts >= LEAST, sums / counts, np.nan)
