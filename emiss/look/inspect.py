"""``inspect``: what a foreign ROOT file holds; `first_map` proposes a map for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss.events.files.base import reading
from emiss.events.files.root import TABLES
from emiss.events.location import for_uproot

if TYPE_CHECKING:
    from pathlib import Path

    from emiss.events.columns import Column
    from emiss.reco.formats.foreign_tree import ForeignTree


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
