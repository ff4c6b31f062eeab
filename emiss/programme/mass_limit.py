"""The limit of a search at one mass: excluded intervals of the coupling, observed and expected, from the periods' counters.

A limit on numbers of events (`emiss.physics.limits.upper_limit`) depends on how the signal is shared among the periods, and
where these differ, the shares depend on the coupling. Where the number of events is a
power of the coupling the ends are in closed form.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emiss.configs.errors import UserError
from emiss.physics.limits import Correlations, Limit, Method, upper_limit
from emiss.physics.limits.contours import Interval, Peak, excluded, power_law
from emiss.physics.validity import RangeWarning
from emiss.programme.expected import Signal, produced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.physics.processes.base import Model, Production
    from emiss.programme.counted import SearchPeriod
    from emiss.programme.expected import Seen

SHARES = 1e-2
"""Steps of the shares of periods in which limits on the number of events are taken once: they change it by less than 1 %."""

NEAR = 30.0
"""Factor around the limit within which the shares of the periods matter: further off nothing depends on them."""

ROUNDS = 8
"""Times that a production which depends on the coupling is made anew."""


Known = dict[tuple[tuple[float, ...], tuple[float, ...]], Limit]
"""Limits on strengths by the events of the periods and the errors of their efficiencies."""


@dataclass(frozen=True)
class SearchPoint:
    """The limit at one mass.

    Attributes
    ----------
    case : str
    mass : float
        GeV.
    observed : tuple of Interval or None
        Excluded by what was seen; None for a projection.
    expected : tuple of five tuples of Interval
        By the limits expected at -2, -1, 0, 1, 2 standard deviations of the background's fluctuations.
    peak : Peak
        Where the most events are expected, over those that the main limit allows.
    signal : float
        Expected events of all periods at the plane's reference coupling.
    efficiency, efficiency_error : float
        On average over the particles on target.
    efficiencies : tuple of (float, float)
        Of the periods, with their errors.
    rates : tuple of float
        Particles made above the threshold per particle on target, at the reference coupling, by period.
    limit : Limit
        On the strength of the signal, at the shares of the periods at the reference, or at the end of the interval.
    counted : tuple of float
        Signal events of the periods at strength 1 of that limit.
    statistical : tuple of float
        Relative statistical errors of the efficiencies of the periods.
    """

    case: str
    mass: float
    observed: tuple[Interval, ...] | None
    expected: tuple[tuple[Interval, ...], ...]
    peak: Peak
    signal: float
    efficiency: float
    efficiency_error: float
    efficiencies: tuple[tuple[float, float], ...]
    rates: tuple[float, ...]
    limit: Limit
    counted: tuple[float, ...] = ()
    statistical: tuple[float, ...] = ()

    @property
    def intervals(self) -> tuple[Interval, ...]:
        """What is excluded: observed where there is an observation, else by the median expected limit."""
        return self.expected[2] if self.observed is None else self.observed


@dataclass(frozen=True)
class How:
    """How limits are taken: confidence, method, which errors are shared, range of couplings and reference."""

    low: float
    high: float
    reference: float
    confidence: float = 0.9
    method: Method = "auto"
    correlations: Correlations | None = None


def limit_at(
    case: str,
    model: Model,
    mass: float,
    periods: Sequence[SearchPeriod],
    seen: Sequence[tuple[Seen, ...]],
    how: How,
    *,
    known: Known | None = None,
) -> SearchPoint:
    """Return the limit at a mass.

    Parameters
    ----------
    case : str
    model : Model
    mass : float
        GeV.
    periods : sequence of SearchPeriod
    seen : sequence of tuples of Seen
        Signatures with their efficiencies, by period.
    how : How
    known : dict, optional
        Limits that were taken for other masses of the same periods; new ones are added.

    Raises
    ------
    UserError
        If the model cannot make the particle with this beam, or there is no limit for these numbers.
    """
    made: list[Production] | None = None
    coupling = how.reference
    for _ in range(ROUNDS):
        found = [
            _produced(model, mass, one, coupling, None if made is None else made[i]) for i, one in enumerate(periods)
        ]
        settled = made is not None and all(same for _, same in found)
        made = [production for production, _ in found]
        signals = [
            Signal(model, mass, production, one, period.on_target * period.efficiency_factor)
            for production, one, period in zip(made, seen, periods, strict=True)
        ]
        search = _Search(case, periods, signals, how, {} if known is None else known)
        if settled:
            break
        intervals = search.intervals()
        coupling = intervals[0].low if intervals else search.peak.coupling
        coupling = min(max(coupling, how.low), how.high)
    return search.point()


def _produced(
    model: Model, mass: float, period: SearchPeriod, coupling: float, before: Production | None
) -> tuple[Production, bool]:
    try:
        return produced(model, mass, period.setting, coupling, before=before)
    except ValueError as error:
        raise UserError(f"{model.title} of {mass:g} GeV in {period.name}: {error}") from None


class _Search:
    """The search for intervals at one mass."""

    def __init__(
        self, case: str, periods: Sequence[SearchPeriod], signals: Sequence[Signal], how: How, known: Known
    ) -> None:
        self.case, self.periods, self.signals, self.how = case, periods, signals, how
        self._events: dict[float, tuple[float, ...]] = {}
        self._limits = known
        self._errors = tuple(self._shown_error(one) for one in signals)
        self._found: dict[int, tuple[tuple[Interval, ...], Peak]] = {}
        self.seen = all(period.observed is not None for period in periods)
        powers = {one.power for one in signals}
        self.power = powers.pop() if len(powers) == 1 else None
        self.main = -1 if self.seen else 2

    @property
    def peak(self) -> Peak:
        """That of the main limit."""
        return self._at(self.main)[1]

    def intervals(self) -> tuple[Interval, ...]:
        """Return those of the main limit."""
        return self._at(self.main)[0]

    def point(self) -> SearchPoint:
        reference = self.how.reference
        events = self.events(reference)
        total = sum(period.on_target for period in self.periods)
        told = [
            (period.efficiency_factor * value, period.efficiency_factor * error)
            for period, (value, error) in zip(
                self.periods, (one.efficiency(self._shown()) for one in self.signals), strict=True
            )
        ]
        mean = [sum(p.on_target * pair[i] for p, pair in zip(self.periods, told, strict=True)) / total for i in (0, 1)]
        return SearchPoint(
            case=self.case,
            mass=self.signals[0].mass,
            observed=self._at(-1)[0] if self.seen else None,
            expected=tuple(self._at(which)[0] for which in range(5)),
            peak=self.peak,
            signal=sum(events),
            efficiency=mean[0],
            efficiency_error=mean[1],
            efficiencies=tuple(told),
            rates=tuple(float(one.production.at(reference).sum()) for one in self.signals),
            limit=self.limit(self.events(self._shown())),
            counted=self.events(self._shown()),
            statistical=self._errors,
        )

    def _shown(self) -> float:
        """Return the coupling that the limit's own numbers are told at."""
        found = self.intervals()
        if self.power is not None:
            return self.how.reference
        return found[0].low if found else self.peak.coupling

    def events(self, coupling: float) -> tuple[float, ...]:
        if coupling not in self._events:
            self._events[coupling] = tuple(one.events(coupling) for one in self.signals)
        return self._events[coupling]

    def limit(self, events: Sequence[float]) -> Limit:
        """Return the limit on the strength of a signal that is shared as these events are, and has their number at 1."""
        total = sum(events)
        numbers = tuple(events) if total > 0.0 else self._even()
        key = (numbers, self._errors)
        if key not in self._limits:
            self._limits[key] = self._taken(numbers)
        return self._limits[key]

    def _even(self) -> tuple[float, ...]:
        """Return one event, shared as the exposures, where there is no signal to share."""
        total = sum(period.on_target for period in self.periods)
        return tuple(period.on_target / total for period in self.periods)

    def _taken(self, numbers: Sequence[float]) -> Limit:
        names = list(dict.fromkeys(name for period in self.periods for name, _ in period.unseen))
        counters = [
            period.counter(number, error, names)
            for period, number, error in zip(self.periods, numbers, self._errors, strict=True)
        ]
        how = self.how
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RangeWarning)  # the limit's notes say it
                return upper_limit(
                    counters, method=how.method, confidence=how.confidence, correlations=how.correlations
                )
        except ValueError as error:
            text = f"there is no limit at {self.signals[0].mass:g} GeV: {error}"
            raise UserError(text, hint="another --method, or smaller numbers") from None

    @staticmethod
    def _shown_error(signal: Signal) -> float:
        """Return the relative statistical error of the efficiency, of the signature that has the largest."""
        errors = [one.error / one.efficiency for one in signal.seen if one.efficiency > 0.0]
        return max(errors, default=0.0)

    def _strength(self, limit: Limit, which: int) -> float:
        if which < 0:
            assert limit.observed is not None  # noqa: S101 - there is an observation, or it is not asked for
            return limit.observed
        return limit.expected[which]

    def _at(self, which: int) -> tuple[tuple[Interval, ...], Peak]:
        """Return intervals and peak of the observed limit (-1) or of an expected one (0 to 4)."""
        if which not in self._found:
            how = self.how
            if self.power is not None:
                events = self.events(how.reference)
                ratio = 1.0 / self._strength(self.limit(events), which) if sum(events) > 0.0 else 0.0
                self._found[which] = power_law(ratio, how.reference, self.power, how.low, how.high)
            else:
                self._found[which] = excluded(lambda g: self._ratio(g, which), how.low, how.high)
        return self._found[which]

    def _ratio(self, coupling: float, which: int) -> float:
        """Return the signal events over those of the limit."""
        events = self.events(coupling)
        total = sum(events)
        if not total > 0.0:
            return 0.0
        even = self._strength(self.limit(self._even()), which)
        if len(self.periods) == 1 or not 1.0 / NEAR < total / even < NEAR:
            return total / even
        rounded = tuple(round(number / total / SHARES) * SHARES for number in events)
        return total / (self._strength(self.limit(rounded), which) * sum(rounded))
