"""The pictures that the README opens with: screenshots of its commands' pages, and the figure of a limit.

``make pictures``, or ``python -m docs.pictures out/demo``, where ``make demo`` has been run.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
CHROMIUM = os.environ.get("EMISS_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
SIZE = {"width": 1440, "height": 900}
EMISS = (sys.executable, "-m", "emiss")
PATHS_AS_GIVEN = """folder => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) texts.currentNode.data = texts.currentNode.data.replaceAll(folder, "");
}"""
"""Takes the folder that a command was run in from what a page shows: it differs from one machine to the next."""


def main(tables: str) -> None:
    """Make all pictures from the tables of a job."""
    from playwright.sync_api import sync_playwright

    if CHROMIUM is None:
        sys.exit("needs Chromium (or EMISS_CHROMIUM, its path)")
    if not Path(tables, "tables").is_dir():
        sys.exit(f"{tables} holds no tables: make demo")
    limit(HERE / "limit.png")
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(viewport=SIZE, color_scheme="light")
        page = context.new_page()
        screenshot(page, HERE / "tune.png", ("tune", tables), tuned)
        looked = ("look", f"{tables}/tables/signal", "--analysis", "e_to_mu_phi", "--passing", "missing_energy")
        screenshot(page, HERE / "look.png", looked, first_event)
        browser.close()


def screenshot(page: Any, path: Path, command: tuple[str, ...], ready: Callable[[Any], None]) -> None:
    """Write what the page of a command shows once it is `ready`."""
    with served(*command) as address:
        page.goto(address)
        ready(page)
        page.evaluate(PATHS_AS_GIVEN, f"{Path.cwd()}/")
        page.screenshot(path=path)
    small(path)


def tuned(page: Any) -> None:
    """Wait until the cutflow of all samples is on the page."""
    page.locator("body[data-serial]:not([data-busy])").wait_for()


def first_event(page: Any) -> None:
    """Wait until the first event of the list is drawn."""
    page.locator("body[data-ready][data-shown]").wait_for()


def limit(path: Path) -> None:
    """Write the limit on dark photons at one efficiency for all masses."""
    with tempfile.TemporaryDirectory() as folder:
        plot = Path(folder) / "limit.png"
        command = ("limit", "--search", "invisible", "--flat-efficiency", "0.5", "--plot", str(plot))
        subprocess.run((*EMISS, *command), check=True)
        shutil.copy(plot, path)
    small(path)


@contextmanager
def served(*command: str) -> Iterator[str]:
    """Run a command that serves a page until it is interrupted; gives the page's address."""
    with subprocess.Popen((*EMISS, *command, "--no-open"), stdout=subprocess.PIPE, text=True) as process:
        try:
            found = (re.search(r"http://\S+", line) for line in process.stdout or ())
            address = next((match[0] for match in found if match), None)
            if address is None:
                sys.exit(f"no picture of emiss {' '.join(command)}: it has not served a page")
            yield address
        finally:
            process.send_signal(signal.SIGINT)


def small(path: Path) -> None:
    """Write a picture again, no wider than the screenshots, with 256 colours."""
    with Image.open(path) as picture:
        drawn = picture.convert("RGB")
    drawn.thumbnail((SIZE["width"], SIZE["width"]), Image.Resampling.LANCZOS)
    drawn.quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
