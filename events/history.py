"""What was cut before files were written: the rows of an earlier cutflow, as a map or the files themselves say it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from emiss.configs.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from emiss.events.table import Metadata

KEY = "history"
"""Where the provenance of a table has the history of its whole sample."""


@dataclass(frozen=True)
class Before:
    """One row: a cut with the events that were left after it.

    Attributes
    ----------
    cut : str
    events : int
    sum_w : float or None
        Sum of their weights, where that is known.
    require : str
        The condition, as it is told.
    """

    cut: str
    events: int
    sum_w: float | None = None
    require: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the row as plain data."""
        return {"cut": self.cut, "events": self.events, "sum_w": self.sum_w, "require": self.require}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Before:
        """Return the row that `to_json` gave."""
        sum_w = data.get("sum_w")
        return cls(
            str(data["cut"]),
            int(data["events"]),
            None if sum_w is None else float(sum_w),
            str(data.get("require", "")),
        )


History = tuple[Before, ...]
"""In the order of the cuts; empty where nothing is known."""


def read(data: Iterable[Mapping[str, Any]]) -> History:
    """Return rows from plain data."""
    return tuple(map(Before.from_json, data))


def problem(history: Sequence[Before]) -> str | None:
    """Return what is wrong with rows by themselves; None if nothing is."""
    twice = [name for name, count in Counter(row.cut for row in history).items() if count > 1]
    if twice:
        return f"two rows are called '{twice[0]}'"
    for above, below in pairwise(history):
        if below.events > above.events:
            return f"'{below.cut}' leaves {below.events} events, and '{above.cut}' before it only {above.events}"
    if len({row.sum_w is None for row in history}) > 1:
        return "some rows have a sum of weights, others have none"
    return None


def add(a: History, b: History) -> History:
    """Return the history of two parts together.

    Raises
    ------
    UserError
        If their cuts are not the same.
    """
    if [(row.cut, row.require) for row in a] != [(row.cut, row.require) for row in b]:
        raise UserError(
            f"cannot add: before the files were written, the cuts were {_said(a)} and {_said(b)}",
            hint="make them two samples",
        )
    return tuple(
        Before(
            x.cut,
            x.events + y.events,
            None if x.sum_w is None or y.sum_w is None else x.sum_w + y.sum_w,
            x.require,
        )
        for x, y in zip(a, b, strict=True)
    )


def of_tables(tables: Sequence[Metadata]) -> History | None:
    """Return the history of some tables of a sample; None where it is known of more than these tables only.

    Raises
    ------
    UserError
        If tables of several origins were cut in different ways before.
    """
    known = [read(table.provenance.get(KEY, ())) for table in tables]
    if not any(known):
        return ()
    parts = [table.provenance.get("part") for table in tables]
    if all(part is None for part in parts):
        whole = known[0]
        for other in known[1:]:
            whole = add(whole, other)
        return whole
    numbers = sorted(tuple(part or ()) for part in parts)
    return known[0] if numbers == [(i, len(tables)) for i in range(len(tables))] else None


def _said(history: History) -> str:
    return ", ".join(row.cut + (f" ({row.require})" if row.require else "") for row in history) or "none"
