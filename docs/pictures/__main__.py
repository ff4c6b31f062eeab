"""The pictures that the README opens with: screenshots of its commands' pages, and the figure of a limit.

``make pictures``, or ``python -m docs.pictures``, where ``make demo`` has been run. The README names the same commands.
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
TUNE = "tune out/demo"
LOOK = "look out/demo/tables/signal --analysis e_to_mu_phi --passing missing_energy"
LIMIT = "limit --search invisible --flat-efficiency 0.5 --plot limit.png"
EMISS = (sys.executable, "-m", "emiss")
PATHS_AS_GIVEN = """folder => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) texts.currentNode.data = texts.currentNode.data.replaceAll(folder, "");
}"""
"""Takes the folder that a command was run in from what a page shows: it differs from one machine to the next."""


def main() -> None:
    """Make all pictures."""
    from playwright.sync_api import sync_playwright

    if CHROMIUM is None:
        sys.exit("needs Chromium (or EMISS_CHROMIUM, its path)")
    if not Path("out/demo/tables/signal").is_dir():
        sys.exit("there is no out/demo/tables/signal: make demo")
    figure(HERE / "limit.png", LIMIT)
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(viewport=SIZE, color_scheme="light")
        page = context.new_page()
        screenshot(page, HERE / "tune.png", TUNE, tuned)
        screenshot(page, HERE / "look.png", LOOK, first_event)
        browser.close()


def screenshot(page: Any, path: Path, command: str, ready: Callable[[Any], None]) -> None:
    """Write what the page of a command shows once it is `ready`."""
    with served(command) as address:
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


def figure(path: Path, command: str) -> None:
    """Write the figure that a command writes under the same name."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run((*EMISS, *command.split()), check=True, cwd=folder)
        shutil.copy(Path(folder, path.name), path)
    small(path)


@contextmanager
def served(command: str) -> Iterator[str]:
    """Run a command that serves a page until it is interrupted; gives the page's address."""
    with subprocess.Popen((*EMISS, *command.split(), "--no-open"), stdout=subprocess.PIPE, text=True) as process:
        try:
            found = (re.search(r"http://\S+", line) for line in process.stdout or ())
            address = next((match[0] for match in found if match), None)
            if address is None:
                sys.exit(f"no picture of emiss {command}: it has not served a page")
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
    main()
