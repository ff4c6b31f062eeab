"""`Names`: what a checker has to know of the names in an expression; `scope` has the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from emiss.events.language.meaning.objects import Collection, Item
    from emiss.events.language.running.program import Node, Program
    from emiss.events.language.syntax.tree import Span, Syntax


class Names(Protocol):
    """The meaning of names, and the program that what they mean is a part of."""

    program: Program

    def resolve(self, name: str, span: Span, fields: Collection | None) -> Item:
        """Return what a name means, at a place of the expression; see `Scope.resolve`."""
        ...

    def field(self, collection: Collection, name: str, shown: str, span: Span) -> Node:
        """Return a field of a collection that is written as `shown`."""
        ...

    def parameter_at(self, part: Syntax) -> str | None:
        """Return what a parameter is, and where that is set; None for anything else."""
        ...

    def definition_at(self, part: Syntax) -> str | None:
        """Return what a definition is, and where it stands; None for anything else."""
        ...
