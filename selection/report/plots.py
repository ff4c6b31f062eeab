"""Plots of histograms and scans, as matplotlib figures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from emiss.drawing import COLOURS, figure, styled
from emiss.selection.analysis.formula import mathtext_error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from emiss.configs.arrays import Floats
    from emiss.selection.counting.histograms import BinAxis, Filled
    from emiss.selection.results.optimum import Curve


def drawable(text: str) -> str:
    """Return a text with its formulas, or as plain text if they cannot be drawn."""
    return plain(text) if mathtext_error(text) else text


def plain(text: str) -> str:
    """Return a name so that matplotlib finds no formula in it."""
    return text.replace("$", r"\$")


def distribution(
    filled: Mapping[str, Filled], roles: Mapping[str, str], factors: Mapping[str, float], title: str, events: str
) -> Figure:
    """Draw one quantity for all samples: backgrounds stacked, signals as lines, data as points, cuts as vertical lines.

    Where there are data and a background, a second panel shows data over the sum of the backgrounds.

    Parameters
    ----------
    filled : mapping of sample to Filled
        One-dimensional, with the same axis.
    roles, factors : mappings by sample
        ``signal``, ``background`` or ``data``; factor from sums of weights to what is drawn.
    title, events : str
        Of the plot, and of its vertical axis.
    """
    axis = next(iter(filled.values())).axes[0]
    by_role = {role: [s for s in filled if roles[s] == role] for role in ("background", "signal", "data")}
    ratio = bool(by_role["data"] and by_role["background"])
    with styled():
        made = figure(height=5.2 if ratio else 4.2)
        if ratio:
            main, below = made.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        else:
            main, below = made.subplots(), None
        stack = np.zeros(len(axis.edges) - 1)
        variance = np.zeros_like(stack)
        for i, sample in enumerate(by_role["background"]):
            values, variances = _scaled(filled[sample], factors[sample])
            main.stairs(
                stack + values,
                axis.edges,
                baseline=stack,
                fill=True,
                color=COLOURS[i % 8],
                alpha=0.75,
                label=plain(sample),
            )
            stack, variance = stack + values, variance + variances
        for i, sample in enumerate(by_role["signal"]):
            values, _ = _scaled(filled[sample], factors[sample])
            main.stairs(values, axis.edges, color=COLOURS[(5 + i) % 8], linewidth=1.8, label=plain(sample))
        for sample in by_role["data"]:
            values, variances = _scaled(filled[sample], factors[sample])
            _points(main, axis, values, np.sqrt(variances), label=plain(sample))
            if below is not None:
                _ratio(below, axis, values, variances, stack, variance)
        _cuts(main, axis)
        everything = np.concatenate([_scaled(filled[s], factors[s])[0] for s in filled])
        _log(main, everything)
        main.set_ylabel(events)
        main.set_title(drawable(title), fontsize=11, loc="left")
        main.legend(frameon=False, fontsize=9)
        (main if below is None else below).set_xlabel(drawable(axis.title))
    return made


def _scaled(filled: Filled, factor: float) -> tuple[Floats, Floats]:
    view = filled.hist.view()
    return np.asarray(view["value"] * factor), np.asarray(view["variance"] * factor**2)


def _points(place: Axes, axis: BinAxis, values: Floats, errors: Floats, label: str | None = None) -> None:
    edges = np.asarray(axis.edges)
    middle = (edges[1:] + edges[:-1]) / 2
    shown = values != 0
    place.errorbar(middle[shown], values[shown], errors[shown], fmt="o", color="black", markersize=3.5, label=label)


def _ratio(place: Axes, axis: BinAxis, values: Floats, variances: Floats, stack: Floats, variance: Floats) -> None:
    """Draw data over simulation with the statistical error of both."""
    good = (stack > 0) & (values > 0)
    share = np.divide(values, stack, out=np.zeros_like(values), where=good)
    relative = np.zeros_like(share)
    relative[good] = np.sqrt(variances[good] / values[good] ** 2 + variance[good] / stack[good] ** 2)
    _points(place, axis, share, share * relative)
    place.axhline(1.0, color="#777777", linewidth=0.8)
    place.set_ylabel("data / sim.")


def _cuts(place: Axes, axis: BinAxis) -> None:
    for cut in axis.cuts:
        if axis.edges[0] <= cut <= axis.edges[-1]:
            place.axvline(cut, color="#333333", linestyle="--", linewidth=1.2)
            place.annotate(
                f"{cut:g}",
                (cut, 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(3, -10),
                textcoords="offset points",
                fontsize=8,
            )


def _log(place: Axes, values: Floats) -> None:
    """Use a logarithmic axis where the bins span more than two decades."""
    positive = values[values > 0]
    if len(positive) and positive.max() > 100 * positive.min():
        place.set_yscale("log")
        place.set_ylim(positive.min() / 2, positive.max() * 4)
    elif len(positive):
        place.set_ylim(0, positive.max() * 1.25)


def plane(filled: Filled, factor: float, title: str, events: str) -> Figure:
    """Draw two quantities against each other, as a map of events on a logarithmic scale."""
    from matplotlib.colors import LogNorm

    with styled():
        made = figure(5.6, 4.4)
        place = made.subplots()
        x, y = filled.axes
        values, _ = _scaled(filled, factor)
        shown = np.ma.masked_less_equal(values.T, 0.0)
        if shown.count():
            low, high = float(shown.min()), float(shown.max())
            norm = LogNorm(low, high) if high > low else None
            mesh = place.pcolormesh(x.edges, y.edges, shown, norm=norm, cmap="viridis", rasterized=True)
            made.colorbar(mesh, ax=place, label=events)
        for axis, line in ((x, place.axvline), (y, place.axhline)):
            for cut in axis.cuts:
                if axis.edges[0] <= cut <= axis.edges[-1]:
                    line(cut, color="#c00000", linestyle="--", linewidth=1.0)
        place.set(
            xlim=(x.edges[0], x.edges[-1]),
            ylim=(y.edges[0], y.edges[-1]),
            xlabel=drawable(x.title),
            ylabel=drawable(y.title),
        )
        made.suptitle(drawable(title), fontsize=10, x=0.02, ha="left")
    return made


def scan(curves: Sequence[Curve], merit: str, title: str, events: str) -> Figure:
    """Draw the figure of merit and the events expected against the parameter, or the figure of merit over two."""
    with styled():
        if len(curves[0].axes) > 1:
            return _surface(curves, merit, title)
        made = figure(6.4, 5.4)
        top, bottom = made.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        axis = curves[0].axes[0]
        for i, curve in enumerate(curves):
            colour = COLOURS[i % 8]
            largest = np.nanmax(curve.merit) if curve.best is not None else math.nan
            scale = largest if len(curves) > 1 and largest > 0 else 1.0
            top.plot(axis.values, curve.merit / scale, color=colour, label=plain(curve.name))
            if curve.best is not None:
                top.plot(axis.values[curve.best[0]], curve.merit[curve.best] / scale, "o", color=colour)
            if curve.interval is not None:
                top.axvspan(*curve.interval, color=colour, alpha=0.12, linewidth=0)
            bottom.plot(axis.values, curve.signal, color=colour, label=plain(curve.name))
        bottom.plot(axis.values, curves[0].background, color="black", linestyle=":", label="background")
        _log(bottom, np.concatenate([curves[0].background, *(curve.signal for curve in curves)]))
        top.set_ylabel(merit if len(curves) == 1 else f"{merit}\n(over its largest)")
        top.set_ylim(bottom=0)
        top.set_title(drawable(title), fontsize=11, loc="left")
        bottom.set(xlabel=drawable(axis.title), ylabel=events)
        for place in (top, bottom):
            place.legend(frameon=False, fontsize=9)
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
        place.set_title(drawable(f"{title}: {curve.name}"), fontsize=11, loc="left")
    return made
