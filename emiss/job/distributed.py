"""Work on a dask cluster: sums made on the workers, or results in order, and nothing that fails takes the rest along.

What an item gives stays on its worker until its node of the sum (`emiss.job.reduction`) is complete; then the parts are added
on a worker, and only the last sums come here.
"""

from __future__ import annotations

import logging
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from emiss.configs.errors import UserError
from emiss.job import on_worker
from emiss.job.attempts import Attempts, SchedulerGoneError, Standing
from emiss.job.identity import differences, identity
from emiss.job.reduction import Reductions
from emiss.job.work import Collected, Failure, ItemsFailedError, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from distributed import Client, Future

    from emiss.job.work import Work

Item = TypeVar("Item")
Done = TypeVar("Done")

log = logging.getLogger("emiss")


@dataclass(frozen=True)
class DaskPool:
    """The workers of a dask cluster; see `emiss.job.work.Pool`."""

    client: Client
    limits: Limits = field(default_factory=Limits)
    standing: Standing = field(default_factory=Standing)

    def collect(
        self,
        work: Work[Item, Done],
        items: Sequence[Item],
        add: Callable[[Sequence[Done]], Done],
        groups: Sequence[str] | None = None,
        *,
        progress: Callable[[Item], None] = lambda _: None,
    ) -> Collected[Done]:
        """Do all items on the workers."""
        return collect(
            self.client, work, items, add, groups, progress=progress, limits=self.limits, standing=self.standing
        )

    def stream(self, work: Work[Item, Done], items: Sequence[Item]) -> Generator[Done]:
        """Do all items on the workers, and yield what they give in their order."""
        attempts = Attempts(self.client, work, items, [""] * len(items), self.limits, self.standing)
        turn = 0
        for number in attempts.ends():
            if (failure := attempts.failures.get(number)) is not None:
                raise UserError(failure.why) if failure.mistake else ItemsFailedError([failure])
            while turn in attempts.held:
                try:
                    done = attempts.result(attempts.held[turn])
                except CancelledError:
                    raise ItemsFailedError([Failure(str(items[turn]), "", "its result was lost")]) from None
                yield done
                del attempts.held[turn]
                turn += 1

    def note(self) -> str:
        """Return which workers are not there yet, and what was tried again or has failed."""
        return str(self.standing)


def check_workers(client: Client) -> None:
    """Refuse workers that are not like this process; those that come later are refused by their first item.

    Raises
    ------
    UserError
        Names each worker and what is different there.
    """
    there = client.run(on_worker.who, on_error="return")
    wrong = []
    for address, found in sorted(there.items()):
        if isinstance(
            found, OSError
        ):  # it has gone meanwhile; another one in its place is looked at with its first item
            continue
        if isinstance(found, Exception):
            wrong.append(f"worker {address}: this emiss cannot be imported there ({found})")
        else:
            wrong += [f"worker {address} has {line}" for line in differences(identity(), found)]
    if wrong:
        raise UserError("\n".join(wrong), hint="every worker needs the same emiss as this process")


def collect(
    client: Client,
    work: Work[Item, Done],
    items: Sequence[Item],
    add: Callable[[Sequence[Done]], Done],
    groups: Sequence[str] | None = None,
    *,
    progress: Callable[[Item], None] = lambda _: None,
    limits: Limits | None = None,
    standing: Standing | None = None,
) -> Collected[Done]:
    """Do all items and return the sums of what they give.

    Parameters
    ----------
    client : Client
    work : Work
    items : sequence
    add : callable
        A function of a module, which makes one of several results.
    groups : sequence of str, optional
        The group of each item; all are of the group "" by default.
    progress : callable
        Called once with each item that is done or given up, in any order.
    limits : Limits, optional
    standing : Standing, optional
        Is kept up to date.

    Raises
    ------
    SchedulerGoneError
        If the scheduler goes away.
    """
    said = Limits() if limits is None else limits
    of = [""] * len(items) if groups is None else groups
    told = Standing() if standing is None else standing
    for _ in range(said.retries + 1):
        found = _collected(client, work, items, add, of, progress, said, told)
        if found is not None:
            return found
        log.warning("results were lost with their workers and could not be made again: all is added up once more")
        progress = _nothing
    msg = f"workers are lost faster than results can be added up; tried {said.retries + 1} times"
    raise SchedulerGoneError(msg)


def _collected(
    client: Client,
    work: Work[Item, Done],
    items: Sequence[Item],
    add: Callable[[Sequence[Done]], Done],
    groups: Sequence[str],
    progress: Callable[[Item], None],
    limits: Limits,
    standing: Standing,
) -> Collected[Done] | None:
    """Do all items and return the sums of what they give; None if one of these could not be made."""
    reduction: Reductions[Future] = Reductions(groups, lambda parts: attempts.sum(add, parts))
    attempts = Attempts(client, work, items, groups, limits, standing, reduction.put)
    try:
        for number in attempts.ends():
            progress(items[number])
    except CancelledError:  # a result that was to be added up is not there any more
        return None
    sums = _sums(attempts, reduction.results())
    return None if sums is None else Collected(sums, dict(sorted(attempts.failures.items())))


def _sums(attempts: Attempts[Any, Done], futures: Mapping[str, Future | None]) -> dict[str, Done | None] | None:
    """Return the sum of each group; None if one of them could not be made."""
    sums: dict[str, Done | None] = {}
    for group, future in futures.items():
        try:
            sums[group] = None if future is None else attempts.result(future)
        except SchedulerGoneError:
            raise
        except Exception as error:  # noqa: BLE001 - of whatever kind the loss is, all is added up once more
            log.warning("the sum of %s was lost: %s", group or attempts.name, error)
            return None
    return sums


def _nothing(_: object) -> None:
    """Take no notice."""
