"""``emiss monitor``: a run that is being taken, spill by spill, with alarms."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emiss.commands import completing
from emiss.commands.pages import ready
from emiss.commands.plain import put
from emiss.commands.process import Quiet, Sets, Unblind, parse_sets
from emiss.terminal import console, print_table, say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from emiss.events.columns import Column
    from emiss.monitor.attending import Attending
    from emiss.monitor.watch import Event, Watch

ALARMS = 4


def monitor(
    path: Annotated[
        Path | None, typer.Argument(metavar="PATH", help="A raw run file, or a folder in which some appear.")
    ] = None,
    detector: Annotated[
        str, typer.Option(autocompletion=completing.setups, help="Detector: a name that ships, or a file.")
    ] = "na64e_lfc",
    calib: Annotated[
        str | None,
        typer.Option(
            autocompletion=completing.constants,
            help="Conditions: a tag that ships, or a folder.  [default: those of the detector]",
        ),
    ] = None,
    analysis: Annotated[
        str | None,
        typer.Option(
            autocompletion=completing.analyses,
            help="Also show the cutflow of an analysis: a name that ships, or a file.",
        ),
    ] = None,
    set_: Sets = None,
    rules: Annotated[
        str, typer.Option(autocompletion=completing.monitors, help="Alarms: a name that ships, or a file.")
    ] = "default",
    reference: Annotated[
        Path | None,
        typer.Option(help="Compare with an earlier run: a folder --out.  [default: the first spills of the run]"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Keep alarms.log, spills.jsonl and reference.json here.")
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="Look at what is there, and end: exit code 4 if there were alarms.")
    ] = False,
    terminal: Annotated[
        bool, typer.Option("--terminal", help="Show it in the terminal and not in the browser.")
    ] = False,
    json_: Annotated[
        bool, typer.Option("--json", help="One JSON object per spill, alarm and note, the sums last.")
    ] = False,
    behind: Annotated[
        int, typer.Option(min=0, help="Spills that may wait; of more the oldest are skipped, and counted. 0: none is.")
    ] = 20,
    settle: Annotated[
        float, typer.Option(min=0.1, help="Seconds without a new byte after which a spill is taken as complete.")
    ] = 5.0,
    replay: Annotated[bool, typer.Option("--replay", help="Show a finished PATH as if it grew.")] = False,
    speed: Annotated[float, typer.Option(min=1e-3, help="Of --replay: so many times as fast as it was taken.")] = 1.0,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on this machine; 0 takes a free one.")] = 0,
    open_: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the browser, or only print the address.")
    ] = True,
    quantities: Annotated[bool, typer.Option("--quantities", help="List what rules may use, and leave.")] = False,
    unblind: Unblind = False,
    quiet: Quiet = False,
) -> None:
    """Follow a raw file that grows, or a folder of them, spill by spill: rates, losses, pedestals, gains, occupancy, alarms.

    It goes on until Ctrl-C. What is half written is waited for; files may be cut short, replaced and rotated; where it
    cannot keep up it skips spills and says how many.

    For example:

      emiss monitor /data/run --calib my_constants --out out/shift

      emiss monitor /data/run --terminal --analysis my_cuts.yaml --rules my_rules.yaml --reference out/shift

      emiss monitor run-6105.dat --once --json | tail -1

      emiss monitor run-6105.dat --replay --speed 100
    """
    from emiss import selection
    from emiss.browser import serving
    from emiss.calib.beside import constants_of
    from emiss.calib.tag import find as find_tag
    from emiss.configs.errors import Location, UserError
    from emiss.monitor import reference as earlier
    from emiss.monitor import rules as alarms
    from emiss.monitor.attending import Attending
    from emiss.monitor.following import Following
    from emiss.monitor.kept import Kept
    from emiss.monitor.measured import Measuring
    from emiss.monitor.page import page_of
    from emiss.monitor.quantities import columns
    from emiss.monitor.replay import replayed
    from emiss.monitor.told import summary
    from emiss.monitor.watch import Watch
    from emiss.reco.detector.model import load_detector

    if analysis is None and set_:
        raise UserError("--set is of an analysis", hint="give --analysis, too")
    cuts = None if analysis is None else selection.load(analysis, set=parse_sets(set_))
    tag = constants_of(detector) if calib is None else calib
    measuring = Measuring(load_detector(detector).file, find_tag(tag), cuts, unblind=unblind)
    known = columns(measuring.channels, measuring.planes, () if measuring.hidden else measuring.cuts)
    checked = alarms.load(rules, known)
    if quantities:
        _list(known, json_=json_)
        return
    if path is None:
        raise UserError("the file or folder to be followed is missing", hint="emiss monitor --help has examples")
    if replay and path.is_dir():
        raise UserError(f"{path}: a file is replayed, and not a folder")
    if (once and not path.exists()) or not path.parent.is_dir():
        raise UserError("no such file or folder", at=Location(str(path)))
    with ExitStack() as ending:
        shown = ending.enter_context(replayed(path, speed)) if replay else None
        following = Following(path if shown is None else shown.path, settle)
        compared = None if reference is None else earlier.load(reference, measuring.channels, measuring.planes)
        watch = Watch(following, measuring, checked, behind, compared)
        tell: list[Callable[[Event], None]] = []
        if out is not None:
            kept = Kept(out, watch)
            ending.callback(kept.close)
            tell.append(kept)
        until = (lambda: False) if shown is None else shown.ended.is_set
        in_terminal = terminal or json_ or once
        if in_terminal:
            tell.insert(0, _as_json if json_ else _as_line if not quiet else _only_alarms)
        listening = None if in_terminal else ending.enter_context(serving.listen(port))
        attending = Attending(watch, tell, once=once, until=until)
        try:
            if listening is None:
                _in_terminal(watch, attending, quiet=quiet or json_)
            else:
                serving.serve(page_of(watch), listening, ready(open_=open_, quiet=quiet), attending.failed)
        finally:
            attending.end()
        if not (quiet or json_):
            for line in summary(watch):
                say(line, "bold" if watch.totals.alarms and line.endswith("alarms") else "")
        if json_:
            typer.echo(json.dumps(watch.totals.to_json()))
    if once and watch.totals.alarms:
        raise typer.Exit(ALARMS)


def _in_terminal(watch: Watch, attending: Attending, *, quiet: bool) -> None:
    """Show what happens as lines, and on a terminal what is going on below them, until all is over."""
    from emiss.monitor.told import HEAD, state

    if quiet:
        attending.wait()
        return
    screen = console()
    if not screen.is_terminal:
        screen.print(HEAD)
        attending.wait()
        return
    from rich.live import Live
    from rich.text import Text

    def below() -> Text:
        return Text(f"{HEAD}\n{state(watch)}   (Ctrl-C ends it)", style="dim", no_wrap=True, overflow="ellipsis")

    with Live(below(), console=screen, transient=True, redirect_stdout=False, redirect_stderr=False) as live:
        attending.wait(lambda: live.update(below()))


def _as_json(event: Event) -> None:
    from emiss.monitor.told import as_json

    typer.echo(json.dumps(as_json(event)))


def _as_line(event: Event) -> None:
    from emiss.monitor.told import line

    text, style = line(event)
    say(text, style)


def _only_alarms(event: Event) -> None:
    from emiss.monitor.watch import Alarm

    if isinstance(event, Alarm):
        _as_line(event)


def _list(known: Mapping[str, Column], *, json_: bool) -> None:
    """Print what rules may use."""
    if json_:
        put({name: column.to_json() for name, column in known.items()})
        return
    from rich.table import Table

    shown = Table("quantity", "unit", "meaning", box=None, header_style="bold")
    for name, column in known.items():
        of = f" (each of {column.size})" if column.shape == "fixed" else ""
        shown.add_row(name, "" if column.unit == "1" else column.unit, column.meaning + of)
    print_table(shown)
