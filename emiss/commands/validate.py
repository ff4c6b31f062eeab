"""``emiss validate``: published figures again, by one command each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from emiss.commands import completing
from emiss.commands.executing import Cluster, Executing, Name, Scheduler, Workers, note_of
from emiss.commands.plain import Json, put
from emiss.commands.process import Quiet
from emiss.commands.study import per_sample
from emiss.terminal import print_table, progress, say


class Validations(TyperGroup):
    """Commands of their own, and each search by its name."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command of a name; what is none is the search to be validated."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            args = ["search", *args]
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="validate",
    cls=Validations,
    help="Put searches and studies beside what is published of them: emiss validate SEARCH --quick, emiss validate lfc.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def _validate() -> None:
    """Put searches and studies beside what is published of them: emiss validate SEARCH --quick, emiss validate lfc."""


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
    json_: Json = False,
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
    if json_:
        put(found.to_json())
    if quiet or json_:
        return
    from rich.table import Table

    table = Table("", "study", "ours", "ratio", box=None, pad_edge=False)
    for line in lines(found):
        table.add_row(line.what, line.paper, line.ours, line.ratio)
    print_table(table)
    say(f"written: {out / 'validation.html'}, {out / 'validation.json'}, {out / 'study'}", "dim")


@app.command()
def calibration(
    quick: Annotated[bool, typer.Option("--quick", help="A tenth of the events.")] = False,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the page, its numbers, runs and tables.")] = Path(
        "validation-calibration"
    ),
    events: Annotated[int | None, typer.Option(min=100, help="Events of each run.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the constants that are drawn.")] = 19,
    executor: Name = "processes",
    workers: Workers = None,
    scheduler: Scheduler = None,
    cluster: Cluster = None,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Derive constants from runs simulated with constants drawn at random, and put them beside the truth.

    Gains +-20 %, offsets +-10 ns, pedestals, planes shifted by 1 mm, turned by 5 mrad and moved by 3 mm, fields +-2 %:
    calibration runs are simulated and digitised with them, and 'emiss calib derive' is done on their raw files. The exit code
    is 3 if a kind is not within its limits.

    For example:

      emiss validate calibration --quick

      emiss validate calibration --out out/calibration --workers 8
    """
    from emiss.configs.errors import UserError
    from emiss.validate.loop import planned, validate_calibration
    from emiss.validate.loop_page import rows

    if out.exists() and not out.is_dir():
        raise UserError(f"--out: {out} is a file, not a folder")
    where = Executing(executor, workers, scheduler, cluster)
    total = planned(quick=quick, events=events)
    with where.begun(quiet=quiet) as how, progress("simulate", total, quiet=quiet, note=note_of(how)) as step:
        found = validate_calibration(
            out, quick=quick, events=events, seed=seed, executor=how, workers=where.many, progress=step
        )
    if json_:
        put(found.to_json())
    elif not quiet:
        from rich.table import Table

        table = Table("kind", "channels", "bias", "rms", "limit", "mean pull", "width", "", box=None, pad_edge=False)
        for row in rows(found):
            table.add_row(*row)
        print_table(table)
        say(f"written: {out / 'validation.html'}, {out / 'validation.json'}", "dim")
    if not found.passed:
        raise typer.Exit(3)


@app.command(name="search")
def search_(
    search: Annotated[
        str,
        typer.Argument(
            metavar="SEARCH", autocompletion=completing.searches, help="A search: a name that ships, or a file."
        ),
    ],
    quick: Annotated[bool, typer.Option("--quick", help="Few events: about a minute.")] = False,
    checks: Annotated[
        Path | None, typer.Option(help="Published numbers: a file as in configs/validations. Default: those that ship.")
    ] = None,
    events: Annotated[
        list[str] | None,
        typer.Option(
            metavar="N|NAME=N", help="Events of all samples, of the 'signal' (each piece), or of a background."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder. Default: validation-SEARCH.")] = None,
    executor: Name = "processes",
    workers: Workers = None,
    scheduler: Scheduler = None,
    cluster: Cluster = None,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Put a search beside what is published of it; the word 'search' may be left out.

    The search is run as 'emiss run' does it, at its few masses and those of the published numbers. validation.html and
    validation.json have both, their ratio, what is tolerated, and the source. Nothing is fitted; what differs is said.

    For example:

      emiss validate invisible --quick

      emiss validate visible --out out/x17 --events signal=5000 --workers 8

      emiss validate my_search.yaml --checks my_numbers.yaml
    """
    from emiss.configs.errors import UserError
    from emiss.configs.loader import shipped
    from emiss.programme.counted import background_of
    from emiss.programme.search_file import load_search
    from emiss.programme.whole import events_of
    from emiss.validate.checks import Checks, load_checks
    from emiss.validate.search import plan_search, validate_search
    from emiss.validate.search_page import rows

    wanted = load_search(search)
    numbers = Checks(validation=wanted.search)
    if checks is not None or wanted.search in shipped("validations"):
        numbers = load_checks(wanted.search if checks is None else checks, wanted)
    folder = Path(f"validation-{wanted.search}") if out is None else out
    if folder.exists() and not folder.is_dir():
        raise UserError(f"--out: {folder} is a file, not a folder")
    given = per_sample(events, ["signal", *wanted.run.backgrounds], "--events", 1)
    left = background_of(wanted, "")
    planned = plan_search(wanted, left, numbers, events_of(given, quick=quick))
    where = Executing(executor, workers, scheduler, cluster)
    total = sum(part.study.events for part in planned[1])
    with (
        where.begun(quiet=quiet) as how,
        progress(f"validate {wanted.search}", total, quiet=quiet, note=note_of(how)) as step,
    ):
        found = validate_search(
            wanted, left, numbers, planned, folder, executor=how, workers=where.many, progress=step
        )  # fmt: skip
    if json_:
        put(found.to_json())
    if quiet or json_:
        return
    from rich.table import Table

    table = Table("", "published", "ours", "ratio", "tolerated", "", box=None, pad_edge=False)
    for row in rows(found):
        table.add_row(*row[:6])
    if found.lines:
        print_table(table)
    else:
        say(f"of {wanted.search} there is no published number to compare with")
    if numbers.unknown:
        say(f"not to be compared: {numbers.unknown}", "dim")
    say(f"written: {folder / 'validation.html'}, {folder / 'validation.json'}", "dim")
