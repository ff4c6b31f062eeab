"""``emiss calib derive`` and ``kinds``: constants from calibration runs, and which kinds of them there are."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emiss.commands.executing import Cluster, Executing, Name, Scheduler, Workers, note_of
from emiss.commands.plain import Json, put
from emiss.commands.process import Quiet
from emiss.terminal import print_table, progress, say, warn

if TYPE_CHECKING:
    from collections.abc import Callable

    from emiss.calibrate.frame import Found

SHOWN = 15
"""Channels that need eyes, on the screen."""


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
    least: Annotated[
        int,
        typer.Option(
            min=2, help="Entries that a channel needs; of status, apv.status and tdc.status as many as it takes."
        ),
    ] = 100,
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
        _print(found, "page" if pages else "CSV")
        for error in _outside(found, valid):
            warn(error)
        say("written: " + ", ".join(map(str, made)), "dim")


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


def _print(found: Found, rest: str) -> None:
    """Print what was found of each type, and what needs eyes; `rest` has all of it."""
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
        warn(f"and {len(eyes) - SHOWN} more channels that need eyes: they are in the {rest}")
