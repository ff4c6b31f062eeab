"""The syntax tree of an expression: what was written, with the place of every part; names mean nothing yet.

`parser` makes it, `check` gives it meaning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class ExpressionError(Exception):
    """A mistake in an expression, with its place inside the text; whoever knows the file makes a `UserError` of it."""

    def __init__(self, message: str, span: Span, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.span = span
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Span:
    """The characters `start` to `end` of an expression."""

    start: int
    end: int

    def to(self, other: Span) -> Span:
        """Return the span from here to the end of another."""
        return Span(self.start, other.end)


@dataclass(frozen=True, slots=True)
class Syntax:
    """A node of the tree."""

    span: Span

    @property
    def children(self) -> tuple[Syntax, ...]:
        """The nodes directly below this one."""
        return ()


@dataclass(frozen=True, slots=True)
class Number(Syntax):
    """A number with an optional unit: ``20 GeV``."""

    value: float
    unit: str | None


@dataclass(frozen=True, slots=True)
class Text(Syntax):
    """A text in quotes."""

    value: str


@dataclass(frozen=True, slots=True)
class Truth(Syntax):
    """``true`` or ``false``."""

    value: bool


@dataclass(frozen=True, slots=True)
class Name(Syntax):
    """A name, dots included: ``ecal.energy``."""

    name: str


@dataclass(frozen=True, slots=True)
class Field(Syntax):
    """A field of what an expression gives: ``sort(muon, -p).p``."""

    of: Syntax
    name: str

    @property
    def children(self) -> tuple[Syntax, ...]:
        """The object."""
        return (self.of,)


@dataclass(frozen=True, slots=True)
class Index(Syntax):
    """One element: ``hcal.energy[0]``."""

    of: Syntax
    index: Syntax

    @property
    def children(self) -> tuple[Syntax, ...]:
        """The list and the index."""
        return (self.of, self.index)


@dataclass(frozen=True, slots=True)
class Call(Syntax):
    """A function: ``sum(hcal.energy)``."""

    function: str
    arguments: tuple[Syntax, ...]

    @property
    def children(self) -> tuple[Syntax, ...]:
        """The arguments."""
        return self.arguments


@dataclass(frozen=True, slots=True)
class Unary(Syntax):
    """``-x``, ``+x`` or ``not x``."""

    operator: str
    operand: Syntax

    @property
    def children(self) -> tuple[Syntax, ...]:
        """The operand."""
        return (self.operand,)


@dataclass(frozen=True, slots=True)
class Binary(Syntax):
    """Arithmetic: ``+ - * / **``."""

    operator: str
    left: Syntax
    right: Syntax

    @property
    def children(self) -> tuple[Syntax, ...]:
        """Both operands."""
        return (self.left, self.right)


@dataclass(frozen=True, slots=True)
class Compare(Syntax):
    """A comparison or a chain of them: ``0 < x < 1`` has three operands and two operators."""

    operators: tuple[str, ...]
    operands: tuple[Syntax, ...]

    @property
    def children(self) -> tuple[Syntax, ...]:
        """The operands."""
        return self.operands


@dataclass(frozen=True, slots=True)
class Logic(Syntax):
    """``and`` or ``or`` of two or more."""

    operator: str
    operands: tuple[Syntax, ...]

    @property
    def children(self) -> tuple[Syntax, ...]:
        """The operands."""
        return self.operands


def walk(tree: Syntax) -> Iterator[Syntax]:
    """Yield a node and all below it, parents first, in the order of the text."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(node.children))


def names(tree: Syntax) -> set[str]:
    """Return all names in a tree, without those of functions and units."""
    return {node.name for node in walk(tree) if isinstance(node, Name)}
