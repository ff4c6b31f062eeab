"""What moved between two tags, as lines, as CSV and as a plot."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.configs.errors import Location, UserError
from emiss.drawing import COLOURS, figure, save, styled
from emiss.events.files.atomic import write_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

    from emiss.calib.moved import Moved

FEW = 40
"""Values that a plot names."""


WIDE = 100.0
"""Sizes that differ by more are drawn on a logarithmic axis, which is linear below 1."""


class Row(NamedTuple):
    """A value that moved, as it is shown."""

    type: str
    channel: str
    column: str
    runs: str
    before: str
    after: str
    sigma: str
    change: str
    where: str


def rows(found: Sequence[Moved]) -> Iterator[Row]:
    """Yield the lines of values that moved."""
    for one in found:
        known = one.after or one.before
        sigma, change = one.sigma, one.relative
        yield Row(
            one.type,
            one.channel,
            one.column,
            "" if one.runs is None else str(one.runs),
            "-" if one.before is None else f"{one.before.value:.6g}",
            "-" if one.after is None else f"{one.after.value:.6g}",
            "" if sigma is None else f"{sigma:+.1f}",
            "" if change is None else f"{change:+.2%}",
            str(known.at) if known else "",
        )


def write(found: Sequence[Moved], path: Path) -> list[Path]:
    """Write all of them as CSV, and a plot beside.

    Raises
    ------
    UserError
        If the file is no ``.csv``.
    """
    if path.suffix != ".csv":
        raise UserError("what moved is written as '.csv'", at=Location(str(path)))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*Row._fields, "swapped_with"])
    for one, row in zip(found, rows(found), strict=True):
        writer.writerow([*row, one.swapped])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, out.getvalue())
    plot = path.with_suffix(".svg")
    save(draw(found), plot)
    return [path, plot]


def draw(found: Sequence[Moved]) -> Figure:
    """Draw the values that moved most: in sigma, or relative where no error is known."""
    chosen = [one for one in found if one.before is not None and one.after is not None][:FEW]
    in_sigma = any(one.sigma is not None for one in chosen)
    sizes = [(one.sigma if in_sigma else 100.0 * (one.relative or 0.0)) or 0.0 for one in chosen]
    with styled():
        made = figure(8.0, 1.2 + 0.16 * max(len(chosen), 1))
        place = made.subplots()
        y = np.arange(len(chosen))
        place.barh(y, sizes, color=[COLOURS[5] if one.swapped else COLOURS[0] for one in chosen])
        place.set_yticks(y, [f"{one.channel} {one.type} {one.column}" for one in chosen], fontsize=6)
        place.set_ylim(len(chosen) - 0.4, -0.6)
        place.axvline(0.0, color="black", linewidth=0.6)
        largest = max(map(abs, sizes), default=0.0)
        if largest > WIDE * min((abs(size) for size in sizes if size), default=largest):
            place.set_xscale("symlog", linthresh=1.0)
        if any(one.swapped for one in chosen):
            from matplotlib.patches import Patch

            place.legend(handles=[Patch(color=COLOURS[5], label="look swapped")], frameon=False, fontsize=8)
        few = "" if len(chosen) == len(found) else f" ({len(chosen)} of {len(found)} values)"
        place.set_xlabel(f"moved by {'[sigma]' if in_sigma else '[%]'}{few}")
    return made
