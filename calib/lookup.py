"""Where constants come from: the value of each channel with its error, its table and its line, in a run or over all runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emiss.calib.run_ranges import OPEN, RunRange, covers
from emiss.calib.table_types import error_of, table_type
from emiss.calib.tables import row_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from emiss.calib.conditions import Conditions
    from emiss.calib.tables import Table
    from emiss.configs.errors import Location


@dataclass(frozen=True)
class Constant:
    """One value.

    Attributes
    ----------
    type, channel, column, unit : str
        Of base units; empty for a pure number.
    value : float
    error : float or None
        None where its table gives none.
    runs : RunRange
        The runs that it holds for.
    payload : str
        Id of its table.
    at : Location
        Of its row.
    """

    type: str
    channel: str
    column: str
    unit: str
    value: float
    error: float | None
    runs: RunRange
    payload: str
    at: Location


def spans(tables: Sequence[Table], within: RunRange) -> Iterator[RunRange]:
    """Yield the ranges of runs in which the same of some tables hold, in ascending order, all of `within` together."""
    begins = {within.first}
    for table in tables:
        for one in table.runs:
            begins |= {one.first, one.last + 1 if one.last < OPEN else within.first}
    inside = sorted(run for run in begins if run in within)
    for first, following in zip(inside, [*inside[1:], within.last + 1], strict=True):
        yield RunRange(first, following - 1)


def holding(tables: Iterable[Table], run: int) -> list[Table]:
    """Return the tables that hold for a run; what overrides comes last."""
    return sorted((table for table in tables if covers(table.runs, run)), key=lambda table: table.order)


def constants(tables: Sequence[Table], type_: str, channels: Iterable[str], runs: RunRange) -> Iterator[Constant]:
    """Yield the values of a type that hold for channels, where they have one, in a range of runs in which nothing changes.

    A default of an optional column has no error, and stands where the channel's row is.
    """
    kind = table_type(type_)
    if kind is None:
        return
    valid = holding([table for table in tables if table.type == type_], runs.first)
    for channel in channels:
        own = [table for table in reversed(valid) if row_of(table.rows, channel) is not None]
        for column, dimension in kind.columns.items():
            table = next((one for one in own if column in one.columns), None)
            if table is None and (not own or math.isnan(kind.optional.get(column, math.nan))):
                continue
            of = own[0] if table is None else table
            row = row_of(of.rows, channel) or channel
            named: dict[str, float] = {}
            if table is None:
                named[column] = kind.optional[column]
            else:
                named |= zip(table.columns, table.rows[row], strict=True)
            at = of.location(row)
            unit = str(dimension)
            yield Constant(
                type_, channel, column, "" if unit == "1" else unit, named[column], named.get(error_of(column)), runs,
                of.payload, at,
            )  # fmt: skip


def known_channels(tables: Iterable[Table], type_: str) -> list[str]:
    """Return the channels that have a row of a type, in the order of the tables; ``*`` if there is such a row."""
    return list(dict.fromkeys(name for table in tables if table.type == type_ for name in table.rows))


def history(conditions: Conditions, channel: str, type_: str | None = None) -> list[Constant]:
    """Return the values of a channel over all runs, of one type or of all that know it, in the order of types and runs."""
    types = sorted({table.type for table in conditions.tables if type_ in (None, table.type)})
    found: list[Constant] = []
    for kind in types:
        tables = [table for table in conditions.tables if table.type == kind]
        if type_ is None and channel not in known_channels(tables, kind):
            continue
        first = min(one.first for table in tables for one in table.runs)
        last = max(one.last for table in tables for one in table.runs)
        for span in spans(tables, RunRange(first, last)):
            found += constants(tables, kind, [channel], span)
    return found
