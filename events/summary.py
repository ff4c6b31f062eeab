"""What a table says of itself on a screen: its sample, its ledger in a word, and its columns, as text and as HTML."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

from emiss.events.columns import split

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.arrays import Array
    from emiss.events.lists import Lists

MOST = 40
"""Columns that a text shows; a page shows all of them."""


class Table(Protocol):
    """What is asked of an `EventTable`, which shows itself through this module."""

    @property
    def names(self) -> list[str]:
        """All columns by full name."""
        ...

    @property
    def flat(self) -> Mapping[str, Array]:
        """The flat and fixed columns."""
        ...

    @property
    def lists(self) -> Mapping[str, Lists]:
        """The collections."""
        ...

    @property
    def metadata(self) -> Any:
        """What the table says of itself."""
        ...

    def __len__(self) -> int: ...


@dataclass(frozen=True)
class _Row:
    name: str
    kind: str
    unit: str
    meaning: str


def head(table: Table) -> str:
    """Return the first line: how many events of which sample, and what they stand for."""
    data = table.metadata
    said = f"{len(table)} events of sample '{data.sample}' ({data.role}), {len(table.names)} columns"
    if data.on_target is not None:
        said += f"; stands for {data.on_target:.5g} particles on target" + (", in part" if data.partial else "")
    return said


def text(table: Table) -> str:
    """Return a table in words: the first line, and one line per column."""
    rows = _rows(table)
    widths = [max((len(getattr(row, key)) for row in rows), default=0) for key in ("name", "kind", "unit")]
    lines = [
        f"  {row.name:<{widths[0]}}  {row.kind:<{widths[1]}}  {row.unit:<{widths[2]}}  {row.meaning}".rstrip()
        for row in rows[:MOST]
    ]
    if len(rows) > MOST:
        lines.append(f"  ... and {len(rows) - MOST} more")
    return "\n".join([f"EventTable: {head(table)}", *lines])


def html(table: Table) -> str:
    """Return a table as a piece of HTML, as notebooks show it."""
    rows = "".join(
        f"<tr><th scope='row' style='text-align:left'>{escape(row.name)}</th>"
        + "".join(f"<td style='text-align:left'>{escape(cell)}</td>" for cell in (row.kind, row.unit, row.meaning))
        + "</tr>"
        for row in _rows(table)
    )
    cells = "".join(
        f"<th scope='col' style='text-align:left'>{word}</th>" for word in ("column", "type", "unit", "meaning")
    )
    ledger = table.metadata.ledger
    account = f"read {ledger.read}, passed {ledger.passed}, lost {sum(ledger.lost.values())}"
    return (
        f"<div class='emiss-table'><p><strong>EventTable</strong>: {escape(head(table))}<br><small>{account}</small></p>"
        f"<details><summary>columns</summary><table><thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table></details></div>"
    )


def _rows(table: Table) -> list[_Row]:
    rows = []
    for name in table.names:
        declared = table.metadata.columns.get(name)
        if name in table.flat:
            values = table.flat[name]
            kind = f"{values.dtype.str[1:]}" + (f"[{values.shape[1]}]" if values.ndim > 1 else "")
        else:
            collection, inner = _place(table, name)
            kind = f"list of {table.lists[collection][inner].dtype.str[1:]}"
        unit = "" if declared is None or declared.unit == "1" else declared.unit
        rows.append(_Row(name, kind, unit, "" if declared is None else declared.meaning))
    return rows


def _place(table: Table, name: str) -> tuple[str, str]:
    collection, inner = split(name)
    return (collection, inner) if collection in table.lists else (name, "")
