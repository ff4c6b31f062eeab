"""`process`: from a run list to event tables, cutflow and reports; `select`: the cuts again on stored tables."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from configs.errors import Location, UserError
from emiss import executors, skim
from events import provenance
from events.ledger import Ledger, total
from events.tablefile import open_table
from selection import blinding
from selection.cutflow import PER_ON_TARGET, Cutflow
from selection.engine import Yields
from selection.result import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from emiss.job import Job
    from emiss.skim import Kept, Wanted
    from emiss.worker import Done
    from events.table import Metadata
    from events.tablefile import TableFile
    from selection import Analysis
    from selection.cutflow import SampleCounts
    from selection.scans import BoundScan

log = logging.getLogger("emiss")


@dataclass(frozen=True)
class Outcome:
    """The result of a job.

    Attributes
    ----------
    result : Result
        Cutflow, histograms and scans.
    losses : tuple of str
        One line per file that lost something: file, how many, why.
    too_bad : tuple of str
        Samples whose bad fraction is above the limit.
    reports : tuple of Path
        Files written besides the tables.
    reused : int
        Tasks whose table was there already.
    kept : tuple of Kept
        Skims that were written.
    """

    result: Result
    losses: tuple[str, ...]
    too_bad: tuple[str, ...]
    reports: tuple[Path, ...]
    reused: int = 0
    kept: tuple[Kept, ...] = ()

    @property
    def cutflow(self) -> Cutflow:
        """The cutflow of the result."""
        return self.result.cutflow


def process(
    job: Job,
    out: Path,
    *,
    executor: executors.Executor = "serial",
    workers: int = 1,
    normalise: float = PER_ON_TARGET,
    keep: Wanted | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Outcome:
    """Run a planned job and write its cutflow and reports to `out` (the tables are written by the tasks).

    Parameters
    ----------
    job : Job
    out : Path
    executor : "serial" or "processes"
    workers : int
        Number of processes.
    normalise : float
        Particles on target that the reports give expected events for.
    keep : Wanted, optional
        Skims to be written.
    progress : callable
        Called with the number of entries done, after each task.
    """
    started = provenance.now()
    done: list[Done] = []
    hidden = job.hidden
    log.info("%d tasks", sum(task.sample.name not in hidden for task in job.tasks))
    for item in executors.run(job.setup, job.tasks, executor, workers):
        done.append(item)
        if item.task.sample.name in hidden:
            progress(0)
            continue
        log.info("%s: %.2f s%s", item.task, item.seconds, " (stored)" if item.reused else "")
        progress(item.task.stop - item.task.start)
    # the order of tasks, not of their end, so that sums are the same to the last bit for every executor
    done.sort(key=lambda item: (item.task.file_number, item.task.start))
    cutflow = sum((item.cutflow for item in done[1:]), done[0].cutflow)
    totals = {item.task.sample.name: item.task.sample_on_target for item in done}
    cutflow = replace(
        cutflow,
        provenance=provenance.record(
            configs=job.configs,
            payloads=job.payloads,
            inputs=blinding.sealed_inputs(job.inputs, hidden),
            started=started,
            unblinded=job.setup.unblind,
            overrides=dict(job.setup.overrides),
        ),
        samples={
            name: replace(sample, on_target=_on_target(sample, totals[name]))
            for name, sample in cutflow.samples.items()
        },
    )
    yields: dict[str, Yields] = {}
    for item in done:
        yields[item.task.sample.name] = yields.get(item.task.sample.name, Yields()) + item.yields
    result = _result(cutflow.sealed(), yields, job.scans)
    losses = _losses([(str(item.task.file), item.cutflow) for item in done])
    for line in losses:
        log.warning(line)
    tables = [(item.task.table, item.task.sample.name, item.task.sample.role) for item in done]
    return Outcome(
        result,
        losses,
        _too_bad(cutflow, job.runlist.max_bad_fraction),
        _report(result, job.analysis, out, job.configs, normalise),
        sum(item.reused for item in done if item.task.sample.name not in hidden),
        _keep(tables, job.analysis, keep, result, unblind=job.setup.unblind),
    )


def _on_target(sample: SampleCounts, total: float | None) -> float | None:
    """Return what a sample stands for: the number that was given, not a sum of shares with their rounding.

    A part of a blinded sample stands for an unknown number: its share of the events would tell how many there are.
    """
    if not sample.partial:
        return total
    return None if sample.hidden else sample.on_target


def _keep(
    tables: Sequence[tuple[Path, str, str]], analysis: Analysis, keep: Wanted | None, result: Result, *, unblind: bool
) -> tuple[Kept, ...]:
    if keep is None:
        return ()
    files = [(path, open_table(path), sample, role) for path, sample, role in tables]
    return skim.write(files, analysis, keep, result.cutflow, unblind=unblind)


def select(
    tables: Sequence[Path],
    analysis: Analysis,
    out: Path | None,
    *,
    unblind: bool = False,
    overrides: Mapping[str, str] | None = None,
    normalise: float = PER_ON_TARGET,
    max_bad_fraction: float = 1.0,
    keep: Wanted | None = None,
    fill: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> Outcome:
    """Apply an analysis to stored event tables, without reconstruction.

    Parameters
    ----------
    tables : sequence of Path
        Files, or folders that are searched for ``.root`` and ``.parquet`` files.
    analysis : Analysis
    out : Path, optional
        Where cutflow and reports go; nowhere for None.
    unblind : bool
    overrides : mapping, optional
        Parameters that were set on the command line, for the provenance.
    normalise : float
        Particles on target that the reports give expected events for.
    max_bad_fraction : float
    keep : Wanted, optional
        Skims to be written.
    fill : bool
        Fill the histograms also where there is no folder to write them to.
    progress : callable
        Called with the number of events done.

    Raises
    ------
    UserError
        If there is no table, one is given twice, or the analysis does not fit the columns.
    """
    started = provenance.now()
    cutflow: Cutflow | None = None
    inputs: list[dict[str, Any]] = []
    parts: list[tuple[str, Cutflow]] = []
    yields: dict[str, Yields] = {}
    files = [(path, open_table(path)) for path in find_tables(tables)]
    files.sort(key=lambda item: item[1].metadata.provenance.get("file", 0) if item[1].metadata else 0)
    roles = {sample_of(path, file)[0]: sample_of(path, file)[1] for path, file in files}
    blinding.check(
        analysis, roles, overrides or {}, unblind=unblind, elsewhere=lambda: neighbours([path for path, _ in files])
    )
    bound = [analysis.bind(file.columns) for _, file in files]
    for (path, file), bound_ in zip(files, bound, strict=True):
        metadata = file.metadata
        sample, role = sample_of(path, file)
        hides = blinding.is_hidden(analysis, sample, role) and not unblind
        found = Yields()
        filled = fill or out is not None  # without a folder nobody would see the histograms
        for table in file.batches(bound_.columns_for(fill=filled)):
            found += bound_.run(table, sample=sample, role=role, unblind=unblind, fill=filled)
            progress(0 if hides else len(table))
        yields[sample] = yields.get(sample, Yields()) + replace(found, regions={})
        identity = provenance.checksum(path)
        origin = metadata.provenance.get("inputs", []) if metadata else []
        coverage = dict(map(_coverage, origin)) or {identity: ((0, file.entries),)}
        inputs.append({"path": str(path), "identity": identity, "sample": sample})
        part = Cutflow.single(
            analysis=analysis.name,
            cuts_hash=analysis.cuts_hash,
            sample=sample,
            role=role,
            on_target=metadata.on_target if metadata and not hides else None,
            scale=metadata.scale if metadata else 1.0,
            partial=metadata.partial if metadata else False,
            ledger=metadata.ledger if metadata else Ledger(read=file.entries, passed=file.entries),
            regions=found.regions,
            coverage=coverage,
            provenance={},
            process=metadata.process if metadata else {},
            hidden=hides,
        )
        parts.append((str(path), part))
        cutflow = part if cutflow is None else cutflow + part
    if cutflow is None:
        raise UserError("no event table given")
    configs = dict(analysis.source_texts)
    whole = _blinded_on_target([file.metadata for _, file in files])
    cutflow = replace(
        cutflow,
        samples={
            name: replace(sample, on_target=whole.get(name)) if sample.hidden else sample
            for name, sample in cutflow.samples.items()
        },
        provenance=provenance.record(
            configs=configs,
            inputs=blinding.sealed_inputs(inputs, [name for name, part in cutflow.samples.items() if part.hidden]),
            started=started,
            unblinded=unblind,
            overrides=dict(overrides or {}),
        ),
    )
    result = _result(cutflow.sealed(), yields, bound[0].scans)
    reports = _report(result, analysis, out, configs, normalise) if out is not None else ()
    named = [(path, *sample_of(path, file)) for path, file in files]
    kept = _keep(named, analysis, keep, result, unblind=unblind)
    return Outcome(result, _losses(parts), _too_bad(cutflow, max_bad_fraction), reports, kept=kept)


def _result(cutflow: Cutflow, yields: Mapping[str, Yields], scans: tuple[BoundScan, ...]) -> Result:
    return Result(
        cutflow,
        {sample: found.histograms for sample, found in yields.items()},
        {sample: found.scans for sample, found in yields.items()},
        scans,
    )


def _blinded_on_target(known: Sequence[Metadata | None]) -> dict[str, float | None]:
    """Return what samples stand for whose tables are all there; a part of them would tell how many events there are."""
    parts: dict[str, list[Metadata]] = {}
    for metadata in known:
        if metadata is not None:
            parts.setdefault(metadata.sample, []).append(metadata)
    found: dict[str, float | None] = {}
    for sample, tables in parts.items():
        first = tables[0]
        if len(tables) == 1 and "part" not in first.provenance:
            found[sample] = None if first.partial else first.on_target
            continue
        numbers = sorted(tuple(table.provenance.get("part", ())) for table in tables)
        count = len(tables)
        complete = numbers == [(i, count) for i in range(count)] and not any(table.partial for table in tables)
        found[sample] = first.provenance.get("sample_on_target") if complete else None
    return found


def _coverage(item: Mapping[str, Any]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return which entries of which file a table is from; a skim of blinded data does not say which."""
    if "entries" not in item:
        return str(item["identity"]), blinding.WHOLE
    return str(item["identity"]), tuple((int(a), int(b)) for a, b in item["entries"])


def sample_of(path: Path, file: TableFile) -> tuple[str, str]:
    """Return sample and role of a table; one that does not say is data."""
    return (path.stem, "data") if file.metadata is None else (file.metadata.sample, file.metadata.role)


def find_tables(paths: Sequence[Path]) -> list[Path]:
    """Return the tables among `paths`, folders searched through; each one once, in order."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            folder = path / "tables" if (path / "tables").is_dir() else path
            inside = sorted(p for p in folder.rglob("*") if p.suffix in (".root", ".parquet") and p.name[0] != ".")
            if not inside:
                raise UserError("holds no .root or .parquet file", at=Location(str(path)))
            found += inside
        else:
            found.append(path)
    return list(dict.fromkeys(found))


def neighbours(paths: Sequence[Path]) -> set[str]:
    """Return the samples of the tables that stand beside some tables: in the same folder, or in the same job's ``tables``."""
    folders = {path.parent for path in paths}
    beside = {table for folder in folders for table in _tables_in(folder)}
    for job in {folder.parent for folder in folders if folder.parent.name == "tables"}:
        # one table of each folder says the sample's name
        beside |= {tables[0] for other in job.iterdir() if other.is_dir() and (tables := _tables_in(other))}
    found = set()
    for path in beside - set(paths):
        try:
            found.add(sample_of(path, open_table(path))[0])
        except UserError:  # it is not asked for, and may be damaged
            continue
    return found


def _tables_in(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix in (".root", ".parquet") and p.name[0] != ".")


def _report(
    result: Result, analysis: Analysis, out: Path, configs: Mapping[str, str], normalise: float
) -> tuple[Path, ...]:
    from selection import report

    out.mkdir(parents=True, exist_ok=True)
    sources = {**analysis.source_texts, **configs}
    return tuple(report.write_all(result, out, sources=sources, normalise_to=normalise))


def _losses(parts: Sequence[tuple[str, Cutflow]]) -> tuple[str, ...]:
    """Return one line per file that lost events, bytes or parts of events."""
    by_file: dict[str, list[Ledger]] = {}
    for name, cutflow in parts:
        by_file.setdefault(name, []).extend(sample.ledger for sample in cutflow.samples.values())
    lines = []
    for name, ledgers in by_file.items():
        ledger = total(ledgers)
        said = [f"{count} lost ({reason})" for reason, count in ledger.lost.items()]
        said += [f"{item.events} damaged ({reason})" for reason, item in ledger.damage.items()]
        if ledger.bytes_skipped:
            said.append(f"{ledger.bytes_skipped} bytes skipped")
        if said:
            lines.append(f"{name}: of {ledger.read} events " + ", ".join(said))
    return tuple(lines)


def _too_bad(cutflow: Cutflow, limit: float) -> tuple[str, ...]:
    return tuple(
        f"sample {name}: {sample.ledger.bad_fraction:.2%} of the events are lost, the limit is {limit:.2%}"
        for name, sample in cutflow.samples.items()
        if sample.ledger.bad_fraction > limit
    )
