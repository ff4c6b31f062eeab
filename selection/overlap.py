"""Events that pass the cuts of two regions: what would be counted twice if regions were added, and what is in any of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.configs.arrays import Array
    from emiss.events.table import EventTable
    from emiss.selection.counting.engine import Bound


@dataclass(frozen=True)
class Overlap:
    """How many events pass each two regions.

    Attributes
    ----------
    regions : tuple of str
    both : array of shape (R, R)
        Events that pass the cuts of both; of one region on the diagonal.
    union : int
        Events that pass those of any.
    """

    regions: tuple[str, ...]
    both: Array
    union: int

    def __add__(self, other: Overlap) -> Overlap:
        return Overlap(self.regions, self.both + other.both, self.union + other.union)

    @property
    def shared(self) -> int:
        """Events by which the sum of the regions is too large."""
        return int(np.trace(self.both)) - self.union

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"regions": list(self.regions), "both": self.both.tolist(), "union": self.union, "shared": self.shared}


def overlap(bound: Bound, table: EventTable, *, unblind: bool = False, regions: Sequence[str] = ()) -> Overlap:
    """Return how many events of a table pass each two regions; hidden events of blinded samples pass none.

    Parameters
    ----------
    bound : Bound
    table : EventTable
    unblind : bool
    regions : sequence of str
        All of the analysis by default.

    Raises
    ------
    UserError
        If there is no such region, or a column is missing.
    """
    names = tuple(regions) or tuple(region.name for region in bound.regions)
    masks = [bound.passing(table, name, unblind=unblind) for name in names]
    both = np.zeros((len(names), len(names)), np.int64)
    for i, j in combinations_with_replacement(range(len(names)), 2):
        both[i, j] = both[j, i] = int(np.sum(masks[i] & masks[j]))
    return Overlap(names, both, int(np.sum(np.logical_or.reduce(masks))) if masks else 0)
