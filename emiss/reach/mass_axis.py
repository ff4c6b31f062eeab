"""Axes of limits: masses with their unit, ticks between those with numbers, and curves that are smooth between the masses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

    from emiss.configs.arrays import Floats

FINE = 40
"""Points that are drawn between two masses."""

NARROW = 2.0
"""Decades of an axis below which numbers also stand at 2 and 5."""

PLAIN = (1e-3, 1e4)
"""Numbers that are written without a power of ten."""


def label_masses(place: Axes, particle: str, largest: float) -> None:
    """Name the axis of masses (GeV), in MeV where all of them are below 1 GeV, and set the ticks of both axes."""
    unit, factor = ("MeV", 1e3) if largest < 1.0 else ("GeV", 1.0)
    place.set_xlabel(f"mass of {particle} [{unit}]")
    ticks(place.xaxis, factor)
    ticks(place.yaxis)


def ticks(axis: Axis, factor: float = 1.0) -> None:
    """Set the ticks of a logarithmic axis: all decades, eight ticks between them, and plain numbers where they are short."""
    from matplotlib.ticker import FuncFormatter, LogFormatterMathtext, LogLocator, NullFormatter

    low, high = axis.get_view_interval()
    decades = np.log10(high / low)
    axis.set_major_locator(LogLocator(numticks=20 if decades < 20 else 10))
    axis.set_minor_locator(LogLocator(subs=tuple(np.arange(2.0, 10.0)), numticks=400))
    powers = LogFormatterMathtext()
    powers.set_axis(axis)

    def written(x: float, _: int | None = None) -> str:
        shown = float(f"{x * factor:.12g}")
        return f"{shown:g}" if PLAIN[0] <= shown < PLAIN[1] else powers(shown)

    def between(x: float, position: int | None = None) -> str:
        first = f"{x:e}"[0]
        return written(x, position) if first in "25" else ""

    plain = PLAIN[0] <= low * factor and high * factor < PLAIN[1]
    if plain or factor != 1.0:
        axis.set_major_formatter(FuncFormatter(written))
    axis.set_minor_formatter(FuncFormatter(between) if plain and decades < NARROW else NullFormatter())


def smooth(mass: Sequence[float], *lines: Sequence[float] | Floats) -> tuple[Floats, ...]:
    """Return masses and lines with points between, on curves through the given ones that never overshoot them.

    Monotone cubic pieces in the logarithms of both; as given where there are less than three masses, or not all is above 0.

    References
    ----------
    F. N. Fritsch and J. Butland, SIAM J. Sci. Stat. Comput. 5 (1984) 300.
    """
    at = np.asarray(mass, float)
    given = [np.asarray(line, float) for line in lines]
    if len(at) < 3 or not all((line > 0.0).all() and np.isfinite(line).all() for line in (at, *given)):
        return (at, *given)
    if not (np.diff(at) > 0.0).all():
        return (at, *given)
    from scipy.interpolate import PchipInterpolator

    knots = np.log(at)
    steps = np.arange(FINE) / FINE
    fine = np.append((knots[:-1, None] + steps * np.diff(knots)[:, None]).ravel(), knots[-1])
    return (np.exp(fine), *(np.exp(PchipInterpolator(knots, np.log(line))(fine)) for line in given))
