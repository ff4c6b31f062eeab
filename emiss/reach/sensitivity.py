"""The limit on the coupling h against the mass of phi: efficiencies, yields, background and exposure put together.

N_signal = (electrons on target) x (phi per electron, Eq. 29) x efficiency is proportional to h^2, so that a limit on the
strength of a signal of coupling h_0 is one on h: h = h_0 sqrt(strength).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.configs.errors import UserError
from emiss.reach.background import Background
from emiss.reach.variations import Contribution, Contributions, changes, shifts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from emiss.job.work import Pool
    from emiss.physics.limits import Correlations, Limit, Method, Period
    from emiss.reach.efficiencies import Efficiency

REFERENCE = 1e-4
"""The coupling h_0 at which yields are given."""

NO_BACKGROUND = Background(0.0, 0.0, "none")


@dataclass(frozen=True)
class DataPeriod:
    """A period of data taking with all that its limit stands on.

    Attributes
    ----------
    on_target : float
        Electrons on target.
    observed : int or None
        Events selected; None for a projection.
    name : str
    efficiencies : tuple of Efficiency
        In the order of mass.
    background : Background
    on_target_error, efficiency_error : float
        Relative; the second in addition to the statistical error of each efficiency.
    efficiency_factor : float
        On all efficiencies: dead time, trigger, what the simulation does not have.
    nucleus : str
        What the target is made of, one of `emiss.physics.nuclei.NUCLEI`.
    """

    on_target: float
    observed: int | None = None
    name: str = ""
    efficiencies: tuple[Efficiency, ...] = ()
    background: Background = field(default=NO_BACKGROUND)
    on_target_error: float = 0.0
    efficiency_error: float = 0.0
    efficiency_factor: float = 1.0
    nucleus: str = "lead"

    def to_json(self) -> dict[str, Any]:
        """Return the period as plain data, without its efficiencies, which are given point by point."""
        data = asdict(self)
        del data["efficiencies"]
        return data


@dataclass(frozen=True)
class Point:
    """The limit at one mass.

    Attributes
    ----------
    efficiencies : tuple of Efficiency
        Of the periods.
    efficiency, efficiency_error : float
        On average over the electrons on target, factors included, and its statistical error.
    per_electron : float
        phi emitted per electron on target at the coupling `REFERENCE`, from the efficiency's leptons above its threshold; on
        average over the periods.
    limit : Limit
        On the strength of the signal of that coupling.
    """

    efficiencies: tuple[Efficiency, ...]
    efficiency: float
    efficiency_error: float
    per_electron: float
    limit: Limit

    @property
    def m_phi(self) -> float:
        """GeV."""
        return self.efficiencies[0].m_phi

    @property
    def observed(self) -> float | None:
        """Observed limit on h."""
        return None if self.limit.observed is None else REFERENCE * math.sqrt(self.limit.observed)

    @property
    def expected(self) -> tuple[float, ...]:
        """Expected limits on h at -2, -1, 0, 1, 2 standard deviations."""
        return tuple(REFERENCE * math.sqrt(strength) for strength in self.limit.expected)

    @property
    def median(self) -> float:
        """Median expected limit on h."""
        return self.expected[2]


def curve(
    periods: Sequence[DataPeriod],
    *,
    confidence: float = 0.9,
    method: Method = "auto",
    correlations: Correlations | None = None,
    pool: Pool | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Point]:
    """Return the limit at each mass that has an efficiency above 0 in some period.

    Parameters
    ----------
    periods : sequence of DataPeriod
        Combined; all with efficiencies at the same masses.
    confidence : float
    method : 'auto', 'exact', 'toys' or 'asymptotic'
    correlations : Correlations, optional
        Default: errors are common to all periods.
    pool : Pool, optional
        Who computes the limits, one item per mass; this process by default. Toys are drawn from the same seed at each mass.
    progress : callable
        Called with 1 for each mass.

    Raises
    ------
    UserError
        If no mass has an efficiency, one cannot be made, the masses differ, there is no limit for these numbers, or samples
        of which nothing is left say too little on the background.
    """
    _same_masses(periods)
    _shown(periods)
    masses = [
        tuple(period.efficiencies[i] for period in periods)
        for i in range(len(periods[0].efficiencies))
        if any(period.efficiencies[i].value > 0.0 for period in periods)
    ]
    if not masses:
        raise UserError("no signal is left at any mass: there is nothing to limit")
    # the rates are computed here: what there is to be said of them is said by this process
    items = [
        Mass(found, tuple(_rate(one, period.nucleus) for one, period in zip(found, periods, strict=True)))
        for found in masses
    ]
    work = Limiting(tuple(periods), confidence, method, correlations)
    points = map(work.start(), items) if pool is None else pool.stream(work, items)
    found = []
    for point in points:
        found.append(point)
        progress(1)
    return found


@dataclass(frozen=True)
class Mass:
    """The efficiencies of the periods at one mass, and the phi per electron in each."""

    efficiencies: tuple[Efficiency, ...]
    rates: tuple[float, ...]

    def __str__(self) -> str:
        return f"the limit at {self.efficiencies[0].m_phi:g} GeV"


@dataclass(frozen=True)
class Limiting:
    """The limits at several masses as a piece of work; attributes as the parameters of `curve`."""

    periods: tuple[DataPeriod, ...]
    confidence: float
    method: Method
    correlations: Correlations | None
    name = "limit"

    def start(self) -> Callable[[Mass], Point]:
        """Return what gives the limit at a mass."""
        return lambda mass: _point(self.periods, mass, self.confidence, self.method, self.correlations)


def _point(
    periods: Sequence[DataPeriod],
    mass: Mass,
    confidence: float,
    method: Method,
    correlations: Correlations | None,
) -> Point:
    import warnings

    from emiss.physics.limits import upper_limit
    from emiss.physics.validity import RangeWarning

    efficiencies, rates = mass.efficiencies, mass.rates
    names = _unseen(periods)
    found = [_counter(period, one, rate, names) for period, one, rate in zip(periods, efficiencies, rates, strict=True)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RangeWarning)  # the limit's notes say it
            limit = upper_limit(found, method=method, confidence=confidence, correlations=correlations)
    except ValueError as error:
        text = f"there is no limit at {efficiencies[0].m_phi:g} GeV: {error}"
        raise UserError(text, hint="another --method, or smaller numbers") from None
    total = sum(period.on_target for period in periods)

    def mean(numbers: Sequence[float]) -> float:
        return sum(period.on_target * number for period, number in zip(periods, numbers, strict=True)) / total

    factors = [period.efficiency_factor for period in periods]
    value, uncertainty = (
        mean([factor * number for factor, number in zip(factors, numbers, strict=True)])
        for numbers in ([one.value for one in efficiencies], [one.error for one in efficiencies])
    )
    return Point(efficiencies, value, uncertainty, mean(rates), limit)


def _unseen(periods: Sequence[DataPeriod]) -> list[str]:
    return list(dict.fromkeys(one.name for period in periods for one in period.background.unseen))


def _counter(period: DataPeriod, one: Efficiency, rate: float, unseen: Sequence[str]) -> Period:
    """Return the counter of a period at one mass, for `rate` phi per electron; the exposure's error is that of both rates."""
    from emiss.physics.limits import Period

    held = {process.name: period.on_target * process.per_electron for process in period.background.unseen}
    statistical = one.error / one.value if one.value > 0.0 else 0.0
    return Period(
        signal=period.on_target * rate * period.efficiency_factor * one.value,
        background=period.on_target * period.background.per_electron,
        observed=period.observed,
        background_error=math.hypot(period.background.relative_error, period.on_target_error),
        efficiency_error=math.hypot(period.efficiency_error, period.on_target_error, statistical),
        name=period.name,
        unseen=tuple(held.get(name, 0.0) for name in unseen),
        shifts=shifts(one.variations, period.background.variations),
    )


def counters(periods: Sequence[DataPeriod], point: Point) -> list[Period]:
    """Return the counters of the periods at a mass, with the signal of the coupling `REFERENCE`."""
    names = _unseen(periods)
    return [
        _counter(period, one, _rate(one, period.nucleus), names)
        for period, one in zip(periods, point.efficiencies, strict=True)
    ]


def contributions(
    periods: Sequence[DataPeriod], points: Sequence[Point], correlations: Correlations | None = None
) -> Contributions | None:
    """Return what each variation contributes at the mass in the middle, by the limit without it; None without variations."""
    from emiss.physics.limits import Shift, upper_limit

    point = points[len(points) // 2]
    found = counters(periods, point)
    names = list(dict.fromkeys(shift.name for counter in found for shift in counter.shifts))
    if not names:
        return None
    how: dict[str, Any] = {"method": point.limit.method, "confidence": point.limit.confidence}
    parts = []
    for name in names:
        less = [replace(one, shifts=tuple(shift for shift in one.shifts if shift.name != name)) for one in found]
        ratio = point.limit.median / upper_limit(less, correlations=correlations, **how).median
        known = [next((shift for shift in one.shifts if shift.name == name), Shift(name)) for one in found]
        up_down = [
            changes([getattr(one, rate) for one in found], [getattr(shift, rate) for shift in known])
            for rate in ("signal", "background")
        ]
        parts.append(Contribution(name, up_down[0], up_down[1], math.sqrt(ratio) - 1.0))
    return Contributions(point.m_phi, tuple(parts))


@lru_cache(maxsize=1024)
def _per_electron(m_phi: float, beam_energy: float, threshold: float, nucleus: str, leptons: tuple[str, ...]) -> float:
    from emiss.physics.emission import yields
    from emiss.physics.nuclei import NUCLEI

    found = yields.per_electron(
        m_phi,
        coupling=REFERENCE,
        primary=beam_energy,
        threshold=threshold,
        nucleus=NUCLEI[nucleus],
        leptons=leptons,
    )
    return found[0]


def _rate(one: Efficiency, nucleus: str) -> float:
    rate = _per_electron(one.m_phi, one.beam_energy, one.threshold, nucleus, one.leptons)
    if rate <= 0.0:
        raise UserError(f"{one.m_phi:g} GeV cannot be made at {one.beam_energy:g} GeV")
    return rate


def _same_masses(periods: Sequence[DataPeriod]) -> None:
    first = periods[0]
    for period in periods[1:]:
        ours, theirs = ([one.m_phi for one in p.efficiencies] for p in (first, period))
        if len(ours) != len(theirs) or not np.allclose(ours, theirs, rtol=1e-9, atol=0.0):
            said = [", ".join(f"{m:g}" for m in masses) for masses in (ours, theirs)]
            raise UserError(
                f"the periods have efficiencies at other masses: {said[0]} GeV ({first.name or 'the first'}) and "
                f"{said[1]} GeV ({period.name or 'another'})"
            )


def _shown(periods: Sequence[DataPeriod]) -> None:
    """Refuse limits below what the samples can show."""
    from emiss.physics.limits.limit import MAX_UNSEEN

    total: dict[str, float] = {}
    for period in periods:
        for one in period.background.unseen:
            total[one.name] = total.get(one.name, 0.0) + period.on_target * one.per_electron
    if sum(total.values()) > MAX_UNSEEN:
        said = ", ".join(f"{math.log(10.0) * mean:.2g} of {name}" for name, mean in total.items())
        exposure = sum(period.on_target for period in periods)
        raise UserError(
            f"nothing is left of samples that are too small: up to {said} events (90 %) may be in {exposure:g} electrons",
            hint="simulate more of them, or --empty zero to count them as 0 all the same",
        )
