"""What a derivation leaves behind: the table of constants, the same with fit quality as CSV, and channels that need eyes."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import numpy as np

from emiss.calib.origins import fits, text_of
from emiss.calib.run_ranges import RunRange, overlap
from emiss.calib.table_types import CORRELATION, ERROR, correlation_of, error_of, table_type
from emiss.configs.errors import UserError

if TYPE_CHECKING:
    from emiss.calib.conditions import Conditions
    from emiss.calibrate.frame import Found, Made
    from emiss.configs.arrays import Floats

DIGITS = 7
"""Of a value."""


def table(found: Found, runs: RunRange, over: Conditions | None = None, origin: str = "any", begun: str = "") -> str:
    """Return the text of the conditions table: each value with its error.

    What has no type of tables is for the page alone. Channels without a value have no row but a comment. Blocks override those
    of the same type of the constants `over`: what held for other channels before stays. `origin` is the kind of the runs,
    `begun` names the constants that they were read with.

    Raises
    ------
    UserError
        If no channel has a value.
    """
    texts = [
        _block(found, one, runs, origin, begun, override=_below(over, one.type, runs))
        for one in (*found.made, *found.tables)
        if one.found.any() and table_type(one.type)
    ]
    if not texts:
        why = next((f": {name}: {doubt}" for one in found.made for name, doubt in one.eyes), "")
        raise UserError(f"nothing is found by {found.kind} for any channel, so no table is written{why}")
    return "\n".join(texts)


def _below(over: Conditions | None, kind: str, runs: RunRange) -> bool:
    """Return whether there is something that a block may override."""
    tables = () if over is None else over.tables
    return any(one.type == kind and not one.override and overlap(one.runs, (runs,)) for one in tables)


def _block(found: Found, made: Made, runs: RunRange, origin: str, begun: str, *, override: bool) -> str:
    of = ", ".join(map(str, found.runs))
    lost = [name for name, one in zip(made.channels, made.found, strict=True) if not one]
    columns = _columns(made)
    units = [made.units.get(column.removesuffix(ERROR), "-") for column in columns]
    lines = [
        f"type = {made.type}",
        f"runs = {runs}",
        f"columns = {', '.join(['channel', *columns])}",
        f"units = {', '.join(['-', *units])}",
        f"source = derived ({found.kind}) from run {of}, {found.used} events{begun and f', with {begun}'}",
        f"from = {text_of(origin if fits(made.type, origin) else 'any', [RunRange(run, run) for run in found.runs])}",
        *([f"without = {', '.join(lost)}"] if lost else []),
        *(["override = yes"] if override else []),
        "",
    ]
    good = made.found
    width = max(len(name) for name in made.channels)
    for number, channel in enumerate(made.channels):
        if good[number]:
            cells = [
                f"{values[number]:.{DIGITS if name in made.values or name.endswith(CORRELATION) else 3}g}"
                for name, values in columns.items()
            ]
            note = f"   # {made.doubts[number]}" if made.doubts[number] else ""
            lines.append(f"{channel:<{width}}  {'  '.join(f'{cell:>10}' for cell in cells)}{note}")
        else:
            lines.append(f"# {channel}: {made.doubts[number] or 'no value'}")
    return "\n".join(lines) + "\n"


def _columns(made: Made) -> dict[str, Floats]:
    """Return what stands in a row: values with their errors, where there are any, and correlations."""
    columns: dict[str, Floats] = {}
    for name, values in made.values.items():
        columns[name] = values
        if np.isfinite(made.errors[name][made.found]).all():
            columns[error_of(name)] = made.errors[name]
    return {**columns, **{correlation_of(*pair): values for pair, values in made.correlations.items()}}


def sheet(found: Found) -> str:
    """Return all that is known of each channel as CSV, a row for each channel and column."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["type", "channel", "column", "unit", "value", "error", "entries", "chi2_per_freedom", "doubt"])
    for made in found.made:
        for number, channel in enumerate(made.channels):
            for column, values in made.values.items():
                numbers = (values[number], made.errors[column][number])
                shown = [f"{one:.8g}" if np.isfinite(one) else "" for one in numbers]
                chi2 = f"{made.chi2[number]:.4g}" if np.isfinite(made.chi2[number]) else ""
                entries = f"{float(made.entries[number]):.8g}"
                writer.writerow(
                    [made.type, channel, column, made.units[column], *shown, entries, chi2, made.doubts[number]]
                )
            for pair, together in made.correlations.items():
                one = f"{together[number]:.8g}" if np.isfinite(together[number]) else ""
                writer.writerow([made.type, channel, correlation_of(*pair), "-", one, "", "", "", ""])
    return out.getvalue()
