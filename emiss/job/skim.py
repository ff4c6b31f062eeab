"""Skims: the events that pass the cuts, written as event tables of their own, one per sample."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path  # noqa: TC003 - part of a dataclass
from typing import TYPE_CHECKING, Any

from emiss import selection
from emiss.configs.errors import Location, UserError, did_you_mean
from emiss.configs.names import problem_of
from emiss.events.columns import join
from emiss.events.files.base import SUFFIXES
from emiss.events.files.open import TableWriter, open_table
from emiss.events.ledger import Ledger, total
from emiss.events.lists import Lists
from emiss.events.table import EventTable, Metadata
from emiss.job.absent import MADE_WITH, from_table
from emiss.job.output import refuse_inputs
from emiss.job.tables import sample_of
from emiss.selection import blinding
from emiss.selection.results.skimmed import read_of, weight_texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.events.columns import Column
    from emiss.selection import Analysis
    from emiss.selection.counting.counts import Rows
    from emiss.selection.counting.engine import Bound
    from emiss.selection.results.cutflow import Cutflow


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

    def check(self, analysis: Analysis) -> None:
        """Refuse a region or a cut that the analysis does not have.

        Raises
        ------
        UserError
            With the names that are close.
        """
        if self.region is not None and self.region not in analysis.regions:
            hint = did_you_mean(self.region, analysis.regions)
            raise UserError(f"the analysis has no region '{self.region}'", hint=hint)
        cuts = [cut.name for cut in analysis.regions[self.region or next(iter(analysis.regions))]]
        if self.after is not None and self.after not in cuts:
            raise UserError(f"the region has no cut '{self.after}'", hint=did_you_mean(self.after, cuts))


@dataclass(frozen=True)
class Kept:
    """One file that was written: its events, and how many there were."""

    path: Path
    sample: str
    kept: int
    of: int


def write(
    paths: Sequence[Path],
    analysis: Analysis,
    wanted: Wanted,
    cutflow: Cutflow,
    *,
    unblind: bool = False,
) -> tuple[Kept, ...]:
    """Write the skims of some tables, batch by batch; the events of a sample stay in the order of its tables.

    Parameters
    ----------
    paths : sequence of Path
        The tables.
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
    samples: dict[str, list[Path]] = {}
    for path in paths:
        file = open_table(path)
        samples.setdefault(sample_of(path, file)[0], []).append(path)
        file.close()
    targets = targets_of(wanted.path, list(samples), paths[0].suffix)
    refuse_inputs(targets.values(), paths)
    return tuple(
        _one(samples[sample], sample, target, analysis, wanted, cutflow, unblind=unblind)
        for sample, target in targets.items()
    )


def targets_of(path: Path, samples: Sequence[str], suffix: str) -> dict[str, Path]:
    """Return the file of each sample; in a folder they have the format of the tables, whose suffix is given.

    Raises
    ------
    UserError
        If the path does not fit the samples, or the name of one cannot be that of a file.
    """
    if path.suffix not in SUFFIXES:
        if path.suffix and not path.is_dir():
            raise UserError(f"a skim is written to .root or .parquet, not '{path.suffix}'", at=Location(str(path)))
        for sample in samples:
            if (wrong := problem_of(sample)) is not None:
                raise UserError(
                    f"sample name: {wrong}", at=Location(str(path)), hint=f"keep it in one {SUFFIXES[0]} file"
                )
        kind = suffix if suffix in SUFFIXES else SUFFIXES[0]
        return {sample: path / f"{sample}{kind}" for sample in samples}
    if len(samples) > 1:
        hint = f"give a folder: --keep {path.with_suffix('')}"
        raise UserError(f"one file cannot hold the samples {', '.join(samples)}", at=Location(str(path)), hint=hint)
    return {samples[0]: path}


def _one(
    paths: Sequence[Path],
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
    known: list[Metadata] = []
    first = open_table(paths[0])
    columns = _columns(first.columns, wanted.columns, paths[0])
    first.close()
    with TableWriter(target) as writer:
        for path in paths:
            file = open_table(path)
            missing = [name for name in columns if name not in file.columns]
            if missing:
                raise UserError(f"the table has no column '{missing[0]}', which others have", at=Location(str(path)))
            role = sample_of(path, file)[1]
            known.append(file.metadata or Metadata())
            bound = selection.bind(analysis, file.columns, absent=from_table(file))
            read = [name for name in file.columns if name in columns or name in bound.columns]
            for table in file.batches(read):
                mask = bound.passing(table, wanted.region, wanted.after, sample=sample, role=role, unblind=unblind)
                chosen = only(table, columns).take(mask)
                kept += len(chosen)
                writer.extend(chosen)
            file.close()
        rows = _rows(cutflow, bound, sample, wanted)
        counted = next(row for row in reversed(next(iter(rows.values()))) if wanted.after in (None, row.name))
        if kept != counted.sequential.n:
            msg = f"{sample}: {kept} events kept, but the cutflow counts {counted.sequential.n}"
            raise RuntimeError(msg)
        before = read_of(rows, weight_texts(bound))
        writer.finish(_metadata(known, sample, columns, cutflow, analysis, wanted, before, kept))
    return Kept(target, sample, kept, int(before["n"]))


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


def _rows(cutflow: Cutflow, bound: Bound, sample: str, wanted: Wanted) -> Mapping[str, Rows]:
    """Return the rows of the region that is kept, by weight variation."""
    return cutflow.samples[sample].regions[wanted.region or bound.regions[0].name]


def _metadata(
    known: Sequence[Metadata],
    sample: str,
    columns: Mapping[str, Column],
    cutflow: Cutflow,
    analysis: Analysis,
    wanted: Wanted,
    read: Mapping[str, Any],
    kept: int,
) -> Metadata:
    """Return what the skim says of itself: the sample as it was, with the events that were cut in its ledger."""
    counts = cutflow.samples[sample]
    inputs: list[dict[str, Any]] = [
        {**item, "sample": sample} for metadata in known for item in metadata.provenance.get("inputs", [])
    ]
    cut = counts.ledger.passed - kept
    set_up = next((name for one in known if (name := one.provenance.get(MADE_WITH)) is not None), None)
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
            **({} if set_up is None else {MADE_WITH: set_up}),
            "inputs": blinding.sealed_inputs(inputs, [sample] if counts.hidden else []),
            "skim": {
                "analysis": analysis.name,
                "cuts_hash": analysis.cuts_hash,
                "region": wanted.region or next(iter(analysis.regions)),
                "after": wanted.after or "the last cut",
                "hidden": counts.hidden,
                "read": dict(read),
            },
        },
    )
