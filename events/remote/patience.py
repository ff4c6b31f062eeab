"""How long a server is waited for, how often it is asked again, and what is said when that was in vain."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

from emiss.configs.errors import Location, UserError
from emiss.events.remote.address import shown, shown_in

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

TIMEOUT, TRIES, PAUSE = 20.0, 3, 0.5
"""Seconds without a byte, tries without a byte, seconds before the second try (twice as many before each further one)."""

SLOWEST = 50_000.0
"""Bytes per second: who waits for an answer as a whole waits `TIMEOUT` longer than it takes at this rate."""


class Retry(Exception):  # noqa: N818 - no error yet
    """Something that may go better the next time; its text is what is said when it does not."""


class Refused(Exception):  # noqa: N818 - the server's, and not ours
    """Something that will not go better: its text, and what to do about it."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class NotThereError(Refused):
    """There is no such file."""


def patiently(address: str, ask: Callable[[], T], progress: list[bool] | None = None) -> T:
    """Ask a server until it answers, at most `TRIES` times without any progress; return the answer.

    Parameters
    ----------
    address : str
        For messages, in which nothing secret of it stands.
    ask : callable
        Raises `Retry` or `Refused`.
    progress : list of one bool, optional
        Set by `ask`: whether something came before it failed, so that it counts as a first try again.

    Raises
    ------
    UserError
        If it does not.
    """
    tries = 0
    while True:
        try:
            return ask()
        except Refused as error:
            raise UserError(shown_in(str(error)), at=Location(shown(address)), hint=error.hint) from error
        except Retry as error:
            tries = 1 if progress and progress[0] else tries + 1
            if tries >= TRIES:
                said = f"{shown_in(str(error))} ({tries} tries)"
                hint = "try again later: what is done already is kept"
                raise UserError(said, at=Location(shown(address)), hint=hint) from error
        time.sleep(PAUSE * 2 ** (tries - 1))


def within(seconds: float, work: Callable[[], T]) -> T:
    """Return what a function returns, which is waited for no longer than some seconds.

    Raises
    ------
    Retry
        If it takes longer: it goes on in a thread of its own, and what it gives is not taken any more.
    """
    found: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            found.append(work())
        except BaseException as error:  # noqa: BLE001 - raised by who waits
            failed.append(error)

    thread: Any = threading.Thread(target=run, name="emiss-remote", daemon=True)
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed[0]
    if not found:
        msg = f"the server is silent for {seconds:.3g} s"
        raise Retry(msg)
    return found[0]
