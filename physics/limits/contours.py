"""Excluded couplings at one mass: all intervals of g in which more signal events are expected than the limit allows.

Where the new particle has to decay at a place, the expected number rises with the coupling, as more are made, and falls again,
as they decay too early: an excluded interval has two ends, and above some mass there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PER_DECADE = 16
"""Couplings per decade at which the search begins."""

RTOL = 1e-9
"""Relative, of the ends."""

FLOOR = 1e-300
"""What a logarithm is taken of where no event is expected."""


@dataclass(frozen=True)
class Interval:
    """An excluded interval of the coupling.

    Attributes
    ----------
    low, high : float
    open_low, open_high : bool
        Whether it is the range of the search that ends here, and not the exclusion.
    """

    low: float
    high: float
    open_low: bool = False
    open_high: bool = False


@dataclass(frozen=True)
class Peak:
    """The coupling at which the most events are expected, and their number over that of the limit."""

    coupling: float
    ratio: float


def excluded(
    ratio: Callable[[float], float], low: float, high: float, *, per_decade: int = PER_DECADE, rtol: float = RTOL
) -> tuple[tuple[Interval, ...], Peak]:
    """Return all intervals in which a ratio is above 1, and where it is largest.

    Parameters
    ----------
    ratio : callable
        Of the coupling: expected signal events over those that the limit allows; 0 or more.
    low, high : float
        Range of the search, both above 0.
    per_decade : int
        Couplings at which the ratio is taken first. Maxima between them are searched for, so that no interval is missed whose
        sides rise and fall over more than one step.
    rtol : float
        Of the ends, relative.

    Raises
    ------
    ValueError
        If the range is empty, or the ratio is no number somewhere.
    """
    if not 0.0 < low < high < np.inf:
        msg = f"a coupling is searched for between two numbers above 0, not from {low:g} to {high:g}"
        raise ValueError(msg)
    start, stop = np.log(low), np.log(high)
    known: dict[float, float] = {}

    def height(x: float) -> float:
        if x not in known:
            value = float(ratio(float(np.exp(x))))
            if not value >= 0.0:
                msg = f"{value} expected events at a coupling of {np.exp(x):g}"
                raise ValueError(msg)
            known[x] = float(np.log(max(value, FLOOR)))
        return known[x]

    count = max(2, int(np.ceil((stop - start) / np.log(10.0) * per_decade)) + 1)
    grid = [float(x) for x in np.linspace(start, stop, count)]
    points = _with_maxima(height, grid)
    top = max(points, key=height)
    peak = Peak(float(np.exp(top)), float(np.exp(height(top))))
    return tuple(_intervals(height, points, low, high, rtol)), peak


def _with_maxima(height: Callable[[float], float], grid: Sequence[float]) -> list[float]:
    """Return the points of a grid with the maxima that lie between them."""
    from scipy.optimize import minimize_scalar

    found = list(grid)
    for left, middle, right in zip(grid, grid[1:], grid[2:], strict=False):
        if height(middle) > height(left) and height(middle) >= height(right):
            best = minimize_scalar(lambda x: -height(x), bounds=(left, right), method="bounded")
            found.append(float(best.x))
    return sorted(found)


def _intervals(
    height: Callable[[float], float], points: Sequence[float], low: float, high: float, rtol: float
) -> list[Interval]:
    from scipy.optimize import brentq

    found: list[Interval] = []
    begin = (low, True) if height(points[0]) > 0.0 else None
    for left, right in pairwise(points):
        before, behind = height(left) > 0.0, height(right) > 0.0
        if before == behind:
            continue
        edge = float(np.exp(brentq(height, left, right, xtol=rtol, rtol=8.9e-16)))
        if behind:
            begin = (edge, False)
        elif begin is not None:
            found.append(Interval(begin[0], edge, open_low=begin[1]))
            begin = None
    if begin is not None:
        found.append(Interval(begin[0], high, open_low=begin[1], open_high=True))
    return found


def power_law(ratio: float, coupling: float, power: int, low: float, high: float) -> tuple[tuple[Interval, ...], Peak]:
    """Return what `excluded` returns for a ratio that goes with a power of the coupling, in closed form.

    Parameters
    ----------
    ratio : float
        At `coupling`.
    coupling : float
    power : int
        Not 0.
    low, high : float
        Range of couplings.

    Raises
    ------
    ValueError
        For a power of 0.
    """
    if power == 0:
        msg = "what does not go with the coupling gives no limit on it"
        raise ValueError(msg)
    best = high if power > 0 else low
    peak = Peak(best, ratio * (best / coupling) ** power)
    if not peak.ratio > 1.0:
        return (), peak
    edge = coupling * ratio ** (-1.0 / power)
    if power > 0:
        return (Interval(max(edge, low), high, open_low=edge < low, open_high=True),), peak
    return (Interval(low, min(edge, high), open_low=True, open_high=edge > high),), peak


def closing_mass(peak: Callable[[float], float], inside: float, outside: float, *, rtol: float = 5e-3) -> float:
    """Return the mass at which a contour closes: where the largest ratio is 1.

    Parameters
    ----------
    peak : callable
        Largest ratio of a mass (`Peak.ratio`).
    inside, outside : float
        A mass with a limit, and one without.
    rtol : float
        Relative, of the mass.
    """
    from scipy.optimize import brentq

    def height(x: float) -> float:
        return float(np.log(max(peak(float(np.exp(x))), FLOOR)))

    return float(np.exp(brentq(height, np.log(inside), np.log(outside), xtol=rtol)))
