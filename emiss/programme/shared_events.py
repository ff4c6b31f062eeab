"""Events of stored tables that pass the cuts of two regions of an analysis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emiss import selection
from emiss.configs.errors import UserError
from emiss.events.files.open import open_table
from emiss.job.stored import bound_to
from emiss.selection.overlap import Overlap, overlap

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from emiss.selection.counting.engine import Bound


SCHEMA = "emiss.overlap/1"


def count(analysis: str, tables: Sequence[Path], regions: Sequence[str] = (), *, unblind: bool = False) -> Overlap:
    """Return how many events of event tables pass each two regions.

    Parameters
    ----------
    analysis : str
        A name that ships, or a file.
    tables : sequence of Path
    regions : sequence of str
        All of the analysis by default.
    unblind : bool
        Count events inside the blind box of blinded samples.

    Raises
    ------
    UserError
        If a file is wrong, there is no such region, or there is no table.
    """
    loaded = selection.load(analysis)
    bounds: list[tuple[Mapping[str, Any], Bound]] = []
    total: Overlap | None = None
    for path in tables:
        file = open_table(path)
        bound = bound_to(loaded, file.columns, bounds)
        for table in file.batches(bound.columns_for(fill=False)):
            found = overlap(bound, table, unblind=unblind, regions=regions)
            total = found if total is None else total + found
        file.close()
    if total is None:
        raise UserError("there is no event in the tables")
    return total
