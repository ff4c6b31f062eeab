"""``emiss check``: what is wrong with files and configs, without running anything."""

from __future__ import annotations

from typing import Annotated

import typer

from emiss.commands import completing
from emiss.commands.plain import Json, mistake, put
from emiss.terminal import say, warn

MISTAKES = 2


def check(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="FILES|CONFIGS...", help="Run files, tables, YAML files, conditions; names of what ships."
        ),
    ],
    detector: Annotated[
        str | None,
        typer.Option(
            autocompletion=completing.setups,
            help="Detector that run files and analyses are checked for.  [default: na64e_lfc]",
        ),
    ] = None,
    reader: Annotated[
        str | None,
        typer.Option(
            autocompletion=completing.maps,
            help="Map that foreign files and analyses are checked for: a name, or a file.",
        ),
    ] = None,
    json_: Json = False,
) -> None:
    """Check run files, event tables and configs without running; prints one line each, and all mistakes found.

    Analyses are checked against what is given with them: the columns of tables and files, the samples of run lists.

    For example:

      emiss check my_runs.yaml my_cuts.yaml

      emiss check my_cuts.yaml out/demo/tables

      emiss check my_map.yaml my_cuts.yaml events.root

      emiss check run-003855.dat calib/2026/pedestals.txt

      emiss check invisible --detector na64e_2023
    """
    from emiss.check.files import check as check_all
    from emiss.events.location import located

    found = check_all([located(path) for path in paths], detector=detector, reader=reader)
    if json_:
        problems = [mistake(error) for error in found.problems.errors]
        put({"good": found.lines, "warnings": found.warnings, "mistakes": problems})
        if problems:
            raise typer.Exit(MISTAKES)
        return
    for line in found.lines:
        say(line)
    for line in found.warnings:
        warn(line)
    found.problems.check()
