"""Conditions tables: the text files ``configs/calib/TAG/*.txt``, one or several blocks of metadata lines and rows.

A block begins with metadata lines ``key = value`` (type, runs, columns, units, source, from, without, override) and holds
one row per channel; the row of the channel ``*`` stands for all that have none of their own. ``#`` begins a comment.
"""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

from emiss.calib.origins import Origin, parse_origin
from emiss.calib.run_ranges import RunRange, parse_ranges
from emiss.calib.table_types import (
    ERROR,
    NOT_NEGATIVE,
    PROFILE,
    TYPES,
    WITHIN_ONE,
    TableType,
    correlation_of,
    table_type,
)
from emiss.configs.errors import Location, Problems, UserError, did_you_mean
from emiss.configs.files import check_regular
from emiss.configs.units import PURE, UnitError, parse_unit

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

ANY = "*"

SLICE = "/"
"""Between a channel and the number of a slice of heights, in the names of the rows of templates."""

SHOWN = 5
"""So many wrong rows of a block are named one by one."""

KEYS = ("type", "runs", "columns", "units", "source", "from", "without", "override")

MAX_BYTES = 64_000_000
"""Of a file; all constants of an experiment are some megabytes."""

NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
"""What a value may be; Python would take ``1_000`` and digits of any script, too."""


def row_of(rows: Collection[str], channel: str) -> str | None:
    """Return the name of the row that holds for a channel: its own, or ``*``; None for none.

    Of slices of heights (``ECAL1.2.3/0``) it is that of its element (``ECAL1.*/0``) or of all (``*/0``) if it has none.
    """
    if channel in rows:
        return channel
    name, slash, number = channel.partition(SLICE)
    if slash:
        for other in (f"{name.partition('.')[0]}.{ANY}", ANY):
            if f"{other}{SLICE}{number}" in rows:
                return f"{other}{SLICE}{number}"
    return ANY if ANY in rows else None


def first_slice(row: str) -> str:
    """Return the row of the first slice of heights of the same channel; of other kinds of tables the row itself."""
    channel, slash, _ = row.partition(SLICE)
    return f"{channel}{slash}0" if slash else row


def is_default(row: str) -> bool:
    """Return whether a row is for the channels of an element, or for all, that have none of their own."""
    return row.partition(SLICE)[0].endswith(ANY)


@dataclass(frozen=True)
class Table:
    """One block: values in base units by channel, with the line each row stands at."""

    type: str
    runs: tuple[RunRange, ...]
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[float, ...]]
    lines: Mapping[str, int]
    file: str
    line: int
    override: bool = False
    payload: str = field(default="", compare=False)
    origin: Origin | None = None
    layer: int | None = None
    """The place of a table of a format in which later tables replace earlier ones."""
    without: tuple[str, ...] = ()
    """Channels that a derivation has found nothing for."""

    @property
    def order(self) -> tuple[bool, int]:
        """Of the tables that hold for a run, those with a larger one come later."""
        return self.override, self.layer or 0

    def location(self, channel: str | None = None) -> Location:
        """Return the place of the block, or of the row of a channel."""
        return Location(self.file, self.lines.get(channel, self.line) if channel else self.line)


def read_tables(path: Path) -> list[Table]:
    """Read the blocks of a file.

    Raises
    ------
    UserError
        For every mistake, with file and line (and column where it is one word).
    """
    return parse_tables(text_of(read_content(path), path), str(path))


def read_content(path: Path) -> bytes:
    """Return the bytes of a file of tables.

    Raises
    ------
    UserError
        If it is too large or cannot be read.
    """
    check_regular(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(f"tables of more than {MAX_BYTES // 1_000_000} MB are refused", at=Location(str(path)))
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror or error}", at=Location(str(path))) from None


def text_of(content: bytes, path: Path) -> str:
    """Return the text of a file of tables.

    Raises
    ------
    UserError
        If it is none.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"cannot be read: no text: {error.reason}", at=Location(str(path))) from None
    if "\0" in text:
        raise UserError("cannot be read: no text: it has null characters", at=Location(str(path)))
    return text


def parse_tables(text: str, name: str = "<text>") -> list[Table]:
    """Return the blocks of a text; `name` stands for the file in messages."""
    blocks: list[_Block] = []
    problems = Problems()
    for number, raw in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        line = raw.partition("#")[0].rstrip()
        if not line.strip():
            continue
        try:
            if "=" in line:
                key, _, value = line.partition("=")
                if not blocks or blocks[-1].rows:
                    blocks.append(_Block(name, number))
                blocks[-1].metadata(key.strip(), value.strip(), number, raw)
            elif blocks:
                blocks[-1].row(line, number, raw)
            else:
                raise UserError("a row before any 'type = ...' line", at=Location(name, number, 1, text=raw))
        except UserError as error:
            problems.add(error)
    problems.check()
    tables = []
    for block in blocks:
        try:
            tables.append(block.table())
        except UserError as error:
            problems.add(error)
    problems.check()
    return tables


def payload_of(
    kind: str,
    runs: tuple[RunRange, ...],
    columns: tuple[str, ...],
    rows: Mapping[str, tuple[float, ...]],
    *,
    override: bool = False,
) -> str:
    """Return the id of a table: the first digits of a hash of all that it says."""
    parsed = repr((kind, [str(r) for r in runs], columns, sorted(rows.items()), *(["override"] if override else [])))
    return hashlib.sha256(parsed.encode()).hexdigest()[:12]


class _Block:
    """A block while it is read."""

    def __init__(self, file: str, line: int) -> None:
        self.file = file
        self.line = line
        self.meta: dict[str, tuple[str, int, str]] = {}
        self.rows: dict[str, tuple[tuple[str, ...], int, str]] = {}

    def metadata(self, key: str, value: str, number: int, raw: str) -> None:
        at = Location(self.file, number, raw.index(key) + 1 if key else 1, len(key) or 1, raw)
        if key not in KEYS:
            raise UserError(f"unknown key '{key}'", at=at, hint=did_you_mean(key, KEYS))
        if key in self.meta:
            raise UserError(f"the key '{key}' is given twice", at=at)
        self.meta[key] = (value, number, raw)

    def row(self, line: str, number: int, raw: str) -> None:
        words = tuple(line.replace(",", " ").split())
        if not words:
            raise UserError("a row without a channel", at=Location(self.file, number, 1, len(raw), raw))
        at = Location(self.file, number, raw.index(words[0]) + 1, len(words[0]), raw)
        if words[0] in self.rows:
            raise UserError(f"channel '{words[0]}' has a row at line {self.rows[words[0]][1]} already", at=at)
        self.rows[words[0]] = (words[1:], number, raw)

    def _at(self, key: str) -> Location:
        value, number, raw = self.meta[key]
        column = raw.index(value, raw.index("=")) + 1 if value else 1
        return Location(self.file, number, column, max(len(value), 1), raw)

    def _list(self, key: str) -> list[str]:
        return [word.strip() for word in self.meta[key][0].split(",")]

    def table(self) -> Table:
        """Check the block as a whole and return its table in base units."""
        for key in ("type", "runs", "columns", "units"):
            if key not in self.meta:
                raise UserError(f"the block has no '{key} = ...' line", at=Location(self.file, self.line))
        kind = self.meta["type"][0]
        type_ = table_type(kind)
        if type_ is None:
            raise UserError(f"unknown type '{kind}'", at=self._at("type"), hint=did_you_mean(kind, TYPES))
        try:
            runs = parse_ranges(self.meta["runs"][0])
        except ValueError as error:
            raise UserError(str(error), at=self._at("runs")) from None
        override = self.meta.get("override", ("no", 0, ""))[0]
        if override not in ("yes", "no"):
            raise UserError(f"override is 'yes' or 'no', not '{override}'", at=self._at("override"))
        columns, factors = self._columns(type_)
        problems = Problems()
        rows: dict[str, tuple[float, ...]] = {}
        for channel in self.rows:
            try:
                rows[channel] = self._values(channel, columns, factors, type_)
            except UserError as error:
                problems.add(error)
        if (more := len(problems.errors) - SHOWN) > 0:
            del problems.errors[SHOWN:]
            problems.add(UserError(f"and {more} more of the rows of this block", at=Location(self.file, self.line)))
        problems.check()
        if not rows:
            raise UserError("the block has no rows", at=Location(self.file, self.line))
        lines = {channel: number for channel, (_, number, _) in self.rows.items()}
        replaces = override == "yes"
        payload = payload_of(kind, runs, columns, rows, override=replaces)
        return Table(
            kind,
            runs,
            columns,
            rows,
            lines,
            self.file,
            self.line,
            replaces,
            payload,
            self._origin(kind),
            without=tuple(filter(None, self._list("without"))) if "without" in self.meta else (),
        )

    def _origin(self, kind: str) -> Origin | None:
        if "from" not in self.meta:
            return None
        try:
            return parse_origin(kind, self.meta["from"][0], self._at("from"))
        except ValueError as error:
            raise UserError(str(error), at=self._at("from")) from None

    def _columns(self, kind: TableType) -> tuple[tuple[str, ...], list[float]]:
        names, units = self._list("columns"), self._list("units")
        if names[0] != "channel":
            raise UserError("the first column is 'channel'", at=self._at("columns"))
        if len(names) != len(units):
            raise UserError(f"{len(names)} columns but {len(units)} units", at=self._at("units"))
        pairs = {correlation_of(*pair) for pair in combinations(kind.columns, 2)} if kind is not PROFILE else set()
        for name in names[1:]:
            if name.removesuffix(ERROR) not in kind.columns and name not in pairs:
                hint = did_you_mean(name, kind.columns)
                raise UserError(f"unknown column '{name}'", at=self._at("columns"), hint=hint)
        if len(set(names)) != len(names):
            raise UserError("a column is given twice", at=self._at("columns"))
        factors = []
        for name, text in zip(names[1:], units[1:], strict=True):
            try:
                unit = parse_unit(text)
            except UnitError as error:
                raise UserError(str(error), at=self._at("units")) from None
            dimension = PURE if name in pairs else kind.columns[name.removesuffix(ERROR)]
            if unit.dimension != dimension:
                raise UserError(f"'{name}' is in {dimension}, not in {text}", at=self._at("units"))
            factors.append(unit.factor)
        return tuple(names[1:]), factors

    def _values(
        self, channel: str, columns: tuple[str, ...], factors: list[float], kind: TableType
    ) -> tuple[float, ...]:
        words, number, raw = self.rows[channel]
        if len(words) != len(columns):
            message = f"channel '{channel}' has {len(words)} values for {len(columns)} columns"
            raise UserError(message, at=Location(self.file, number, 1, len(raw), raw))
        values = []
        column = raw.index(channel) + len(channel)
        for name, word, factor in zip(columns, words, factors, strict=True):
            column = raw.index(word, column)
            place = Location(self.file, number, column + 1, len(word), raw)
            column += len(word)
            value = float(word) * factor if NUMBER.fullmatch(word) else math.nan
            if not math.isfinite(value):
                raise UserError(f"'{word}' is no finite number", at=place)
            known = name.removesuffix(ERROR)
            limits = kind.limits.get(name, NOT_NEGATIVE if known in kind.columns else WITHIN_ONE)
            wrong = limits.refuse(value, kind.columns.get(known, PURE))
            if wrong:
                raise UserError(f"{name} of channel '{channel}' {wrong}", at=place)
            values.append(value)
        return tuple(values)
