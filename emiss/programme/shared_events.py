"""Events of stored tables that pass the cuts of two regions of an analysis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emiss import selection
from emiss.configs.errors import UserError
from emiss.events.files.open import open_table
from emiss.job.stored import bound_to
from emiss.job.tables import refuse_twice, sample_of
from emiss.selection.overlap import Overlap, overlap

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from emiss.selection import Analysis
    from emiss.selection.counting.engine import Bound

SCHEMA = "emiss.overlap/1"


def count(
    analysis: str | Analysis, tables: Sequence[Path], regions: Sequence[str] = (), *, unblind: bool = False
) -> Overlap:
    """Return how many events of event tables pass each two regions; arguments as of `by_sample`.

    Raises
    ------
    UserError
        As `by_sample`, and if there is no event.
    """
    found = list(by_sample(analysis, tables, regions, unblind=unblind).values())
    if not found:
        raise UserError("there is no event in the tables")
    total = found[0]
    for one in found[1:]:
        total += one
    return total


def by_sample(
    analysis: str | Analysis, tables: Sequence[Path], regions: Sequence[str] = (), *, unblind: bool = False
) -> dict[str, Overlap]:
    """Return how many events of each sample pass each two regions.

    Parameters
    ----------
    analysis : str or Analysis
        A name that ships, a file, or one that is read already.
    tables : sequence of Path
        Event tables.
    regions : sequence of str
        All of the analysis by default.
    unblind : bool
        Count events inside the blind box of blinded samples.

    Raises
    ------
    UserError
        If a file is wrong, there is no such region, or there is no table.
    """
    refuse_twice(tables)
    loaded = selection.load(analysis) if isinstance(analysis, str) else analysis
    bounds: list[tuple[Mapping[str, Any], Bound]] = []
    totals: dict[str, Overlap] = {}
    for path in tables:
        file = open_table(path)
        sample, role = sample_of(path, file)
        bound = bound_to(loaded, file.columns, bounds)
        for table in file.batches(bound.columns_for(fill=False)):
            known = table.with_metadata(sample=sample, role=role)
            found = overlap(bound, known, unblind=unblind, regions=regions)
            totals[sample] = totals[sample] + found if sample in totals else found
        file.close()
    return totals
