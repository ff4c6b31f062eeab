"""The limits of a cutflow for other programs: a pyhf workspace for each mass, which cabinetry reads, too."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from emiss.configs.errors import Location, UserError
from emiss.events.files.atomic import write_text
from emiss.physics.limits import Correlations
from emiss.physics.limits.workspace import workspace
from emiss.reach.sensitivity import counters

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from emiss.reach.sensitivity import DataPeriod, Point

SCHEMA = "emiss.pyhf/1"
TOP = 20.0
"""Upper bound of the strength, in limits."""


def texts(periods: Sequence[DataPeriod], points: Sequence[Point], common: Correlations | None) -> dict[str, str]:
    """Return names and texts of a workspace for each mass, where mu = 1 is the limit, and of ``index.json``."""
    made, index = {}, []
    for point in points:
        strength = point.limit.median if point.limit.observed is None else point.limit.observed
        found = [replace(one, signal=strength * one.signal) for one in counters(periods, point)]
        name = f"phi_{1e3 * point.m_phi:.6g}MeV.json"
        made[name] = json.dumps(workspace(found, common or Correlations(), "emiss", TOP), indent=1) + "\n"
        coupling = point.median if point.observed is None else point.observed
        events = sum(one.signal for one in found)
        entry = {"file": name, "mass": point.m_phi, "coupling": coupling, "signal": events}
        index.append({**entry, "limit": point.limit.to_json()})
    made["index.json"] = json.dumps({"schema": SCHEMA, "workspaces": index}, indent=1) + "\n"
    return made


def write(
    periods: Sequence[DataPeriod], points: Sequence[Point], common: Correlations | None, folder: Path
) -> list[Path]:
    """Write the workspaces to ``pyhf`` below a folder and return the files.

    Raises
    ------
    UserError
        If one cannot be written.
    """
    below = folder / "pyhf"
    try:
        below.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(error.strerror or "cannot be made", at=Location(str(below))) from None
    found = texts(periods, points, common)
    for name, text in found.items():
        write_text(below / name, text)
    return [below / name for name in found]
