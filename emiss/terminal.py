"""What the command line shows while it works and when it ends: progress bars, tables, messages, the log file."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rich.console import Console


def console(*, stderr: bool = False) -> Console:
    """Return a console that is as wide as the terminal, or 120 columns where there is none."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else 120, soft_wrap=False, highlight=False)


def warn(message: str) -> None:
    """Print one line to the error stream."""
    console(stderr=True).print(message, style="yellow", markup=False, soft_wrap=True)


@contextmanager
def progress(
    what: str, total: int | None, *, quiet: bool = False, unit: str = "events"
) -> Iterator[Callable[[int], None]]:
    """Show a bar with rate, count and time left while the block runs; silent if quiet or not on a terminal.

    Yields a function to be called with the number of events done since the last call.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    class Rate(TextColumn):
        def render(self, task):  # type: ignore[no-untyped-def]
            from rich.text import Text

            return Text(f"{task.finished_speed or task.speed or 0:,.0f} {unit}/s")

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f} of {task.total:,.0f}"))
    with Progress(*columns, Rate(""), TimeRemainingColumn(), console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, advance=done)


@contextmanager
def log_to(path: Path) -> Iterator[None]:
    """Write the log of the block to a file, which is opened when there is something to say."""
    handler = logging.FileHandler(path, mode="w", encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("emiss")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
        handler.close()
