"""Tables in the grammar of self-descriptive calibrations (SDC), as analysis code of the collaboration has them, as they are.

The grammar is that of the public C++ library of R. Dusaev (github.com/CrankOne/sdc: ``doc/grammar.rst``, ``doc/tutorial.rst``,
the loader ``ExtCSVLoader`` of ``include/sdc-base.hh``, ``tests/sdc-grammar.test.cc``, ``tests/assets``), in words of our own:

- ``#`` begins a comment. A line with ``=`` is metadata, any other one a row, whose words blanks or tabs part.
- ``type`` and ``runs`` begin a block; ``columns`` names the words of rows. All metadata hold on until they are given anew,
  also in the blocks that follow, within a file. A row may have more words than columns, not fewer.
- ``runs`` is ``5103``, ``3855-4207`` (both ends included) or ``5000-...`` (open); a range open to the left is a mistake.
- What holds for a run are all blocks of a type whose runs it is in. A later one replaces an earlier one channel by channel and
  column by column, in the order of the file; files come in alphabetical order, those of subfolders in the place of these.
  Releases of the library before its updates were sorted take files in the order of first runs: where that makes
  a difference, a remark says so.
- Numbers may be arithmetic, as ``1.2*3``, and ``nan``, which stands for a value that is not given.

Which types, columns and units they have is the matter of who wrote them. A map says what they are here (`CalibMap`)::

    format: sdc
    files: [calibrations/2022]                # folders, files or patterns, seen from the map; by default all below its folder
    types:
      CaloCell:                               # a type of theirs
        channel: "{name}.{x}.{y}"             # made of columns of theirs
        gives:
          sadc.gain: {gain: factor MeV}       # a column of ours: the column of theirs, and its unit
          sadc.time: {offset: t0 ns}
    channels: {ECAL0: PRS}                    # parts that are called otherwise here
    ignored: [LEDReference]                   # types that are known and not wanted
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections import Counter
from dataclasses import dataclass, field
from string import Formatter
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from emiss.calib.run_ranges import OPEN, RunRange, overlap
from emiss.calib.tables import (
    ERROR,
    NOT_NEGATIVE,
    NUMBER,
    SHOWN,
    TYPES,
    Table,
    payload_of,
    read_content,
    table_type,
    text_of,
)
from emiss.configs import loader
from emiss.configs.errors import Location, Problems, UserError, did_you_mean
from emiss.configs.schema import Model
from emiss.configs.units import UnitError, parse_unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from emiss.calib.tables import TableType
    from emiss.configs.loader import Document

MAP = "calib.yaml"
"""The map of a folder whose tables are of this format."""

OPEN_END = "..."
_RUN = re.compile(r"\d{1,10}", re.ASCII)
_LONGEST = 200
"""Characters of a number that is arithmetic."""


class TypeMap(Model):
    """What a type of theirs is here."""

    channel: str
    gives: dict[str, dict[str, str]]


class CalibMap(Model):
    """A map, as written."""

    format: Literal["sdc"]
    map_: str | None = Field(None, alias="map")
    """A map that ships, whose types are known, too."""
    files: tuple[str, ...] = ()
    types: dict[str, TypeMap] = Field(default_factory=dict)
    channels: dict[str, str] = Field(default_factory=dict)
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """A column of ours: that of theirs, and the factor to base units."""

    name: str
    theirs: str
    factor: float


@dataclass(frozen=True)
class Gives:
    """A type of ours that blocks of theirs give."""

    type: str
    kind: TableType
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Read:
    """What a map and its files hold: tables, remarks, and the bytes of each file by name, seen from the map."""

    tables: tuple[Table, ...]
    remarks: tuple[str, ...]
    contents: Mapping[str, bytes]


@dataclass
class Block:
    """Rows in a row with the same metadata."""

    type: str
    runs: RunRange
    columns: tuple[str, ...]
    file: str
    line: int
    rows: list[tuple[int, tuple[str, ...], str]] = field(default_factory=list)


def read(path: Path) -> Read:
    """Read the files that a map names.

    Parameters
    ----------
    path : Path
        The map.

    Raises
    ------
    UserError
        For all that is wrong with the map or the files, with places.
    """
    document = loader.load(path)
    said = loader.validate(document, CalibMap)
    known = _known(document, said)
    contents: dict[str, bytes] = {}
    blocks: list[Block] = []
    problems = Problems()
    files = list(_files(document, said))
    folder = document.path.parent
    for file in files:
        name = file.relative_to(folder).as_posix() if file.is_relative_to(folder) else str(file)
        try:
            contents[name] = read_content(file)
            blocks += parse(text_of(contents[name], file), str(file))
        except UserError as error:
            problems.add(error)
    problems.check()
    tables: list[Table] = []
    for number, block in enumerate(blocks):
        for gives, template in known.get(block.type, ()):
            try:
                tables += _tables(block, gives, template, said.channels, number)
            except UserError as error:
                problems.add(error)
    problems.check()
    contents = {MAP: read_content(path), **contents}  # as it is called in a folder of its own
    remarks = [*_unknown(blocks, known, said.ignored), *_without(blocks, tables, known), *_disputed(tables)]
    return Read(tuple(tables), tuple(remarks), contents)


def _files(document: Document, said: CalibMap) -> Iterator[Path]:
    """Yield the files of a map in their order."""
    folder = document.path.parent
    for number, name in enumerate(said.files or (".",)):
        place = folder / name
        if place.is_dir():
            found = [p for p in place.rglob("*.txt") if p.is_file() and not p.name.startswith(".")]
        elif place.is_file():
            found = [place]
        else:
            found = [p for p in folder.glob(name) if p.is_file()] if not name.startswith("/") else []
        if not found:
            at = ("files", number) if said.files else ()
            raise document.error(f"no file of constants is in '{name}'", at)
        yield from sorted(found, key=lambda p: p.parts)


def _known(document: Document, said: CalibMap) -> dict[str, list[tuple[Gives, str]]]:
    """Return what each type of theirs gives, with the template of its channels.

    Raises
    ------
    UserError
        If the map names types, columns or units that there are not.
    """
    known: dict[str, list[tuple[Gives, str]]] = {}
    if said.map_ is not None:
        below = loader.load(loader.find("calib_maps", said.map_, near=document.path.parent))
        known = _known(below, loader.validate(below, CalibMap))
    problems = Problems()
    for name, one in said.types.items():
        known[name] = []
        for kind, columns in one.gives.items():
            path = ("types", name, "gives", kind)
            type_ = table_type(kind)
            if type_ is None:
                hint = did_you_mean(kind, TYPES)
                problems.add(document.error(f"unknown type '{kind}'", path, key=True, hint=hint))
                continue
            made = []
            for column, text in columns.items():
                try:
                    made.append(_column(type_, column, text))
                except ValueError as error:
                    problems.add(document.error(str(error), (*path, column)))
            known[name].append((Gives(kind, type_, tuple(made)), one.channel))
        try:
            list(Formatter().parse(one.channel))
        except ValueError as error:
            problems.add(document.error(f"no template: {error}", ("types", name, "channel")))
    problems.check()
    return known


def _column(kind: TableType, column: str, text: str) -> Column:
    ours = column.removesuffix(ERROR)
    if ours not in kind.columns:
        msg = f"unknown column '{column}'; {did_you_mean(column, kind.columns)}"
        raise ValueError(msg)
    words = text.split()
    if len(words) != 2:
        msg = f"'{text}' is no column with its unit, such as 'factor MeV' or 'status -'"
        raise ValueError(msg)
    try:
        unit = parse_unit(words[1])
    except UnitError as error:
        raise ValueError(str(error)) from None
    if unit.dimension != kind.columns[ours]:
        msg = f"'{column}' is in {kind.columns[ours]}, not in {words[1]}"
        raise ValueError(msg)
    return Column(column, words[0], unit.factor)


def parse(text: str, name: str = "<text>") -> list[Block]:
    """Return the blocks of a text; `name` stands for the file in messages.

    Raises
    ------
    UserError
        With the place of each mistake.
    """
    blocks: list[Block] = []
    meta: dict[str, tuple[str, int]] = {}
    ranges: dict[str, RunRange] = {}
    new = True
    problems = Problems()
    for number, raw in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        line = raw.partition("#")[0].strip()
        if not line:
            continue
        if "=" in line:
            key, _, value = (word.strip() for word in line.partition("="))
            meta[key] = value, number
            new = new or key in ("type", "runs", "columns")
            if key == "runs":
                try:
                    ranges["runs"] = _runs(value)
                except ValueError as error:
                    problems.add(UserError(str(error), at=_at(name, number, raw, value)))
            continue
        try:
            if new:
                blocks.append(_begun(meta, ranges, name, number))
                new = False
            words = tuple(line.split())
            if len(words) < len(blocks[-1].columns):
                many = f"{len(words)} words for {len(blocks[-1].columns)} columns"
                raise UserError(many, at=Location(name, number, 1, len(raw), raw))
            blocks[-1].rows.append((number, words, raw))
        except UserError as error:
            problems.add(error)
            if len(problems.errors) > SHOWN:
                break
    problems.check()
    return blocks


def _begun(meta: Mapping[str, tuple[str, int]], ranges: Mapping[str, RunRange], name: str, number: int) -> Block:
    """Return the block that begins with a row."""
    for key in ("type", "runs", "columns"):
        if key not in meta or not meta[key][0]:
            raise UserError(f"a row before any '{key}=' line", at=Location(name, number))
    if "runs" not in ranges:
        raise UserError("the runs of this row are not known", at=Location(name, number))
    columns = tuple(word.strip() for word in meta["columns"][0].split(","))
    if len(set(columns)) != len(columns):
        raise UserError("a column is given twice", at=Location(name, meta["columns"][1]))
    return Block(meta["type"][0], ranges["runs"], columns, name, max(meta[key][1] for key in ("type", "runs")))


def _runs(text: str) -> RunRange:
    """Return a range of runs.

    Raises
    ------
    ValueError
        If it is none.
    """
    first, dash, last = (word.strip() for word in text.partition("-"))
    if first == OPEN_END:
        msg = f"'{text[:60]}': a range that is open to the left is none"
        raise ValueError(msg)
    if not _RUN.fullmatch(first) or (dash and last != OPEN_END and not _RUN.fullmatch(last)):
        msg = f"'{text[:60]}' is no run or range of runs such as 3855-4207 or 5000-..."
        raise ValueError(msg)
    begin = int(first)
    end = begin if not dash else OPEN if last == OPEN_END else int(last)
    if end < begin or end > OPEN:
        msg = f"the range '{text}' ends before it begins" if end < begin else f"'{text}' is too large"
        raise ValueError(msg)
    return RunRange(begin, end)


def _tables(block: Block, gives: Gives, template: str, names: Mapping[str, str], layer: int) -> Iterator[Table]:
    """Yield the tables of a type that a block gives: one for all rows that have values of the same columns."""
    taken = [one for one in gives.columns if one.theirs in block.columns]
    if not taken:
        return
    made: dict[tuple[str, ...], dict[str, tuple[float, ...]]] = {}
    lines: dict[str, int] = {}
    problems = Problems()
    for number, words, raw in block.rows:
        try:
            row = dict(zip(block.columns, words, strict=False))
            channel = _channel(template, row, names, Location(block.file, number, 1, len(raw), raw))
            if channel in lines:
                said = f"'{channel}' stands at line {lines[channel]} of this block already"
                hint = "if a column more parts them, name it in 'channel' of the map"
                raise UserError(said, at=Location(block.file, number), hint=hint)
            begins = [word.start() + 1 for word in re.finditer(r"\S+", raw)]
            places = {
                column: Location(block.file, number, begin, len(row[column]), raw)
                for column, begin in zip(block.columns, begins, strict=False)
            }
            values = _values(row, taken, gives, channel, places)
        except UserError as error:
            problems.add(error)
            if len(problems.errors) > SHOWN:
                break
            continue
        if values:
            made.setdefault(tuple(values), {})[channel] = tuple(values.values())
            lines[channel] = number
    problems.check()
    for columns, rows in made.items():
        runs = (block.runs,)
        payload = payload_of(gives.type, runs, columns, rows)
        own = {channel: lines[channel] for channel in rows}
        yield Table(gives.type, runs, columns, rows, own, block.file, block.line, payload=payload, layer=layer)


def _channel(template: str, row: Mapping[str, str], names: Mapping[str, str], at: Location) -> str:
    try:
        channel = template.format_map(row)
    except (KeyError, IndexError, ValueError, AttributeError):
        raise UserError(
            f"the block lacks a column of which the map makes the channel, '{template}'",
            at=at,
            hint="columns: " + ", ".join(row),
        ) from None
    part, dot, rest = channel.partition(".")
    return names.get(channel, names.get(part, part) + dot + rest)


def _values(
    row: Mapping[str, str], columns: Sequence[Column], gives: Gives, channel: str, places: Mapping[str, Location]
) -> dict[str, float]:
    """Return the values of a row in base units; those that are ``nan`` are not given."""
    found: dict[str, float] = {}
    for one in columns:
        word = row[one.theirs]
        if word.lower() == "nan":
            continue
        place = places[one.theirs]
        value = number(word)
        if value is None or not math.isfinite(value * one.factor):
            raise UserError(f"'{word[:60]}' is no finite number", at=place)
        ours = one.name.removesuffix(ERROR)
        limits = gives.kind.limits[ours] if ours == one.name else NOT_NEGATIVE
        wrong = limits.refuse(value * one.factor, str(gives.kind.columns[ours]))
        if wrong:
            raise UserError(f"{gives.type} {one.name} of channel '{channel}' {wrong}", at=place)
        found[one.name] = value * one.factor
    for name in list(found):  # no error without its value
        if name.endswith(ERROR) and name.removesuffix(ERROR) not in found:
            del found[name]
    return dict(sorted(found.items(), key=lambda item: item[0].endswith(ERROR)))


_OPERATORS: Mapping[type[ast.AST], Any] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}


def number(text: str) -> float | None:
    """Return the value of a number, or of a sum or product of numbers; None if it is none."""
    if NUMBER.fullmatch(text):
        return float(text)
    if len(text) > _LONGEST or not re.fullmatch(r"[-+*/().\deE]+", text, re.ASCII):
        return None
    try:
        return _evaluated(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, ArithmeticError, RecursionError, MemoryError):
        return None


def _evaluated(node: ast.AST) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return float(_OPERATORS[type(node.op)](_evaluated(node.left), _evaluated(node.right)))
    if isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATORS:
        return float(_OPERATORS[type(node.op)](_evaluated(node.operand)))
    raise ValueError


def _at(file: str, line: int, raw: str, word: str) -> Location:
    place = raw.find(word) if word else -1
    return Location(file, line, place + 1 if place >= 0 else 0, max(len(word), 1), raw)


def _unknown(blocks: Sequence[Block], known: Mapping[str, Sequence[object]], ignored: Sequence[str]) -> Iterator[str]:
    """Yield a remark on each type that the map does not know, with how much of it there is."""
    strange = [block for block in blocks if block.type not in known and block.type not in ignored]
    many = Counter(block.type for block in strange)
    for name, count in many.items():
        first = next(block for block in strange if block.type == name)
        rows = sum(len(block.rows) for block in strange if block.type == name)
        yield (
            f"type '{name}' is not read, as the map does not name it: {count} blocks, {rows} rows "
            f"(first at {first.file}:{first.line})"
        )


def _without(blocks: Sequence[Block], tables: Sequence[Table], known: Mapping[str, Sequence[object]]) -> Iterator[str]:
    """Yield a remark on blocks of which nothing is taken, as they have none of the columns that the map names."""
    used = {(table.file, table.layer) for table in tables}
    for layer, block in enumerate(blocks):
        if block.type in known and (block.file, layer) not in used:
            columns = ", ".join(block.columns)
            yield f"{block.file}:{block.line}: nothing is taken of this block of type '{block.type}' (columns {columns})"


def _disputed(tables: Sequence[Table]) -> Iterator[str]:
    """Yield a remark where it depends on the release of the library which of two files gives a value."""
    for place, later in enumerate(tables):
        for earlier in tables[:place]:
            if (
                earlier.type == later.type
                and earlier.file != later.file
                and later.runs[0].first < earlier.runs[0].first
                and set(earlier.columns) & set(later.columns)
                and overlap(earlier.runs, later.runs) is not None
                and (both := sorted(set(earlier.rows) & set(later.rows)))
            ):
                yield (
                    f"{later.location(both[0])} replaces {earlier.location(both[0])} ({later.type} of '{both[0]}'), as its "
                    "file comes later; some releases of the library order files by first runs and keep the other"
                )
