"""How tasks are run: one after the other, or in processes. Each yields results as they are ready, in any order."""

from __future__ import annotations

import multiprocessing
import traceback
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Literal

from configs.errors import EmissError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

    from emiss.task import Setup, Task
    from emiss.worker import Done, Worker

Executor = Literal["serial", "processes"]

STALL = 1800.0
"""Seconds without any finished task after which a job gives up instead of hanging."""


class TaskError(EmissError):
    """A task failed for a reason that is not the user's; carries file, entry range and the worker's traceback."""


def run(setup: Setup, tasks: Sequence[Task], executor: Executor = "serial", workers: int = 1) -> Iterator[Done]:
    """Yield the result of every task.

    Raises
    ------
    UserError
        What a task found wrong with the input.
    TaskError
        If a task failed or a worker died.
    """
    if executor == "serial":
        yield from _serial(setup, tasks)
    else:
        yield from _processes(setup, tasks, workers)


def _serial(setup: Setup, tasks: Sequence[Task]) -> Iterator[Done]:
    from emiss.worker import Worker

    worker = Worker(setup)
    for task in tasks:
        yield _guarded(worker, task)


def _guarded(worker: Worker, task: Task) -> Done:
    """Run a task; any failure but a user's mistake comes back with its place and traceback."""
    try:
        return worker.run(task)
    except EmissError:
        raise
    except Exception as error:
        msg = f"{task}: {type(error).__name__}: {error}\n{traceback.format_exc()}"
        raise TaskError(msg) from error


def _processes(setup: Setup, tasks: Sequence[Task], workers: int) -> Iterator[Done]:
    # spawn: a forked child would inherit locks held by threads of the libraries and could hang
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(setup,)) as pool:
        pending: dict[Future[Done], Task] = {pool.submit(_work, task): task for task in tasks}
        try:
            while pending:
                ready, _ = wait(pending, timeout=STALL, return_when=FIRST_COMPLETED)
                if not ready:
                    waiting = ", ".join(str(task) for task in list(pending.values())[:workers])
                    msg = f"no task finished in {STALL:.0f} s; waiting for {waiting}"
                    raise TaskError(msg)
                for future in ready:
                    task = pending.pop(future)
                    try:
                        yield future.result()
                    except BrokenProcessPool:
                        msg = f"{task}: a worker process died (out of memory, or killed)"
                        raise TaskError(msg) from None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()
            raise


class _Slot:
    """The one worker of a worker process."""

    worker: Worker | None = None


def _begin(setup: Setup) -> None:
    from emiss.worker import Worker

    _Slot.worker = Worker(setup)


def _work(task: Task) -> Done:
    if _Slot.worker is None:
        msg = "the worker process was not set up"
        raise RuntimeError(msg)
    return _guarded(_Slot.worker, task)
