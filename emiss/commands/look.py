"""``emiss dump``, ``emiss show`` and ``emiss columns``: looking at events and at what the tables hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from emiss.commands import completing
from emiss.commands.places import a_path
from emiss.commands.process import Unblind
from emiss.terminal import print_table, say


def dump(
    file: Annotated[str, typer.Argument(metavar="RUNFILE", help="A raw run file, or the address of one.")],
    map_: Annotated[
        Path | None, typer.Option("--map", help="Folder of XML channel maps; without it only headers are shown.")
    ] = None,
    events: Annotated[str, typer.Option(help="Entries FIRST:LAST, as in Python.")] = ":",
    json_: Annotated[bool, typer.Option("--json", help="One JSON object per event, the ledger last.")] = False,
    policy: Annotated[
        Literal["safe", "oracle"], typer.Option(help="'oracle' treats damage as the DAQ's own library does.")
    ] = "safe",
) -> None:
    """Print the events of a raw run file: headers, digits, errors, and the ledger.

    For example:

      emiss simulate signal --events 500 --out signal.dat

      emiss dump signal.dat --events 3:5

      emiss dump run.dat --map maps/ --json | head -1
    """
    from emiss.reco.formats.date import dump as date

    for item in date.dump(file, map_, events=_slice(events), policy=policy):
        if json_:
            typer.echo(json.dumps(item, separators=(",", ":")))
        else:
            for line in date.text(item):
                say(line)


def show(
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="A raw or simulated run file (or its address), or an event table of one."),
    ],
    event: Annotated[
        str,
        typer.Option(metavar="N|RUN/SPILL/NUMBER", help="The event; N is its entry, or with --passing which of these."),
    ] = "0",
    passing: Annotated[
        str | None, typer.Option(metavar="CUT", help="Of the events that pass this cut and those before it.")
    ] = None,
    analysis: Annotated[
        str | None,
        typer.Option(
            autocompletion=completing.analyses,
            help="Analysis of --passing, and of a blind box: a name that ships, or a file.",
        ),
    ] = None,
    region: Annotated[str | None, typer.Option(help="Region of the analysis; the first one by default.")] = None,
    detector: Annotated[
        str | None,
        typer.Option(
            autocompletion=completing.setups,
            help="Detector: a name that ships, or a file.  [default: that of a table, or na64e_lfc]",
        ),
    ] = None,
    calib: Annotated[
        str | None,
        typer.Option(
            autocompletion=completing.constants,
            help="Conditions: a tag that ships, or a folder.  [default: those of the detector]",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The picture, .png, .svg or .pdf; default FILE.ENTRY.png here.")
    ] = None,
    unblind: Unblind = False,
) -> None:
    """Draw one event: waveforms, calorimeter cells, strips and track, as a picture.

    For example:

      emiss simulate signal --events 500 --out signal.dat

      emiss show signal.dat --event 12 --out event.png

      emiss show signal.dat --event 6101/1/23 --out event.pdf

      emiss show signal.dat --passing mip_veto --analysis e_to_mu_phi --event 3
    """
    from emiss import selection
    from emiss.configs.errors import UserError
    from emiss.events.location import located
    from emiss.look.one_event import find_event
    from emiss.look.show import show_event

    if passing is not None and analysis is None:
        raise UserError("--passing names a cut of an analysis", hint="give --analysis, too")
    run_file = located(file)
    cuts = None if analysis is None else selection.load(analysis)
    events, row, one, set_up = find_event(run_file, event, passing, cuts, region, detector, calib, unblind=unblind)
    path = show_event(events, one, set_up, out or Path(f"{run_file.stem}.{row}.png"))
    say(f"written: {path}", "dim")


def columns(
    table: Annotated[
        Path | None, typer.Argument(parser=a_path, metavar="[TABLE]", help="An event table; else those of a set-up.")
    ] = None,
    detector: Annotated[
        str, typer.Option("--detector", "-d", autocompletion=completing.setups, help="The set-up.")
    ] = "na64e_lfc",
    json_: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List the columns of the event tables of a set-up, or of one table, with unit and meaning: what a cut may use.

    For example:

      emiss columns --detector na64e_beam

      emiss columns out/demo/tables/signal/signal.parquet
    """
    if table is None:
        from emiss.reco.detector.model import load_detector
        from emiss.reco.pipeline import columns_of

        listed = columns_of(load_detector(detector))
    else:
        from emiss.events.files.open import open_table

        listed = dict(open_table(table).columns)
    if json_:
        typer.echo(json.dumps({name: column.to_json() for name, column in listed.items()}, indent=1))
        return
    from rich.table import Table

    shown = Table("column", "type", "unit", "meaning", box=None, header_style="bold")
    for name, column in listed.items():
        shape = {"flat": "", "fixed": f"[{column.size}]", "list": "[]"}
        bits = f" ({', '.join(column.bits)})" if column.bits else ""
        unit = "" if column.unit == "1" else column.unit
        names = f": {', '.join(column.elements)}" if column.elements else ""
        how = f" = {column.expression}" if column.expression else ""
        shown.add_row(name, column.type + shape[column.shape], unit, column.meaning + names + bits + how)
    print_table(shown)


def _slice(text: str) -> slice:
    """Return the slice of a text ``3:5``, ``:10`` or ``7``."""
    from emiss.configs.errors import UserError

    first, colon, last = text.partition(":")
    try:
        start = int(first) if first.strip() else 0
        if not colon:
            return slice(start, start + 1)
        return slice(start, int(last) if last.strip() else None)
    except ValueError:
        raise UserError(f"--events {text}: expected FIRST:LAST, such as 3:5") from None
