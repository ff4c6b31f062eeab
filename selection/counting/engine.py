"""`Bound`: an analysis on the columns of a table, ready to count; one pass over the events, block by block.

All cuts, regions and weights are one program (made in `bind`), so that what they have in common is computed once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.errors import UserError, did_you_mean
from emiss.events.columns import DAMAGE_BITS
from emiss.events.language.running.evaluate import Plan, blocks, columns_read
from emiss.selection.blinding import is_hidden
from emiss.selection.counting.counter import QUALITY, Counter, Work

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from emiss.configs.arrays import Bools, Ints
    from emiss.events.columns import Column
    from emiss.events.language.running.program import Node
    from emiss.events.language.running.values import Truths
    from emiss.events.table import EventTable
    from emiss.selection.analysis.model import Analysis
    from emiss.selection.counting.counter import Region, Shifted, Weight, Yields
    from emiss.selection.counting.counts import Regions
    from emiss.selection.counting.histograms import BoundHistogram
    from emiss.selection.counting.scans import BoundScan

COUNTS, SCANS, ALL_PRODUCTS = "counts", "scans", "all"
"""What a pass over the events makes: counts; these and scans; these and histograms."""


@dataclass(frozen=True)
class Verdicts:
    """What cuts say of N events.

    Attributes
    ----------
    true, undefined : bool arrays of shape (cuts, N)
        Of each cut by itself.
    seen : bool array of shape (N,)
        False for what is inside the box of a blinded sample.
    """

    true: Bools
    undefined: Bools
    seen: Bools


class Bound:
    """An analysis bound to columns.

    Attributes
    ----------
    analysis : Analysis
    regions : tuple of Region
    weights : mapping of variation to Weight
    histograms : tuple of BoundHistogram
    scans : tuple of BoundScan
    shifts : tuple of Shifted
    columns : tuple of str
        Full names of the columns that have to be read.
    """

    def __init__(
        self,
        analysis: Analysis,
        columns: Mapping[str, Column],
        regions: Sequence[Region],
        weights: Mapping[str, Weight],
        box: Node | None,
        histograms: Sequence[BoundHistogram] = (),
        scans: Sequence[BoundScan] = (),
        shifts: Sequence[Shifted] = (),
    ) -> None:
        self.analysis = analysis
        self.regions = tuple(regions)
        self.weights = dict(weights)
        self.box = box
        self.histograms = tuple(histograms)
        self.scans = tuple(scans)
        self.shifts = tuple(shifts)
        self._work = {
            (hide, what): self._bring_together(
                columns,
                box if hide else None,
                self.histograms if what == ALL_PRODUCTS else (),
                self.scans if what != COUNTS else (),
            )
            for hide in (False, True)
            for what in (COUNTS, SCANS, ALL_PRODUCTS)
        }
        self.columns = self._work[True, ALL_PRODUCTS].columns

    def _bring_together(
        self,
        columns: Mapping[str, Column],
        box: Node | None,
        histograms: tuple[BoundHistogram, ...],
        scans: tuple[BoundScan, ...],
    ) -> Work:
        roots = [] if box is None else [box]
        roots += [node for region in self.regions for node in region.nodes]
        roots += [weight.node for weight in self.weights.values()]
        roots += [node for shift in self.shifts for region in shift.regions for node in region.nodes]
        roots += [shift.weight.node for shift in self.shifts if shift.weight is not None]
        roots += [node for scan in scans for node in scan.roots]
        roots += [node for histogram in histograms for node in histogram.roots]
        plan = Plan(list(dict.fromkeys(roots)))
        # looked at besides: who carries damage through all cuts
        bits = columns[QUALITY].bits if QUALITY in columns else {}
        damage = {name: 1 << bits[name] for name in DAMAGE_BITS if name in bits}
        read = columns_read(plan.roots, columns)
        if damage and QUALITY not in read:
            read = (*read, QUALITY)
        return Work(self.regions, self.weights, box, histograms, scans, plan, read, damage, self.shifts)

    def blinded(self, sample: str | None, role: str | None) -> bool:
        """Return whether events of this sample are hidden inside the box."""
        return is_hidden(self.analysis, sample, role)

    def count(
        self, table: EventTable, *, sample: str | None = None, role: str | None = None, unblind: bool = False
    ) -> Regions:
        """Count the events of a table, without histograms and scans; see `run`."""
        return self._one(table, sample, role, COUNTS, unblind=unblind).regions

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
        return self._one(table, sample, role, ALL_PRODUCTS if fill else SCANS, unblind=unblind)

    def counter(self, *, sample: str | None, role: str | None, unblind: bool = False, fill: bool = True) -> Counter:
        """Return what counts the events of a sample as they come, in any batches; see `run`."""
        hide = not unblind and self.blinded(sample, role)
        return Counter(self._work[hide, ALL_PRODUCTS if fill else SCANS])

    def _one(self, table: EventTable, sample: str | None, role: str | None, what: str, *, unblind: bool) -> Yields:
        counter = Counter(self._work[not unblind and self.blinded(*_identity(table, sample, role)), what])
        counter.add(table)
        return counter.yields()

    def columns_for(self, *, fill: bool) -> tuple[str, ...]:
        """Return the columns that `run` reads, with or without histograms."""
        return self._work[True, ALL_PRODUCTS if fill else SCANS].columns

    def passing(
        self,
        table: EventTable,
        region: str | None = None,
        after: str | None = None,
        *,
        sample: str | None = None,
        role: str | None = None,
        unblind: bool = False,
    ) -> Bools:
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
    ) -> Ints:
        """Return how many cuts of a region each event passes one after the other; int of shape (N,), -1 where hidden."""
        parts = [np.zeros(0, np.int64)]
        for verdicts in self.verdicts(table, region, sample=sample, role=role, unblind=unblind):
            count = np.logical_and.accumulate(verdicts.true, axis=0).sum(axis=0)
            parts.append(np.where(verdicts.seen, count, -1))
        return np.concatenate(parts)

    def verdicts(
        self,
        table: EventTable,
        region: str | None = None,
        *,
        sample: str | None = None,
        role: str | None = None,
        unblind: bool = False,
    ) -> Iterator[Verdicts]:
        """Yield what each cut of a region by itself says of the events, block by block; and which of them may be seen."""
        nodes = self.region(region).nodes
        hide = not unblind and self.blinded(*_identity(table, sample, role))
        plan = Plan(list(dict.fromkeys([*nodes, *([self.box] if hide and self.box else [])])))
        for block in blocks(table, self._work[hide, COUNTS].columns):
            values = plan.run(block)
            shape = (len(nodes), block.size)
            true, undefined, seen = np.empty(shape, bool), np.zeros(shape, bool), np.ones(block.size, bool)
            for row, node in enumerate(nodes):
                truths: Truths = values[node.id]
                true[row] = truths.true
                if truths.undefined is not None:
                    undefined[row] = truths.undefined
            if hide and self.box is not None:
                seen[:] = values[self.box.id].false
            yield Verdicts(true, undefined, seen)

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


def _identity(table: EventTable, sample: str | None, role: str | None) -> tuple[str | None, str | None]:
    if sample is None and role is None:
        return table.metadata.sample, table.metadata.role
    return sample, role
