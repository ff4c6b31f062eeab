"""``emiss doctor``: what emiss runs on, and what of it will make trouble."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from emiss.terminal import print_table


def doctor(
    folder: Annotated[Path, typer.Argument(metavar="[FOLDER]", help="Where outputs will go.")] = Path(),
    json_: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Look at versions, compiled code, plug-ins, disk and cores; ends with 1 where something will not work.

    For example:

      emiss doctor

      emiss doctor /data/out --json
    """
    from emiss.check.machine import findings

    found = findings(folder)
    if json_:
        typer.echo(json.dumps([asdict(one) for one in found], indent=1))
    else:
        from rich.table import Table

        table = Table("what", "found", "", box=None, pad_edge=False)
        for one in found:
            table.add_row(one.what, one.found, one.wrong, style="" if not one.wrong else "yellow")
        print_table(table)
    if any(one.wrong for one in found):
        raise typer.Exit(1)
