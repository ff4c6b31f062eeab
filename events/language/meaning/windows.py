"""Conditions that no value can fulfil: windows whose lower limit is above the upper one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emiss.configs.units import PURE
from emiss.events.language.running.evaluate import constant
from emiss.events.language.running.program import Node, depends

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True)
class Limit:
    """A constant that a number is compared with; `strict` if the number may not be equal to it."""

    value: float
    strict: bool
    node: Node

    def __str__(self) -> str:
        unit = "" if self.node.dimension in (None, PURE) else f" {self.node.dimension}"
        return f"{self.value:.12g}{unit}"


def empty_window(parts: Sequence[Node]) -> tuple[Limit, Limit] | None:
    """Return the lower and the upper limit that exclude each other among conditions that all have to hold; None if none do.

    What a scan may change is left out.
    """
    lower: dict[int, Limit] = {}
    upper: dict[int, Limit] = {}
    for number, limit, below in _limits(parts):
        known = upper if below else lower
        other = known.get(number)
        if other is None or _tighter(limit, other, below=below):
            known[number] = limit
    for number, low in lower.items():
        high = upper.get(number)
        if high is not None and (low.value > high.value or (low.value == high.value and (low.strict or high.strict))):
            return low, high
    return None


def _limits(parts: Sequence[Node]) -> Iterator[tuple[int, Limit, bool]]:
    """Yield the id of a number, the constant it is compared with, and whether it has to be below."""
    for part in parts:
        if part.op == "and":
            yield from _limits(part.args)
        elif part.op in ("<", "<="):
            left, right = part.args
            if left.constant != right.constant:
                number, node = (right, left) if left.constant else (left, right)
                if not depends(node):
                    value = constant(node)
                    if math.isfinite(value):
                        yield _bare(number).id, Limit(value, part.op == "<", node), not left.constant


def _bare(node: Node) -> Node:
    """Return the number behind one that is repeated for the elements of a list."""
    return node.args[0] if node.op == "spread" else node


def _tighter(one: Limit, other: Limit, *, below: bool) -> bool:
    if one.value == other.value:
        return one.strict and not other.strict
    return (one.value < other.value) == below
