"""`LiveSample`: the events of one sample in memory, and what an analysis with turned parameters makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.configs.errors import UserError
from emiss.events.language.running.evaluate import Plan
from emiss.events.language.running.program import needed
from emiss.events.language.running.values import Numbers
from emiss.selection.counting import tally_kernels
from emiss.selection.counting.histograms import Filled
from emiss.selection.counting.tally import Counts
from emiss.selection.tuning.blocks import Kept, Marks
from emiss.selection.tuning.fill_kernels import fill_events, fill_rows

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from emiss.configs.arrays import Floats
    from emiss.events.language.running.program import Node
    from emiss.events.table import EventTable
    from emiss.selection.counting.histograms import BoundHistogram
    from emiss.selection.counting.tally_kernels import Packed
    from emiss.selection.tuning.opened import Knob, OpenCut, Opened
    from emiss.selection.tuning.parts import Compared, Part


@dataclass(frozen=True)
class Stage:
    """The events that a histogram is filled with: those that pass these cuts, by name."""

    name: str
    cuts: tuple[str, ...]


@dataclass(frozen=True)
class Gate:
    """A threshold whose place is looked for: the part of a cut, and the steps, rising, in base units."""

    cut: str
    part: Part
    compared: Compared
    limits: tuple[float, ...]


class LiveSample:
    """Events of one sample, all of which may be seen; what was computed is kept as long as it stays true."""

    def __init__(self, opened: Opened, blocks: Iterable[EventTable]) -> None:
        self.opened = opened
        self.blocks = [Kept(block) for block in blocks if block.size]
        self._values: dict[Knob, float] = {}
        self._there: set[int] = set()
        self._axes: dict[str, Sequence[Any]] = {}
        self._plans: dict[Hashable, tuple[Plan, tuple[int, ...]]] = {}

    @property
    def size(self) -> int:
        """Number of events."""
        return sum(block.size for block in self.blocks)

    def turn(self, values: Mapping[Knob, float]) -> None:
        """Give the open parameters their values; what depends on one that changes is forgotten."""
        changed = {knob for knob, value in values.items() if self._values.get(knob) != value}
        self._values.update(values)
        gone = {node_id for node_id, knobs in self.opened.depends.items() if knobs & changed}
        if not gone:
            return
        self._there -= gone
        for block in self.blocks:
            for node_id in gone & block.values.keys():
                del block.values[node_id]
            for key in [key for key in block.made if not gone.isdisjoint(self._behind(key))]:
                del block.made[key]

    def _behind(self, key: Any) -> Iterable[int]:
        """Return the ids of the nodes that something was made of."""
        kind, *rest = key if isinstance(key, tuple) else (key,)
        if kind == "interval":
            return (rest[0].number.id, *(() if rest[0].rows is None else (rest[0].rows.id,)))
        if kind == "bins":
            return (node.id for spec in self.opened.bound.histograms if spec.name == rest[0] for node in spec.roots)
        return (node_id for node_id in rest if node_id is not None)

    def axes(self, spec: BoundHistogram) -> Sequence[Any]:
        """Return the axes of a histogram, which find bins."""
        if spec.name not in self._axes:
            self._axes[spec.name] = Filled.empty(spec).hist.axes
        return self._axes[spec.name]

    def need(self, roots: Iterable[Node]) -> None:
        """Compute the values of some nodes where they are not there."""
        missing = tuple(dict.fromkeys(node for node in roots if node.id not in self._there))
        if not missing:
            return
        key = tuple(node.id for node in missing), frozenset(self._there)
        if key not in self._plans:
            if len(self._plans) > 500:
                self._plans.clear()
            kept = [*missing, *self._frontier(missing)]
            given = {*self._there, *(node.id for node in self.opened.scanned.values())}
            self._plans[key] = Plan(list(dict.fromkeys(kept)), given=given), tuple(node.id for node in kept)
        plan, keep = self._plans[key]
        scanned = {node.id: Numbers(np.asarray(self._values[knob])) for knob, node in self.opened.scanned.items()}
        for block in self.blocks:
            block.run(plan, scanned, keep)
        self._there |= set(keep)

    def _frontier(self, roots: Iterable[Node]) -> list[Node]:
        """Return the nodes whose values an open parameter is applied to: with them, a turn of it costs least."""
        given = {*self._there, *(node.id for node in self.opened.scanned.values())}
        return [
            arg
            for node in needed(roots, given)
            for arg in (node.args if node.id not in given else ())
            if self.opened.of(node) - self.opened.of(arg) and arg.id not in given and not arg.constant
        ]

    def look(self, cuts: Sequence[OpenCut], weight: Node | None, name: str) -> Look:
        """Return a look at the events through some cuts in their order, with a weight.

        Raises
        ------
        UserError
            If the weight of an event is undefined.
        """
        self.need([*(root for cut in cuts for part in cut.parts for root in part.roots)])
        if weight is not None:
            self.need([weight])
            wrong = sum(int(np.isnan(block.weights(weight)).sum()) for block in self.blocks)
            if wrong:
                raise UserError(f"the weight '{name}' is undefined for {wrong} of {self.size} events")
        return Look(self, tuple(cuts), weight)


class Look:
    """The events of a sample through cuts: their packed masks, and what is counted with them; until the sample is turned."""

    def __init__(self, sample: LiveSample, cuts: tuple[OpenCut, ...], weight: Node | None) -> None:
        self.sample = sample
        self.cuts = cuts
        self.weight = weight
        self._masks: dict[tuple[int, str], tuple[Packed, Packed | None]] = {}

    def mask(self, number: int, cut: OpenCut) -> tuple[Packed, Packed | None]:
        """Return where a cut is true in block `number`, and where it is undefined."""
        key = number, cut.name
        if key not in self._masks:
            block = self.sample.blocks[number]
            self._masks[key] = _both([block.marks(part) for part in cut.parts])
        return self._masks[key]

    def counts(self) -> Counts:
        """Return the counts of all cuts."""
        found = Counts.empty(len(self.cuts), 0 if self.weight is None else 1)
        for number, block in enumerate(self.sample.blocks):
            shape = len(self.cuts), len(block.everything())
            passed, unknown = np.zeros(shape, np.uint64), np.zeros(shape, np.uint64)
            for row, cut in enumerate(self.cuts):
                passed[row], unsure = self.mask(number, cut)
                if unsure is not None:
                    unknown[row] = unsure
            total, first, alone = tally_kernels.count_words(
                block.everything(), passed, unknown, found.n, found.undefined, found.overlap
            )
            found.total += total
            if self.weight is not None and not self.weight.constant:
                weights = block.weights(self.weight)
                tally_kernels.sum_weights(passed, first, alone, weights, found.total_sums, found.sums)
        if self.weight is not None and self.weight.constant and self.sample.blocks:
            weight = float(self.sample.blocks[0].weights(self.weight)[0, 0])
            powers = np.array([weight, weight * weight])
            found.total_sums[:] = found.total * powers
            found.sums[:] = found.n[:, :, None] * powers
        return found

    def intervals(self, gate: Gate) -> Floats:
        """Return the events that pass all but one part of a cut, by the interval of its thresholds.

        Returns
        -------
        float64, shape (steps + 2, 3)
            Number, sum of weights and of their squares; the last row is of those whose number is undefined.
        """
        self.sample.need(gate.part.roots)
        limits = np.asarray(gate.limits)
        found = np.zeros((len(limits) + 2, 3))
        for number, block in enumerate(self.sample.blocks):
            words = block.everything().copy()
            for cut in self.cuts:
                if cut.name != gate.cut:
                    words &= self.mask(number, cut)[0]
                    continue
                for part in cut.parts:
                    if part is not gate.part:
                        words &= block.marks(part).true
            bins = block.intervals(gate.compared, limits)
            fill_events(words, bins, block.weights(self.weight)[0], found)
        return found

    def filled(self, spec: BoundHistogram, stages: Sequence[Stage]) -> list[Floats]:
        """Return a histogram at some stages: number, sums of weights and of their squares, with the flow bins.

        Returns
        -------
        list of float64, shape (bins of all axes, flow included, + 1, 3)
            The last row is of what is undefined.
        """
        self.sample.need(spec.roots)
        axes = self.sample.axes(spec)
        size = int(np.prod([axis.size + 2 for axis in axes])) + 1
        by_name = {cut.name: cut for cut in self.cuts}
        found = np.zeros((len(stages), size, 3))
        for number, block in enumerate(self.sample.blocks):
            bins, offsets = block.bins(spec, axes)
            weights = block.weights(self.weight)[0]
            for row, stage in zip(found, stages, strict=True):
                masks = (self.mask(number, by_name[name])[0] for name in stage.cuts)
                words = reduce(np.bitwise_and, masks, block.everything())
                if offsets is None:
                    fill_events(words, bins, weights, row)
                else:
                    fill_rows(words, offsets, bins, weights, row)
        return list(found)

    def left(self) -> Floats:
        """Return number, sum of weights and of their squares of the events that pass all cuts, shape (3,)."""
        found = np.zeros((1, 3))
        for number, block in enumerate(self.sample.blocks):
            masks = (self.mask(number, cut)[0] for cut in self.cuts)
            words = reduce(np.bitwise_and, masks, block.everything())
            fill_events(words, np.zeros(block.size, np.int32), block.weights(self.weight)[0], found)
        return found[0]


def _both(marks: Sequence[Marks]) -> tuple[Packed, Packed | None]:
    """Return where all parts are true, and where that is undefined: none is false, and one is undefined."""
    true = marks[0].true
    for mark in marks[1:]:
        true = true & mark.true
    if all(mark.undefined is None for mark in marks):
        return true, None
    possible = [mark.true if mark.undefined is None else mark.true | mark.undefined for mark in marks]
    return true, reduce(np.bitwise_and, possible) & ~true
