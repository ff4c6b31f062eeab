"""``emiss new``: commented first files that pass ``emiss check``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emiss.commands import completing
from emiss.terminal import say

app = typer.Typer(
    name="new",
    help="Write a commented first file: an analysis, a map, a run list, a set-up.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Target = Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; .yaml may be left out.")]


@app.command()
def analysis(file: Target) -> None:
    """Write a first analysis.

    For example:

      emiss new analysis my_cuts.yaml

      emiss select out/demo --analysis my_cuts.yaml
    """
    _write("analysis", file)


@app.command("map")
def map_(file: Target) -> None:
    """Write a first map of files of another program; 'emiss inspect FILE --write-map' proposes one for a file.

    For example:

      emiss new map my_map.yaml
    """
    _write("map", file)


@app.command()
def runs(
    file: Target,
    run_files: Annotated[
        list[Path] | None, typer.Argument(metavar="[RUN_FILE]...", help="One sample for each.")
    ] = None,
) -> None:
    """Write a first run list.

    For example:

      emiss new runs my_runs.yaml

      emiss process my_runs.yaml --out out/mine
    """
    _write("runs", file, run_files or [])


@app.command("setup")
def setup_(
    name: Annotated[Path, typer.Argument(metavar="NAME", help="The folder to make; its last part is the name.")],
    from_: Annotated[
        str,
        typer.Option(
            "--from", metavar="SETUP", autocompletion=completing.setups, help="A set-up that ships, or a path."
        ),
    ] = "na64e_lfc",
) -> None:
    """Make a set-up of your own, as 'emiss setup new' does.

    For example:

      emiss new setup my_setup --from na64e_2023
    """
    from emiss.commands.setup import new

    new(name, from_)


@app.command()
def schema(
    kind: Annotated[str, typer.Argument(metavar="KIND", autocompletion=completing.schemas, help="Kind of file.")],
    json_: Annotated[bool, typer.Option("--json", help="Print the schema itself.")] = False,
) -> None:
    """Print the line that names the JSON schema of a kind of file to editors: for the top of a file that you have.

    Kinds are analysis, detector, map, monitor, periods, runs, sample and search.

    For example:

      emiss new schema detector
    """
    from emiss.configs.errors import UserError, did_you_mean
    from emiss.new.first_files import line
    from emiss.new.json_schemas import FOLDER, shipped

    known = sorted(file.stem for file in FOLDER.glob("*.json"))
    if kind not in known:
        raise UserError(f"there is no schema of a '{kind}'", hint=did_you_mean(kind, known))
    typer.echo(shipped(kind).read_text(encoding="utf-8").rstrip() if json_ else line(kind))


def _write(kind: str, file: Path, run_files: list[Path] | None = None) -> None:
    from emiss.new.first_files import write

    made = write(kind, file, run_files or [])
    say(f"written: {made}", "dim")
    say(f"change it, then: emiss check {made}")
