"""One quantity: backgrounds stacked with their uncertainty, signals as lines, data as points, and data over simulation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.drawing import colours, size
from emiss.selection.plotting import frame
from emiss.selection.plotting.series import Reach

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

    from emiss.configs.arrays import Bools, Floats
    from emiss.selection.counting.histograms import BinAxis
    from emiss.selection.plotting.frame import Look
    from emiss.selection.plotting.series import Series

RATIOS = (2.0, 5.0)
"""Upper ends of the axis of ratios: as long as most points are below the first, and the last."""

GREY = "#555555"


def has_ratio(series: Sequence[Series], look: Look) -> bool:
    """Return whether there are data and something to compare them with."""
    return look.ratio and {"data", "background"} <= {one.role for one in series}


def panels(place: FigureBase, *, below: bool) -> tuple[Axes, Axes | None]:
    """Return the axes of a plot, and those of a panel below them if there is one."""
    if not below:
        return place.subplots(), None
    main, under = place.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    return main, under


def distribution(place: FigureBase, series: Sequence[Series], axis: BinAxis, look: Look) -> None:
    """Draw one quantity of several samples into a figure, or a part of one.

    Backgrounds are stacked, the smallest at the bottom; the hatched band is the statistical uncertainty of their sum. The
    bars of data are Garwood's intervals (of data with weights, roots of sums of their squares). An empty bin of data
    has a bar where the simulation expects something. Ratios have the bars of data, and the band around 1 is the simulation's.
    """
    series = [one for one in series if one.sums.any() or one.role == "data"]
    shown = [one.per_unit(axis) for one in series] if look.per_unit else series
    main, below = panels(place, below=has_ratio(series, look))
    stack, variance = _stack(main, [one for one in shown if one.role == "background"], axis)
    tint = colours()
    for one in shown:
        if one.role == "signal":
            main.stairs(
                one.values,
                axis.edges,
                color=tint[one.number % len(tint)],
                linewidth=1.8 * size(),
                label=frame.plain(one.name),
            )
    for one in shown:
        if one.role == "data":
            points(main, one, axis, one.values, *one.errors, where=one.shown(stack > 0.0), label=True)
            if below is not None:
                _ratio(below, one, axis, stack)
    finish(main, axis, look, Reach.of_stack(shown))
    if below is not None:
        _around_one(below, axis, stack, variance)
        below.set_ylabel("data / sim.")
        below.set_xlabel(frame.drawable(axis.title))
    else:
        main.set_xlabel(frame.drawable(axis.title))


def finish(main: Axes, axis: BinAxis, look: Look, reach: Reach, *, upwards: bool = True) -> None:
    """Set ranges and labels, and put heading, legend (what was drawn last on top) and cuts around what was drawn."""
    room = frame.room_of(main, look, axis)
    frame.scale(main, look.reach or reach, look.log, room)
    frame.cut_lines(main, axis, 1.0 - room)
    frame.head(main, look)
    frame.legend(main, look, upwards=upwards)
    frame.minor_ticks(main)
    main.set_xlim(axis.edges[0], axis.edges[-1])
    main.set_ylabel(frame.counted(axis, look))


def _stack(main: Axes, backgrounds: Sequence[Series], axis: BinAxis) -> tuple[Floats, Floats]:
    """Draw the stack with its band; return its sum and variance."""
    size = len(axis.edges) - 1
    stack, variance = np.zeros(size), np.zeros(size)
    tint = colours()
    for one in sorted(backgrounds, key=lambda one: float(one.values.sum())):
        main.stairs(
            stack + one.values,
            axis.edges,
            baseline=stack,
            fill=True,
            color=tint[one.number % len(tint)],
            alpha=0.75,
            label=frame.plain(one.name),
        )
        stack, variance = stack + one.values, variance + one.variances
    if variance.any():
        error = np.sqrt(variance)
        _band(main, axis, np.maximum(stack - error, 0.0), stack + error, "stat. uncertainty")
    return stack, variance


def _band(place: Axes, axis: BinAxis, low: Floats, high: Floats, label: str | None) -> None:
    place.stairs(
        high, axis.edges, baseline=low, fill=True, facecolor="none", edgecolor=GREY, hatch="/////", linewidth=0.0, label=label
    )  # fmt: skip


def points(
    place: Axes,
    one: Series,
    axis: BinAxis,
    values: Floats,
    below: Floats,
    above: Floats,
    *,
    where: Bools,
    label: bool = False,
    colour: str = "black",
    marker: str = "o",
) -> None:
    """Draw points with bars in the middle of the bins that are chosen; of an empty bin the bar alone."""
    edges = np.asarray(axis.edges)
    middle = 0.5 * (edges[1:] + edges[:-1])
    text = frame.plain(one.label) if label else None
    place.errorbar(
        middle[where], values[where], (below[where], above[where]), fmt=marker, color=colour, markersize=3.5 * size(),
        elinewidth=size(), label=text, zorder=5,
    )  # fmt: skip


def _ratio(place: Axes, one: Series, axis: BinAxis, stack: Floats) -> None:
    """Draw data over simulation; what lies outside the axis is an arrow at its edge."""
    known = stack > 0.0
    under = np.where(known, stack, 1.0)
    share = one.values / under
    below, above = (bar / under for bar in one.errors)
    top = RATIOS[0] if np.mean(share[known] < RATIOS[0]) > 0.8 or not known.any() else RATIOS[1]
    place.set_ylim(0.0, top)
    points(place, one, axis, share, below, above, where=one.shown(known) & known & (share <= top))
    edges = np.asarray(axis.edges)
    high = known & (share > top)
    place.plot(
        (0.5 * (edges[1:] + edges[:-1]))[high],
        np.full(high.sum(), 0.95 * top),
        "^",
        color="black",
        markersize=4 * size(),
    )


def _around_one(place: Axes, axis: BinAxis, stack: Floats, variance: Floats) -> None:
    known = stack > 0.0
    error = np.where(known, np.sqrt(variance) / np.where(known, stack, 1.0), 0.0)
    _band(place, axis, np.where(known, np.maximum(1.0 - error, 0.0), 1.0), np.where(known, 1.0 + error, 1.0), None)
    place.axhline(1.0, color="#777777", linewidth=0.8 * size())
    frame.minor_ticks(place)
