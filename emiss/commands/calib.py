"""``emiss calib``: constants derived from calibration runs, and what a tag of constants holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emiss.commands.executing import Cluster, Executing, Name, Scheduler, Workers, note_of
from emiss.commands.process import Quiet
from emiss.terminal import print_table, progress, say, warn

if TYPE_CHECKING:
    from emiss.calibrate.frame import Found

app = typer.Typer(
    name="calib",
    help="Constants: derive them from calibration runs, look at those of a tag.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

SHOWN = 15
"""Channels that need eyes, on the screen."""


@app.command()
def derive(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="What is derived: 'emiss calib kinds' lists them.")],
    runs: Annotated[list[str], typer.Argument(metavar="RUNS.yaml|FILES...", help="Raw run files, or a run list.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The table, NAME.txt; NAME.html, .pdf and .csv beside it.")],
    setup: Annotated[
        str, typer.Option("--setup", "--detector", help="The set-up: a name that ships, or a file.")
    ] = "na64e_lfc",
    calib: Annotated[
        str | None, typer.Option(help="The constants to begin with: a tag.  [default: those of the set-up]")
    ] = None,
    from_run: Annotated[
        int | None, typer.Option("--from-run", min=0, help="First run of validity.  [default: the first one read]")
    ] = None,
    to_run: Annotated[
        int | None, typer.Option("--to-run", min=0, help="Last run of validity.  [default: open]")
    ] = None,
    part: Annotated[list[str] | None, typer.Option("--part", help="These parts alone; repeatable.")] = None,
    trigger: Annotated[
        str | None, typer.Option(help="Events with this trigger bit; 'any' for all.  [default: that of the kind]")
    ] = None,
    samples: Annotated[
        int | None, typer.Option(min=4, help="Pedestals: the first samples of each waveform alone.")
    ] = None,
    least: Annotated[int, typer.Option(min=2, help="Entries that a channel needs.")] = 100,
    simulated: Annotated[
        Path | None,
        typer.Option(help="Simulated hits (.root) of the same kind of run: what mip and ecal expect."),
    ] = None,
    override: Annotated[
        bool, typer.Option("--override/--no-override", help="Whether the table replaces values of other tables.")
    ] = True,
    executor: Name = "serial",
    workers: Workers = None,
    scheduler: Scheduler = None,
    cluster: Cluster = None,
    quiet: Quiet = False,
) -> None:
    """Derive constants from raw calibration runs: a table for a tag, with errors, and a page to look at.

    The runs are read with the constants that hold for them; what is derived replaces them. Channels with too few entries, or a
    fit that is not good, are listed: look at them before you use the table.

    For example:

      emiss calib derive pedestals random-006117.dat --setup na64e_2018 --out my_tag/pedestals.txt

      emiss calib derive mip 'muons-*.dat' --setup na64e_2018 --calib my_tag --from-run 6112 --to-run 6150 --out my_tag/mip.txt

      emiss calib derive times electrons.yaml --executor processes --workers 8 --out my_tag/times.txt
    """
    from emiss import runlist
    from emiss.calib.conditions import Conditions
    from emiss.calib.run_ranges import OPEN, RunRange
    from emiss.calibrate import page, written
    from emiss.calibrate.frame import Options
    from emiss.calibrate.kinds import refuse_unknown
    from emiss.calibrate.running import derive as derive_all
    from emiss.configs import loader
    from emiss.configs.errors import Location, UserError
    from emiss.events.files.atomic import write_text
    from emiss.job.pools import pool_of

    refuse_unknown(kind)
    if out.suffix != ".txt":
        raise UserError("a table of constants is a '.txt'", at=Location(str(out)))
    if len(runs) == 1 and runs[0].endswith((".yaml", ".yml")):
        listed = runlist.load(runs[0])
    else:
        listed = runlist.from_files(runs, detector=setup, analysis="", calib=calib)
    options = Options(trigger, samples, least, tuple(part or ()), simulated)
    where = Executing(executor, workers, scheduler, cluster)
    with where.begun(listed.cluster, quiet=quiet) as how, progress(kind, None, quiet=quiet, note=note_of(how)) as step:
        found, derivation = derive_all(listed, kind, options, pool=pool_of(how, where.many), progress=step)
    valid = RunRange(min(found.runs) if from_run is None else from_run, OPEN if to_run is None else to_run)
    if valid.last < valid.first:
        raise UserError(f"--to-run {valid.last} comes before --from-run {valid.first}")
    over = Conditions.load(loader.find("calib", listed.calib, near=listed.near)) if override else None
    text = written.table(found, valid, over)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_text(out, text)
    write_text(out.with_suffix(".csv"), written.sheet(found))
    pages = page.write(found, derivation, valid, out)
    if not quiet:
        _print(found)
        for error in _outside(found, valid):
            warn(error)
        say("written: " + ", ".join(str(path) for path in (out, out.with_suffix(".csv"), *pages)), "dim")


@app.command()
def kinds() -> None:
    """List what can be derived, and which runs are wanted for it.

    For example:

      emiss calib kinds
    """
    from rich.table import Table

    from emiss.calibrate.kinds import KINDS

    table = Table("kind", "what", "from", box=None, pad_edge=False)
    for name, one in KINDS.items():
        table.add_row(name, one.meaning, one.wants)
    print_table(table)


def _outside(found: Found, valid: object) -> list[str]:
    """Return the runs that constants are of and do not hold for."""
    runs = [run for run in found.runs if run not in valid]  # type: ignore[operator]
    return [f"the table is of run {run}, for which it does not hold ({valid})" for run in runs[:3]]


def _print(found: Found) -> None:
    """Print what was found of each type, and what needs eyes."""
    from rich.table import Table

    from emiss.calibrate.summary import lines

    table = Table("table", "channels", "need eyes", "column", "median", "median error", box=None, pad_edge=False)
    for line in lines(found):
        table.add_row(*line)
    say(f"{found.kind}: {found.used} of {found.read} events of run {', '.join(map(str, found.runs))}")
    print_table(table)
    for remark in found.remarks:
        say(remark)
    eyes = [(name, why) for made in found.made for name, why in made.eyes]
    for name, why in eyes[:SHOWN]:
        warn(f"{name}: {why}")
    if len(eyes) > SHOWN:
        warn(f"and {len(eyes) - SHOWN} more channels that need eyes: they are in the page")
