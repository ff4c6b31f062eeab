"""What is monitored: the quantities of a spill as the columns of a table with one row, which alarms are expressions of."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from emiss.events.columns import Column
from emiss.events.table import EventTable, Metadata
from emiss.monitor.reference import mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.configs.arrays import Array
    from emiss.monitor.measured import Measured
    from emiss.monitor.reference import Reference

FLAT = """
spill.run         | 1   | number of the run
spill.number      | 1   | number of the spill in the run
spill.events      | 1   | physics events that can be used
spill.rate        | 1/s | events over the time from the first to the last one; undefined below two seconds
spill.seconds     | s   | from the first to the last event
spill.bytes       | 1   | size
spill.gap         | 1   | spills of the run missing before this one, by their numbers
spill.period      | s   | since the first event of the spill before
spill.saturated   | 1   | share of events with a saturated waveform
spill.late        | 1   | 1 for what came after the spill had been looked at, else 0
ledger.lost       | 1   | events that were lost
ledger.missing    | 1   | events that are missing by the numbers of the others (an estimate)
ledger.unusable   | 1   | events in which a part is missing or not whole
ledger.hurt       | 1   | events that are damaged, lack a source, or come after a lost block
ledger.bad        | 1   | share of events lost, missing or unusable
ledger.bad_or_hurt| 1   | share of events lost, missing or hurt: what 'emiss quality' calls lost
usual.events      | 1   | median of spill.events over the last spills of the run; undefined below three
usual.rate        | 1/s | the same of spill.rate
usual.saturated   | 1   | the same of spill.saturated
reference.spills  | 1   | spills that the reference is made of
"""

CHANNEL = """
pedestal   | ADC | shift of the pedestal from the reference: an earlier run, or the conditions
noise      | ADC | rms of the pedestals from waveform to waveform
occupancy  | 1   | share of events with a pulse in the channel
usual      | 1   | occupancy of the reference
pull       | 1   | (occupancy - usual) over its statistical error
height     | ADC | mean height of the pulses
gain       | 1   | height over that of the reference
gain_error | 1   | statistical error of gain
"""

PLANE = """
hits  | 1 | hits per event
usual | 1 | hits per event of the reference
"""

LAST = 20
"""Spills that medians are made of, at most."""
SOME = 3
"""Spills below which there is no median."""
LONG = 2.0
"""Seconds from which on a spill has a rate: times of events are whole seconds."""


def _rows(text: str) -> list[list[str]]:
    return [[part.strip() for part in line.split("|")] for line in text.strip().splitlines()]


def columns(channels: Sequence[str], planes: Sequence[str], cuts: Sequence[str]) -> dict[str, Column]:
    """Return what is monitored in a set-up, with an analysis."""
    found = [Column(name, "f8", unit, meaning) for name, unit, meaning in _rows(FLAT)]
    for group, names, text in (("channel", channels, CHANNEL), ("plane", planes, PLANE)):
        for inner, unit, meaning in _rows(text) if names else ():
            found.append(Column(f"{group}.{inner}", "f8", unit, meaning, "fixed", len(names), elements=tuple(names)))
    if cuts:
        more = (("passed", "events that pass this cut and all before it"), ("share", "the same, over all events"))
        found += [
            Column(f"cut.{name}", "f8", "1", meaning, "fixed", len(cuts), elements=tuple(cuts))
            for name, meaning in more
        ]
    return {column.name: column for column in found}


class Quantities:
    """Makes the quantities of one spill after the other; holds what is usual.

    Parameters
    ----------
    channels, planes, cuts : sequence of str
    hidden : bool
        The analysis hides events: what passes the cuts is no quantity.
    """

    def __init__(self, channels: Sequence[str], planes: Sequence[str], cuts: Sequence[str], *, hidden: bool) -> None:
        self.columns = columns(channels, planes, () if hidden else cuts)
        self._sizes = len(channels), len(planes)
        self._run: int | None = None
        self._first: float | None = None
        self._before: int | None = None
        self._last: dict[str, list[float]] = {}

    def seen(self, run: int, spill: int) -> int:
        """Say that a spill has come, looked at or not; return how many of the run are missing before it."""
        if run != self._run:
            self._run, self._before, self._first, self._last = run, None, None, {}
        gap = 0 if self._before is None else max(spill - self._before - 1, 0)
        self._before = spill if self._before is None else max(spill, self._before)
        return gap

    def table(self, spill: Measured, reference: Reference, gap: int) -> EventTable:
        """Return the quantities of a spill as a table with one row."""
        flat = self._flat(spill, reference, gap)
        if not spill.spill.late:
            for name in ("events", "rate", "saturated"):
                value = float(flat[f"spill.{name}"])
                if math.isfinite(value):
                    self._last[name] = [*self._last.get(name, []), value][-LAST:]
        arrays = {f"channel.{name}": values for name, values in _channel(spill, reference).items()}
        arrays |= {f"plane.{name}": values for name, values in _plane(spill, reference).items()}
        passed = np.array([row.sequential.sum_w for row in spill.rows[1:]], float)
        whole = spill.rows[0].sequential.sum_w if spill.rows else 0.0
        arrays |= {"cut.passed": passed, "cut.share": _ratio(passed, whole)}
        made = {name: np.array([flat[name]]) for name in flat}
        made |= {name: values.reshape(1, -1) for name, values in arrays.items() if name in self.columns}
        return EventTable(1, made, {}, Metadata(columns=self.columns))

    def _flat(self, spill: Measured, reference: Reference, gap: int) -> Mapping[str, float]:
        survey, ledger, events = spill.survey, spill.ledger, spill.events
        some = survey.events > 0
        first = float(survey.first[some].min()) if some.any() else math.nan
        seconds = float(survey.last[some].max()) - first if some.any() else math.nan
        period = math.nan if self._first is None else first - self._first
        if not spill.spill.late and math.isfinite(first):
            self._first = first
        hurt, lost, missing = int(survey.hurt.sum()), sum(ledger.lost.values()), sum(ledger.missing.values())
        return {
            "spill.run": spill.spill.key.run,
            "spill.number": spill.spill.key.spill,
            "spill.events": events,
            "spill.rate": events / seconds if seconds >= LONG else math.nan,
            "spill.seconds": seconds,
            "spill.bytes": spill.spill.size,
            "spill.gap": gap,
            "spill.period": period,
            "spill.saturated": int(survey.saturated_events.sum()) / events if events else math.nan,
            "spill.late": float(spill.spill.late),
            "ledger.lost": lost,
            "ledger.missing": missing,
            "ledger.unusable": ledger.unusable,
            "ledger.hurt": hurt,
            "ledger.bad": ledger.bad_fraction,
            "ledger.bad_or_hurt": (hurt + lost + missing) / max(events + lost + missing, 1),
            "usual.events": self._usual("events"),
            "usual.rate": self._usual("rate"),
            "usual.saturated": self._usual("saturated"),
            "reference.spills": reference.spills,
        }

    def _usual(self, name: str) -> float:
        known = self._last.get(name, [])
        return float(np.median(known)) if len(known) >= SOME else math.nan


def _channel(spill: Measured, reference: Reference) -> Mapping[str, Array]:
    survey, piled, other = spill.survey, spill.piled, reference.piled
    quiet, shift, square = (getattr(survey, name).sum(axis=0) for name in ("quiet", "shift", "square"))
    middle = mean(shift, quiet)
    was = reference.pedestal()
    height, before = mean(piled.height, piled.pulses), mean(other.height, other.pulses)
    share, usual = _ratio(piled.pulses, spill.events), _ratio(other.pulses, reference.events)
    known = spill.events > 0 and reference.events > 0
    spread = np.maximum(usual * (1 - usual), _over(reference.events))
    error = np.sqrt(spread * (_over(spill.events) + _over(reference.events)))
    with np.errstate(invalid="ignore", divide="ignore"):
        gain = height / before
        relative = [
            np.sqrt(np.maximum(one.square / one.pulses / middle_**2 - 1, 0) / one.pulses)
            for one, middle_ in ((piled, height), (other, before))
        ]
        return {
            "pedestal": middle - np.where(np.isfinite(was), was, 0.0) if reference.earlier else middle,
            "noise": np.sqrt(np.maximum(mean(square, quiet) - middle**2, 0)),
            "occupancy": share,
            "usual": usual,
            "pull": (share - usual) / error if known else np.full(len(share), np.nan),
            "height": height,
            "gain": gain,
            "gain_error": gain * np.hypot(*relative),
        }


def _plane(spill: Measured, reference: Reference) -> Mapping[str, Array]:
    return {"hits": _ratio(spill.piled.hits, spill.events), "usual": _ratio(reference.piled.hits, reference.events)}


def _ratio(counts: Array, total: float) -> Array:
    return counts / total if total else np.full(len(counts), np.nan)


def _over(n: int) -> float:
    return 1 / max(n, 1)
