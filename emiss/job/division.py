"""How a job is divided: which part of how many, and which tasks are whose, the same wherever it is asked."""

from __future__ import annotations

import heapq
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from emiss.configs.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from emiss.job.task import Task

MOST = 100_000
"""Parts that a job may have."""


@dataclass(frozen=True, order=True)
class Part:
    """Part `number` of `of` parts, counted from 1."""

    of: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the part that a text such as ``3/20`` names.

        Raises
        ------
        UserError
            If it names none.
        """
        found = re.fullmatch(r"\s*(\d{1,6})\s*/\s*(\d{1,6})\s*", text)
        if found is None:
            raise UserError(f"--part {text}: expected K/N, such as 3/20")
        number, of = int(found[1]), int(found[2])
        if not 1 <= number <= of <= MOST:
            hint = f"a batch system that counts from 0 needs {number + 1}/{of}" if number == 0 else None
            raise UserError(f"--part {text}: parts are counted from 1/N to N/N, at most {MOST}", hint=hint)
        return cls(of, number)

    @property
    def name(self) -> str:
        """The part as a file name, in whose order the parts stand: ``003-of-020``."""
        width = max(3, len(str(self.of)))
        return f"{self.number:0{width}}-of-{self.of:0{width}}"

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def deal(sizes: Sequence[int], parts: int, hidden: Collection[int] = ()) -> list[list[int]]:
    """Deal tasks of some sizes out to parts of nearly the same size; return the tasks of each part, in ascending order.

    The largest task comes first, and each goes to the part that has least so far; what is equal goes by number. So every part
    finds the same division by itself. The tasks of `hidden` samples come after all others: whose the others are would tell
    how many events there are to hide.
    """
    dealt: list[list[int]] = [[] for _ in range(parts)]
    loads = [(0, part) for part in range(parts)]
    for task in sorted(range(len(sizes)), key=lambda task: (task in hidden, -sizes[task], task)):
        load, part = heapq.heappop(loads)
        dealt[part].append(task)
        heapq.heappush(loads, (load + sizes[task], part))
    return [sorted(tasks) for tasks in dealt]


def tasks_of_part(tasks: Sequence[Task], part: Part, hidden: Collection[str] = ()) -> list[Task]:
    """Return the tasks of a job that are those of one part; events of the `hidden` samples are hidden."""
    sealed = {number for number, task in enumerate(tasks) if task.sample.name in hidden}
    dealt = deal([task.stop - task.start for task in tasks], part.of, sealed)
    return [tasks[number] for number in dealt[part.number - 1]]
