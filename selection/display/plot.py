"""A cutflow as a figure: what is left of each sample after each cut, on a logarithmic axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss import drawing
from emiss.configs.errors import UserError
from emiss.selection.display import view
from emiss.selection.normalisation import PER_ON_TARGET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from emiss.selection.counting.samples import Counted


def plot(
    cutflow: Counted,
    region: str | None = None,
    *,
    ax: Axes | None = None,
    samples: Sequence[str] | None = None,
    normalise_to: float | None = None,
) -> Axes:
    """Draw what is left after each cut, one line of steps per sample.

    Parameters
    ----------
    cutflow : Counted
    region : str, optional
        The first one by default.
    ax : Axes, optional
        Of a figure of your own; a new one by default.
    samples : sequence of str, optional
        All that the region has, by default.
    normalise_to : float, optional
        Give events expected for so many particles on target; fractions of the events by default.

    Raises
    ------
    UserError
        If there is no such region or sample, or nobody knows what a sample stands for.
    """
    regions = view.regions(cutflow, region)
    if not regions:
        raise UserError("no cut was counted")
    chosen = region or regions[0]
    known = view.samples(cutflow, chosen)
    for name in samples or ():
        if name not in known:
            raise UserError(f"region '{chosen}' has no sample '{name}'")
    ax = _axes() if ax is None else ax
    words: list[str] = []
    for number, name in enumerate(samples or known):
        lines = view.lines(cutflow, name, chosen, normalise_to or PER_ON_TARGET)
        sums = [line.row.sequential.sum_w for line in lines]
        factor = lines[0].factor if normalise_to else (1.0 / sums[0] if sums[0] else 0.0)
        if factor is None:
            raise UserError(
                f"nobody knows how many particles on target '{name}' stands for", hint="leave normalise_to out"
            )
        words = [view.clean(line.row.name) for line in lines]
        shown = [value * factor if value > 0.0 else float("nan") for value in sums]
        edges = [i - 0.5 for i in range(len(shown) + 1)]
        colour = drawing.COLOURS[number % len(drawing.COLOURS)]
        ax.stairs(shown, edges, label=view.clean(name), color=colour, linewidth=1.6, baseline=None)
    ax.set_xticks(range(len(words)), words, rotation=30, ha="right")
    ax.set_yscale("log", nonpositive="mask")
    ax.set_ylabel("fraction left" if normalise_to is None else f"events per {normalise_to:.3g} on target")
    ax.set_title(view.clean(cutflow.analysis if len(regions) == 1 else f"{cutflow.analysis}, {chosen}"), loc="left")
    ax.legend(frameon=False)
    return ax


def _axes() -> Axes:
    """Return the axes of a new figure that a notebook shows by itself."""
    from matplotlib import pyplot as plt

    return plt.subplots(layout="constrained")[1]
