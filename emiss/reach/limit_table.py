"""The limits of `emiss limit` as a table on the screen, with what they stand on below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss.selection.display.view import clean
from emiss.terminal import print_table, say

if TYPE_CHECKING:
    from emiss.reach.limit_curve import LimitCurve
    from emiss.reach.sensitivity import DataPeriod
    from emiss.reach.variations import Contributions


def show(curve: LimitCurve) -> None:
    """Print warnings, the table, the periods, the methods and all notes."""
    from rich import box
    from rich.table import Table

    points, periods, compared = curve.points, curve.periods, curve.compared
    for text in curve.doubts:
        say(f"WARNING: {text}", "yellow")
    total = sum(period.on_target for period in periods)
    level = 100.0 * points[0].limit.confidence
    say(f"{level:g} % CL upper limits on h, {total:g} electrons on target; masses in GeV, phi/EOT at h = 1e-4")
    table = Table(box=box.SIMPLE_HEAD, padding=0)
    heads = ["m_phi", "efficiency", "phi/EOT", *(["observed"] if points[0].observed is not None else []), "median"]
    heads += ["68 % from", "to", "g-2 3 sigma", "to", *(f"relic {line['ratio']:.2g}" for line in compared["relic"])]
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    low, high = compared["g_minus_2"]["bands"]["3"]
    for i, point in enumerate(points):
        efficiency = f"{point.efficiency:.4f}±{point.efficiency_error:.4f}"
        cells = [f"{point.m_phi:g}", efficiency, f"{point.per_electron:.3g}"]
        limits = [*([] if point.observed is None else [point.observed]), point.median, *point.expected[1:4:2]]
        numbers = [*limits, low[i], high[i], *(line["coupling"][i] for line in compared["relic"])]
        table.add_row(*cells, *(f"{number:.3g}" for number in numbers))
    print_table(table)
    if curve.contributions is not None:
        _variations(curve.contributions)
    for number, period in enumerate(periods, 1):
        say(_of_period(period, number))
    first = points[0].limit
    events = first.signal * (first.median if first.observed is None else first.observed)
    said = "median expected" if first.observed is None else "observed"
    methods = ", ".join(dict.fromkeys(point.limit.method for point in points))
    say(f"{said} limit at {points[0].m_phi:g} GeV: {events:.2f} events; CLs, {methods}")
    notes = [note for p in periods for note in (f"background: {p.background.source}", *p.background.notes)]
    notes += [note for p in points for note in p.limit.notes]
    limited = {point.m_phi for point in points}
    notes += [
        f"{one.m_phi:g} GeV: nothing left of the signal, no limit"
        for one in periods[0].efficiencies
        if one.m_phi not in limited
    ]
    strong = [p.m_phi for p in points if p.median > 1.0]
    if strong:
        notes.append(
            f"from {strong[0]:g} GeV on the limit is above h = 1, where the formulas of first order do not hold"
        )
    reached = [p.m_phi for p, edge in zip(points, high, strict=True) if p.median < edge]
    notes.append(
        "the median limit reaches the 3 sigma band of g-2 at "
        + (", ".join(f"{m:g}" for m in reached) + " GeV" if reached else "no mass")
    )
    for note in dict.fromkeys(notes):
        say(note, "dim")


def _variations(found: Contributions) -> None:
    """Print what each systematic variation contributes."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=0, title=f"variations at {found.mass:g} GeV", title_justify="left")
    for head in ("variation", "signal, %", "background, %", "limit on h, %"):
        table.add_column(head, justify="left" if head == "variation" else "right", no_wrap=True)
    for one in found.parts:
        ends = (" ".join(f"{100.0 * x:+.3g}" for x in pair) for pair in (one.signal, one.background))
        table.add_row(clean(one.name), *ends, f"{100.0 * one.limit:+.2g}")
    print_table(table)


def _of_period(period: DataPeriod, number: int) -> str:
    """Return what is expected and seen in a period, and its errors."""
    background = period.background
    expected = period.on_target * background.per_electron
    exposure = f"{period.on_target:g} EOT" + (f" +- {period.on_target_error:.2g}" if period.on_target_error else "")
    said = [exposure, f"background {expected:.3g} +- {expected * background.relative_error:.2g}"]
    said += [f"up to {period.on_target * one.upper:.2g} of {one.name} (90 %)" for one in background.unseen]
    said.append("a projection" if period.observed is None else f"{period.observed} observed")
    if period.efficiency_factor != 1.0:
        said.append(f"efficiency x {period.efficiency_factor:g}")
    if period.nucleus != "lead":
        said.append(period.nucleus)
    return f"period {period.name or number}: " + ", ".join(said)
