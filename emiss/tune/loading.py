"""From event tables to samples that are held in memory: opened as `select` does, without what is inside the blind box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from emiss.configs.errors import UserError
from emiss.events.files.open import open_table
from emiss.events.language.running.evaluate import BLOCK, Plan
from emiss.events.table import EventTable
from emiss.job.tables import find_tables, sample_of
from emiss.selection import blinding
from emiss.selection.analysis.merge import merge, override
from emiss.selection.tuning.live import Live
from emiss.selection.tuning.opened import Opened, open_parameters
from emiss.selection.tuning.sample import LiveSample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from emiss.configs.loader import Document
    from emiss.events.columns import Column
    from emiss.events.files.base import TableFile
    from emiss.events.language.running.values import Truths
    from emiss.job.outcome import Outcome
    from emiss.selection import Analysis


@dataclass(frozen=True)
class Loaded:
    """Samples in memory, and what `select` says of them with the values that the analysis was given.

    Attributes
    ----------
    live : Live
    outcome : Outcome
        Its cutflow tells what the samples stand for.
    document : Document
        The analysis file.
    """

    live: Live
    outcome: Outcome
    document: Document


def load(
    tables: Sequence[Path],
    analysis: Analysis,
    outcome: Outcome,
    *,
    set_: Mapping[str, str],
    unblind: bool,
    progress: Callable[[int], None] = lambda _: None,
) -> Loaded:
    """Read the columns that an analysis uses of all events that may be seen.

    Parameters
    ----------
    outcome : Outcome
        What `emiss.job.select.select` says of the same tables: it has looked at names, blinding and exposures.
    set_ : mapping of parameter to value
        What was set on the command line; the analysis has it already.
    progress : callable
        Called with the number of events done.

    Raises
    ------
    UserError
        If the tables of a sample have different columns.
    """
    document = analysis.place.document
    hides = any(counts.hidden for counts in outcome.cutflow.samples.values())
    box = blinding.box_parameters(analysis) if hides else ()
    known: list[Opened] = []
    parts: dict[str, list[tuple[Opened, list[EventTable]]]] = {}
    for path in find_tables(tables):
        file = open_table(path)
        sample, role = sample_of(path, file)
        hidden = blinding.is_hidden(analysis, sample, role) and not unblind
        opened = _opened(analysis, file, box, known)
        step = (lambda _: None) if hidden else progress
        blocks = list(_blocks(_seen(file, opened, analysis, hidden=hidden, progress=step)))
        file.close()
        parts.setdefault(sample, []).append((opened, blocks))
    samples = {name: _sample(name, found) for name, found in parts.items()}
    given = merge(document).tree.parameters
    return Loaded(Live(analysis, {**given, **override(given, set_)}, samples), outcome, document)


def _opened(analysis: Analysis, file: TableFile, box: Iterable[str], known: list[Opened]) -> Opened:
    """Return the analysis on the columns of a table: one that is there, where all columns that it reads are the same."""
    for opened in known:
        if all(_same(opened.columns[name], file.columns.get(name)) for name in opened.bound.columns):
            return opened
    known.append(open_parameters(analysis, file.columns, box))
    return known[-1]


def _same(a: Column, b: Column | None) -> bool:
    return b is not None and (a.type, a.unit, a.shape, a.size, a.bits) == (b.type, b.unit, b.shape, b.size, b.bits)


def _seen(
    file: TableFile, opened: Opened, analysis: Analysis, *, hidden: bool, progress: Callable[[int], None]
) -> Iterator[EventTable]:
    """Yield the events of a table that are not inside the box of a blinded sample."""
    box = opened.bound.box
    plan = Plan([box]) if hidden and box is not None else None
    if hidden and plan is None:
        msg = f"the analysis '{analysis.name}' hides events and has no box"
        raise AssertionError(msg)
    for table in file.batches(opened.bound.columns):
        progress(len(table))
        if plan is None or box is None:
            yield table
            continue
        outside = cast("Truths", plan.run(table)[box.id]).false
        yield table.take(_wide(outside, len(table)))


def _wide(mask: Any, size: int) -> Any:
    import numpy as np

    return np.ascontiguousarray(np.broadcast_to(mask, (size,)))


def _blocks(tables: Iterable[EventTable]) -> Iterator[EventTable]:
    """Yield the events of some tables in blocks of the size that is evaluated at a time."""
    waiting: list[EventTable] = []
    for table in tables:
        rest = EventTable(table.size, table.flat, table.lists)
        while (missing := BLOCK - sum(map(len, waiting))) <= len(rest):
            yield EventTable.concatenate([*waiting, rest.slice(0, missing)])
            waiting, rest = [], rest.slice(missing, len(rest))
        if len(rest):
            waiting.append(rest)
    if waiting:
        yield EventTable.concatenate(waiting)


def _sample(name: str, found: Sequence[tuple[Opened, list[EventTable]]]) -> LiveSample:
    opened = found[0][0]
    if any(other is not opened for other, _ in found):
        raise UserError(f"the tables of sample '{name}' have different columns", hint="tune with one of them")
    return LiveSample(opened, [block for _, blocks in found for block in blocks])
