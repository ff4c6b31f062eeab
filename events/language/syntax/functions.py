"""The functions of the language: name, arguments, one line of meaning. What they do to units stands in `calls`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Function:
    """A function as a user sees it.

    Attributes
    ----------
    arguments : tuple of str
    meaning : str
    least : int or None
        How many arguments it takes at least; None for all of them.
    reserved : bool
        Whether nothing that an analysis declares may have its name.
    """

    arguments: tuple[str, ...]
    meaning: str
    least: int | None = None
    reserved: bool = True

    def takes(self, count: int) -> bool:
        """Return whether it takes so many arguments."""
        return (len(self.arguments) if self.least is None else self.least) <= count <= len(self.arguments)

    def usage(self, name: str) -> str:
        """Return how it is written, e.g. ``clip(x, low, high)`` or ``pairs(a[, b])``."""
        least = len(self.arguments) if self.least is None else self.least
        needed, more = self.arguments[:least], self.arguments[least:]
        return f"{name}({', '.join(needed)}{''.join(f'[, {one}' for one in more)}{']' * len(more)})"


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
    "exp10": Function(_X, "10 to the power of a pure number", reserved=False),
    "sin": Function(_X, "sine of an angle in rad"),
    "cos": Function(_X, "cosine of an angle in rad"),
    "tan": Function(_X, "tangent of an angle in rad"),
    "sinh": Function(_X, "hyperbolic sine of a pure number", reserved=False),
    "cosh": Function(_X, "hyperbolic cosine of a pure number", reserved=False),
    "tanh": Function(_X, "hyperbolic tangent of a pure number", reserved=False),
    "atan2": Function(("y", "x"), "angle of the point (x, y), -pi to pi"),
    "hypot": Function(("x", "y"), "sqrt(x**2 + y**2)"),
    "clip": Function(("x", "low", "high"), "x, or the nearer of low and high outside of them"),
    "where": Function(("condition", "a", "b"), "a where the condition is true, b where it is false"),
    "isfinite": Function(_X, "whether x is known (never undefined itself)"),
    "matches": Function(("column", "'bit'"), "whether a named bit of a column is set"),
    "pairs": Function(
        ("a", "b"),
        "all pairs of two elements of a list, or of an element of a and one of b; fields `first` and `second`",
        least=1,
        reserved=False,
    ),
    "mass": Function(
        ("a", "b", "c", "d"),
        "invariant mass of a pair, of each element, or of the sum of several; below 0 where E < p",
        least=1,
        reserved=False,
    ),
    "delta_r": Function(("a", "b"), "hypot(difference in eta, delta_phi(a, b)) of two momenta", reserved=False),
    "delta_phi": Function(
        ("a", "b"), "azimuth of a less that of b, -pi to pi; of two momenta or two angles", reserved=False
    ),
}
"""All of them, by name."""

RESERVED_FUNCTIONS = frozenset(name for name, function in FUNCTIONS.items() if function.reserved)
"""Those whose names nothing else may have; the others came later, and what files call by their names stays right."""
