"""Conditions: the calibration constants of a tag, looked up by run at run boundaries.

For every (run, channel, column) there is exactly one value, or an error that names the files and lines; `check` finds
gaps, overlaps and missing channels before a job starts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from emiss.calib.run_ranges import covers, overlap
from emiss.calib.tables import ANY, TYPES, Table, correlation_of, error_of, read_tables, table_type
from emiss.configs import loader
from emiss.configs.errors import Location, Problems, UserError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from emiss.configs.arrays import Floats


@dataclass(frozen=True)
class RunConditions:
    """The constants that hold for one run."""

    run: int
    tag: str
    tables: tuple[Table, ...]
    payloads: tuple[str, ...] = ()

    def get(self, type_: str, channels: Sequence[str]) -> dict[str, Floats]:
        """Return the constants of a type for some channels.

        Parameters
        ----------
        type_ : str
            One of `emiss.calib.tables.TYPES`, e.g. ``sadc.pedestal``.
        channels : sequence of str

        Returns
        -------
        dict of column to float array of shape (channels,), in base units

        Raises
        ------
        UserError
            If a channel has no value in this run.
        """
        tables = [table for table in self.tables if table.type == type_]
        known = table_type(type_) or TYPES[type_]
        found = {column: np.full(len(channels), np.nan) for column in known.columns}
        for table in tables:  # a later table overrides an earlier one
            default = table.rows.get(ANY)
            index = {column: number for number, column in enumerate(table.columns)}
            for position, channel in enumerate(channels):
                row = table.rows.get(channel, default)
                if row is None:
                    continue
                for column, number in index.items():
                    if column in found:  # no error of a value
                        found[column][position] = row[number]
        for column, values in found.items():
            missing = np.flatnonzero(np.isnan(values))
            if len(missing):
                raise self._missing(type_, column, channels[missing[0]], len(missing), tables)
        return found

    def covariance(self, type_: str, channel: str) -> Floats:
        """Return the covariance of the constants of a channel from their errors and correlations, shape (columns, columns).

        It is in base units; what a table says no correlation of has none.

        Raises
        ------
        UserError
            If the row that holds has no errors.
        """
        columns = (table_type(type_) or TYPES[type_]).columns
        tables = [t for t in self.tables if t.type == type_ and (channel in t.rows or ANY in t.rows)]
        if not tables:
            raise self._missing(type_, next(iter(columns)), channel, 1, tables)
        last = tables[-1]
        row = dict(zip(last.columns, last.rows.get(channel, last.rows.get(ANY, ())), strict=False))
        lacking = next((name for name in columns if error_of(name) not in row), None)
        if lacking is not None:
            raise UserError(f"{type_} of '{channel}' has no error of {lacking}", at=last.location(channel))
        sigma = np.array([row[error_of(name)] for name in columns])
        matrix = np.eye(len(columns))
        for (a, one), (b, other) in combinations(enumerate(columns), 2):
            matrix[a, b] = matrix[b, a] = row.get(correlation_of(one, other), 0.0)
        return np.asarray(matrix * np.outer(sigma, sigma))

    def location(self, type_: str, channel: str) -> Location | None:
        """Return where the row stands that holds for a channel."""
        tables = [t for t in self.tables if t.type == type_ and (channel in t.rows or ANY in t.rows)]
        return tables[-1].location(channel if channel in tables[-1].rows else ANY) if tables else None

    def _missing(self, type_: str, column: str, channel: str, count: int, tables: Sequence[Table]) -> UserError:
        more = f" and {count - 1} more" if count > 1 else ""
        if not tables:
            kind = table_type(type_) or TYPES[type_]
            return UserError(f"run {self.run} has no table of type {type_}", at=Location(self.tag), hint=kind.without)
        known = [name for table in tables for name in table.rows]
        return UserError(
            f"run {self.run}: no {type_} {column} for channel '{channel}'{more}",
            at=tables[-1].location(),
            hint=did_you_mean(channel, known, otherwise="the table has"),
        )


@dataclass(frozen=True)
class Conditions:
    """All tables of a tag, in the order of the files' names."""

    tag: str
    tables: tuple[Table, ...] = field(repr=False)

    @classmethod
    def load(cls, tag: str | Path) -> Conditions:
        """Read the tables of a folder (or of one file), or of a tag that ships.

        Raises
        ------
        UserError
            If there is no such tag, a table is wrong, or two tables give the same value.
        """
        path = loader.find("calib", tag)
        files = sorted(path.glob("*.txt")) if path.is_dir() else [path]
        if not files:
            raise UserError("holds no conditions table (*.txt)", at=Location(str(path)))
        problems = Problems()
        tables: list[Table] = []
        for file in files:
            try:
                tables += read_tables(file)
            except UserError as error:
                problems.add(error)
        problems.check()
        for number, later in enumerate(tables):
            for earlier in tables[:number]:
                clash = _clash(earlier, later) if earlier.override == later.override else None
                if clash:
                    problems.add(clash)
        for table in tables:
            if table.override:
                for idle in _idle(table, [other for other in tables if not other.override]):
                    problems.add(idle)
        problems.check()
        return cls(str(path), tuple(tables))

    def for_run(self, run: int) -> RunConditions:
        """Return what holds for a run; tables that override come after those they override."""
        valid = [table for table in self.tables if covers(table.runs, run)]
        ordered = [t for t in valid if not t.override] + [t for t in valid if t.override]
        return RunConditions(run, self.tag, tuple(ordered), tuple(sorted({table.payload for table in ordered})))

    def check(self, runs: Iterable[int], needs: Mapping[str, Sequence[str]]) -> None:
        """Raise a UserError for everything that is missing for these runs, or that can mean none of the channels.

        Parameters
        ----------
        runs : iterable of int
        needs : mapping of table type to channels
        """
        problems = Problems()
        for run in runs:
            conditions = self.for_run(run)
            for type_, channels in needs.items():
                try:
                    conditions.get(type_, channels)
                except UserError as error:
                    problems.add(error)
        for type_, channels in needs.items():
            for stranger in _strangers(self.tables, type_, channels):
                problems.add(stranger)
        problems.check()


def _strangers(tables: Sequence[Table], type_: str, known: Sequence[str]) -> Iterator[UserError]:
    """Yield the rows of channels that the detector does not have, where a row ``*`` would hide a slip of the key.

    A part that other blocks know belongs to another set-up that shares the tag.
    """
    own = [table for table in tables if table.type == type_]
    if not any(ANY in table.rows for table in own):
        return  # a channel without a value is an error already
    names = set(known)
    parts = {_part(name) for name in known}
    for table in own:
        others = {_part(name) for other in tables if other is not table and not other.override for name in other.rows}
        for name in table.rows:
            if name != ANY and name not in names and _part(name) not in others - parts:
                hint = did_you_mean(name, known)
                yield UserError(f"the detector has no channel '{name}'", at=table.location(name), hint=hint)


def _part(name: str) -> str:
    return name.partition(".")[0]


def _idle(table: Table, plain: Sequence[Table]) -> Iterator[UserError]:
    """Yield the rows of an overriding block that replace nothing."""
    below = [other for other in plain if other.type == table.type and overlap(other.runs, table.runs)]
    known = [name for other in below for name in other.rows]
    if ANY in known:
        return
    for name in table.rows:
        if name != ANY and name not in known:
            hint = did_you_mean(name, known) if known else "no other block gives this type for these runs"
            yield UserError(f"'{name}' overrides nothing", at=table.location(name), hint=hint)


def _clash(earlier: Table, later: Table) -> UserError | None:
    """Return the error of two tables that give the same (run, channel, column), None where they do not."""
    if earlier.type != later.type or not set(earlier.columns) & set(later.columns):
        return None
    common = overlap(earlier.runs, later.runs)
    channels = sorted(set(earlier.rows) & set(later.rows))
    if ANY in earlier.rows or ANY in later.rows:  # a default row speaks for every channel
        channels = channels or sorted(set(later.rows) | set(earlier.rows))
    if common is None or not channels:
        return None
    return UserError(
        f"{later.type} of channel '{channels[0]}' in runs {common} stands in {earlier.location(channels[0])} already",
        at=later.location(channels[0]),
        hint="of two blocks that both override, none comes before the other: make one of them"
        if later.override
        else "say 'override = yes' in the later block if it is meant to replace the other",
    )
