"""``emiss simulate``: make a sample as a raw or as a simulated run file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emiss.terminal import console, progress


def simulate(
    sample: Annotated[str, typer.Argument(metavar="SAMPLE.yaml", help="A sample: a name that ships, or a file.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="FILE.dat for the raw tier, FILE.root for the hits tier.")],
    events: Annotated[int | None, typer.Option(min=1, help="Number of events; default: that of the sample.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed; default: that of the sample.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Simulate a sample; both tiers come out of the same generated events.

    For example:

      emiss simulate signal --events 20000 --out signal.root

      emiss simulate my_sample.yaml --out run.dat
    """
    from samples.config import load_sample
    from samples.simulate import simulate as run

    loaded = load_sample(sample)
    count = events or loaded.events
    with progress(f"simulate {loaded.name}", count, quiet=quiet) as step:
        path = run(loaded, out, events=count, seed=seed, progress=step)
    if not quiet:
        console().print(f"written: {path} ({count} events, {path.stat().st_size / 1e6:.1f} MB)", markup=False)
