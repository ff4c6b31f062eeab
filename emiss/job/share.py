"""What tasks of one sample bring home together, and its sum: the same to the last bit, whoever does which task when."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - part of a dataclass that is pickled
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from emiss.events.ledger import Ledger
from emiss.job.reduction import Reductions
from emiss.job.worker import Tasks
from emiss.selection.counting.counter import Yields  # noqa: TC001 - part of a dataclass that is pickled
from emiss.selection.results.cutflow import Cutflow  # noqa: TC001 - part of a dataclass that is pickled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from emiss.job.task import Setup, Task
    from emiss.job.worker import Done


@dataclass(frozen=True)
class Share:
    """The results of some tasks of a sample.

    Attributes
    ----------
    cutflow : Cutflow
    yields : Yields
        Histograms and scans.
    ledgers : mapping of file to Ledger
    tasks, reused : int
        How many there are, and how many of them found their table.
    growing : tuple of str
        Files that have become longer since the job was planned.
    """

    cutflow: Cutflow
    yields: Yields
    ledgers: Mapping[str, Ledger]
    tasks: int
    reused: int
    growing: tuple[str, ...]

    @classmethod
    def of(cls, done: Done) -> Self:
        """Return the share of one task."""
        file = str(done.task.file)
        ledger = done.cutflow.samples[done.task.sample.name].ledger
        return cls(done.cutflow, done.yields, {file: ledger}, 1, int(done.reused), (file,) if done.growing else ())


def add(shares: Sequence[Share]) -> Share:
    """Return the share of all tasks of some shares, which are added from left to right."""
    total = shares[0]
    for share in shares[1:]:
        ledgers = dict(total.ledgers)
        for file, ledger in share.ledgers.items():
            ledgers[file] = ledgers.get(file, Ledger()) + ledger
        total = Share(
            total.cutflow + share.cutflow,
            total.yields + share.yields,
            ledgers,
            total.tasks + share.tasks,
            total.reused + share.reused,
            tuple(dict.fromkeys((*total.growing, *share.growing))),
        )
    return total


def shares_of(tasks: Sequence[Task], done: Iterable[Done], expected: Iterable[Task] | None = None) -> dict[str, Share]:
    """Return the share of each sample of a job.

    Parameters
    ----------
    tasks : sequence of Task
        All tasks of the job, in their order.
    done : iterable of Done
        Results of all or some of them, in any order; each is let go as soon as it can be added.
    expected : iterable of Task, optional
        Those of which a result may come; all of them by default. For the others nothing waits.
    """
    reduction: Reductions[Share] = Reductions(samples_of(tasks), add)
    lacking = dict.fromkeys(range(len(tasks)))
    if expected is not None:
        own = {task.number for task in expected}
        for number in [number for number in lacking if number not in own]:
            reduction.put(number, None)
            del lacking[number]
    for item in done:
        reduction.put(item.task.number, Share.of(item))
        del lacking[item.task.number]
    for number in lacking:
        reduction.put(number, None)
    return there(reduction.results())


def there(sums: Mapping[str, Share | None]) -> dict[str, Share]:
    """Return the samples of which something was done."""
    return {name: share for name, share in sums.items() if share is not None}


def samples_of(tasks: Sequence[Task]) -> list[str]:
    """Return the sample of each task."""
    return [task.sample.name for task in tasks]


@dataclass(frozen=True)
class Processing:
    """The tasks of a job as a piece of work."""

    setup: Setup
    name = "process"

    def start(self) -> Callable[[Task], Share]:
        """Load detector, constants and analysis."""
        do = Tasks(self.setup).start()
        return lambda task: Share.of(do(task))
