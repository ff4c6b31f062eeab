"""``inspect``: what a foreign ROOT file holds, and a first map for it, with guesses that its user looks over."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from emiss.events.files.base import reading
from emiss.events.files.root import TABLES
from emiss.events.location import for_uproot

if TYPE_CHECKING:
    from pathlib import Path

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


def trees(path: Path) -> dict[str, tuple[str, int]]:
    """Return the TTrees and RNTuples of a file with their kind and number of entries."""
    import uproot

    with reading(path), uproot.open(for_uproot(path)) as file:
        kinds = {name: kind for name, kind in file.classnames(cycle=False).items() if kind in TABLES}
        return {name: (kind.rpartition(":")[2], int(file[name].num_entries)) for name, kind in kinds.items()}


def described(column: Column, tree: ForeignTree) -> str:
    """Return the type of a column in words: ``f4``, ``f4[5][6]``, ``list of f4``."""
    if column.shape == "list":
        return f"list of {column.type}"
    shape = tree.shapes.get(column.name, (column.size,)) if column.shape == "fixed" else ()
    return column.type + "".join(f"[{n}]" for n in shape)


def names_of(tree: ForeignTree) -> list[str]:
    """Return one name per branch, the full one."""
    seen: dict[str, str] = {}
    for name in tree.columns:
        seen.setdefault(tree.branch(name), name)
    return list(seen.values())


def first_map(tree: ForeignTree, name: str) -> str:
    """Return the text of a map for a tree: every column as it is, with guessed units and event numbers."""
    columns = [(column, tree.columns[column]) for column in names_of(tree)]
    usable = [(column, declared) for column, declared in columns if _NAME.fullmatch(column)]
    units = {column: unit for column, _ in usable for unit, pattern in reversed(_UNITS) if pattern.search(column)}
    found: dict[str, str] = {}
    for target, pattern in _IDENTITY:
        match = next((c for c, declared in usable if declared.shape == "flat" and pattern.search(c)), None)
        if match is not None:
            found[target] = match
    lines = [
        f"# A first map of {tree.path.name}, written by 'emiss inspect'. Units and event numbers are guesses from the names:",
        "# look them over, take out what is not needed, give the columns names of your own (docs/foreign-files.md).",
        f"reader: {name}",
        f"tree: {tree.tree}",
        *([f"group_by: {tree.group_by}"] if tree.group_by else []),
        "",
    ]
    if units:
        lines += ["units:", *(f"  '{column}': {unit}" for column, unit in units.items()), ""]
    arrays = [(c, tree.shapes.get(c, (d.size,))) for c, d in usable if d.shape == "fixed"]
    if arrays:
        lines.append("cells:")
        for column, shape in arrays:
            axes = ", ".join("ijklmn"[: len(shape)])
            sizes = ", ".join(map(str, shape))
            lines.append(
                f"  {_word(column)}_cells: {{branch: {column}, shape: [{sizes}], axes: [{axes}], value: value, unit: '1'}}"
            )
        lines.append("")
    lines.append("columns:")
    lines += [f"  {target}: {column}" for target, column in found.items()]
    taken = set(found.values())
    lines += [f"  {_target(c)}: {c}" for c, d in usable if d.shape != "fixed" and c not in taken]
    for column, shape in arrays:
        fields = [*"ijklmn"[: len(shape)], "value"]
        lines += [f"  {_word(column)}_found.{field}: {_word(column)}_cells.{field}" for field in fields]
    left = [column for column, _ in columns if not _NAME.fullmatch(column)]
    lines += [f"  # left out, no name for an expression: {column}" for column in left]
    return "\n".join(lines) + "\n"


def _word(column: str) -> str:
    return column.replace(".", "_")


def _target(column: str) -> str:
    """Return the name of a column in the event table: as it is, but not one that the event table uses for itself."""
    return f"foreign.{_word(column)}" if "." not in column else column
