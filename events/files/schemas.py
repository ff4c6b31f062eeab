"""Schemas of files that are well known, such as NanoAOD: which trees are of one, and what their columns are in.

They stand in ``configs/schemas``, one file each.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING

from pydantic import Field

from emiss.configs import loader
from emiss.configs.place import Placed
from emiss.events.columns import split

if TYPE_CHECKING:
    from collections.abc import Collection

    from emiss.events.columns import Column


class Schema(Placed):
    """A schema of files.

    Attributes
    ----------
    tree : str
        Name of the tree.
    branches : list of str
        That such a tree has.
    identity : mapping of a column of every event table to a branch
    units : mapping of unit to patterns of fields
    """

    schema_: str = Field(alias="schema")
    description: str = ""
    tree: str
    branches: list[str] = Field(min_length=1)
    identity: dict[str, str] = Field(default_factory=dict)
    units: dict[str, list[str]] = Field(default_factory=dict)

    def unit(self, column: Column) -> str:
        """Return what a column is in; "1" for a pure number."""
        prefix, field = split(column.name)
        if not field:
            field = prefix.partition("_")[2] or prefix
        if column.type[0] != "f":
            return "1"
        return next(
            (unit for unit, patterns in self.units.items() if any(fnmatchcase(field, pattern) for pattern in patterns)),
            "1",
        )


@cache
def _shipped() -> tuple[Schema, ...]:
    names = loader.shipped("schemas")
    return tuple(loader.validate(loader.load(loader.find("schemas", name)), Schema) for name in names)


def schema_of(tree: str, branches: Collection[str]) -> Schema | None:
    """Return the schema that a tree with some branches is of; None where none is known."""
    return next((one for one in _shipped() if one.tree == tree and set(one.branches) <= set(branches)), None)


def schema_trees() -> frozenset[str]:
    """Return the names of the trees that schemas know."""
    return frozenset(one.tree for one in _shipped())
