"""``emiss calib``: constants derived from calibration runs, and what a tag of constants holds."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emiss.commands import calib_store
from emiss.commands.executing import Cluster, Executing, Name, Scheduler, Workers, note_of
from emiss.commands.plain import Json, put
from emiss.commands.process import Quiet
from emiss.terminal import print_table, progress, say, warn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from emiss.calib.conditions import Conditions
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
        int | None, typer.Option("--to-run", min=0, help="Last run of validity.  [default: open; of a drift its run]")
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
        typer.Option(help="Simulated hits (.root) of the same kind of run: what status, mip, ecal, spectrum expect."),
    ] = None,
    events: Annotated[
        str | None,
        typer.Option(
            help="Of drift and in_spill: 'led', events of the type calibration, or 'beam', peaks of physics events."
        ),
    ] = None,
    curved: Annotated[
        bool, typer.Option("--curved", help="Alignment: with tracks in a field, not straight ones.")
    ] = False,
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
    fit that is not good, are listed: look at them before you use the table. What is interrupted goes on when it is run again.

    For example:

      emiss calib derive pedestals random-006117.dat --setup na64e_2018 --out my_tag/pedestals.txt

      emiss calib derive mip 'muons-*.dat' --setup na64e_2018 --calib my_tag --from-run 6112 --to-run 6150 --out my_tag/mip.txt

      emiss calib derive drift run-006118.dat --to-run 6118 --out my_tag/drift-6118.txt

      emiss calib derive spectrum electrons.dat --part wcal --simulated hits.root --setup na64e_visible_2018 --out wcal.txt

      emiss calib derive apv.time beam.dat --calib my_tag --out my_tag/strips.txt

      emiss calib derive times electrons.yaml --executor processes --workers 8 --out my_tag/times.txt

      emiss calib derive alignment field-off-*.dat --calib my_tag --to-run 6150 --out my_tag/alignment.txt
    """
    from emiss import runlist
    from emiss.calib.conditions import Conditions
    from emiss.calib.run_ranges import OPEN, RunRange
    from emiss.calib.tag import MANIFEST
    from emiss.calib.tag import find as find_tag
    from emiss.calibrate import page, written
    from emiss.calibrate.frame import Options
    from emiss.calibrate.kinds import refuse_unknown
    from emiss.calibrate.running import derive as derive_all
    from emiss.configs.errors import Location, UserError
    from emiss.events.files.atomic import write_text
    from emiss.job.output import check as check_output
    from emiss.job.pools import pool_of

    refuse_unknown(kind)
    if out.suffix != ".txt":
        raise UserError("a table of constants is a '.txt'", at=Location(str(out)))
    if out.is_dir():
        raise UserError("is a folder, and a file is needed here", at=Location(str(out)))
    check_output(out.parent)
    if (out.parent / MANIFEST).exists():
        raise UserError("the folder is a snapshot, which never changes", at=Location(str(out)))
    if from_run is not None and to_run is not None and to_run < from_run:
        raise UserError(f"--to-run {to_run} comes before --from-run {from_run}")
    if len(runs) == 1 and runs[0].endswith((".yaml", ".yml")):
        listed = runlist.load(runs[0])
    else:
        listed = runlist.from_files(runs, detector=setup, analysis="", calib=calib)
    options = Options(
        trigger, samples, least, tuple(part or ()), simulated=simulated, curved=curved, events=events or ""
    )
    where = Executing(executor, workers, scheduler, cluster)
    keep = out.parent / f".{out.stem}.derive"
    with where.begun(listed.cluster, quiet=quiet) as how, ExitStack() as shown:
        bars: list[Callable[[int], None]] = []

        def planned(entries: int) -> None:
            bars.append(shown.enter_context(progress(kind, entries, quiet=quiet, note=note_of(how))))

        def step(entries: int) -> None:
            bars[-1](entries)

        def resumed(entries: int) -> None:
            if not (quiet or json_):
                say(f"going on: {entries} events are summed already ({keep})", "dim", stderr=True)

        found, derivation = derive_all(
            listed,
            kind,
            options,
            pool=pool_of(how, where.many),
            progress=step,
            planned=planned,
            keep=keep,
            resumed=resumed,
        )
    last = max(found.runs) if derivation.one_run else OPEN
    valid = RunRange(min(found.runs) if from_run is None else from_run, last if to_run is None else to_run)
    if valid.last < valid.first:
        raise UserError(f"no run is from {valid.first} to {valid.last}", hint="give both --from-run and --to-run")
    begun = Conditions.load(find_tag(listed.calib, near=listed.near))
    about = begun.about([])
    named = f"{' '.join(str(about['tag']).split())} ({about['sha256'][:12]})"
    text = written.table(found, valid, begun if override else None, derivation.origin, named)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_text(out, text)
    write_text(out.with_suffix(".csv"), written.sheet(found))
    drawn = page.write(found, derivation, valid, out) if pages else []
    made = (out, out.with_suffix(".csv"), *drawn)
    shutil.rmtree(keep, ignore_errors=True)
    if json_:
        put({**_plain(found), "holds": str(valid), "constants": about, "written": made})
    elif not quiet:
        _print(found)
        for error in _outside(found, valid):
            warn(error)
        say("written: " + ", ".join(map(str, made)), "dim")


Setup = Annotated[str, typer.Option("--setup", "--detector", help="The set-up: a name that ships, or a file.")]
Calib = Annotated[
    str | None,
    typer.Option(help="The tag: a folder, a name, a map, the hash of a snapshot.  [default: that of the set-up]"),
]
Plot = Annotated[Path | None, typer.Option("--plot", help="The plot: FILE.png, .pdf, .svg or .html.")]
Run = Annotated[int, typer.Option("--run", min=0, help="The run.")]


@app.command()
def show(
    type_: Annotated[str, typer.Argument(metavar="TYPE", help="Such as sadc.pedestal.")],
    run: Run,
    setup: Setup = "na64e_lfc",
    calib: Calib = None,
    channel: Annotated[str | None, typer.Option(help="Channels of this name; '*' stands for anything.")] = None,
    json_: Json = False,
) -> None:
    """Show the constants of a type in a run: value, error, the table's id, file and line.

    For example:

      emiss calib show sadc.gain --run 6101 --channel 'ECAL1.*'

      emiss calib show magnet.field --run 6111 --setup na64e_2018 --json
    """
    from emiss.calibrate.store import shown

    conditions, found = shown(type_, run, setup=setup, tag=calib, channel=channel)
    if not json_:
        _told(conditions)
    _list(found, ("channel", "column", "value", "error", "unit", "payload", "at"), json_=json_)


@app.command()
def history(
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="Such as ECAL1.2.2.")],
    setup: Setup = "na64e_lfc",
    calib: Calib = None,
    type_: Annotated[str | None, typer.Option("--type", help="This type alone.")] = None,
    plot: Plot = None,
    json_: Json = False,
) -> None:
    """Show the constants of a channel over all runs: from where each value holds, and where it stands.

    For example:

      emiss calib history ECAL1.2.2 --type sadc.gain --calib demo

      emiss calib history ECAL1.2.2 --calib my_tag --plot history.pdf
    """
    from emiss.calib.beside import constants_of
    from emiss.calib.conditions import Conditions
    from emiss.calib.lookup import history as values_of
    from emiss.calib.lookup import known_channels
    from emiss.calibrate import charts
    from emiss.configs.errors import UserError, did_you_mean

    if plot is not None:
        charts.check_suffix(plot)
    conditions = Conditions.load(calib or constants_of(setup))
    found = values_of(conditions, channel, type_)
    if not found:
        names = [name for table in conditions.tables for name in known_channels([table], type_ or table.type)]
        of = f" of type '{type_}'" if type_ else ""
        raise UserError(f"no table has a value{of} for '{channel}'", hint=did_you_mean(channel, dict.fromkeys(names)))
    columns = ("type", "column", "runs", "value", "error", "unit", "payload", "at")
    if plot is not None:
        title = f"{channel}, {Path(conditions.tag).name}"
        charts.write(
            charts.history(found, channel),
            plot,
            title=title,
            names=columns,
            rows=[_cells(one, columns) for one in found],
        )
    _list(found, columns, json_=json_)
    if plot is not None and not json_:
        say(f"written: {plot}", "dim")


@app.command()
def check(
    tag: Annotated[
        str | None,
        typer.Argument(
            metavar="[TAG]",
            help="The tag: a folder, a name, a map, the hash of a snapshot.  [default: that of the set-up]",
        ),
    ] = None,
    setup: Setup = "na64e_lfc",
    runs: Annotated[
        str | None, typer.Option(help="Runs, such as 6000-6999.  [default: all that a table holds for]")
    ] = None,
    register: Annotated[
        Path | None, typer.Option(help="What was taken in which runs.  [default: runs.yaml of the tag, if it is there]")
    ] = None,
    json_: Json = False,
) -> None:
    """Check a tag for a set-up: gaps, overlaps, ranges that begin late, missing and extra channels, limits, units, runs.

    Constants that were derived from runs of the wrong kind are told by name; also, as warnings, channels that look swapped or
    have no value in a derived table, tables that are not read, and those that hold before the runs they are from.

    For example:

      emiss calib check

      emiss calib check my_tag --setup na64e_2018 --runs 6111-6150 --register runs.yaml
    """
    from emiss.calibrate.store import check as check_tag

    remarks: list[str] = []
    told = remarks.append if json_ else warn
    conditions, looked, types = check_tag(tag, setup=setup, runs=runs, register=register, told=told)
    if json_:
        put(
            {
                "tag": conditions.tag,
                "tables": len(conditions.tables),
                "types": types,
                "setup": setup,
                "runs": str(looked),
                "sha256": conditions.about([])["sha256"],
                "remarks": remarks,
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
    run: Annotated[int | None, typer.Option("--run", min=0, help="The run.  [default: all of them]")] = None,
    other: Annotated[
        int | None, typer.Option("--other-run", min=0, help="The run of TAG2, where it is another.")
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="Values that are shown.")] = 30,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="All of them as CSV; NAME.svg beside it.")] = None,
    plot: Plot = None,
    json_: Json = False,
) -> None:
    """Show what moved between two tags, in sigma where errors are known; channels that look swapped are named.

    For example:

      emiss calib diff demo my_tag

      emiss calib diff demo my_tag --run 6111

      emiss calib diff my_tag my_tag --run 6111 --other-run 6150 --out moved.csv --plot moved.png
    """
    from rich.table import Table

    from emiss.calib.conditions import Conditions
    from emiss.calib.moved import moved, moved_in_all_runs
    from emiss.calibrate import charts
    from emiss.calibrate.moves import Row, draw, rows, write
    from emiss.configs.errors import UserError

    if plot is not None:
        charts.check_suffix(plot)
    if run is None and other is not None:
        raise UserError("--other-run is the run of the second tag, beside --run for the first")
    both = Conditions.load(before), Conditions.load(after)
    found = moved_in_all_runs(*both) if run is None else moved(*both, run, other)
    written = write(found, out) if found and out is not None else []
    if plot is not None and found:
        of = "" if run is None else f", run {run}" + ("" if other is None else f" and {other}")
        title = f"{before} and {after}{of}"
        charts.write(draw(found), plot, title=title, names=Row._fields, rows=list(rows(found)))
        written.append(plot)
    if json_:
        put({"moved": [{**row._asdict(), "swapped": one.swapped} for row, one in zip(rows(found), found, strict=True)],
             "written": written})  # fmt: skip
        return
    for tag in both:
        _told(tag)
    if not found:
        say("nothing is different")
        return
    shown = [name for name in Row._fields if run is None or name != "runs"]
    table = Table(*shown, box=None, pad_edge=False)
    for row in rows(found[:most]):
        table.add_row(*(getattr(row, name) for name in shown))
    print_table(table)
    if len(found) > most:
        say(f"and {len(found) - most} more", "dim")
    pairs = dict.fromkeys((one.type, one.channel, one.swapped) for one in found if one.channel < one.swapped)
    for type_, channel, other_one in pairs:
        warn(f"{type_}: {channel} and {other_one} look swapped")
    if written:
        say("written: " + ", ".join(map(str, written)), "dim")


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
        table.add_row(*_cells(one, columns))
    print_table(table)


def _cells(one: Constant, columns: tuple[str, ...]) -> list[str]:
    """Return a constant as words."""
    cells = [getattr(one, column) for column in columns]
    return ["" if cell is None else f"{cell:.6g}" if isinstance(cell, float) else str(cell) for cell in cells]


def _told(conditions: Conditions) -> None:
    """Say which tag it is, and what is to be known of it."""
    files = conditions.files
    if files is not None:
        kind = "snapshot" if files.snapshot else "tag"
        say(f"{kind} {conditions.tag} ({files.sha256[:12]})", "dim")
    for remark in conditions.remarks:
        warn(remark)


app.command()(calib_store.snapshot)
app.command()(calib_store.convert)


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
