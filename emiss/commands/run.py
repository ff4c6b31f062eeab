"""``emiss run``: a search as a whole, from its set-up to its limit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emiss.commands import completing
from emiss.commands.executing import Cluster, Executing, Name, Scheduler, Workers, note_of
from emiss.commands.plain import Json, put
from emiss.commands.process import Quiet
from emiss.terminal import console, progress, say, warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.programme.search_file import SearchFile
    from emiss.programme.whole import Part
    from emiss.selection.results.cutflow import Cutflow

PER = 1e11
"""Particles on target that the tables give expected events for."""


def run(
    search: Annotated[
        str,
        typer.Argument(
            metavar="SEARCH", autocompletion=completing.searches, help="A search: a name that ships, or a file."
        ),
    ],
    quick: Annotated[
        bool, typer.Option("--quick", help="Few events, and no reports beside the cutflow: a minute.")
    ] = False,
    mass: Annotated[
        list[str] | None, typer.Option(help="Instead of the few masses of the file, with unit; repeatable.")
    ] = None,
    events: Annotated[
        list[str] | None,
        typer.Option(
            metavar="N|NAME=N",
            help="Events of all samples, of the 'signal' (each piece), or of a background; repeatable.",
        ),
    ] = None,
    periods: Annotated[
        str | None, typer.Option(metavar="A..B|A,B|SUM", help="Periods by name (emiss periods). Default: the search's.")
    ] = None,
    on_target: Annotated[
        float | None, typer.Option(help="Instead of periods: particles on target of the search's own set-up.")
    ] = None,
    region: Annotated[
        list[str] | None,
        typer.Option(
            help="Show the cutflow of this region; repeatable. Default: those of the signal.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder. Default: out/SEARCH.")] = None,
    executor: Name = "processes",
    workers: Workers = None,
    scheduler: Scheduler = None,
    cluster: Cluster = None,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run a search as a whole: simulate its signal and backgrounds in its set-ups, cut them, and give the limit.

    Samples are simulated, reconstructed and cut in memory. Each set-up has a folder with cutflow and reports; limit.json,
    limit.csv, limit.png and limit.pdf stand beside them. What was interrupted goes on with the same command.

    For example:

      emiss run invisible --quick

      emiss run visible --out out/x17 --workers 8

      emiss run alp --mass 10MeV --mass 40MeV --events signal=5000 --events dimuon=1e6

      emiss run my_search.yaml --on-target 1e12 --executor dask --cluster cluster.yaml
    """
    from emiss.commands.quantities import energies
    from emiss.commands.study import per_sample
    from emiss.configs.errors import UserError
    from emiss.events import provenance
    from emiss.job.pools import pool_of
    from emiss.programme.counted import Asked, background_of, periods_of
    from emiss.programme.outputs import write
    from emiss.programme.search_file import load_search
    from emiss.programme.search_table import show
    from emiss.programme.whole import (
        SIGNAL,
        efficiencies_of,
        events_of,
        limit_whole,
        masses_shown,
        plan_whole,
        study_whole,
    )

    started = provenance.now()
    if periods is not None and on_target is not None:
        raise UserError("--periods and --on-target both say the exposure", hint="leave out one of them")
    if on_target is not None and not 0.0 < on_target < float("inf"):
        raise UserError(f"--on-target {on_target:g}: a number above 0 is needed")
    wanted = load_search(search)
    folder = Path("out") / wanted.search if out is None else out
    if folder.exists() and not folder.is_dir():
        raise UserError(f"--out: {folder} is a file, not a folder")
    given = per_sample(events, [SIGNAL, *wanted.run.backgrounds], "--events", 1)
    many = events_of(given, quick=quick)
    left = background_of(wanted, "")
    exposed = periods_of(wanted, Asked(periods=periods or "", on_target=on_target), left)
    parts = plan_whole(wanted, exposed, masses_shown(wanted, energies(mass, "--mass") if mass else ()), many)
    shown = _regions(wanted, region)
    where = Executing(executor, workers, scheduler, cluster)
    total = sum(part.study.events for part in parts)
    with where.begun(quiet=quiet) as how:
        with progress("simulate", total, quiet=quiet, note=note_of(how)) as step:
            flows = study_whole(
                parts, folder, executor=how, workers=where.many, normalise=PER, brief=quick, progress=step
            )
        found = efficiencies_of(parts, flows, exposed)
        pool = None if how == "serial" else pool_of(how, where.many)
        with progress("limits", len(found), quiet=quiet, unit="masses", note=note_of(how)) as step:
            source = f"simulated, {total} events, analysis '{wanted.analysis}'"
            limit = limit_whole(wanted, exposed, left, found, source, pool=pool, progress=step)
    configs = {wanted.document.name: wanted.document.text}
    if left.document is not None:
        configs[left.document.name] = left.document.text
    data = limit.to_json(provenance.record(configs=configs, started=started))
    written = write(limit, data, folder, None)
    if json_:
        put(data)
    if quiet or json_:
        for text in limit.warnings:
            warn(text)
        return
    _cutflows(parts, list(flows.values()), shown)
    show(limit)
    names = ", ".join(path.name for path in written)
    say(f"written to {folder}: {names}, and in {', '.join(part.name for part in parts)} the cutflow", "dim")


def _regions(search: SearchFile, asked: Sequence[str] | None) -> list[str]:
    """Return the regions that are shown: those that are asked for, or those in which the signal is counted.

    Raises
    ------
    UserError
        If the analysis has no such region.
    """
    from emiss import selection
    from emiss.configs.errors import UserError, did_you_mean

    known = list(selection.load(search.analysis).regions)
    for name in asked or ():
        if name not in known:
            raise UserError(
                f"--region: the analysis '{search.analysis}' has no '{name}'", hint=did_you_mean(name, known)
            )
    used = [one.region or known[0] for case in search.cases for one in search.signatures_of(case)]
    return list(dict.fromkeys(asked or used))


def _cutflows(parts: Sequence[Part], flows: Sequence[Cutflow], regions: Sequence[str]) -> None:
    """Print the cutflow of each set-up and region, and which samples are which."""
    from emiss.selection.display import terminal

    screen = console()
    for part, flow in zip(parts, flows, strict=True):
        beam = part.setting
        say(f"set-up {beam.setup}, {beam.particle} of {beam.beam.energy:g} GeV", "bold")
        for name in regions:
            screen.print(terminal.render(part.seen_in(flow, name), normalise_to=PER, region=name, width=screen.width))
