"""What names mean inside a function that a file declares: its arguments first, then all that they mean everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss.events.language.meaning.objects import Collection, Element

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.events.language.meaning.names import Asking, Names
    from emiss.events.language.meaning.objects import Item
    from emiss.events.language.running.program import Node
    from emiss.events.language.syntax.tree import Call, Span, Syntax


class Arguments:
    """Names inside the body of a function.

    Parameters
    ----------
    outer : Names
        What names mean outside.
    given : mapping of argument to Item
    """

    def __init__(self, outer: Names, given: Mapping[str, Item]) -> None:
        self.outer = outer
        self.program = outer.program
        self.given = given

    def resolve(self, name: str, span: Span, fields: Collection | None) -> Item:
        """Return what a name means; see `Scope.resolve`."""
        first, _, rest = name.partition(".")
        if first not in self.given:
            return self.outer.resolve(name, span, fields)
        item, shown = self.given[first], first
        while rest and isinstance(item, Collection | Element):
            last, _, rest = rest.partition(".")
            item = self.field(item, last, shown, span)
            shown = f"{shown}.{last}"
        if rest:
            return self.outer.resolve(name, span, fields)  # which tells that there is none
        return item

    def field(self, of: Collection | Element, name: str, shown: str, span: Span) -> Node | Element:
        """Return a field; see `Scope.field`."""
        return self.outer.field(of, name, shown, span)

    def called(self, checker: Asking, node: Call) -> Item | None:
        """Return what a call of another declared function means."""
        return self.outer.called(checker, node)

    def parameter_at(self, part: Syntax) -> str | None:
        """Return what a parameter is, and where that is set."""
        return self.outer.parameter_at(part)

    def definition_at(self, part: Syntax) -> str | None:
        """Return what a definition is, and where it stands."""
        return self.outer.definition_at(part)
