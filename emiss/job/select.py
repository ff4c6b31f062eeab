"""`select`: the cuts again, on event tables that are there already."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from emiss.configs.errors import UserError
from emiss.events import provenance
from emiss.events.files.open import file_and_tree, open_table
from emiss.events.history import of_tables
from emiss.job import output, stored
from emiss.job.absent import from_table
from emiss.job.outcome import (
    NothingDoneError,
    Outcome,
    keep_events,
    losses_of,
    result_of,
    too_bad,
    write_reports,
)
from emiss.job.pools import pool_of
from emiss.job.stored import Counting, Stored, bound_to
from emiss.job.tables import find_tables, left_over, sample_of, samples_beside
from emiss.selection import blinding
from emiss.selection.normalisation import PER_ON_TARGET

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from emiss.events.history import History
    from emiss.events.table import Metadata
    from emiss.job.skim import Wanted
    from emiss.job.stored import Found
    from emiss.job.task import Executor
    from emiss.job.work import Failure
    from emiss.selection import Analysis
    from emiss.selection.counting.engine import Bound
    from emiss.selection.counting.scans import BoundScan
    from emiss.selection.results.cutflow import Cutflow


def select(
    tables: Sequence[Path],
    analysis: Analysis,
    out: Path | None = None,
    *,
    unblind: bool = False,
    overrides: Mapping[str, str] | None = None,
    normalise: float = PER_ON_TARGET,
    max_bad_fraction: float = 1.0,
    keep: Wanted | None = None,
    fill: bool = False,
    executor: Executor = "serial",
    workers: int = 1,
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
    executor : "serial", "processes" or Pool
        Who counts the tables. In a pool, those that fail are left out; else, the first one ends the call.
    workers : int
        Number of processes.
    progress : callable
        Called with the number of events done.

    Raises
    ------
    UserError
        If there is no table, one is given twice, or the analysis does not fit the columns.
    NothingDoneError
        If a pool could count none of them.
    """
    started = provenance.now()
    paths = find_tables(tables)
    if not paths:
        raise UserError("no event table given")
    if out is not None:
        output.check(out)
        output.refuse_inputs(output.reports_in(out), [file_and_tree(path)[0] for path in paths])
    items, known, scans = _check(paths, analysis, overrides or {}, unblind=unblind)
    if out is not None:
        output.prepare(out)
    filled = fill or out is not None  # without a folder nobody would see the histograms
    here = executor == "serial"
    work = Counting(analysis, unblind, filled, progress if here else None)
    told = (lambda _: None) if here else (lambda item: progress(item.events))
    pool = pool_of(executor, workers)
    collected = pool.collect(work, items, stored.add, [item.sample for item in items], progress=told)
    sums = {sample: total for sample, total in collected.sums.items() if total is not None}
    failures = list(collected.failures.values())
    if not sums:
        raise NothingDoneError(failures)
    cutflow = _standing_for(sums, items, [None if i in collected.failures else one for i, one in enumerate(known)])
    configs = dict(analysis.source_texts)
    inputs = [dict(one) for total in sums.values() for one in total.inputs]
    cutflow = replace(
        cutflow,
        provenance=provenance.record(
            configs=configs,
            inputs=blinding.sealed_inputs(inputs, [name for name, part in cutflow.samples.items() if part.hidden]),
            started=started,
            unblinded=unblind,
            overrides=dict(overrides or {}),
        ),
    )
    result = result_of(cutflow.sealed(), {sample: total.yields for sample, total in sums.items()}, scans)
    reports = write_reports(result, analysis, out, configs, normalise) if out is not None else ()
    kept = () if failures else keep_events(paths, analysis, keep, result, unblind=unblind, pool=pool)
    ledgers = [pair for total in sums.values() for pair in total.ledgers.items()]
    remarks = (
        *left_over(tables),
        *_homeless(paths, known),
        *_cut_before(known),
        *_without(items, sums, failures, keep),
    )
    return Outcome(
        result,
        losses_of(ledgers),
        too_bad(cutflow, max_bad_fraction),
        reports,
        kept=kept,
        remarks=remarks,
        failures=tuple(map(str, failures)),
    )


def _check(
    paths: Sequence[Path], analysis: Analysis, overrides: Mapping[str, str], *, unblind: bool
) -> tuple[list[Stored], list[Metadata | None], tuple[BoundScan, ...]]:
    """Open all tables and bind the analysis to them, before anything is counted; none stays open."""
    roles: dict[str, str] = {}
    items: list[Stored] = []
    known: list[Metadata | None] = []
    bounds: list[tuple[Mapping[str, Any], Bound]] = []
    for path in paths:
        file = open_table(path)
        name, role = sample_of(path, file)
        roles[name] = role
        hidden = blinding.is_hidden(analysis, name, role) and not unblind
        items.append(Stored(path.absolute(), str(path), name, role, 0 if hidden else file.entries, hidden))
        known.append(file.metadata)
        bound_to(analysis, file.columns, bounds, from_table(file))
        file.close()
    blinding.check(analysis, roles, overrides, unblind=unblind, elsewhere=lambda: samples_beside(paths))
    return items, known, bounds[0][1].scans


def _standing_for(sums: Mapping[str, Found], items: Sequence[Stored], known: Sequence[Metadata | None]) -> Cutflow:
    """Return the cutflow of all samples with what they stand for; one of which not all tables were counted is partial."""
    first, *rest = (total.cutflow for total in sums.values())
    cutflow = sum(rest, first)
    wanted = Counter(item.sample for item in items)
    lacking = {name for name, total in sums.items() if total.tables < wanted[name]}
    whole = _whole_on_target(known)
    before = _before(known)
    return replace(
        cutflow,
        samples={
            name: replace(
                sample,
                on_target=whole.get(name, None if sample.hidden else sample.on_target),
                partial=sample.partial or name in lacking,
                history=before.get(name) or (),
            )
            for name, sample in cutflow.samples.items()
        },
    )


def _without(
    items: Sequence[Stored], sums: Mapping[str, Found], failures: Sequence[Failure], keep: Wanted | None
) -> list[str]:
    """Return a remark for each sample, and the skims, that failures leave out."""
    if not failures:
        return []
    samples = dict.fromkeys(item.sample for item in items)
    said = [f"sample {name}: none of its tables could be read, it is left out" for name in samples if name not in sums]
    return [*said, *([f"{keep.path} is not written as long as tables are missing"] if keep else [])]


def _whole_on_target(known: Sequence[Metadata | None]) -> dict[str, float | None]:
    """Return what samples stand for whose tables are all there: the number itself, and not a sum of shares.

    Only this is known of a blinded sample: a part of its particles on target would tell how many events there are.
    """
    parts: dict[str, list[Metadata]] = {}
    for metadata in known:
        if metadata is not None:
            parts.setdefault(metadata.sample, []).append(metadata)
    found: dict[str, float | None] = {}
    for sample, tables in parts.items():
        first = tables[0]
        if len(tables) == 1 and "part" not in first.provenance and not first.partial:
            found[sample] = first.on_target
        numbers = sorted(tuple(table.provenance.get("part", ())) for table in tables)
        if numbers == [(i, len(tables)) for i in range(len(tables))] and not any(table.partial for table in tables):
            found[sample] = first.provenance.get("sample_on_target")
    return found


def _before(known: Sequence[Metadata | None]) -> dict[str, History | None]:
    """Return what was cut before the files of each sample were written; None where the tables are a part of those it is of."""
    parts: dict[str, list[Metadata]] = {}
    for metadata in known:
        if metadata is not None:
            parts.setdefault(metadata.sample, []).append(metadata)
    found: dict[str, History | None] = {}
    for name, tables in parts.items():
        try:
            found[name] = of_tables(tables)
        except UserError as error:
            raise UserError(f"sample {name}: {error.message}", hint=error.hint) from None
    return found


def _cut_before(known: Sequence[Metadata | None]) -> list[str]:
    """Return a remark for each sample whose history is of more tables than are given."""
    return [
        f"sample {name}: what was cut before its files were written is known of all its tables together, and left out for these"
        for name, history in _before(known).items()
        if history is None
    ]


def _homeless(paths: Sequence[Path], known: Sequence[Metadata | None]) -> list[str]:
    """Return a remark on tables of jobs whose manifest is not beside them: nobody knows what they stand for."""
    lost = [
        path
        for path, metadata in zip(paths, known, strict=True)
        if metadata is not None and "task" in metadata.provenance and "part" not in metadata.provenance
    ]
    if not lost:
        return []
    said = "no manifest.json beside it or above it, which says what a table of a job stands for; there are no expected"
    return [f"{lost[0]}: {said} events without it (copy it along with the table, or keep events with --keep)"]
