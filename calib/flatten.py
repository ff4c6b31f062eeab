"""Tables written anew without overrides or layers: for each range of runs in which nothing changes, what holds in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss.calib.lookup import holding, spans
from emiss.calib.run_ranges import RunRange
from emiss.calib.table_types import ERROR, error_of, table_type
from emiss.calib.tables import ANY
from emiss.configs.units import PURE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from emiss.calib.conditions import Conditions
    from emiss.calib.tables import Table

Rows = dict[str, dict[str, float]]
"""Values by channel and column."""


def flattened(conditions: Conditions) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of a file for each type of a tag; together they hold what the tag holds, value by value."""
    for type_ in dict.fromkeys(table.type for table in conditions.tables):
        own = [table for table in conditions.tables if table.type == type_]
        yield f"{type_}.txt", "\n".join(_blocks(type_, own))


def _blocks(type_: str, tables: Sequence[Table]) -> Iterator[str]:
    """Yield the blocks of a type: one for each set of columns, of runs in which the same rows hold."""
    runs = [one for table in tables for one in table.runs]
    found: dict[tuple[object, ...], tuple[tuple[str, ...], Rows, bool, list[RunRange]]] = {}
    for span in spans(tables, RunRange(min(one.first for one in runs), max(one.last for one in runs))):
        valid = _rows(holding(tables, span.first))
        for columns, rows in _by_columns(valid):
            over = ANY in valid and ANY not in rows  # a row for all channels would clash with those of other columns
            key = (columns, over, tuple((name, tuple(row.values())) for name, row in sorted(rows.items())))
            ranges = found.setdefault(key, (columns, rows, over, []))[3]
            if ranges and ranges[-1].last + 1 == span.first:
                ranges[-1] = RunRange(ranges[-1].first, span.last)
            else:
                ranges.append(span)
    for columns, rows, over, ranges in found.values():
        yield _text(type_, columns, rows, ranges, override=over)


def _rows(valid: Sequence[Table]) -> Rows:
    """Return what holds: later tables replace earlier ones, a row ``*`` of a later one those that were there."""
    rows: Rows = {}
    for table in valid:
        default = table.rows.get(ANY)
        if default is not None:
            for row in rows.values():
                _put(row, table.columns, default)
        for name, values in table.rows.items():
            _put(rows.setdefault(name, dict(rows.get(ANY, {}))), table.columns, values)
    return rows


def _put(row: dict[str, float], columns: Iterable[str], values: Iterable[float]) -> None:
    new = dict(zip(columns, values, strict=True))
    for name in new:  # an error is that of its own value
        if not name.endswith(ERROR) and error_of(name) not in new:
            row.pop(error_of(name), None)
    row |= new


def _by_columns(rows: Rows) -> Iterator[tuple[tuple[str, ...], Rows]]:
    made: dict[tuple[str, ...], Rows] = {}
    for name, row in rows.items():
        ordered = dict(sorted(row.items()))
        made.setdefault(tuple(ordered), {})[name] = ordered
    yield from made.items()


def _text(type_: str, columns: Sequence[str], rows: Rows, ranges: Sequence[RunRange], *, override: bool) -> str:
    kind = table_type(type_)
    dimensions = {} if kind is None else kind.columns
    units = [
        "-" if dimensions[name.removesuffix(ERROR)] == PURE else str(dimensions[name.removesuffix(ERROR)])
        for name in columns
    ]
    width = max(map(len, rows))
    lines = [
        f"type = {type_}",
        f"runs = {', '.join(map(str, ranges))}",
        f"columns = {', '.join(['channel', *columns])}",
        f"units = {', '.join(['-', *units])}",
        "source = converted",
        *(["override = yes"] if override else []),
        "",
        *(f"{name:<{width}}  {'  '.join(f'{value!r:>22}' for value in row.values())}" for name, row in rows.items()),
    ]
    return "\n".join(lines) + "\n"
