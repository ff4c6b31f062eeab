"""What is suspicious in a tag of constants, though nothing forbids it: channels that look swapped, or lack a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss.calib.lookup import holding
from emiss.calib.moved import swapped
from emiss.calib.register import too_early
from emiss.calib.run_ranges import overlap
from emiss.calib.table_types import ERROR, error_of
from emiss.calib.tables import ANY
from emiss.configs.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from emiss.calib.conditions import Conditions
    from emiss.calib.tables import Table

SHOWN = 4
"""So many channels are named."""


def suspicious(conditions: Conditions) -> Iterator[UserError]:
    """Yield what somebody should look at, with its place.

    Tables are compared with what holds without them: below a block that overrides, in the run before for others. Channels whose
    values are each other's look swapped; those that only the other has keep an old value, as dead cells do which a derivation
    found nothing for; and constants may hold for runs before those they are from.
    """
    for table in conditions.tables:
        before = _before(conditions.tables, table)
        if before:
            yield from _swapped(table, before)
        if (before and table.override and table.origin is not None) or table.without:
            yield from _kept(table, before, _beside(conditions.tables, table))
    yield from too_early(conditions.tables)


def _before(tables: Sequence[Table], table: Table) -> list[Table]:
    """Return the tables of the same type that a table replaces or follows, in their order."""
    if table.layer is not None:
        return []
    first = min(one.first for one in table.runs)
    own = [one for one in tables if one.type == table.type and one is not table and one.layer is None]
    if table.override:
        return holding((one for one in own if not one.override), first)
    return holding(own, first - 1)


def _swapped(table: Table, before: Sequence[Table]) -> Iterator[UserError]:
    names = [name for name in table.rows if name != ANY and any(name in one.rows for one in before)]
    old = {name: _values(before, name) for name in names}
    new = {name: _values([table], name) for name in names}
    for name, other in list(swapped(old, new).items())[: 2 * SHOWN]:
        if name < other:
            yield UserError(
                f"{table.type}: {name} and {other} look swapped: each has what the other had before",
                at=table.location(name),
                hint=f"before: {_place(before, name)} and {_place(before, other)}",
            )


def _values(tables: Sequence[Table], channel: str) -> list[tuple[float, float]]:
    """Return the values of a channel with their errors, of the columns that tell channels from each other."""
    found: dict[str, float] = {}
    for table in tables:
        row = table.rows.get(channel)
        if row is not None:
            found |= dict(zip(table.columns, row, strict=True))
    return [
        (value, found.get(error_of(name), 0.0))
        for name, value in sorted(found.items())
        if name != "sigma" and not name.endswith(ERROR)
    ]


def _beside(tables: Sequence[Table], table: Table) -> set[str]:
    """Return the channels that other tables which override give in runs of a table."""
    others = [one for one in tables if one.type == table.type and one.override and one is not table]
    return {name for one in others if overlap(one.runs, table.runs) is not None for name in one.rows}


def _kept(table: Table, before: Sequence[Table], beside: Collection[str]) -> Iterator[UserError]:
    """Yield the channels of a derived table's parts that it has no value for."""
    if ANY in table.rows or ANY in beside:
        return
    parts = {name.partition(".")[0] for name in table.rows}
    names = dict.fromkeys(name for one in before for name in one.rows if name != ANY)
    left = [
        name
        for name in dict.fromkeys([*table.without, *names])
        if name not in table.rows and name not in beside and (name in table.without or name.partition(".")[0] in parts)
    ]
    if left:
        held = "the value before holds" if before else "nothing holds"
        more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
        yield UserError(
            f"{table.type}: nothing was derived for {', '.join(left[:SHOWN])}{more}, dead or not hit: {held}",
            at=table.location(),
            hint=f"it is at {_place(before, left[0])}" if before else None,
        )


def _place(tables: Sequence[Table], channel: str) -> str:
    known = [table for table in tables if channel in table.rows]
    return str(known[-1].location(channel)) if known else "nowhere"
