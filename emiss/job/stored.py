"""The cuts on one stored event table: a piece of work for each table of a `select`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path  # noqa: TC003 - part of a dataclass that is pickled
from typing import TYPE_CHECKING, Any

from emiss import selection
from emiss.events.files.identity import Hashing
from emiss.events.files.open import file_and_tree, open_table
from emiss.events.ledger import Ledger
from emiss.selection import Analysis, blinding
from emiss.selection.results.cutflow import Cutflow
from emiss.selection.results.skimmed import weight_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from emiss.events.files.base import TableFile
    from emiss.selection.counting.counter import Yields
    from emiss.selection.counting.engine import Bound

    Absent = Callable[[str], str | None]


@dataclass(frozen=True)
class Stored:
    """A table on disk.

    Attributes
    ----------
    path : Path
    name : str
        How the user calls it.
    sample, role : str
    events : int
        0 if nobody is to know.
    hidden : bool
    """

    path: Path
    name: str
    sample: str
    role: str
    events: int
    hidden: bool

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Found:
    """What tables of one sample hold together: counts, histograms and scans, ledgers by table, inputs for the provenance."""

    cutflow: Cutflow
    yields: Yields
    ledgers: Mapping[str, Ledger]
    inputs: tuple[Mapping[str, Any], ...]
    tables: int = 1


def add(parts: Sequence[Found]) -> Found:
    """Return what several tables hold, which are added from left to right."""
    total = parts[0]
    for part in parts[1:]:
        total = Found(
            total.cutflow + part.cutflow,
            total.yields + part.yields,
            {**total.ledgers, **part.ledgers},
            (*total.inputs, *part.inputs),
            total.tables + part.tables,
        )
    return total


@dataclass(frozen=True)
class Counting:
    """The cuts on stored tables as a piece of work.

    Attributes
    ----------
    analysis : Analysis
    unblind : bool
    fill : bool
        Whether histograms are filled.
    step : callable, optional
        Called with the number of events done; for work in this process.
    """

    analysis: Analysis
    unblind: bool = False
    fill: bool = True
    step: Callable[[int], None] | None = None
    name = "select"

    def start(self) -> Callable[[Stored], Found]:
        """Return what counts a table; tables with the same columns share what the cuts are bound to."""
        bounds: list[tuple[Mapping[str, Any], Bound]] = []
        return lambda stored: self._count(stored, bounds)

    def _count(self, stored: Stored, bounds: list[tuple[Mapping[str, Any], Bound]]) -> Found:
        hashing = Hashing(file_and_tree(stored.path)[0])
        file = open_table(stored.path)
        bound = bound_to(self.analysis, file.columns, bounds)
        counter = bound.counter(sample=stored.sample, role=stored.role, unblind=self.unblind, fill=self.fill)
        for table in file.batches(bound.columns_for(fill=self.fill)):
            counter.add(table)
            if self.step is not None:
                self.step(0 if stored.hidden else len(table))
        found = counter.yields()
        file.close()
        identity = hashing.result()
        counted = _counted(file, self.analysis, bound, found, identity, stored)
        return Found(
            counted,
            replace(found, regions={}),
            {stored.name: counted.samples[stored.sample].ledger},
            ({"path": stored.name, "identity": identity, "sample": stored.sample},),
        )


def bound_to(
    analysis: Analysis,
    columns: Mapping[str, Any],
    bounds: list[tuple[Mapping[str, Any], Bound]],
    absent: Absent | None = None,
) -> Bound:
    """Return an analysis on some columns: one of those that there are, or a new one, which is added to them.

    `absent` says of a name that the columns lack which set-ups have it.
    """
    for known, bound in bounds:
        if known == columns:
            return bound
    bounds.append((columns, selection.bind(analysis, columns, absent=absent)))
    return bounds[-1][1]


def _counted(
    file: TableFile, analysis: Analysis, bound: Bound, found: Yields, identity: str, stored: Stored
) -> Cutflow:
    """Return the cutflow of one table."""
    metadata = file.metadata
    origin = metadata.provenance.get("inputs", []) if metadata else []
    return Cutflow.single(
        analysis=analysis.name,
        cuts_hash=analysis.cuts_hash,
        sample=stored.sample,
        role=stored.role,
        on_target=metadata.on_target if metadata and not stored.hidden else None,
        scale=metadata.scale if metadata else 1.0,
        partial=metadata.partial if metadata else False,
        ledger=metadata.ledger if metadata else Ledger(read=file.entries, passed=file.entries),
        regions=found.regions,
        coverage=dict(map(_coverage, origin)) or {identity: ((0, file.entries),)},
        provenance={},
        process=metadata.process if metadata else {},
        hidden=stored.hidden,
        skim=metadata.provenance.get("skim", {}) if metadata else {},
        weights=weight_texts(bound),
    )


def _coverage(item: Mapping[str, Any]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return which entries of which file a table is from; a skim of blinded data does not say which."""
    if "entries" not in item:
        return str(item["identity"]), blinding.WHOLE
    return str(item["identity"]), tuple((int(a), int(b)) for a, b in item["entries"])
