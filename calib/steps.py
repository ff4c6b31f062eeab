"""Rows of a table by spill or by place in the spill: ``ECAL1.2.2@3-7``, ``ecal@0.1-0.2``, ``*@12-``.

A name is what a row speaks of, a channel, an element, a part or all of them, and behind ``@`` where it holds. The rows of one
name cover all spills, or all of the spill, once: there is exactly one value for each event, or an error.
"""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.configs.errors import Problems, UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.calib.tables import Table
    from emiss.configs.arrays import Floats

AT = "@"

_RANGE = re.compile(r"(\d+(?:\.\d+)?)(?:(-)(\d+(?:\.\d+)?)?)?\Z")

CLOSE = 1e-9
"""Places in the spill that are nearer to each other are the same."""


class Steps(NamedTuple):
    """The values of one name, which go in steps.

    Attributes
    ----------
    begins : array of shape (S,)
        Where each value begins to hold, ascending: spills, or places in the spill. The first is 0.
    values : array of shape (S,), or (S, C) of several names
    """

    begins: Floats
    values: Floats


class _Row(NamedTuple):
    first: float
    last: float
    value: float
    name: str
    table: Table


def subject(name: str) -> str:
    """Return what a row speaks of, without where it holds."""
    return name.partition(AT)[0]


def _speaking(tables: Sequence[Table]) -> dict[str, tuple[Table, list[str]]]:
    """Return the table that speaks for each name, and its rows, of tables of one type; what overrides comes last."""
    found: dict[str, tuple[Table, list[str]]] = {}
    for table in tables:
        for row in table.rows:
            name = subject(row)
            if name not in found or found[name][0] is not table:
                found[name] = table, []
            found[name][1].append(row)
    return found


def steps(tables: Sequence[Table], column: str, *, by_spill: bool) -> dict[str, Steps]:
    """Return the steps of each name.

    Parameters
    ----------
    tables : sequence of Table
        Of one type, those that hold for a run in their order.
    column : str
    by_spill : bool
        Whether rows are of spills, first and last included; else of places in the spill, from 0 to 1.

    Raises
    ------
    UserError
        For rows that are of no range, overlaps and gaps, with their places.
    """
    problems = Problems()
    found: dict[str, Steps] = {}
    for name, (table, own) in _speaking(tables).items():
        if column not in table.columns:
            continue
        place = table.columns.index(column)
        try:
            rows = [_row(row, table.rows[row][place], table, by_spill=by_spill) for row in own]
            found[name] = _in_order(sorted(rows), by_spill=by_spill)
        except UserError as error:
            problems.add(error)
    problems.check()
    return found


def _row(name: str, value: float, table: Table, *, by_spill: bool) -> _Row:
    """Return a row with its range; that of spills ends where the next spill begins."""
    text = name.partition(AT)[2]
    whole = math.inf if by_spill else 1.0
    if AT not in name:
        return _Row(0.0, whole, value, name, table)
    match = _RANGE.match(text)
    wrong = match is None or (by_spill and "." in text) or not (by_spill or match[3])
    if match is None or wrong:
        example = "ECAL1.2.2@3-7, ECAL1.2.2@8 or ECAL1.2.2@9-" if by_spill else "ecal@0.1-0.2"
        what = "spills" if by_spill else "places in the spill"
        raise UserError(f"'{name}' names no range of {what} such as {example}", at=table.location(name))
    first = float(match[1])
    last = float(match[3]) if match[3] else whole if match[2] else first
    if by_spill:
        first, last = (0.0 if first <= 1.0 else first), last + 1.0  # the first spill has the number 0 or 1
    if not first < last <= whole:
        raise UserError(f"the range of '{name}' ends before it begins, or beyond the spill", at=table.location(name))
    return _Row(first, last, value, name, table)


def _in_order(rows: Sequence[_Row], *, by_spill: bool) -> Steps:
    """Return rows as steps.

    Raises
    ------
    UserError
        If two overlap, or something is left out.
    """
    end, before = 0.0, ""
    for row in rows:
        if row.first < end - CLOSE:
            raise UserError(f"'{row.name}' overlaps '{before}'", at=row.table.location(row.name))
        if row.first > end + CLOSE:
            behind = f"behind '{before}'" if before else "before it"
            raise UserError(f"gap: no row {behind} and up to '{row.name}'", at=row.table.location(row.name))
        end, before = row.last, row.name
    whole = math.inf if by_spill else 1.0
    if end < whole - CLOSE:
        hint = f"leave the last range open: {rows[-1].name.rpartition('-')[0] or rows[-1].name}-" if by_spill else None
        raise UserError(f"ends early: no row behind '{before}'", at=rows[-1].table.location(before), hint=hint)
    return Steps(np.array([row.first for row in rows]), np.array([row.value for row in rows]))


def by_spills(name: str, firsts: Sequence[int]) -> list[str]:
    """Return the names of rows for ranges of spills that begin at some spills; the first one holds from the beginning on."""
    begins = [0, *firsts[1:]]
    ends = [*(one - 1 for one in firsts[1:]), None]
    return [
        f"{name}{AT}{begin}{'' if begin == end else '-'}{'' if end is None or begin == end else end}"
        for begin, end in zip(begins, ends, strict=True)
    ]


def by_places(name: str, edges: Sequence[float]) -> list[str]:
    """Return the names of rows for the bins of a spill."""
    texts = [f"{edge:.6g}" for edge in edges]
    return [f"{name}{AT}{low}-{high}" for low, high in pairwise(texts)]


def together(found: Mapping[str, Steps], names: Sequence[Sequence[str]]) -> Steps | None:
    """Return the steps of some channels as one, with values of shape (steps, channels); None where there are none.

    For `names` see `at`.
    """
    if not found:
        return None
    begins = np.unique(np.concatenate([one.begins for one in found.values()]))
    return Steps(begins, at(found, names, begins))


def at(found: Mapping[str, Steps], names: Sequence[Sequence[str]], where: Floats) -> Floats:
    """Return the values of some channels at places, shape (places, channels); 1 for what no row speaks of.

    Parameters
    ----------
    found : mapping of name to Steps
    names : sequence of sequences of str
        What each channel is called, what speaks for it alone first.
    where : array of shape (places,)
    """
    made = np.ones((len(where), len(names)))
    for number, called in enumerate(names):
        one = next((found[name] for name in called if name in found), None)
        if one is not None:
            place = np.searchsorted(one.begins, where, side="right") - 1
            made[:, number] = one.values[np.clip(place, 0, len(one.begins) - 1)]
    return made
