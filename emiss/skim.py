"""Skims: the events that pass the cuts, written as event tables of their own, one per sample."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path  # noqa: TC003 - part of a dataclass
from typing import TYPE_CHECKING, Any

from configs.errors import Location, UserError, did_you_mean
from events.columns import join
from events.ledger import Ledger, total
from events.lists import Lists
from events.table import EventTable, Metadata
from events.tablefile import TableWriter
from selection import blinding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from events.columns import Column
    from events.tablefile import TableFile
    from selection import Analysis
    from selection.cutflow import Cutflow
    from selection.engine import Bound

SUFFIXES = (".root", ".parquet")


@dataclass(frozen=True)
class Wanted:
    """What is to be kept.

    Attributes
    ----------
    path : Path
        A folder, which gets one file per sample, or the one file.
    columns : tuple of str
        Names or patterns such as ``tracks.*``; all columns where empty.
    region : str or None
        The first one by default.
    after : str or None
        The cut up to which events have to pass; the last one by default.
    """

    path: Path
    columns: tuple[str, ...] = ()
    region: str | None = None
    after: str | None = None


@dataclass(frozen=True)
class Kept:
    """One file that was written: its events, and how many there were."""

    path: Path
    sample: str
    kept: int
    of: int


def write(
    files: Sequence[tuple[Path, TableFile, str, str]],
    analysis: Analysis,
    wanted: Wanted,
    cutflow: Cutflow,
    *,
    unblind: bool = False,
) -> tuple[Kept, ...]:
    """Write the skims of some tables, batch by batch; the events of a sample stay in the order of its tables.

    Parameters
    ----------
    files : sequence of (path, table, sample, role)
    analysis : Analysis
    wanted : Wanted
    cutflow : Cutflow
        Of the same tables: every event that it counts is either kept or cut.
    unblind : bool

    Raises
    ------
    UserError
        If the region, the cut or a column is not there, or the path does not fit the samples.
    """
    samples: dict[str, list[tuple[Path, TableFile, str]]] = {}
    for path, file, sample, role in files:
        samples.setdefault(sample, []).append((path, file, role))
    targets = _targets(wanted.path, list(samples))
    clash = {path.resolve() for path, *_ in files} & {target.resolve() for target in targets.values()}
    if clash:
        raise UserError("a skim cannot take the place of a table that it is made from", at=Location(str(min(clash))))
    return tuple(
        _one(samples[sample], sample, target, analysis, wanted, cutflow, unblind=unblind)
        for sample, target in targets.items()
    )


def _targets(path: Path, samples: Sequence[str]) -> dict[str, Path]:
    if path.suffix not in SUFFIXES:
        if path.suffix and not path.is_dir():
            raise UserError(f"a skim is written to .root or .parquet, not '{path.suffix}'", at=Location(str(path)))
        return {sample: path / f"{sample}.root" for sample in samples}
    if len(samples) > 1:
        hint = f"give a folder: --keep {path.with_suffix('')}"
        raise UserError(f"one file cannot hold the samples {', '.join(samples)}", at=Location(str(path)), hint=hint)
    return {samples[0]: path}


def _one(
    files: Sequence[tuple[Path, TableFile, str]],
    sample: str,
    target: Path,
    analysis: Analysis,
    wanted: Wanted,
    cutflow: Cutflow,
    *,
    unblind: bool,
) -> Kept:
    """Write the skim of one sample."""
    kept = 0
    columns = _columns(files[0][1].columns, wanted.columns, files[0][0])
    with TableWriter(target) as writer:
        for path, file, role in files:
            bound = analysis.bind(file.columns)
            read = [name for name in file.columns if name in columns or name in bound.columns]
            for table in file.batches(read):
                mask = bound.passing(table, wanted.region, wanted.after, sample=sample, role=role, unblind=unblind)
                chosen = only(table, columns).take(mask)
                kept += len(chosen)
                writer.extend(chosen)
            missing = [name for name in columns if name not in file.columns]
            if missing:
                raise UserError(f"the table has no column '{missing[0]}', which others have", at=Location(str(path)))
        counted = _counted(cutflow, bound, sample, wanted)
        if kept != counted[1]:
            msg = f"{sample}: {kept} events kept, but the cutflow counts {counted[1]}"
            raise RuntimeError(msg)
        writer.finish(_metadata([file for _, file, _ in files], sample, columns, cutflow, analysis, wanted, counted))
    return Kept(target, sample, kept, counted[0])


def _columns(known: Mapping[str, Column], patterns: Sequence[str], path: Path) -> dict[str, Column]:
    """Return the columns that are asked for, in the order of the table."""
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in known):
            hint = did_you_mean(pattern, known)
            raise UserError(f"the table has no column '{pattern}'", at=Location(str(path)), hint=hint)
    chosen = [name for name in known if not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)]
    return {name: known[name] for name in chosen}


def only(table: EventTable, columns: Mapping[str, Column]) -> EventTable:
    """Return a table with some of its columns."""
    flat = {name: values for name, values in table.flat.items() if name in columns}
    lists = {}
    for name, rows in table.lists.items():
        inner = {field: values for field, values in rows.columns.items() if _full(name, field) in columns}
        if inner:
            lists[name] = Lists(rows.offsets, inner)
    return EventTable(table.size, flat, lists, table.metadata)


def _full(collection: str, field: str) -> str:
    return join(collection, field) if field else collection


def _counted(cutflow: Cutflow, bound: Bound, sample: str, wanted: Wanted) -> tuple[int, int]:
    """Return the events before any cut and those that the cutflow lets through."""
    regions = cutflow.samples[sample].regions
    variations = regions[wanted.region or bound.regions[0].name]
    rows = next(iter(variations.values()))
    last = next(row for row in reversed(rows) if wanted.after in (None, row.name))
    return rows[0].sequential.n, last.sequential.n


def _metadata(
    files: Sequence[TableFile],
    sample: str,
    columns: Mapping[str, Column],
    cutflow: Cutflow,
    analysis: Analysis,
    wanted: Wanted,
    counted: tuple[int, int],
) -> Metadata:
    """Return what the skim says of itself: the sample as it was, with the events that were cut in its ledger."""
    counts = cutflow.samples[sample]
    known = [file.metadata or Metadata() for file in files]
    inputs: list[dict[str, Any]] = [
        {**item, "sample": sample} for metadata in known for item in metadata.provenance.get("inputs", [])
    ]
    cut = counted[0] - counted[1]
    ledger = total([counts.ledger, Ledger(passed=-cut, excluded={"not_selected": cut} if cut else {})])
    return Metadata(
        columns=dict(columns),
        sample=sample,
        role=counts.role,
        on_target=counts.on_target,
        scale=counts.scale,
        partial=counts.partial,
        ledger=ledger.check(),
        process=counts.process,
        provenance={
            "inputs": blinding.sealed_inputs(inputs, [sample] if counts.hidden else []),
            "skim": {
                "analysis": analysis.name,
                "cuts_hash": analysis.cuts_hash,
                "region": wanted.region or next(iter(analysis.regions)),
                "after": wanted.after or "the last cut",
                "hidden": counts.hidden,
            },
        },
    )
