"""``emiss look``: a page in the browser on which events are searched and seen in their set-up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emiss.commands.pages import ready
from emiss.commands.places import PLACE
from emiss.commands.process import Quiet, Sets, Unblind, parse_sets
from emiss.terminal import progress, say

if TYPE_CHECKING:
    from emiss.look.judge import Judge, Wanted
    from emiss.look.opening import Opened


def look(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...", help="Run files (or addresses of some), or event tables and folders of these."
        ),
    ],
    analysis: Annotated[
        str | None, typer.Option(help="Analysis whose cuts are shown: a name that ships, or a file.")
    ] = None,
    set_: Sets = None,
    region: Annotated[str | None, typer.Option(help="Begin with this region of the analysis.")] = None,
    passing: Annotated[
        str | None, typer.Option(metavar="CUT", help="Begin with events that pass this cut and those before it.")
    ] = None,
    failing: Annotated[
        str | None, typer.Option(metavar="CUT", help="Begin with events that this cut alone rejects.")
    ] = None,
    where: Annotated[
        str | None, typer.Option(metavar="EXPRESSION", help="Begin with events for which this condition holds.")
    ] = None,
    events: Annotated[
        str | None, typer.Option(metavar="RUN/SPILL/NUMBER,...", help="Begin with these events; @FILE reads a list.")
    ] = None,
    detector: Annotated[
        str | None,
        typer.Option(help="Detector: a name that ships, or a file.  [default: that of the tables, or na64e_lfc]"),
    ] = None,
    calib: Annotated[
        str | None, typer.Option(help="Conditions: a tag that ships, or a folder.  [default: those of the detector]")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", **PLACE, help="Folder that pictures are written to, too.")
    ] = None,
    unblind: Unblind = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on this machine; 0 takes a free one.")] = 0,
    open_: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the browser, or only print the address.")
    ] = True,
    json_: Annotated[
        bool, typer.Option("--json", help="No page: print the events of the list, one JSON object per line.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Look at events in the browser: a list by run, spill and number, and each event in its set-up, drawn to scale.

    The page is served on this machine alone, to whoever has its address, until Ctrl-C. With an analysis, events inside a blind
    box are not shown.

    For example:

      emiss simulate signal --events 500 --out signal.dat

      emiss look signal.dat --analysis e_to_mu_phi --passing mip_veto

      emiss look out/demo --analysis e_to_mu_phi --out pictures

      emiss look signal.dat --where 'ecal.energy > 40 GeV' --json
    """
    from emiss import selection
    from emiss.browser import serving
    from emiss.configs.errors import UserError
    from emiss.display.page import page_of
    from emiss.display.session import Session
    from emiss.events.location import is_remote
    from emiss.look.judge import Judge
    from emiss.look.opening import open_events

    if out is not None and is_remote(out):
        raise UserError(f"--out {out}: pictures are written to a folder of this machine")
    if analysis is None and (set_ or region is not None):
        raise UserError("--set and --region are those of an analysis", hint="give --analysis, too")
    values = parse_sets(set_)
    cuts = None if analysis is None else selection.load(analysis, values)
    with progress("open", None, quiet=quiet or json_):
        opened = open_events(files, detector, calib)
    _check_blinding(opened, cuts, values, unblind=unblind)
    judge = Judge(cuts, opened.detector, unblind=unblind)
    wanted = _wanted(judge, opened, region, passing, failing, where, events)
    if json_:
        _print_rows(opened, judge, wanted)
        return
    with serving.listen(port) as listening:
        session = Session(opened, judge, out, wanted)
        serving.serve(page_of(session), listening, ready(open_=open_, quiet=quiet))
    if not quiet:
        say("ended", "dim")


def _wanted(
    judge: Judge,
    opened: Opened,
    region: str | None,
    passing: str | None,
    failing: str | None,
    where: str | None,
    events: str | None,
) -> Wanted:
    """Return what the list begins with, after a look whether it can be asked."""
    from emiss.events.location import place
    from emiss.look.judge import Wanted, read_numbers

    text = events or ""
    if text.startswith("@"):
        text = place(text[1:]).read_text(encoding="utf-8")
    wanted = Wanted(region, passing or "", failing or "", (where or "").strip(), read_numbers(text))
    for file in opened.files:
        judge.check(file, wanted)
    return wanted


def _print_rows(opened: Opened, judge: Judge, wanted: Wanted) -> None:
    """Print the events that are wanted, as they are found."""
    from emiss.look.search import Search

    names = [cut.name for cut in judge.cuts(wanted.region)]
    for row in Search(opened.files, judge, wanted).rows():
        said = {
            "file": str(opened.files[row.file].path),
            "row": row.row,
            "run": row.run,
            "spill": row.spill,
            "number": row.number,
        }
        if names:
            said["fails"] = None if row.failed < 0 else names[row.failed]
        typer.echo(json.dumps(said))


def _check_blinding(opened: Opened, cuts: object, values: dict[str, str], *, unblind: bool) -> None:
    """Refuse a blind box that would hide nothing, as all commands do."""
    from emiss.job.tables import samples_beside
    from emiss.look.sources import TableEvents
    from emiss.selection import Analysis, blinding

    if not isinstance(cuts, Analysis):
        return
    tables = [file.path for file in opened.files if isinstance(file, TableEvents)]
    samples = {file.sample: file.role for file in opened.files}
    blinding.check(cuts, samples, values, unblind=unblind, elsewhere=lambda: samples_beside(tables))
