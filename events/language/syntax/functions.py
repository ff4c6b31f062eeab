"""The functions of the language: name, arguments, one line of meaning. What they do to units stands in `calls`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Function:
    """A function as a user sees it."""

    arguments: tuple[str, ...]
    meaning: str

    def usage(self, name: str) -> str:
        """Return how it is written, e.g. ``clip(x, low, high)``."""
        return f"{name}({', '.join(self.arguments)})"


_LIST = ("list",)
_X = ("x",)

FUNCTIONS: Mapping[str, Function] = {
    "any": Function(_LIST, "whether at least one element is true; false for an empty list"),
    "all": Function(_LIST, "whether every element is true; true for an empty list"),
    "count": Function(_LIST, "the number of elements"),
    "sum": Function(_LIST, "the sum, or how many are true; 0 for an empty list"),
    "min": Function(_LIST, "the smallest element; undefined for an empty list"),
    "max": Function(_LIST, "the largest element; undefined for an empty list"),
    "mean": Function(_LIST, "the mean; undefined for an empty list"),
    "first": Function(_LIST, "the first element; undefined for an empty list"),
    "last": Function(_LIST, "the last element; undefined for an empty list"),
    "sort": Function(("list", "by"), "the list in ascending order of `by` (-by: descending); ties keep their order"),
    "abs": Function(_X, "absolute value"),
    "sqrt": Function(_X, "square root; undefined below 0"),
    "exp": Function(_X, "exponential of a pure number"),
    "log": Function(_X, "natural logarithm of a pure number; undefined at and below 0"),
    "log10": Function(_X, "decimal logarithm of a pure number; undefined at and below 0"),
    "sin": Function(_X, "sine of an angle in rad"),
    "cos": Function(_X, "cosine of an angle in rad"),
    "tan": Function(_X, "tangent of an angle in rad"),
    "atan2": Function(("y", "x"), "angle of the point (x, y), -pi to pi"),
    "hypot": Function(("x", "y"), "sqrt(x**2 + y**2)"),
    "clip": Function(("x", "low", "high"), "x, or the nearer of low and high outside of them"),
    "where": Function(("condition", "a", "b"), "a where the condition is true, b where it is false"),
    "isfinite": Function(_X, "whether x is known (never undefined itself)"),
    "matches": Function(("column", "'bit'"), "whether a named bit of a column is set"),
}
"""All of them, by name."""
