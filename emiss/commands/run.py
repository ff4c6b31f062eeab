"""``emiss run``: a search from its set-up to its limit: samples, cuts, cutflow, limit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from emiss.commands.executing import Executing
from emiss.commands.grouped import grouped


@dataclass(frozen=True)
class Search:
    """Which search, how much of it, and where it goes."""

    name: Annotated[str, typer.Argument(metavar="SEARCH", help="A search that ships, or a file.")]
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder; default out/SEARCH.")] = None
    mass: Annotated[list[str] | None, typer.Option(help="Mass with unit, instead of the file's; may be repeated.")] = (
        None
    )
    events: Annotated[int | None, typer.Option(min=1, help="Events of each sample. Default: 400.")] = None
    on_target: Annotated[
        str | None, typer.Option(help="Particles on target of one period, or which reading of the exposures is taken.")
    ] = None
    periods: Annotated[str | None, typer.Option(help="Periods by name: A..B, A,B. Default: those of the search.")] = (
        None
    )
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False


@grouped
def run(search: Search, executing: Executing) -> None:
    """Run a search: simulate signal and backgrounds, reconstruct, cut, and set the limit.

    The folder gets the limit (limit.json, limit.csv, limit.png) and, in cutflow/SET-UP, the cutflow with its reports. What was
    interrupted goes on with the same command.

    For example:

      emiss run invisible --out out/invisible --executor processes

      emiss run alp --mass 20MeV --mass 40MeV --events 200
    """
    from emiss.commands import limit_search
    from emiss.commands.limit_options import Background, Corrections, Exposure, General, Output, Signal, Statistics
    from emiss.programme.search_file import load_search

    name = load_search(search.name).search
    limit_search.run(
        General(search=search.name, on_target=search.on_target),
        Exposure(periods=None if search.periods is None else Path(search.periods)),
        Signal(mass=search.mass, events=search.events),
        Background(),
        Corrections(),
        Statistics(),
        executing,
        Output(out=search.out or Path("out") / name, quiet=search.quiet),
        beside=True,
    )
