"""How items of some work are done on this machine: one after the other, or in processes.

Processes end with the job, however that ends: a worker that is told to leaves by way of its task, so that no unfinished table
stays behind, and it looks itself whether the process that started it is still there.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
import traceback
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import connection, parent_process
from multiprocessing.context import SpawnContext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeVar

from emiss.configs.errors import EmissError, of_surroundings
from emiss.events.location import one_ahead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future
    from multiprocessing.process import BaseProcess
    from multiprocessing.sharedctypes import Synchronized
    from types import FrameType

    from emiss.job.work import Work

Item = TypeVar("Item")
Done = TypeVar("Done")

STALL = 1800.0
"""Seconds without any finished task after which a job gives up instead of hanging."""

PATIENCE = 5.0
"""Seconds that a worker has to leave before it is killed."""

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""What may ask this process to end."""

PIPE = 1 << 15
"""Bytes that a pipe surely takes at once."""

AHEAD = 4
"""Items per worker that are handed out, or done and not yet taken, at a time."""


class TaskError(EmissError):
    """A task failed for a reason that is not the user's; carries file, entry range and the worker's traceback."""


def run(
    work: Work[Item, Done],
    items: Sequence[Item],
    executor: Literal["serial", "processes"] = "serial",
    workers: int = 1,
    *,
    ordered: bool = False,
) -> Iterator[tuple[int, Done]]:
    """Yield number and result of every item, as soon as they are ready or, if `ordered`, in the order of the items.

    Raises
    ------
    UserError
        What was found wrong with the input.
    TaskError
        If an item failed or a worker died.
    """
    if executor == "serial":
        yield from _serial(work, items)
    else:
        yield from _processes(work, items, workers, ordered=ordered)


def _serial(work: Work[Item, Done], items: Sequence[Item]) -> Iterator[tuple[int, Done]]:
    do = work.start()
    for number, item in enumerate(one_ahead(items, _read_by)):
        yield number, _guarded(do, item)


def _read_by(item: object) -> Path | None:
    """Return the file that an item is about, if it is about one."""
    file = getattr(item, "file", None)
    return file if isinstance(file, Path) else None


def _guarded(do: Callable[[Item], Done], item: Item) -> Done:
    """Do an item; any failure but a user's mistake comes back with its place and traceback."""
    try:
        return do(item)
    except EmissError:
        raise
    except Exception as error:
        if (outside := of_surroundings(error, str(item))) is not None:
            raise outside from error
        msg = f"{item}: {type(error).__name__}: {error}\n{traceback.format_exc()}"
        raise TaskError(msg) from error


class _Context(SpawnContext):
    """Starts processes anew and remembers them: only these are the job's to end.

    Spawned, not forked: a forked child would inherit locks held by threads of the libraries and could hang.
    """

    def __init__(self) -> None:
        super().__init__()
        self.started: list[BaseProcess] = []

    def Process(self, *args: Any, **options: Any) -> BaseProcess:  # type: ignore[override] # noqa: N802 - its name there
        process = SpawnContext.Process(*args, **options)
        self.started.append(process)
        return process

    def stop(self) -> None:
        """End the processes: by their own way out first, by force after `PATIENCE`."""
        for process in self.started:
            process.terminate()
        last = time.monotonic() + PATIENCE
        for process in self.started:
            process.join(max(0.0, last - time.monotonic()))
        for process in self.started:
            if process.is_alive():
                process.kill()
                process.join()


def _processes(
    work: Work[Item, Done], items: Sequence[Item], workers: int, *, ordered: bool
) -> Iterator[tuple[int, Done]]:
    workers = max(1, min(workers, len(items)))
    context = _Context()
    # what each worker is at: its process and the number of its item
    board, taken = context.RawArray("q", 2 * workers), context.Value("i", 0)
    pending: dict[Future[Done], int] = {}
    held: dict[int, Done] = {}
    given = turn = 0
    with (
        _handed(work) as told,
        ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(told, board, taken)) as pool,
    ):
        try:
            while turn < len(items):
                more = range(given, min(len(items), turn + AHEAD * workers))
                with _undisturbed():
                    pending |= {pool.submit(_work, n, items[n]): n for n in more}
                given += len(more)
                ready, _ = wait(pending, timeout=STALL, return_when=FIRST_COMPLETED)
                if not ready:
                    raise TaskError(_stalled(board, sorted(pending.values()), items, workers))
                for future in ready:
                    number = pending.pop(future)
                    try:
                        held[number] = future.result()
                    except BrokenProcessPool:
                        raise TaskError(_obituary(context.started, board, items)) from None
                while held and (turn in held or not ordered):
                    number = turn if ordered else next(iter(held))
                    yield number, held.pop(number)
                    turn += 1
        except BaseException:
            context.stop()  # the thread of the pool ends with them, which is waited for: at exit it would be in the way
            raise


@contextmanager
def _handed(work: Work[Item, Done]) -> Iterator[Work[Item, Done] | Path]:
    """Yield what workers are told of the work: itself, or the file that it is in where it is large.

    A process that starts is told through a pipe, and one that ends before it has read it all would never let this process go.
    """
    told = pickle.dumps(work)
    if len(told) < PIPE:
        yield work
        return
    with TemporaryDirectory(prefix="emiss-") as folder:
        path = Path(folder) / "work"
        path.write_bytes(told)
        yield path


def _stalled(board: Any, left: Sequence[int], items: Sequence[Item], workers: int) -> str:
    """Return which items the workers are at that have not ended anything for too long."""
    at = [n for pid, n in zip(board[::2], board[1::2], strict=True) if pid and n in left]
    waiting = ", ".join(str(items[n]) for n in sorted(at or left[:workers]))
    return f"no task finished in {STALL:.0f} s; waiting for {waiting}"


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Start workers whole, whatever signal comes meanwhile: this process hears it at the end, they do not hear Ctrl-C.

    The mask is for the workers, which inherit it. For this process it is not enough: another of its threads may take a signal,
    whose handler then runs in the main thread, and a worker that was told half of what to do ends in a traceback.
    """
    heard: list[tuple[int, FrameType | None]] = []

    def later(number: int, frame: FrameType | None) -> None:
        heard.append((number, frame))
        if len(heard) > 1:  # who asks twice does not wait
            before[number](number, frame)

    before: dict[int, Callable[[int, FrameType | None], object]] = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: how for number in SIGNALS if callable(how := signal.getsignal(number))}
    masks = hasattr(signal, "pthread_sigmask")
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if masks else set()
    for number in before:
        signal.signal(number, later)
    try:
        yield
    finally:
        for number, how in before.items():
            signal.signal(number, how)
        if masks:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, frame in heard[:1]:
            before[number](number, frame)


def _obituary(processes: Sequence[BaseProcess], board: Any, items: Sequence[Item]) -> str:
    """Return which worker died, of what and at which task; the others were ended by the pool."""
    at = dict(zip(board[::2], board[1::2], strict=True))
    last = time.monotonic() + PATIENCE
    # the pool's own thread may be reaping them: for a moment neither it nor we know how a process ended
    while any(process.exitcode is None for process in processes) and time.monotonic() < last:
        time.sleep(0.01)
    own = [process for process in processes if process.exitcode not in (0, None, _LEFT, -signal.SIGTERM)]
    died = next(iter(own), None)
    if died is None:
        return "a worker process was ended from outside"
    code = died.exitcode or 0
    how = f"was killed by {signal.Signals(-code).name} (out of memory?)" if code < 0 else f"died with exit code {code}"
    if died.pid not in at:
        return f"a worker process {how} before its first task"
    return f"{items[at[died.pid]]}: the worker process at it {how}"


_LEFT = 128 + signal.SIGTERM
"""Exit code of a worker that was told to leave."""


class _Leave(BaseException):
    """A worker is told to leave; raised inside its task, so that the unfinished table is removed on the way out."""


class _Slot:
    """What a worker process does items with, or why there is nothing; its place on the board."""

    do: Callable[[Any], Any] | None = None
    error: Exception | None = None
    board: Any = None
    place: int = 0
    busy: bool = False
    leaving: bool = False


def _begin(told: Work[Any, Any] | Path, board: Any, taken: Synchronized[int]) -> None:
    threading.Thread(target=_watch, name="emiss-watch", daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _told_to_leave)
    with taken.get_lock():
        _Slot.place, taken.value = taken.value, taken.value + 1
    _Slot.board = board
    try:
        work = pickle.loads(told.read_bytes()) if isinstance(told, Path) else told
        _Slot.do = work.start()
    except Exception as error:  # noqa: BLE001 - told by the first task: here, the pool would only say that it broke
        _Slot.error = error


def _watch() -> NoReturn:
    """Wait for the end of the process that started this one, and leave.

    The sentinel is a pipe that closes with it; who else was given the pipe (a fork of a user's own) could keep it open.
    """
    parent = parent_process()
    while parent is not None and not connection.wait([parent.sentinel], 1.0) and os.getppid() == parent.pid:
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE)
    os._exit(_LEFT)


def _told_to_leave(_number: int, _frame: FrameType | None) -> NoReturn:
    _Slot.leaving = True
    if not _Slot.busy:
        os._exit(_LEFT)
    raise _Leave


def _work(number: int, item: Item) -> Any:
    _Slot.board[2 * _Slot.place : 2 * _Slot.place + 2] = os.getpid(), number
    try:
        _Slot.busy = True
        if _Slot.do is None:
            msg = f"{item}: the worker was not set up: {_Slot.error}"
            raise _Slot.error if isinstance(_Slot.error, EmissError) else TaskError(msg) from _Slot.error
        return _guarded(_Slot.do, item)
    finally:
        _Slot.busy = False
        if _Slot.leaving:
            os._exit(_LEFT)
