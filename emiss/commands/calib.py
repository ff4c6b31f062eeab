"""``emiss calib``: constants derived from calibration runs, and what a tag of constants holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emiss.commands import calib_derive, calib_store
from emiss.commands.plain import Json, put
from emiss.terminal import print_table, say, warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.calib.conditions import Conditions
    from emiss.calib.lookup import Constant

app = typer.Typer(
    name="calib",
    help="Constants: derive them from calibration runs, look at those of a tag.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

app.command()(calib_derive.derive)


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
app.command()(calib_derive.kinds)
