"""Files of field maps: text tables, ROOT trees of nodes, ROOT histograms; each a regular grid.

Text: one node a line, in any order, with ``#`` for comments. Without further words the columns are x y z Bx By Bz in mm and
T; two lines can say otherwise, and leave out components that are zero::

    columns = x, y, z, By
    units = cm, cm, cm, kG
    -20 -10 -150 0.013
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.configs.errors import Location, UserError, did_you_mean
from emiss.configs.files import check_regular
from emiss.configs.units import FIELD, LENGTH, UnitError, parse_unit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.arrays import Floats

    Grid = tuple[tuple[Floats, Floats, Floats], Floats]

NAMES = ("x", "y", "z", "Bx", "By", "Bz")
PLACES, PARTS = NAMES[:3], NAMES[3:]


def read_field_map(path: str | Path) -> Grid:
    """Return the axes (mm) of a map and its values (T), shape (nx, ny, nz, 3).

    Raises
    ------
    UserError
        If the file cannot be read, or its nodes are no complete regular grid.
    """
    path = Path(path)
    check_regular(path)
    if path.suffix == ".root":
        return _root(path)
    return _grid(path, _text(path))


def _text(path: Path) -> dict[str, Floats]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"the field map cannot be read: {error}", at=Location(str(path))) from None
    names: tuple[str, ...] = NAMES
    factors = [1.0] * 6
    rows, numbers = [], []
    for number, raw in enumerate(lines, 1):
        line = raw.partition("#")[0].strip()
        if not line:
            continue
        at = Location(str(path), number, 1, len(raw), raw)
        if "=" in line:
            key, _, value = (part.strip() for part in line.partition("="))
            words = tuple(word.strip() for word in value.split(","))
            if key == "columns":
                names, factors = _columns(words, at), [1.0] * len(words)
            elif key == "units":
                factors = _units(words, names, at)
            else:
                raise UserError(f"unknown key '{key}'", at=at, hint=did_you_mean(key, ("columns", "units")))
            continue
        try:
            row = [float(word) for word in line.replace(",", " ").split()]
        except ValueError:
            raise UserError("no row of numbers", at=at) from None
        if len(row) != len(names) or not np.all(np.isfinite(row)):
            raise UserError(f"{len(names)} finite numbers are needed: {' '.join(names)}", at=at)
        rows.append(row)
        numbers.append(number)
    if not rows:
        raise UserError("the field map holds no node", at=Location(str(path)))
    table = np.array(rows) * factors
    return {**dict(zip(names, table.T, strict=True)), "line": np.array(numbers)}


def _columns(words: tuple[str, ...], at: Location) -> tuple[str, ...]:
    for word in words:
        if word not in NAMES:
            raise UserError(f"unknown column '{word}'", at=at, hint=did_you_mean(word, NAMES))
    for name in PLACES:
        if name not in words:
            raise UserError(f"no column '{name}'", at=at)
    if len(set(words)) != len(words) or not set(words) & set(PARTS):
        raise UserError("each column once, with at least one of Bx, By, Bz", at=at)
    return words


def _units(words: tuple[str, ...], names: tuple[str, ...], at: Location) -> list[float]:
    if len(words) != len(names):
        raise UserError(f"{len(names)} columns but {len(words)} units", at=at)
    factors = []
    for word, name in zip(words, names, strict=True):
        try:
            unit = parse_unit(word)
        except UnitError as error:
            raise UserError(str(error), at=at) from None
        wanted = LENGTH if name in PLACES else FIELD
        if unit.dimension != wanted:
            raise UserError(f"'{name}' is in {wanted}, not in {word}", at=at)
        factors.append(unit.factor)
    return factors


def _grid(path: Path, columns: Mapping[str, Floats]) -> Grid:
    """Sort nodes into their grid; each must be there once."""
    axes, places = [], []
    for name in PLACES:
        axis, place = np.unique(np.round(columns[name], 6), return_inverse=True)  # to a nanometre
        axes.append(axis)
        places.append(place)
    shape = tuple(len(axis) for axis in axes)
    flat = np.ravel_multi_index(places, shape)
    counts = np.bincount(flat, minlength=int(np.prod(shape)))
    if np.any(counts > 1):
        second = np.flatnonzero(flat == np.argmax(counts > 1))[1]
        line = int(columns["line"][second]) if "line" in columns else 0
        node = ", ".join(f"{name} = {columns[name][second]:g}" for name in PLACES)
        raise UserError(f"the node {node} mm is there twice", at=Location(str(path), line))
    if np.any(counts == 0):
        missing = np.unravel_index(int(np.argmin(counts)), shape)
        node = ", ".join(f"{name} = {axis[i]:g}" for name, axis, i in zip(PLACES, axes, missing, strict=True))
        raise UserError(
            f"no regular grid: of {' x '.join(map(str, shape))} nodes {np.sum(counts == 0)} are missing, the first at "
            f"{node} mm",
            at=Location(str(path)),
        )
    values = np.zeros((counts.size, 3))
    for part, name in enumerate(PARTS):
        if name in columns:
            values[flat, part] = columns[name]
    x, y, z = axes
    return (x, y, z), values.reshape(*shape, 3)


def _root(path: Path) -> Grid:
    """Read three histograms Bx, By, Bz whose bins stand around the nodes, or a tree with a node per entry; mm and T."""
    import uproot

    from emiss.events.files.base import reading

    with reading(path), uproot.open(path) as file:
        kinds = {name.partition(";")[0]: kind for name, kind in file.classnames(recursive=False).items()}
        held = {name: file[name].to_numpy() for name in PARTS if kinds.get(name, "").startswith("TH3")}
    return _histograms(path, held) if held else _grid(path, _tree(path))


def _histograms(path: Path, held: Mapping[str, Any]) -> Grid:
    first = next(iter(held.values()))
    for name, (_, *edges) in held.items():
        if any(len(a) != len(b) or not np.allclose(a, b) for a, b in zip(edges, first[1:], strict=True)):
            raise UserError(f"the histogram {name} has other bins than the first", at=Location(str(path)))
    x, y, z = (0.5 * (edges[:-1] + edges[1:]) for edges in first[1:])
    values = np.zeros((len(x), len(y), len(z), 3))
    for part, name in enumerate(PARTS):
        if name in held:
            values[..., part] = held[name][0]
    return (x, y, z), values


def _tree(path: Path) -> dict[str, Floats]:
    from emiss.reco.formats.foreign_tree import ForeignTree

    tree = ForeignTree(path)
    folded = {name.lower(): name for name in tree.columns}
    found = {name: folded[name.lower()] for name in NAMES if name.lower() in folded}
    for name in PLACES:
        if name not in found:
            raise UserError(f"no branch '{name}'", at=Location(str(path)), hint=did_you_mean(name, tree.columns))
    if not set(found) & set(PARTS):
        raise UserError("no branch Bx, By or Bz", at=Location(str(path)), hint=did_you_mean("By", tree.columns))
    flat = tree.read(list(found.values()), 0, tree.entries).flat
    return {name: np.asarray(flat[branch], np.float64) for name, branch in found.items()}
