"""The ledger: the account of every event that was read.

Each event read stands in exactly one bin: passed, not physics, lost or excluded; the first reason wins. What was not found
cannot be read: `missing` estimates it, by the method of the estimate, beside that sum. `damage` counts what was lost inside
passed events, `unusable` the passed events in which a part of the detector is not to be had; `remarks` counts what is odd but
no loss by itself. None of them is in the sum. Ledgers add up, over batches, files and jobs.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def _counts(counts: Mapping[str, int]) -> Mapping[str, int]:
    return MappingProxyType({name: int(n) for name, n in sorted(counts.items()) if n})


@dataclass(frozen=True)
class Damage:
    """What one kind of damage did inside events that passed."""

    records: int = 0
    events: int = 0

    def __add__(self, other: Damage) -> Damage:
        return Damage(self.records + other.records, self.events + other.events)


@dataclass(frozen=True)
class Ledger:
    """Counts of events by what became of them (see the module's text for the rules)."""

    read: int = 0
    passed: int = 0
    not_physics: Mapping[str, int] = field(default_factory=dict)
    lost: Mapping[str, int] = field(default_factory=dict)
    excluded: Mapping[str, int] = field(default_factory=dict)
    damage: Mapping[str, Damage] = field(default_factory=dict)
    bytes_skipped: int = 0
    incomplete_at_end: int = 0
    missing: Mapping[str, int] = field(default_factory=dict)
    unusable: int = 0
    remarks: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("not_physics", "lost", "excluded", "missing", "remarks"):
            object.__setattr__(self, name, _counts(getattr(self, name)))
        object.__setattr__(self, "damage", MappingProxyType(dict(sorted(self.damage.items()))))

    def __reduce__(self) -> tuple[Any, ...]:
        return Ledger.from_json, (self.to_json(),)

    def __add__(self, other: Ledger) -> Ledger:
        damage = dict(self.damage)
        for name, item in other.damage.items():
            damage[name] = damage.get(name, Damage()) + item
        return Ledger(
            read=self.read + other.read,
            passed=self.passed + other.passed,
            not_physics=Counter(self.not_physics) + Counter(other.not_physics),
            lost=Counter(self.lost) + Counter(other.lost),
            excluded=Counter(self.excluded) + Counter(other.excluded),
            damage=damage,
            bytes_skipped=self.bytes_skipped + other.bytes_skipped,
            incomplete_at_end=self.incomplete_at_end + other.incomplete_at_end,
            missing=Counter(self.missing) + Counter(other.missing),
            unusable=self.unusable + other.unusable,
            remarks=Counter(self.remarks) + Counter(other.remarks),
        )

    def of_rows(self, start: int, stop: int, size: int) -> Ledger:
        """Return the part of the account that rows start to stop of a table of `size` rows carry.

        A row is an event that was read and passed; what has no row (lost, excluded, cut away in a skim) is carried by the
        first one. The parts of any division of the table so add up to the whole.
        """
        first = start == 0 and (stop > 0 or size == 0)
        if self.passed < size:  # no account of these rows
            return self if first else Ledger()
        rows = max(stop - start, 0)
        if not first:
            return Ledger(read=rows, passed=rows)
        return replace(self, read=self.read - (size - rows), passed=self.passed - (size - rows))

    @property
    def bad_fraction(self) -> float:
        """Events lost, missing or unusable over events lost, missing or passed; 0 where there is none of them."""
        gone = sum(self.lost.values()) + sum(self.missing.values())
        # of a blinded sample `passed` is less than what was read
        return min(1.0, (gone + self.unusable) / max(gone + self.passed, 1))

    def check(self) -> Ledger:
        """Return self after the sum rule has been verified (a broken one is a bug, not a user's mistake)."""
        binned = self.passed + sum(sum(b.values()) for b in (self.not_physics, self.lost, self.excluded))
        if binned != self.read:
            msg = f"ledger does not add up: read {self.read}, in bins {binned}: {self.to_json()}"
            raise AssertionError(msg)
        return self

    def to_json(self) -> dict[str, Any]:
        """Return the ledger as plain data, as in `cutflow.json`."""
        return {
            "read": self.read,
            "passed": self.passed,
            "not_physics": dict(self.not_physics),
            "lost": dict(self.lost),
            "excluded": dict(self.excluded),
            "damage": {n: {"records": d.records, "events": d.events} for n, d in self.damage.items()},
            "bytes_skipped": self.bytes_skipped,
            "incomplete_at_end": self.incomplete_at_end,
            "missing": dict(self.missing),
            "unusable": self.unusable,
            "remarks": dict(self.remarks),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Ledger:
        """Return the ledger that `to_json` wrote."""
        return cls(
            read=int(data["read"]),
            passed=int(data["passed"]),
            not_physics=data.get("not_physics", {}),
            lost=data.get("lost", {}),
            excluded=data.get("excluded", {}),
            damage={n: Damage(int(d["records"]), int(d["events"])) for n, d in data.get("damage", {}).items()},
            bytes_skipped=int(data.get("bytes_skipped", 0)),
            incomplete_at_end=int(data.get("incomplete_at_end", 0)),
            missing=data.get("missing", {}),
            unusable=int(data.get("unusable", 0)),
            remarks=data.get("remarks", {}),
        )


def total(ledgers: Iterable[Ledger]) -> Ledger:
    """Return the sum of ledgers; of none, the empty ledger."""
    return sum(ledgers, Ledger())
