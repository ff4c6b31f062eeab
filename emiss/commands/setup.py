"""``emiss setup``: the set-ups there are, one of your own from another one, drawings."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer

from emiss.commands import completing
from emiss.terminal import print_table, say

app = typer.Typer(
    name="setup", help="Set-ups: list them, make your own, draw one.", no_args_is_help=True, rich_markup_mode=None
)

RUNS = "9900-9999"
Runs = Annotated[str, typer.Option(help="Runs that maps and constants hold for.")]


@app.command("list")
def list_(json_: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """List the set-ups that ship: their beams and their parts.

    For example:

      emiss setup list
    """
    from emiss.setups.listing import listing

    found = listing()
    if json_:
        typer.echo(json.dumps(found, indent=1))
        return
    from rich.table import Table

    table = Table("set-up", "beam", "parts", box=None, pad_edge=False)
    for one in found:
        table.add_row(one["name"], f"{one['particle']} {one['energy']:g} GeV", ", ".join(one["parts"]))
    print_table(table)


@app.command()
def new(
    name: Annotated[Path, typer.Argument(metavar="NAME", help="The folder to make; its last part is the name.")],
    from_: Annotated[
        str,
        typer.Option(
            "--from", metavar="SETUP", autocompletion=completing.setups, help="A set-up that ships, or a path."
        ),
    ] = "na64e_lfc",
    runs: Runs = RUNS,
) -> None:
    """Make a set-up of your own: detector file, channel maps, constants to begin with, a sample.

    For example:

      emiss setup new my_setup --from na64e_2023 --runs 9900-9999

      emiss simulate my_setup/beam.yaml --out run.dat

      emiss process run.dat --detector my_setup --analysis invisible --unblind --out out/mine
    """
    from emiss.setups.new import new as make

    for path in make(name, from_, runs):
        say(f"written: {path}", "dim")
    folder = shlex.quote(str(name))
    say(f"change {name / 'detector.yaml'}, then: emiss setup wire {folder} --runs {runs}; emiss check {folder}")


@app.command()
def wire(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The folder of your set-up.")],
    runs: Runs = RUNS,
) -> None:
    """Make the channel maps of your set-up again, and the constants that new channels lack; others stay as they are.

    For example:

      emiss setup wire my_setup --runs 9900-9999
    """
    from emiss.setups.new import wire as make

    for path in make(name, runs):
        say(f"written: {path}", "dim")


@app.command()
def profiles(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The folder of your set-up.")],
    runs: Runs = RUNS,
) -> None:
    """Make the libraries of shower profiles of your set-up from simulated electrons: calib/profile.txt.

    A calorimeter of cells wants one where its part has `library`.

    For example:

      emiss setup profiles my_setup --runs 9900-9999
    """
    from emiss.setups.new import profiles as make

    say(f"written: {make(name, runs, lambda text: say(text, 'dim'))}", "dim")


@app.command()
def draw(
    name: Annotated[
        str, typer.Argument(metavar="SETUP", autocompletion=completing.setups, help="A set-up that ships, or a path.")
    ],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="SVG, PDF or PNG; default NAME.svg here.")] = None,
) -> None:
    """Draw a set-up from the side and from the top: parts and their names, magnets and fields, active areas.

    For example:

      emiss setup draw na64e_2023 --out na64e_2023.png
    """
    from emiss.reco.detector.model import load_detector
    from emiss.setups.draw import draw as make

    detector = load_detector(name)
    say(f"written: {make(detector, out or Path(f'{detector.name}.svg'))}", "dim")
