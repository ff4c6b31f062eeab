"""``emiss status``: how far a job is."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emiss.commands.places import a_path
from emiss.commands.plain import Json, put
from emiss.terminal import print_table, say, warn

if TYPE_CHECKING:
    from emiss.job.status import SampleStatus, Status

NOT_COMPLETE = 3


def status(
    out: Annotated[Path, typer.Argument(parser=a_path, metavar="OUT", help="What 'emiss process' was given as --out.")],
    json_: Json = False,
) -> None:
    """Say how far a job is: tables and events done and missing, who is at work, what failed. Exit code 3 if it is not complete.

    For example:

      emiss status out/demo
    """
    from emiss.job.status import status as look

    found = look(out)
    if json_:
        put(_plain(found))
    else:
        _print(found)
    if not found.complete:
        raise typer.Exit(NOT_COMPLETE)


def _print(found: Status) -> None:
    from rich.table import Table

    table = Table("sample", box=None)
    for name in ("tables", "done", "missing", "of another job", "events", "events done"):
        table.add_column(name, justify="right")
    for name, sample in found.samples.items():
        table.add_row(name, *_row(sample))
    print_table(table)
    for owner in found.at_work:
        say(f"at work: {owner}")
    if found.rate:
        left = "" if found.remaining is None else f", about {timedelta(seconds=round(found.remaining))} left"
        say(f"{found.rate:,.0f} events/s{left}")
    for line in found.failures:
        warn(f"failed: {line}")
    say("complete" if found.complete else "not complete; the same 'emiss process' does what is missing")


def _plain(found: Status) -> dict[str, object]:
    """Return a status as plain data; of a hidden sample only whether it is complete."""
    samples = {
        name: {"hidden": True, "complete": one.complete}
        if one.hidden
        else {**asdict(one), "missing": one.missing, "complete": one.complete}
        for name, one in found.samples.items()
    }
    return {
        "complete": found.complete,
        "samples": samples,
        "at_work": [str(owner) for owner in found.at_work],
        "failures": list(found.failures),
        "rate": found.rate,
        "seconds_left": found.remaining,
    }


def _row(sample: SampleStatus) -> list[str]:
    if sample.hidden:
        return ["blinded", "all" if sample.complete else "not all", "", "", "", ""]
    numbers = (sample.tables, sample.done, sample.missing, sample.other, sample.entries, sample.entries_done)
    return [f"{number:,}" for number in numbers]
