"""The periods and their sums as plain data, which `emiss periods` prints."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from emiss.programme.periods import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.programme.periods import Exposed, Kind, Periods


def table(known: Periods, mode: str | None = None) -> list[dict[str, Any]]:
    """Return a row for each period of a mode; GeV, particles on target.

    Raises
    ------
    UserError
        If there is no such mode.
    """
    return [
        {
            "name": name,
            "mode": one.mode,
            "year": one.year,
            "beam": f"{one.beam.particle} {one.beam.energy:g} GeV",
            "particle": one.beam.particle,
            "energy": one.beam.energy,
            "setup": one.setup,
            "runs": list(one.runs),
            **_numbers(known, one),
        }
        for name, one in known.of_mode(mode).items()
    ]


def sums_table(known: Periods, mode: str | None = None) -> list[dict[str, Any]]:
    """Return a row for each sum, and one for each mode as a whole, with what the periods add up to reading by reading."""
    rows = [
        {"name": name, "of": list(one.of), "added": _added(known, one.of), **_numbers(known, one)}
        for name, one in known.sums_of(mode).items()
    ]
    there = [set(row["of"]) for row in rows]
    for one_mode in known.modes if mode is None else (mode,):
        names = list(known.of_mode(one_mode))
        if set(names) not in there:
            nothing: dict[str, Any] = {"recorded": {}, "analysed": {}, "observed": None, "remark": "", "undecided": []}
            rows.append({"name": f"{one_mode}, all", "of": names, "added": _added(known, names), **nothing})
    return rows


def _added(known: Periods, names: Sequence[str]) -> dict[str, Any]:
    """Return the sums of the readings that speak of all periods; where none does, that of the first readings of each."""
    readings = dict.fromkeys(reading for name in names for reading in known.periods[name].recorded)
    sums = {reading: known.total(names, reading) for reading in readings}
    whole = {reading: value for reading, (value, lost) in sums.items() if not lost}
    return whole or {"first of each": math.fsum(known.first(name) for name in names)}


def _numbers(known: Periods, one: Exposed) -> dict[str, Any]:
    def told(kind: Kind) -> dict[str, Any]:
        readings = one.readings(kind).items()
        return {name: {"value": reading.value, "source": known.source(name, reading)} for name, reading in readings}

    undecided = [kind for kind in KINDS if one.readings(kind) and one.decided(kind) is None]
    # what was analysed is taken first: only where that is not told does the other number matter
    needed = undecided if not one.analysed else [kind for kind in undecided if kind == "analysed"]
    return {
        "recorded": told("recorded"),
        "analysed": told("analysed"),
        "observed": one.observed,
        "remark": one.remark,
        "undecided": needed,
    }
