"""`Kept`: a block of events with the values that were computed for it, as long as what they depend on stays.

What is kept: the numbers and truths that an open parameter is applied to, the packed masks of the parts of cuts, weights, and
the bins that events lie in. Everything else is computed on the way and dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from emiss.events.language.running.operations import OPERATIONS
from emiss.selection.counting.tally import pack
from emiss.selection.tuning.fill_kernels import count_intervals

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from emiss.configs.arrays import Floats, Ints
    from emiss.events.language.running.evaluate import Plan
    from emiss.events.language.running.program import Node
    from emiss.events.language.running.values import Numbers, Rows, Truths
    from emiss.events.table import EventTable
    from emiss.selection.counting.histograms import BoundHistogram
    from emiss.selection.counting.tally_kernels import Packed
    from emiss.selection.tuning.parts import Compared, Part


@dataclass(frozen=True)
class Marks:
    """A part of a cut on the events of a block: where it is true, and where it is undefined (None: nowhere)."""

    true: Packed
    undefined: Packed | None


@dataclass
class Kept:
    """A block of events, all of which may be seen.

    Attributes
    ----------
    table : EventTable
    values : mapping of node id to value
    made : mapping of key to what was made of the values
        Packed masks, bins and weights.
    """

    table: EventTable
    values: dict[int, Any] = field(default_factory=dict)
    made: dict[Hashable, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Number of events."""
        return self.table.size

    def run(self, plan: Plan, given: Mapping[int, Any], keep: Sequence[int]) -> None:
        """Compute values that are not there."""
        found = plan.run(self.table, {**self.values, **given})
        self.values |= {node_id: found[node_id] for node_id in keep}

    def everything(self) -> Packed:
        """Return the mask of all events."""
        if "all" not in self.made:
            self.made["all"] = pack(np.ones((), bool), self.size)
        return cast("Packed", self.made["all"])

    def marks(self, part: Part) -> Marks:
        """Return where a part of a cut is true."""
        key = "part", part.node.id, None if part.over is None else part.over.id
        if key not in self.made:
            truth: Truths = self.values[part.node.id]
            if part.over is not None:
                rows: Rows = self.values[part.over.id]
                if truth.true.ndim == 0:
                    from emiss.events.language.running.values import Truths as Made

                    unknown = truth.undefined
                    wide = None if unknown is None else np.broadcast_to(unknown, (rows.size,))
                    truth = Made(np.broadcast_to(truth.true, (rows.size,)), wide)
                truth = cast("Truths", OPERATIONS["all"](self.table, part.node, (truth, rows)))
            unknown = truth.undefined
            undefined = None if unknown is None or not np.any(unknown) else pack(unknown, self.size)
            self.made[key] = Marks(pack(truth.true, self.size), undefined)
        return cast("Marks", self.made[key])

    def weights(self, node: Node | None) -> Floats:
        """Return the weights of the events, shape (1, N); NaN where one is undefined."""
        key = "weight", None if node is None else node.id
        if key not in self.made:
            numbers = np.ones(()) if node is None else cast("Numbers", self.values[node.id]).floats
            self.made[key] = np.ascontiguousarray(np.broadcast_to(numbers, (1, self.size)))
        return cast("Floats", self.made[key])

    def intervals(self, compared: Compared, limits: Floats) -> Ints:
        """Return the interval of thresholds that each event lies in, see `count_intervals`; int32, shape (N,)."""
        key, asked = ("interval", compared), limits.tobytes()
        if key not in self.made or self.made[key][0] != asked:
            bins = np.empty(self.size, np.int32)
            count_intervals(self.number(compared), limits, compared.below, compared.equal, bins)
            self.made[key] = asked, bins
        return cast("Ints", self.made[key][1])

    def number(self, compared: Compared) -> Floats:
        """Return the numbers that are held against a threshold, shape (N,): of a list that of the row that fails first."""
        numbers = cast("Numbers", self.values[compared.number.id]).floats
        if compared.rows is None:
            return np.ascontiguousarray(np.broadcast_to(numbers, (self.size,)))
        rows: Rows = self.values[compared.rows.id]
        spread = np.broadcast_to(numbers, (rows.size,))
        function, empty = (np.maximum, -np.inf) if compared.below else (np.minimum, np.inf)
        return np.ascontiguousarray(rows.reduce(function, spread, empty))

    def bins(self, spec: BoundHistogram, axes: Sequence[Any]) -> tuple[Ints, Ints | None]:
        """Return the bin of each event or row of a histogram, flow bins included, the last one for undefined; and offsets."""
        key = "bins", spec.name
        if key not in self.made:
            rows: Rows | None = None if spec.rows is None else self.values[spec.rows.id]
            length = self.size if rows is None else rows.size
            place = np.zeros(length, np.int32)
            known = np.ones(length, bool)
            total = 1
            for node, axis, declared in zip(spec.nodes, axes, spec.axes, strict=True):
                shown = np.broadcast_to(cast("Numbers", self.values[node.id]).floats / declared.factor, (length,))
                known &= ~np.isnan(shown)
                place = place * (axis.size + 2) + axis.index(shown).astype(np.int32) + 1
                total *= axis.size + 2
            place = np.where(known, place, np.int32(total)).astype(np.int32)
            self.made[key] = place, None if rows is None else np.ascontiguousarray(rows.offsets, np.int64)
        return cast("tuple[Ints, Ints | None]", self.made[key])
