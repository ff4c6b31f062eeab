"""Templates of pulses as the conditions have them: for each channel the pulse over its height, in slices of heights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss.calib.table_types import KNOTS
from emiss.calib.tables import SLICE, row_of
from emiss.configs.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from emiss.calib.conditions import RunConditions
    from emiss.calib.tables import Table
    from emiss.configs.arrays import Floats

TYPE = "sadc.template"

FEWEST = 8
"""Points that a template has at least."""

PEAK = (0.9, 1.1)
"""Where the largest value of a template lies: it is the pulse over its height."""


@dataclass(frozen=True)
class Template:
    """The pulse of some channels, over its height.

    Attributes
    ----------
    heights : array of shape (S,)
        Of the slices, ADC, ascending; between them it is interpolated in the logarithm of the height.
    first, step : float
        Time of the first point since the start of the pulse, and between points, ns.
    values : array of shape (S, points)
    """

    heights: Floats
    first: float
    step: float
    values: Floats

    def times(self) -> Floats:
        """Return the times of the points, ns."""
        return np.asarray(self.first + self.step * np.arange(self.values.shape[1]))


def slice_names(channels: Iterable[str]) -> list[str]:
    """Return what a tag with templates of some channels has a row of at least: the first slice of each."""
    return [f"{channel}{SLICE}0" for channel in channels]


def templates(
    conditions: RunConditions, channels: Sequence[str], *, needed: bool = True
) -> tuple[list[Template], list[int]]:
    """Return the templates of some channels, each once, and which one each channel has; -1 for none, if none is `needed`.

    The slices of a channel are of one table, the last one that has any for it.

    Raises
    ------
    UserError
        If a channel has none, or rows do not make a template, at their place.
    """
    tables = [table for table in conditions.tables if table.type == TYPE]
    if needed:
        conditions.get(TYPE, slice_names(channels))
    made: list[Template] = []
    known: dict[tuple[int, str], int] = {}
    which = []
    for channel in channels:
        found = -1
        for number in range(len(tables) - 1, -1, -1):
            row = row_of(tables[number].rows, f"{channel}{SLICE}0")
            if row is None:
                continue
            key = (number, row)
            if key not in known:
                known[key] = len(made)
                made.append(_template(tables[number], row.partition(SLICE)[0]))
            found = known[key]
            break
        which.append(found)
    return made, which


def _template(table: Table, name: str) -> Template:
    """Return the template of the rows of a name."""
    rows: list[str] = []
    while (row := f"{name}{SLICE}{len(rows)}") in table.rows:
        rows.append(row)
    at = {column: number for number, column in enumerate(table.columns)}
    points = [at[f"v{k}"] for k in range(KNOTS) if f"v{k}" in at]
    if len(points) < FEWEST or f"v{len(points) - 1}" not in at:
        raise UserError(f"a template has the columns v0, v1, ..., {FEWEST} of them at least", at=table.location())
    if not rows:
        raise UserError(
            f"a template is given for each slice of heights: '{name}{SLICE}0', not '{name}'", at=table.location(name)
        )
    values = np.array([table.rows[row] for row in rows])
    heights, first, step = (values[:, at[column]] for column in ("height", "first", "step"))
    for number, row in enumerate(rows):
        place = table.location(row)
        if number and not heights[number] > heights[number - 1]:
            raise UserError("the heights of the slices of a channel increase", at=place)
        if first[number] != first[0] or step[number] != step[0]:
            raise UserError("the slices of a channel have the same times", at=place)
        largest = float(values[number, points].max())
        if not PEAK[0] <= largest <= PEAK[1]:
            raise UserError(
                f"a template is the pulse over its height: its largest value is {largest:.3g}, not 1", at=place
            )
    return Template(heights, float(first[0]), float(step[0]), values[:, points])
