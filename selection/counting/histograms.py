"""Histograms of an analysis: their axes as declared, how a block of events is filled, and what comes out.

The histograms themselves are `hist.Hist` with weights. What was filled merges as counts do: bin by bin, and only with its
like. Files are written in `results.files.histograms`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.configs.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hist import Hist

    from emiss.configs.arrays import Bools, Floats
    from emiss.events.language.running.program import Node
    from emiss.events.language.running.values import Numbers, Rows

UNWEIGHTED = "nominal"
"""The one variation of an analysis without weights."""


@dataclass(frozen=True)
class BinAxis:
    """One axis: the edges in `unit`, what they are of, and whether all bins are equally wide.

    `cuts` are the values, in `unit`, at which cuts of the analysis divide this very quantity.
    """

    label: str
    unit: str
    factor: float
    edges: tuple[float, ...]
    regular: bool
    cuts: tuple[float, ...] = ()

    @property
    def title(self) -> str:
        """Label with unit, as plots show it."""
        return f"{self.label} [{self.unit}]" if self.unit else self.label


@dataclass(frozen=True)
class Stage:
    """Where in a region a histogram is filled: the events that pass the cuts at these positions."""

    region: str
    name: str
    cuts: tuple[int, ...]


@dataclass(frozen=True)
class BoundHistogram:
    """A histogram whose expressions have met the columns: one node per axis, all of them on `rows` if any is a list."""

    name: str
    title: str
    axes: tuple[BinAxis, ...]
    nodes: tuple[Node, ...]
    rows: Node | None
    stages: tuple[Stage, ...]

    @property
    def roots(self) -> tuple[Node, ...]:
        """The nodes whose values are needed to fill it."""
        return self.nodes if self.rows is None else (*self.nodes, self.rows)


@dataclass(frozen=True)
class Key:
    """Which histogram: its name, the region and the stage of cuts in it, the variation of the weight."""

    name: str
    region: str
    stage: str
    variation: str

    def __str__(self) -> str:
        return f"{self.name}, region {self.region}, {self.stage}, weight {self.variation}"


@dataclass(frozen=True)
class Filled:
    """A histogram that was filled.

    Attributes
    ----------
    hist : hist.Hist
        With sums of weights and of their squares; under- and overflow are kept.
    undefined : int
        Values (of events, or of list elements) that had no place because they are undefined.
    axes : tuple of BinAxis
        As declared, with the lines of the cuts.
    title : str
    """

    hist: Hist
    undefined: int
    axes: tuple[BinAxis, ...]
    title: str = ""

    @classmethod
    def empty(cls, spec: BoundHistogram) -> Filled:
        """Return the histogram of no event."""
        import hist

        axes = [
            hist.axis.Regular(len(a.edges) - 1, a.edges[0], a.edges[-1], name=f"axis{i}", label=a.title)
            if a.regular
            else hist.axis.Variable(a.edges, name=f"axis{i}", label=a.title)
            for i, a in enumerate(spec.axes)
        ]
        return cls(hist.Hist(*axes, storage=hist.storage.Weight()), 0, spec.axes, spec.title)

    def __add__(self, other: Filled) -> Filled:
        if self.axes != other.axes:
            raise UserError("cannot add histograms with different bins or of different quantities")
        return Filled(self.hist + other.hist, self.undefined + other.undefined, self.axes, self.title)


Histograms = dict[Key, Filled]
BySample = Mapping[str, Mapping[Key, Filled]]
"""The histograms of several samples."""


def empty(specs: Sequence[BoundHistogram], variations: Sequence[str]) -> Histograms:
    """Return all histograms of an analysis without an entry."""
    names = list(variations) or [UNWEIGHTED]
    return {
        Key(spec.name, stage.region, stage.name, variation): Filled.empty(spec)
        for spec in specs
        for stage in spec.stages
        for variation in names
    }


def add(a: Mapping[Key, Filled], b: Mapping[Key, Filled]) -> Histograms:
    """Return the sum of two sets of histograms; an empty one is the identity.

    Raises
    ------
    UserError
        If one of them has a histogram that the other one lacks, or with other bins.
    """
    if not a or not b:
        return dict(a or b)
    if a.keys() != b.keys():
        odd = min(map(str, a.keys() ^ b.keys()))
        raise UserError(f"cannot add: only one of the two has the histogram {odd}")
    return {key: filled + b[key] for key, filled in a.items()}


def fill(
    spec: BoundHistogram,
    values: Mapping[int, Any],
    size: int,
    mask: Callable[[Stage], Bools],
    weights: Floats,
    variations: Sequence[str],
    into: Histograms,
) -> None:
    """Fill one histogram, at all its stages, with a block of events.

    Parameters
    ----------
    values : mapping of node id to value
        Of the roots of the histogram.
    size : int
        Events of the block.
    mask : callable
        Gives the events of a stage, bool of shape (size,).
    weights : float64 array of shape (V, size)
        V = 0 where every event counts as 1.
    variations : sequence of str
        Their names.
    into : Histograms
        Changed: the histograms are replaced by fuller ones.
    """
    rows: Rows | None = None if spec.rows is None else values[spec.rows.id]
    length = size if rows is None else rows.size
    data = [_shown(values[node.id], length, axis) for node, axis in zip(spec.nodes, spec.axes, strict=True)]
    known = ~np.logical_or.reduce([np.isnan(x) for x in data])
    parents = None if rows is None else rows.parents
    for stage in spec.stages:
        events = mask(stage)
        chosen = events if parents is None else events[parents]
        here = np.flatnonzero(chosen & known)
        undefined = int(np.count_nonzero(chosen)) - len(here)
        entries = [x[here] for x in data]
        owners = here if parents is None else parents[here]
        for v, variation in enumerate(variations or [UNWEIGHTED]):
            key = Key(spec.name, stage.region, stage.name, variation)
            before = into[key]
            before.hist.fill(*entries, weight=weights[v, owners] if len(weights) else 1.0)
            into[key] = Filled(before.hist, before.undefined + undefined, before.axes, before.title)


def _shown(numbers: Numbers, length: int, axis: BinAxis) -> Floats:
    """Return values in the unit of an axis, one for each event or row."""
    data = np.broadcast_to(numbers.floats, (length,))
    return data if axis.factor == 1.0 else data / axis.factor
