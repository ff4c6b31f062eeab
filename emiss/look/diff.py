"""``diff`` on tables: which events two analyses, or two tables, let through differently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss import selection
from emiss.configs.errors import Location, UserError, did_you_mean
from emiss.events.files.open import open_table
from emiss.job.absent import from_table
from emiss.job.tables import find_tables, sample_of
from emiss.selection import blinding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from emiss.events.files.base import TableFile
    from emiss.events.lists import Array
    from emiss.selection import Analysis

IDENTITY = ("event.run", "event.spill", "event.in_spill")
PLACE = ("event.file", "event.entry")


@dataclass(frozen=True)
class Moved:
    """An event that passes on one side only.

    Attributes
    ----------
    sample : str
    identity : tuple of int
        Run, spill and number in the spill; or the row of the table where it has no such columns.
    side : int
        0: only the first lets it through; 1: only the second.
    at : str
        The cut that stops it on the other side; "" where the event is not there.
    """

    sample: str
    identity: tuple[int, ...]
    side: int
    at: str


def between_analyses(
    tables: Sequence[Path], first: Analysis, second: Analysis, *, region: str | None = None, unblind: bool = False
) -> Iterator[Moved]:
    """Return the events of some tables that only one of two analyses lets through, to be read batch by batch.

    Raises
    ------
    UserError
        At once, if the two hide different events of a table: what differs would tell of those inside.
    """
    files = [(path, open_table(path)) for path in find_tables(tables)]
    if not unblind:
        for path, file in files:
            _same_box(first, second, *sample_of(path, file), path)
    return _between(files, first, second, region, unblind=unblind)


def _between(
    files: Sequence[tuple[Path, TableFile]], first: Analysis, second: Analysis, region: str | None, *, unblind: bool
) -> Iterator[Moved]:
    for path, file in files:
        sample, role = sample_of(path, file)
        keys = [name for name in IDENTITY if name in file.columns]
        bounds = [selection.bind(one, file.columns, absent=from_table(file)) for one in (first, second)]
        cuts = [[cut.name for cut in bound.region(region).cuts] for bound in bounds]
        row = 0
        for table in file.batches(list(dict.fromkeys([*keys, *bounds[0].columns, *bounds[1].columns]))):
            passed = [bound.passed(table, region, sample=sample, role=role, unblind=unblind) for bound in bounds]
            through = [counts >= len(names) for counts, names in zip(passed, cuts, strict=True)]
            for i in np.flatnonzero(through[0] != through[1]).tolist():
                identity = tuple(int(table.flat[name][i]) for name in keys) or (row + i,)
                side = int(through[1][i])
                stopped = int(passed[1 - side][i])
                yield Moved(sample, identity, side, cuts[1 - side][stopped])
            row += len(table)


def _same_box(first: Analysis, second: Analysis, sample: str, role: str, path: Path) -> None:
    """Refuse two analyses that hide different events of a sample; boxes are compared by what they mean."""
    boxes = [
        analysis.meaning(analysis.blind.box) if analysis.blind and blinding.is_hidden(analysis, sample, role) else None
        for analysis in (first, second)
    ]
    if boxes[0] != boxes[1]:
        raise UserError(
            f"the two analyses hide different events of '{sample}': what differs would tell of them",
            at=Location(str(path)),
            hint="give both the same 'blind', or open the box with --unblind",
        )


def between_tables(
    first: Sequence[Path],
    second: Sequence[Path],
    analysis: Analysis,
    *,
    region: str | None = None,
    unblind: bool = False,
) -> Iterator[Moved]:
    """Yield the events that an analysis lets through in one of two sets of tables only.

    Events are told apart by run, spill and number; where these repeat within a sample (simulated files of one run), also by
    file and entry.

    Raises
    ------
    UserError
        If a column is missing, or events cannot be told apart.
    """
    sides = [_outcomes(tables, analysis, region, unblind=unblind) for tables in (first, second)]
    names = [cut.name for cut in analysis.regions[region or next(iter(analysis.regions))]]
    for sample in dict.fromkeys([*sides[0], *sides[1]]):
        (a, a_passed), (b, b_passed) = _told_apart(sample, *(side.get(sample, _nothing()) for side in sides))
        for side, (mine, passed, theirs, other) in enumerate(((a, a_passed, b, b_passed), (b, b_passed, a, a_passed))):
            there = dict(zip(map(tuple, theirs.tolist()), other.tolist(), strict=True))
            for identity in map(tuple, mine[passed >= len(names)].tolist()):
                reached = there.get(identity)
                if reached is None or reached < len(names):
                    # a hidden event is not there
                    stopped = "" if reached is None or reached < 0 else names[reached]
                    yield Moved(sample, identity[: len(IDENTITY)], side, stopped)


def _told_apart(
    sample: str, first: tuple[Array, Array], second: tuple[Array, Array]
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return both sides with the shortest identity by which no event stands twice on one side."""
    width = len(IDENTITY)
    for columns in (width, width + len(PLACE)):
        parts = [(keys[:, :columns], passed) for keys, passed in (first, second)]
        if all(len(np.unique(keys, axis=0)) == len(keys) for keys, _ in parts):
            return parts[0], parts[1]
    raise UserError(
        f"events of sample '{sample}' cannot be told apart: run, spill and number stand twice, and file and entry do not help",
        hint="compare one table with one table",
    )


def _nothing() -> tuple[Array, Array]:
    return np.zeros((0, len(IDENTITY) + len(PLACE)), np.int64), np.zeros(0, np.int64)


def _outcomes(
    tables: Sequence[Path], analysis: Analysis, region: str | None, *, unblind: bool
) -> dict[str, tuple[Array, Array]]:
    """Return identity and number of cuts passed of all events, by sample."""
    found: dict[str, list[tuple[Array, Array]]] = {}
    for path in find_tables(tables):
        file = open_table(path)
        sample, role = sample_of(path, file)
        for name in IDENTITY:
            if name not in file.columns:
                hint = did_you_mean(name, file.columns)
                raise UserError(
                    f"events are told apart by '{name}', which is not there", at=Location(str(path)), hint=hint
                )
        bound = selection.bind(analysis, file.columns, absent=from_table(file))
        place = [name for name in PLACE if name in file.columns]
        for table in file.batches(list(dict.fromkeys([*IDENTITY, *place, *bound.columns]))):
            absent = np.full(len(table), -1, np.int64)
            columns = [
                table.flat[name].astype(np.int64) if name in table.flat else absent for name in (*IDENTITY, *PLACE)
            ]
            identity = np.stack(columns, axis=1)
            passed = bound.passed(table, region, sample=sample, role=role, unblind=unblind)
            found.setdefault(sample, []).append((identity, passed))
    return {
        sample: (np.concatenate([a for a, _ in parts]), np.concatenate([b for _, b in parts]))
        for sample, parts in found.items()
    }
