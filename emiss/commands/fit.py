"""``emiss fit``: the track fits of one event."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emiss.commands import completing
from emiss.terminal import print_table, say

if TYPE_CHECKING:
    from emiss.look.explain import Explained


def fit(
    file: Annotated[str, typer.Argument(metavar="RUNFILE", help="A raw or simulated run file, or the address of one.")],
    event: Annotated[int, typer.Option(min=0, help="Entry of the event in the file.")] = 0,
    explain: Annotated[
        bool, typer.Option("--explain", help="Compare with iminuit on the same hits, and draw it.")
    ] = False,
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
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The PNG; default RUNFILE.EVENT.fit.png here.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="As JSON, without a picture unless --out names one.")] = False,
) -> None:
    """Show the track candidates of one event and their fits, also those that are not kept.

    For example:

      emiss simulate signal --events 500 --out signal.dat

      emiss fit --explain signal.dat --event 12

      emiss fit run.root --event 3 --detector na64e_beam --json
    """
    from emiss.events.location import located
    from emiss.look.explain import draw, explain_event

    run_file = located(file)
    found, loaded = explain_event(run_file, event, detector, calib, oracle=explain)
    picture = None
    if explain and found and not (json_ and out is None):
        title = f"{run_file.name}, entry {event}"
        picture = draw(found, loaded, title, out or Path(f"{run_file.stem}.{event}.fit.png"))
    if json_:
        typer.echo(json.dumps([one.to_json() for one in found], indent=1))
        return
    for one in found:
        print_table(_fit_table(one))
        print_table(_hit_table(one))
        if one.status == "ok":
            print_table(_face_table(one))
    if not found:
        say("no track candidates in this event")
    if picture is not None:
        say(f"written: {picture}", "dim")


def _fit_table(one: Explained) -> Any:
    from rich.table import Table

    fits = one.fits
    bent = math.isfinite(fits.q_over_p[0])
    momentum = f"{fits.charge[0]:+.0f}, {fits.p[0]:.3f} GeV, " if bent else "straight, " if one.status == "ok" else ""
    title = f"{one.arm} {one.number}: {one.status}, {momentum}chi2 {fits.chi2[0]:.2f} for {fits.ndf[0]}"
    if one.single is not None:
        converged = "" if one.single.valid else ", not converged"
        title += f"; iminuit {one.single.chi2:.2f}{converged}"
    table = Table("", "fit", "error", title=title, title_justify="left", box=None, header_style="dim")
    if one.single is not None:
        for name in ("iminuit", "error", "off by, errors"):
            table.add_column(name)
    units = ((1.0, "mm"), (1.0, "mm"), (1e3, "mrad"), (1e3, "mrad"), (1e3, "e/TeV"))
    for k, (name, (scale, unit)) in enumerate(zip(("x", "y", "tx", "ty", "q/p"), units, strict=True)):
        row = [f"{name}, {unit}", _number(one.state[k] * scale, ".5g"), _number(one.errors[k] * scale, ".3g")]
        if one.single is not None:
            value, error = one.single.state[k], one.single.errors[k]
            row += [_number(value * scale, ".5g"), _number(error * scale, ".3g")]
            row.append(_number((one.state[k] - value) / error, "+.4f"))
        table.add_row(*row)
    return table


def _hit_table(one: Explained) -> Any:
    from rich.table import Table

    columns = ("z, m", "x, mm", "residual, um", "pull", "y, mm", "residual, um", "pull")
    table = Table(*columns, box=None, header_style="dim")
    for plane, z in enumerate(one.model.z):
        row = [f"{z * 1e-3:.3f}"]
        for view in range(2):
            residual, pull = one.fits.residuals[0, plane, view], one.fits.pulls[0, plane, view]
            hit = one.model.hits[plane, view]
            row += [_number(hit, ".3f"), _number(residual * 1e3, ".0f"), _number(pull, "+.2f")]
        table.add_row(*row)
    return table


def _number(value: float, form: str) -> str:
    """Return a number as text; a dash where nothing was measured, or there is nothing to compare with."""
    return f"{value:{form}}" if math.isfinite(value) else "-"


def _face_table(one: Explained) -> Any:
    from rich.table import Table

    table = Table("at", "z, m", "x, mm", "error", "y, mm", "error", box=None, header_style="dim")
    for name, (z, x, y, sigma_x, sigma_y) in one.at.items():
        table.add_row(name, f"{z * 1e-3:.3f}", f"{x:.2f}", f"{sigma_x:.2f}", f"{y:.2f}", f"{sigma_y:.2f}")
    return table
