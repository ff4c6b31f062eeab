"""Ranges of runs: the text form ``3855-4207, 4300, 5000-``, overlap, and gaps."""

from __future__ import annotations

import re
from dataclasses import dataclass

OPEN = 2**31 - 1
"""The last run of a range without an end."""

LONGEST = 60
"""Characters of a range."""

_RANGE = re.compile(r"(\d+)(?:\s*(-)\s*(\d*))?\Z", re.ASCII)


@dataclass(frozen=True, order=True)
class RunRange:
    """Runs first to last, both included."""

    first: int
    last: int

    def __contains__(self, run: int) -> bool:
        return self.first <= run <= self.last

    def __str__(self) -> str:
        if self.first == self.last:
            return str(self.first)
        return f"{self.first}-{'' if self.last == OPEN else self.last}"

    def overlap(self, other: RunRange) -> RunRange | None:
        """Return the runs in both, None if there is none."""
        first, last = max(self.first, other.first), min(self.last, other.last)
        return RunRange(first, last) if first <= last else None


def parse_ranges(text: str) -> tuple[RunRange, ...]:
    """Return the ranges of a text such as ``3855-4207, 4300, 5000-``.

    Raises
    ------
    ValueError
        If a part is no run or range, ends before it begins, or overlaps another part.
    """
    ranges: list[RunRange] = []
    for part in text.split(","):
        match = _RANGE.match(part.strip()) if len(part) < LONGEST else None
        if match is None:
            msg = f"'{part.strip()[:LONGEST]}' is no run or range of runs such as 3855-4207 or 5000-"
            raise ValueError(msg)
        first = int(match[1])
        last = first if match[2] is None else int(match[3]) if match[3] else OPEN
        if last < first or last > OPEN:
            msg = (
                f"the range '{part.strip()}' ends before it begins"
                if last < first
                else f"'{part.strip()}' is too large"
            )
            raise ValueError(msg)
        new = RunRange(first, last)
        for old in ranges:
            if old.overlap(new):
                msg = f"the ranges {old} and {new} overlap"
                raise ValueError(msg)
        ranges.append(new)
    return tuple(ranges)


def overlap(a: tuple[RunRange, ...], b: tuple[RunRange, ...]) -> RunRange | None:
    """Return the first run range that lies in both lists of ranges, None if there is none."""
    common = [both for x in a for y in b if (both := x.overlap(y))]
    return min(common, default=None)


def covers(ranges: tuple[RunRange, ...], run: int) -> bool:
    """Return whether a run lies in one of the ranges."""
    return any(run in item for item in ranges)
