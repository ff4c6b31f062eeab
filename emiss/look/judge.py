"""What an analysis says of events that are looked at: each cut by itself, a filter, and who is inside the blind box."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from emiss import selection
from emiss.configs.errors import UserError, did_you_mean
from emiss.configs.place import option
from emiss.events.language.syntax.expression import read_expression
from emiss.job.absent import from_detector
from emiss.selection.analysis.model import Cut

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.arrays import Bools, Ints
    from emiss.events.columns import Column
    from emiss.events.table import EventTable
    from emiss.look.sources import Events
    from emiss.reco.detector.model import Detector
    from emiss.selection import Analysis
    from emiss.selection.counting.engine import Bound

FILTER = "(filter)"
"""The region of the filter: no name that a file can give."""

Numbered = tuple[int, int, int]
"""Run, spill, and number in the spill."""


@dataclass(frozen=True)
class Wanted:
    """Which events are wanted: those for which all that is given holds.

    Attributes
    ----------
    region : str, optional
        Of the analysis; the first one by default.
    passing : str
        A cut: it and all before it are passed.
    failing : str
        A cut: it is the only one that is not passed.
    expression : str
        A condition in the language of cuts.
    events : frozenset of (run, spill, number)
        Any of them, where there are some.
    """

    region: str | None = None
    passing: str = ""
    failing: str = ""
    expression: str = ""
    events: frozenset[Numbered] = frozenset()

    @property
    def all(self) -> bool:
        """Whether every event is wanted."""
        return not (self.passing or self.failing or self.expression or self.events)


@dataclass(frozen=True)
class Judged:
    """What is said of N events.

    Attributes
    ----------
    true, undefined : bool arrays of shape (cuts, N)
        Of each cut of the region by itself.
    seen : bool array of shape (N,)
        Whether an event may be looked at.
    wanted : bool array of shape (N,)
        Whether it is, and is among those that are wanted.
    """

    true: Bools
    undefined: Bools
    seen: Bools
    wanted: Bools

    @property
    def failed(self) -> Ints:
        """The first cut that each event fails, shape (N,); -1 of one that passes all."""
        if not len(self.true):
            return np.full(len(self.seen), -1)
        lost = ~self.true
        return np.where(lost.any(axis=0), lost.argmax(axis=0), -1)


class Judge:
    """An analysis, or none, that is asked about events of a set-up.

    Parameters
    ----------
    analysis : Analysis, optional
        Without one there are no cuts, and nothing is hidden.
    unblind : bool
        Show also what is inside the box of blinded samples.
    """

    def __init__(self, analysis: Analysis | None, detector: Detector, *, unblind: bool = False) -> None:
        self.analysis = analysis
        self.detector = detector
        self.unblind = unblind
        self._bare = _bare(analysis or selection.loads("analysis: none\n"))
        self._bounds: list[tuple[Mapping[str, Column], str, Bound]] = []

    def cuts(self, region: str | None) -> tuple[Cut, ...]:
        """Return the cuts of a region, the first one by default.

        Raises
        ------
        UserError
            If there is no such region.
        """
        regions = self._bare.regions
        if region is None:
            return next(iter(regions.values()))
        if region not in regions:
            raise UserError(f"the analysis has no region '{region}'", hint=did_you_mean(region, regions))
        return regions[region]

    def hides(self, file: Events) -> bool:
        """Return whether some events of a file may not be looked at."""
        return not self.unblind and self._bound(file.columns, "").blinded(file.sample, file.role)

    def columns(self, file: Events, wanted: Wanted) -> tuple[str, ...]:
        """Return the columns that are needed to judge events of a file."""
        return self._bound(file.columns, wanted.expression).columns

    def check(self, file: Events, wanted: Wanted) -> None:
        """Refuse what cannot be asked of a file.

        Raises
        ------
        UserError
            For a region or cut that there is not, and for an expression that is wrong, with the column.
        """
        names = [cut.name for cut in self.cuts(wanted.region)]
        for name in filter(None, (wanted.passing, wanted.failing)):
            if name not in names:
                hint = did_you_mean(name, names) if names else "name an analysis with --analysis"
                raise UserError(f"there is no cut '{name}'", hint=hint)
        self._bound(file.columns, wanted.expression)

    def __call__(self, file: Events, table: EventTable, wanted: Wanted) -> Judged:
        """Return what is said of the events of a table."""
        bound = self._bound(file.columns, wanted.expression)
        region = wanted.region or next(iter(self._bare.regions))
        whose = {"sample": file.sample, "role": file.role}
        parts = list(bound.verdicts(table, region, unblind=self.unblind, **whose))
        if not parts:
            none, nobody = np.zeros((len(self.cuts(region)), 0), bool), np.zeros(0, bool)
            return Judged(none, none, nobody, nobody)
        true = np.concatenate([part.true for part in parts], axis=1)
        seen = np.concatenate([part.seen for part in parts])
        kept = seen.copy()
        names = [cut.name for cut in self.cuts(region)]
        if wanted.passing:
            kept &= true[: names.index(wanted.passing) + 1].all(axis=0)
        if wanted.failing:
            kept &= ~true[names.index(wanted.failing)] & (true.sum(axis=0) == len(names) - 1)
        if wanted.expression:
            parted = bound.verdicts(table, FILTER, unblind=True)
            kept &= np.concatenate([part.true[0] for part in parted])
        if wanted.events:
            kept &= _among(table, wanted.events)
        return Judged(true, np.concatenate([part.undefined for part in parts], axis=1), seen, kept)

    def _bound(self, columns: Mapping[str, Column], expression: str) -> Bound:
        for known, text, bound in self._bounds:
            if known == columns and text == expression:
                return bound
        analysis = self._bare
        if expression:
            read = read_expression(option("filter", expression))
            analysis = replace(analysis, regions={**analysis.regions, FILTER: (Cut("filter", read, expression),)})
        absent = from_detector(self.detector, columns)
        made = selection.bind(analysis, columns, part=True, absent=absent)
        self._bounds = [*self._bounds[-20:], (columns, expression, made)]
        return made


def _bare(analysis: Analysis) -> Analysis:
    """Return an analysis with its cuts and its box alone."""
    regions = {name: tuple(replace(cut, scan=None) for cut in cuts) for name, cuts in analysis.regions.items()}
    return replace(analysis, cuts=(), regions=regions, weights={}, histograms=(), more_scans=(), shifts=())


def _among(table: EventTable, events: frozenset[Numbered]) -> Bools:
    """Return which events are among some, by run, spill and number."""
    numbers = np.stack([table.flat[f"event.{name}"] for name in ("run", "spill", "in_spill")], axis=1)
    near = np.isin(numbers[:, 0], [run for run, _, _ in events])
    found = np.zeros(len(numbers), bool)
    for row in np.flatnonzero(near):
        found[row] = tuple(numbers[row].tolist()) in events
    return found


def read_numbers(text: str) -> frozenset[Numbered]:
    """Return the events of a list such as ``6101/1/23, 6101/2/5``, parted by commas or white space.

    Raises
    ------
    UserError
        For what is no RUN/SPILL/NUMBER.
    """
    return frozenset(map(_numbered, text.replace(",", " ").split()))


def _numbered(text: str) -> Numbered:
    parts = text.split("/")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 12 for part in parts):
        raise UserError(f"'{text[:80]}' is no event", hint="expected RUN/SPILL/NUMBER, such as 6101/1/23")
    run, spill, number = map(int, parts)
    return run, spill, number
