"""What the command line shows while it works and when it ends: progress bars, tables, messages, the log file."""

from __future__ import annotations

import logging
import sys
import textwrap
import threading
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rich.console import Console, RenderableType
    from rich.measure import Measurement
    from rich.progress import ProgressColumn, Task
    from rich.table import Column, Table
    from rich.text import Text

LATE = 3.0
"""Seconds of waiting after which a line says so where there is no terminal."""

BAR = 40
"""Columns of a progress bar where the terminal has room for it."""


def console(*, stderr: bool = False) -> Console:
    """Return a console that is as wide as the terminal, or 120 columns where there is none; ``[m]`` is no markup."""
    return _console(sys.stderr if stderr else sys.stdout)


@lru_cache(maxsize=4)
def _console(stream: TextIO) -> Console:
    from rich.console import Console

    return Console(file=stream, width=None if stream.isatty() else 120, soft_wrap=False, highlight=False, markup=False)


def say(message: str, style: str = "", *, stderr: bool = False) -> None:
    """Print a line; on a terminal it is broken between words, never inside a path, and nowhere else at all."""
    screen = console(stderr=stderr)
    if not screen.is_terminal:
        screen.print(message, style=style, soft_wrap=True)
        return
    indent = " " * (len(message) - len(message.lstrip()) + 2)
    for line in textwrap.wrap(
        message, screen.width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    ) or [""]:
        screen.print(line, style=style, soft_wrap=True)


def warn(message: str) -> None:
    """Print one line to the error stream."""
    say(message, "yellow", stderr=True)


def print_table(table: Table) -> None:
    """Print a table in which nothing is cut: what is too wide goes in blocks of columns, each behind the first column.

    Columns that are aligned to the right hold numbers, which stay in one piece; the others hold texts, whose words do.
    """
    from copy import copy

    screen = console()
    if table.title is not None:
        say(str(table.title), "italic")
        table.title = None
    if _measured(screen, table).maximum <= screen.width:
        screen.print(table)
        return
    widths = [_longest_word(screen, column) for column in table.columns]
    around = (_measured(screen, table).minimum - sum(widths)) / len(widths)  # rules and blanks
    blocks: list[list[int]] = [[0]]
    for number in range(1, len(widths)):
        if len(blocks[-1]) > 1 and sum(widths[k] + around for k in (*blocks[-1], number)) > screen.width:
            blocks.append([0])
        blocks[-1].append(number)
    for block in blocks:
        part = copy(table)
        part.columns = [_narrowed(table.columns[number], place, widths[number]) for place, number in enumerate(block)]
        screen.print(part)


def _narrowed(column: Column, place: int, width: int) -> Column:
    """Return a column for another place in a table, as narrow as its words allow."""
    if column.justify == "right":
        return replace(column, _index=place, no_wrap=False, width=width)
    return replace(column, _index=place, no_wrap=False, min_width=width)


def _longest_word(screen: Console, column: Column) -> int:
    from rich.measure import Measurement

    return max(Measurement.get(screen, screen.options, cell).minimum for cell in (column.header, *column.cells))


def _measured(screen: Console, table: Table) -> Measurement:
    """Return the least and the largest width that a table could make use of."""
    from rich.measure import Measurement

    return Measurement.get(screen, screen.options.update(width=10_000), table)


@contextmanager
def progress(
    what: str,
    total: int | None,
    *,
    quiet: bool = False,
    unit: str = "events",
    note: Callable[[], str] | None = None,
) -> Iterator[Callable[[int], None]]:
    """Show a bar with rate, count and time left while the block runs; silent if quiet or not on a terminal.

    Parameters
    ----------
    what : str
        What is done, the beginning of the line.
    total : int, optional
        Number of events there are; None where it is not known, or not to be told.
    quiet : bool
    unit : str
        What is counted.
    note : callable, optional
        Returns what is to be known beside it, or nothing: a second line.

    Yields
    ------
    callable
        To be called with the number of events done since the last call.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.table import Column
    from rich.text import Text

    class Said(ProgressColumn):
        """Count and rate of a task as text."""

        def render(self, task: Task) -> Text:
            return Text(_said(task.completed, task.total, task.finished_speed or task.speed, unit))

    screen = console(stderr=True)
    line = Column(no_wrap=True)
    room = screen.width - len(what) - len(_said(total or 10**9, total or 10**9, 1e6, unit)) - len("-:--:--") - 4
    shown: list[ProgressColumn] = [TextColumn("{task.description}", markup=False, table_column=line), Said(line)]
    if room >= 4:
        shown[1:1] = [BarColumn(min(BAR, room))]
        shown.append(TimeRemainingColumn(table_column=line))

    class Noted(Progress):
        """A bar, and below it what is to be known."""

        def get_renderables(self) -> Iterator[RenderableType]:
            yield from super().get_renderables()
            if note is not None and (said := note()):
                yield Text(f"  {said}", style="yellow", no_wrap=True, overflow="ellipsis")

    with Noted(*shown, console=screen, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, advance=done)


def _said(done: float, total: float | None, speed: float | None, unit: str) -> str:
    of = "" if total is None else f" of {total:,.0f}"
    return f"{done:,.0f}{of}, {speed or 0:,.0f} {unit}/s"


@contextmanager
def waiting(what: str, *, quiet: bool = False) -> Iterator[None]:
    """Show what is waited for, and how long; in plain text once, where there is no terminal and it takes a while."""
    if quiet:
        yield
    elif sys.stderr.isatty():
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()
        with Progress(*columns, console=console(stderr=True), transient=True) as shown:
            shown.add_task(what, total=None)
            yield
    else:
        late = threading.Timer(LATE, say, (what,), {"stderr": True})
        late.daemon = True
        late.start()
        try:
            yield
        finally:
            late.cancel()


@contextmanager
def log_to(path: Path) -> Iterator[None]:
    """Write the log of the block to a file, which is opened when there is something to say."""
    from emiss.events.files.atomic import staged_file

    with staged_file(path) as here:
        handler = logging.FileHandler(here, mode="w", encoding="utf-8", delay=True)
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
