"""What the monitor tells, as plain data and as lines of text: spills, the state of the whole, the cutflow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from emiss.monitor.watch import Alarm, Note, Shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.monitor.watch import Event, Watch
    from emiss.selection.counting.counts import Rows

WORST = ("pedestal", "gain", "pull")
"""Quantities of channels of which the one that is furthest off is told."""

MANY = 1000
"""Events from which on the cutflow of a blinded sample is told in shares, which then do not give their number."""

HEAD = f"{'time':8}  {'run/spill':>12} {'events':>8} {'usual':>6} {'lost':>6} {'satur.':>6} {'pedestal':>9} {'gain':>6}"


def as_json(event: Event) -> dict[str, Any]:
    """Return an event as one object of ``--json``."""
    return spill_of(event) if isinstance(event, Shown) else event.to_json()


def spill_of(shown: Shown) -> dict[str, Any]:
    """Return a spill as plain data."""
    columns = shown.table.metadata.columns
    return {
        "kind": "spill",
        "time": shown.time,
        "run": shown.run,
        "spill": shown.spill,
        **{name: shown.value(name) for name, column in columns.items() if column.shape == "flat"},
        "worst": {name: worst(shown, name) for name in WORST},
        "ledger": shown.ledger.to_json(),
        "cutflow": [{"cut": row.name, "n": row.sequential.n} for row in shown.rows],
        "alarms": [alarm.said for alarm in shown.alarms],
    }


def worst(shown: Shown, name: str) -> dict[str, Any] | None:
    """Return the channel in which a quantity is furthest off, and its value; None where there is none.

    Gains are compared in units of their errors: a channel with few pulses would always be the one.
    """
    column = shown.table.metadata.columns.get(f"channel.{name}")
    values = shown.values(f"channel.{name}")
    usual, errors = (1.0, shown.values("channel.gain_error")) if name == "gain" else (0.0, [1.0] * len(values))
    known = [
        (abs(x - usual) / e, i, x) for i, (x, e) in enumerate(zip(values, errors, strict=True)) if x is not None and e
    ]
    if column is None or not known:
        return None
    _, place, value = max(known)
    return {"channel": column.elements[place], "value": value}


def line(event: Event) -> tuple[str, str]:
    """Return an event as a line of text, and its style."""
    if isinstance(event, Note):
        return f"{_clock(event.time)}  {event.said}", "dim"
    if isinstance(event, Alarm):
        where = "" if event.run < 0 else f"{event.run}/{event.spill} "
        return f"{_clock(event.time)}  ALARM {where}{event.said}", "bold red"
    usual, events = event.value("usual.events"), event.value("spill.events")
    pedestal, gain = worst(event, "pedestal"), worst(event, "gain")
    cells = (
        f"{event.run}/{event.spill}{'+' if event.value('spill.late') else ''}".rjust(12),
        f"{events:.0f}".rjust(8),
        ("-" if not usual else f"{(events or 0) / usual:.2f}").rjust(6),
        _share(event.value("ledger.bad_or_hurt")).rjust(6),
        _share(event.value("spill.saturated")).rjust(6),
        ("-" if pedestal is None else f"{pedestal['value']:+.1f} ADC").rjust(9),
        ("-" if gain is None else f"{gain['value']:.2f}").rjust(6),
    )
    return f"{_clock(event.time)}  {' '.join(cells)}", "yellow" if event.alarms else ""


def summary(watch: Watch) -> list[str]:
    """Return what is to be said at the end."""
    totals = watch.totals
    lost = sum(totals.ledger.lost.values()) + sum(totals.ledger.missing.values())
    lines = [f"{totals.looked_at} spills with {totals.events} events looked at, {lost} events lost or missing"]
    if totals.skipped:
        lines.append(f"{totals.skipped} spills were not looked at, to keep up")
    if totals.failed:
        lines.append(f"{totals.failed} spills could not be looked at")
    if watch.following.waiting:
        lines.append(f"{watch.following.waiting} bytes at the end are not whole events (yet)")
    lines.append(f"{totals.alarms} alarms")
    return lines


def state(watch: Watch) -> str:
    """Return what is going on."""
    if watch.ended:
        return "all that is there has been looked at"
    begun = watch.following.begun
    wait = f", {len(watch.waiting)} more wait" if watch.waiting else ""
    if begun is not None:
        return f"run {begun[0].run} spill {begun[0].spill}: {begun[1]} events so far{wait}"
    if not watch.following.files:
        return f"waiting for {watch.following.path}"
    return f"waiting for the next spill{wait}"


def cutflow(watch: Watch) -> list[dict[str, Any]]:
    """Return the cutflow of all spills; of a blinded sample shares of many events alone, and no number."""
    rows: Rows = watch.totals.rows
    if not rows:
        return []
    whole, hidden = rows[0].sequential.sum_w, watch.measuring.hidden
    if hidden and whole < MANY:
        return []
    return [
        {
            "cut": row.name,
            "n": None if hidden else row.sequential.n,
            "share": round(row.sequential.sum_w / whole, 3) if whole else None,
        }
        for row in rows
    ]


def numbers(values: Sequence[float | None]) -> list[float | None]:
    """Return numbers with as many digits as are looked at."""
    return [None if x is None else float(f"{x:.5g}") for x in values]


def _share(value: float | None) -> str:
    return "-" if value is None or not math.isfinite(value) else f"{value:.1%}"


def _clock(time: str) -> str:
    return time[11:19]
