"""Columns of the event table: type, unit, meaning, named bits and elements; and those that every table has.

The writer, ``emiss columns``, the docs and the "did you mean" of the cut engine all read declarations. A collection is the
name before the last dot; its list columns share one length per event.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = "emiss.events/1"

Shape = Literal["flat", "fixed", "list"]

TYPE_BITS: Mapping[str, int] = {
    "start_of_run": 1,
    "end_of_run": 2,
    "start_of_run_files": 3,
    "end_of_run_files": 4,
    "start_of_burst": 5,
    "end_of_burst": 6,
    "physics": 7,
    "calibration": 8,
    "end_of_link": 9,
    "format_error": 10,
}
"""Bits of `event.type`: bit n is set for an event of DATE type n."""

TRIGGER_BITS: Mapping[str, int] = {"physics": 0, "random": 1, "calibration": 2, "beam": 3}
"""Bits of `event.trigger` in the demo set-up; a detector file may name others."""

QUALITY_BITS: Mapping[str, int] = {
    "saturated": 0,
    "pile_up": 1,
    "no_pulse": 2,
    "damaged": 3,
    "missing_source": 4,
    "after_lost_block": 5,
    "no_start_time": 6,
    "part_lost": 7,
}
"""Bits of `event.quality`; none set means nothing is known against the event."""

DAMAGE_BITS = ("damaged", "missing_source", "part_lost", "after_lost_block")
"""Those that tell of data that were lost, in the event or before it."""


def split(name: str) -> tuple[str, str]:
    """Return collection and inner name of a column; a list without a dot has the inner name ``""``."""
    collection, _, inner = name.rpartition(".")
    return (collection, inner) if collection else (name, "")


def join(collection: str, inner: str) -> str:
    """Return the full name of a column, the inverse of `split`."""
    return f"{collection}.{inner}" if inner else collection


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    name : str
        Full name, e.g. ``tracks.p``.
    type : str
        NumPy type: f8, i4, i8, u4, bool.
    unit : str
        Unit of the stored values; ``1`` for a pure number.
    meaning : str
        One line.
    shape : "flat", "fixed" or "list"
        One value per event, a fixed number of values (`size`), or a list.
    size : int
        Length of a fixed column.
    bits : mapping of name to bit number
        For words of named bits.
    elements : tuple of str
        Names of the values of a fixed column, empty where they have none.
    expression : str
        What it is derived with, in the event language; empty for all others.
    alias : str
        Another name that expressions may call it by: that of its branch in a file of another program, where this is one of
        the lists that a counter made a collection of; else empty.
    """

    name: str
    type: str = "f8"
    unit: str = "1"
    meaning: str = ""
    shape: Shape = "flat"
    size: int = 1
    bits: Mapping[str, int] = field(default_factory=dict)
    elements: tuple[str, ...] = ()
    expression: str = ""
    alias: str = ""

    @property
    def collection(self) -> str:
        """The name before the last dot (the whole name where there is none)."""
        return split(self.name)[0]

    def to_json(self) -> dict[str, Any]:
        """Return the declaration as it is stored in a table's metadata."""
        data: dict[str, Any] = {"type": self.type, "unit": self.unit, "meaning": self.meaning, "shape": self.shape}
        if self.shape == "fixed":
            data["size"] = self.size
        if self.bits:
            data["bits"] = dict(self.bits)
        if self.elements:
            data["elements"] = list(self.elements)
        if self.expression:
            data["expression"] = self.expression
        if self.alias:
            data["alias"] = self.alias
        return data

    @classmethod
    def from_json(cls, name: str, data: Mapping[str, Any]) -> Column:
        """Return the declaration that `to_json` wrote."""
        return cls(
            name=name,
            type=data.get("type", "f8"),
            unit=data.get("unit", "1"),
            meaning=data.get("meaning", ""),
            shape=data.get("shape", "flat"),
            size=int(data.get("size", 1)),
            bits=data.get("bits", {}),
            elements=tuple(data.get("elements", ())),
            expression=data.get("expression", ""),
            alias=data.get("alias", ""),
        )


def _flat(group: str, type_: str, rows: str, shape: Shape = "flat") -> list[Column]:
    """Declare the columns of a group from lines ``name | unit | meaning``."""
    columns = []
    for row in rows.strip().splitlines():
        name, unit, meaning = (part.strip() for part in row.split("|"))
        columns.append(Column(f"{group}.{name}", type_, unit, meaning, shape))
    return columns


COLUMNS: tuple[Column, ...] = (
    *_flat(
        "event",
        "i4",
        """
        run | 1 | run number
        spill | 1 | number of the spill in the run
        in_spill | 1 | number of the event in the spill
        in_run | 1 | number of the event in the run
        file | 1 | number made of the content of the input file; the manifest has its name
        """,
    ),
    Column("event.entry", "i8", "1", "position in the index of the input file"),
    Column("event.time", "i8", "s", "Unix time"),
    Column("event.trigger", "u4", "bits", "trigger bits", bits=TRIGGER_BITS),
    Column("event.type", "u4", "bits", "event type as one bit", bits=TYPE_BITS),
    Column("event.quality", "u4", "bits", "what is known against the event", bits=QUALITY_BITS),
    Column("spill.position", "f8", "1", "position within the spill, 0 to 1"),
    Column("weight", "f8", "1", "weight of a simulated event; 1 for data"),
)
"""The columns of every event table; all others are those of the set-up's parts, and under ``truth.`` of the sample."""

RESERVED = ("event", "spill", "weight", "truth")
"""Collections that no part of a set-up may be called."""
