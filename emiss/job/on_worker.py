"""What runs on the workers of a dask cluster: an item of some work, or a sum of results.

An item is done in a thread of its own, so that one which hangs can be told: the worker says so, and ends itself.
"""

from __future__ import annotations

import os
import threading
import time
import traceback
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from emiss.configs.errors import UserError, of_surroundings
from emiss.job.identity import differences, identity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from emiss.job.work import Work

Item = TypeVar("Item")
Done = TypeVar("Done")

KEPT = 2
"""Pieces of work that stay started in a process: jobs that share a cluster take turns on its workers."""

LAST_WORDS = 2.0
"""Seconds in which a worker that ends itself tells the scheduler why."""


class ItemError(Exception):
    """An item failed on a worker; `final` where no other worker would do better."""

    def __init__(self, worker: str, why: str, trace: str = "", *, final: bool = False) -> None:
        super().__init__(worker, why, trace, final)
        self.worker, self.why, self.trace, self.final = worker, why, trace, final

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.worker, self.why, self.trace, self.final)


def _again(worker: str, why: str, trace: str, final: bool) -> ItemError:
    return ItemError(worker, why, trace, final=final)


@dataclass(frozen=True)
class Shared(Generic[Item, Done]):
    """What all items of one piece of work share; `token` names it, `expected` is the `identity` of who wants it done."""

    work: Work[Item, Done]
    token: str
    expected: dict[str, str]
    stall: float


@dataclass
class _Idle:
    """Work that was started in this process, by token; whoever does an item takes one out meanwhile."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    started: defaultdict[str, list[Callable[[Any], Any]]] = field(default_factory=lambda: defaultdict(list))


_idle = _Idle()


@dataclass
class _Counted:
    """Events of the items that were done in this process, and the seconds they took: columns of dask's table of workers."""

    events: int = 0
    seconds: float = 0.0

    def add(self, events: int, seconds: float) -> None:
        if events:
            self.events += events
            self.seconds += seconds

    def show_on(self, worker: Any) -> None:
        if "events" in worker.metrics:
            return
        worker.metrics["events"] = lambda _: self.events
        worker.metrics["events_per_s"] = lambda _: round(self.events / self.seconds, 1) if self.seconds else 0.0


_counted = _Counted()


def share(shared: Shared[Item, Done]) -> Shared[Item, Done]:
    """Return what it is given: as a result of a task, it can be made again where it was lost."""
    return shared


def who() -> dict[str, str]:
    """Return the identity of a worker."""
    return identity()


def do(item: Item, shared: Shared[Item, Done]) -> Done:
    """Do one item.

    Raises
    ------
    ItemError
        If it cannot be done, or takes too long; in the latter case the worker ends soon after.
    """
    from distributed import get_worker

    worker = get_worker()
    here = worker.address
    _counted.show_on(worker)
    found: list[Done | BaseException] = []
    begun = time.monotonic()
    thread = threading.Thread(target=_try, args=(shared, item, found), name="emiss-item", daemon=True)
    thread.start()
    thread.join(shared.stall)
    if not found:
        leaving = threading.Timer(LAST_WORDS, os._exit, (1,))
        leaving.daemon = True
        leaving.start()
        raise ItemError(here, f"did not end within {shared.stall:g} s")
    result = found[0]
    if not isinstance(result, BaseException):
        _counted.add(getattr(item, "events", 0), time.monotonic() - begun)
        return result
    if isinstance(result, UserError):
        raise ItemError(here, result.render(), final=True)
    trace = "".join(traceback.format_exception(result))
    outside = of_surroundings(result, str(item))
    why = outside.render() if outside is not None else f"{type(result).__name__}: {result}"
    raise ItemError(here, why, trace)


def add_up(add: Callable[[Sequence[Done]], Done], parts: list[Done]) -> Done:
    """Return the sum of some results."""
    return add(parts)


def _try(shared: Shared[Item, Done], item: Item, found: list[Done | BaseException]) -> None:
    try:
        done = _started(shared)
        result = done(item)
    except BaseException as error:  # noqa: BLE001 - told by who waits
        found.append(error)
        return
    with _idle.lock:
        if shared.token in _idle.started:
            _idle.started[shared.token].append(done)
    found.append(result)


def _started(shared: Shared[Item, Done]) -> Callable[[Item], Done]:
    """Return work that is ready for an item: one that is idle, or another one."""
    with _idle.lock:
        if shared.token not in _idle.started:
            while len(_idle.started) >= KEPT:
                del _idle.started[next(iter(_idle.started))]
        waiting = _idle.started[shared.token]
        if waiting:
            return waiting.pop()
    if wrong := differences(shared.expected, identity()):
        raise UserError("this worker has " + "; ".join(wrong))
    return shared.work.start()
