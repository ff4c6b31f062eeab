"""``emiss check``: what is wrong with files and configs, without running anything."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emiss.terminal import say

if TYPE_CHECKING:
    from configs.loader import Document


def check(
    paths: Annotated[
        list[str], typer.Argument(metavar="FILES|CONFIGS...", help="Run files, tables, YAML files, conditions.")
    ],
    detector: Annotated[str, typer.Option(help="Detector that run files and analyses are checked for.")] = "na64e_lfc",
) -> None:
    """Check run files, event tables and configs without running; prints one line each, or all mistakes found.

    For example:

      emiss check my_runs.yaml my_cuts.yaml

      emiss check run-003855.dat calib/2026/pedestals.txt
    """
    from configs.errors import Problems, UserError
    from events.location import located

    problems = Problems()
    for path in paths:
        try:
            say(f"{path}: {_check(located(path), detector)}")
        except UserError as error:
            problems.add(error)
    problems.check()


def _check(path: Path, detector: str) -> str:
    """Return one line on a good file; raise what is wrong with a bad one."""
    from configs import loader
    from configs.errors import Location, UserError

    if path.suffix in (".yaml", ".yml"):
        return _check_config(loader.load(path), detector)
    if path.suffix == ".txt" or path.is_dir():
        from calib.conditions import Conditions

        conditions = Conditions.load(path)
        return f"conditions, {len(conditions.tables)} tables"
    if not path.is_file():
        raise UserError("no such file", at=Location(str(path)))
    with path.open("rb") as file:
        magic = file.read(4)
    if magic in (b"root", b"PAR1"):
        from events.tablefile import open_table

        try:
            table = open_table(path)
        except UserError:
            if magic == b"PAR1":
                raise
        else:
            return f"event table, {table.entries} events, {len(table.columns)} columns"
    from reco.detector import load_detector
    from reco.readers import open_run_file

    run_file = open_run_file(path, load_detector(detector))
    run_file.check()
    index = run_file.index()
    runs = ", ".join(str(run) for run in index.runs())
    lost = int((~index.good).sum())
    return f"run file, {len(index)} events of run {runs}" + (f", {lost} of them lost" if lost else "")


def _missing(path: Path):  # type: ignore[no-untyped-def]
    from configs.errors import Location, UserError

    raise UserError("no such file", at=Location(str(path)))


def _check_config(document: Document, detector: str) -> str:
    """Recognise what a YAML file is by its keys, and check it as that."""
    from configs import loader

    keys = set(document.data) if isinstance(document.data, dict) else set()
    if "samples" in keys:
        return _check_run_list(document)
    if "reader" in keys:
        from reco.readers.map_config import MapFile

        read = loader.validate(document, MapFile)
        return f"map '{read.reader}', {len(read.columns)} columns (checked against a file when that is opened)"
    if "cuts" in keys or "analysis" in keys:
        import selection
        from reco.detector import load_detector
        from reco.pipeline import columns_of

        analysis = selection.load(document.path)
        if not analysis.units:
            analysis.bind(columns_of(load_detector(detector)))
        return f"analysis '{analysis.name}', {len(analysis.cuts)} cuts"
    if "process" in keys:
        from samples.config import Sample

        sample = loader.validate(document, Sample)
        return f"sample '{sample.name}', {sample.events} events"
    if keys & {"ecal", "extends"}:
        from reco.detector import load_detector

        loaded = load_detector(document.path)
        fields = ", ".join(f"{arm.magnet.name} {arm.field.integral * 1e-3:.3g} T m" for arm in loaded.arms.values())
        return f"detector '{loaded.name}', {len(loaded.channels)} channels, {len(loaded.planes)} planes, {fields}"
    raise document.error(
        "neither a run list, an analysis, a detector, a map nor a sample",
        hint="they have the keys 'samples', 'cuts', 'ecal', 'reader' and 'process'",
    )


def _check_run_list(document: Document) -> str:
    import tempfile

    from emiss import runlist
    from emiss.job import plan

    runs = runlist.load(document.path)
    with tempfile.TemporaryDirectory() as folder:
        job = plan(runs, Path(folder))
    entries = sum(task.stop - task.start for task in job.tasks if task.sample.name not in job.hidden)
    blinded = f" and those of {', '.join(job.hidden)} (blinded)" if job.hidden else ""
    return f"run list, {len(runs.samples)} samples, {len(job.inputs)} files, {entries} entries{blinded}"
