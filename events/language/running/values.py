"""What an expression gives for a block of events: numbers, truths, and the rows of collections.

Undefined numbers are NaN and nothing else is: an operation that gives an infinity gives NaN here. Truths carry a second
mask for undefined; logic on them is Kleene's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Bools, Floats, Ints


class Numbers:
    """Numbers, one per event or row, or a single one that stands for all.

    Attributes
    ----------
    data : array of shape (n,) or ()
        Float64 with NaN for undefined, or integers (all known).
    """

    def __init__(self, data: Any) -> None:
        self.data: Array = data

    @cached_property
    def undefined(self) -> Bools | None:
        """Mask of the undefined ones, None if all are known."""
        if self.data.dtype.kind != "f":
            return None
        mask: Bools = np.isnan(self.data)
        return mask if mask.any() else None

    @cached_property
    def floats(self) -> Floats:
        """The numbers as float64."""
        return self.data if self.data.dtype == np.float64 else self.data.astype(np.float64)


def finite(data: Any) -> Numbers:
    """Return float64 results as numbers, infinities as undefined (`data` may be changed in place)."""
    data = np.asarray(data)
    if np.isfinite(data.sum()):  # then each of them is; one pass where most blocks need no more
        numbers = Numbers(data)
        numbers.undefined = None
        return numbers
    bad = np.isinf(data)
    if bad.any():
        data = np.where(bad, np.nan, data)
    return Numbers(data)


class Truths:
    """Yes, no or undefined, one per event or row, or a single one that stands for all.

    Attributes
    ----------
    true : bool array
        Where it is known to be true.
    undefined : bool array or None
        Where it is undefined (`true` is false there); None if all are known.
    """

    def __init__(self, true: Any, undefined: Any = None) -> None:
        self.true: Bools = true
        self.undefined: Bools | None = undefined

    @property
    def false(self) -> Bools:
        """Where it is known to be false."""
        return ~self.true if self.undefined is None else ~(self.true | self.undefined)

    def __invert__(self) -> Truths:
        return Truths(self.false, self.undefined)

    def __and__(self, other: Truths) -> Truths:
        true = self.true & other.true
        undefined = either(self.undefined, other.undefined)
        if undefined is None:
            return Truths(true)
        return Truths(true, undefined & ~self.false & ~other.false)

    def __or__(self, other: Truths) -> Truths:
        true = self.true | other.true
        undefined = either(self.undefined, other.undefined)
        return Truths(true, None if undefined is None else undefined & ~true)


def either(a: Bools | None, b: Bools | None) -> Bools | None:
    """Return the union of two masks, of which None is the empty one."""
    if a is None or b is None:
        return b if a is None else a
    return a | b


@dataclass(frozen=True)
class Rows:
    """The elements of a collection in a block of N events.

    Attributes
    ----------
    offsets : int64 array of shape (N + 1,)
        Event i has the rows offsets[i] to offsets[i + 1].
    width : int or None
        Rows per event where all events have the same number (fixed arrays).
    select : bool mask over the rows of the collection this one is taken from, or their permutation, or None
    """

    offsets: Ints
    width: int | None = None
    select: Bools | Ints | None = None

    @cached_property
    def counts(self) -> Ints:
        """Rows per event, shape (N,)."""
        return np.diff(self.offsets)

    @cached_property
    def parents(self) -> Ints:
        """The event of each row."""
        return np.repeat(np.arange(len(self.offsets) - 1), self.counts)

    @property
    def size(self) -> int:
        """Rows in all."""
        return int(self.offsets[-1])

    def spread(self, data: Array) -> Array:
        """Return values per event as values per row."""
        return np.repeat(data, self.counts if self.width is None else self.width)

    def reduce(self, function: np.ufunc, data: Array, empty: Any) -> Array:
        """Reduce the rows of each event with a ufunc whose order does not matter; `empty` for events without rows."""
        events = len(self.offsets) - 1
        if self.width:
            return self._by_position(function, data)
        filled = self.counts > 0
        if events and filled.all():
            return np.asarray(function.reduceat(data, self.offsets[:-1]))
        out = np.full(events, empty, data.dtype)
        if filled.any():
            out[filled] = function.reduceat(data, self.offsets[:-1][filled])
        return out

    def sum(self, data: Floats) -> Floats:
        """Return the sum of the float64 rows of each event, added from the first to the last; 0 for none.

        NumPy's own sums change the order of adding with the number of rows; a loop over the rows does not.
        """
        if self.width:
            return self._by_position(np.add, data)
        return cast("Floats", np.bincount(self.parents, weights=data, minlength=len(self.offsets) - 1))

    def _by_position(self, function: np.ufunc, data: Array) -> Array:
        """Reduce rows of fixed width: the second elements of all events onto the first ones, and so on."""
        columns = data.reshape(len(self.offsets) - 1, self.width or 0)
        out: Array = columns[:, 0].copy()
        for i in range(1, columns.shape[1]):
            function(out, columns[:, i], out=out)
        return out

    def element(self, index: int) -> tuple[Ints, Bools]:
        """Return the row of element `index` (negative: from the end) of each event, and the mask of events having it."""
        at = self.offsets[:-1] + index if index >= 0 else self.offsets[1:] + index
        there = self.counts > index if index >= 0 else self.counts >= -index
        return at, there


@dataclass(frozen=True)
class PairRows(Rows):
    """Pairs of elements: the row of each one's first and second element in the collections that they are from."""

    first: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    second: Ints = field(default_factory=lambda: np.zeros(0, np.int64))


def paired(a: Rows, b: Rows | None) -> PairRows:
    """Return all pairs of two elements of `a`, or of one of `a` and one of `b`, event by event.

    Their order is that of the first element, then of the second one.
    """
    partners = _behind(a) if b is None else b.counts[a.parents]
    ends = np.cumsum(partners)
    first = np.repeat(np.arange(a.size), partners)
    place = np.arange(len(first)) - np.repeat(ends - partners, partners)
    begins = np.arange(a.size) + 1 if b is None else b.offsets[:-1][a.parents]
    offsets = np.concatenate(([0], ends))[a.offsets]
    return PairRows(offsets, None, None, first, begins[first] + place)


def _behind(rows: Rows) -> Ints:
    """Return how many elements of its event stand behind each one."""
    behind: Ints = rows.offsets[1:][rows.parents] - np.arange(rows.size) - 1
    return behind


def pairs_of(a: Rows, b: Rows | None) -> int:
    """Return how many pairs there are, before any is made."""
    counts = a.counts
    return int((counts * (counts - 1) // 2).sum() if b is None else (counts * b.counts).sum())
