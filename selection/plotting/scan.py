"""Scans as figures: the figure of merit and the events expected against a parameter, or the figure of merit over two."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from emiss.drawing import colours, figure, styled
from emiss.selection.plotting import frame
from emiss.selection.plotting.frame import drawable, plain
from emiss.selection.plotting.series import Reach

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from emiss.selection.results.optimum import Curve


def scan(curves: Sequence[Curve], merit: str, title: str, events: str) -> Figure:
    """Draw the figure of merit and the events expected against the parameter, or the figure of merit over two."""
    with styled():
        if len(curves[0].axes) > 1:
            return _surface(curves, merit, title)
        made = figure(6.4, 5.4)
        top, bottom = made.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        axis, tint = curves[0].axes[0], colours()
        for i, curve in enumerate(curves):
            colour = tint[i % len(tint)]
            largest = np.nanmax(curve.merit) if curve.best is not None else math.nan
            scale = largest if len(curves) > 1 and largest > 0 else 1.0
            top.plot(axis.values, curve.merit / scale, color=colour, label=plain(curve.name))
            if curve.best is not None:
                top.plot(axis.values[curve.best[0]], curve.merit[curve.best] / scale, "o", color=colour)
            if curve.interval is not None:
                top.axvspan(*curve.interval, color=colour, alpha=0.12, linewidth=0)
            bottom.plot(axis.values, curve.signal, color=colour, label=plain(curve.name))
        bottom.plot(axis.values, curves[0].background, color="black", linestyle=":", label="background")
        drawn = np.concatenate([curves[0].background, *(curve.signal for curve in curves)])
        positive = drawn[drawn > 0.0]
        reach = Reach(float(positive.min()), float(positive.max())) if positive.size else Reach()
        frame.scale(bottom, reach, None, 0.05)
        top.set_ylabel(merit if len(curves) == 1 else f"{merit}\n(over its largest)")
        top.set_ylim(bottom=0)
        top.set_title(drawable(title), fontsize="medium", loc="left")
        bottom.set(xlabel=drawable(axis.title), ylabel=events)
        for place in (top, bottom):
            place.legend(frameon=False, fontsize="small")
            frame.minor_ticks(place)
    return made


def _surface(curves: Sequence[Curve], merit: str, title: str) -> Figure:
    made = figure(5.4 * len(curves), 4.4)
    for place, curve in zip(np.atleast_1d(made.subplots(1, len(curves))), curves, strict=True):
        x, y = curve.axes
        mesh = place.pcolormesh(
            x.values, y.values, np.ma.masked_invalid(curve.merit.T), cmap="viridis", rasterized=True
        )
        made.colorbar(mesh, ax=place, label=merit)
        if curve.best_values is not None:
            place.plot(*curve.best_values, "o", color="#c00000")
        place.set(xlabel=drawable(x.title), ylabel=drawable(y.title))
        place.set_title(drawable(f"{title}: {curve.name}"), fontsize="medium", loc="left")
    return made
