"""Pages in a real browser, for the tests: a page that is served from another thread, and a browser that looks at it."""

from __future__ import annotations

import os
import shutil
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from emiss.browser import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emiss.browser.application import Page

CHROMIUM = os.environ.get("EMISS_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


@contextmanager
def chromium(playwright: Any) -> Iterator[Any]:
    """A browser without windows."""
    with playwright.sync_playwright() as running:
        began = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield began
        began.close()


@contextmanager
def served(page: Page) -> Iterator[str]:
    """Serve a page from another thread; gives its address."""
    said: list[str] = []
    began, stop = threading.Event(), threading.Event()

    def ready(address: str) -> None:
        said.append(address)
        began.set()

    thread = threading.Thread(target=serving.serve, args=(page, serving.listen(), ready, stop))
    thread.start()
    try:
        assert began.wait(20)
        yield said[0]
    finally:
        stop.set()
        thread.join(20)


@contextmanager
def opened(browser: Any, address: str, there: str, width: int = 1300, height: int = 900, **given: Any) -> Iterator[Any]:
    """Open a page and wait until `there` is in it; a mistake of its script or a file from elsewhere fails the test."""
    context = browser.new_context(viewport={"width": width, "height": height}, **given)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "console", lambda said: wrong.append(said.text) if said.type == "error" and "422" not in said.text else None
    )
    ours = (address, "data:", f"blob:{address.rpartition('/')[0].rpartition('/')[0]}")
    page.on("request", lambda asked: None if asked.url.startswith(ours) else wrong.append(asked.url))
    page.goto(address)
    page.locator(there).wait_for()
    yield page
    context.close()
    assert wrong == []
