"""The limits of a search for other programs: pyhf workspaces, one per mass, and tables for HEPData."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from emiss.configs.errors import Location, UserError
from emiss.events.files.atomic import write_text
from emiss.programme.result import BANDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from emiss.physics.limits.contours import Interval
    from emiss.programme.counted import SearchPeriod
    from emiss.programme.mass_limit import SearchPoint
    from emiss.programme.result import SearchLimit

SCHEMA = "emiss.pyhf/1"
"""Of the index of workspaces."""

KINDS = ("pyhf", "hepdata")
NOTHING = "-"
"""What HEPData tables hold where there is no limit."""

TOP = 20.0
"""Upper bound of the strength in a workspace, in limits."""


def check(kinds: Sequence[str]) -> None:
    """Refuse what nothing is exported to.

    Raises
    ------
    UserError
        For an unknown kind.
    """
    from emiss.configs.errors import did_you_mean

    for kind in kinds:
        if kind not in KINDS:
            raise UserError(f"--export: there is no '{kind}'", hint=did_you_mean(kind, KINDS))


def write(limit: SearchLimit, kinds: Sequence[str], folder: Path) -> list[Path]:
    """Write exports below a folder and return the files.

    Raises
    ------
    UserError
        If a file cannot be written.
    """
    written: list[Path] = []
    for kind in dict.fromkeys(kinds):
        texts = workspaces(limit) if kind == "pyhf" else tables(limit)
        below = folder / kind
        try:
            below.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(error.strerror or "cannot be made", at=Location(str(below))) from None
        for name, text in texts.items():
            write_text(below / name, text)
            written.append(below / name)
    return written


def workspaces(limit: SearchLimit) -> dict[str, str]:
    """Return names and texts of a pyhf workspace for each mass, and of ``index.json``, which says what they are.

    The strength mu is 1 for the signal that the main limit allows, at the coupling that the index names.
    """
    texts, index = {}, []
    for point in limit.points:
        name = f"{_word(point.case)}_{point.mass:.6g}GeV.json"
        coupling, events = at_limit(point)
        if not sum(events) > 0.0:
            continue
        texts[name] = json.dumps(workspace(limit, point, events), indent=1) + "\n"
        entry = {"file": name, "case": point.case, "mass": point.mass, "coupling": coupling, "signal": sum(events)}
        index.append({**entry, "limit": point.limit.to_json()})
    texts["index.json"] = json.dumps({"schema": SCHEMA, "workspaces": index}, indent=1) + "\n"
    return texts


def at_limit(point: SearchPoint) -> tuple[float | None, list[float]]:
    """Return the coupling at the end of the first interval (None where there is no limit), and the events of the periods there.

    Where there is no limit it is those of the point's own `limit`, scaled to it.
    """
    strength = point.limit.median if point.limit.observed is None else point.limit.observed
    coupling = None
    if point.intervals:
        one = point.intervals[0]
        coupling = one.high if one.open_low else one.low
    return coupling, [strength * events for events in point.counted]


def workspace(limit: SearchLimit, point: SearchPoint, events: Sequence[float]) -> dict[str, Any]:
    """Return the workspace of one mass: a channel for each period, errors as ``normsys`` that periods share or not.

    The exposure's error moves signal and background of a period together. In the limits of emiss it is a part of the errors of
    both, as if they did not know of each other.
    """
    from emiss.physics.limits import Correlations

    common = limit.how.correlations or Correlations()
    channels, observations = [], []
    for number, (period, signal, statistical) in enumerate(zip(limit.periods, events, point.statistical, strict=True)):
        errors = {
            "efficiency": (math.hypot(period.efficiency_error, statistical), common.efficiency),
            "background": (period.background_error, common.background),
            "exposure": (period.on_target_error, common.exposure),
        }
        known = {
            name: _modifier(name if shared else f"{name}_{number}", error)
            for name, (error, shared) in errors.items()
            if error
        }
        mean = period.on_target * period.background
        strength = {"name": "mu", "type": "normfactor", "data": None}
        made = [strength, *(known[name] for name in ("efficiency", "exposure") if name in known)]
        left = [known[name] for name in ("background", "exposure") if name in known]
        name = _word(period.name)
        samples = [
            {"name": "signal", "data": [signal], "modifiers": made},
            {"name": "background", "data": [mean], "modifiers": left},
        ]
        channels.append({"name": name, "samples": samples})
        observations.append({"name": name, "data": [_seen(period, mean)]})
    measurement = {
        "name": _word(limit.search.search),
        "config": {"poi": "mu", "parameters": [{"name": "mu", "inits": [1.0], "bounds": [[0.0, TOP]]}]},
    }
    return {"channels": channels, "observations": observations, "measurements": [measurement], "version": "1.0.0"}


def _modifier(name: str, error: float) -> dict[str, Any]:
    """Return a relative error that is a factor, 1 + error up and its inverse down."""
    return {"name": name, "type": "normsys", "data": {"hi": 1.0 + error, "lo": 1.0 / (1.0 + error)}}


def _seen(period: SearchPeriod, background: float) -> float:
    """Return what was observed, or the background's mean for a projection."""
    return background if period.observed is None else float(period.observed)


def tables(limit: SearchLimit) -> dict[str, str]:
    """Return names and texts of a HEPData submission: excluded ends by case, and efficiencies by period."""
    import yaml

    documents: list[dict[str, Any]] = [{"comment": f"{limit.search.title}. Limits by emiss."}]
    texts = {}
    for case in limit.search.cases:
        points = limit.of_case(case)
        parts = {
            "limits": (f"Excluded couplings, {case}", _limits(limit, points)),
            "efficiencies": (f"Efficiencies, {case}", _efficiencies(limit, points)),
        }
        for part, (title, data) in parts.items():
            file = f"{part}_{_word(case)}.yaml"
            texts[file] = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
            level = f"{100.0 * limit.how.confidence:g} % CL, {limit.on_target:.4g} particles on target"
            documents.append(
                {
                    "name": title,
                    "description": f"{limit.search.title}: {title.lower()}; {level}.",
                    "keywords": [{"name": "observables", "values": ["CLS" if part == "limits" else "EFF"]}],
                    "data_file": file,
                }
            )
    texts["submission.yaml"] = yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True)
    return texts


def _limits(limit: SearchLimit, points: Sequence[SearchPoint]) -> dict[str, Any]:
    """Return a row for each interval of each mass; both ends, observed and expected."""
    rows = [
        (point, number)
        for point in points
        for number in range(max(1, *(len(found) for found in (point.intervals, *point.expected))))
    ]
    unit = limit.plane().unit
    kinds: list[tuple[str, Any]] = []
    if limit.observed:
        kinds.append(("observed", lambda point: point.observed))
    kinds += [(f"expected, {name}", lambda point, k=k: point.expected[k]) for k, name in enumerate(BANDS)]
    dependent = [
        {
            "header": _header(f"{limit.symbol}, {end} end, {name}", unit),
            "qualifiers": [{"name": "CL", "value": limit.how.confidence}],
            "values": [{"value": _end(chosen(point), number, end)} for point, number in rows],
        }
        for name, chosen in kinds
        for end in ("lower", "upper")
    ]
    masses = [{"value": float(f"{point.mass:.8g}")} for point, _ in rows]
    return {"independent_variables": [{"header": _mass(limit), "values": masses}], "dependent_variables": dependent}


def _efficiencies(limit: SearchLimit, points: Sequence[SearchPoint]) -> dict[str, Any]:
    dependent = [
        {
            "header": {"name": f"efficiency, {period.name}"},
            "qualifiers": [{"name": "particles on target", "value": float(f"{period.on_target:.6g}")}],
            "values": [_measured(*point.efficiencies[number]) for point in points],
        }
        for number, period in enumerate(limit.periods)
    ]
    masses = [{"value": float(f"{point.mass:.8g}")} for point in points]
    return {"independent_variables": [{"header": _mass(limit), "values": masses}], "dependent_variables": dependent}


def _measured(value: float, error: float) -> dict[str, Any]:
    shown: dict[str, Any] = {"value": float(f"{value:.6g}")}
    if error:
        shown["errors"] = [{"symerror": float(f"{error:.3g}"), "label": "stat"}]
    return shown


def _mass(limit: SearchLimit) -> dict[str, str]:
    return _header(f"mass of {limit.search.plane.particle}", "GeV")


def _header(name: str, unit: str) -> dict[str, str]:
    return {"name": name, "units": unit} if unit else {"name": name}


def _end(found: Sequence[Interval], number: int, end: str) -> float | str:
    """Return the end of an interval; nothing where there is none, or where the search ends and not the exclusion."""
    if number >= len(found):
        return NOTHING
    one = found[number]
    value, is_open = (one.low, one.open_low) if end == "lower" else (one.high, one.open_high)
    return NOTHING if is_open else float(f"{value:.6g}")


def _word(text: str) -> str:
    return re.sub(r"[^\w.+-]+", "_", text)
