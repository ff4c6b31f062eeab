"""The monitor itself: looks, measures one spill after the other, raises alarms, and remembers what is to be shown."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from emiss.events.ledger import Ledger
from emiss.monitor.measured import NotMeasuredError
from emiss.monitor.quantities import Quantities
from emiss.monitor.reference import FIRST, Reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from emiss.events.table import EventTable
    from emiss.monitor.following import Following, Spill
    from emiss.monitor.measured import Measuring
    from emiss.monitor.rules import Rules
    from emiss.selection.counting.counts import Rows

KEPT = 500
"""Spills, alarms and notes that are remembered."""

PAUSE = 0.25
"""Seconds between two looks."""


@dataclass(frozen=True)
class Alarm:
    """An alarm; `run` and `spill` are -1 for one of no spill, `of` names the channel where it is about one."""

    time: str
    run: int
    spill: int
    name: str
    said: str
    value: float
    limit: str
    unit: str = "1"
    of: str = ""
    title: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        value = self.value if math.isfinite(self.value) else None
        return {"kind": "alarm", **vars(self), "value": value}


@dataclass(frozen=True)
class Shown:
    """A spill that was looked at: its quantities, and its alarms."""

    time: str
    run: int
    spill: int
    table: EventTable
    ledger: Ledger
    rows: Rows
    alarms: tuple[Alarm, ...]

    def value(self, name: str) -> float | None:
        """Return a quantity in its unit; None where it is undefined."""
        found = float(self.table.flat[name].reshape(-1)[0])
        return found if math.isfinite(found) else None

    def values(self, name: str) -> list[float | None]:
        """Return the values of a quantity of channels, planes or cuts."""
        if name not in self.table.flat:
            return []
        return [float(x) if math.isfinite(x) else None for x in self.table.flat[name].reshape(-1)]


@dataclass(frozen=True)
class Note:
    """Something that is to be said and is no alarm."""

    time: str
    said: str

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"kind": "note", **vars(self)}


Event = Shown | Alarm | Note


@dataclass
class Totals:
    """Sums over all spills."""

    looked_at: int = 0
    events: int = 0
    skipped: int = 0
    skipped_events: int = 0
    failed: int = 0
    alarms: int = 0
    ledger: Ledger = field(default_factory=Ledger)
    rows: Rows = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Return them as plain data, without the cutflow."""
        numbers = {name: getattr(self, name) for name in ("looked_at", "events", "skipped", "skipped_events", "failed")}
        return {"kind": "end", **numbers, "alarms": self.alarms, "ledger": self.ledger.to_json()}


class Watch:
    """Monitors a path.

    Parameters
    ----------
    following : Following
    measuring : Measuring
    rules : Rules
    behind : int
        Spills that may wait; of more the oldest are not looked at. 0: all are.
    reference : Reference, optional
        Of an earlier run; without it each run is compared with its own first spills.

    Attributes
    ----------
    lock : threading.Lock
        Held while what is shown changes.
    serial : int
        Counts the changes.
    """

    def __init__(
        self,
        following: Following,
        measuring: Measuring,
        rules: Rules,
        behind: int = 0,
        reference: Reference | None = None,
    ) -> None:
        self.following, self.measuring, self.rules, self.behind = following, measuring, rules, behind
        channels, planes = len(measuring.channels), len(measuring.planes)
        self.quantities = Quantities(measuring.channels, measuring.planes, measuring.cuts, hidden=measuring.hidden)
        self.earlier = reference
        self.reference = reference or Reference.empty("", channels, planes)
        self.whole = Reference.empty("", channels, planes)
        self.totals = Totals()
        self.shown: deque[Shown] = deque(maxlen=KEPT)
        self.alarms: deque[Alarm] = deque(maxlen=KEPT)
        self.notes: deque[Note] = deque(maxlen=KEPT)
        self.lock = threading.Lock()
        self.serial = 0
        self.waiting: deque[Spill] = deque()
        self.ended = False
        self._silent = False
        for name in rules.left_out:
            self._note(f"alarm '{name}' does not apply: this set-up, or this call, has nothing that it is about")

    def run(
        self, stop: threading.Event, *, once: bool = False, until: Callable[[], bool] = lambda: False
    ) -> Iterator[Event]:
        """Yield what happens, until `stop` is set; `once`: until all that is there has been looked at.

        `until` says when nothing more comes, so that what is there is the end of it.

        Raises
        ------
        UserError
            If the path can never be followed.
        """
        yield from list(self.notes)
        begun, looked = time.monotonic(), False
        while not stop.is_set():
            now = time.monotonic()
            final = once or until()
            if not (once and looked):  # what comes while the rest is looked at is of another time
                looked = True
                found = self.following.look(now, final=final)
                for said in found.notes:
                    yield self._note(said)
                self.waiting.extend(found.spills)
            if not once:
                yield from self._skip()
                if not self.waiting:
                    yield from self._silence(now - max(self.following.grown, begun))
            if self.waiting:
                yield from self._look_at(self.waiting.popleft(), stop)
            elif final:
                break
            else:
                stop.wait(PAUSE)
        with self.lock:
            self.ended = True
            self.serial += 1

    def _skip(self) -> Iterator[Note]:
        """Let the oldest spills go where too many wait, and say how many."""
        many = len(self.waiting) - self.behind
        if self.behind == 0 or many <= 0:
            return
        gone = [self.waiting.popleft() for _ in range(many)]
        events = sum(spill.physics for spill in gone)
        for spill in gone:
            self._see(spill)
        self.totals.skipped += many
        self.totals.skipped_events += events
        names = [f"{spill.key.run}/{spill.key.spill}" for spill in (gone[0], gone[-1])]
        which = " to ".join(dict.fromkeys(names))
        yield self._note(f"{many} spills with {events} events were not looked at, to keep up: {which}")

    def _see(self, spill: Spill) -> int:
        """Say that a spill has come; return how many are missing before it."""
        return 0 if spill.late else self.quantities.seen(*spill.key)

    def _look_at(self, spill: Spill, stop: threading.Event) -> Iterator[Event]:
        if self.earlier is None and self.shown and self.shown[-1].run != spill.key.run:
            self.reference = Reference.empty("", *(len(x) for x in (self.measuring.channels, self.measuring.planes)))
        gap = self._see(spill)
        try:
            measured = self.measuring(spill, lambda: _unless(stop))
        except _StoppedError:
            self.waiting.appendleft(spill)
            return
        except NotMeasuredError as error:
            self.totals.failed += 1
            self.totals.skipped_events += spill.physics
            said = f"{spill.physics} events were not looked at: {error}"
            yield self._alarm(
                *spill.key, "not_looked_at", f"not_looked_at: {said}", spill.physics, "above 0", title=said
            )
            return
        ledger = measured.ledger
        if spill.late and not ledger.passed and not ledger.lost and not ledger.missing:
            self.totals.ledger += ledger  # the end of a run, say
            return
        table = self.quantities.table(measured, self.reference, gap)
        alarms = tuple(
            self._alarm(
                *spill.key, one.name, one.said, one.value, one.limit, unit=one.unit, of=one.element, title=one.title
            )
            for one in self.rules.check(table)
        )
        shown = Shown(_now(), *spill.key, table, ledger, () if self.measuring.hidden else measured.rows, alarms)
        with self.lock:
            self.shown.append(shown)
            self.totals.looked_at += not spill.late
            self.totals.events += measured.events
            self.totals.ledger += ledger
            rows = self.totals.rows
            self.totals.rows = tuple(a + b for a, b in zip(rows, measured.rows, strict=True)) if rows else measured.rows
            self.whole = self.whole.plus(measured)
            if self.earlier is None and self.reference.spills < FIRST and not alarms:
                self.reference = self.reference.plus(measured)
            self.serial += 1
        yield shown
        yield from alarms

    def _silence(self, seconds: float) -> Iterator[Alarm]:
        limit = self.rules.silence
        if limit is None or seconds < limit:
            self._silent = False
        elif not self._silent:
            self._silent = True
            said = f"silence: nothing new for {seconds:.0f} s, limit: above {limit:g} s"
            yield self._alarm(-1, -1, "silence", said, seconds, f"above {limit:g} s", unit="s")

    def _alarm(self, run: int, spill: int, name: str, said: str, value: float, limit: str, **more: str) -> Alarm:
        made = Alarm(_now(), run, spill, name, said, value, limit, **more)
        with self.lock:
            self.alarms.append(made)
            self.totals.alarms += 1
            self.serial += 1
        return made

    def _note(self, said: str) -> Note:
        made = Note(_now(), said)
        with self.lock:
            self.notes.append(made)
            self.serial += 1
        return made


class _StoppedError(Exception):
    """The end was asked for while a spill was being measured."""


def _unless(stop: threading.Event) -> None:
    if stop.is_set():
        raise _StoppedError


def _now() -> str:
    return datetime.now(UTC).astimezone().isoformat(timespec="seconds")
