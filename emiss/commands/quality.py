"""``emiss quality``: which spills of raw files are to be trusted."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emiss.commands import completing
from emiss.commands.executing import Cluster, Executing, Name, Scheduler, Workers, note_of
from emiss.commands.places import PLACE
from emiss.commands.plain import Json, put
from emiss.commands.process import Quiet
from emiss.terminal import print_table, progress, say

if TYPE_CHECKING:
    from emiss.look.spill_quality import Quality
    from emiss.reco.quality.summary import Verdict

MAX_LINES = 40
"""Spills that the table on the screen shows; if there are more, only the bad ones."""


def quality(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUNS.yaml|FILES...", autocompletion=completing.runs, help="A run list, or raw run files."
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", **PLACE, help="Folder for bad_spills.yaml, quality.csv and the plot.")
    ] = Path("out/quality"),
    detector: Annotated[
        str,
        typer.Option(autocompletion=completing.setups, help="Detector for bare files: a name that ships, or a file."),
    ] = "na64e_lfc",
    calib: Annotated[
        str | None,
        typer.Option(
            autocompletion=completing.constants,
            help="Conditions for bare files: a tag that ships, or a folder.  [default: those of the detector]",
        ),
    ] = None,
    rate: Annotated[float, typer.Option(help="Bad below this share of the run's median of events per spill.")] = 0.5,
    lost: Annotated[
        float, typer.Option(help="Bad above this share of events lost, damaged or after a lost block.")
    ] = 0.05,
    shift: Annotated[float, typer.Option(help="Bad where a pedestal changes by more than this, in ADC.")] = 5.0,
    saturated: Annotated[
        float, typer.Option(help="Bad where this share of events more than usual is saturated.")
    ] = 0.05,
    executor: Name = "serial",
    workers: Workers = None,
    scheduler: Scheduler = None,
    cluster: Cluster = None,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Survey raw files spill by spill and propose a list of bad spills.

    Each spill is compared with the others of its run: rate, events lost or damaged or after a lost front-end block,
    pedestals, saturated waveforms. The list is a proposal; a run list takes it as 'quality: bad_spills.yaml'.

    For example:

      emiss quality 'cdr*-003855.dat' --out out/quality

      emiss quality configs/runs/2023.yaml --shift 3 --saturated 0.02 --executor processes
    """
    from emiss import runlist
    from emiss.events.files.atomic import staged
    from emiss.job.pools import pool_of
    from emiss.look import spill_quality, spill_quality_files
    from emiss.reco.quality.summary import Limits

    if len(inputs) == 1 and inputs[0].endswith((".yaml", ".yml")):
        runs = runlist.load(inputs[0])
    else:
        runs = runlist.from_files(inputs, detector=detector, analysis="", calib=calib)
    limits = Limits(rate=rate, lost=lost, shift=shift, saturated=saturated)
    where = Executing(executor, workers, scheduler, cluster)
    with where.begun(runs.cluster, quiet=quiet) as how:
        pool, note = pool_of(how, where.many), note_of(how)
        count = sum(len(sample.files) for sample in runs.samples)
        with progress("look at files", count, quiet=quiet, unit="files", note=note) as step:
            shared, ranges = spill_quality.open_files(runs, out / ".index", pool, step)
        spill_quality_files.prepare(out)
        with progress("quality", sum(part.events for part in ranges), quiet=quiet, note=note) as step:
            found = spill_quality.measure(shared, ranges, limits, step, pool)
    with staged(out) as folder:
        written = [out / path.name for path in spill_quality_files.write(found, folder)]
    if json_:
        bad = {(one.run, one.spill) for one in found.bad}
        put(
            {
                "spills": [_plain(one) | {"bad": (one.run, one.spill) in bad} for one in found.verdicts],
                "written": written,
            }
        )
    elif not quiet:
        _print(found)
        say("written: " + ", ".join(str(path) for path in written), "dim")


def _plain(verdict: Verdict) -> dict[str, object]:
    """Return a verdict as plain data; what cannot be told is None."""
    data = asdict(verdict)
    return {name: None if isinstance(x, float) and not math.isfinite(x) else x for name, x in data.items()}


def _print(found: Quality) -> None:
    """Print one line per spill, or per bad spill where there are many."""
    from rich.table import Table

    few = len(found.verdicts) <= MAX_LINES
    shown = found.verdicts if few else found.bad
    lines = Table(box=None, header_style="dim")
    for head in ("run", "spill", "events", "rate", "lost", "pedestal", "saturated"):
        lines.add_column(head, justify="right")
    lines.add_column("bad because")
    for v in shown:
        numbers = (str(v.run), str(v.spill), str(v.events), f"{v.rate:.2f}", f"{v.lost:.1%}", f"{v.shift:+.1f} ADC")
        lines.add_row(*numbers, f"{v.saturated:.1%}", "; ".join(v.reasons), style="yellow" if v.reasons else None)
    print_table(lines)
    more = "" if few else " (only these are shown)"
    say(f"{len(found.bad)} of {len(found.verdicts)} spills are bad{more}")
    if gone := int(found.survey.gone.sum()):
        say(f"{gone} events are lost or missing")
