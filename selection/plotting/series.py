"""What is drawn of one sample: its bins with their errors, and how far all of it reaches up and down."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from emiss.selection.counting.intervals import garwood

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emiss.configs.arrays import Bools, Floats
    from emiss.selection.counting.histograms import BinAxis, Filled

DECADES = 3.0
"""How far below its largest bin a sample still says where a logarithmic axis begins."""


@dataclass(frozen=True)
class Series:
    """The bins of a sample.

    Attributes
    ----------
    name, role : str
        ``signal``, ``background`` or ``data``.
    sums, squares : arrays of the shape of the bins
        Of weights and of their squares, inside the axes.
    factor : float or array
        From sums of weights to what is drawn.
    number : int
        Place of the sample in its result, which its colour follows from.
    hidden : bool
        Whether events inside a blind box are missing: then an empty bin says nothing.
    """

    name: str
    role: str
    sums: Floats
    squares: Floats
    factor: float | Floats = 1.0
    number: int = 0
    hidden: bool = False

    @classmethod
    def of(
        cls, name: str, role: str, filled: Filled, factor: float = 1.0, number: int = 0, *, hidden: bool = False
    ) -> Series:
        """Return what is drawn of a histogram."""
        view = filled.hist.view()
        return cls(name, role, np.array(view["value"]), np.array(view["variance"]), factor, number, hidden)

    @property
    def values(self) -> Floats:
        """What is drawn."""
        return np.asarray(self.sums * self.factor)

    @property
    def variances(self) -> Floats:
        """Of the values."""
        return np.asarray(self.squares * np.square(self.factor))

    @property
    def label(self) -> str:
        """What it is called in a legend."""
        return f"{self.name} (blinded)" if self.hidden else self.name

    @property
    def counted(self) -> bool:
        """Whether the sums are numbers of events, each of which counts as 1."""
        return bool(np.array_equal(self.sums, self.squares) and np.array_equal(self.sums, np.rint(self.sums)))

    @property
    def errors(self) -> tuple[Floats, Floats]:
        """Lengths of the bars below and above: of counts those of Garwood's interval, else the root of the variance."""
        if self.counted:
            low, high = garwood(self.sums)
            return np.asarray((self.sums - low) * self.factor), np.asarray((high - self.sums) * self.factor)
        bar = np.sqrt(self.variances)
        return bar, bar

    def shown(self, expected: Bools) -> Bools:
        """Return the bins that have a point: those with something in them, and empty ones where something is expected."""
        return np.asarray((self.values > 0.0) | (expected & (not self.hidden)))

    def per_unit(self, axis: BinAxis) -> Series:
        """Return the same over the widths of the bins."""
        return replace(self, factor=self.factor / np.diff(axis.edges))

    def share(self) -> Series:
        """Return the same with an area of 1, as far as there is something."""
        total = float(self.sums.sum())
        return replace(self, factor=1.0 / total if total > 0.0 else 1.0)


@dataclass(frozen=True)
class Reach:
    """From where to where bins reach: the smallest to be seen on a logarithmic axis, and the top of all; 0 for nothing."""

    least: float = 0.0
    most: float = 0.0

    def __or__(self, other: Reach) -> Reach:
        found = [end for end in (self.least, other.least) if end > 0.0]
        return Reach(min(found, default=0.0), max(self.most, other.most))

    @property
    def log(self) -> bool:
        """Whether it spans more than two decades."""
        return self.least > 0.0 and self.most > 100.0 * self.least

    @classmethod
    def of_stack(cls, series: Iterable[Series]) -> Reach:
        """Return how far samples reach if backgrounds are stacked and all others stand alone."""
        series = tuple(series)
        stacked = [one for one in series if one.role == "background"]
        total = sum((one.values for one in stacked), np.zeros(1))
        variance = sum((one.variances for one in stacked), np.zeros(1))
        bars = [one.values + np.where(one.values > 0.0, one.errors[1], 0.0) for one in series if one.role == "data"]
        return cls.of(series, [total + np.sqrt(variance), *bars])

    @classmethod
    def of(cls, series: Iterable[Series], tops: Iterable[Floats] = ()) -> Reach:
        """Return how far samples reach; `tops` are the upper ends of sums and errors.

        Of a sample bins more than `DECADES` below its largest one do not count: one event of a small weight says little.
        """
        found = cls()
        for one in series:
            positive = one.values[one.values > 0.0]
            if positive.size:
                most = float(positive.max())
                found |= cls(max(float(positive.min()), most * 10.0**-DECADES), most)
        highest = max((float(top.max()) for top in tops if top.size), default=0.0)
        return cls(found.least, max(found.most, highest))
