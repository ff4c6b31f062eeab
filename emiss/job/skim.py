"""Skims: the events that pass the cuts, written as event tables of their own, one per sample.

The events are looked for in pieces of so many rows of a table, by whoever does the work, and written here in their order.
"""

from __future__ import annotations

from contextlib import closing
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
from emiss.events.history import KEY
from emiss.events.ledger import Ledger, total
from emiss.events.lists import Lists
from emiss.events.table import EventTable, Metadata
from emiss.job.absent import MADE_WITH
from emiss.job.output import refuse_inputs
from emiss.job.pools import Machine
from emiss.job.stored import bound_to
from emiss.job.tables import sample_of
from emiss.selection import Analysis, blinding
from emiss.selection.results.skimmed import read_of, weight_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from emiss.events.columns import Column
    from emiss.events.files.base import TableFile
    from emiss.job.work import Pool
    from emiss.selection.counting.counts import Rows
    from emiss.selection.counting.engine import Bound
    from emiss.selection.results.cutflow import Cutflow


ROWS = 50_000
"""Rows of a table in one piece."""


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
    pool: Pool | None = None,
) -> tuple[Kept, ...]:
    """Write the skims of some tables, piece by piece; the events of a sample stay in the order of its tables.

    Parameters
    ----------
    paths : sequence of Path
        The tables.
    analysis : Analysis
    wanted : Wanted
    cutflow : Cutflow
        Of the same tables: every event that it counts is either kept or cut.
    unblind : bool
    pool : Pool, optional
        Who looks for the events; this process by default.

    Raises
    ------
    UserError
        If the region, the cut or a column is not there, or the path does not fit the samples.
    ItemsFailedError
        If a pool could not look at all tables.
    """
    samples: dict[str, _Sample] = {}
    for path in paths:
        file = open_table(path)
        name, role = sample_of(path, file)
        if name not in samples:
            samples[name] = _Sample(file.columns, _columns(file.columns, wanted.columns, path), [], [])
        samples[name].add(path, role, file, name)
        file.close()
    targets = targets_of(wanted.path, list(samples), paths[0].suffix)
    refuse_inputs(targets.values(), paths)
    pieces = [piece for sample in samples.values() for piece in sample.pieces]
    found = (pool or Machine()).stream(Skimming(analysis, wanted.region, wanted.after, unblind), pieces)
    with closing(found):
        return tuple(_one(samples[name], name, targets[name], analysis, wanted, cutflow, found) for name in samples)


@dataclass(frozen=True)
class _Sample:
    """The tables of a sample: their columns, those that are kept, what they say of themselves, and the pieces to look at."""

    there: Mapping[str, Column]
    columns: Mapping[str, Column]
    known: list[Metadata]
    pieces: list[Piece]

    def add(self, path: Path, role: str, file: TableFile, name: str) -> None:
        missing = [column for column in self.columns if column not in file.columns]
        if missing:
            raise UserError(f"the table has no column '{missing[0]}', which others have", at=Location(str(path)))
        self.known.append(file.metadata or Metadata())
        step = ROWS if file.splits else max(file.entries, 1)
        for start in range(0, max(file.entries, 1), step):
            stop = min(start + step, file.entries)
            self.pieces.append(Piece(path.absolute(), str(path), name, role, start, stop, tuple(self.columns)))


@dataclass(frozen=True)
class Piece:
    """Some rows of a table, and the columns of it that are kept."""

    path: Path
    name: str
    sample: str
    role: str
    start: int
    stop: int
    columns: tuple[str, ...]

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Skimming:
    """The search for events that pass as a piece of work."""

    analysis: Analysis
    region: str | None
    after: str | None
    unblind: bool
    name = "skim"

    def start(self) -> Callable[[Piece], EventTable]:
        """Return what gives the events of a piece that pass."""
        bounds: list[tuple[Mapping[str, Any], Bound]] = []
        return lambda piece: EventTable.concatenate(list(self._passing(piece, bounds)))

    def _passing(self, piece: Piece, bounds: list[tuple[Mapping[str, Any], Bound]]) -> Iterator[EventTable]:
        file = open_table(piece.path)
        bound = bound_to(self.analysis, file.columns, bounds)
        columns = {name: file.columns[name] for name in piece.columns}
        read = [name for name in file.columns if name in columns or name in bound.columns]
        for table in file.batches(read, start=piece.start, stop=piece.stop):
            mask = bound.passing(
                table, self.region, self.after, sample=piece.sample, role=piece.role, unblind=self.unblind
            )
            yield only(table, columns).take(mask)
        file.close()


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
    given: _Sample,
    sample: str,
    target: Path,
    analysis: Analysis,
    wanted: Wanted,
    cutflow: Cutflow,
    found: Iterator[EventTable],
) -> Kept:
    """Write the skim of one sample, whose events come next."""
    kept = 0
    with TableWriter(target) as writer:
        for _ in given.pieces:
            chosen = next(found)
            kept += len(chosen)
            writer.extend(chosen)
        bound = selection.bind(analysis, given.there)
        rows = _rows(cutflow, bound, sample, wanted)
        counted = next(row for row in reversed(next(iter(rows.values()))) if wanted.after in (None, row.name))
        if kept != counted.sequential.n:
            msg = f"{sample}: {kept} events kept, but the cutflow counts {counted.sequential.n}"
            raise RuntimeError(msg)
        before = read_of(rows, weight_texts(bound))
        writer.finish(_metadata(given.known, sample, given.columns, cutflow, analysis, wanted, before, kept))
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
            **({KEY: [row.to_json() for row in counts.history]} if counts.history else {}),
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
