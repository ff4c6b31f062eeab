"""The first map that ``inspect`` proposes for a tree: every column as it is, units and event numbers by schema or name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from emiss.configs.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from emiss.events.columns import Column
    from emiss.reco.formats.foreign_tree import ForeignTree

_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
"""Names that expressions can hold."""

_UNITS = (
    ("GeV", re.compile(r"(^|[._])(e|en|energy|edep|p|px|py|pz|pt|mass)_?$|energy", re.IGNORECASE)),
    ("ns", re.compile(r"(^|[._])(t|time)_?$|time", re.IGNORECASE)),
    ("mm", re.compile(r"(^|[._])[xyz](pos)?_?$", re.IGNORECASE)),
)
_IDENTITY = (
    ("event.run", re.compile(r"(^|[._])run(_?number|_?id)?_?$", re.IGNORECASE)),
    ("event.spill", re.compile(r"(^|[._])spill(_?number|_?id)?_?$", re.IGNORECASE)),
    ("event.in_run", re.compile(r"(^|[._])(event|evt)(_?number|_?num|_?id|_?no)?_?$", re.IGNORECASE)),
    ("weight", re.compile(r"(^|[._])weight_?$", re.IGNORECASE)),
)
_AXES = "ijklmn"
_LEAST_CELLS = 4
"""So many branches whose names differ in numbers alone are a grid of cells."""
_HINTS = (
    "# role: background              # signal, background or data, of files that are given without a run list",
    "# history:                      # what was cut before the files were written, for all of them together",
    "#   - {cut: generated, events: 1000000}",
    "#   - {cut: skim, events: 30000, require: what it was}",
    "# history_from: NAME            # or a histogram in each file with a labelled bin for each cut",
)
_TRIED = 100
"""Events that are read of each branch before it is proposed."""


def first_map(tree: ForeignTree, name: str, branches: Iterable[str]) -> str:
    """Return the text of a map for a tree with the given columns."""
    return "\n".join(_Proposal(tree, list(branches)).lines(name)) + "\n"


@dataclass(frozen=True)
class _Grid:
    """Branches of one cell each: ``ecal_{i}_{j}``."""

    pattern: str
    branches: tuple[str, ...]
    axes: tuple[str, ...]

    @property
    def word(self) -> str:
        """Return what the cells are called."""
        return re.sub(r"\W+", "_", re.sub(r"_?\{\w\}", "", self.pattern)).strip("_") or "cells"


class _Proposal:
    """What a map may say of a tree."""

    def __init__(self, tree: ForeignTree, names: list[str]) -> None:
        self.tree = tree
        self.broken = _unreadable(tree, names)
        self.names = [name for name in names if name not in self.broken]
        self.usable = [(name, tree.columns[name]) for name in self.names if _NAME.fullmatch(name)]
        self.grids = _grids(self.usable)
        inside = {branch for grid in self.grids for branch in grid.branches}
        self.single = [(name, column) for name, column in self.usable if name not in inside]
        self.arrays = [
            (name, tree.shapes.get(name, (column.size,)))
            for name, column in self.single
            if column.shape == "fixed" and column.size > 1
        ]
        self.zipped = _prefixes(tree, self.single)

    def lines(self, name: str) -> list[str]:
        """Return the lines of the map."""
        schema = self.tree.schema
        guesses = (
            "Units and event numbers are guesses from the names:"
            if schema is None
            else f"Units are those of {schema.schema_}:"
        )
        return [
            f"# A first map of {self.tree.path.name}, written by 'emiss inspect'. {guesses}",
            "# look them over, take out what is not needed, give the columns names of your own (docs/foreign-files.md).",
            f"reader: {name}",
            f"tree: {self.tree.tree}",
            *([f"group_by: {self.tree.group_by}"] if self.tree.group_by else []),
            *_HINTS,
            "",
            *self._units(),
            *self._objects(),
            *self._cells(),
            *self._columns(),
        ]

    def _unit(self, name: str, column: Column) -> str | None:
        if self.tree.schema is not None:
            return None  # a reader knows them
        return next((unit for unit, pattern in _UNITS if pattern.search(name)), None) if column.type else None

    def _units(self) -> list[str]:
        units = [(name, unit) for name, column in self.single if (unit := self._unit(name, column)) is not None]
        return ["units:", *(f"  '{name}': {unit}" for name, unit in units), ""] if units else []

    def _objects(self) -> list[str]:
        if not self.zipped:
            return []
        made = [f"  {_lists(prefix)}: {{from: [{', '.join(names)}]}}" for prefix, names in self.zipped.items()]
        return ["objects:                        # lists of one length under one prefix", *made, ""]

    def _cells(self) -> list[str]:
        made = []
        for name, shape in self.arrays:
            axes, sizes = ", ".join(_AXES[: len(shape)]), ", ".join(map(str, shape))
            cells = f"branch: {name}, shape: [{sizes}], axes: [{axes}], value: value, unit: '1'"
            made.append(f"  {_word(name)}_cells: {{{cells}}}")
        made += [f"  {grid.word}_cells: {{pattern: '{grid.pattern}', value: value, unit: '1'}}" for grid in self.grids]
        return ["cells:", *made, ""] if made else []

    def _columns(self) -> list[str]:
        identity = self._identity()
        taken = {*identity.values(), *(name for names in self.zipped.values() for name in names)}
        lines = ["columns:", *(f"  {target}: {name}" for target, name in identity.items())]
        for name, column in self.single:
            if name in taken or (column.shape == "fixed" and column.size > 1):
                continue
            lines.append(f"  {_target(name)}: {name}" + ("[0]" if column.shape == "fixed" else ""))
        for prefix, names in self.zipped.items():
            lines += [f"  {prefix}.{name.removeprefix(f'{prefix}_')}: {_lists(prefix)}.{name}" for name in names]
        for word, axes in (
            *((_word(name), _AXES[: len(shape)]) for name, shape in self.arrays),
            *((grid.word, grid.axes) for grid in self.grids),
        ):
            lines += [f"  {word}_found.{field}: {word}_cells.{field}" for field in [*axes, "value"]]
        lines += [
            f"  # left out, no name for an expression: {name}" for name in self.names if not _NAME.fullmatch(name)
        ]
        lines += [f"  # left out, cannot be read: {name} ({why})" for name, why in self.broken.items()]
        return lines

    def _identity(self) -> dict[str, str]:
        flat = {name for name, column in self.single if column.shape == "flat"}
        if self.tree.schema is not None:
            return {target: name for target, name in self.tree.schema.identity.items() if name in flat}
        found = {}
        for target, pattern in _IDENTITY:
            match = next((name for name, _ in self.single if name in flat and pattern.search(name)), None)
            if match is not None:
                found[target] = match
        return found


def _unreadable(tree: ForeignTree, names: list[str]) -> dict[str, str]:
    """Return the columns whose first events cannot be read, with the reason."""
    wrong = {}
    for name in names:
        try:
            tree.read([name], 0, min(_TRIED, tree.entries))
        except UserError as error:
            wrong[name] = " ".join(error.message.split())[:100]
    return wrong


def _grids(usable: list[tuple[str, Column]]) -> list[_Grid]:
    """Return the branches of single numbers whose names differ in numbers alone, and that are a whole grid."""
    groups: dict[str, dict[tuple[str, ...], str]] = {}
    for name, column in usable:
        if column.shape == "list" or column.size > 1 or column.type[0] not in "iuf":
            continue
        numbers = tuple(re.findall(r"\d+", name))
        if 1 <= len(numbers) <= len(_AXES):
            groups.setdefault(re.sub(r"\d+", "#", name), {})[numbers] = name
    grids = []
    for form, members in groups.items():
        varying = [i for i, values in enumerate(zip(*members, strict=True)) if len(set(values)) > 1]
        sizes = [len({numbers[i] for numbers in members}) for i in varying]
        if len(members) < _LEAST_CELLS or prod(sizes) != len(members):
            continue
        first = next(iter(members))
        axes = iter(_AXES)
        parts = [f"{{{next(axes)}}}" if i in varying else number for i, number in enumerate(first)]
        pattern = "".join(text for pair in zip(form.split("#"), [*parts, ""], strict=True) for text in pair)
        grids.append(_Grid(pattern, tuple(members.values()), tuple(_AXES[: len(varying)])))
    return grids


def _prefixes(tree: ForeignTree, single: list[tuple[str, Column]]) -> Mapping[str, list[str]]:
    """Return the lists without a counter that have one prefix and, in the events that are tried, one length."""
    groups: dict[str, list[str]] = {}
    for name, column in single:
        if column.shape == "list" and "." not in name and "_" in name.strip("_"):
            groups.setdefault(name.partition("_")[0], []).append(name)
    taken = {name for name, _ in single}
    return {
        prefix: names
        for prefix, names in groups.items()
        if prefix and len(names) > 1 and prefix not in taken and _of_one_length(tree, names)
    }


def _of_one_length(tree: ForeignTree, names: list[str]) -> bool:
    table = tree.read(names, 0, min(_TRIED, tree.entries))
    lengths = [table.lists[name].offsets.tolist() for name in names]
    return all(one == lengths[0] for one in lengths[1:])


def _lists(prefix: str) -> str:
    return f"{prefix}_lists"


def _word(column: str) -> str:
    return column.replace(".", "_")


def _target(column: str) -> str:
    """Return the name of a column in the event table: as it is, but not one that the event table uses for itself."""
    return f"foreign.{_word(column)}" if "." not in column else column
