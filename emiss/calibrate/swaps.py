"""Channels whose constants look swapped: what is derived for one is what the other had before, and the other way round."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from emiss.calib.moved import swapped
from emiss.calib.table_types import table_type
from emiss.calib.tables import ANY
from emiss.configs.units import parse_unit

if TYPE_CHECKING:
    from emiss.calib.conditions import RunConditions
    from emiss.calibrate.frame import Found, Made


def with_swaps(found: Found, conditions: RunConditions) -> Found:
    """Return what was found with doubts on channels that look swapped, against the constants that held before."""
    return replace(found, made=tuple(_checked(made, conditions) for made in found.made))


def _checked(made: Made, conditions: RunConditions) -> Made:
    kind = table_type(made.type)
    if kind is None or kind.spare:  # much the same in all channels, and rows may be of spills
        return made
    columns = [column for column in made.values if column != "sigma"]
    if not columns:
        return made
    known = {name for table in conditions.tables if table.type == made.type for name in table.rows}
    good = [
        (number, name)
        for number, (name, one) in enumerate(zip(made.channels, made.found, strict=True))
        if one and (name in known or ANY in known)
    ]
    if not good:
        return made
    old = conditions.get(made.type, [name for _, name in good])
    before, after = {}, {}
    for place, (number, name) in enumerate(good):
        factors = {
            column: 1.0 if made.units[column] == "-" else parse_unit(made.units[column]).factor for column in columns
        }
        before[name] = [(float(old[column][place]), 0.0) for column in columns]
        after[name] = [
            (float(made.values[column][number]) * factors[column], float(made.errors[column][number]) * factors[column])
            for column in columns
        ]
    swaps = swapped(before, after)
    doubts = tuple(
        f"swapped with {swaps[name]}? Each has what the other had before" if name in swaps else why
        for name, why in zip(made.channels, made.doubts, strict=True)
    )
    return replace(made, doubts=doubts)
