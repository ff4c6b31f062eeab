"""Items on a dask cluster: handed out, watched, tried again elsewhere, given up; one dask task for each.

What an item gives stays on its worker. A result that is lost with its worker is made again.
"""

from __future__ import annotations

import logging
import queue
import time
import traceback
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import uuid4

from emiss.configs.errors import EmissError
from emiss.job import on_worker
from emiss.job.identity import identity
from emiss.job.work import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from distributed import Client, Future

    from emiss.job.work import Limits, Work

Item = TypeVar("Item")
Done = TypeVar("Done")

AT_ONCE = 256
"""Items that go to the scheduler together, if the window has room for as many: each message costs a millisecond."""

ALONE = 60.0
"""Seconds without any worker after which the log says so."""

LOOK = 1.0
"""Seconds between two looks at the workers."""

REPLACED = 60.0
"""Seconds without some of the workers after which others are asked for."""

ANSWER = 5.0
"""Seconds in which a scheduler that is not gone says who its workers are."""

log = logging.getLogger("emiss")


class SchedulerGoneError(EmissError):
    """The scheduler cannot be reached any more; what is done is kept in the tables."""

    exit_code = 3


@dataclass
class Standing:
    """How the work on a cluster stands: for who looks at it from another thread.

    Attributes
    ----------
    wanted : int or None
        Workers that were asked for; None where others have started them.
    workers : int or None
        Those that are there; None as long as nobody has looked.
    again, failed : int
        Items that were tried again, and those that were given up.
    """

    wanted: int | None = None
    workers: int | None = None
    again: int = 0
    failed: int = 0

    def __str__(self) -> str:
        said = []
        if self.workers is not None and self.workers < (self.wanted or 1):
            of = "" if self.wanted is None else f" of {self.wanted}"
            said.append(f"waiting for workers: {self.workers}{of}")
        said += [f"{count} {what}" for count, what in ((self.again, "tried again"), (self.failed, "failed")) if count]
        return ", ".join(said)


class Attempts(Generic[Item, Done]):
    """The attempts at some items: lives in the thread of its caller; dask's own thread only fills the queue of ended items.

    Parameters
    ----------
    client : Client
    work : Work
    items : sequence
    groups : sequence of str
        The group of each item, under which the dashboard shows it.
    limits : Limits
    standing : Standing
        Is kept up to date.
    take : callable, optional
        Is given the number of each item that has ended and its future, or None if it failed. Without it, futures stay in
        `held` until somebody takes them out, and no more items are handed out than a few per worker.
    """

    def __init__(
        self,
        client: Client,
        work: Work[Item, Done],
        items: Sequence[Item],
        groups: Sequence[str],
        limits: Limits,
        standing: Standing,
        take: Callable[[int, Future | None], None] | None = None,
    ) -> None:
        self.client = client
        self.items = items
        self.groups = groups
        self.limits = limits
        self.standing = standing
        self.held: dict[int, Future] = {}
        self.name, self.token = work.name, uuid4().hex
        self.failures: dict[int, Failure] = {}
        self._ordered, self._take = take is None, take or self._hold
        self._ended: queue.SimpleQueue[tuple[int, Future]] = queue.SimpleQueue()
        self._running: dict[int, Future] = {}
        self._tried: dict[int, list[str]] = {}
        self._suspects: list[int] = []
        self._alone: set[int] = set()
        self._sums = 0
        self._left = len(items)
        self._seen = self._moved = time.monotonic()
        self._complete = self._seen
        self._looked = 0.0
        self._work = on_worker.Shared(work, self.token, identity(), limits.stall)
        self._forgotten: dict[int, int] = {}
        self._shares = 0
        self._shared = self._share()

    def ends(self) -> Iterator[int]:
        """Do all items; yield the number of each that is done or given up."""
        waiting = iter(range(len(self.items)))
        try:
            while True:
                self._look()
                window = self._window()
                room = window - len(self._running) - len(self.held)
                if room >= max(1, min(window // 4, AT_ONCE)):
                    self._submit(list(islice(waiting, room)))
                if not self._running and self._suspects:
                    self._alone.add(self._suspects[0])
                    self._submit([self._suspects.pop(0)])
                if not self._running:
                    return
                try:
                    ended = self._end(*self._ended.get(timeout=LOOK))
                except queue.Empty:
                    continue
                self._moved = time.monotonic()
                if ended is not None:
                    yield ended
        finally:
            if self._running and self.client.status == "running":
                self.client.cancel(list(self._running.values()), force=True)

    def _window(self) -> int:
        """Return how many items may be under way, or held."""
        if not self._ordered:
            return self.limits.window
        return min(self.limits.window, self.limits.ahead * max(1, self.standing.workers or 0))

    def _hold(self, number: int, future: Future | None) -> None:
        if future is not None:
            self.held[number] = future

    def _share(self) -> Future:
        """Return what all items share, as a result that lies on a worker."""
        self._shares += 1
        key = f"share-{self.token}-{self._shares}"
        return self.client.submit(on_worker.share, self._work, key=key, retries=self.limits.retries)

    def _submit(self, numbers: Sequence[int]) -> None:
        """Give items to the scheduler, all in one message; those that were tried before for other workers than then."""
        if not numbers:
            return
        if self._shared.status not in ("pending", "finished"):
            self._shared = self._share()
        tried = {worker for number in numbers for worker in self._tried.get(number, ())}
        others = sorted(set(self._workers() or ()) - tried) if tried else []
        futures = self.client.map(
            on_worker.do,
            [self.items[number] for number in numbers],
            key=[self._key(number) for number in numbers],
            shared=self._shared,
            workers=others or None,
            allow_other_workers=bool(others),
        )
        for number, future in zip(numbers, futures, strict=True):
            self._running[number] = future
            future.add_done_callback(partial(self._note, number))

    def _key(self, number: int) -> str:
        """Return the name of an item's next trial: for the dashboard, work and group come first, and what it is last."""
        kind = f"{self.name} {self.groups[number]}".strip().replace("-", "_")  # what is before a hyphen is shown as one
        of = str(self.items[number]).rpartition("/")[2]
        times = len(self._tried.get(number, ())) + self._forgotten.get(number, 0)
        return f"{kind}-{self.token}-{number}.{times} {of}"

    def _note(self, number: int, future: Future) -> None:
        """Remember that an item has ended; called in dask's own thread."""
        self._ended.put((number, future))

    def sum(self, add: Callable[[Sequence[Done]], Done], parts: Sequence[Future]) -> Future:
        """Return the sum of some results, which is made on a worker."""
        self._sums += 1
        return self.client.submit(
            on_worker.add_up,
            add,
            list(parts),
            key=f"sum-{self.token}-{self._sums}",
            priority=1,
            retries=self.limits.retries,
        )

    def _end(self, number: int, future: Future) -> int | None:
        """Take what an item has come to; return its number if it is done or given up."""
        if number not in self._running or self._running[number].key != future.key:  # of an earlier trial
            return None
        del self._running[number]
        if future.status == "finished":
            self._take(number, future)
        elif future.status == "error":
            failure, final = self._cause(number, future)
            tried = self._tried.setdefault(number, [])
            tried.append(failure.worker)
            if self._killed(future) and number not in self._alone:
                # dask blames all items that a dead worker was given: which one it was is seen when each is done alone
                log.warning("%s; it is tried again when all else is done", failure)
                self._suspects.append(number)
                self.standing.again += 1
                return None
            if not final and len(tried) <= self.limits.retries:
                log.warning("%s; it is tried again\n%s", failure, failure.traceback)
                self._submit([number])
                self.standing.again += 1
                return None
            log.error("%s; it is given up\n%s", failure, failure.traceback)
            self.failures[number] = failure
            self.standing.failed += 1
            self._take(number, None)
        else:  # cancelled or lost, and not by us: what it needs has gone with a worker, or workers were restarted by hand
            times = self._forgotten[number] = self._forgotten.get(number, 0) + 1
            if self.client.status != "running" or times > self.limits.retries + 1:
                raise self._gone()
            log.warning("%s: dask has dropped it; it is tried again", self.items[number])
            self._shared = self._share()
            self._submit([number])
            return None
        self._left -= 1
        self._tried.pop(number, None)
        return number

    @staticmethod
    def _killed(future: Future) -> bool:
        from distributed.scheduler import KilledWorker

        return isinstance(future.exception(), KilledWorker)

    def _cause(self, number: int, future: Future) -> tuple[Failure, bool]:
        """Return why an item failed, and whether it is of no use to try it again."""
        error: Any = future.exception()
        item = str(self.items[number])
        if isinstance(error, on_worker.ItemError):
            return Failure(item, error.worker, error.why, error.trace, error.final), error.final
        if self._killed(future):
            worker = getattr(error.last_worker, "address", "")
            return Failure(item, worker, "the worker died at it, and so did others before (out of memory?)"), True
        trace = "".join(traceback.format_tb(future.traceback()))
        return Failure(item, "", f"{type(error).__name__}: {error}", trace), False

    def result(self, future: Future) -> Done:
        """Return what a future gives.

        Raises
        ------
        SchedulerGoneError
            If the scheduler goes away meanwhile.
        """
        while True:
            try:
                done: Done = future.result(timeout=LOOK)
                return done
            except TimeoutError:
                if future.done():
                    raise
                self._look()
            except Exception as error:
                if self.client.status != "running":
                    raise self._gone() from error
                raise

    def _look(self) -> None:
        """Look after scheduler and workers, from time to time."""
        now = time.monotonic()
        if now - self._looked < LOOK:
            return
        self._looked = now
        if self.client.status != "running":
            if self.client.status == "closed" or now - self._seen > self.limits.gone:
                raise self._gone()
            return
        workers = self._workers()
        if workers is None:
            if now - self._seen > self.limits.gone:
                raise self._gone()
            return
        self._seen = now
        self.standing.workers = len(workers)
        self._replace(now)
        if now - self._moved > ALONE and not self.standing.workers:
            log.warning("no worker for %.0f s; %d of %d tasks wait", now - self._moved, self._left, len(self.items))
            self._moved = now

    def _replace(self, now: float) -> None:
        """Have workers started in the place of those that are gone: batch systems end a job, and dask asks for no other."""
        wanted, cluster = self.standing.wanted, self.client.cluster
        if wanted is None or cluster is None or (self.standing.workers or 0) >= wanted:
            self._complete = now
        elif now - self._complete > REPLACED:
            cluster.scale(wanted)
            self._complete = now

    def _workers(self) -> Sequence[str] | None:
        """Return the addresses of all workers; None where the scheduler does not answer."""
        try:
            return list(self.client.sync(self.client.scheduler.ncores, callback_timeout=ANSWER))
        except OSError:
            return None

    def _gone(self) -> SchedulerGoneError:
        msg = (
            f"the dask scheduler went away; {self._left} of {len(self.items)} tasks were not done. "
            "What is done is kept: the same command goes on from there"
        )
        return SchedulerGoneError(msg)
