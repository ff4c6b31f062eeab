"""Work on a dask cluster: one dask task per item, sums made on the workers, and nothing that fails takes the rest along.

What an item gives stays on its worker until its node of the sum (`emiss.job.reduction`) is complete; then the parts are added
on a worker, and only the last sums come here. A result that is lost with its worker is made again.
"""

from __future__ import annotations

import logging
import queue
import time
import traceback
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import uuid4

from emiss.configs.errors import EmissError, UserError
from emiss.job import on_worker
from emiss.job.identity import differences, identity
from emiss.job.reduction import Reductions
from emiss.job.work import Collected, Failure, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from distributed import Client, Future

    from emiss.job.work import Work

Item = TypeVar("Item")
Done = TypeVar("Done")

AT_ONCE = 256
"""Items that go to the scheduler together, at least: each message costs a millisecond."""

ALONE = 60.0
"""Seconds without any worker after which the log says so."""

log = logging.getLogger("emiss")


class SchedulerGoneError(EmissError):
    """The scheduler cannot be reached any more; what is done is kept in the tables."""

    exit_code = 3


@dataclass(frozen=True)
class DaskPool:
    """The workers of a dask cluster; see `emiss.job.work.Pool`."""

    client: Client
    limits: Limits = field(default_factory=Limits)

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
        return collect(self.client, work, items, add, groups, progress=progress, limits=self.limits)


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

    Raises
    ------
    SchedulerGoneError
        If the scheduler goes away.
    """
    said = Limits() if limits is None else limits
    of = [""] * len(items) if groups is None else groups
    for _ in range(said.retries + 1):
        collected = _Collector(client, work, items, add, of, progress, said).collect()
        if collected is not None:
            return collected
        log.warning("results were lost with their workers and could not be made again: all is added up once more")
        progress = _nothing
    msg = f"workers are lost faster than results can be added up; tried {said.retries + 1} times"
    raise SchedulerGoneError(msg)


def _nothing(_: object) -> None:
    """Take no notice."""


class _Collector(Generic[Item, Done]):
    """One call of `collect`: lives in the thread of its caller; dask's own thread only fills the queue of ended items."""

    def __init__(
        self,
        client: Client,
        work: Work[Item, Done],
        items: Sequence[Item],
        add: Callable[[Sequence[Done]], Done],
        groups: Sequence[str],
        progress: Callable[[Item], None],
        limits: Limits,
    ) -> None:
        self.client = client
        self.items = items
        self.add = add
        self.progress = progress
        self.limits = limits
        self.name, self.token = work.name, uuid4().hex
        self.failures: dict[int, Failure] = {}
        self.ended: queue.SimpleQueue[tuple[int, Future]] = queue.SimpleQueue()
        self.running: dict[int, Future] = {}
        self.tried: dict[int, list[str]] = {}
        self.suspects: list[int] = []
        self.alone: set[int] = set()
        self.sums = 0
        self.left = len(items)
        self.seen = self.moved = time.monotonic()
        shared = on_worker.Shared(work, self.token, identity(), limits.stall)
        self.shared = client.submit(on_worker.share, shared, key=f"share-{self.token}", retries=limits.retries)
        self.reduction: Reductions[Future] = Reductions(groups, self._add)

    def collect(self) -> Collected[Done] | None:
        """Return the sums; None if one of them could not be made."""
        waiting = iter(range(len(self.items)))
        try:
            while True:
                room = self.limits.window - len(self.running)
                if room >= min(self.limits.window, AT_ONCE):
                    self._submit(list(islice(waiting, room)))
                if not self.running and self.suspects:
                    self.alone.add(self.suspects[0])
                    self._submit([self.suspects.pop(0)])
                if not self.running:
                    return self._collected()
                try:
                    self._end(*self.ended.get(timeout=1.0))
                    self.moved = time.monotonic()
                except queue.Empty:
                    self._look()
        finally:
            if self.running and self.client.status == "running":
                self.client.cancel(list(self.running.values()), force=True)

    def _submit(self, numbers: Sequence[int]) -> None:
        """Give items to the scheduler, all in one message; those that were tried before for other workers than then."""
        if not numbers:
            return
        tried = {worker for number in numbers for worker in self.tried.get(number, ())}
        others = sorted(set(self._workers()) - tried) if tried else []
        futures = self.client.map(
            on_worker.do,
            [self.items[number] for number in numbers],
            key=[f"{self.name}-{self.token}-{number}.{len(self.tried.get(number, ()))}" for number in numbers],
            shared=self.shared,
            workers=others or None,
            allow_other_workers=bool(others),
        )
        for number, future in zip(numbers, futures, strict=True):
            self.running[number] = future
            future.add_done_callback(partial(self._note, number))

    def _note(self, number: int, future: Future) -> None:
        """Remember that an item has ended; called in dask's own thread."""
        self.ended.put((number, future))

    def _add(self, parts: Sequence[Future]) -> Future:
        self.sums += 1
        return self.client.submit(
            on_worker.add_up,
            self.add,
            list(parts),
            key=f"sum-{self.token}-{self.sums}",
            priority=1,
            retries=self.limits.retries,
        )

    def _end(self, number: int, future: Future) -> None:
        if number not in self.running or self.running[number].key != future.key:  # of an earlier trial
            return
        del self.running[number]
        if future.status == "finished":
            self.reduction.put(number, future)
        elif future.status == "error":
            failure, final = self._cause(number, future)
            tried = self.tried.setdefault(number, [])
            tried.append(failure.worker)
            if self._killed(future) and number not in self.alone:
                # dask blames all items that a dead worker was given: which one it was is seen when each is done alone
                log.warning("%s; it is tried again when all else is done", failure)
                self.suspects.append(number)
                return
            if not final and len(tried) <= self.limits.retries:
                log.warning("%s; it is tried again\n%s", failure, failure.traceback)
                self._submit([number])
                return
            log.error("%s; it is given up\n%s", failure, failure.traceback)
            self.failures[number] = failure
            self.reduction.put(number, None)
        else:  # cancelled or lost, and not by us
            raise self._gone()
        self.left -= 1
        self.tried.pop(number, None)
        self.progress(self.items[number])

    @staticmethod
    def _killed(future: Future) -> bool:
        from distributed.scheduler import KilledWorker

        return isinstance(future.exception(), KilledWorker)

    def _cause(self, number: int, future: Future) -> tuple[Failure, bool]:
        """Return why an item failed, and whether it is of no use to try it again."""
        error: Any = future.exception()
        item = str(self.items[number])
        if isinstance(error, on_worker.ItemError):
            return Failure(item, error.worker, error.why, error.trace), error.final
        if self._killed(future):
            worker = getattr(error.last_worker, "address", "")
            return Failure(item, worker, "the worker died at it, and so did others before (out of memory?)"), True
        trace = "".join(traceback.format_tb(future.traceback()))
        return Failure(item, "", f"{type(error).__name__}: {error}", trace), False

    def _collected(self) -> Collected[Done] | None:
        sums: dict[str, Done | None] = {}
        for group, future in self.reduction.results().items():
            try:
                sums[group] = None if future is None else self._result(future)
            except SchedulerGoneError:
                raise
            except Exception as error:  # noqa: BLE001 - of whatever kind the loss is, all is added up once more
                log.warning("the sum of %s was lost: %s", group or self.name, error)
                return None
        return Collected(sums, dict(sorted(self.failures.items())))

    def _result(self, future: Future) -> Done:
        while True:
            try:
                return future.result(timeout=1.0)
            except TimeoutError:
                if future.done():
                    raise
                self._look()
            except Exception as error:
                if self.client.status != "running" or future.status in ("cancelled", "lost"):
                    raise self._gone() from error
                raise

    def _look(self) -> None:
        """Look after scheduler and workers while nothing ends."""
        now = time.monotonic()
        if self.client.status != "running":
            if self.client.status == "closed" or now - self.seen > self.limits.gone:
                raise self._gone()
            return
        self.seen = now
        if now - self.moved > ALONE and not self._workers():
            log.warning("no worker for %.0f s; %d of %d tasks wait", now - self.moved, self.left, len(self.items))
            self.moved = now

    def _workers(self) -> Sequence[str]:
        """Return the addresses of all workers; none where the scheduler does not answer."""
        try:
            return list(self.client.nthreads())
        except OSError:
            return []

    def _gone(self) -> SchedulerGoneError:
        msg = (
            f"the dask scheduler went away; {self.left} of {len(self.items)} tasks were not done. "
            "What is done is kept: the same command goes on from there"
        )
        return SchedulerGoneError(msg)
