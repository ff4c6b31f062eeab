"""`select`: the cuts again, on event tables that are there already."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from emiss import selection
from emiss.configs.errors import UserError
from emiss.events import provenance
from emiss.events.files.identity import Hashing
from emiss.events.files.open import open_table
from emiss.events.ledger import Ledger
from emiss.job import output
from emiss.job.absent import from_table
from emiss.job.outcome import Outcome, keep_events, losses_of, result_of, too_bad, write_reports
from emiss.job.reduction import Reductions
from emiss.job.tables import find_tables, left_over, sample_of, samples_beside
from emiss.selection import blinding
from emiss.selection.normalisation import PER_ON_TARGET
from emiss.selection.results.cutflow import Cutflow
from emiss.selection.results.skimmed import weight_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from emiss.events.files.base import TableFile
    from emiss.events.table import Metadata
    from emiss.job.skim import Wanted
    from emiss.selection import Analysis
    from emiss.selection.counting.counter import Yields
    from emiss.selection.counting.engine import Bound
    from emiss.selection.counting.scans import BoundScan


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
    paths = find_tables(tables)
    if not paths:
        raise UserError("no event table given")
    if out is not None:
        output.check(out)
        output.refuse_inputs(output.reports_in(out), paths)
    bounds, samples, known, scans = _check(paths, analysis, overrides or {}, unblind=unblind)
    if out is not None:
        output.prepare(out)
    inputs: list[dict[str, Any]] = []
    ledgers: list[tuple[str, Ledger]] = []
    reduction: Reductions[tuple[Cutflow, Yields]] = Reductions(samples, _add)
    for number, (path, bound) in enumerate(zip(paths, bounds, strict=True)):
        hashing = Hashing(path)
        file = open_table(path)
        sample, role = sample_of(path, file)
        hides = blinding.is_hidden(analysis, sample, role) and not unblind
        filled = fill or out is not None  # without a folder nobody would see the histograms
        counter = bound.counter(sample=sample, role=role, unblind=unblind, fill=filled)
        for table in file.batches(bound.columns_for(fill=filled)):
            counter.add(table)
            progress(0 if hides else len(table))
        found = counter.yields()
        file.close()
        identity = hashing.result()
        inputs.append({"path": str(path), "identity": identity, "sample": sample})
        counted = _counted(file, analysis, bound, found, identity, sample, role, hidden=hides)
        ledgers.append((str(path), counted.samples[sample].ledger))
        reduction.put(number, (counted, replace(found, regions={})))
    sums = {sample: total for sample, total in reduction.results().items() if total is not None}
    first, *rest = (total for total, _ in sums.values())
    cutflow = sum(rest, first)
    whole = _whole_on_target(known)
    configs = dict(analysis.source_texts)
    cutflow = replace(
        cutflow,
        samples={
            name: replace(sample, on_target=whole.get(name, None if sample.hidden else sample.on_target))
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
    result = result_of(cutflow.sealed(), {sample: yields for sample, (_, yields) in sums.items()}, scans)
    reports = write_reports(result, analysis, out, configs, normalise) if out is not None else ()
    kept = keep_events(paths, analysis, keep, result, unblind=unblind)
    remarks = (*left_over(tables), *_homeless(paths, known))
    return Outcome(result, losses_of(ledgers), too_bad(cutflow, max_bad_fraction), reports, kept=kept, remarks=remarks)


def _check(
    paths: Sequence[Path], analysis: Analysis, overrides: Mapping[str, str], *, unblind: bool
) -> tuple[list[Bound], list[str], list[Metadata | None], tuple[BoundScan, ...]]:
    """Open all tables and bind the analysis to them, before anything is counted; none stays open."""
    roles: dict[str, str] = {}
    bounds: list[Bound] = []
    samples: list[str] = []
    known: list[Metadata | None] = []
    made: list[tuple[Mapping[str, Any], Bound]] = []
    for path in paths:
        file = open_table(path)
        name, role = sample_of(path, file)
        roles[name] = role
        samples.append(name)
        known.append(file.metadata)
        bound = next((bound for columns, bound in made if columns == file.columns), None)
        if bound is None:
            bound = selection.bind(analysis, file.columns, absent=from_table(file))
            made.append((file.columns, bound))
        bounds.append(bound)
        file.close()
    blinding.check(analysis, roles, overrides, unblind=unblind, elsewhere=lambda: samples_beside(paths))
    return bounds, samples, known, bounds[0].scans


def _add(parts: Sequence[tuple[Cutflow, Yields]]) -> tuple[Cutflow, Yields]:
    cutflow, yields = parts[0]
    for more, found in parts[1:]:
        cutflow, yields = cutflow + more, yields + found
    return cutflow, yields


def _counted(
    file: TableFile,
    analysis: Analysis,
    bound: Bound,
    found: Yields,
    identity: str,
    sample: str,
    role: str,
    *,
    hidden: bool,
) -> Cutflow:
    """Return the cutflow of one table."""
    metadata = file.metadata
    origin = metadata.provenance.get("inputs", []) if metadata else []
    return Cutflow.single(
        analysis=analysis.name,
        cuts_hash=analysis.cuts_hash,
        sample=sample,
        role=role,
        on_target=metadata.on_target if metadata and not hidden else None,
        scale=metadata.scale if metadata else 1.0,
        partial=metadata.partial if metadata else False,
        ledger=metadata.ledger if metadata else Ledger(read=file.entries, passed=file.entries),
        regions=found.regions,
        coverage=dict(map(_coverage, origin)) or {identity: ((0, file.entries),)},
        provenance={},
        process=metadata.process if metadata else {},
        hidden=hidden,
        skim=metadata.provenance.get("skim", {}) if metadata else {},
        weights=weight_texts(bound),
    )


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


def _coverage(item: Mapping[str, Any]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return which entries of which file a table is from; a skim of blinded data does not say which."""
    if "entries" not in item:
        return str(item["identity"]), blinding.WHOLE
    return str(item["identity"]), tuple((int(a), int(b)) for a, b in item["entries"])
