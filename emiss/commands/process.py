"""``emiss process`` and ``emiss select``: from run files, or from stored event tables, to the cutflow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from emiss.commands import completing
from emiss.commands.executing import Cluster, Executing, Name, Scheduler, Workers, note_of
from emiss.commands.places import PLACE, a_path
from emiss.commands.plain import Json, put
from emiss.commands.quantities import above_zero
from emiss.terminal import console, log_to, progress, say, warn

if TYPE_CHECKING:
    from emiss.job.division import Part
    from emiss.job.outcome import Outcome
    from emiss.job.plan import Job
    from emiss.job.skim import Wanted
    from emiss.job.task import Executor
    from emiss.selection import Analysis

Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        autocompletion=completing.settings,
        help="Set a parameter of the analysis; repeatable.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Unblind = Annotated[bool, typer.Option("--unblind", help="Open the box of blinded samples (goes into the provenance).")]
Normalise = Annotated[
    float, typer.Option(callback=above_zero, help="Particles on target that expected events are given for.")
]
Detail = Annotated[bool, typer.Option("--detail", help="Also print each cut alone, N-1, and only it failed.")]
Keep = Annotated[
    Path | None,
    typer.Option(
        **PLACE, help="Write the events that pass to this folder (SAMPLE.parquet), or .parquet or .root file."
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(help="Columns of the kept events: names and patterns with commas, e.g. 'event.*,tracks.p'."),
]
KeepRegion = Annotated[
    str | None,
    typer.Option(
        "--region", autocompletion=completing.regions, help="Region of the kept events; the first by default."
    ),
]
After = Annotated[
    str | None,
    typer.Option(autocompletion=completing.cuts, help="Keep the events that pass this cut and those before it."),
]
Out = Annotated[Path, typer.Option("--out", "-o", **PLACE, help="Folder for tables, cutflow, reports and log.")]


def process(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUNS.yaml|FILES...", autocompletion=completing.runs, help="A run list, or bare run files."
        ),
    ],
    out: Out = Path("out"),
    detector: Annotated[
        str,
        typer.Option(autocompletion=completing.setups, help="Detector for bare files: a name that ships, or a file."),
    ] = "na64e_lfc",
    analysis: Annotated[
        str | None, typer.Option(autocompletion=completing.analyses, help="Analysis: a name that ships, or a file.")
    ] = None,
    calib: Annotated[
        str | None,
        typer.Option(
            autocompletion=completing.constants,
            help="Conditions for bare files: a tag that ships, or a folder.  [default: those of the detector]",
        ),
    ] = None,
    reader: Annotated[
        str | None,
        typer.Option(
            autocompletion=completing.maps, help="Map for files of other programs: a name that ships, or a file."
        ),
    ] = None,
    set_: Sets = None,
    executor: Name = "serial",
    workers: Workers = None,
    scheduler: Scheduler = None,
    cluster: Cluster = None,
    events: Annotated[int | None, typer.Option(min=1, help="Read at most so many entries of each file.")] = None,
    batch: Annotated[int, typer.Option(min=1, help="Events per batch; changes no count.")] = 2048,
    tables: Annotated[
        Literal["parquet", "root"] | None,
        typer.Option(help="Format of the event tables: parquet, or that of the tables which are there already."),
    ] = None,
    normalise: Normalise = 1e11,
    keep: Keep = None,
    columns: Columns = None,
    region: KeepRegion = None,
    after: After = None,
    unblind: Unblind = False,
    detail: Detail = False,
    json_: Json = False,
    part: Annotated[
        str | None,
        typer.Option(metavar="K/N", help="Do only part K of N of the job; 'emiss merge' puts the parts together."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Process run files: event tables, cutflow and reports.

    A table that is there already, made from the same input by the same code and constants, is used again, so that an
    interrupted job goes on and a changed cut costs only the selection.

    For example:

      emiss process demo --out out/demo

      emiss process 'cdr*-003855.dat.gz' @more_files.txt --detector na64e_lfc --calib demo --out out/3855

      emiss process demo --set e_miss_min=25GeV --executor processes

      emiss process demo --executor dask --scheduler tcp://10.0.0.1:8786 --out out/demo

      emiss process demo --part 3/20 --out out/demo

      emiss process 's3://na64/2026/cdr*.dat' root://host//data/run.dat.gz --out s3://my-bucket/out/2026

      emiss process events.root --reader ldmx --analysis ldmx_missing_energy --out out/ldmx
    """
    from dataclasses import replace

    from emiss import runlist
    from emiss.configs.errors import UserError
    from emiss.job.division import Part
    from emiss.job.plan import plan
    from emiss.job.run import run_job

    only = None if part is None else Part.parse(part)
    if only is not None and executor == "dask":
        raise UserError("parts are for batch systems without dask", hint="leave out --part, or --executor dask")
    if len(inputs) == 1 and (inputs[0].endswith((".yaml", ".yml")) or not _is_file_pattern(inputs[0])):
        runs = runlist.load(inputs[0])
        runs = runs if analysis is None else replace(runs, analysis=analysis, near=Path())
    else:
        cuts = analysis or "e_to_mu_phi"
        runs = runlist.from_files(inputs, detector=detector, analysis=cuts, calib=calib, reader=reader)
    count = sum(len(sample.files) for sample in runs.samples)
    where = Executing(executor, workers, scheduler, cluster)
    many = where.many
    with where.begun(runs.cluster, quiet=quiet) as how:
        note = note_of(how)
        with progress("look at files", count, quiet=quiet, unit="files", note=note) as step:
            job = plan(
                runs,
                out,
                overrides=parse_sets(set_),
                unblind=unblind,
                max_events=events,
                batch=batch,
                table_suffix=tables and f".{tables}",
                executor=how,
                workers=many,
                progress=step,
                begin=0.0 if only is None else (only.number - 1) / only.of,
            )
        wanted = wanted_events(keep, columns, region, after)
        if wanted is not None:
            wanted.check(job.analysis)
        if only is not None:
            _process_part(job, only, out, how, many, normalise, wanted, detail=detail, quiet=quiet, json_=json_)
            return
        total = job.entries if not job.hidden else None
        with log_to(out / "log.txt"), progress("process", total, quiet=quiet, note=note) as step:
            outcome = run_job(
                job,
                out,
                executor=how,
                workers=many,
                normalise=normalise,
                keep=wanted,
                progress=step,
            )
    finish(outcome, out, normalise=normalise, detail=detail, quiet=quiet, json_=json_)


def _process_part(
    job: Job,
    part: Part,
    out: Path,
    executor: Executor,
    workers: int,
    normalise: float,
    keep: Wanted | None,
    *,
    detail: bool,
    quiet: bool,
    json_: bool = False,
) -> None:
    """Do one part of a job and print what it has done; whether too much is lost is for the whole to say."""
    from dataclasses import replace

    from emiss.job.division import tasks_of_part
    from emiss.job.parts import folder_of, run_part

    own = folder_of(out, part)
    total = None if job.hidden else sum(task.stop - task.start for task in tasks_of_part(job.tasks, part))
    with log_to(own / "log.txt"), progress(f"part {part}", total, quiet=quiet) as step:
        outcome = run_part(job, part, out, executor=executor, workers=workers, keep=keep, progress=step)
    if outcome is None:
        if json_:
            put({"cutflow": None})
        elif not quiet:
            hidden = f" but of {', '.join(job.hidden)} (blinded)" if job.hidden else ""
            say(f"part {part} is done; it has nothing to show{hidden}")
        return
    finish(replace(outcome, too_bad=()), own, normalise=normalise, detail=detail, quiet=quiet, json_=json_)
    for line in outcome.too_bad:
        warn(f"part {part}: {line}; 'emiss merge' says whether the whole is above it")
    if not (quiet or json_):
        say(f"part {part} is done; when all are: emiss merge {out}", "dim")


def select(
    tables: Annotated[
        list[Path], typer.Argument(parser=a_path, metavar="TABLE...", help="Event tables, or folders that hold some.")
    ],
    analysis: Annotated[
        str, typer.Option(autocompletion=completing.analyses, help="Analysis: a name that ships, or a file.")
    ] = "e_to_mu_phi",
    out: Annotated[Path | None, typer.Option("--out", "-o", **PLACE, help="Folder for cutflow and reports.")] = None,
    set_: Sets = None,
    normalise: Normalise = 1e11,
    keep: Keep = None,
    columns: Columns = None,
    region: KeepRegion = None,
    after: After = None,
    unblind: Unblind = False,
    detail: Detail = False,
    shared: Annotated[
        bool, typer.Option("--shared", help="Count the events that two regions share, too; shared.json in --out.")
    ] = False,
    executor: Name = "serial",
    workers: Workers = None,
    scheduler: Scheduler = None,
    cluster: Cluster = None,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Apply the cuts again to stored event tables; nothing is reconstructed.

    For example:

      emiss select out/demo --set e_miss_min=25GeV

      emiss select out/demo/tables/signal/*.parquet --analysis my_cuts.yaml --out out/mine

      emiss select out/run --analysis semivisible --shared

      emiss select out/2026 --executor dask --cluster on_condor.yaml --keep out/skim
    """
    from emiss import selection
    from emiss.job.select import select as run

    loaded = selection.load(analysis, set=parse_sets(set_))
    wanted = wanted_events(keep, columns, region, after)
    if wanted is not None:
        wanted.check(loaded)
    where = Executing(executor, workers, scheduler, cluster)
    with where.begun(quiet=quiet) as how, progress("select", None, quiet=quiet, note=note_of(how)) as step:
        outcome = run(
            tables,
            loaded,
            out,
            unblind=unblind,
            overrides=parse_sets(set_),
            normalise=normalise,
            keep=wanted,
            executor=how,
            workers=where.many,
            progress=step,
        )
    if shared:
        _shared(loaded, tables, out, unblind=unblind, quiet=quiet)
    finish(outcome, out, normalise=normalise, detail=detail, quiet=quiet, stored=False, json_=json_)


def _shared(analysis: Analysis, tables: list[Path], out: Path | None, *, unblind: bool, quiet: bool) -> None:
    """Count what regions share in each sample; print it, and write it where there is a folder."""
    from emiss.commands.shared import show
    from emiss.job.tables import find_tables
    from emiss.programme.shared_events import by_sample
    from emiss.programme.shared_table import write

    found = by_sample(analysis, find_tables(tables), unblind=unblind)
    if out is not None:
        write(found, out)
    if not quiet:
        for sample, one in found.items():
            show(one, sample)


def parse_sets(items: list[str] | None) -> dict[str, str]:
    """Return the parameters of ``--set name=value``."""
    from emiss.configs.errors import UserError

    found: dict[str, str] = {}
    for item in items or []:
        name, equals, value = item.partition("=")
        if not equals or not name.strip():
            raise UserError(f"--set {item}: expected NAME=VALUE, such as e_miss_min=25GeV")
        found[name.strip()] = value.strip()
    return found


def wanted_events(keep: Path | None, columns: str | None, region: str | None, after: str | None) -> Wanted | None:
    """Return what is to be kept."""
    from emiss.configs.errors import UserError
    from emiss.job.skim import Wanted

    if keep is None:
        if columns or region or after:
            raise UserError("--columns, --region and --after say what --keep writes", hint="add --keep FOLDER")
        return None
    names = tuple(name.strip() for name in (columns or "").split(",") if name.strip())
    return Wanted(keep, names, region, after)


def _is_file_pattern(text: str) -> bool:
    return (
        "://" in text
        or text.startswith("@")
        or Path(text).suffix in (".dat", ".root", ".gz", ".zst")
        or any(c in text for c in "*?[")
    )


def finish(
    outcome: Outcome,
    out: Path | None,
    *,
    normalise: float,
    detail: bool,
    quiet: bool,
    stored: bool = True,
    json_: bool = False,
) -> None:
    """Print the cutflow and what was lost; leave with code 3 if it was too much."""
    from emiss.configs.errors import DataLossError
    from emiss.job.outcome import TasksFailedError
    from emiss.selection.display import terminal
    from emiss.selection.report import scans

    if json_:
        put(_plain(outcome))
    elif not quiet:
        screen = console()
        screen.print(terminal.render(outcome.cutflow, normalise_to=normalise, width=screen.width))
        if detail:
            for name in outcome.cutflow.samples:
                screen.print(terminal.detail(outcome.cutflow, name, width=screen.width))
        for line in scans.lines(outcome.result, normalise_to=normalise):
            say(line)
        if outcome.reused:
            say(f"{outcome.reused} stored tables used again", "dim")
        for skim in outcome.kept:
            say(f"kept {skim.kept} of {skim.of} events of {skim.sample}: {skim.path}")
        if out is not None:
            names = ", ".join(path.name for path in outcome.reports)
            say(f"written to {out}: {names}", "dim")
    for line in (*outcome.remarks, *outcome.losses):
        warn(line)
    if outcome.failures:
        raise TasksFailedError(outcome.failures, stored=stored)
    if outcome.too_bad:
        raise DataLossError("; ".join(outcome.too_bad))


def _plain(outcome: Outcome) -> dict[str, object]:
    """Return what came out of a job as plain data; its cutflow is what cutflow.json holds."""
    return {
        "cutflow": outcome.cutflow.to_json(),
        "reused": outcome.reused,
        "kept": [{"sample": one.sample, "kept": one.kept, "of": one.of, "path": str(one.path)} for one in outcome.kept],
        "written": [str(path) for path in outcome.reports],
        "remarks": list(outcome.remarks),
        "losses": list(outcome.losses),
        "too_bad": list(outcome.too_bad),
        "failures": list(outcome.failures),
    }
