"""What `emiss quality` writes: the list of bad spills for a run list, the table of all spills, the plot."""

from __future__ import annotations

import csv
import io
from itertools import groupby
from typing import TYPE_CHECKING

from emiss.configs.errors import Location, UserError
from emiss.events.files.atomic import write_text
from emiss.selection.results.files.sheet import cell

if TYPE_CHECKING:
    from pathlib import Path

    from emiss.look.spill_quality import Quality

HEAD = """\
# Bad spills, proposed by: emiss quality. Look at each before you believe it; then name this file as 'quality:' in a run list.
# Limits: rate below {rate:g} of the median, {lost:.0%} of the events lost, pedestals off by {shift:g} ADC, \
{saturated:.0%} more saturated events
"""


def bad_spills(quality: Quality) -> str:
    """Return the proposed list of bad spills as YAML; spills in a row with the same reasons share an entry."""
    lines = [HEAD.format(**vars(quality.limits)), "bad_spills:"]
    for _, group in groupby(
        enumerate(quality.bad), key=lambda item: (item[1].run, item[1].spill - item[0], item[1].reasons)
    ):
        part = [verdict for _, verdict in group]
        first, last = part[0].spill, part[-1].spill
        spills = str(first) if first == last else f"{first}-{last}"
        why = "; ".join(part[0].reasons)
        lines.append(f'  - {{run: {part[0].run}, spills: {spills}, why: "{why}"}}')
    if not quality.bad:
        lines[-1] += " []"
    return "\n".join(lines) + "\n"


def table(quality: Quality) -> str:
    """Return what was found in each spill as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = ("run", "spill", "events", "rate", "lost", "pedestal_shift", "channel", "saturated")
    writer.writerow([*names, "bad"])
    for v in quality.verdicts:
        shown = [v.run, v.spill, v.events, *(f"{x:.6g}" for x in (v.rate, v.lost, v.shift)), cell(v.channel)]
        writer.writerow([*shown, f"{v.saturated:.6g}", "; ".join(v.reasons)])
    return out.getvalue()


def prepare(out: Path) -> None:
    """Make the folder.

    Raises
    ------
    UserError
        If it cannot be made.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(error.strerror or "cannot be made", at=Location(str(out))) from None


def write(quality: Quality, out: Path) -> tuple[Path, ...]:
    """Write the list of bad spills, the table and the plot to a folder."""
    from emiss.drawing import save
    from emiss.look import spill_quality_plots

    prepare(out)
    write_text(out / "bad_spills.yaml", bad_spills(quality))
    write_text(out / "quality.csv", table(quality))
    for suffix in ("svg", "png"):
        save(spill_quality_plots.draw(quality), out / f"quality.{suffix}")
    return tuple(out / name for name in ("bad_spills.yaml", "quality.csv", "quality.svg", "quality.png"))
