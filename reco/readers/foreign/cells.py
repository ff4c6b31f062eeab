"""Detector cells of foreign files: of a fixed array (``energy[5][6]``), or of one branch for each cell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.errors import UserError, did_you_mean
from emiss.configs.units import UnitError, parse_quantity, parse_unit
from emiss.events.columns import Column
from emiss.events.ledger import Damage
from emiss.events.lists import Lists

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.arrays import Array
    from emiss.configs.errors import Problems
    from emiss.configs.place import Place
    from emiss.reco.readers.foreign.base import Tree
    from emiss.reco.readers.foreign.schema import CellsEntry


@dataclass(frozen=True)
class Cells:
    """Cells above a threshold, as rows.

    Attributes
    ----------
    name : str
        Of the collection.
    uses : tuple of str
        The branch, or one branch per cell.
    numbers : mapping of axis to int array of shape (cells,)
        Where each cell is.
    value : str
    factor, above : float
        To base units, and the threshold in base units.
    constants : mapping of field to number
    columns : mapping of full name to Column
    """

    name: str
    uses: tuple[str, ...]
    numbers: Mapping[str, Array]
    value: str
    factor: float
    above: float
    constants: Mapping[str, float]
    columns: Mapping[str, Column]

    def make(self, flat: Mapping[str, Array], events: int) -> Lists:
        """Return the cells above the threshold, event by event; undefined ones, of which nobody knows, too."""
        if len(self.uses) == 1 and flat[self.uses[0]].ndim == 2:
            values = flat[self.uses[0]] * self.factor
        else:
            values = np.stack([flat[name].reshape(events) for name in self.uses], axis=1) * self.factor
        values = np.where(np.isfinite(values), values, np.nan)
        event, cell = np.nonzero(~(values <= self.above))
        offsets = np.concatenate(([0], np.cumsum(np.bincount(event, minlength=events)))).astype(np.int64)
        columns = {axis: numbers[cell].astype(np.float64) for axis, numbers in self.numbers.items()}
        columns[self.value] = values[event, cell]
        columns |= {name: np.full(len(cell), constant) for name, constant in self.constants.items()}
        return Lists(offsets, columns)

    def undefined(self, rows: Lists) -> Damage | None:
        """Return in how many events how many cells are undefined; None where none is."""
        wrong = np.flatnonzero(np.isnan(rows[self.value]))
        return Damage(len(wrong), len(np.unique(rows.parents[wrong]))) if len(wrong) else None


def bind_cells(cells: Mapping[str, CellsEntry], tree: Tree, problems: Problems) -> tuple[Cells, ...]:
    """Return the cells that a map asks for.

    What is wrong is noted in `problems`: a branch that is not there or has other dimensions, a pattern that matches none, a
    cell that is missing.
    """
    made = []
    for name, entry in cells.items():
        try:
            made.append(_bind(name, entry, tree))
        except UserError as error:
            problems.add(error)
    return tuple(made)


def _bind(name: str, entry: CellsEntry, tree: Tree) -> Cells:
    try:
        unit = parse_unit(entry.unit)
        above = parse_quantity(entry.above, unit.dimension) if entry.above.strip() != "0" else 0.0
    except UnitError as error:
        raise entry.place.error(str(error)) from None
    if (entry.branch is None) == (entry.pattern is None):
        raise entry.place.error("cells are of one 'branch' with its 'shape' and 'axes', or of a 'pattern' of branches")
    uses, numbers = _array(entry, tree) if entry.branch is not None else _branches(entry, tree)
    fields = [*numbers, entry.value, *entry.constants]
    if len(set(fields)) < len(fields):
        raise entry.place.error("two fields of a cell have one name")
    columns = {
        f"{name}.{field}": Column(
            f"{name}.{field}", "f8", str(unit.dimension) if field == entry.value else "1", shape="list"
        )
        for field in fields
    }
    return Cells(name, uses, numbers, entry.value, unit.factor, above, entry.constants, columns)


def _array(entry: CellsEntry, tree: Tree) -> tuple[tuple[str, ...], dict[str, Array]]:
    """Return the branch of an array with the place of each of its cells."""
    assert entry.branch is not None  # noqa: S101 - the caller has looked
    column = tree.columns.get(entry.branch)
    if column is None:
        hint = did_you_mean(entry.branch, tree.columns)
        raise entry.at("branch").error(f"there is no branch '{entry.branch}'", hint=hint)
    if column.shape != "fixed":
        raise entry.at("branch").error(f"'{entry.branch}' is no fixed array")
    there = tree.shapes.get(entry.branch, (column.size,))
    shape = tuple(entry.shape or there)
    if shape != there:
        place = entry.at("shape")
        raise place.error(f"'{entry.branch}' is {_times(there)}, the map says {_times(shape)}")
    if not entry.axes or len(entry.axes) != len(shape):
        raise entry.place.error(f"'{entry.branch}' is {_times(there)}: name its {len(there)} axes, e.g. axes: [ix, iy]")
    places = np.indices(shape).reshape(len(shape), -1)
    return (entry.branch,), dict(zip(entry.axes, places, strict=True))


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _branches(entry: CellsEntry, tree: Tree) -> tuple[tuple[str, ...], dict[str, Array]]:
    """Return the branches that match a pattern such as ``E_{layer}_{ix}_{iy}``, with the place of each."""
    assert entry.pattern is not None  # noqa: S101 - the caller has looked
    place = entry.at("pattern")
    axes = re.findall(r"\{(\w+)\}", entry.pattern)
    if not axes or len(set(axes)) < len(axes):
        raise place.error("a pattern holds each axis once, in braces", hint="e.g. E_{layer}_{ix}_{iy}")
    expression = re.escape(entry.pattern)
    for axis in axes:
        expression = expression.replace(re.escape(f"{{{axis}}}"), rf"(?P<{axis}>\d+)")
    found = {
        tuple(int(match[axis]) for axis in axes): name
        for name in tree.columns
        if (match := re.fullmatch(expression, name))
    }
    if not found:
        raise place.error(f"no branch is called like '{entry.pattern}'", hint=f"the tree has {_some(tree)}")
    for name in found.values():
        column = tree.columns[name]
        if column.shape != "flat" and not (column.shape == "fixed" and column.size == 1):
            raise place.error(f"'{name}' is no single number")
    _complete(found, axes, place)
    ordered = sorted(found)
    numbers = {axis: np.array([where[i] for where in ordered]) for i, axis in enumerate(axes)}
    return tuple(found[where] for where in ordered), numbers


def _complete(found: Mapping[tuple[int, ...], str], axes: list[str], place: Place) -> None:
    """Refuse a grid with holes: a branch that is misspelt would be a cell without energy."""
    ranges = [sorted({where[i] for where in found}) for i in range(len(axes))]
    size = int(np.prod([len(values) for values in ranges]))
    if len(found) == size:
        return
    missing = next(
        where
        for where in (
            tuple(values[i] for values, i in zip(ranges, at, strict=True)) for at in np.ndindex(*map(len, ranges))
        )
        if where not in found
    )
    said = ", ".join(f"{axis} {number}" for axis, number in zip(axes, missing, strict=True))
    message = (
        f"{len(found)} branches match, but not all of {_times(tuple(map(len, ranges)))}: the cell {said} is missing"
    )
    raise place.error(message)


def _some(tree: Tree) -> str:
    names = list(tree.columns)
    return ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
