"""``emiss models``: the new particles that samples and searches know, with coupling, parameters and processes."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from emiss.terminal import print_table, say, warn


def models(
    name: Annotated[str | None, typer.Argument(help="One of them, with its parameters.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the models of new particles, those of other packages included.

    For example:

      emiss models

      emiss models dark-photon
    """
    from emiss.configs.errors import UserError
    from emiss.samples import models as known

    made = {}
    for one in known.names() if name is None else [name]:
        try:
            made[one] = known.model_of(one)
        except UserError as error:
            if name is not None:
                raise
            warn(str(error))  # one of a package, which hides no other
    if json_:
        listed = [
            {
                "name": one,
                "title": model.title,
                "coupling": model.plane.coupling,
                "unit": model.plane.unit,
                "parameters": dict(model.parameters),
            }
            for one, model in made.items()
        ]
        typer.echo(json.dumps(listed, indent=1))
        return
    from rich.table import Table

    screen = Table(box=None, header_style="dim")
    for head in ("model", "what it is", "coupling", "parameters"):
        screen.add_column(head, overflow="fold")
    for one, model in made.items():
        plane = model.plane
        coupling = f"{plane.coupling} [{plane.unit}]" if plane.unit else plane.coupling or "-"
        given = ", ".join(
            f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}"
            for key, value in model.parameters.items()
        )
        screen.add_row(one, model.title, coupling, given or "-")
    print_table(screen)
    if name is not None:
        words = (type(made[name]).__doc__ or "").strip().splitlines()
        for line in words:
            say(line.strip(), "dim")
