"""What the raw files of a sample tell together: event numbers and spills, from some files at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emiss.job.parked import digest, load, park
from emiss.reco.quality.event_numbers import Together
from emiss.reco.quality.spills import Spills

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from emiss.configs.arrays import Array
    from emiss.job.parked import Known
    from emiss.job.surveyed import FileSurvey


@dataclass
class Neighbours:
    """The files of a sample, each with what the others say of its events.

    Attributes
    ----------
    spills : Spills or None
        Of all files, without event numbers; None where there is no raw file.
    numbers : dict of file number to Known
        Of all files the event numbers between the lowest and the highest one of a file.
    remarks : tuple of str
    """

    spills: Spills | None = None
    numbers: dict[int, Known] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    _digests: dict[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, files: Sequence[FileSurvey], folder: Path) -> Neighbours:
        """Return what the files of a sample tell; what is too much to be held goes to `folder`."""
        raw = [number for number, file in enumerate(files) if file.spills is not None]
        if not raw:
            return cls()
        found = cls(Spills.merge(spills for file in files if (spills := file.spills) is not None))
        twice: dict[int, int] = {}
        between: dict[int, int] = {}
        for group in _groups(files, raw):
            together = Together.of(load(files[number].numbers) for number in group)
            twice |= together.twice
            between |= together.between
            for number in group:
                known = park(together.numbers.near(load(files[number].numbers)), folder)
                found.numbers[number], found._digests[number] = known, digest(known)
        found.remarks = Together(together.numbers, dict(sorted(twice.items())), dict(sorted(between.items()))).remarks()
        return found

    def of_chunk(self, number: int, run: Array, spill: Array) -> tuple[Spills | None, Known | None, str]:
        """Return the spills of some events of a file, the event numbers, and a hash of these."""
        if self.spills is None or number not in self.numbers:
            return None, None, ""
        return self.spills.of_events(run, spill), self.numbers[number], self._digests[number]


def _groups(files: Sequence[FileSurvey], numbers: Sequence[int]) -> Iterator[list[int]]:
    """Yield the files that have runs in common, directly or by way of others; in the order of their event numbers."""
    of_run: dict[int, int] = {}
    above = {number: number for number in numbers}

    def top(number: int) -> int:
        while above[number] != number:
            above[number] = number = above[above[number]]
        return number

    for number in numbers:
        for run in files[number].runs:
            above[top(number)] = top(of_run.setdefault(run, number))
    groups: dict[int, list[int]] = {}
    for number in numbers:
        groups.setdefault(top(number), []).append(number)
    for group in groups.values():
        yield sorted(group, key=lambda number: files[number].first_number)
