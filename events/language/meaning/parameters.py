"""Parameters: named numbers of an analysis, one or several each, and their values in the place of their names.

`parameter_values` reads them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from emiss.events.language.syntax.tree import Index, Name, Number, Syntax, Unary, walk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.place import Place
    from emiss.configs.units import Dimension


@dataclass(frozen=True)
class Quantity:
    """A number in base units; `text` is how it is shown, in the unit it was given in."""

    value: float
    dimension: Dimension | None
    text: str


@dataclass(frozen=True)
class Parameter:
    """A parameter with its value, or its values where the file gives a list; `uses` are the parameters it comes from."""

    name: str
    values: tuple[Quantity, ...]
    several: bool
    place: Place
    uses: frozenset[str] = frozenset()

    def resolved(self) -> str | list[str]:
        """Return the value or values as text."""
        texts = [value.text for value in self.values]
        return texts if self.several else texts[0]

    def element(self, index: Syntax) -> Quantity | None:
        """Return the value that a literal index picks; None where there is none, or the index is computed."""
        sign = 1
        if isinstance(index, Unary) and index.operator == "-":
            sign, index = -1, index.operand
        if not isinstance(index, Number) or index.unit is not None or index.value != int(index.value):
            return None
        at = sign * int(index.value)
        return self.values[at] if -len(self.values) <= at < len(self.values) else None


def written(text: str, tree: Syntax, parameters: Mapping[str, Parameter]) -> str:
    """Return the text of an expression with the values of parameters in the place of their names.

    The rest of the text is left as it is, but for line breaks. Negative and compound values are put into brackets.
    """
    changes: list[tuple[int, int, str]] = []
    done: set[Syntax] = set()
    for node in walk(tree):
        if isinstance(node, Index) and isinstance(node.of, Name) and node.of.name in parameters:
            parameter = parameters[node.of.name]
            value = parameter.element(node.index)
            if value is not None:
                changes.append((node.span.start, node.span.end, _bracketed(value)))
                done.add(node.of)
        elif isinstance(node, Name) and node not in done and node.name in parameters:
            parameter = parameters[node.name]
            if not parameter.several:
                changes.append((node.span.start, node.span.end, _bracketed(parameter.values[0])))
    for start, end, value_text in sorted(changes, reverse=True):
        text = text[:start] + value_text + text[end:]
    return " ".join(text.split())


def _bracketed(quantity: Quantity) -> str:
    compound = any(sign in quantity.text for sign in "*/^")
    return f"({quantity.text})" if quantity.value < 0 or compound else quantity.text
