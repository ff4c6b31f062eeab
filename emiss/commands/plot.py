"""``emiss plot``: figures of stored histograms, or of expressions on event tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emiss.commands.places import PLACE, a_path
from emiss.commands.process import Quiet, Sets, Unblind, parse_sets
from emiss.terminal import progress, say, warn

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from emiss.plot.draw import Content


def plot(
    result: Annotated[
        Path,
        typer.Argument(parser=a_path, metavar="RESULT", help="Folder of a result, event tables, or a figure's .yaml."),
    ],
    quantity: Annotated[
        list[str] | None,
        typer.Argument(help="Name of a stored histogram, or an expression of the analysis; two give a plane."),
    ] = None,
    out: Annotated[
        list[Path] | None, typer.Option("--out", "-o", **PLACE, help="A .png, .pdf or .svg; may be repeated.")
    ] = None,
    after: Annotated[
        str, typer.Option(help="Events that pass this cut and those before it; or 'all', 'n-1', 'n-1 CUT'.")
    ] = "",
    region: Annotated[str, typer.Option(help="Region of the analysis; the first by default.")] = "",
    bins: Annotated[
        list[str] | None,
        typer.Option(help="Of an expression: '100, 0 GeV, 100 GeV', or edges '[0 GeV, 5 GeV, 20 GeV]'; of each."),
    ] = None,
    sample: Annotated[list[str] | None, typer.Option(help="Only this sample; may be repeated.")] = None,
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Samples over each other, with chi2 and Kolmogorov-Smirnov.")
    ] = False,
    other: Annotated[
        list[Path] | None,
        typer.Option("--with", parser=a_path, metavar="RESULT", help="Lay another result over it; may be repeated."),
    ] = None,
    label: Annotated[list[str] | None, typer.Option(help="Name of a result; once for each.")] = None,
    normalise: Annotated[
        str, typer.Option(help="Particles on target, or 'data', 'shape' (area 1), 'none'.  [default: data, or 1e11]")
    ] = "",
    log: Annotated[
        bool | None, typer.Option("--log/--linear", help="Vertical axis.  [default: log over two decades]")
    ] = None,
    ratio: Annotated[bool, typer.Option("--ratio/--no-ratio", help="Data over simulation below.")] = True,
    per_unit: Annotated[bool, typer.Option("--per-unit", help="Bins over their width.")] = False,
    title: Annotated[str | None, typer.Option(help="Instead of the histogram's own; '' for none.")] = None,
    experiment: Annotated[str, typer.Option(help="Above the plot; '' writes the title there.")] = "NA64",
    preliminary: Annotated[bool, typer.Option("--preliminary", help="Say so above the plot.")] = False,
    style: Annotated[str, typer.Option(help="emiss, root, alice, atlas, cms, dune or lhcb.")] = "emiss",
    analysis: Annotated[
        str, typer.Option(help="Analysis of an expression: a name, or a file.  [default: that of the result]")
    ] = "",
    tables: Annotated[
        list[Path] | None,
        typer.Option(parser=a_path, metavar="TABLE", help="Event tables that are not with the result."),
    ] = None,
    set_: Sets = None,
    unblind: Unblind = False,
    quiet: Quiet = False,
) -> None:
    """Draw a quantity: backgrounds stacked, signals as lines, data as points with ratio; planes with projections.

    A histogram that the result has stored is drawn at once; any expression is filled from the event tables, with the
    cuts and names of the analysis that made the result.

    For example:

      emiss plot out/demo ecal.energy --after mip_veto --bins '50, 0 GeV, 100 GeV' --out ecal.pdf

      emiss plot out/demo e_miss --after n-1 --preliminary --style cms --out e_miss.pdf --out e_miss.png

      emiss plot out/demo ecal.energy 'sum(hcal.energy)' --bins '60, 0 GeV, 120 GeV' --sample dimuon --out plane.png

      emiss plot out/demo e_miss --overlay --sample pion_decay --sample kaon_decay --out shapes.pdf

      emiss plot out/2022 e_miss --with out/2023 --sample data --out periods.pdf

      emiss plot figure.yaml --out figure.pdf
    """
    from emiss.configs.errors import Location, UserError
    from emiss.drawing import check_style, check_suffix, save, styled
    from emiss.events.files.atomic import staged_file
    from emiss.events.location import is_remote
    from emiss.plot import draw
    from emiss.plot.wanted import Panel
    from emiss.selection.plotting.frame import Look

    places = out or [Path("plot.png")]
    for path in places:
        check_suffix(path)
        if not is_remote(path) and not path.parent.is_dir():
            raise UserError("no such folder", at=Location(str(path.parent)))
    check_style(style)
    if result.suffix in (".yaml", ".yml"):
        if quantity:
            raise UserError("a figure file says itself what is drawn", hint=f"emiss plot {result}")
        style, made, shown = _from_file(result, unblind=unblind, quiet=quiet)
    else:
        if not quantity:
            raise UserError("what is to be drawn?", hint="name a stored histogram, or an expression")
        panel = Panel(
            result=result, plot=tuple(quantity), after=after, region=region, bins=tuple(bins or ()),
            samples=tuple(sample or ()), overlay=overlay, with_=tuple(other or ()), labels=tuple(label or ()),
            normalise=normalise, log=log, ratio=ratio, per_unit=per_unit, title=title, analysis=analysis,
            set=parse_sets(set_), tables=tuple(tables or ()),
        )  # fmt: skip
        look = Look(experiment=experiment, status="Preliminary" if preliminary else "")
        with progress("plot", None, quiet=quiet) as step:
            shown = [draw.content(panel, look, unblind=unblind, progress=step)]
        made = draw.draw(shown[0], style)
    for path in places:
        try:
            with styled(style), staged_file(path) as here:
                save(made, here)
        except OSError as error:
            raise UserError(f"cannot be written: {error.strerror or error}", at=Location(str(path))) from None
    for one in shown:
        for line in one.lines if not quiet else ():
            say(line)
        for remark in one.remarks:
            warn(remark)
    if not quiet:
        say("written: " + ", ".join(map(str, places)), "dim")


def _from_file(path: Path, *, unblind: bool, quiet: bool) -> tuple[str, Figure, list[Content]]:
    """Return the style, the figure and its panels as a file says them."""
    from emiss.plot import draw
    from emiss.plot.wanted import load_figure
    from emiss.selection.plotting.frame import Look

    file = load_figure(path)
    look = Look(experiment=file.experiment, status=file.status)
    with progress("plot", len(file.panels), quiet=quiet, unit="panels") as step:
        found = []
        for panel in file.panels:
            found.append(draw.content(panel, look, near=file.near, unblind=unblind))
            step(1)
    return file.style, draw.panels(file, found), found
