"""What is counted per cut, region and weight variation; such counts add, and give efficiencies."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from emiss.configs.errors import UserError
from emiss.selection.counting import intervals

if TYPE_CHECKING:
    from collections.abc import Sequence

ALL = "all"
"""Name of the first row: every event before any cut."""


@dataclass(frozen=True)
class Tally:
    """Events counted: their number, the sum of their weights and the sum of the squares of these."""

    n: int = 0
    sum_w: float = 0.0
    sum_w2: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", int(self.n))
        object.__setattr__(self, "sum_w", float(self.sum_w))
        object.__setattr__(self, "sum_w2", float(self.sum_w2))
        if not (math.isfinite(self.sum_w) and math.isfinite(self.sum_w2)):
            raise UserError(
                "a sum of weights is not a finite number", hint="the weight of some event is undefined or too large"
            )

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.n + other.n, self.sum_w + other.sum_w, self.sum_w2 + other.sum_w2)

    @property
    def unit_weights(self) -> bool:
        """Whether every weight is 1: then the sum of ``(w - 1)^2`` is zero."""
        return self.sum_w == self.n == self.sum_w2


@dataclass(frozen=True)
class CutCounts:
    """What one cut did.

    Attributes
    ----------
    name, require : str
        The cut and its condition with the parameters put in; the first row is `ALL`, without a condition.
    condition : str
        What the condition means (`Analysis.meaning`), however it is written; "" where that is not known.
    uses : tuple of (name, text)
        The definitions and objects behind the condition.
    sequential : Tally
        Events that passed this cut and all before it.
    undefined : int
        Events that reached the cut and failed because it had no value.
    individual : Tally
        Events that pass this cut, whatever the others say; `individual_undefined` of all events have no value.
    n_minus_1 : Tally
        Events that pass all other cuts.
    only_failed : Tally
        Events that pass all other cuts and fail this one.
    overlap : tuple of int
        Events that pass both this cut and another, whatever the rest say: one number per cut before it. Not known, and
        empty, where a file does not say it.
    damaged : tuple of (bit, int)
        Of the last cut: events that passed all and have a bit of `event.quality` that tells of lost data.
    """

    name: str
    require: str = ""
    sequential: Tally = Tally()
    undefined: int = 0
    individual: Tally = Tally()
    individual_undefined: int = 0
    n_minus_1: Tally = Tally()
    only_failed: Tally = Tally()
    overlap: tuple[int, ...] = ()
    condition: str = ""
    uses: tuple[tuple[str, str], ...] = ()
    damaged: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "undefined", int(self.undefined))
        object.__setattr__(self, "individual_undefined", int(self.individual_undefined))

    def __add__(self, other: CutCounts) -> CutCounts:
        if not same_cut(self, other):
            raise UserError(f"cannot add counts of different cuts: {_differ(self, other)}")
        return CutCounts(
            self.name,
            self.require,
            self.sequential + other.sequential,
            self.undefined + other.undefined,
            self.individual + other.individual,
            self.individual_undefined + other.individual_undefined,
            self.n_minus_1 + other.n_minus_1,
            self.only_failed + other.only_failed,
            tuple(a + b for a, b in zip(self.overlap, other.overlap, strict=False)),
            self.condition,
            self.uses,
            tuple(sorted((Counter(dict(self.damaged)) + Counter(dict(other.damaged))).items())),
        )


Rows = tuple[CutCounts, ...]
Regions = Mapping[str, Mapping[str, Rows]]
"""Region -> weight variation -> rows, the first of which is `ALL`."""


@dataclass(frozen=True)
class Efficiency:
    """Efficiency of a cut relative to the row before and to the first, with ends of intervals; None for 0/0."""

    interval: str
    relative: float | None
    relative_low: float | None
    relative_high: float | None
    total: float | None
    total_low: float | None
    total_high: float | None


def efficiencies(rows: Sequence[CutCounts], level: float = intervals.LEVEL) -> tuple[Efficiency, ...]:
    """Return the efficiencies of the sequential counts, one per row; Clopper-Pearson where all weights are 1."""
    unit = all(row.sequential.unit_weights for row in rows)
    name = intervals.interval_name(unit_weights=unit, level=level)

    def of(passed: Tally, tried: Tally) -> tuple[float | None, float | None, float | None]:
        if unit:
            ends = intervals.clopper_pearson(passed.n, tried.n, level)
        else:
            ends = intervals.wilson_effective(passed.sum_w, passed.sum_w2, tried.sum_w, tried.sum_w2, level)
        low, high = ends or (None, None)
        return (passed.sum_w / tried.sum_w if tried.sum_w else None), low, high

    found = []
    for number, row in enumerate(rows):
        relative = of(row.sequential, rows[max(0, number - 1)].sequential)
        found.append(Efficiency(name, *relative, *of(row.sequential, rows[0].sequential)))
    return tuple(found)


def add_regions(a: Regions, b: Regions) -> Regions:
    """Return the counts of both; empty ``{}`` is the identity.

    Raises
    ------
    UserError
        If regions, weight variations or cuts differ.
    """
    if not a or not b:
        return freeze_regions(a or b)
    same_conditions(a, b)
    added = {
        region: {
            variation: tuple(x + y for x, y in zip(rows, b[region][variation], strict=True))
            for variation, rows in variations.items()
        }
        for region, variations in a.items()
    }
    return freeze_regions(added)


def freeze_regions(regions: Regions) -> Regions:
    """Return `regions` read-only at every level."""
    return MappingProxyType(
        {
            region: MappingProxyType({variation: tuple(rows) for variation, rows in variations.items()})
            for region, variations in regions.items()
        }
    )


def same_conditions(a: Regions, b: Regions) -> None:
    """Refuse counts of different cuts, naming the first that differs; empty ``{}`` goes with all."""
    if not a or not b:
        return
    _same_names("regions", a, b)
    for region, variations in a.items():
        _same_names(f"weights of region {region}", variations, b[region])
        for variation, rows in variations.items():
            others = b[region][variation]
            for first, second in zip(rows, others, strict=False):
                if not same_cut(first, second):
                    raise UserError(f"cannot add counts of different cuts: {_differ(first, second)}")
            if len(rows) != len(others):
                extra = max(rows, others, key=len)[min(len(rows), len(others))]
                raise UserError(f"cannot add: only one of the two has the cut {_said(extra)}")


def same_cut(a: CutCounts, b: CutCounts) -> bool:
    """Return whether two rows are of one cut: conditions that mean the same; where that is not known, that read the same."""
    known = bool(a.condition and b.condition)
    return a.name == b.name and (a.condition == b.condition if known else a.require == b.require)


def redefined(a: CutCounts, b: CutCounts) -> tuple[tuple[str, str, str], ...]:
    """Return the definitions and objects behind two cuts of which both sides say something else: name and both texts."""
    theirs = dict(b.uses)
    return tuple((name, text, theirs[name]) for name, text in a.uses if theirs.get(name, text) != text)


def _differ(a: CutCounts, b: CutCounts) -> str:
    behind = "; ".join(f"{name} is '{mine}' and '{theirs}'" for name, mine, theirs in redefined(a, b))
    return f"{_said(a)} and {_said(b)}" + (f" ({behind})" if behind else "")


def _said(row: CutCounts) -> str:
    return f"'{row.name}: {row.require}'" if row.require else f"'{row.name}'"


def _same_names(what: str, a: Mapping[str, object], b: Mapping[str, object]) -> None:
    if a.keys() != b.keys():
        raise UserError(f"cannot add: the {what} are {', '.join(a) or 'none'} and {', '.join(b) or 'none'}")
