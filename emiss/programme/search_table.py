"""The limits of a search on the screen: a row for each excluded interval, the periods with their efficiencies, notes below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss.terminal import print_table, say

if TYPE_CHECKING:
    from emiss.physics.limits.contours import Interval
    from emiss.programme.mass_limit import SearchPoint
    from emiss.programme.result import SearchLimit


def show(limit: SearchLimit) -> None:
    """Print warnings, the table, the periods, comparisons and all notes."""
    from rich import box
    from rich.table import Table

    for text in limit.warnings:
        say(f"WARNING: {text}", "yellow")
    kind = "observed" if limit.observed else "median expected"
    unit = limit.plane().unit
    symbol = f"{limit.symbol} [{unit}]" if unit else limit.symbol
    level = 100.0 * limit.how.confidence
    say(f"{limit.search.title}: {level:g} % CL, {kind}, {limit.on_target:g} particles on target; masses in GeV")
    table = Table(box=box.SIMPLE_HEAD, padding=0)
    several = len(limit.search.cases) > 1
    heads = [*(["case"] if several else []), "mass", "efficiency", f"excluded {symbol}", "expected 68 %"]
    heads.append(f"events at {limit.how.reference:g}")
    heads += ["best at", "best/limit"] if (closed := _closed(limit)) else []
    for head in heads:
        table.add_column(head, justify="left" if head == "case" else "right", no_wrap=True)
    for point in limit.points:
        efficiency = f"{point.efficiency:.4g}" + (f"±{point.efficiency_error:.2g}" if point.efficiency_error else "")
        cells = [
            *([point.case] if several else []),
            f"{point.mass:g}",
            efficiency,
            _said(point.intervals),
            _band(point),
        ]
        best = [f"{point.peak.coupling:.3g}", f"{point.peak.ratio:.3g}"] if closed else []
        table.add_row(*cells, f"{point.signal:.3g}", *best)
    print_table(table)
    _periods(limit)
    for one in limit.closings:
        say(f"{one.case}: the contour closes at {one.mass:.4g} GeV")
    for found in limit.comparisons:
        if not found.ratio:
            say(f"{found.name}: no point of it at a mass with a limit")
            continue
        left = f", {found.outside} points where there is none" if found.outside else ""
        say(
            f"over {found.name}: {found.mean:.3g}, spread x {found.spread:.3g}, from {min(found.ratio):.3g} to "
            f"{max(found.ratio):.3g} at {len(found.ratio)} masses{left}"
        )
    notes = [f"efficiency: {limit.efficiency_source}", f"background: {limit.left.source}", *limit.left.notes]
    notes += [note for point in limit.points for note in point.limit.notes]
    methods = ", ".join(dict.fromkeys(point.limit.method for point in limit.points))
    notes.append(f"CLs, {methods}; couplings from {limit.how.low:g} to {limit.how.high:g} are looked at")
    for note in dict.fromkeys(notes):
        say(note, "dim")


def _closed(limit: SearchLimit) -> bool:
    """Return whether some limit has two ends, or there is none: then it matters where the most events are."""
    return any(not one.open_high and not one.open_low for point in limit.points for one in point.intervals) or any(
        not point.intervals for point in limit.points
    )


def _said(found: tuple[Interval, ...]) -> str:
    return ", ".join(map(_interval, found)) or "no limit"


def _interval(one: Interval) -> str:
    if one.open_low and one.open_high:
        return "all"
    if one.open_high:
        return f"above {one.low:.3g}"
    return f"below {one.high:.3g}" if one.open_low else f"{one.low:.3g} to {one.high:.3g}"


def _band(point: SearchPoint) -> str:
    """Return between which ends 68 % of the limits are expected, of the branch that is not open."""
    strong, weak = point.expected[1], point.expected[3]
    if not strong or not weak:
        return "none to some" if strong else "-"
    name = "low" if not strong[0].open_low else "high"
    return f"{getattr(strong[0], name):.3g} to {getattr(weak[0], name):.3g}"


def _periods(limit: SearchLimit) -> None:
    """Say of each period its exposure, background, what was seen, and its efficiency."""
    for number, period in enumerate(limit.periods):
        expected = period.on_target * period.background
        said = [f"{period.on_target:.4g} on target ({period.source})", f"set-up {period.setting.setup}"]
        said.append(f"background {expected:.3g} +- {expected * period.background_error:.2g}")
        said.append("a projection" if period.observed is None else f"{period.observed} observed")
        values = [point.efficiencies[number][0] for point in limit.points]
        low, high = min(values), max(values)
        said.append(f"efficiency {low:.4g}" + (f" to {high:.4g}" if high > low else ""))
        say(f"period {period.name}: " + ", ".join(said))
