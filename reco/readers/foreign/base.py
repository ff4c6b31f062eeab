"""What a reader map has to know of a tree before a row of it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from emiss.events.columns import Column


class Tree(Protocol):
    """The branches of a tree; see `emiss.reco.formats.foreign_tree.ForeignTree`."""

    columns: dict[str, Column]
    shapes: dict[str, tuple[int, ...]]
    found: dict[str, Column]
