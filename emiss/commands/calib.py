"""``emiss calib``: constants derived from calibration runs, and what a tag of constants holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emiss.commands.executing import Cluster, Executing, Name, Scheduler, Workers, note_of
from emiss.commands.plain import Json, put
from emiss.commands.process import Quiet
from emiss.terminal import print_table, progress, say, warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.calib.lookup import Constant
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
        typer.Option(help="Simulated hits (.root) of the same kind of run: what mip, ecal, spectrum expect."),
    ] = None,
    override: Annotated[
        bool, typer.Option("--override/--no-override", help="Whether the table replaces values of other tables.")
    ] = True,
    pages: Annotated[
        bool, typer.Option("--page/--no-page", help="Whether plots are drawn: NAME.html and NAME.pdf.")
    ] = True,
    executor: Name = "serial",
    workers: Workers = None,
    scheduler: Scheduler = None,
    cluster: Cluster = None,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Derive constants from raw calibration runs: a table for a tag, with errors, and a page to look at.

    The runs are read with the constants that hold for them; what is derived replaces them. Channels with too few entries, or a
    fit that is not good, are listed: look at them before you use the table.

    For example:

      emiss calib derive pedestals random-006117.dat --setup na64e_2018 --out my_tag/pedestals.txt

      emiss calib derive mip 'muons-*.dat' --setup na64e_2018 --calib my_tag --from-run 6112 --to-run 6150 --out my_tag/mip.txt

      emiss calib derive spectrum electrons.dat --part wcal --simulated hits.root --setup na64e_visible_2018 --out wcal.txt

      emiss calib derive apv.time beam.dat --calib my_tag --out my_tag/strips.txt

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
    drawn = page.write(found, derivation, valid, out) if pages else []
    made = (out, out.with_suffix(".csv"), *drawn)
    if json_:
        put({**_plain(found), "holds": str(valid), "written": made})
    elif not quiet:
        _print(found)
        for error in _outside(found, valid):
            warn(error)
        say("written: " + ", ".join(map(str, made)), "dim")


Setup = Annotated[str, typer.Option("--setup", "--detector", help="The set-up: a name that ships, or a file.")]
Run = Annotated[int, typer.Option("--run", min=0, help="The run.")]


@app.command()
def show(
    type_: Annotated[str, typer.Argument(metavar="TYPE", help="Such as sadc.pedestal.")],
    run: Run,
    setup: Setup = "na64e_lfc",
    calib: Annotated[str | None, typer.Option(help="The tag.  [default: that of the set-up]")] = None,
    channel: Annotated[str | None, typer.Option(help="Channels of this name; '*' stands for anything.")] = None,
    json_: Json = False,
) -> None:
    """Show the constants of a type in a run: value, error, the table's id, file and line.

    For example:

      emiss calib show sadc.gain --run 6101 --channel 'ECAL1.*'

      emiss calib show magnet.field --run 6111 --setup na64e_2018 --json
    """
    from emiss.calibrate.store import shown

    _, found = shown(type_, run, setup=setup, tag=calib, channel=channel)
    _list(found, ("channel", "column", "value", "error", "unit", "payload", "at"), json_=json_)


@app.command()
def history(
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="Such as ECAL1.2.2.")],
    setup: Setup = "na64e_lfc",
    calib: Annotated[str | None, typer.Option(help="The tag.  [default: that of the set-up]")] = None,
    type_: Annotated[str | None, typer.Option("--type", help="This type alone.")] = None,
    json_: Json = False,
) -> None:
    """Show the constants of a channel over all runs: from where each value holds, and where it stands.

    For example:

      emiss calib history ECAL1.2.2 --type sadc.gain --calib demo
    """
    from emiss.calib.beside import constants_of
    from emiss.calib.conditions import Conditions
    from emiss.calib.lookup import history as values_of
    from emiss.calib.lookup import known_channels
    from emiss.configs.errors import UserError, did_you_mean

    conditions = Conditions.load(calib or constants_of(setup))
    found = values_of(conditions, channel, type_)
    if not found:
        names = [name for table in conditions.tables for name in known_channels([table], type_ or table.type)]
        of = f" of type '{type_}'" if type_ else ""
        raise UserError(f"no table has a value{of} for '{channel}'", hint=did_you_mean(channel, dict.fromkeys(names)))
    _list(found, ("type", "column", "runs", "value", "error", "unit", "payload", "at"), json_=json_)


@app.command()
def check(
    tag: Annotated[str | None, typer.Argument(metavar="[TAG]", help="The tag.  [default: that of the set-up]")] = None,
    setup: Setup = "na64e_lfc",
    runs: Annotated[
        str | None, typer.Option(help="Runs, such as 6000-6999.  [default: all that a table holds for]")
    ] = None,
    json_: Json = False,
) -> None:
    """Check a tag for a set-up: gaps, overlaps, ranges that begin late, missing and extra channels, limits, units.

    For example:

      emiss calib check

      emiss calib check my_tag --setup na64e_2018 --runs 6111-6150
    """
    from emiss.calibrate.store import check as check_tag

    conditions, looked, types = check_tag(tag, setup=setup, runs=runs)
    if json_:
        put(
            {
                "tag": conditions.tag,
                "tables": len(conditions.tables),
                "types": types,
                "setup": setup,
                "runs": str(looked),
            }
        )
        return
    say(
        f"{conditions.tag}: {len(conditions.tables)} tables; all {types} types that {setup} needs are there in runs {looked}"
    )


@app.command()
def diff(
    before: Annotated[str, typer.Argument(metavar="TAG1", help="A tag.")],
    after: Annotated[str, typer.Argument(metavar="TAG2", help="Another one.")],
    run: Run,
    other: Annotated[
        int | None, typer.Option("--other-run", min=0, help="The run of TAG2, where it is another.")
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="Values that are shown.")] = 30,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="All of them as CSV; NAME.svg beside it.")] = None,
    json_: Json = False,
) -> None:
    """Show what moved between two tags, in sigma where errors are known; channels that look swapped are named.

    For example:

      emiss calib diff demo my_tag --run 6111

      emiss calib diff my_tag my_tag --run 6111 --other-run 6150 --out moved.csv
    """
    from rich.table import Table

    from emiss.calib.conditions import Conditions
    from emiss.calib.moved import moved
    from emiss.calibrate.moves import Row, rows, write

    found = moved(Conditions.load(before), Conditions.load(after), run, other)
    if json_:
        written = write(found, out) if found and out is not None else []
        put({"moved": [{**row._asdict(), "swapped": one.swapped} for row, one in zip(rows(found), found, strict=True)],
             "written": written})  # fmt: skip
        return
    if not found:
        say("nothing is different")
        return
    table = Table(*Row._fields, box=None, pad_edge=False)
    for row in rows(found[:most]):
        table.add_row(*row)
    print_table(table)
    if len(found) > most:
        say(f"and {len(found) - most} more", "dim")
    for one in found:
        if one.swapped and one.channel < one.swapped:
            warn(f"{one.type}: {one.channel} and {one.swapped} look swapped")
    if out is not None:
        say("written: " + ", ".join(str(path) for path in write(found, out)), "dim")


def _list(found: Sequence[Constant], columns: tuple[str, ...], *, json_: bool) -> None:
    """Print constants as a table, or as JSON."""
    if json_:
        keys = ("type", "channel", "column", "value", "error", "unit", "runs", "payload", "at")
        plain = ("value", "error")
        put([{key: getattr(one, key) if key in plain else str(getattr(one, key)) for key in keys} for one in found])
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(
            {"at": "where"}.get(column, column), justify="right" if column in {"value", "error"} else "left"
        )
    for one in found:
        cells = [getattr(one, column) for column in columns]
        table.add_row(
            *("" if cell is None else f"{cell:.6g}" if isinstance(cell, float) else str(cell) for cell in cells)
        )
    print_table(table)


@app.command()
def kinds(json_: Json = False) -> None:
    """List what can be derived, and which runs are wanted for it.

    For example:

      emiss calib kinds
    """
    from rich.table import Table

    from emiss.calibrate.kinds import KINDS

    if json_:
        put({name: {"what": one.meaning, "from": one.wants} for name, one in KINDS.items()})
        return
    table = Table("kind", "what", "from", box=None, pad_edge=False)
    for name, one in KINDS.items():
        table.add_row(name, one.meaning, one.wants)
    print_table(table)


def _outside(found: Found, valid: object) -> list[str]:
    """Return the runs that constants are of and do not hold for."""
    runs = [run for run in found.runs if run not in valid]  # type: ignore[operator]
    return [f"the table is of run {run}, for which it does not hold ({valid})" for run in runs[:3]]


def _plain(found: Found) -> dict[str, Any]:
    """Return what was found as plain data; the values stand in the table."""
    from emiss.calibrate.summary import lines

    keys = ("table", "channels", "need eyes", "column", "median", "median error")
    return {
        "kind": found.kind,
        "runs": found.runs,
        "read": found.read,
        "used": found.used,
        "tables": [dict(zip(keys, line, strict=True)) for line in lines(found)],
        "remarks": found.remarks,
        "eyes": [{"channel": name, "why": why} for made in found.made for name, why in made.eyes],
    }


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
