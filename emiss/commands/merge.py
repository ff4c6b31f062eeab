"""``emiss merge``: the parts of a job, done one by one on a cluster, become the whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emiss.commands import completing
from emiss.commands.places import PLACE, a_path
from emiss.commands.plain import Json
from emiss.commands.process import After, Columns, Detail, Keep, KeepRegion, Normalise, Quiet, finish, wanted_events
from emiss.terminal import log_to, progress


def merge(
    folders: Annotated[
        list[Path],
        typer.Argument(
            parser=a_path, metavar="OUT...", help="What the parts were given as --out: one folder, or several."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", **PLACE, help="Folder for the whole; by default the one that all parts share."),
    ] = None,
    analysis: Annotated[
        Path | None,
        typer.Option(autocompletion=completing.analyses, help="Where the analysis is now, if it has been moved."),
    ] = None,
    normalise: Normalise = 1e11,
    keep: Keep = None,
    columns: Columns = None,
    region: KeepRegion = None,
    after: After = None,
    detail: Detail = False,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Put the parts of a job together: what one 'emiss process' would have written, to the last bit.

    All parts have to be there (those that are missing are named, exit code 3), and of the same files, code and configs. What
    --keep said to the parts holds, unless it is said anew.

    For example:

      emiss merge out/demo

      emiss merge out/part_* --out out/demo
    """
    from emiss.job.merge import merge as put_together
    from emiss.job.merge import whole_in

    wanted = wanted_events(keep, columns, region, after)
    place = whole_in(folders, out)
    with log_to(place / "log.txt"), progress("merge", None, quiet=quiet, unit="tables") as step:
        outcome = put_together(
            folders,
            out,
            analysis=analysis,
            normalise=normalise,
            keep=wanted,
            progress=step,
        )
    finish(outcome, place, normalise=normalise, detail=detail, quiet=quiet, json_=json_)
