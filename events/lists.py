"""`Lists`: one collection of a batch or table, e.g. the tracks of each event, as flat arrays with shared offsets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.configs.arrays import Array, Bools, Ints

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Array", "Lists", "offsets_of"]


@dataclass(frozen=True)
class Lists:
    """A list per event of rows with the same fields.

    Attributes
    ----------
    offsets : int64 array of shape (N + 1,)
        Event i holds the rows offsets[i] to offsets[i + 1]; the first offset is 0.
    columns : mapping of name to array of shape (offsets[-1], ...)
    """

    offsets: Ints
    columns: Mapping[str, Array]

    def __post_init__(self) -> None:
        rows = int(self.offsets[-1])
        for name, values in self.columns.items():
            if len(values) != rows:
                msg = f"column {name} has {len(values)} rows, its offsets end at {rows}"
                raise ValueError(msg)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, name: str) -> Array:
        return self.columns[name]

    @property
    def counts(self) -> Ints:
        """Rows per event, shape (N,)."""
        return np.diff(self.offsets)

    @property
    def parents(self) -> Ints:
        """The event of each row, shape (rows,)."""
        return np.repeat(np.arange(len(self)), self.counts)

    def slice(self, start: int, stop: int) -> Lists:
        """Return the events start to stop (views, no copies of the columns)."""
        offsets = self.offsets[start : stop + 1]
        low, high = int(offsets[0]), int(offsets[-1])
        return Lists(offsets - low, {name: values[low:high] for name, values in self.columns.items()})

    def rows(self, mask: Bools) -> Lists:
        """Return the same events with only the rows where `mask` is true."""
        kept = np.concatenate(([0], np.cumsum(mask)))
        return Lists(kept[self.offsets], {name: values[mask] for name, values in self.columns.items()})

    def take(self, events: Ints | Bools) -> Lists:
        """Return the events with the given positions (or where a boolean mask is true)."""
        if events.dtype == bool:
            events = np.flatnonzero(events)
        counts = self.counts[events]
        offsets = offsets_of(counts)
        if offsets[-1] == self.offsets[-1] and np.all(np.diff(events) > 0):
            return Lists(offsets, self.columns)  # only events without rows are left out
        index = np.arange(offsets[-1]) + np.repeat(self.offsets[:-1][events] - offsets[:-1], counts)
        return Lists(offsets, {name: values[index] for name, values in self.columns.items()})

    @classmethod
    def empty(cls, events: int, columns: Mapping[str, Any]) -> Lists:
        """Return `events` empty lists with columns of the given types."""
        return cls(np.zeros(events + 1, np.int64), {name: np.empty(0, dtype) for name, dtype in columns.items()})

    @classmethod
    def concatenate(cls, parts: Iterable[Lists]) -> Lists:
        """Return the events of all parts one after the other; the parts have the same columns."""
        parts = list(parts)
        counts = np.concatenate([part.counts for part in parts])
        columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0].columns}
        return cls(offsets_of(counts), columns)


def offsets_of(counts: Ints) -> Ints:
    """Return the int64 offsets of lists with these lengths."""
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets
