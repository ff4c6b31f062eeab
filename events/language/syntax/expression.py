"""`Expression`: the text of an expression with its tree and its place in a file; objects and functions, which hold one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from emiss.events.language.syntax.parser import parse
from emiss.events.language.syntax.tree import ExpressionError

if TYPE_CHECKING:
    from emiss.configs.errors import UserError
    from emiss.configs.place import Place, Text
    from emiss.events.language.syntax.tree import Syntax


@dataclass(frozen=True)
class Expression:
    """An expression as written, its tree and its place."""

    text: str
    tree: Syntax
    place: Place

    def error(self, error: ExpressionError) -> UserError:
        """Return a mistake inside the expression as one in its file."""
        return placed(error, self.place)


@dataclass(frozen=True)
class ObjectDeclaration:
    """An object: the names it is made from and the condition on its elements."""

    sources: tuple[Text, ...]
    where: Expression | None
    place: Place


@dataclass(frozen=True)
class FunctionDeclaration:
    """A function of a file: ``mt(pt, phi): sqrt(2 * pt * ...)``.

    Attributes
    ----------
    name : str
    arguments : tuple of str
    body : Expression
    """

    name: str
    arguments: tuple[str, ...]
    body: Expression

    def usage(self) -> str:
        """Return how it is written, e.g. ``mt(pt, phi)``."""
        return f"{self.name}({', '.join(self.arguments)})"


def read_expression(text: Text) -> Expression:
    """Parse a scalar of a file.

    Raises
    ------
    UserError
        If it is no expression.
    """
    try:
        return Expression(text.value, parse(text.value), text.place)
    except ExpressionError as error:
        raise placed(error, text.place) from None


def placed(error: ExpressionError, place: Place) -> UserError:
    """Return a mistake inside an expression as one in the file that it stands in."""
    start, end = error.span.start, error.span.end
    return place.error(error.message, offset=start, length=max(1, end - start), hint=error.hint)
