"""The plots of a derivation: each constant by channel, and the fits of some channels, the doubtful ones first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.drawing import COLOURS, figure, styled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.figure import Figure

    from emiss.calibrate.frame import Found, Made
    from emiss.configs.arrays import Floats

WIDE = 30.0
"""Ratio of the largest to the least value above which an axis is logarithmic."""

COLUMNS = 9
"""Of a table, that are drawn: one of profiles has 54."""

MOST = 12
"""Channels whose fits are shown."""


def figures(found: Found) -> Iterator[tuple[str, Figure]]:
    """Yield captions and figures."""
    for made in found.made:
        if not made.found.any():
            continue
        yield f"{made.type} by channel, in the order of the table; what needs eyes is red.", _by_channel(made)
        if made.shapes is not None and (rows := _chosen(made)):
            yield f"Fits of {made.type}: channels that need eyes first, then some others.", _fits(made, rows)


def _by_channel(made: Made) -> Figure:
    with styled():
        columns = dict(list(made.values.items())[:COLUMNS])
        drawn = figure(width=9.0, height=1.0 + 1.8 * (len(columns) + 1))
        places = np.atleast_1d(drawn.subplots(len(columns) + 1, 1, sharex=True))
        x, bad = np.arange(len(made.channels)), np.array([bool(why) for why in made.doubts])
        for place, (column, values) in zip(places[:-1], columns.items(), strict=True):
            for rows, colour in ((~bad, COLOURS[0]), (bad, COLOURS[5])):
                good = rows & np.isfinite(values)
                place.errorbar(x[good], values[good], made.errors[column][good], fmt="o", ms=3, lw=0.8, color=colour)
            known = values[np.isfinite(values)]
            if known.min() > 0.0 and known.max() > WIDE * known.min():
                place.set_yscale("log")
            unit = made.units[column]
            place.set_ylabel(column if unit == "-" else f"{column} [{unit}]")
        places[-1].plot(x, made.chi2, "o", ms=3, color=COLOURS[2])
        places[-1].axhline(1.0, color="0.5", lw=0.8)
        places[-1].set_ylabel("chi2 / freedom")
        _name(places[-1], made.channels)
    return drawn


def _name(place: object, channels: tuple[str, ...]) -> None:
    step = max(1, len(channels) // 30)
    shown = range(0, len(channels), step)
    place.set_xticks(list(shown), [channels[k] for k in shown], rotation=90, fontsize=6)  # type: ignore[attr-defined]


def _chosen(made: Made) -> list[int]:
    """Return the channels whose fits are shown."""
    assert made.shapes is not None  # noqa: S101 - who asks has looked
    filled = made.shapes.counts.sum(axis=1) > 0
    doubtful = [k for k in np.flatnonzero(filled) if made.doubts[k]]
    others = [k for k in np.flatnonzero(filled & made.found) if not made.doubts[k]]
    room = max(MOST - min(len(doubtful), MOST - 4), 0)
    picked: np.ndarray | list[int] = (
        np.unique(np.linspace(0, len(others) - 1, min(room, len(others))).astype(int)) if others else []
    )
    return [int(k) for k in doubtful[: MOST - len(picked)]] + [int(others[k]) for k in picked]


def _fits(made: Made, rows: list[int]) -> Figure:
    shapes = made.shapes
    assert shapes is not None  # noqa: S101 - who asks has looked
    lines = -(-len(rows) // 4)
    with styled():
        drawn = figure(width=10.0, height=0.4 + 2.1 * lines)
        places = np.atleast_1d(drawn.subplots(lines, 4, squeeze=False)).ravel()
        for place in places[len(rows) :]:
            place.set_axis_off()
        for place, row in zip(places, rows, strict=False):
            part = _window(shapes.counts[row])  # thousands of empty bins take seconds to draw
            edges, counts, curve = (
                shapes.edges[row][part.start : part.stop + 1],
                shapes.counts[row][part],
                shapes.curve[row][part],
            )
            colour = COLOURS[5] if made.doubts[row] else COLOURS[0]
            place.stairs(counts, edges, color=colour, lw=0.9)
            fitted = np.isfinite(curve)
            middle = 0.5 * (edges[1:] + edges[:-1])
            place.plot(middle[fitted], curve[fitted], color="black", lw=0.9)
            place.set_title(made.channels[row], fontsize=8)
            place.tick_params(labelsize=6)
        drawn.supxlabel(shapes.label, fontsize=9)
    return drawn


def _window(counts: Floats) -> slice:
    """Return the bins where most of the counts are, and some beside them."""
    total = np.cumsum(counts)
    low, high = np.searchsorted(total, [0.001 * total[-1], 0.97 * total[-1]])
    margin = max(2, (high - low) // 6)
    return slice(max(int(low) - margin, 0), min(int(high) + margin + 1, len(counts)))
