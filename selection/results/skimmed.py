"""Skims: what was read when they were made travels with them, so that efficiencies and limits stay those of all events.

A skim holds the events that passed some cuts. Its cutflow begins with all events that were read for it, says in a row of its
own how many were kept, and goes on with the cuts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from emiss.selection.counting.counts import CutCounts, Tally, freeze_regions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.selection.counting.counts import Regions, Rows
    from emiss.selection.counting.engine import Bound

KEPT = "skimmed"
"""Name of the row of the events that a skim holds."""

UNIT = "1"
"""Stands for the weight of events that all count as 1."""


def weight_texts(bound: Bound) -> dict[str, str]:
    """Return each weight variation with its expression, parameters put in."""
    texts = {name: bound.analysis.substitute(weight.expression) for name, weight in bound.weights.items()}
    for shift, of in zip(bound.shifts, bound.analysis.shifts, strict=True):
        if shift.weight is not None:
            texts[shift.name] = of.analysis.substitute(shift.weight.expression)
    return texts


def read_of(rows: Mapping[str, Rows], weights: Mapping[str, str]) -> dict[str, Any]:
    """Return what a skim is to remember of a region's first row: plain data, sums by the expression of the weight."""
    first = {variation: row[0].sequential for variation, row in rows.items()}
    n = next(iter(first.values())).n
    sums = {weights.get(variation, UNIT): [tally.sum_w, tally.sum_w2] for variation, tally in first.items()}
    return {"n": n, "sums": sums}


def with_read(regions: Regions, skim: Mapping[str, Any], weights: Mapping[str, str]) -> Regions:
    """Return counts of a skim's events with the events that were read for it in the first row.

    Parameters
    ----------
    regions : Regions
        Counts of the events that are there.
    skim : mapping
        What the skim says of itself (`emiss.job.skim`); empty for a table that is none.
    weights : mapping of variation to text
        Weights that it is counted with. Where the skim does not know a sum of theirs, nothing is changed.
    """
    read = skim.get("read")
    if not read:
        return regions
    wanted = {weights.get(variation, UNIT) for variations in regions.values() for variation in variations}
    if not wanted <= {*read["sums"], UNIT}:
        return regions

    def all_read(variation: str) -> Tally:
        text = weights.get(variation, UNIT)
        n = int(read["n"])
        return Tally(n, *read["sums"].get(text, (n, n)))

    made = f"after {skim['after']}, region {skim['region']} of {skim['analysis']}"
    return freeze_regions(
        {
            region: {variation: _rows(rows, all_read(variation), made) for variation, rows in variations.items()}
            for region, variations in regions.items()
        }
    )


def _rows(rows: Rows, read: Tally, made: str) -> Rows:
    everything, *cuts = rows
    here = everything.sequential
    kept = CutCounts(KEPT, made, here, individual=here, n_minus_1=cuts[-1].sequential if cuts else here)
    return CutCounts(everything.name, sequential=read), kept, *(_after(cut) for cut in cuts)


def _after(cut: CutCounts) -> CutCounts:
    """Return a cut with the row of kept events among those before it, all of which it was tried on."""
    return replace(cut, overlap=(cut.individual.n, *cut.overlap))
