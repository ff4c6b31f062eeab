"""The page of `emiss monitor`: its files, and the one question that it asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emiss.browser.application import Page
from emiss.monitor.told import cutflow, numbers, state, worst

if TYPE_CHECKING:
    from emiss.monitor.watch import Shown, Watch

LINES = 100
"""Alarms and notes that are shown."""

TRENDS = ("spill.events", "spill.rate", "ledger.bad_or_hurt", "spill.saturated")
OF_CHANNELS = ("occupancy", "usual", "pedestal", "noise", "height", "gain", "pull")
OF_PLANES = ("hits", "usual")


def page_of(watch: Watch) -> Page:
    """Return the page of a monitor."""
    return Page([("emiss.browser", "page"), ("emiss.monitor", "front")], {"news": lambda asked: news(watch, asked)})


def news(watch: Watch, asked: Any) -> dict[str, Any]:
    """Return what is to be shown; where the page has it already, what is going on alone."""
    known = asked.get("serial") if isinstance(asked, dict) else None
    with watch.lock:
        short = {"serial": watch.serial, "state": state(watch), "ended": watch.ended}
        if known == watch.serial:
            return short
        totals = watch.totals
        last = watch.shown[-1] if watch.shown else None
        return short | {
            "path": str(watch.following.path),
            "rules": watch.rules.name,
            "reference": _reference(watch),
            "files": [
                {"path": str(file.path), "size": file.size, "waiting": file.waiting} for file in watch.following.files
            ],
            "totals": {name: value for name, value in totals.to_json().items() if name != "ledger"},
            "ledger": totals.ledger.to_json(),
            "cutflow": cutflow(watch),
            "hidden": watch.measuring.hidden,
            "spills": [_trend(shown) for shown in watch.shown],
            "alarms": [alarm.to_json() for alarm in list(watch.alarms)[-LINES:]],
            "notes": [note.to_json() for note in list(watch.notes)[-LINES:]],
            "channels": None if last is None else _arrays(last, "channel", watch.measuring.channels, OF_CHANNELS),
            "planes": None if last is None else _arrays(last, "plane", watch.measuring.planes, OF_PLANES),
        }


def _trend(shown: Shown) -> dict[str, Any]:
    made: dict[str, Any] = {name: shown.value(name) for name in TRENDS}
    for name in ("pedestal", "gain"):
        made[f"worst.{name}"] = worst(shown, name)
    return made | {
        "run": shown.run,
        "spill": shown.spill,
        "time": shown.time,
        "late": bool(shown.value("spill.late")),
        "alarms": [alarm.name for alarm in shown.alarms],
    }


def _arrays(shown: Shown, group: str, names: tuple[str, ...], wanted: tuple[str, ...]) -> dict[str, Any]:
    return {"names": list(names), **{name: numbers(shown.values(f"{group}.{name}")) for name in wanted}}


def _reference(watch: Watch) -> str:
    if watch.earlier is not None:
        return f"{watch.earlier.source} ({watch.earlier.spills} spills)"
    count = watch.reference.spills
    return f"the first {count} spills of the run; pedestals: the conditions" if count else "none yet"
