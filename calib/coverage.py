"""What a tag of constants lacks for a set-up: runs without a table, channels without a value, and the places beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss.calib.lookup import holding, spans
from emiss.calib.run_ranges import OPEN, RunRange
from emiss.calib.table_types import table_type
from emiss.calib.tables import row_of
from emiss.configs.errors import Location, UserError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from emiss.calib.conditions import Conditions
    from emiss.calib.tables import Table

SHOWN = 4
"""So many channels are named."""


def extent(conditions: Conditions) -> RunRange:
    """Return the runs that a tag speaks of: from the first that any table holds for to the last; the open end counts once.

    What there need not be has no say.
    """
    wanted = [table for table in conditions.tables if (kind := table_type(table.type)) is None or not kind.spare]
    ranges = [one for table in wanted or conditions.tables for one in table.runs]
    return RunRange(min(one.first for one in ranges), max(one.last for one in ranges))


def lacks(conditions: Conditions, needs: Mapping[str, Sequence[str]], runs: RunRange) -> Iterator[UserError]:
    """Yield what is missing in some runs: a type that no table gives, gaps, tables that begin late or end early, channels.

    Parameters
    ----------
    conditions : Conditions
    needs : mapping of type to channels
    runs : RunRange
    """
    for type_, channels in needs.items():
        tables = [table for table in conditions.tables if table.type == type_]
        if not tables:
            kind = table_type(type_)
            yield UserError(
                f"no table of type {type_}", at=Location(conditions.tag), hint=None if kind is None else kind.without
            )
            continue
        yield from _lacking(tables, type_, channels, runs)


def _lacking(tables: Sequence[Table], type_: str, channels: Sequence[str], runs: RunRange) -> Iterator[UserError]:
    """Yield what is missing of one type; runs in a row that lack the same are one message."""
    before: tuple[RunRange, tuple[str, ...]] | None = None
    for span in spans(tables, runs):
        missing = tuple(_missing(holding(tables, span.first), type_, channels))
        if before is not None and before[1] == missing:
            before = RunRange(before[0].first, span.last), missing
            continue
        if before is not None and before[1]:
            yield _said(tables, type_, channels, runs, *before)
        before = span, missing
    if before is not None and before[1]:
        yield _said(tables, type_, channels, runs, *before)


def _missing(valid: Sequence[Table], type_: str, channels: Sequence[str]) -> Iterator[str]:
    """Yield the channels that lack a column."""
    kind = table_type(type_)
    columns = () if kind is None else kind.required
    for channel in channels:
        given = {column for table in valid if row_of(table.rows, channel) for column in table.columns}
        if not given.issuperset(columns):
            yield channel


def _said(
    tables: Sequence[Table],
    type_: str,
    channels: Sequence[str],
    runs: RunRange,
    span: RunRange,
    missing: Sequence[str],
) -> UserError:
    """Return what is missing in a span of runs."""
    valid = holding(tables, span.first)
    if valid or len(missing) < len(channels):
        names = ", ".join(missing[:SHOWN]) + (f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else "")
        known = [name for table in valid for name in table.rows]
        hint = did_you_mean(missing[0], known) if known else None
        if len(missing) == len(channels):
            hint = "the table has no channel of the set-up: is it of another one?"
        return UserError(
            f"missing channel{'s' if len(missing) > 1 else ''} in runs {span}: no {type_} for {names}",
            at=valid[-1].location() if valid else None,
            hint=hint,
        )
    ends = [(one.last, table) for table in tables for one in table.runs if one.last < span.first]
    begins = [(one.first, table) for table in tables for one in table.runs if one.first > span.last]
    last = max(ends, key=lambda item: item[0], default=None)
    first = min(begins, key=lambda item: item[0], default=None)
    if last is not None and first is not None:
        return UserError(
            f"gap: no {type_} for runs {span}",
            at=last[1].location(),
            hint=f"the table before ends with run {last[0]}, the one after begins with run {first[0]} ({first[1].location()})",
        )
    if first is not None:
        return UserError(
            f"starts late: no {type_} before run {first[0]} (runs {span})",
            at=first[1].location(),
            hint=f"other tables begin with run {runs.first}",
        )
    assert last is not None  # noqa: S101 - a span without tables lies before, behind or between those that there are
    until = "" if runs.last == OPEN else f" to {runs.last}"
    return UserError(
        f"ends early: no {type_} behind run {last[0]} (runs {span})",
        at=last[1].location(),
        hint=f"other tables go on{until}",
    )
