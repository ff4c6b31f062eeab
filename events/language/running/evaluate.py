"""Evaluation of a program on a table, block by block: buffers are bounded, every node is computed once per block."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from emiss.configs.errors import UserError, did_you_mean
from emiss.events.columns import join, split
from emiss.events.language.running.operations import OPERATIONS
from emiss.events.language.running.program import needed
from emiss.events.lists import Lists

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from emiss.events.columns import Column
    from emiss.events.language.running.program import Node
    from emiss.events.table import EventTable

BLOCK = 65_536
"""Events per block: a few float64 arrays of this length stay in the cache; a multiple of 64 for packed masks."""


class Plan:
    """What has to be computed for some roots, in order, and when each intermediate result can go.

    Nodes whose id is in `given` are not computed; `run` is told their values.
    """

    def __init__(self, roots: Sequence[Node], given: Collection[int] = ()) -> None:
        self.roots = tuple(roots)
        self.nodes = [node for node in needed(roots, given) if node.id not in given]
        kept = {node.id for node in roots}
        last = {arg.id: position for position, node in enumerate(self.nodes) for arg in node.args}
        self._free: list[list[int]] = [[] for _ in self.nodes]
        for node_id, position in last.items():
            if node_id not in kept:
                self._free[position].append(node_id)

    def run(self, block: EventTable, given: Mapping[int, Any] | None = None) -> dict[int, Any]:
        """Return the values of the roots for a block of events, by node id, from those of the nodes that are given."""
        values: dict[int, Any] = dict(given or {})
        with np.errstate(all="ignore"):
            for node, free in zip(self.nodes, self._free, strict=True):
                values[node.id] = OPERATIONS[node.op](block, node, tuple(values[arg.id] for arg in node.args))
                for node_id in free:
                    del values[node_id]
        return values


def columns_read(roots: Iterable[Node], columns: Mapping[str, Column]) -> tuple[str, ...]:
    """Return the full names of the columns that have to be read to compute `roots`, in the order of the table.

    Where only the number of rows of a collection is used, one of its columns stands for it.
    """
    names: set[str] = set()
    nodes = needed(roots)
    for node in nodes:
        if node.op == "column":
            collection, name, _ = cast("tuple[str, str, float]", node.data)
            names.add(join(collection, name) if collection else name)
    for node in nodes:
        if node.op == "list rows":
            inside = [n for n, column in columns.items() if column.shape == "list" and column.collection == node.data]
        elif node.op == "fixed rows":
            inside = list(cast("tuple[str, ...]", node.data)[1:])
        else:
            continue
        if not names.intersection(inside):
            names.add(inside[0])
    return tuple(name for name in columns if name in names)


def with_columns(table: EventTable, columns: Iterable[str]) -> EventTable:
    """Return the table with only the given columns.

    Raises
    ------
    UserError
        If a column is not there.
    """
    flat: dict[str, Any] = {}
    inner: dict[str, dict[str, Any]] = {}
    for name in columns:
        collection, field = split(name)
        if name in table.flat:
            flat[name] = table.flat[name]
        elif collection in table.lists and field in table.lists[collection].columns:
            inner.setdefault(collection, {})[field] = table.lists[collection][field]
        else:
            raise UserError(f"the table has no column '{name}'", hint=did_you_mean(name, table.names))
    lists = {name: Lists(table.lists[name].offsets, fields) for name, fields in inner.items()}
    return replace(table, flat=flat, lists=lists)


def blocks(table: EventTable, columns: Iterable[str]) -> Iterator[EventTable]:
    """Yield the table in blocks of at most `BLOCK` events with only the given columns; see `with_columns`."""
    pruned = with_columns(table, columns)
    for start in range(0, table.size, BLOCK):
        yield pruned.slice(start, start + BLOCK)


def constant(node: Node) -> float:
    """Return the value of a constant number; NaN if it is undefined."""
    from emiss.events.table import EventTable

    return float(Plan([node]).run(EventTable(0, {}))[node.id].floats)
