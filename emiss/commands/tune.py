"""``emiss tune``: a page in the browser on which the cuts of an analysis are tuned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emiss.commands import completing
from emiss.commands.pages import ready
from emiss.commands.places import PLACE, a_path
from emiss.commands.process import Normalise, Quiet, Sets, Unblind, parse_sets
from emiss.terminal import progress, say, warn

if TYPE_CHECKING:
    from emiss.tune.limits import Limits


def tune(
    tables: Annotated[
        list[Path], typer.Argument(parser=a_path, metavar="TABLE...", help="Event tables, or folders that hold some.")
    ],
    analysis: Annotated[
        str, typer.Option(autocompletion=completing.analyses, help="Analysis: a name that ships, or a file.")
    ] = "e_to_mu_phi",
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", **PLACE, help="Folder that the page saves to; without it, it shows the file."),
    ] = None,
    set_: Sets = None,
    normalise: Normalise = 1e11,
    eot: Annotated[
        float | None, typer.Option("--eot", min=1.0, help="Also give the limit for so many electrons on target.")
    ] = None,
    background: Annotated[
        str, typer.Option(help="Of the limit: 'budget', 'cutflow', 'auto', or events per electron on target.")
    ] = "auto",
    unblind: Unblind = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on this machine; 0 takes a free one.")] = 0,
    open_: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the browser, or only print the address.")
    ] = True,
    quiet: Quiet = False,
) -> None:
    """Tune cuts in the browser: parameters as sliders, cutflow and histograms of all samples following at once.

    The page is served on this machine alone, to whoever has its address, until Ctrl-C. Events inside a blind box are not
    even held. What is saved goes into the folder --out.

    For example:

      emiss tune out/demo

      emiss tune out/demo --analysis my_cuts.yaml --out out/tuned

      emiss tune out/demo --eot 1e11 --background cutflow

      emiss tune out/demo --no-open --port 8765      # on another machine: prints the ssh line that brings it here
    """
    from emiss import selection
    from emiss.browser import serving
    from emiss.job.select import select
    from emiss.tune.loading import load
    from emiss.tune.page import page_of
    from emiss.tune.saving import Saving
    from emiss.tune.session import Facts, Session

    limits = _limits(eot, background)
    values = parse_sets(set_)
    loaded_analysis = selection.load(analysis, set=values)
    with serving.listen(port) as listening:
        with progress("count", None, quiet=quiet) as step:
            outcome = select(tables, loaded_analysis, overrides=values, unblind=unblind, progress=step)
        with progress("read", None, quiet=quiet) as step:
            loaded = load(tables, loaded_analysis, outcome, set_=values, unblind=unblind, progress=step)
        facts = Facts(tuple(map(str, tables)), analysis, normalise, unblind)
        saving = Saving(loaded.document, loaded_analysis, out, values, loaded.live.opened.columns)
        session = Session(loaded, facts, saving, limits)
        session.answer({})  # what is computed once is there when the page opens
        for line in (*outcome.remarks, *outcome.losses):
            warn(line)
        serving.serve(page_of(session), listening, ready(open_=open_, quiet=quiet))
    if not quiet:
        say("ended", "dim")


def _limits(eot: float | None, background: str) -> Limits | None:
    if eot is None:
        if background != "auto":
            from emiss.configs.errors import UserError

            raise UserError("--background is that of a limit", hint="give --eot, too")
        return None
    from emiss.reach.background import check_name
    from emiss.tune.limits import Limits

    check_name(background)
    return Limits(eot, background)
