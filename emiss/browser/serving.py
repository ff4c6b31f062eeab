"""Serving a page until the user ends it: the port, the address, the browser, and the signals."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import sys
import threading
import webbrowser
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from aiohttp import web

from emiss.browser.application import application
from emiss.configs.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from emiss.browser.application import Page

HOST = "127.0.0.1"
TOKEN_BYTES = 24
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""That end it."""

PATIENCE = 1.0
"""Seconds that answers which are on their way may take at the end."""


def listen(port: int = 0) -> socket.socket:
    """Return a socket of this machine alone; 0 takes any port that is free.

    Raises
    ------
    UserError
        If somebody has the port already.
    """
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "posix":  # a port that was given back a moment ago is free
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((HOST, port))
        made.listen(16)
    except OSError as error:
        made.close()
        raise UserError(f"--port {port}: {error.strerror}", hint="leave --port out: a free one is taken") from None
    return made


def serve(page: Page, on: socket.socket, ready: Callable[[str], None], stop: threading.Event | None = None) -> None:
    """Serve a page until a signal ends it, or `stop` is set by another thread.

    Parameters
    ----------
    page : Page
    on : socket
        From `listen`; it is closed in the end.
    ready : callable
        Called with the address of the page when it can be opened.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with _signals_kept():
        asyncio.run(_serve(page, token, on, ready, stop))


async def _serve(
    page: Page, token: str, on: socket.socket, ready: Callable[[str], None], stop: threading.Event | None
) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def heard(_number: int, _frame: FrameType | None) -> None:
        with suppress(RuntimeError):  # a second one, when the loop has gone
            loop.call_soon_threadsafe(ended.set)

    if threading.current_thread() is threading.main_thread():
        # not those of the loop: with it they end, and what comes a moment later would be a KeyboardInterrupt
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup, a job in the background
                signal.signal(number, heard)
    runner = web.AppRunner(application(page, token), access_log=None, shutdown_timeout=PATIENCE)
    await runner.setup()
    try:
        await web.SockSite(runner, on).start()
        ready(f"http://{HOST}:{on.getsockname()[1]}/{token}/")
        while not ended.is_set() and not (stop is not None and stop.is_set()):
            try:
                await asyncio.wait_for(ended.wait(), None if stop is None else 0.05)
            except TimeoutError:
                continue
    finally:
        await runner.cleanup()


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Give the signals back as they were."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def has_screen() -> bool:
    """Return whether a browser on this machine would be seen by the user."""
    if "SSH_CONNECTION" in os.environ:
        return False
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def open_browser(address: str) -> bool:
    """Open a page in the browser of the user; return whether there is one."""
    try:
        return webbrowser.open(address)
    except (webbrowser.Error, OSError):
        return False


def tunnel(address: str) -> str:
    """Return the command that brings a page from this machine to another one's browser."""
    port = address.split(":")[2].split("/", maxsplit=1)[0]
    user = os.environ.get("USER") or os.environ.get("LOGNAME") or "USER"
    return f"ssh -N -L {port}:{HOST}:{port} {user}@{socket.gethostname()}"
