"""Which entries of which files a count stands for: ranges that merge, and that refuse to count an entry twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from types import MappingProxyType

from emiss.configs.errors import UserError

Ranges = tuple[tuple[int, int], ...]
Coverage = Mapping[str, Ranges]
"""File identity -> entry ranges (start, stop), without the stop; sorted, not touching, none empty."""


def merged(ranges: Iterable[tuple[int, int]], file: str) -> Ranges:
    """Return `ranges` sorted, with neighbours joined and empty ones left out.

    Raises
    ------
    UserError
        If two of them overlap: some entries of `file` would be counted twice.
    """
    full = sorted((int(start), int(stop)) for start, stop in ranges if stop > start)
    for before, after in pairwise(full):
        if after[0] < before[1]:
            last = min(before[1], after[1]) - 1
            raise UserError(
                f"entries {after[0]} to {last} of one file would be counted twice",
                hint=f"the file is {file}; add each part of a file once",
            )
    joined: list[tuple[int, int]] = []
    for start, stop in full:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((start, stop))
    return tuple(joined)


def frozen(coverage: Mapping[str, Iterable[tuple[int, int]]]) -> Coverage:
    """Return `coverage` with its ranges in normal form, read-only."""
    return MappingProxyType({file: merged(ranges, file) for file, ranges in sorted(coverage.items())})


def add(a: Coverage, b: Coverage) -> Coverage:
    """Return the entries of both; those in both are refused (see `merged`)."""
    return frozen({file: (*a.get(file, ()), *b.get(file, ())) for file in {**a, **b}})
