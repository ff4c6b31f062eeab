"""Signals that end the command line: one line is printed, what is half written goes, the exit code is 128 + signal.

A signal becomes an exception, so that every ``with`` and ``finally`` on the way clears up. Python raises it wherever it
happens to be, and in a callback of a library (a destructor, a weak reference, LLVM) an exception is printed and dropped:
the job would go on. So the exception is raised again until it has arrived. Only the standard library is imported here,
because the time that the other imports take is part of what can be interrupted.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

AGAIN = 0.2
"""Seconds after which it is looked whether the exception is still on its way."""

PATIENCE = 10.0
"""Seconds that clearing up may take."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(SystemExit):
    """A signal asked the process to end; not a `KeyboardInterrupt`, which libraries answer in their own ways."""


class _Ending:
    """What has been asked for, and whether it is being done."""

    def __init__(self) -> None:
        self.signum = 0
        self._begun = 0.0
        self._left = False
        self._heard = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        self._before = {number: signal.getsignal(number) for number in (*self._heard, signal.SIGALRM)}
        self._hook = sys.unraisablehook

    def listen(self) -> None:
        """Take the signals, except those that are ignored (nohup, a job in the background)."""
        sys.unraisablehook = self._on_dropped
        signal.signal(signal.SIGALRM, self._on_alarm)
        for number in self._heard:
            signal.signal(number, self._on_signal)

    def restore(self) -> None:
        """Leave the signals as they were found; at the end of the interpreter, with all work done, they say nothing more."""
        atexit.register(self._ignore)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        sys.unraisablehook = self._hook

    def leave(self) -> NoReturn:
        """Say why the process ends, and end it; from here on nothing interrupts any more."""
        self._left = True
        self._ignore()
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        _say(self.signum)
        sys.exit(128 + self.signum)

    def _on_signal(self, signum: int, _frame: FrameType | None) -> None:
        """Begin to end; a second signal changes nothing, `PATIENCE` is the end of all waiting."""
        if self.signum:
            return
        self.signum, self._begun = signum, time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, AGAIN, AGAIN)
        raise Interrupted(128 + signum)

    def _on_alarm(self, _signum: int, _frame: FrameType | None) -> None:
        """Raise again what was dropped."""
        if time.monotonic() - self._begun > PATIENCE:
            os._exit(128 + self.signum)
        if not self._left and not _on_its_way(sys.exception()):
            raise Interrupted(128 + self.signum)

    def _on_dropped(self, unraisable: sys.UnraisableHookArgs) -> None:
        """Say nothing of an `Interrupted` that was dropped, it comes again; report all else as always."""
        if not _on_its_way(unraisable.exc_value):
            self._hook(unraisable)

    def _ignore(self) -> None:
        for number in self._heard:
            signal.signal(number, signal.SIG_IGN)


def _on_its_way(error: BaseException | None) -> bool:
    """Return whether an exception is, or came up while handling, an `Interrupted`."""
    while error is not None and not isinstance(error, Interrupted):
        error = error.__context__
    return error is not None


def _say(signum: int) -> None:
    start = "\r" if sys.stderr.isatty() else ""  # over the ^C that the terminal shows
    with suppress(OSError, ValueError):  # nobody may be there to read it
        sys.stderr.write(f"{start}interrupted by {signal.Signals(signum).name}\n")
        sys.stderr.flush()


@contextmanager
def ends_on_signals() -> Iterator[None]:
    """End the process if a signal asks for it while the block runs.

    Whatever the block ends with after the signal, an error of its own included, gives way to the one line and the exit
    code. Outside the main thread nothing is changed: only that one can be told of signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ending = _Ending()
    try:
        ending.listen()
        yield
    finally:
        if ending.signum:
            ending.leave()
        ending.restore()
