"""`process`: from a run list to event tables, cutflow and reports; `select`: the cuts again on stored tables."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from configs.errors import Location, UserError
from emiss import executors
from emiss.worker import is_hidden
from events import provenance
from events.ledger import Ledger, total
from events.tablefile import open_table
from selection.cutflow import PER_ON_TARGET, Cutflow
from selection.engine import Yields
from selection.result import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from emiss.job import Job
    from emiss.worker import Done
    from selection import Analysis
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
    """

    result: Result
    losses: tuple[str, ...]
    too_bad: tuple[str, ...]
    reports: tuple[Path, ...]
    reused: int = 0

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
    progress : callable
        Called with the number of entries done, after each task.
    """
    started = provenance.now()
    done: list[Done] = []
    for item in executors.run(job.setup, job.tasks, executor, workers):
        done.append(item)
        log.info("%s: %.2f s%s", item.task, item.seconds, " (stored)" if item.reused else "")
        progress(item.task.stop - item.task.start)
    # the order of tasks, not of their end, so that sums are the same to the last bit for every executor
    done.sort(key=lambda item: (item.task.file_number, item.task.start))
    cutflow = sum((item.cutflow for item in done[1:]), done[0].cutflow)
    samples = {sample.name: sample.on_target for sample in job.runlist.samples}
    cutflow = replace(
        cutflow,
        provenance=provenance.record(
            configs=job.configs,
            payloads=job.payloads,
            inputs=job.inputs,
            started=started,
            unblinded=job.setup.unblind,
            overrides=dict(job.setup.overrides),
        ),
        samples={
            name: replace(sample, on_target=samples.get(name) or sample.on_target) if not sample.partial else sample
            for name, sample in cutflow.samples.items()
        },
    )
    yields: dict[str, Yields] = {}
    for item in done:
        yields[item.task.sample.name] = yields.get(item.task.sample.name, Yields()) + item.yields
    result = _result(cutflow, yields, job.scans)
    losses = _losses([(str(item.task.file), item.cutflow) for item in done])
    for line in losses:
        log.warning(line)
    return Outcome(
        result,
        losses,
        _too_bad(cutflow, job.runlist.max_bad_fraction),
        _report(result, job.analysis, out, job.configs, normalise),
        sum(item.reused for item in done),
    )


def select(
    tables: Sequence[Path],
    analysis: Analysis,
    out: Path | None,
    *,
    unblind: bool = False,
    overrides: Mapping[str, str] | None = None,
    normalise: float = PER_ON_TARGET,
    max_bad_fraction: float = 1.0,
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
    bound = [analysis.bind(file.columns) for _, file in files]
    for (path, file), bound_ in zip(files, bound, strict=True):
        metadata = file.metadata
        sample = metadata.sample if metadata else path.stem
        role = metadata.role if metadata else "data"
        found = Yields()
        for table in file.batches(bound_.columns):
            found += bound_.run(table, sample=sample, role=role, unblind=unblind)
            progress(len(table))
        yields[sample] = yields.get(sample, Yields()) + replace(found, regions={})
        identity = provenance.checksum(path)
        origin = metadata.provenance.get("inputs", []) if metadata else []
        coverage = {str(item["identity"]): tuple((int(a), int(b)) for a, b in item["entries"]) for item in origin} or {
            identity: ((0, file.entries),)
        }
        inputs.append({"path": str(path), "identity": identity, "sample": sample})
        part = Cutflow.single(
            analysis=analysis.name,
            cuts_hash=analysis.cuts_hash,
            sample=sample,
            role=role,
            on_target=metadata.on_target if metadata else None,
            scale=metadata.scale if metadata else 1.0,
            partial=metadata.partial if metadata else False,
            ledger=metadata.ledger if metadata else Ledger(read=file.entries, passed=file.entries),
            regions=found.regions,
            coverage=coverage,
            provenance={},
            hidden=is_hidden(analysis, sample, role) and not unblind,
        )
        parts.append((str(path), part))
        cutflow = part if cutflow is None else cutflow + part
    if cutflow is None:
        raise UserError("no event table given")
    configs = dict(analysis.source_texts)
    cutflow = replace(
        cutflow,
        provenance=provenance.record(
            configs=configs, inputs=inputs, started=started, unblinded=unblind, overrides=dict(overrides or {})
        ),
    )
    result = _result(cutflow, yields, bound[0].scans)
    reports = _report(result, analysis, out, configs, normalise) if out is not None else ()
    return Outcome(result, _losses(parts), _too_bad(cutflow, max_bad_fraction), reports)


def _result(cutflow: Cutflow, yields: Mapping[str, Yields], scans: tuple[BoundScan, ...]) -> Result:
    return Result(
        cutflow,
        {sample: found.histograms for sample, found in yields.items()},
        {sample: found.scans for sample, found in yields.items()},
        scans,
    )


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
