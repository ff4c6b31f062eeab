"""Scans: how many events are left for each value of a parameter, all values in one pass over the events.

Where the parameter is the threshold of one comparison, an event is put once into the interval of thresholds it lies in, and
the counts of all steps are sums over intervals (``threshold``). Otherwise the part of the cuts that depends on the parameter
is evaluated for each step, and nothing else is (``steps``). What comes of the counts is in `optimum`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.configs.errors import UserError
from emiss.events.language.running.evaluate import Plan
from emiss.events.language.running.program import depends, needed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from emiss.configs.arrays import Array, Bools, Floats, Ints
    from emiss.events.language.running.program import Node
    from emiss.events.table import EventTable

CHUNK = 4096
"""Events whose weights are summed apart, so that the rounding of long sums stays below 1e-12."""

MAX_COVARIANCE = 256
"""Most steps whose covariance is kept where they do not nest."""


@dataclass(frozen=True)
class ScanAxis:
    """A parameter and its values, in `unit`; `factor` turns them into base units."""

    parameter: str
    values: tuple[float, ...]
    unit: str
    factor: float

    @property
    def title(self) -> str:
        """Name with unit."""
        return f"{self.parameter} [{self.unit}]" if self.unit else self.parameter


@dataclass(frozen=True)
class Threshold:
    """A comparison of a number of the event with the scanned parameter.

    Attributes
    ----------
    number : Node
        What is compared; does not depend on the parameter.
    limits : tuple of float
        The threshold at each step, in base units, rising or falling.
    below : bool
        Whether the event passes where its number is below the threshold.
    equal : bool
        Whether it passes where they are equal.
    """

    number: Node
    limits: tuple[float, ...]
    below: bool
    equal: bool

    def steps(self, numbers: Floats) -> tuple[Ints, int]:
        """Return for each number at how many steps it passes; these are the first ones, or the last (then -1).

        Returns
        -------
        passed : int array
            Number of steps at which it passes.
        direction : int
            1: it passes at the first ones; -1: at the last ones.
        """
        limits = np.asarray(self.limits)
        rising = limits[-1] >= limits[0]
        ordered = limits if rising else limits[::-1]
        # x < t passes the limits above x: all but those <= x; t < x passes those below x
        strict = self.below != self.equal
        smaller = np.searchsorted(ordered, numbers, "right" if strict else "left")
        passed = len(limits) - smaller if self.below else smaller
        return passed, 1 if self.below != rising else -1


@dataclass(frozen=True)
class RegionScan:
    """What a scan needs in one region.

    Attributes
    ----------
    fixed : tuple of Node
        Truths that do not depend on the parameters: cuts, and parts of cuts.
    thresholds : tuple of Threshold
        One per axis, or none: then
    varied : tuple of Node
        are the truths to be evaluated for each step.
    """

    region: str
    fixed: tuple[Node, ...]
    thresholds: tuple[Threshold, ...]
    varied: tuple[Node, ...]

    @property
    def method(self) -> str:
        """``threshold`` or ``steps``."""
        return "threshold" if self.thresholds else "steps"


@dataclass(frozen=True)
class BoundScan:
    """A scan whose cuts have met the columns."""

    name: str
    axes: tuple[ScanAxis, ...]
    parameters: tuple[Node, ...]
    figure_of_merit: str
    regions: tuple[RegionScan, ...]

    @property
    def roots(self) -> tuple[Node, ...]:
        """The nodes whose values are needed before the steps."""
        found = [node for region in self.regions for node in region.fixed]
        for region in self.regions:
            found += [threshold.number for threshold in region.thresholds]
            found += frontier(region.varied)
        return tuple(dict.fromkeys(found))


def frontier(roots: Sequence[Node]) -> list[Node]:
    """Return the nodes that do not depend on a scanned parameter and are arguments of those that do."""
    return [arg for node in needed(roots) if depends(node) for arg in node.args if not depends(arg)]


@dataclass(frozen=True)
class ScanCounts:
    """Counts of one region at each step, for V variations of the weight (one where there is none).

    Attributes
    ----------
    n : int64 array, shape of the axes
    sum_w, sum_w2 : float64 arrays of shape (V, axes)
    covariance : float64 array of shape (V, P, P), or None
        Of the sums of weights at two steps, where it does not follow from the steps being parts of each other.
    nested : tuple of int
        Per axis: 1 where the events of each step are among those of the one before, -1 of the one after, 0 neither.
    method : str
    """

    n: Ints
    sum_w: Floats
    sum_w2: Floats
    covariance: Floats | None
    nested: tuple[int, ...]
    method: str

    def __add__(self, other: ScanCounts) -> ScanCounts:
        if (self.n.shape, self.sum_w.shape, self.method) != (other.n.shape, other.sum_w.shape, other.method):
            raise UserError("cannot add scans with different steps or weights")
        both = self.covariance is not None and other.covariance is not None
        return replace(
            self,
            n=self.n + other.n,
            sum_w=self.sum_w + other.sum_w,
            sum_w2=self.sum_w2 + other.sum_w2,
            covariance=self.covariance + other.covariance if both else None,  # type: ignore[operator]
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ScanCounts):
            return NotImplemented
        return (self.nested, self.method) == (other.nested, other.method) and all(
            np.array_equal(a, b) for a, b in ((self.n, other.n), (self.sum_w, other.sum_w), (self.sum_w2, other.sum_w2))
        )

    __hash__ = None  # type: ignore[assignment]


Scans = dict[tuple[str, str], ScanCounts]
"""Counts by name of the scan and of the region."""


def empty(scans: Sequence[BoundScan], variations: int) -> Scans:
    """Return the counts of no event."""
    made: Scans = {}
    for scan in scans:
        shape = tuple(len(axis.values) for axis in scan.axes)
        for region in scan.regions:
            rows = max(1, variations)
            nested = tuple(threshold.steps(np.zeros(0))[1] for threshold in region.thresholds)
            keeps = not nested and len(shape) == 1 and shape[0] <= MAX_COVARIANCE
            made[scan.name, region.region] = ScanCounts(
                np.zeros(shape, np.int64),
                np.zeros((rows, *shape)),
                np.zeros((rows, *shape)),
                np.zeros((rows, *shape, *shape)) if keeps else None,
                nested or (0,) * len(shape),
                region.method,
            )
    return made


def add(a: Mapping[tuple[str, str], ScanCounts], b: Mapping[tuple[str, str], ScanCounts]) -> Scans:
    """Return the sum of two sets of counts; an empty one is the identity."""
    if not a or not b:
        return dict(a or b)
    if a.keys() != b.keys():
        raise UserError("cannot add: the scans are not the same")
    return {key: counts + b[key] for key, counts in a.items()}


def count(
    scan: BoundScan,
    region: RegionScan,
    block: EventTable,
    values: Mapping[int, Any],
    visible: Bools,
    weights: Floats,
) -> ScanCounts:
    """Return what a block of events adds to one region of a scan.

    Parameters
    ----------
    block : EventTable
    values : mapping of node id to value
        Of the scan's `roots`.
    visible : bool array of shape (N,)
        The events that may be looked at.
    weights : float64 array of shape (V, N)
        V = 0 where every event counts as 1.
    """
    mask = visible.copy()
    for node in region.fixed:
        mask &= values[node.id].true
    chosen = np.flatnonzero(mask)
    rows = weights[:, chosen] if len(weights) else np.ones((1, len(chosen)))
    if region.thresholds:
        return _by_threshold(region.thresholds, values, chosen, rows, block.size)
    return _by_step(scan, region, block, values, chosen, rows)


def _by_threshold(
    thresholds: Sequence[Threshold], values: Mapping[int, Any], chosen: Ints, weights: Floats, size: int
) -> ScanCounts:
    """Put each event into its interval of thresholds, and add the intervals up."""
    shape = tuple(len(threshold.limits) for threshold in thresholds)
    bins = np.zeros(len(chosen), np.int64)
    known = np.ones(len(chosen), bool)
    directions = []
    for threshold in thresholds:
        numbers = np.broadcast_to(values[threshold.number.id].floats, (size,))[chosen]
        known &= ~np.isnan(numbers)
        passed, direction = threshold.steps(numbers)
        bins = bins * (len(threshold.limits) + 1) + passed
        directions.append(direction)
    bins, weights = bins[known], weights[:, known]
    inside = tuple(p + 1 for p in shape)
    cells = int(np.prod(inside))

    def steps(intervals: Array) -> Array:
        found = intervals.reshape(inside)
        for axis, direction in enumerate(directions):
            # an event in interval k passes at k steps: the first ones, or the last ones
            found = np.flip(np.cumsum(np.flip(found, axis), axis), axis)
            found = np.delete(found, 0, axis)
            found = found if direction > 0 else np.flip(found, axis)
        return found

    sums = np.zeros((2, len(weights), cells))
    for start in range(0, len(bins), CHUNK):
        part = bins[start : start + CHUNK]
        for v, row in enumerate(weights[:, start : start + CHUNK]):
            sums[0, v] += np.bincount(part, row, cells)
            sums[1, v] += np.bincount(part, row * row, cells)
    return ScanCounts(
        steps(np.bincount(bins, minlength=cells)),
        np.stack([steps(row) for row in sums[0]]),
        np.stack([steps(row) for row in sums[1]]),
        None,
        tuple(directions),
        "threshold",
    )


def _by_step(
    scan: BoundScan, region: RegionScan, block: EventTable, values: Mapping[int, Any], chosen: Ints, weights: Floats
) -> ScanCounts:
    """Evaluate what depends on the parameters for each step."""
    shape = tuple(len(axis.values) for axis in scan.axes)
    masks = np.zeros((int(np.prod(shape)), len(chosen)), bool)
    for mask, truth in zip(masks, _truths(scan, region, block, values), strict=True):
        mask[:] = np.broadcast_to(truth, (block.size,))[chosen]
    squares = weights * weights
    n = masks.sum(axis=1).reshape(shape)
    picked = masks.astype(np.float64)
    keeps = len(shape) == 1 and shape[0] <= MAX_COVARIANCE
    covariance = np.stack([(picked * row) @ picked.T for row in squares]) if keeps else None
    return ScanCounts(
        n,
        (weights @ picked.T).reshape(-1, *shape),
        (squares @ picked.T).reshape(-1, *shape),
        covariance,
        (0,) * len(shape),
        "steps",
    )


def _truths(scan: BoundScan, region: RegionScan, block: EventTable, values: Mapping[int, Any]) -> Iterator[Bools]:
    from emiss.events.language.running.values import Numbers

    given = {node.id: values[node.id] for node in frontier(region.varied)}
    plan = Plan(region.varied, given={*given, *(node.id for node in scan.parameters)})
    for step in product(*(axis.values for axis in scan.axes)):
        for axis, node, value in zip(scan.axes, scan.parameters, step, strict=True):
            given[node.id] = Numbers(np.asarray(value * axis.factor))
        found = plan.run(block, given)
        truth = found[region.varied[0].id].true
        for node in region.varied[1:]:
            truth = truth & found[node.id].true
        yield truth
