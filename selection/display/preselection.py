"""What was cut before the files were written, as rows above a cutflow, and what is to be said of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from emiss.selection.counting.counts import CutCounts, Tally

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from emiss.selection.counting.samples import Counted, SampleCounts


@dataclass(frozen=True)
class Above:
    """What stands above the counts of a sample.

    Attributes
    ----------
    rows : tuple of CutCounts
        What was cut before; events count 1 where their weights are not known.
    weights : bool
        Whether `rows` have the weights that the counts have.
    together : bool
        Whether efficiencies of cuts can be given of the events before: weights are known, and all files were read.
    """

    rows: tuple[CutCounts, ...] = ()
    weights: bool = True
    together: bool = True


def above(sample: SampleCounts, counts: Sequence[CutCounts], *, nominal: bool = True) -> Above:
    """Return what stands above some counts of a sample; sums of weights before the files are those of the nominal weight."""
    if not sample.history:
        return Above()
    unit = all(row.sequential.unit_weights for row in counts)
    known = unit or (nominal and all(row.sum_w is not None for row in sample.history))
    rows = tuple(
        CutCounts(
            row.cut,
            row.require,
            Tally(row.events, row.events, row.events)
            if unit or not known or row.sum_w is None
            else Tally(row.events, row.sum_w, 0.0),  # the sum of squares is not known: without an interval
        )
        for row in sample.history
    )
    return Above(rows, known, known and not sample.partial)


def notes(cutflow: Counted, shown: Collection[str]) -> Iterator[str]:
    """Yield what the rows above a cutflow are, and where the events of the files are not those that they end with."""
    mine = {name: sample for name, sample in cutflow.samples.items() if sample.history and name in shown}
    if mine:
        yield "rows 'before: ...' were counted before the files were written; efficiencies are those of all events of the first"
    for name, sample in mine.items():
        last = sample.history[-1]
        if sample.partial:
            yield f"{name}: not all events that '{last.cut}' left were read: efficiencies of its cuts are those of 'all'"
            continue
        if sample.ledger.read != last.events:
            yield f"{name}: '{last.cut}' left {last.events} events, and {sample.ledger.read} are in the files"
        nominal = [
            variations.get("nominal") or next(iter(variations.values())) for variations in sample.regions.values()
        ]
        if not all(above(sample, rows).weights for rows in nominal):
            yield f"{name}: sums of weights are not known up to '{last.cut}': efficiencies of its cuts are those of 'all'"
