"""`Names`: what a checker has to know of the names in an expression; `scope` has the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from emiss.events.language.meaning.objects import Collection, Element, Item
    from emiss.events.language.running.program import Node, Program
    from emiss.events.language.syntax.tree import Call, ExpressionError, Span, Syntax


class Asking(Protocol):
    """Whoever checks the expression that a function is called in."""

    def item(self, node: Syntax) -> Item:
        """Return what a part of the expression means."""
        ...

    def error(self, message: str, node: Syntax, hint: str | None = None) -> ExpressionError:
        """Return the error `message` at a part of the expression."""
        ...


class Names(Protocol):
    """The meaning of names, and the program that what they mean is a part of."""

    program: Program

    def resolve(self, name: str, span: Span, fields: Collection | None) -> Item:
        """Return what a name means, at a place of the expression; see `Scope.resolve`."""
        ...

    def field(self, of: Collection | Element, name: str, shown: str, span: Span) -> Node | Element:
        """Return a field of a collection or an element that is written as `shown`, or one element of pairs."""
        ...

    def called(self, checker: Asking, node: Call) -> Item | None:
        """Return what a call of a function means that the file declares; None for another function."""
        ...

    def parameter_at(self, part: Syntax) -> str | None:
        """Return what a parameter is, and where that is set; None for anything else."""
        ...

    def definition_at(self, part: Syntax) -> str | None:
        """Return what a definition is, and where it stands; None for anything else."""
        ...
