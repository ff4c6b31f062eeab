"""A search from its periods to its limits: efficiencies in, points and closing masses out, each mass a piece of work."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from emiss.configs.errors import UserError
from emiss.physics.limits.contours import closing_mass
from emiss.programme.expected import Seen
from emiss.programme.mass_limit import How, Known, SearchPoint, limit_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from emiss.job.work import Pool
    from emiss.programme.counted import SearchPeriod
    from emiss.programme.search_file import SearchFile

CLOSE = 5e-3
"""Relative, of the mass at which a contour closes."""

Efficiencies = tuple[tuple[Seen, ...], ...]
"""What counts of each signature in each period, with its efficiency; a signature may be in several pieces."""


@dataclass(frozen=True)
class MassItem:
    """A case at a mass (GeV), with the efficiencies of its signatures in each period."""

    case: str
    mass: float
    efficiencies: Efficiencies

    def __str__(self) -> str:
        return f"the limit of '{self.case}' at {self.mass:g} GeV"


@dataclass(frozen=True)
class Limiting:
    """The limits of a search at several masses as a piece of work."""

    search: SearchFile
    periods: tuple[SearchPeriod, ...]
    how: How
    name = "limit"

    def start(self) -> Callable[[MassItem], SearchPoint]:
        """Return what gives the limit at a mass; masses share what they have in common."""
        known: Known = {}
        return lambda item: self.at(item, known)

    def at(self, item: MassItem, known: Known | None = None) -> SearchPoint:
        """Return the limit at a mass."""
        model = self.search.model(item.case)
        return limit_at(item.case, model, item.mass, self.periods, item.efficiencies, self.how, known=known)


@dataclass(frozen=True)
class Closing:
    """Where the contour of a case ends: its mass, GeV, and the nearest mass with a limit."""

    case: str
    mass: float
    inside: float


def flat(search: SearchFile, case: str, periods: Sequence[SearchPeriod], value: float) -> Efficiencies:
    """Return the same efficiency for all periods and signatures of a case."""
    signatures = search.signatures_of(case)
    return tuple(
        tuple(
            Seen(window, one.channels, value)
            for window, one in zip(period.setting.windows[case], signatures, strict=True)
        )
        for period in periods
    )


def masses_of(search: SearchFile, given: Sequence[float]) -> dict[str, tuple[float, ...]]:
    """Return the masses of each case: those that are given, or those of the file; a case with masses of its own keeps them.

    Raises
    ------
    UserError
        If masses are given, and no case takes them.
    """
    if given and all(case.masses for case in search.cases.values()):
        own = ", ".join(f"{name}: {mass:g}" for name, case in search.cases.items() for mass in case.masses)
        raise UserError(f"--mass is not for this search: its cases have masses of their own ({own} GeV)")
    return {name: case.masses or tuple(sorted(given)) or search.masses for name, case in search.cases.items()}


def limits(
    work: Limiting,
    efficiencies: Mapping[tuple[str, float], Efficiencies],
    *,
    pool: Pool | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> list[SearchPoint]:
    """Return the limit at each mass that has efficiencies.

    Parameters
    ----------
    work : Limiting
    efficiencies : mapping of (case, mass) to efficiencies
    pool : Pool, optional
        Who computes them, one item per mass; this process by default.
    progress : callable
        Called with 1 for each mass.

    Raises
    ------
    UserError
        If a particle cannot be made with the beam, or there is no limit for these numbers.
    """
    items = [MassItem(case, mass, found) for (case, mass), found in efficiencies.items()]
    found = []
    for point in map(work.start(), items) if pool is None else pool.stream(work, items):
        found.append(point)
        progress(1)
    return found


def closings(
    work: Limiting, points: Sequence[SearchPoint], efficiencies: Mapping[tuple[str, float], Efficiencies]
) -> list[Closing]:
    """Return where contours end; the efficiencies there are those of the mass with a limit.

    Where only another efficiency ends them, no mass is told.
    """
    found = []
    limit = work.start()
    for one, other in pairwise(points):
        if one.case != other.case or bool(one.intervals) == bool(other.intervals):
            continue
        inside, outside = (one, other) if one.intervals else (other, one)
        known = efficiencies[inside.case, inside.mass]

        def peak(mass: float, case: str = inside.case, known: Efficiencies = known) -> float:
            return limit(MassItem(case, mass, known)).peak.ratio

        if peak(outside.mass) >= 1.0:
            continue  # what ends the contour is the efficiency there: that of no event, perhaps
        closing = closing_mass(peak, inside.mass, outside.mass, rtol=CLOSE)
        found.append(Closing(inside.case, closing, inside.mass))
    return found
