"""Two or more samples, or periods, over each other: their shapes, the ratio to the first, and whether they agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.drawing import colours, size
from emiss.selection.plotting import frame
from emiss.selection.plotting.agreement import agreement
from emiss.selection.plotting.distribution import finish, panels, points
from emiss.selection.plotting.series import Reach

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

    from emiss.configs.arrays import Floats
    from emiss.selection.counting.histograms import BinAxis
    from emiss.selection.plotting.frame import Look
    from emiss.selection.plotting.series import Series

MARKS = "os^vDPX"


def overlay(place: FigureBase, series: Sequence[Series], axis: BinAxis, look: Look, *, shape: bool = True) -> None:
    """Draw samples as lines with bars, each with an area of 1 unless `shape` is off; below, the ratio to the first.

    The bar of a ratio is that of the sample, and the band around 1 that of the first. Agreement of shape with the first is
    written behind the name of each.
    """
    shown = [one.share() for one in series] if shape else list(series)
    shown = [one.per_unit(axis) for one in shown] if look.per_unit else shown
    main, below = panels(place, below=look.ratio and len(shown) > 1)
    tint = colours()
    tops = []
    for number, one in enumerate(shown):
        colour, mark = tint[number % len(tint)], MARKS[number % len(MARKS)]
        said = frame.plain(one.label) + (f": {agreement(series[0], series[number])}" if number else "")
        main.stairs(one.values, axis.edges, color=colour, linewidth=1.5 * size(), label=said)
        points(main, one, axis, one.values, *one.errors, where=one.values > 0.0, colour=colour, marker=mark)
        tops.append(one.values + np.where(one.values > 0.0, one.errors[1], 0.0))
        if below is not None and number:
            _ratio(below, one, shown[0], axis, colour, mark)
    finish(main, axis, look, Reach.of(shown, tops), upwards=False)
    if below is not None:
        _first(below, shown[0], axis)
        below.set_ylim(0.0, 2.0)
        below.set_ylabel(f"over {frame.plain(shown[0].name)}" if len(shown[0].name) < 8 else "ratio")
        frame.minor_ticks(below)
    (below or main).set_xlabel(frame.drawable(axis.title))


def _ratio(place: Axes, one: Series, first: Series, axis: BinAxis, colour: str, mark: str) -> None:
    known = first.values > 0.0
    under = np.where(known, first.values, 1.0)
    bars = [bar / under for bar in one.errors]
    points(
        place,
        one,
        axis,
        one.values / under,
        bars[0],
        bars[1],
        where=known & (one.values > 0.0),
        colour=colour,
        marker=mark,
    )


def _first(place: Axes, first: Series, axis: BinAxis) -> None:
    known = first.values > 0.0
    under = np.where(known, first.values, 1.0)
    bars: list[Floats] = [np.where(known, bar / under, 0.0) for bar in first.errors]
    place.stairs(
        1.0 + bars[1], axis.edges, baseline=1.0 - bars[0], fill=True, color=colours()[0], alpha=0.25, linewidth=0
    )
    place.axhline(1.0, color="#777777", linewidth=0.8 * size())
