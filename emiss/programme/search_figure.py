"""The plane of a search: excluded regions with both branches, the band of the expected limit, other experiments' curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.drawing import COLOURS, figure, power, styled
from emiss.programme.search_lines import SIGMAS, targets
from emiss.reach.figures import BAND68, BAND95
from emiss.reach.mass_axis import label_masses, smooth

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from emiss.physics.limits.contours import Interval
    from emiss.programme.mass_limit import SearchPoint
    from emiss.programme.result import SearchLimit
    from emiss.programme.search_lines import MomentBand

STYLES = ("--", ":", "-.")
"""Of lines that are not ours."""

MOMENTS = ("#984ea3", "#a65628", "#999999")
"""Colours of lepton moments."""

ROOM = 3.0
"""Factor between what is drawn and the edges of the axes."""


def plane(limit: SearchLimit) -> Figure:
    """Draw the excluded regions of all cases, with the expected band of the first one."""
    with styled():
        made = figure(6.4, 5.0)
        place = made.subplots()
        bottom, top = _range(limit)
        for number, case in enumerate(limit.search.cases):
            points = limit.of_case(case)
            if len(points) == 1 or all(not point.intervals for point in points):
                _marks(place, points, COLOURS[number % 8], case if len(limit.search.cases) > 1 else "", top)
                continue
            label = f"{'observed' if limit.observed else 'expected'}" + (
                f", {case}" if len(limit.search.cases) > 1 else ""
            )
            if number == 0:
                _band(place, points)
            close = {one.inside: one.mass for one in limit.closings if one.case == case}
            _region(place, points, close, COLOURS[number % 8], label)
        for number, curve in enumerate(limit.curves):
            place.plot(
                curve.mass,
                curve.coupling,
                color="black",
                linestyle=STYLES[number % 3],
                linewidth=1.2,
                label=curve.name,
            )
        for number, moment in enumerate(limit.moments()):
            _moment(place, moment, MOMENTS[number % len(MOMENTS)])
        unit = limit.plane().unit
        place.set(xscale="log", yscale="log", ylim=(bottom, top))
        label_masses(place, limit.search.plane.particle, max(point.mass for point in limit.points))
        place.set_ylabel(limit.symbol + (f" [{unit}]" if unit else ""))
        confidence = 100.0 * limit.how.confidence
        place.set_title(
            f"{limit.search.title}\n{confidence:g} % CL, {power(f'{limit.on_target:.3g}')} on target",
            fontsize=10,
            loc="left",
        )
        if place.get_legend_handles_labels()[0]:
            place.legend(frameon=False, fontsize=8)
    return made


def _range(limit: SearchLimit) -> tuple[float, float]:
    """Return the edges of the axis of couplings: what has an end in it, with room around, within the range of the search."""
    ends = [
        end
        for point in limit.points
        for found in (point.intervals, *point.expected)
        for one in found
        for end, is_open in ((one.low, one.open_low), (one.high, one.open_high))
        if not is_open
    ]
    ends += [coupling for curve in limit.curves for coupling in curve.coupling]
    if not ends:
        return limit.how.low, limit.how.high
    closed = any(not one.open_high and not one.open_low for point in limit.points for one in point.intervals)
    room = ROOM if closed else ROOM**2
    return max(min(ends) / room, limit.how.low), min(max(ends) * room, max(limit.how.high, max(ends) * ROOM))


def _branches(
    points: Sequence[SearchPoint], chosen: Callable[[SearchPoint], Sequence[Interval]]
) -> list[list[tuple[SearchPoint, Interval]]]:
    """Return runs of neighbouring masses that have an n-th interval, for each n."""
    most = max((len(chosen(point)) for point in points), default=0)
    runs: list[list[tuple[SearchPoint, Interval]]] = []
    for n in range(most):
        run: list[tuple[SearchPoint, Interval]] = []
        for point in points:
            found = chosen(point)
            if n < len(found):
                run.append((point, found[n]))
            elif run:
                runs.append(run)
                run = []
        if run:
            runs.append(run)
    return runs


def _region(place: Axes, points: Sequence[SearchPoint], close: dict[float, float], colour: str, label: str) -> None:
    """Fill what is excluded and draw its ends; a contour that closes is drawn to the mass where it does."""
    for run in _branches(points, lambda point: point.intervals):
        mass = [point.mass for point, _ in run]
        low, high = [one.low for _, one in run], [one.high for _, one in run]
        for point, at in ((run[0][0], 0), (run[-1][0], len(mass))):
            if point.mass in close and _is_end(close[point.mass], point.mass, at):
                mass.insert(at, close[point.mass])
                low.insert(at, point.peak.coupling)
                high.insert(at, point.peak.coupling)
        marker = "o" if len(mass) == 1 else ""
        drawn, lower, upper = smooth(mass, low, high)
        place.fill_between(drawn, lower, upper, color=colour, alpha=0.25, linewidth=0)
        lower_open, upper_open = (all(getattr(one, name) for _, one in run) for name in ("open_low", "open_high"))
        if not lower_open:
            place.plot(drawn, lower, color=colour, linewidth=1.8, label=label, marker=marker)
            label = ""
        if not upper_open:
            place.plot(drawn, upper, color=colour, linewidth=1.8, label=label, marker=marker)
            label = ""


def _is_end(closing: float, mass: float, at: int) -> bool:
    return closing < mass if at == 0 else closing > mass


def _band(place: Axes, points: Sequence[SearchPoint]) -> None:
    """Fill where 68 and 95 % of the ends are expected, branch by branch."""
    for outer, inner, colour, label in ((0, 4, BAND95, "95 % of limits"), (1, 3, BAND68, "68 % of limits")):
        both = [point for point in points if len(point.expected[outer]) == len(point.expected[inner]) > 0]
        mass = [point.mass for point in both]
        labels = iter([label])
        for name in ("low", "high"):
            if not both or all(getattr(one, f"open_{name}") for point in both for one in point.expected[2]):
                continue
            edges = [np.array([getattr(point.expected[k][0], name) for point in both]) for k in (outer, inner)]
            if np.allclose(edges[0], edges[1], rtol=1e-3):
                continue
            shown = next(labels, "")
            drawn, lower, upper = smooth(mass, *edges)
            place.fill_between(drawn, lower, upper, color=colour, alpha=0.8, linewidth=0, label=shown)


def _moment(place: Axes, moment: MomentBand, colour: str) -> None:
    """Fill the couplings that explain a lepton's moment; a line where all below one do, nothing where none does."""
    if not np.any(moment.high > 0.0):
        return
    label = rf"$g - 2$ of the {moment.lepton}, {moment.difference}, {SIGMAS:g}$\sigma$"
    if np.all(moment.low > 0.0):
        place.fill_between(moment.mass, moment.low, moment.high, color=colour, alpha=0.35, linewidth=0, label=label)
        return
    edge = f"{label}: most"
    place.plot(moment.mass, moment.high, color=colour, linewidth=1.0, linestyle="--", label=edge)


def dark_matter(limit: SearchLimit) -> Figure:
    """Draw excluded y = g^2 alpha_D (m_chi/m)^4 against the mass of dark matter, with thermal targets."""
    with styled():
        made = figure(6.4, 5.0)
        place = made.subplots()
        mass: list[float] = []
        for number, case in enumerate(limit.search.cases):
            ends = [(m, y[0][0]) for m, y in limit.thermal(case) if y]
            if not ends:
                continue
            mass += [m for m, _ in ends]
            label = ("observed" if limit.observed else "expected") + (
                f", {case}" if len(limit.search.cases) > 1 else ""
            )
            marker = "o" if len(ends) == 1 else ""
            place.plot(*zip(*ends, strict=True), color=COLOURS[number % 8], linewidth=1.8, label=label, marker=marker)
        for (kind, (m, y)), style in zip(targets(mass or [1e-3, 1.0], limit.ratio()).items(), STYLES, strict=False):
            place.plot(m, y, color="black", linestyle=style, linewidth=1.0, label=f"thermal, {kind.replace('_', '-')}")
        place.set(xscale="log", yscale="log")
        place.set_xlabel(r"mass of dark matter [GeV]")
        place.set_ylabel(r"$y = \epsilon^2\,\alpha_D\,(m_\chi/m)^4$")
        confidence = 100.0 * limit.how.confidence
        title = (
            f"{limit.search.title}\n{confidence:g} % CL, {limit.on_target:.3g} on target, mass ratio {limit.ratio():g}"
        )
        place.set_title(title, fontsize=10, loc="left")
        place.legend(frameon=False, fontsize=8)
    return made


def _marks(place: Axes, points: Sequence[SearchPoint], colour: str, label: str, top: float) -> None:
    """Draw single masses as bars of what is excluded, up to the edge of the axes."""
    for point in points:
        for one in point.intervals:
            place.plot(
                [point.mass, point.mass],
                [one.low, min(one.high, top)],
                color=colour,
                linewidth=6.0,
                alpha=0.25,
                solid_capstyle="butt",
            )
            ends = [end for end, is_open in ((one.low, one.open_low), (one.high, one.open_high)) if not is_open]
            place.plot(
                [point.mass] * len(ends), ends, color=colour, marker="_", markersize=12.0, linestyle="", label=label
            )
            label = ""
        if not point.intervals:
            place.axvline(point.mass, color=colour, linestyle=":", linewidth=0.8)
