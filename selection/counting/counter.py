"""Counting: events come in batches of any size, and go through the cuts, histograms and scans of an analysis in fixed blocks.

The blocks are the same rows of a table however it is cut into batches, so that sums of weights are the same to the last bit,
whether the table is just being made or was stored long ago.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from emiss.events.language.running.evaluate import BLOCK, with_columns
from emiss.events.table import EventTable
from emiss.selection.counting import histograms, scans
from emiss.selection.counting.counts import ALL, CutCounts, Tally, add_regions
from emiss.selection.counting.tally import KINDS, Counts, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.arrays import Bools, Floats
    from emiss.events.language.running.evaluate import Plan
    from emiss.events.language.running.program import Node
    from emiss.events.language.running.values import Numbers, Truths
    from emiss.events.language.syntax.expression import Expression
    from emiss.selection.analysis.model import Cut
    from emiss.selection.counting.counts import Regions, Rows
    from emiss.selection.counting.histograms import BoundHistogram
    from emiss.selection.counting.scans import BoundScan
    from emiss.selection.counting.tally_kernels import Packed

QUALITY = "event.quality"

ALL_EVENTS = -1
"""Stands for the id of a node that is true for all events that are looked at."""


@dataclass(frozen=True)
class Region:
    """A region: its cuts, the node of each, what each means, and the definitions behind it."""

    name: str
    cuts: tuple[Cut, ...]
    nodes: tuple[Node, ...]
    meanings: tuple[str, ...]
    uses: tuple[tuple[tuple[str, str], ...], ...]


@dataclass(frozen=True)
class Yields:
    """What an analysis makes of the events of one sample; such yields add.

    Attributes
    ----------
    regions : Regions
        The counts of the cutflow.
    histograms : mapping of Key to Filled
    scans : mapping of (scan, region) to ScanCounts
    """

    regions: Regions = field(default_factory=dict)
    histograms: Mapping[histograms.Key, histograms.Filled] = field(default_factory=dict)
    scans: Mapping[tuple[str, str], scans.ScanCounts] = field(default_factory=dict)

    def __add__(self, other: Yields) -> Yields:
        return Yields(
            add_regions(self.regions, other.regions),
            histograms.add(self.histograms, other.histograms),
            scans.add(self.scans, other.scans),
        )


@dataclass(frozen=True)
class Weight:
    """A weight of the events: as it was written, and its node."""

    expression: Expression
    node: Node


@dataclass(frozen=True)
class Shifted:
    """One direction of a systematic variation: its name, the regions with what is shifted, and the weight (None: 1)."""

    name: str
    regions: tuple[Region, ...]
    weight: Weight | None


@dataclass(frozen=True)
class Work:
    """What is to be done with each block of events.

    Attributes
    ----------
    regions : tuple of Region
    weights : mapping of variation to Weight
        Empty where every event counts as 1.
    box : Node or None
        Events for which it is not false are left out.
    histograms, scans
        To be filled, and done.
    plan : Plan
        Computes all of these.
    columns : tuple of str
        That are read.
    damage : mapping of name to int
        Bits of `event.quality` that tell of lost data; empty where the column is not there.
    shifts : tuple of Shifted
    """

    regions: tuple[Region, ...]
    weights: Mapping[str, Weight]
    box: Node | None
    histograms: tuple[BoundHistogram, ...]
    scans: tuple[BoundScan, ...]
    plan: Plan
    columns: tuple[str, ...]
    damage: Mapping[str, int] = field(default_factory=dict)
    shifts: tuple[Shifted, ...] = ()


class Counter:
    """Counts events of one sample, fills its histograms and does its scans."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self._counts = [Counts.empty(len(region.cuts), len(work.weights)) for region in work.regions]
        self._shifted = [
            [Counts.empty(len(region.cuts), int(shift.weight is not None)) for region in shift.regions]
            for shift in work.shifts
        ]
        self._filled = histograms.empty(work.histograms, list(work.weights))
        self._scanned = scans.empty(work.scans, len(work.weights))
        self._damaged: list[dict[str, int]] = [{} for _ in work.regions]
        self._waiting: list[EventTable] = []
        self._values: object = None
        self._rows: object = None

    def add(self, table: EventTable) -> None:
        """Take events; they are counted when a block of them is complete, or in the end.

        Raises
        ------
        UserError
            If a column is not there, or the weight of an event is undefined.
        """
        rest = with_columns(table, self.work.columns)
        while (missing := BLOCK - sum(map(len, self._waiting))) <= len(rest):
            self._block([*self._waiting, rest.slice(0, missing)])
            self._waiting = []
            rest = rest.slice(missing, len(rest))
        if len(rest):
            self._waiting.append(rest)

    def yields(self) -> Yields:
        """Return what has been counted of all events that were added; call it once."""
        if self._waiting:
            self._block(self._waiting)
            self._waiting = []
        variations = list(self.work.weights) or [histograms.UNWEIGHTED]
        regions = {
            region.name: {
                variation: rows_of(region, count, v, len(self.work.weights), damaged)
                for v, variation in enumerate(variations)
            }
            for region, count, damaged in zip(self.work.regions, self._counts, self._damaged, strict=True)
        }
        for shift, counts in zip(self.work.shifts, self._shifted, strict=True):
            for region, count in zip(shift.regions, counts, strict=True):
                regions[region.name][shift.name] = rows_of(region, count, 0, int(shift.weight is not None), {})
        return Yields(regions, self._filled, self._scanned)

    def _block(self, parts: list[EventTable]) -> None:
        """Count one block."""
        parts = [part for part in parts if len(part)] or parts[:1]
        block = parts[0] if len(parts) == 1 else EventTable.concatenate(parts)
        # kept until the next block has its own: memory that goes back to the system between blocks costs a third of the time
        self._values = values = self.work.plan.run(block)
        box = self.work.box
        visible = np.broadcast_to(cast("Truths", values[box.id]).false if box is not None else True, (block.size,))
        self._rows = weights = self._weights(values, block.size, visible)
        passed = self._add(values, block.size, visible, weights)
        if self.work.damage:
            self._carry(block, passed)
        if self._filled:
            self._fill(values, block, passed, weights)
        for scan in self.work.scans if self._scanned else ():
            for region in scan.regions:
                key = scan.name, region.region
                self._scanned[key] += scans.count(scan, region, block, values, visible, weights)

    def _add(self, values: Mapping[int, object], size: int, visible: Bools, weights: Floats) -> dict[int, Packed]:
        """Add a block to the counts of each region; return the visible events that pass each cut, packed, by node id."""
        everything = pack(visible, size)
        passed: dict[int, Packed] = {ALL_EVENTS: everything}
        undefined: dict[int, Packed | None] = {}
        shifted = [region for shift in self.work.shifts for region in shift.regions]
        for region in (*self.work.regions, *shifted):
            for node in region.nodes:
                if node.id not in passed:
                    truth = cast("Truths", values[node.id])
                    unknown = truth.undefined
                    passed[node.id] = pack(truth.true, size) & everything
                    undefined[node.id] = None if unknown is None else pack(unknown, size) & everything
        for region, count in zip(self.work.regions, self._counts, strict=True):
            ids = [node.id for node in region.nodes]
            count.add(everything, [passed[i] for i in ids], [undefined[i] for i in ids], weights)
        for shift, counts in zip(self.work.shifts, self._shifted, strict=True):
            own = (
                np.zeros((0, size))
                if shift.weight is None
                else self._weight(shift.name, shift.weight, values, size, visible)
            )
            for region, count in zip(shift.regions, counts, strict=True):
                ids = [node.id for node in region.nodes]
                count.add(everything, [passed[i] for i in ids], [undefined[i] for i in ids], own)
        return passed

    def _carry(self, block: EventTable, passed: Mapping[int, Packed]) -> None:
        """Count the events of a block that pass all cuts of a region with a bit that tells of lost data."""
        quality = block.flat[QUALITY].astype(np.int64)
        if not (quality & sum(self.work.damage.values())).any():
            return
        for region, found in zip(self.work.regions, self._damaged, strict=True):
            words = passed[ALL_EVENTS]
            for node in region.nodes:
                words = words & passed[node.id]
            chosen = quality[unpack(words, block.size)]
            for name, bit in self.work.damage.items():
                found[name] = found.get(name, 0) + int(np.count_nonzero(chosen & bit))

    def _fill(
        self, values: Mapping[int, object], block: EventTable, passed: Mapping[int, Packed], weights: Floats
    ) -> None:
        """Fill all histograms with a block."""
        regions = {region.name: region for region in self.work.regions}

        def mask(stage: histograms.Stage) -> Bools:
            words = passed[ALL_EVENTS]
            for position in stage.cuts:
                words = words & passed[regions[stage.region].nodes[position].id]
            return unpack(words, block.size)

        for spec in self.work.histograms:
            histograms.fill(spec, values, block.size, mask, weights, list(self.work.weights), self._filled)

    def _weights(self, values: Mapping[int, object], size: int, visible: Bools) -> Floats:
        rows = np.zeros((len(self.work.weights), size))
        for row, (name, weight) in zip(rows, self.work.weights.items(), strict=True):
            row[:] = self._weight(name, weight, values, size, visible)[0]
        return rows

    @staticmethod
    def _weight(name: str, weight: Weight, values: Mapping[int, object], size: int, visible: Bools) -> Floats:
        """Return one weight of the events of a block, 0 where they are hidden; shape (1, size)."""
        number = cast("Numbers", values[weight.node.id])
        unknown = number.undefined
        if unknown is not None and (wrong := np.broadcast_to(unknown, (size,)) & visible).any():
            message = f"the weight '{name}' is undefined for {int(wrong.sum())} of {int(visible.sum())} events"
            hint = "an event without a weight cannot be counted; write where(isfinite(w), w, 1) to give it one"
            raise weight.expression.place.error(message, hint=hint)
        return np.where(visible, number.floats, 0.0)[np.newaxis]


def rows_of(region: Region, counts: Counts, v: int, variations: int, damaged: Mapping[str, int]) -> Rows:
    """Return the rows of one region and variation; without weights the sums are the counts."""

    def made(n: int, sums: Floats) -> Tally:
        if not variations:
            return Tally(int(n), float(n), float(n))
        return Tally(int(n), float(sums[v]), float(sums[variations + v]))

    everything = made(counts.total, counts.total_sums)
    rows = [CutCounts(ALL, sequential=everything)]
    for i, cut in enumerate(region.cuts):
        kinds = {kind: made(counts.n[i, k], counts.sums[i, k]) for k, kind in enumerate(KINDS)}
        reached, alone = (int(count) for count in counts.undefined[i])
        rows.append(
            CutCounts(
                name=cut.name,
                require=cut.resolved,
                sequential=kinds["sequential"],
                undefined=reached,
                individual=kinds["individual"],
                individual_undefined=alone,
                n_minus_1=kinds["n_minus_1"],
                only_failed=kinds["only_failed"],
                overlap=tuple(int(n) for n in counts.overlap[i, :i]),
                condition=region.meanings[i],
                uses=region.uses[i],
            )
        )
    rows[-1] = replace(rows[-1], damaged=tuple(sorted((name, n) for name, n in damaged.items() if n)))
    return tuple(rows)
