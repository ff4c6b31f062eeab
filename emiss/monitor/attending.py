"""The monitor at work: it watches in a thread of its own until it ends, or a signal asks for the end."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

    from emiss.monitor.watch import Event, Watch

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

STEP = 0.2
"""Seconds between two looks whether all is over."""


class Attending:
    """Lets a monitor watch in the background, and hands on what happens.

    Parameters
    ----------
    watch : Watch
    tell : sequence of callable
        Each is given what happens.
    once : bool
    until : callable
        See `Watch.run`.

    Attributes
    ----------
    failed : threading.Event
        Set when the monitor cannot go on; `end` then raises why.
    """

    def __init__(
        self,
        watch: Watch,
        tell: Sequence[Callable[[Event], None]],
        *,
        once: bool = False,
        until: Callable[[], bool] = lambda: False,
    ) -> None:
        self.watch, self.tell = watch, tell
        self.failed = threading.Event()
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._watch, args=(once, until), name="monitor", daemon=True)
        self._thread.start()

    def wait(self, step: Callable[[], None] = lambda: None) -> None:
        """Wait for the end, or for a signal; `step` is called now and then."""
        with _signals_end(self._stop):
            while self._thread.is_alive():
                step()
                self._thread.join(STEP)

    def end(self) -> None:
        """End it, and raise what went wrong."""
        self._stop.set()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _watch(self, once: bool, until: Callable[[], bool]) -> None:
        try:
            for event in self.watch.run(self._stop, once=once, until=until):
                for tell in self.tell:
                    tell(event)
        except BaseException as error:  # noqa: BLE001 - it is raised where somebody hears it
            self._error = error
            self.failed.set()


@contextmanager
def _signals_end(stop: threading.Event) -> Iterator[None]:
    """Let signals set an event, but those that are ignored."""

    def heard(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    heard_of = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    if threading.current_thread() is not threading.main_thread():
        heard_of = []
    before = {number: signal.signal(number, heard) for number in heard_of}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
