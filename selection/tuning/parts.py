"""Cuts taken to pieces: the truths that all have to hold, and those among them that hold one number against a threshold.

`all(a < x < b)` is taken to pieces, too: the least `x` of an event has to be above `a`, and the largest below `b`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from emiss.events.language.running.program import Node, depends

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Compared:
    """A number of the event, or of the rows of a list, that a truth compares with a value that is open.

    Attributes
    ----------
    number, limit : Node
    below : bool
        Whether the event passes where the number is below the limit.
    equal : bool
        Whether it passes where they are equal.
    rows : Node or None
        Of a list: every row has to pass.
    """

    number: Node
    limit: Node
    below: bool
    equal: bool
    rows: Node | None


@dataclass(frozen=True)
class Part:
    """One of the truths that a cut is made of; `compared` where it is a threshold.

    `over` are the rows of a list in which `node` has to be true for each of them; None where it is one truth per event.
    """

    node: Node
    over: Node | None
    compared: Compared | None

    @property
    def roots(self) -> tuple[Node, ...]:
        """The nodes whose values are needed."""
        compared = () if self.compared is None else (self.compared.number,)
        return (self.node, *compared) if self.over is None else (self.node, self.over, *compared)


def parts_of(node: Node) -> tuple[Part, ...]:
    """Return the truths that all have to hold for a decision of the event to hold."""
    return tuple(Part(truth, rows, _compared(truth, rows)) for truth, rows in _pieces(node))


def _pieces(node: Node) -> Iterator[tuple[Node, Node | None]]:
    if node.op == "and" and node.axis is None and depends(node):
        for arg in node.args:
            yield from _pieces(arg)
    elif node.op == "all" and depends(node):
        truth, rows = node.args
        for piece in _conjuncts(truth):
            yield piece, rows
    else:
        yield node, None


def _conjuncts(node: Node) -> Iterator[Node]:
    if node.op == "and":
        for arg in node.args:
            yield from _conjuncts(arg)
    else:
        yield node


def _compared(node: Node, rows: Node | None) -> Compared | None:
    if node.op not in ("<", "<=") or node.axis is not rows:
        return None
    left, right = node.args
    below = right.constant and depends(right)
    number, limit = (left, right) if below else (right, left)
    if limit.op == "spread":
        limit = limit.args[0]
    if number.constant or not limit.constant or not depends(limit):
        return None
    return Compared(number, limit, below, node.op == "<=", rows)
