"""`Bound`: an analysis on the columns of a table, ready to count; one pass over the events, block by block.

All cuts, regions and weights are one program (made in `bind`), so that what they have in common is computed once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import numpy as np

from configs.errors import UserError, did_you_mean
from events.language.evaluate import Plan, blocks, columns_read
from selection import histograms, scans
from selection.blinding import is_hidden
from selection.counts import ALL, CutCounts, Tally, add_regions
from selection.masks import KINDS, Counts, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from events.columns import Column
    from events.language.program import Node
    from events.language.values import Numbers, Truths
    from events.lists import Array
    from events.table import EventTable
    from selection.analysis import Analysis, Cut
    from selection.counts import Regions, Rows
    from selection.histograms import BoundHistogram
    from selection.scans import BoundScan

COUNTS, SCANS, ALL_PRODUCTS = "counts", "scans", "all"
"""What a pass over the events makes: counts; these and scans; these and histograms."""

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


class Bound:
    """An analysis bound to columns.

    Attributes
    ----------
    analysis : Analysis
    columns : tuple of str
        Full names of the columns that have to be read.
    """

    def __init__(
        self,
        analysis: Analysis,
        columns: Mapping[str, Column],
        regions: Sequence[Region],
        weights: Mapping[str, Node],
        box: Node | None,
        histograms: Sequence[BoundHistogram] = (),
        scans: Sequence[BoundScan] = (),
    ) -> None:
        self.analysis = analysis
        self.regions = tuple(regions)
        self.weights = dict(weights)
        self.box = box
        self.histograms = tuple(histograms)
        self.scans = tuple(scans)
        counted = [node for region in regions for node in region.nodes] + list(weights.values())
        scanned = [node for scan in scans for node in scan.roots]
        filled = [node for histogram in histograms for node in histogram.roots]
        needed = {COUNTS: counted, SCANS: [*counted, *scanned], ALL_PRODUCTS: [*counted, *scanned, *filled]}
        self._plans = {
            (hide, what): Plan(list(dict.fromkeys([*([box] if hide and box else []), *roots])))
            for hide in (False, True)
            for what, roots in needed.items()
        }
        self._read = {key: columns_read(plan.roots, columns) for key, plan in self._plans.items()}
        self.columns = self._read[True, ALL_PRODUCTS]

    def blinded(self, sample: str | None, role: str | None) -> bool:
        """Return whether events of this sample are hidden inside the box."""
        return is_hidden(self.analysis, sample, role)

    def count(
        self, table: EventTable, *, sample: str | None = None, role: str | None = None, unblind: bool = False
    ) -> Regions:
        """Count the events of a table, without histograms and scans; see `run`."""
        return self._run(table, sample, role, COUNTS, unblind=unblind).regions

    def run(
        self,
        table: EventTable,
        *,
        sample: str | None = None,
        role: str | None = None,
        unblind: bool = False,
        fill: bool = True,
    ) -> Yields:
        """Count the events of a table, fill the histograms and do the scans, in one pass.

        Parameters
        ----------
        table : EventTable
            With at least `columns`.
        sample, role : str, optional
            Of the sample that the table is of; the table's own where neither is given. They decide about blinding.
        unblind : bool
            Count also the events inside the box of blinded samples.
        fill : bool
            Fill the histograms, too; without, their columns are not needed.

        Raises
        ------
        UserError
            If a column is not there, or the weight of an event is undefined.
        """
        return self._run(table, sample, role, ALL_PRODUCTS if fill else SCANS, unblind=unblind)

    def columns_for(self, *, fill: bool) -> tuple[str, ...]:
        """Return the columns that `run` reads, with or without histograms."""
        return self._read[True, ALL_PRODUCTS if fill else SCANS]

    def _run(self, table: EventTable, sample: str | None, role: str | None, what: str, *, unblind: bool) -> Yields:
        hide = not unblind and self.blinded(*_identity(table, sample, role))
        plan = self._plans[hide, what]
        counts = [Counts.empty(len(region.cuts), len(self.weights)) for region in self.regions]
        filled = histograms.empty(self.histograms if what == ALL_PRODUCTS else (), list(self.weights))
        scanned = scans.empty(self.scans if what != COUNTS else (), len(self.weights))
        for block in blocks(table, self._read[hide, what]):
            values = plan.run(block)
            visible = np.broadcast_to(values[self.box.id].false if hide and self.box else True, (block.size,))
            weights = self._weights(values, block.size, visible)
            passed = self._add(values, block.size, visible, weights, counts)
            if filled:
                self._fill(values, block, passed, weights, filled)
            for scan in self.scans if scanned else ():
                for region in scan.regions:
                    key = scan.name, region.region
                    scanned[key] += scans.count(scan, region, block, values, visible, weights)
        variations = list(self.weights) or [histograms.UNWEIGHTED]
        regions = {
            region.name: {
                variation: _rows(region, count, v, len(self.weights)) for v, variation in enumerate(variations)
            }
            for region, count in zip(self.regions, counts, strict=True)
        }
        return Yields(regions, filled, scanned)

    def passing(
        self,
        table: EventTable,
        region: str | None = None,
        after: str | None = None,
        *,
        sample: str | None = None,
        role: str | None = None,
        unblind: bool = False,
    ) -> Array:
        """Return the mask of the events that pass all cuts of a region (of the first one, by default); shape (N,).

        With `after`, only that cut and those before it have to be passed. Hidden events of blinded samples do not pass.
        """
        chosen = self.region(region)
        needed_ = self._position(chosen, after) + 1
        return self.passed(table, region, sample=sample, role=role, unblind=unblind) >= needed_

    def passed(
        self,
        table: EventTable,
        region: str | None = None,
        *,
        sample: str | None = None,
        role: str | None = None,
        unblind: bool = False,
    ) -> Array:
        """Return how many cuts of a region each event passes one after the other; int of shape (N,), -1 where hidden."""
        nodes = self.region(region).nodes
        hide = not unblind and self.blinded(*_identity(table, sample, role))
        plan = Plan(list(dict.fromkeys([*nodes, *([self.box] if hide and self.box else [])])))
        parts = [np.zeros(0, np.int64)]
        for block in blocks(table, self._read[hide, COUNTS]):
            values = plan.run(block)
            mask = np.ones(block.size, bool)
            count = np.zeros(block.size, np.int64)
            for node in nodes:
                mask &= values[node.id].true
                count += mask
            if hide and self.box is not None:
                count[~np.broadcast_to(values[self.box.id].false, (block.size,))] = -1
            parts.append(count)
        return np.concatenate(parts)

    @staticmethod
    def _position(region: Region, cut: str | None) -> int:
        names = [cut.name for cut in region.cuts]
        if cut is None:
            return len(names) - 1
        if cut not in names:
            raise UserError(f"region '{region.name}' has no cut '{cut}'", hint=did_you_mean(cut, names))
        return names.index(cut)

    def region(self, name: str | None) -> Region:
        """Return a region by its name; the first one for None."""
        for region in self.regions:
            if name in (None, region.name):
                return region
        hint = did_you_mean(str(name), [region.name for region in self.regions])
        raise UserError(f"the analysis has no region '{name}'", hint=hint)

    def _add(
        self, values: Mapping[int, object], size: int, visible: Array, weights: Array, counts: list[Counts]
    ) -> dict[int, Array]:
        """Add a block to the counts of each region; return the visible events that pass each cut, packed, by node id."""
        everything = pack(visible, size)
        passed: dict[int, Array] = {ALL_EVENTS: everything}
        undefined: dict[int, Array | None] = {}
        for region in self.regions:
            for node in region.nodes:
                if node.id not in passed:
                    truth = cast("Truths", values[node.id])
                    unknown = truth.undefined
                    passed[node.id] = pack(truth.true, size) & everything
                    undefined[node.id] = None if unknown is None else pack(unknown, size) & everything
        for region, count in zip(self.regions, counts, strict=True):
            ids = [node.id for node in region.nodes]
            count.add(everything, [passed[i] for i in ids], [undefined[i] for i in ids], weights)
        return passed

    def _fill(
        self,
        values: Mapping[int, object],
        block: EventTable,
        passed: Mapping[int, Array],
        weights: Array,
        into: histograms.Histograms,
    ) -> None:
        """Fill all histograms with a block."""
        regions = {region.name: region for region in self.regions}

        def mask(stage: histograms.Stage) -> Array:
            words = passed[ALL_EVENTS]
            for position in stage.cuts:
                words = words & passed[regions[stage.region].nodes[position].id]
            return unpack(words, block.size)

        for spec in self.histograms:
            histograms.fill(spec, values, block.size, mask, weights, list(self.weights), into)

    def _weights(self, values: Mapping[int, object], size: int, visible: Array) -> Array:
        rows = np.zeros((len(self.weights), size))
        for row, (name, node) in zip(rows, self.weights.items(), strict=True):
            number = cast("Numbers", values[node.id])
            row[:] = np.where(visible, number.floats, 0.0)
            unknown = number.undefined
            if unknown is not None and (wrong := np.broadcast_to(unknown, (size,)) & visible).any():
                expression = self.analysis.weights[name]
                message = f"the weight '{name}' is undefined for {int(wrong.sum())} of {int(visible.sum())} events"
                hint = "an event without a weight cannot be counted; write where(isfinite(w), w, 1) to give it one"
                raise expression.place.error(message, hint=hint)
        return rows


def _identity(table: EventTable, sample: str | None, role: str | None) -> tuple[str | None, str | None]:
    if sample is None and role is None:
        return table.metadata.sample, table.metadata.role
    return sample, role


def _rows(region: Region, counts: Counts, v: int, variations: int) -> Rows:
    """Return the rows of one region and variation; without weights the sums are the counts."""

    def made(n: int, sums: Array) -> Tally:
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
    return tuple(rows)
