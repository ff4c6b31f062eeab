"""Pools of this machine: the process itself, or others that it starts; the first item that fails ends all of the work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from emiss.job import executors
from emiss.job.reduction import Reductions
from emiss.job.work import Collected

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from emiss.job.task import Executor, OnThisMachine
    from emiss.job.work import Pool, Work

Item = TypeVar("Item")
Done = TypeVar("Done")


@dataclass(frozen=True)
class Machine:
    """The pool of an executor of this machine; see `emiss.job.work.Pool`.

    Attributes
    ----------
    executor : "serial" or "processes"
    workers : int
        Number of processes.
    """

    executor: OnThisMachine = "serial"
    workers: int = 1

    def collect(
        self,
        work: Work[Item, Done],
        items: Sequence[Item],
        add: Callable[[Sequence[Done]], Done],
        groups: Sequence[str] | None = None,
        *,
        progress: Callable[[Item], None] = lambda _: None,
    ) -> Collected[Done]:
        """Do all items; errors as `emiss.job.executors.run`."""
        reduction: Reductions[Done] = Reductions([""] * len(items) if groups is None else groups, add)
        for number, done in executors.run(work, items, self.executor, self.workers):
            reduction.put(number, done)
            progress(items[number])
        return Collected(reduction.results())

    def stream(self, work: Work[Item, Done], items: Sequence[Item]) -> Generator[Done]:
        """Do all items and yield what they give in their order; errors as `emiss.job.executors.run`."""
        for _, done in executors.run(work, items, self.executor, self.workers, ordered=True):
            yield done

    def note(self) -> str:
        """Return nothing: what fails here ends the work."""
        return ""


def pool_of(executor: Executor, workers: int = 1) -> Pool:
    """Return the pool that an executor stands for."""
    return Machine(executor, workers) if isinstance(executor, str) else executor
