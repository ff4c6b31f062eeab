"""A panel as a plot: what is found of its results, normalised, and drawn as a stack, an overlay or a plane."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.errors import UserError, did_you_mean
from emiss.drawing import figure, power, styled
from emiss.plot.source import find
from emiss.selection.display import numbers
from emiss.selection.normalisation import PER_ON_TARGET
from emiss.selection.plotting.agreement import agreement, probability
from emiss.selection.plotting.distribution import distribution, has_ratio
from emiss.selection.plotting.overlay import overlay
from emiss.selection.plotting.plane import plane
from emiss.selection.plotting.series import Series
from emiss.selection.results import optimum

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from matplotlib.figure import Figure, FigureBase

    from emiss.plot.source import Found
    from emiss.plot.wanted import FigureFile, Panel
    from emiss.selection.counting.histograms import BinAxis
    from emiss.selection.plotting.frame import Look

NORMALISATIONS = ("data", "shape", "none")
WIDTH, HEIGHT, TALL = 6.4, 4.8, 5.6
"""Of a panel, and of one with a ratio, inches."""


@dataclass(frozen=True)
class Content:
    """What a panel shows, ready to be drawn.

    Attributes
    ----------
    panel : Panel
    series : tuple of Series
    axes : tuple of BinAxis
    look : Look
    shape : bool
        Whether each sample has an area of 1.
    lines : tuple of str
        What there is to be said about it.
    remarks : tuple of str
        What there is to be warned of.
    """

    panel: Panel
    series: tuple[Series, ...]
    axes: tuple[BinAxis, ...]
    look: Look
    shape: bool
    lines: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def overlaid(self) -> bool:
        """Whether samples stand over each other."""
        return self.panel.overlay or bool(self.panel.with_)


def content(
    panel: Panel,
    look: Look,
    *,
    near: Callable[[Path], Path] = lambda path: path,
    unblind: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> Content:
    """Return what a panel shows.

    Parameters
    ----------
    panel : Panel
    look : Look
        What all panels have in common.
    near : callable
        Gives the place of a path of the panel.
    unblind : bool
    progress : callable
        Called with the number of events done.

    Raises
    ------
    UserError
        If a result, sample or quantity is not there, or the normalisation is not known.
    """
    paths = [near(panel.result), *map(near, panel.with_)]
    panel = replace_paths(panel, near)
    found = [find(path, panel, unblind=unblind, progress=progress) for path in paths]
    axes = next(iter(found[0].filled.values())).axes
    if any(_edges(one) != _edges(found[0]) for one in found):
        raise UserError("the results have different bins of it", hint="--bins fills it from the tables")
    over = panel.overlay or len(found) > 1
    if over and len(axes) > 1:
        raise UserError("planes cannot be laid over each other", hint="one quantity, or a panel for each")
    if panel.labels and len(panel.labels) != len(paths):
        raise UserError(f"{len(panel.labels)} labels are given for {len(paths)} results")
    labels = panel.labels or tuple(path.resolve().name for path in paths) if len(paths) > 1 else ("",)
    target, how = _target(panel, found, over=over)
    series = _series(panel, found, labels, target)
    if not series:
        raise UserError(f"no event is left of any sample in '{' '.join(panel.plot)}'")
    first = next(iter(found[0].filled.values()))
    title = f"{first.title}, {_stage(found[0])}" if panel.title is None else panel.title
    has_data = any(one.role == "data" for one in series)
    look = replace(
        look,
        title=title,
        events={"shape": "share of events", "none": "events"}.get(how, "events" if look.experiment else _per(target)),
        status=look.status if has_data or not look.experiment else f"Simulation {look.status}".strip(),
        exposure="" if target is None else f"{power(numbers.particles(target))} on target",
        log=panel.log,
        ratio=panel.ratio,
        per_unit=panel.per_unit,
    )
    said = [f"{one.name}: {float(one.values.sum()):.4g} events inside the axes" for one in series]
    if over:
        said = [*said, *(_agreement(series[0], one) for one in series[1:])]
    remarks = tuple(dict.fromkeys(text for one in found for text in one.remarks))
    return Content(panel, series, axes, look, how == "shape", tuple(said), remarks)


def replace_paths(panel: Panel, near: Callable[[Path], Path]) -> Panel:
    """Return a panel whose analysis and tables are where they are."""
    beside = [near(type(panel.result)(panel.analysis))] if panel.analysis else []
    analysis = str(beside[0]) if beside and beside[0].is_file() else panel.analysis
    return panel.model_copy(update={"tables": tuple(map(near, panel.tables)), "analysis": analysis})


def _edges(found: Found) -> list[tuple[float, ...]]:
    return [axis.edges for axis in next(iter(found.filled.values())).axes]


def _target(panel: Panel, found: Sequence[Found], *, over: bool) -> tuple[float | None, str]:
    """Return particles on target that all is given for, None where it is nothing of the kind, and what was chosen."""
    samples = [one.cutflow.samples[name] for one in found for name in one.filled]
    known = all(sample.on_target is not None for sample in samples)
    data = [sample.on_target or 0.0 for sample in samples if sample.role == "data"]
    how = panel.normalise or ("shape" if over else "data" if known and data else "" if known else "none")
    if how in ("shape", "none"):
        return None, how
    if not known:
        raise UserError(
            "nobody knows how many particles on target all samples stand for", hint="--normalise none or shape"
        )
    if how == "data":
        if not data or len(found) > 1:
            raise UserError("--normalise data: that is for one result with data")
        return sum(data), how
    try:
        target = float(how) if how else PER_ON_TARGET
    except ValueError:
        target = math.nan
    if not 0.0 < target < math.inf:
        hint = "particles on target such as 1e11, data, shape, or none"
        raise UserError(f"--normalise: '{how}' is no normalisation", hint=hint)
    return target, "target"


def _series(panel: Panel, found: Sequence[Found], labels: Sequence[str], target: float | None) -> tuple[Series, ...]:
    made: list[Series] = []
    names = list(dict.fromkeys(name for one in found for name in one.filled))
    for name in panel.samples:
        if name not in names:
            raise UserError(f"there is no sample '{name}'", hint=did_you_mean(name, names))
    several = len(panel.samples or names) > 1
    for one, label in zip(found, labels, strict=True):
        for number, (sample, filled) in enumerate(one.filled.items()):
            if panel.samples and sample not in panel.samples:
                continue
            factor = (
                one.cutflow.samples[sample].scale if target is None else optimum.factor(one.cutflow, sample, target)
            )
            name = f"{label}: {sample}" if label and several else label or sample
            counts = one.cutflow.samples[sample]
            made.append(Series.of(name, counts.role, filled, factor, number, hidden=counts.hidden))
    made = [one for one in made if one.sums.any() or one.role == "data"]
    data = [one for one in made if one.role == "data"]
    if panel.normalise in ("", "data") and target is not None and len(data) > 1:
        # the exposures add up, and so do the events; with the scale of each
        sums, squares = (np.sum([getattr(one, name) for one in data], axis=0) for name in ("sums", "squares"))
        whole = Series("data", "data", sums, squares, hidden=any(one.hidden for one in data))
        made = [*(one for one in made if one.role != "data"), whole]
    return tuple(made)


def _stage(found: Found) -> str:
    stage = {"all": "before any cut", "n-1": "after all other cuts"}.get(found.key.stage, found.key.stage)
    regions = dict.fromkeys(name for sample in found.cutflow.samples.values() for name in sample.regions)
    return stage.replace("n-1 ", "after all cuts but ") + (f", {found.key.region}" if len(regions) > 1 else "")


def _per(target: float | None) -> str:
    return "events" if target is None else f"events per {power(numbers.particles(target))}"


def _agreement(first: Series, other: Series) -> str:
    found = agreement(first, other)
    if not found.ndf:
        return f"{other.name} and {first.name}: nothing to compare"
    return (
        f"{other.name} and {first.name}: chi2/ndf {found.chi2:.4g}/{found.ndf} ({probability(found.chi2_p)}), "
        f"KS distance {found.distance:.3g} ({probability(found.ks_p)})"
    )


def draw(one: Content, style: str) -> Figure:
    """Return the figure of one panel."""
    with styled(style):
        width, height = size(one)
        made = figure(width, height)
        into(made, one)
    return made


def size(one: Content) -> tuple[float, float]:
    """Return width and height of a panel, inches."""
    if len(one.axes) > 1:
        rows, columns = grid(len(one.series))
        return 5.8 * columns, 5.2 * rows
    below = one.look.ratio and (len(one.series) > 1 if one.overlaid else has_ratio(one.series, one.look))
    return WIDTH, TALL if below else HEIGHT


def grid(count: int) -> tuple[int, int]:
    """Return rows and columns of so many planes."""
    columns = min(count, 3 if count != 4 else 2)
    return -(-count // columns), columns


def into(place: FigureBase, one: Content) -> None:
    """Draw a panel into a figure, or into a part of one."""
    if len(one.axes) == 1 and one.overlaid:
        overlay(place, one.series, one.axes[0], one.look, shape=one.shape)
    elif len(one.axes) == 1:
        series = [part.share() for part in one.series] if one.shape else one.series
        distribution(place, series, one.axes[0], one.look)
    else:
        parts = place.subfigures(*grid(len(one.series)), squeeze=False).ravel()
        for part, sample in zip(parts, one.series, strict=False):
            plane(part, sample, (one.axes[0], one.axes[1]), replace(one.look, title=f"{sample.name}: {one.look.title}"))


def panels(file: FigureFile, found: Sequence[Content]) -> Figure:
    """Return the figure of several panels."""
    with styled(file.style):
        columns = min(file.columns, len(found))
        rows = -(-len(found) // columns)
        sizes = [size(one) for one in found]
        made = figure(columns * max(w for w, _ in sizes), rows * max(h for _, h in sizes))
        places = made.subfigures(rows, columns, squeeze=False).ravel()
        for number, (place, one) in enumerate(zip(places, found, strict=False)):
            into(place, one)
            if file.letters:
                place.text(0.005, 0.995, f"({chr(ord('a') + number)})", ha="left", va="top")
    return made
