"""`validate_search`: a search beside what is published of it; nothing is fitted, and what differs is told.

The search is run as ``emiss run`` does it, at its few masses and those of the checks.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from emiss.configs.errors import UserError
from emiss.events.files.atomic import write_text
from emiss.physics.constants import HBAR_C
from emiss.programme.counted import Asked, periods_of
from emiss.programme.mass_limit import How
from emiss.programme.run import Limiting, closings, flat, limits
from emiss.programme.simulated import key_of
from emiss.programme.whole import efficiencies_of, limit_whole, masses_shown, plan_whole, study_whole
from emiss.validate.compared import Compared, Line
from emiss.validate.search_page import render

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from emiss.job.task import Executor
    from emiss.programme.counted import Left, SearchPeriod
    from emiss.programme.run import Efficiencies
    from emiss.programme.search_file import SearchFile
    from emiss.programme.simulated import SettingKey
    from emiss.programme.whole import Part
    from emiss.selection.results.cutflow import Cutflow
    from emiss.validate.checks import Check, Checks

METRE = 1e3
"""mm."""


@dataclass(frozen=True)
class _Study:
    """What was simulated, and what all checks of a search share."""

    search: SearchFile
    left: Left
    parts: Sequence[Part]
    flows: Mapping[SettingKey, Cutflow]


def plan_search(
    search: SearchFile, left: Left, checks: Checks, events: Mapping[str, int]
) -> tuple[list[SearchPeriod], list[Part]]:
    """Return the periods of the search and what is simulated: at its few masses, and at those of checks without efficiency.

    Raises
    ------
    UserError
        As `plan_whole`.
    """
    periods = periods_of(search, Asked(), left)
    masses = {case: set(few) for case, few in masses_shown(search).items()}
    for one in checks.checks:
        if one.efficiency is None and one.quantity not in {"length", "background", "events"}:
            for case in _cases(search, one):
                if not search.cases[case].masses:
                    masses[case] |= set(one.looked_at)
    return periods, plan_whole(search, periods, {case: sorted(few) for case, few in masses.items()}, events)


def validate_search(
    search: SearchFile,
    left: Left,
    checks: Checks,
    planned: tuple[Sequence[SearchPeriod], Sequence[Part]],
    out: Path,
    *,
    executor: Executor = "serial",
    workers: int = 1,
    progress: Callable[[int], None] = lambda _: None,
) -> Compared:
    """Run a search, compare, and write ``validation.html``, ``validation.json`` and the cutflows to a folder.

    Raises
    ------
    UserError
        As `study_whole`, and if a check cannot be computed.
    """
    begun = time.monotonic()
    periods, parts = planned
    flows = study_whole(
        parts, out, executor=executor, workers=workers, normalise=1e11, brief=True, progress=progress
    )  # fmt: skip
    study = _Study(search, left, parts, flows)
    events = sum(part.study.events for part in parts)
    source = f"simulated, {events} events, analysis '{search.analysis}'"
    limit = limit_whole(search, periods, left, efficiencies_of(parts, flows, periods), source)
    lines = [_line(study, one) for one in checks.checks]
    by_name = {part.name: flows[key_of(part.setting)] for part in parts}
    found = Compared(checks, lines, limit, by_name, time.monotonic() - begun)
    write_text(out / "validation.json", json.dumps(found.to_json(), indent=1, allow_nan=False) + "\n")
    write_text(out / "validation.html", render(found))
    return found


def _cases(search: SearchFile, one: Check) -> tuple[str, ...]:
    first = one.case or next(iter(search.cases))
    return (first,) if one.over is None else (first, one.over.case or first)


def _line(study: _Study, one: Check) -> Line:
    cases = _cases(study.search, one)
    made = _value(study, one, cases[0], one.mass)
    if one.over is None or made.ours is None:
        return made
    other = _value(study, one, cases[1], one.over.mass or one.mass)
    if other.ours is None:
        return other
    return replace(made, ours=made.ours / other.ours)


def _value(study: _Study, one: Check, case: str, mass: float | None) -> Line:
    """Return the quantity of a check for a case at a mass."""
    search = study.search
    if one.quantity == "length":
        assert mass is not None and one.coupling is not None and one.energy is not None  # noqa: S101, PT018 - it is checked
        width, momentum = search.model(case).width(mass, one.coupling), math.sqrt(one.energy**2 - mass**2)
        return Line(one, HBAR_C * momentum / (mass * width) / METRE)
    periods = _periods(study, one)
    if one.quantity == "background":
        return Line(one, math.fsum(period.on_target * period.background for period in periods))
    plane = search.plane
    work = Limiting(search, tuple(periods), How(plane.low, plane.high, one.coupling or plane.reference))
    own = search.cases[case].masses
    masses = sorted(one.masses) if one.quantity == "closing" else [mass or own[0]]
    seen = _efficiencies(study, one, case, masses, periods)
    points = limits(work, seen)
    if one.quantity == "closing":
        ends = [found.mass for found in closings(work, points, seen)]
        return Line(one, ends[0]) if ends else Line(one, None, why="the contour does not close between these masses")
    (point,) = points
    used = (point.efficiency, point.efficiency_error)
    if one.quantity == "events":
        return Line(one, point.signal, *used)
    if one.quantity == "efficiency":
        return Line(one, point.efficiency, *used)
    if not point.intervals:
        return Line(one, None, *used, why="nothing is excluded at this mass")
    end = point.intervals[0].low if one.quantity == "low" else point.intervals[-1].high
    return Line(one, end, *used)


def _periods(study: _Study, one: Check) -> list[SearchPeriod]:
    asked = Asked(periods=one.periods, on_target=one.on_target, take=(one.take,) if one.take else ())
    # a number of particles has no observation of its own: none was seen in the searches that are published
    found = periods_of(study.search, asked, study.left)
    return [replace(period, observed=0) for period in found] if one.on_target is not None else found


def _efficiencies(
    study: _Study, one: Check, case: str, masses: Sequence[float], periods: Sequence[SearchPeriod]
) -> dict[tuple[str, float], Efficiencies]:
    if one.efficiency is not None or one.quantity == "events":
        return {(case, mass): flat(study.search, case, periods, one.efficiency or 1.0) for mass in masses}
    keys = {key_of(part.setting) for part in study.parts}
    for period in periods:
        if key_of(period.setting) not in keys:
            text = f"'{one.what}': the set-up {period.setting.setup} of {period.name} is none of the search's periods"
            raise UserError(text, hint="give the check an 'efficiency'")
    known = efficiencies_of(study.parts, study.flows, periods)
    return {(case, mass): known[case, mass] for mass in masses}
