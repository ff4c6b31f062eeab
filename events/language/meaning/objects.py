"""Collections: the lists of a table, objects made from them, and what may be asked of them.

A collection is its rows (a node of kind "rows") and its fields; a filtered or sorted one takes its fields from the one it is
made of, so that only the fields that are used are computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emiss.events.language.running.program import Node

if TYPE_CHECKING:
    from emiss.events.language.running.program import Program


Fields = Mapping[str, Callable[[], Node]]
"""What makes the node of a field, by name: only those that are used are made."""


@dataclass(frozen=True)
class Element:
    """One element with its fields: ``muon[0]`` of each event, or the first of each pair.

    Attributes
    ----------
    name : str
        For messages.
    fields : mapping of name to a function that gives the field's node
    members : mapping of name to Element
        Of a pair: its two elements.
    """

    name: str
    fields: Fields = field(repr=False)
    members: Mapping[str, Element] = field(default_factory=dict, repr=False)

    def through(self, change: Callable[[Node], Node]) -> Element:
        """Return the element whose values are those of this one after a change."""
        members = {key: member.through(change) for key, member in self.members.items()}
        return Element(self.name, changed(self.fields, change), members)


@dataclass(frozen=True)
class Collection:
    """Elements with fields.

    Attributes
    ----------
    name : str
        For messages.
    rows : Node
        Of kind "rows".
    fields : mapping of name to a function that gives the field's node
    members : mapping of name to Element
        Of pairs: the first and the second elements.
    """

    name: str
    rows: Node
    fields: Fields = field(repr=False)
    members: Mapping[str, Element] = field(default_factory=dict, repr=False)

    def field(self, name: str) -> Node:
        """Return the values of a field, which must exist."""
        return self.fields[name]()


@dataclass(frozen=True)
class Values:
    """A parameter with several values."""

    name: str
    values: tuple[Node, ...]


@dataclass(frozen=True)
class Literal:
    """A text in quotes."""

    text: str


Item = Node | Collection | Element | Values | Literal
"""What an expression or a part of it can mean."""


def select(program: Program, base: Collection, rows: Node, name: str) -> Collection:
    """Return the collection of the rows taken from `base`."""

    def taken(values: Node) -> Node:
        return take(program, values, rows)

    members = {key: member.through(taken) for key, member in base.members.items()}
    return Collection(name, rows, changed(base.fields, taken), members)


def changed(fields: Fields, change: Callable[[Node], Node]) -> Fields:
    """Return fields whose values are those of some fields after a change, made when they are used."""

    def later(get: Callable[[], Node]) -> Callable[[], Node]:
        return lambda: change(get())

    return {key: later(get) for key, get in fields.items()}


def take(program: Program, values: Node, rows: Node) -> Node:
    """Return the elements of `values` that `rows` selects, in its order."""
    return program.add(
        "take",
        (values, rows),
        kind=values.kind,
        dimension=values.dimension,
        axis=rows,
        bits=values.bits,
        label=values.label,
        constant=False,
    )


def filter_rows(program: Program, base: Node, condition: Node, name: str) -> Node:
    """Return the rows of `base` where the condition is true."""
    return program.add("filter rows", (base, condition), kind="rows", label=name, constant=False)


def sort_rows(program: Program, base: Node, key: Node) -> Node:
    """Return the rows of `base` in the order of a key."""
    return program.add("sort rows", (base, key), kind="rows", label=base.label, constant=False, width=base.width)


def zip_fields(program: Program, name: str, parts: Mapping[str, Node]) -> Collection:
    """Return the object `name` made of list columns that have the same length in every event."""
    axes = tuple(dict.fromkeys(part.axis for part in parts.values() if part.axis is not None))
    if len(axes) == 1:
        return Collection(name, axes[0], {key: _given(part) for key, part in parts.items()})
    rows = program.add("zip rows", axes, kind="rows", label=name, constant=False)
    fields = {
        key: _given(
            program.add(
                "view",
                (part, rows),
                kind=part.kind,
                dimension=part.dimension,
                axis=rows,
                bits=part.bits,
                label=part.label,
                constant=False,
            )
        )
        for key, part in parts.items()
    }
    return Collection(name, rows, fields)


def _given(node: Node) -> Callable[[], Node]:
    return lambda: node
