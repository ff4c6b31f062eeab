"""`EventTable`: one row per event, columns flat, fixed or lists, with the metadata that travels on disk."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import fsum
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from emiss.events.columns import SCHEMA, Column, join, split
from emiss.events.ledger import Ledger
from emiss.events.lists import Lists

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import awkward as ak
    import pandas as pd

    from emiss.configs.arrays import Array, Bools, Ints


@dataclass(frozen=True)
class Metadata:
    """What a table says of itself: which sample it is, what it stands for, where it comes from.

    `process` is what was simulated (kind and parameters in base units); empty for data and where it is not known.
    """

    columns: Mapping[str, Column] = field(default_factory=dict)
    sample: str = "data"
    role: str = "data"
    on_target: float | None = None
    scale: float = 1.0
    partial: bool = False
    ledger: Ledger = field(default_factory=Ledger)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    schema: str = SCHEMA
    process: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_foreign(cls, path: Path, columns: Mapping[str, Column], entries: int) -> Metadata:
        """Return the metadata of a table that has none: every row was read and passed."""
        return cls(sample=path.stem, columns=columns, ledger=Ledger(read=entries, passed=entries))

    def to_json(self) -> dict[str, Any]:
        """Return the metadata as plain data."""
        return {
            "schema": self.schema,
            "sample": self.sample,
            "role": self.role,
            "on_target": self.on_target,
            "scale": self.scale,
            "partial": self.partial,
            "columns": {name: column.to_json() for name, column in self.columns.items()},
            "ledger": self.ledger.to_json(),
            "process": dict(self.process),
            "provenance": dict(self.provenance),
        }

    def of_rows(self, start: int, stop: int, size: int) -> Metadata:
        """Return the metadata of a part of a table: its part of the ledger (`Ledger.of_rows`) and of the exposure."""
        ledger = self.ledger.of_rows(start, stop, size)
        rows = max(stop - start, 0)
        if rows == size or self.on_target is None:
            return replace(self, ledger=ledger)
        return replace(self, ledger=ledger, on_target=self.on_target * (rows / size), partial=True)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Metadata:
        """Return the metadata that `to_json` wrote."""
        return cls(
            columns={name: Column.from_json(name, item) for name, item in data["columns"].items()},
            sample=data["sample"],
            role=data["role"],
            on_target=data["on_target"],
            scale=data.get("scale", 1.0),
            partial=data.get("partial", False),
            ledger=Ledger.from_json(data["ledger"]),
            provenance=data.get("provenance", {}),
            schema=data["schema"],
            process=data.get("process", {}),
        )


def true_of_rows(metadata: Metadata, rows: int) -> Metadata:
    """Return the metadata of a table made true of so many rows: those of some of its rows, if there are fewer than it says.

    Nobody knows whether the rest was cut out by a condition or at random, so that they stand for an unknown number of particles
    on target. A table that says nothing of what was read holds all that there is.

    Raises
    ------
    UserError
        If there are more rows than events that passed.
    """
    missing = metadata.ledger.passed - rows
    if not missing:
        return metadata
    if metadata.ledger == Ledger():
        return replace(metadata, ledger=Ledger(read=rows, passed=rows))
    if missing < 0:
        from emiss.configs.errors import UserError

        raise UserError(f"the table has {rows} events, but its ledger counts {metadata.ledger.passed} that passed")
    moved = Ledger(passed=-missing, excluded={"not_in_table": missing})
    return replace(metadata, ledger=metadata.ledger + moved, on_target=None, partial=True)


@dataclass(frozen=True, repr=False)
class EventTable:
    """Columns of N events.

    ``table["ecal.energy"]`` is a column, ``table["tracks"]`` a collection as awkward records (vectors, where its fields are
    coordinates), ``table[:10]`` the first ten events, ``table[mask]`` those where a mask is true.

    Attributes
    ----------
    size : int
        N.
    flat : mapping of full name to array of shape (N,) or (N, k)
        One value, or a fixed number of values, per event.
    lists : mapping of collection to Lists
        The list columns; ``tracks.p`` is ``lists["tracks"]["p"]``.
    metadata : Metadata
    """

    size: int
    flat: Mapping[str, Array]
    lists: Mapping[str, Lists] = field(default_factory=dict)
    metadata: Metadata = field(default_factory=Metadata)

    def __len__(self) -> int:
        return self.size

    @property
    def names(self) -> list[str]:
        """All columns by full name."""
        inner = [join(name, field_) for name, lists in self.lists.items() for field_ in lists.columns]
        return [*self.flat, *inner]

    def __repr__(self) -> str:
        from emiss.events import summary

        return summary.text(self)

    def _repr_html_(self) -> str:
        from emiss.events import summary

        return summary.html(self)

    def __contains__(self, name: object) -> bool:
        """Return whether there is such a column or collection."""
        return name in self.names or any(split(full)[0] == name for full in self.names)

    @overload
    def __getitem__(self, what: str) -> Any: ...

    @overload
    def __getitem__(self, what: slice | Array | Sequence[int] | Sequence[bool]) -> EventTable: ...

    def __getitem__(self, what: str | slice | Array | Sequence[int] | Sequence[bool]) -> Any:
        """Return a column or a collection by its name, or some of the events.

        A flat or fixed column is a NumPy array, a list column an awkward array, a collection awkward records.

        Raises
        ------
        UserError
            If there is no such column or collection.
        TypeError, IndexError
            For what picks no events: a single number, a mask of another length, a position that is not there.
        """
        if not isinstance(what, str):
            return self._events(what)
        if what in self.flat:
            return self.flat[what]
        collection, inner = split(what)
        if collection in self.lists and inner in self.lists[collection].columns:
            return _awkward(self.lists[collection], inner)
        from emiss.events import records

        if what in self.lists:
            return records.of_lists(self.lists[what])
        fields = {name.removeprefix(f"{what}."): name for name in self.flat if split(name)[0] == what}
        if fields:
            return records.of_flat({field_: self.flat[name] for field_, name in fields.items()})
        for name, column in self.metadata.columns.items():
            if column.alias == what and name in self.names:
                return self[name]
        from emiss.configs.errors import UserError, did_you_mean

        known = [*self.names, *dict.fromkeys(name for full in self.names if (name := split(full)[0]))]
        raise UserError(f"the table has no column '{what}'", hint=did_you_mean(what, known))

    def _events(self, what: slice | Array | Sequence[int] | Sequence[bool]) -> EventTable:
        """Return some of the events: a slice with its part of the ledger, a mask or positions as `take` does."""
        if isinstance(what, slice):
            start, stop, step = what.indices(self.size)
            return self.slice(start, max(start, stop)) if step == 1 else self.take(np.arange(start, stop, step))
        chosen = np.asarray(what)
        if chosen.ndim != 1 or (chosen.dtype.kind not in "biu" and chosen.size):
            msg = f"events are picked by a slice, a mask or positions, not by {type(what).__name__}; one event is table[7:8]"
            raise TypeError(msg)
        if chosen.dtype.kind == "b":
            if len(chosen) != self.size:
                msg = f"a mask of {len(chosen)} for {self.size} events"
                raise IndexError(msg)
            return self.take(chosen)
        at = chosen.astype(np.int64)
        if len(at) and not (-self.size <= at.min() and at.max() < self.size):
            msg = f"an event that is not among the {self.size} of the table"
            raise IndexError(msg)
        return self.take(np.where(at < 0, at + self.size, at))

    def slice(self, start: int, stop: int) -> EventTable:
        """Return the rows start to stop as views, with their part of the ledger (`Ledger.of_rows`)."""
        stop = min(stop, self.size)
        return replace(
            self,
            size=stop - start,
            metadata=self.metadata.of_rows(start, stop, self.size),
            flat={name: values[start:stop] for name, values in self.flat.items()},
            lists={name: lists.slice(start, stop) for name, lists in self.lists.items()},
        )

    def take(self, events: Ints | Bools) -> EventTable:
        """Return the rows with the given positions (or where a boolean mask is true)."""
        if events.dtype == bool:
            events = np.flatnonzero(events)
        return replace(
            self,
            size=len(events),
            flat={name: values[events] for name, values in self.flat.items()},
            lists={name: lists.take(events) for name, lists in self.lists.items()},
        )

    def with_metadata(self, **changes: Any) -> EventTable:
        """Return the same rows with changed metadata."""
        return replace(self, metadata=replace(self.metadata, **changes))

    def to_awkward(self) -> ak.Array:
        """Return all columns as one awkward record array with the full names as fields."""
        import awkward as ak

        return ak.Array({name: self[name] for name in self.names})

    def to_pandas(self) -> pd.DataFrame:
        """Return the flat columns (fixed ones as ``name[i]``) as a data frame."""
        import pandas as pd

        columns: dict[str, Array] = {}
        for name, values in self.flat.items():
            if values.ndim == 1:
                columns[name] = values
            else:
                columns.update({f"{name}[{i}]": values[:, i] for i in range(values.shape[1])})
        return pd.DataFrame(columns)

    @classmethod
    def concatenate(cls, tables: Iterable[EventTable]) -> EventTable:
        """Return the rows of all tables one after the other; ledgers and particles on target add, the rest is the first's."""
        tables = list(tables)
        first = tables[0]
        known = [table.metadata for table in tables]
        ledger = sum((metadata.ledger for metadata in known), Ledger())
        exposures = [metadata.on_target for metadata in known]
        return cls(
            size=sum(table.size for table in tables),
            flat={name: np.concatenate([table.flat[name] for table in tables]) for name in first.flat},
            lists={name: Lists.concatenate(table.lists[name] for table in tables) for name in first.lists},
            metadata=replace(
                first.metadata,
                ledger=ledger,
                on_target=None if None in exposures else fsum(part for part in exposures if part is not None),
                partial=any(metadata.partial for metadata in known),
            ),
        )


def _awkward(lists: Lists, name: str) -> ak.Array:
    import awkward as ak

    content = ak.contents.NumpyArray(lists[name])
    return ak.Array(ak.contents.ListOffsetArray(ak.index.Index64(lists.offsets), content))
