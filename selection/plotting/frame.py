"""What surrounds the bins of any plot: heading, labels with the width of bins, ranges, a legend that is off the data, cuts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emiss.drawing import size
from emiss.selection.analysis.formula import mathtext_error

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from emiss.selection.counting.histograms import BinAxis
    from emiss.selection.plotting.series import Reach

FEW = 3
"""Most entries of a legend with one column."""


def drawable(text: str) -> str:
    """Return a text with its formulas, or as plain text if they cannot be drawn."""
    return plain(text) if mathtext_error(text) else text


def plain(text: str) -> str:
    """Return a name so that matplotlib finds no formula in it."""
    return text.replace("$", r"\$")


@dataclass(frozen=True)
class Look:
    """How a plot looks.

    Attributes
    ----------
    title : str
        Above the plot; beside the name of an experiment it goes into the legend.
    events : str
        What is counted, on the vertical axis.
    experiment, status, exposure : str
        "NA64", "Preliminary", "2.8e11 on target"; nothing of it where there is no experiment.
    reach : Reach, optional
        A common one of several plots; by default that of what is drawn.
    log : bool, optional
        By default where the reach asks for it.
    ratio : bool
        Whether data over simulation, or one sample over another, stand below.
    per_unit : bool
        Give bins over their width.
    """

    title: str = ""
    events: str = "events"
    experiment: str = ""
    status: str = ""
    exposure: str = ""
    reach: Reach | None = None
    log: bool | None = None
    ratio: bool = True
    per_unit: bool = False


def head(place: Axes, look: Look) -> None:
    """Write the name of the experiment, with its status and exposure, or else the title above a plot."""
    if not look.experiment:
        place.set_title(drawable(look.title), fontsize="medium", loc="left")
        return
    name = place.text(
        0.0, 1.01, plain(look.experiment), transform=place.transAxes, fontweight="bold", fontsize="large", va="bottom"
    )
    if look.status:
        place.annotate(
            plain(look.status), (1.0, 0.0), xycoords=name, xytext=(5, 0), textcoords="offset points", fontstyle="italic",
            va="bottom",
        )  # fmt: skip
    if look.exposure:
        place.text(1.0, 1.01, drawable(look.exposure), transform=place.transAxes, ha="right", va="bottom")


def counted(axis: BinAxis, look: Look) -> str:
    """Return what the vertical axis counts, with the width of the bins and their unit: ``events / (2 GeV)``."""
    if look.per_unit:
        return f"{look.events} / {axis.unit}" if axis.unit else f"{look.events} per unit"
    if not axis.regular:
        return f"{look.events} / bin"
    width = (axis.edges[-1] - axis.edges[0]) / (len(axis.edges) - 1)
    return f"{look.events} / ({width:.3g} {axis.unit})" if axis.unit else f"{look.events} / {width:.3g}"


def scale(place: Axes, reach: Reach, log: bool | None, room: float) -> None:
    """Set the vertical range: what is drawn, with a part `room` of the height left free above it."""
    logarithmic = reach.log if log is None else log and reach.least > 0.0
    if logarithmic:
        low = reach.least / 2.0
        decades = math.log10(1.3 * reach.most / low) / (1.0 - room)
        place.set_yscale("log", nonpositive="clip")
        place.set_ylim(low, low * 10.0**decades)
    else:
        place.set_ylim(0.0, 1.04 * reach.most / (1.0 - room) if reach.most > 0.0 else 1.0)


def room_of(place: Axes, look: Look, axis: BinAxis) -> float:
    """Return which part of the height legend and labels of cuts take, from the sizes of their fonts."""
    from matplotlib import rcParams

    entries = len(place.get_legend_handles_labels()[1])
    lines = -(-entries // _columns(entries)) + bool(look.experiment and look.title) + bool(cuts_in(axis))
    height = 72.0 * place.get_window_extent().height / place.figure.dpi
    return min(0.6, 1.35 * rcParams["font.size"] * (lines + 0.5) / max(height, 1.0))


def _columns(entries: int) -> int:
    return 1 if entries <= FEW else 2


def legend(place: Axes, look: Look, *, upwards: bool = True) -> None:
    """Put the legend into the room above the data."""
    handles, labels = place.get_legend_handles_labels()
    if upwards:
        handles, labels = handles[::-1], labels[::-1]
    title = drawable(look.title) if look.experiment else ""
    if handles:
        place.legend(
            handles, labels, frameon=False, fontsize="small", loc="upper right", ncols=_columns(len(handles)),
            title=title or None, title_fontsize="small", alignment="left", borderaxespad=0.2, labelspacing=0.3,
        )  # fmt: skip
    elif title:
        place.text(0.98, 0.97, title, transform=place.transAxes, ha="right", va="top", fontsize="small")


def cuts_in(axis: BinAxis) -> list[float]:
    """Return the cuts that lie on an axis."""
    return [cut for cut in axis.cuts if axis.edges[0] <= cut <= axis.edges[-1]]


def cut_lines(place: Axes, axis: BinAxis, height: float) -> None:
    """Draw where cuts divide the quantity, up to a part of the height, with the value above."""
    for cut in cuts_in(axis):
        place.axvline(cut, ymax=height, color="#333333", linestyle="--", linewidth=1.2 * size())
        middle = (cut - axis.edges[0]) / (axis.edges[-1] - axis.edges[0])
        place.annotate(
            f"{cut:g}",
            (cut, height),
            xycoords=("data", "axes fraction"),
            xytext=(0, 1),
            textcoords="offset points",
            fontsize="small",
            ha="left" if middle < 0.05 else "right" if middle > 0.95 else "center",
            va="bottom",
        )


def minor_ticks(place: Axes) -> None:
    """Put ticks between those with numbers, on linear axes; logarithmic ones have them."""
    from matplotlib.ticker import AutoMinorLocator

    for axis in (place.xaxis, place.yaxis):
        if axis.get_scale() == "linear":
            axis.set_minor_locator(AutoMinorLocator())
