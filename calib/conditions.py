"""Conditions: the calibration constants of a tag, looked up by run at run boundaries.

For every (run, channel, column) there is exactly one value, or an error that names the files and lines; `check` finds
gaps, overlaps and missing channels before a job starts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from calib.ranges import covers, overlap
from calib.tables import ANY, TYPES, Table, read_tables
from configs import loader
from configs.errors import Location, Problems, UserError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class RunConditions:
    """The constants that hold for one run."""

    run: int
    tag: str
    tables: tuple[Table, ...]
    payloads: tuple[str, ...] = ()

    def get(self, type_: str, channels: Sequence[str]) -> dict[str, Array]:
        """Return the constants of a type for some channels.

        Parameters
        ----------
        type_ : str
            One of `calib.tables.TYPES`, e.g. ``sadc.pedestal``.
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
        found = {column: np.full(len(channels), np.nan) for column in TYPES[type_].columns}
        for table in tables:  # a later table overrides an earlier one
            default = table.rows.get(ANY)
            index = {column: number for number, column in enumerate(table.columns)}
            for position, channel in enumerate(channels):
                row = table.rows.get(channel, default)
                if row is None:
                    continue
                for column, number in index.items():
                    found[column][position] = row[number]
        for column, values in found.items():
            missing = np.flatnonzero(np.isnan(values))
            if len(missing):
                raise self._missing(type_, column, channels[missing[0]], len(missing), tables)
        return found

    def _missing(self, type_: str, column: str, channel: str, count: int, tables: Sequence[Table]) -> UserError:
        more = f" and {count - 1} more" if count > 1 else ""
        if not tables:
            return UserError(f"run {self.run} has no table of type {type_}", at=Location(self.tag))
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
                clash = None if later.override else _clash(earlier, later)
                if clash:
                    problems.add(clash)
        problems.check()
        return cls(str(path), tuple(tables))

    def for_run(self, run: int) -> RunConditions:
        """Return what holds for a run; tables that override come after those they override."""
        valid = [table for table in self.tables if covers(table.runs, run)]
        ordered = [t for t in valid if not t.override] + [t for t in valid if t.override]
        return RunConditions(run, self.tag, tuple(ordered), tuple(sorted({table.payload for table in ordered})))

    def check(self, runs: Iterable[int], needs: Mapping[str, Sequence[str]]) -> None:
        """Raise a UserError for everything that is missing for these runs.

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
        problems.check()


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
        hint="say 'override = yes' in the later block if it is meant to replace the other",
    )
