"""Conditions: the calibration constants of a tag, looked up by run at run boundaries.

For every (run, channel, column) there is exactly one value, or an error that names the files and lines; `check` finds
gaps, overlaps and missing channels before a job starts.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emiss.calib import sdc_maps
from emiss.calib import tag as tags
from emiss.calib.register import REGISTER, Register, contradictions, load_register
from emiss.calib.run_ranges import covers, overlap
from emiss.calib.steps import subject
from emiss.calib.table_types import TYPES, correlation_of, error_of, table_type
from emiss.calib.tables import ANY, Table, first_slice, parse_tables, row_of, text_of
from emiss.configs.errors import Location, Problems, UserError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from emiss.configs.arrays import Floats


@dataclass(frozen=True)
class RunConditions:
    """The constants that hold for one run."""

    run: int
    tag: str
    tables: tuple[Table, ...]
    payloads: tuple[str, ...] = ()
    all_tables: tuple[Table, ...] = field(default=(), repr=False, compare=False)
    """Those of other runs, too, for messages."""

    def get(self, type_: str, channels: Sequence[str]) -> dict[str, Floats]:
        """Return the constants of a type for some channels.

        Parameters
        ----------
        type_ : str
            One of `emiss.calib.table_types.TYPES`, e.g. ``sadc.pedestal``.
        channels : sequence of str

        Returns
        -------
        dict of column to float array of shape (channels,), in base units
            Optional columns that no table gives have their default.

        Raises
        ------
        UserError
            If a channel has no value in this run.
        """
        tables = [table for table in self.tables if table.type == type_]
        known = table_type(type_) or TYPES[type_]
        found = {column: np.full(len(channels), np.nan) for column in known.columns}
        for table in tables:  # a later table overrides an earlier one
            index = {column: number for number, column in enumerate(table.columns)}
            for position, channel in enumerate(channels):
                own = row_of(table.rows, channel)
                if own is None:
                    continue
                row = table.rows[own]
                for column, number in index.items():
                    if column in found:  # no error of a value
                        found[column][position] = row[number]
        for column, values in found.items():
            missing = np.flatnonzero(np.isnan(values))
            if len(missing) and column in known.optional:
                values[missing] = known.optional[column]
            elif len(missing):
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
        tables = [t for t in self.tables if t.type == type_ and row_of(t.rows, channel)]
        if not tables:
            raise self._missing(type_, next(iter(columns)), channel, 1, tables)
        last = tables[-1]
        row = dict(zip(last.columns, last.rows[row_of(last.rows, channel) or channel], strict=True))
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
        tables = [t for t in self.tables if t.type == type_ and row_of(t.rows, channel)]
        return tables[-1].location(row_of(tables[-1].rows, channel)) if tables else None

    def _missing(self, type_: str, column: str, channel: str, count: int, tables: Sequence[Table]) -> UserError:
        more = f" and {count - 1} more" if count > 1 else ""
        if not tables:
            kind = table_type(type_) or TYPES[type_]
            said = f"run {self.run} has no table of type {type_}"
            hint = _around([table for table in self.all_tables if table.type == type_], self.run) or kind.without
            return UserError(said, at=Location(self.tag), hint=hint)
        known = [name for table in tables for name in table.rows]
        return UserError(
            f"run {self.run}: no {type_} {column} for channel '{channel}'{more}",
            at=tables[-1].location(),
            hint=did_you_mean(channel, known, otherwise="the table has"),
        )


@dataclass(frozen=True)
class Conditions:
    """All tables of a tag, in the order of the files' names.

    Attributes
    ----------
    tag : str
        Its folder or file.
    tables : tuple of Table
    files : Tag, optional
        What it was read from.
    remarks : tuple of str
        What is not wrong, but should be known: tables that are not read.
    register : Register, optional
        What was taken in which runs, where the tag says it.
    """

    tag: str
    tables: tuple[Table, ...] = field(repr=False)
    files: tags.Tag | None = field(default=None, repr=False)
    remarks: tuple[str, ...] = ()
    register: Register | None = None

    @classmethod
    def load(cls, tag: str | Path) -> Conditions:
        """Read the tables of a folder, of one file, of a map of tables of another format, or of a tag that ships.

        Raises
        ------
        UserError
            If there is no such tag, a table is wrong, two tables give the same value, one was derived from runs of the wrong
            kind, or a snapshot is not as it was.
        """
        path = tags.find(tag)
        files, tables, remarks = _read(path)
        folder = files.folder
        register = load_register(folder / REGISTER) if REGISTER in files.contents else None
        problems = Problems()
        for number, later in enumerate(tables):
            for earlier in tables[:number]:
                clash = _clash(earlier, later) if earlier.override == later.override else None
                if clash:
                    problems.add(clash)
        for table in tables:
            if table.override:
                for idle in _idle(table, [other for other in tables if not other.override]):
                    problems.add(idle)
        for wrong in contradictions(tables, register) if register is not None else ():
            problems.add(wrong)
        problems.check()
        return cls(str(path), tuple(tables), files, remarks, register)

    def about(self, payloads: Iterable[str]) -> dict[str, Any]:
        """Return the tag for the provenance: its name, what it holds, and type and runs of the tables that were used, by id."""
        known = {table.payload: f"{table.type} {', '.join(map(str, table.runs))}" for table in self.tables}
        return {
            "tag": Path(self.tag).resolve().name,
            "sha256": "" if self.files is None else self.files.sha256,
            "snapshot": self.files is not None and self.files.snapshot,
            "tables": {one: known[one] for one in payloads if one in known},
        }

    def for_run(self, run: int) -> RunConditions:
        """Return what holds for a run; tables that override come after those they override."""
        ordered = sorted((table for table in self.tables if covers(table.runs, run)), key=lambda table: table.order)
        return RunConditions(run, self.tag, tuple(ordered), _ids(ordered), self.tables)

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


def _read(path: Path) -> tuple[tags.Tag, list[Table], tuple[str, ...]]:
    """Return the files of a tag, its tables, and what is to be known of these."""
    own = path if path.suffix in (".yaml", ".yml") and path.is_file() else path / sdc_maps.MAP
    if own.is_file():
        given = sdc_maps.read(own)
        if own == path:
            return tags.Tag(path, given.contents), list(given.tables), given.remarks
        files = tags.read(path, given.contents)
        return files, list(given.tables), given.remarks
    files = tags.read(path)
    names = [name for name in files.contents if name != REGISTER]
    if not names:
        raise UserError("holds no conditions table (*.txt)", at=Location(str(path)))
    problems = Problems()
    tables: list[Table] = []
    for name in names:
        file = files.folder / name if path.is_dir() else path
        try:
            tables += parse_tables(text_of(files.contents[name], file), str(file))
        except UserError as error:
            problems.add(error)
    problems.check()
    return files, tables, ()


def _around(tables: Sequence[Table], run: int) -> str | None:
    """Return which tables there are before and behind a run for which there is none."""
    ends = [(one.last, table) for table in tables for one in table.runs if one.last < run]
    begins = [(one.first, table) for table in tables for one in table.runs if one.first > run]
    last = max(ends, key=lambda item: item[0], default=None)
    first = min(begins, key=lambda item: item[0], default=None)
    before = f"{last[1].location()} ends with run {last[0]}" if last else ""
    after = f"{first[1].location()} begins with run {first[0]}" if first else ""
    if last and first:
        return f"a gap: {before}, {after}"
    return f"it starts late: {after}" if first else f"it ends early: {before}" if last else None


def _ids(ordered: Sequence[Table]) -> tuple[str, ...]:
    """Return the ids of the tables that hold for a run; where later ones replace earlier ones, their order is one more."""
    ids = {table.payload for table in ordered}
    layered = [table for table in ordered if table.layer is not None]
    if len({table.type for table in layered}) < len(layered):
        ids.add(hashlib.sha256(" ".join(table.payload for table in layered).encode()).hexdigest()[:12])
    return tuple(sorted(ids))


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
    """Yield the rows of an overriding block that replace nothing; where there need be no row, they need not."""
    kind = table_type(table.type)
    if kind is not None and kind.spare:
        return
    below = [other for other in plain if other.type == table.type and overlap(other.runs, table.runs)]
    known = [name for other in below for name in other.rows]
    if ANY in known:
        return
    for name in table.rows:
        # slices come and go together
        if name != ANY and not any(row_of(other.rows, first_slice(name)) for other in below):
            hint = did_you_mean(name, known) if known else "no other block gives this type for these runs"
            yield UserError(f"'{name}' overrides nothing", at=table.location(name), hint=hint)


def _clash(earlier: Table, later: Table) -> UserError | None:
    """Return the error of two tables that give the same (run, channel, column), None where they do not."""
    if None not in (earlier.layer, later.layer):
        return None
    if earlier.type != later.type or not set(earlier.columns) & set(later.columns):
        return None
    common = overlap(earlier.runs, later.runs)
    channels = sorted(set(map(subject, earlier.rows)) & set(map(subject, later.rows)))
    if ANY in earlier.rows or ANY in later.rows:  # a default row speaks for every channel
        channels = channels or sorted(set(later.rows) | set(earlier.rows))
    channels = channels or sorted(name for name in later.rows if row_of(earlier.rows, name))
    channels = channels or sorted(name for name in earlier.rows if row_of(later.rows, name))
    if common is None or not channels:
        return None
    return UserError(
        f"{later.type} of channel '{channels[0]}' in runs {common} stands in {earlier.location(channels[0])} already",
        at=later.location(channels[0]),
        hint="of two blocks that both override, none comes before the other: make one of them"
        if later.override
        else "say 'override = yes' in the later block if it is meant to replace the other",
    )
