"""Functions of the language that other packages give: what they declare, and what is done to make sure of it.

A package names a `PlugInFunction` in its entry points, group ``emiss.functions``; the name there is that of the function.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from emiss.configs.errors import UserError
from emiss.configs.units import UnitError, parse_unit
from emiss.events.plug_ins import FUNCTIONS, PlugIn, installed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from emiss.configs.arrays import Array

Kind = Literal["number", "truth"]

_CALL = re.compile(r"([A-Za-z_]\w*)\s*\(")


@dataclass(frozen=True)
class Argument:
    """An argument of a function: its name, the unit that its numbers are given in, or ``kind="truth"``."""

    name: str
    unit: str = "1"
    kind: Kind = "number"


@dataclass(frozen=True)
class PlugInFunction:
    """A vectorised function of NumPy arrays.

    Attributes
    ----------
    compute : callable
        Takes one array per argument, all of the same shape (n,): float64 in the argument's unit with NaN for undefined,
        or bool. Returns an array of that shape: numbers in `unit`, NaN where they are undefined, or bools. The result for an
        element depends on nothing but the arguments for this element: blocks of any size are given, and lists as all their
        elements.
    arguments : sequence of Argument
    unit : str
        Of the result.
    kind : "number" or "truth"
        Of the result.
    meaning : str
        One line.
    """

    compute: Callable[..., Any]
    arguments: Sequence[Argument]
    unit: str = "1"
    kind: Kind = "number"
    meaning: str = ""

    def usage(self, name: str) -> str:
        """Return how it is written, e.g. ``transverse(x, y)``."""
        return f"{name}({', '.join(argument.name for argument in self.arguments)})"


def find(name: str) -> PlugIn | None:
    """Return the plug-in that gives a function, if there is one."""
    return installed(FUNCTIONS).get(name)


def used_in(text: str) -> list[PlugIn]:
    """Return the plug-ins whose functions are called somewhere in a text."""
    known = installed(FUNCTIONS)
    return [known[name] for name in sorted(set(_CALL.findall(text))) if name in known]


def load(plug_in: PlugIn) -> PlugInFunction:
    """Return the function of a plug-in.

    Raises
    ------
    UserError
        If it is none, or what it declares is no kind or unit.
    """
    return _load(plug_in)


@cache
def _load(plug_in: PlugIn) -> PlugInFunction:
    found = plug_in.load()
    wrong = _wrong(found)
    if wrong:
        raise UserError(f"the {plug_in} {wrong}", hint=f"it is {plug_in.value}")
    function: PlugInFunction = found
    return function


def _wrong(found: object) -> str:
    """Return what is wrong with the object that a plug-in names; "" if nothing is."""
    if not isinstance(found, PlugInFunction):
        return f"is no PlugInFunction, but {type(found).__name__}"
    if not callable(found.compute):
        return "has nothing to call: 'compute' is no function"
    if not found.arguments or not all(isinstance(argument, Argument) for argument in found.arguments):
        return "declares no arguments, or other things than Argument"
    for what, kind, unit in [("result", found.kind, found.unit), *((a.name, a.kind, a.unit) for a in found.arguments)]:
        if kind not in ("number", "truth"):
            return f"declares the kind '{kind}' for '{what}', where 'number' or 'truth' is needed"
        try:
            parse_unit(unit)
        except UnitError as error:
            return f"declares an {error} for '{what}'"
    return ""


def call(plug_in: PlugIn, arguments: Sequence[Array]) -> Array:
    """Return what the function gives for arrays or single values in its units: one array of their common shape.

    Raises
    ------
    UserError
        If it fails, or gives something of another shape or kind than it declares.
    """
    function = load(plug_in)
    shape = np.broadcast_shapes(*(array.shape for array in arguments))
    given = [np.array(np.broadcast_to(array, shape or (1,))) for array in arguments]  # it may write into its own copies
    try:
        made = np.asarray(function.compute(*given))
    except Exception as error:
        raise plug_in.failed("failed", error) from error
    if made.shape != given[0].shape:
        raise UserError(f"the {plug_in} gives an array of shape {made.shape} for arguments of shape {given[0].shape}")
    kinds = "b" if function.kind == "truth" else "iuf"
    if made.dtype.kind not in kinds:
        wanted = "yes or no (bool)" if function.kind == "truth" else "numbers"
        raise UserError(f"the {plug_in} gives values of type {made.dtype}, and declares {wanted}")
    return made.reshape(shape)
