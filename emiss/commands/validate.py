"""``emiss validate``: published figures again, by one command each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emiss.commands.executing import Cluster, Executing, Name, Scheduler, Workers, note_of
from emiss.commands.process import Quiet
from emiss.commands.study import per_sample
from emiss.terminal import print_table, progress, say

app = typer.Typer(
    name="validate",
    help="Repeat the figures of published studies, and compare.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def _validate() -> None:
    """Repeat the figures of published studies, and compare."""


@app.command()
def lfc(
    quick: Annotated[bool, typer.Option("--quick", help="Few events: everything is there in under a minute.")] = False,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the page, its numbers, and the cutflow.")] = Path(
        "validation-lfc"
    ),
    events: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=N", help="Events of signal (at each mass), dimuon, pion_decay or kaon_decay; repeatable."
        ),
    ] = None,
    executor: Name = "processes",
    workers: Workers = None,
    scheduler: Scheduler = None,
    cluster: Cluster = None,
    quiet: Quiet = False,
) -> None:
    """Repeat the study of e -> mu transitions (arXiv:2404.15931): efficiency, spectra, missing energy, survivals.

    Signal at twelve masses, decays in flight, and muon pairs worth 1.5e11 electrons on target are simulated and go through
    the cuts that ship. validation.html puts ours beside the study's and says what differs, validation.json has the numbers.

    For example:

      emiss validate lfc --quick

      emiss validate lfc --out out/lfc --workers 8

      emiss validate lfc --events dimuon=1e6 --events signal=20000 --executor serial
    """
    from emiss.configs.errors import UserError
    from emiss.validate.lfc import WHOLE, prepare, validate
    from emiss.validate.lfc_page import lines

    wanted = per_sample(events, list(WHOLE), "--events", 1)
    if "" in wanted:
        raise UserError("--events: of which sample?", hint="write --events dimuon=1e6")
    planned = prepare(wanted, quick=quick)
    where = Executing(executor, workers, scheduler, cluster)
    with (
        where.begun(quiet=quiet) as how,
        progress("validate lfc", planned.events, quiet=quiet, note=note_of(how)) as step,
    ):
        found = validate(out, study=planned, executor=how, workers=where.many, progress=step)
    if quiet:
        return
    from rich.table import Table

    table = Table("", "study", "ours", "ratio", box=None, pad_edge=False)
    for line in lines(found):
        table.add_row(line.what, line.paper, line.ours, line.ratio)
    print_table(table)
    say(f"written: {out / 'validation.html'}, {out / 'validation.json'}, {out / 'study'}", "dim")
