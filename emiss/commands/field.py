"""``emiss field``: looking at field maps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from emiss.terminal import print_table, say

app = typer.Typer(name="field", help="Look at magnetic field maps.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def check(
    map_: Annotated[Path, typer.Argument(metavar="MAP", help="A field map, text or ROOT.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The PNG; default MAP.png here.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="As JSON, without a picture unless --out names one.")] = False,
) -> None:
    """Check a field map: its grid, bounds, field integral and divergence; and draw it.

    For example:

      emiss field check mbpl.txt

      emiss field check mbpl.root --out mbpl.png --json
    """
    from emiss.look.field import draw, summary
    from emiss.reco.field.field_map import FieldMap

    field = FieldMap.load(map_)
    told = summary(field)
    picture = None if json_ and out is None else draw(field, out or Path(f"{map_.stem}.png"))
    if json_:
        typer.echo(json.dumps(told, indent=1))
        return
    from rich.table import Table

    table = Table("", "", title=str(map_), title_justify="left", box=None, show_header=False)
    for (name, (low, high)), nodes in zip(told["bounds"].items(), told["nodes"], strict=True):
        table.add_row(name, f"{low:g} to {high:g} mm, {nodes} nodes, {(high - low) / (nodes - 1):g} mm apart")
    table.add_row("largest", ", ".join(f"{name} {value:.4g} T" for name, value in told["largest"].items()))
    if told["integral"] is None:
        table.add_row("integral", "the axis x = y = 0 is outside the map")
    else:
        table.add_row("integral", f"{told['integral']:.5f} T m of By along the axis: a kick of {told['kick']:.5f} GeV")
    low, high = told["box"]["z"]
    table.add_row("as a box", f"{told['box']['by']:.4g} T from {low:.1f} to {high:.1f} mm")
    table.add_row("at its ends", f"{100 * told['ends']:.3g} % of the largest field (cut off there)")
    table.add_row(
        "divergence",
        f"{told['divergence']:.4f} of the rms of all derivatives, at most {told['largest_divergence']:.3g} T/mm in a cell",
    )
    print_table(table)
    say(f"written: {picture}", "dim")
