"""``emiss scan``: how the yields and a figure of merit change with a parameter of the cuts, on stored event tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emiss.commands import completing
from emiss.commands.executing import Cluster, Executing, Name, Scheduler, Workers, note_of
from emiss.commands.places import PLACE, a_path
from emiss.commands.plain import Json, put
from emiss.commands.process import Normalise, Quiet, Sets, Unblind, parse_sets
from emiss.terminal import print_table, progress, say, warn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.selection.results.optimum import Curve
    from emiss.selection.results.result import Result

MAX_LINES = 21
"""Steps that the table on the screen shows; all of them go into the files."""


def scan(
    tables: Annotated[
        list[Path], typer.Argument(parser=a_path, metavar="TABLE...", help="Event tables, or folders that hold some.")
    ],
    parameter: Annotated[
        list[str],
        typer.Option(
            "--parameter",
            "-p",
            autocompletion=completing.parameters,
            help="Parameter of the analysis, or one of its values: 'mip[0]'.",
        ),
    ],
    start: Annotated[list[str], typer.Option("--from", help="First value, with its unit; once per parameter.")],
    stop: Annotated[list[str], typer.Option("--to", help="Last value; once per parameter.")],
    points: Annotated[
        list[int] | None, typer.Option(min=2, max=10_000, help="Number of steps; once per parameter.")
    ] = None,
    merit: Annotated[
        str, typer.Option(help="Figure of merit, an expression of 'signal' and 'background'.")
    ] = "signal / sqrt(background + 1)",
    analysis: Annotated[
        str, typer.Option(autocompletion=completing.analyses, help="Analysis: a name that ships, or a file.")
    ] = "e_to_mu_phi",
    region: Annotated[
        str | None, typer.Option(autocompletion=completing.regions, help="Print only this region.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", **PLACE, help="Folder for the scan as JSON, CSV and plot.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(**PLACE, help="Draw it to this .png, .pdf or .svg.")] = None,
    set_: Sets = None,
    normalise: Normalise = 1e11,
    unblind: Unblind = False,
    executor: Name = "serial",
    workers: Workers = None,
    scheduler: Scheduler = None,
    cluster: Cluster = None,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Scan one parameter of the cuts, or two, in a single pass over stored event tables.

    Every signal sample is compared with all backgrounds together. The best step comes with the interval in which it lies
    when the samples fluctuate, and with the range that is within 5 % of it.

    For example:

      emiss scan out/demo -p e_miss_min --from 0GeV --to 60GeV --points 61 --plot scan.png

      emiss scan out/demo -p 'hcal_mip[0]' --from 0GeV --to 2GeV -p e_miss_min --from 0GeV --to 40GeV --out out/scan
    """
    from emiss import selection
    from emiss.configs.errors import UserError, did_you_mean
    from emiss.drawing import check_suffix
    from emiss.job.outcome import TasksFailedError
    from emiss.job.select import select
    from emiss.selection.analysis.scans import with_scan

    given: dict[str, Sequence[object]] = {
        "--parameter": parameter,
        "--from": start,
        "--to": stop,
        "--points": points or [],
    }
    _check(given)
    if plot is not None:
        check_suffix(plot)
    steps = points or [61 if len(parameter) == 1 else 21] * len(parameter)
    loaded = selection.load(analysis, set=parse_sets(set_))
    if region is not None and region not in loaded.regions:
        raise UserError(f"the analysis has no region '{region}'", hint=did_you_mean(region, loaded.regions))
    scanned = with_scan(loaded, parameter, start, stop, steps, merit)
    where = Executing(executor, workers, scheduler, cluster)
    with where.begun(quiet=quiet) as how, progress("scan", None, quiet=quiet, note=note_of(how)) as step:
        outcome = select(
            tables,
            scanned,
            None,
            unblind=unblind,
            executor=how,
            workers=where.many,
            progress=step,
            normalise=normalise,
        )
    result = outcome.result
    curves = [curve for curve in result.curves(normalise_to=normalise) if region in (None, curve.region)]
    if not curves:
        raise UserError("there is nothing to compare: a scan needs a sample of the role 'signal'")
    if json_:
        from emiss.selection.results.files import scans as scanfile

        put([scanfile.to_json(one, result.scans, result.cutflow, normalise) for one in result.bound_scans])
    elif not quiet:
        _print(result, curves, normalise)
    written = [*_write(result, out, normalise), *_draw(curves, result, plot, normalise)]
    if written and not (quiet or json_):
        say("written: " + ", ".join(str(path) for path in written), "dim")
    for line in (*outcome.remarks, *outcome.losses):
        warn(line)
    if outcome.failures:
        raise TasksFailedError(outcome.failures, stored=False)


def _check(given: Mapping[str, Sequence[object]]) -> None:
    """Refuse a number of values that does not fit the number of parameters."""
    from emiss.configs.errors import UserError

    wanted = len(given["--parameter"])
    if wanted > 2:
        raise UserError(f"--parameter is given {wanted} times", hint="a scan is of one parameter or of two")
    for option, values in given.items():
        if len(values) != wanted and (values or option != "--points"):
            hint = "once per parameter"
            raise UserError(f"{option} is given {len(values)} times for {wanted} of --parameter", hint=hint)


def _print(result: Result, curves: list[Curve], normalise: float) -> None:
    """Print one table per region, and the best steps."""
    from rich.table import Table

    from emiss.selection.display import numbers
    from emiss.selection.report import scans

    for region in dict.fromkeys(curve.region for curve in curves):
        shown = [curve for curve in curves if curve.region == region]
        if len(shown[0].axes) == 1:
            axis = shown[0].axes[0]
            table = Table(title=f"events per {numbers.particles(normalise)}, region {region}", title_justify="left")
            for head in (axis.title, "background", *(x for c in shown for x in (c.name, "merit"))):
                table.add_column(head, justify="right")
            for i in _thinned(len(axis.values), [curve.best[0] for curve in shown if curve.best]):
                cells = [f"{axis.values[i]:g}", numbers.significant(float(shown[0].background[i]))]
                for curve in shown:
                    mark = " *" if curve.best == (i,) else ""
                    cells += [numbers.significant(float(curve.signal[i])), f"{curve.merit[i]:.4g}{mark}"]
                table.add_row(*cells)
            print_table(table)
    for line in scans.lines(result, normalise_to=normalise):
        say(line)


def _thinned(count: int, kept: list[int]) -> list[int]:
    every = max(1, -(-count // MAX_LINES))
    return sorted({*range(0, count, every), count - 1, *kept})


def _write(result: Result, out: Path | None, normalise: float) -> list[Path]:
    if out is None:
        return []
    from emiss.events.files.atomic import write_text
    from emiss.selection.report import figures
    from emiss.selection.results.files import scans as scanfile

    out.mkdir(parents=True, exist_ok=True)
    texts = {f"{drawn.file}.svg": drawn.svg for drawn in figures.of(result, normalise_to=normalise) if drawn.file}
    for one in result.bound_scans:
        texts[f"scan_{one.name}.json"] = scanfile.dumps(one, result.scans, result.cutflow, normalise)
        texts[f"scan_{one.name}.csv"] = scanfile.csv(one, result.scans, result.cutflow, normalise)
    for name, text in texts.items():
        write_text(out / name, text)
    return [out / name for name in texts]


def _draw(curves: list[Curve], result: Result, plot: Path | None, normalise: float) -> list[Path]:
    if plot is None:
        return []
    from emiss.drawing import save
    from emiss.events.files.atomic import staged_file
    from emiss.selection.display import numbers
    from emiss.selection.plotting import scan as plots

    first = [curve for curve in curves if curve.region == curves[0].region]
    merit = result.bound_scans[0].figure_of_merit
    title = f"scan of {result.bound_scans[0].name}, region {curves[0].region}"
    with staged_file(plot) as here:
        save(plots.scan(first, merit, title, f"events per {numbers.particles(normalise)}"), here)
    return [plot]
