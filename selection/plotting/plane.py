"""Two quantities against each other: a map of events on a logarithmic scale, with its projections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from emiss.drawing import size
from emiss.selection.plotting import frame
from emiss.selection.plotting.series import Reach

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

    from emiss.configs.arrays import Floats
    from emiss.selection.counting.histograms import BinAxis
    from emiss.selection.plotting.frame import Look
    from emiss.selection.plotting.series import Series

LINE = "#c00000"


def plane(place: FigureBase, one: Series, axes: tuple[BinAxis, BinAxis], look: Look) -> None:
    """Draw a sample as a map, with the sums over either axis above and beside it; bins without anything stay white."""
    from matplotlib.colors import LogNorm

    x, y = axes
    grid = place.add_gridspec(2, 3, width_ratios=(5.0, 1.2, 0.22), height_ratios=(1.2, 5.0), wspace=0.03, hspace=0.03)
    main = place.add_subplot(grid[1, 0])
    above, beside = place.add_subplot(grid[0, 0], sharex=main), place.add_subplot(grid[1, 1], sharey=main)
    shown = np.ma.masked_less_equal(one.values.T, 0.0)
    if shown.count():
        low, high = float(shown.min()), float(shown.max())
        norm = LogNorm(low, high) if high > low else None
        mesh = main.pcolormesh(x.edges, y.edges, shown, norm=norm, cmap="viridis", rasterized=True)
        place.colorbar(mesh, cax=place.add_subplot(grid[1, 2]), label=f"{look.events} / bin")
    for axis, line in ((x, main.axvline), (y, main.axhline)):
        for cut in frame.cuts_in(axis):
            line(cut, color=LINE, linestyle="--", linewidth=size())
    _projection(above, one.values.sum(axis=1), x, "vertical")
    _projection(beside, one.values.sum(axis=0), y, "horizontal")
    main.set(xlim=(x.edges[0], x.edges[-1]), ylim=(y.edges[0], y.edges[-1]))
    main.set(xlabel=frame.drawable(x.title), ylabel=frame.drawable(y.title))
    frame.minor_ticks(main)
    frame.head(above, look)
    if look.experiment and look.title:
        place.suptitle(frame.drawable(look.title), fontsize="small", x=0.08, ha="left")


def _projection(place: Axes, values: Floats, axis: BinAxis, along: Literal["vertical", "horizontal"]) -> None:
    place.stairs(values, axis.edges, orientation=along, color="black", linewidth=size())
    for cut in frame.cuts_in(axis):
        (place.axvline if along == "vertical" else place.axhline)(cut, color=LINE, linestyle="--", linewidth=size())
    positive = values[values > 0.0]
    reach = Reach(float(positive.min()), float(positive.max())) if positive.size else Reach()
    set_scale, set_limits = (
        (place.set_yscale, place.set_ylim) if along == "vertical" else (place.set_xscale, place.set_xlim)
    )
    if reach.log:
        set_scale("log", nonpositive="clip")
        set_limits(reach.least / 2.0, reach.most * 2.0)
    else:
        set_limits(0.0, 1.1 * reach.most or 1.0)
    place.tick_params(labelbottom=False) if along == "vertical" else place.tick_params(labelleft=False)
    place.tick_params(labelsize="x-small")
