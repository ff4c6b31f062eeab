"""The periods of a search with all that their counters stand on: exposure, background, what was seen, errors, set-up."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emiss.configs.errors import UserError
from emiss.physics.limits import Period
from emiss.programme.periods import load_periods
from emiss.programme.setting import setting_of
from emiss.reach.budgets import load_budget
from emiss.reco.detector.model import load_detector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.programme.search_file import SearchFile
    from emiss.programme.setting import Setting

Unseen = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class SearchPeriod:
    """A period of a search.

    Attributes
    ----------
    name : str
    setting : Setting
        Beam, target and windows of decays.
    on_target : float
    source : str
        Of the exposure.
    observed : int or None
    background, background_error : float
        Per particle on target, and relative.
    unseen : tuple of (str, float)
        Processes of which a sample left nothing: their names, and the mean per particle of what may still be there.
    on_target_error, efficiency_error : float
        Relative.
    efficiency_factor : float
    """

    name: str
    setting: Setting
    on_target: float
    source: str
    observed: int | None = None
    background: float = 0.0
    background_error: float = 0.0
    unseen: Unseen = ()
    on_target_error: float = 0.0
    efficiency_error: float = 0.0
    efficiency_factor: float = 1.0

    def counter(self, signal: float, statistical: float = 0.0, names: Sequence[str] = ()) -> Period:
        """Return the counter of the period with so many signal events; the exposure's error is that of both rates.

        Parameters
        ----------
        signal : float
        statistical : float
            Relative statistical error of the efficiency.
        names : sequence of str
            Unseen processes of all periods, in their order.
        """
        held = dict(self.unseen)
        return Period(
            signal=signal,
            background=self.on_target * self.background,
            observed=self.observed,
            background_error=math.hypot(self.background_error, self.on_target_error),
            efficiency_error=math.hypot(self.efficiency_error, self.on_target_error, statistical),
            name=self.name,
            unseen=tuple(self.on_target * held.get(name, 0.0) for name in names),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the period as plain data."""
        data = asdict(self)
        del data["setting"]
        beam = {"pdg": self.setting.beam.pdg, "energy": self.setting.beam.energy}
        return {**data, "setup": self.setting.setup, "beam": beam, "unseen": dict(self.unseen)}


@dataclass(frozen=True)
class Left:
    """The background of a search per particle on target, with where it is from and what is to be known of it."""

    value: float
    error: float
    source: str
    unseen: Unseen = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    document: Any = None


@dataclass(frozen=True)
class Asked:
    """What the options ask for, where they do.

    Attributes
    ----------
    periods : str
        Names of periods; empty for those of the search.
    on_target : float or None
        Particles on target of one period with the set-up of the search.
    take : tuple of str
        Readings of the exposure, the first before the others.
    observed : tuple of int
        By period.
    background : str
        A budget or a number per particle on target; empty for the search's.
    background_error : float or None
    on_target_error, efficiency_error, efficiency_factor : float
    """

    periods: str = ""
    on_target: float | None = None
    take: tuple[str, ...] = ()
    observed: tuple[int, ...] = ()
    background: str = ""
    background_error: float | None = None
    on_target_error: float = 0.0
    efficiency_error: float = 0.0
    efficiency_factor: float = 1.0


def background_of(search: SearchFile, wanted: str, error: float | None = None) -> Left:
    """Return the background of a search, or the one that is `wanted`: a budget's name or file, or a number.

    Raises
    ------
    UserError
        If there is no such budget, or its file is not right.
    """
    name = wanted or search.background
    if not name:
        return Left(0.0, 0.0, "none", warnings=("the search names no background: it counts as 0",))
    number = _number(name)
    if number is not None:
        return Left(number, error or 0.0, "given")
    written = load_budget(_beside(search, name) if not wanted else name)
    found = written.total()
    relative = found.error / found.value if found.value else 0.0
    entries = written.rates()
    notes = [f"{one.name}: {one.kind}, {one.value:.3g} per particle on target" for one in entries if one.counted]
    notes += [
        f"{one.name}: below {one.value:.3g} per particle on target, not counted" for one in entries if not one.counted
    ]
    doubt = (f"the budget {written.budget} belongs to the cuts of '{written.analysis}', these are '{search.analysis}'",)
    return Left(
        found.value,
        relative if error is None else error,
        f"budget {written.budget} ({written.source})",
        tuple((one.name, one.room) for one in entries if one.room),
        tuple(notes),
        () if written.analysis in {"", search.analysis} else doubt,
        written.document,
    )


def _beside(search: SearchFile, name: str) -> str:
    near = search.document.path.parent / name
    return str(near) if near.is_file() else name


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    if not 0.0 <= value < math.inf:
        raise UserError(f"a background of {text} events per particle on target is none")
    return value


def periods_of(search: SearchFile, asked: Asked, left: Left) -> list[SearchPeriod]:
    """Return the periods of a search.

    Raises
    ------
    UserError
        If a period or set-up is wrong, or numbers of observed events do not fit the periods.
    """
    alone = asked.on_target if not asked.periods else None
    found = _named(search, asked) if alone is None else [_alone(search, alone)]
    if asked.observed and len(asked.observed) != len(found):
        names = ", ".join(one.name for one in found)
        raise UserError(f"--observed is given {len(asked.observed)} times for {len(found)} periods: {names}")
    return [
        _with(one, asked, left, asked.observed[i] if asked.observed else one.observed) for i, one in enumerate(found)
    ]


def _alone(search: SearchFile, on_target: float) -> SearchPeriod:
    """Return one period of so many particles with the set-up of the search."""
    detector = load_detector(search.setup)
    beam = search.beam or detector.beam
    setting = setting_of(search, detector, beam.particle, beam.energy)
    return SearchPeriod(search.setup, setting, on_target, "given")


def _named(search: SearchFile, asked: Asked) -> list[SearchPeriod]:
    near = search.document.path.parent / search.periods_file
    known = load_periods(near if Path(near).is_file() else search.periods_file)
    exposures = known.exposures(asked.periods or search.periods, asked.take or search.take)
    found = []
    for one in exposures:
        beam, setup = one.period.beam, search.setup if search.one_setup else one.period.setup
        setting = setting_of(search, load_detector(setup), beam.particle, beam.energy)
        observed = None if search.projection else one.observed
        found.append(SearchPeriod(one.name, setting, one.on_target, one.source, observed))
    return found


def _with(one: SearchPeriod, asked: Asked, left: Left, observed: int | None) -> SearchPeriod:
    from dataclasses import replace

    return replace(
        one,
        observed=observed,
        background=left.value,
        background_error=left.error,
        unseen=left.unseen,
        on_target_error=asked.on_target_error,
        efficiency_error=asked.efficiency_error,
        efficiency_factor=asked.efficiency_factor,
    )


def total(periods: Sequence[SearchPeriod]) -> float:
    """Return the particles on target of all periods."""
    return math.fsum(one.on_target for one in periods)
