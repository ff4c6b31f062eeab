"""Exact CLs of one counter with uncertain signal and background, for any number of events.

P(N <= n) = E[Q(n + 1, S exp(e t) + B exp(b u))] over unit normals t and u, where Q is the Poisson sum in closed form, e and b
the logarithms of 1 + error. Every integrand is log-concave in its variable (Q falls and is log-concave in the rate, the rate
is convex), so that it has one peak and two ends, which are found first; between them the average is adaptive. Logarithms are
kept: n far below the background is improbable, yet CLs, a ratio, is an ordinary number.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.physics.limits.poisson import hazard, log_cdf
from emiss.physics.quadrature import integrate

if TYPE_CHECKING:
    from collections.abc import Callable

    from emiss.configs.arrays import Floats


MAX_COUNT = 1e15
"""Above, neighbouring numbers of events are not told apart."""

RTOL = 1e-9
"""Of an average."""

NEGLIGIBLE = 40.0
"""An integrand this much below its peak, as a logarithm, is 0."""

FAR = 8.5
"""Standard deviations of a unit normal beyond which nothing is left: 2e-17."""

KNOTS = 400
"""Of a spline in the signal."""


def log_survival(n: float, signal: Floats, background: float, error: float) -> Floats:
    """Return ln P(N <= n), averaged over the background, for several numbers of signal events.

    Parameters
    ----------
    n : float
    signal : array of shape (S,)
        Events, 0 or more.
    background, error : float
        Events, and the relative error of their log-normal distribution.
    """
    width = float(np.log1p(error))
    if background == 0.0 or width == 0.0:
        return log_cdf(n, signal + background)
    lane = np.arange(len(signal))

    def rate(u: Floats, which: Any) -> Floats:
        return background * np.exp(width * u) + signal[which]

    def log_integrand(u: Floats, which: Any) -> Floats:
        return np.asarray(log_cdf(n, rate(u, which).ravel()).reshape(u.shape) - 0.5 * u * u)

    peak = _peak(n, signal, background, width)
    top = log_integrand(peak, lane)

    def below(u: Floats) -> Floats:
        return np.asarray(top - log_integrand(u, lane) - NEGLIGIBLE)

    # the curvature is at least that of the normal, so that the ends are within sqrt(2 NEGLIGIBLE) of the peak
    reach = np.sqrt(2.0 * NEGLIGIBLE)
    low, high = _root(below, peak, peak - reach), _root(below, peak, peak + reach)

    def integrand(u: Floats, which: Any) -> Floats:
        return np.exp(log_integrand(u, which[:, None]) - top[which][:, None])

    value, _ = integrate(integrand, low, high, rtol=RTOL, panels=4)
    return np.asarray(np.log(value) + top - 0.5 * np.log(2.0 * np.pi))


def _peak(n: float, signal: Floats, background: float, width: float) -> Floats:
    """Return where Q(n + 1, S + B exp(width u)) exp(-u^2/2) is largest.

    There u = -width B exp(width u) hazard. The hazard is 1 at most, which bounds u from below by Lambert's W.
    """
    from scipy.special import lambertw

    lowest = -float(np.real(lambertw(width**2 * background))) / width

    def slope(u: Floats) -> Floats:
        falling = background * np.exp(width * u)
        return np.asarray(-u - width * falling * hazard(n, signal + falling))

    return _root(lambda u: -slope(u), np.full(len(signal), lowest), np.zeros(len(signal)))


def _root(function: Any, inside: Floats, outside: Floats) -> Floats:
    """Halve the way from where `function` is below 0 to where it is above, in each lane."""
    for _ in range(40):
        middle = 0.5 * (inside + outside)
        above = function(middle) > 0.0
        inside, outside = np.where(above, inside, middle), np.where(above, middle, outside)
    return 0.5 * (inside + outside)


class OneCounter:
    """CLs of n events against the signal, for a background with its error.

    Parameters
    ----------
    n : float
        Events observed.
    background, error : float
        Expected number, and its relative error.
    """

    def __init__(self, n: float, background: float, error: float) -> None:
        self.n, self.background, self.error = n, background, error
        self._zero = float(self._logs(np.zeros(1))[0])
        self._spline: Any = None

    def _logs(self, signal: Floats) -> Floats:
        return log_survival(self.n, signal, self.background, self.error)

    def log_cls(self, signal: Floats) -> Floats:
        """Return ln CLs of so many signal events, known without error."""
        return self._logs(signal) - self._zero

    def limit(self, confidence: float, efficiency_error: float) -> float:
        """Return the signal events at which CLs is 1 - confidence."""
        from scipy.optimize import brentq

        wanted = float(np.log1p(-confidence))
        width = float(np.log1p(efficiency_error))

        def excess(log_signal: float) -> float:
            signal = float(np.exp(log_signal))
            return (self._averaged(signal, width) if width else float(self.log_cls(np.array([signal]))[0])) - wanted

        low = high = float(np.log(2.0 + 2.0 * np.sqrt(self.n + 1.0) + max(self.n - self.background, 0.0)))
        while excess(high) > 0.0:
            high += 1.0
        while excess(low) <= 0.0:
            low -= 1.0
        return float(np.exp(brentq(excess, low, high, xtol=1e-10, rtol=1e-10)))

    def _averaged(self, signal: float, width: float) -> float:
        """Return ln of CLs averaged over the efficiency: between 0 and FAR deviations nothing of CLs = 0.1 is lost."""
        spline = self._table()

        def integrand(t: Floats, _: Any) -> Floats:
            return np.exp(spline(signal * np.exp(width * t)) - 0.5 * t * t)

        value, _ = integrate(integrand, np.array([-FAR]), np.array([FAR]), rtol=RTOL, panels=4)
        return float(np.log(value[0]) - 0.5 * np.log(2.0 * np.pi))

    def _table(self) -> Callable[[Floats], Floats]:
        """Return ln CLs against the signal as a spline, made once: every strength and every error needs it."""
        if self._spline is None:
            from scipy.interpolate import CubicSpline

            last = 1.0 + np.sqrt(self.n + 1.0)
            while self.log_cls(np.array([last]))[0] > -NEGLIGIBLE:
                last *= 2.0
            signal = np.linspace(0.0, last, KNOTS)
            for _ in range(
                3
            ):  # knots where ln CLs is in motion: evenly in its root, which is straight in a Gaussian tail
                root = np.sqrt(-np.minimum.accumulate(np.minimum(self.log_cls(signal), 0.0)))
                even = np.linspace(0.0, root[-1], KNOTS)
                signal = np.union1d(np.linspace(0.0, last, 8), np.interp(even, root, signal))
            curve = CubicSpline(signal, self.log_cls(signal))
            end = signal[-1]
            self._spline = lambda s: np.where(s < end, curve(np.minimum(s, end)), -np.inf)
        return self._spline


@lru_cache(maxsize=256)
def counter(n: float, background: float, error: float) -> OneCounter:
    """Return the counter, the same one for the same numbers: limits at several masses share its spline."""
    return OneCounter(n, background, error)


@lru_cache(maxsize=1024)
def quantile(probability: float, background: float, error: float) -> float:
    """Return the smallest n with P(N <= n) of at least `probability`, without signal.

    Raises
    ------
    OverflowError
        If it is above `MAX_COUNT`.
    """
    enough = float(np.log(probability - 1e-12))

    def reached(n: float) -> bool:
        return bool(log_survival(n, np.zeros(1), background, error)[0] >= enough)

    if reached(0.0):
        return 0.0
    low, high = 0.0, 1.0 + background
    while not reached(high):
        low, high = high, 2.0 * high
        if high > MAX_COUNT:
            msg = f"with {background:g} background events and an error of {error:g} they are too many to be counted"
            raise OverflowError(msg)
    high = float(np.ceil(high))
    while high - low > 1.0:
        middle = float(np.floor(0.5 * (low + high)))
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high
