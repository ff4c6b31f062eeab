"""The checked form of expressions: a graph of typed operations in which every distinct sub-expression stands once.

`check` builds it, `evaluate` runs it. A `Program` may hold the expressions of many cuts, regions and weights: what two of
them share is the same `Node`. Nodes are numbered so that arguments come before what uses them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from emiss.configs.units import PURE, Dimension

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Mapping

Kind = Literal["number", "truth", "rows"]


@dataclass(frozen=True, eq=False)
class Node:
    """One operation.

    Attributes
    ----------
    id : int
        Position in the program; larger than those of `args`.
    op : str
        Name of the operation, a key of `evaluate.OPERATIONS`.
    args : tuple of Node
    data : hashable
        What the operation needs beside its arguments: a constant, the name of a column, an index.
    kind : "number", "truth" or "rows"
        What it gives; ``rows`` are the elements of a collection (offsets and selection), not their values.
    dimension : Dimension or None
        Of a number in base units; None for the literal 0, which fits all.
    axis : Node or None
        The rows that the values belong to; None for one value per event.
    constant : bool
        The same for all events.
    bits : mapping of name to bit number
        Of a column of named bits, and of what is selected from one.
    width : int or None
        Of rows: how many there are in every event, where that is the same and known before an event is read.
    elements : tuple of str
        Of rows: the names of the elements, in their order, where they have names.
    label : str
        For messages: of rows the name of the collection, of numbers that of the column if it has no unit; else "".
    """

    id: int
    op: str
    args: tuple[Node, ...]
    data: Hashable
    kind: Kind
    dimension: Dimension | None = PURE
    axis: Node | None = None
    constant: bool = False
    bits: Mapping[str, int] = field(default_factory=dict)
    label: str = ""
    width: int | None = None
    elements: tuple[str, ...] = ()


class Program:
    """The operations of a set of expressions, each distinct one once."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._known: dict[Hashable, Node] = {}

    def add(
        self,
        op: str,
        args: tuple[Node, ...] = (),
        data: Hashable = None,
        *,
        kind: Kind = "number",
        dimension: Dimension | None = PURE,
        axis: Node | None = None,
        constant: bool | None = None,
        bits: Mapping[str, int] | None = None,
        label: str = "",
        width: int | None = None,
        elements: tuple[str, ...] = (),
    ) -> Node:
        """Return the node of an operation, a new one only if there is none of the same operation, arguments and data.

        Of the other properties all but the dimension of a constant follow from these, so they do not make a difference.
        """
        key = (op, tuple(arg.id for arg in args), data, dimension if op == "constant" else None)
        node = self._known.get(key)
        if node is None:
            if constant is None:
                constant = bool(args) and all(arg.constant for arg in args)
            given = (kind, dimension, axis, constant, bits or {}, label, width, elements)
            node = Node(len(self.nodes), op, args, data, *given)
            self.nodes.append(node)
            self._known[key] = node
        return node

    def number(self, value: float, dimension: Dimension | None = PURE) -> Node:
        """Return the node of a constant in base units."""
        return self.add("constant", (), value.hex(), dimension=dimension, constant=True)

    def scanned(self, name: str, position: int, dimension: Dimension | None) -> Node:
        """Return the node of a parameter that a scan gives its values."""
        return self.add("scanned", (), (name, position), dimension=dimension, constant=True)

    def truth(self, value: bool) -> Node:
        """Return the node of ``true`` or ``false``."""
        return self.add("truth", (), value, kind="truth", constant=True)


def needed(roots: Iterable[Node], given: Collection[int] = ()) -> list[Node]:
    """Return the nodes that `roots` are computed from, and themselves, in the order of evaluation.

    What is needed only for a node whose id is in `given` is left out.
    """
    found: dict[int, Node] = {}
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        if node.id not in found:
            found[node.id] = node
            if node.id not in given:
                waiting.extend(node.args)
    return [found[i] for i in sorted(found)]


def depends(node: Node) -> bool:
    """Return whether the value of a node changes with a scanned parameter."""
    return any(part.op == "scanned" for part in needed([node]))
