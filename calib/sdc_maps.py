"""Maps of tables of other programs: which types, columns and units of theirs (`emiss.calib.sdc`) are which of ours.

A map is YAML::

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

import math
import re
from collections import Counter
from dataclasses import dataclass
from string import Formatter
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from emiss.calib.run_ranges import overlap
from emiss.calib.sdc import Block, number_of, parse
from emiss.calib.table_types import ERROR, NOT_NEGATIVE, TYPES, table_type
from emiss.calib.tables import SHOWN, Table, payload_of, read_content, text_of
from emiss.configs import loader
from emiss.configs.errors import Location, Problems, UserError, did_you_mean
from emiss.configs.schema import Model
from emiss.configs.units import UnitError, parse_unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from emiss.calib.table_types import TableType
    from emiss.configs.loader import Document

MAP = "calib.yaml"
"""The map of a folder whose tables are of this format."""

_NAME = re.compile(r"\w+")


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
        if wrong := _no_template(one.channel):
            problems.add(document.error(f"no template: {wrong}", ("types", name, "channel")))
    problems.check()
    return known


def _no_template(text: str) -> str:
    """Return why a text cannot be the template of channels: names of columns alone may stand between its braces."""
    try:
        for _, name, how, conversion in Formatter().parse(text):
            if name is not None and (how or conversion or not _NAME.fullmatch(name)):
                typed = name + (f"!{conversion}" if conversion else "") + (f":{how}" if how else "")
                return f"between braces stands the name of a column, not '{typed}'"
    except ValueError as error:
        return str(error)
    return ""


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
        value = number_of(word)
        if value is None or not math.isfinite(value * one.factor):
            raise UserError(f"'{word[:60]}' is no finite number", at=place)
        ours = one.name.removesuffix(ERROR)
        limits = gives.kind.limits[ours] if ours == one.name else NOT_NEGATIVE
        wrong = limits.refuse(value * one.factor, gives.kind.columns[ours])
        if wrong:
            raise UserError(f"{gives.type} {one.name} of channel '{channel}' {wrong}", at=place)
        found[one.name] = value * one.factor
    for name in list(found):  # no error without its value
        if name.endswith(ERROR) and name.removesuffix(ERROR) not in found:
            del found[name]
    return dict(sorted(found.items(), key=lambda item: item[0].endswith(ERROR)))


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
