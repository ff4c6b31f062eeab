"""The plots of a report: distributions with the lines of the cuts, planes, scans; each with a text for those who cannot see."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

import numpy as np

from emiss.drawing import figure, styled, svg
from emiss.selection.counting.histograms import UNWEIGHTED
from emiss.selection.display import numbers, view
from emiss.selection.normalisation import PER_ON_TARGET
from emiss.selection.plotting.distribution import distribution, has_ratio
from emiss.selection.plotting.frame import Look
from emiss.selection.plotting.plane import plane
from emiss.selection.plotting.scan import scan as scan_figure
from emiss.selection.plotting.series import Reach, Series
from emiss.selection.report.scans import curve_in_words, method_in_words
from emiss.selection.results import optimum

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from emiss.selection.counting.histograms import Filled, Key
    from emiss.selection.results.cutflow import Cutflow
    from emiss.selection.results.result import Result


@dataclass(frozen=True)
class Drawn:
    """A plot.

    Attributes
    ----------
    heading : str
        The section it belongs to.
    title : str
        Caption.
    alt : str
        What can be seen, in words.
    svg : str
        The plot as an ``<svg>`` element.
    file : str
        Name, without suffix, under which the plot is written beside the page; "" for none.
    """

    heading: str
    title: str
    alt: str
    svg: str
    file: str = ""


def of(result: Result, *, normalise_to: float = PER_ON_TARGET) -> tuple[Drawn, ...]:
    """Return all plots of a result, in the order of the analysis."""
    return (*_histograms(result, normalise_to), *_scans(result, normalise_to))


def _histograms(result: Result, target: float) -> Iterator[Drawn]:
    """Yield one plot per quantity, region and stage with all samples; of planes one per sample.

    Those of one quantity have the same logarithmic range, so that they can be compared by eye.
    """
    cutflow = result.cutflow
    keys = list(dict.fromkeys(key for made in result.histograms.values() for key in made))
    keys = [key for key in keys if key.variation in (UNWEIGHTED, keys[0].variation)]
    normalised = all(cutflow.per_on_target(sample) is not None for sample in result.histograms)
    events = f"events per {numbers.particles(target)}" if normalised else "events"
    factors = {s: optimum.factor(cutflow, s, target) if normalised else 1.0 for s in result.histograms}
    drawn = {key: _series(result, key, factors) for key in keys}
    flat = [series for series in drawn.values() if series[0].sums.ndim == 1]
    reach = reduce(or_, map(Reach.of_stack, flat), Reach())
    for key, series in drawn.items():
        filled = {one.name: result.histograms[one.name][key] for one in series}
        first = next(iter(filled.values()))
        title = f"{view.clean(first.title)}, {_where(cutflow, key)}"
        if len(first.axes) == 1:
            look = Look(title, events, reach=reach if reach.log else None)
            with styled():
                made = figure(height=5.2 if has_ratio(series, look) else 4.2)
                distribution(made, series, first.axes[0], look)
            yield Drawn("Distributions", title, _said(filled, factors), svg(made))
            continue
        for one in series:
            named = f"{view.clean(one.name)}: {title}"
            with styled():
                made = figure(5.6, 5.0)
                plane(made, one, (first.axes[0], first.axes[1]), Look(named, events))
            yield Drawn("Planes", named, _said({one.name: filled[one.name]}, factors), svg(made))


def _series(result: Result, key: Key, factors: Mapping[str, float]) -> list[Series]:
    """Return what is drawn of the samples that have a histogram."""
    counts = result.cutflow.samples
    return [
        Series.of(sample, counts[sample].role, made[key], factors[sample], number, hidden=counts[sample].hidden)
        for number, (sample, made) in enumerate(result.histograms.items())
        if key in made
    ]


def _where(cutflow: Cutflow, key: Key) -> str:
    """Say at which stage a histogram was filled."""
    stage = {"all": "before any cut", "n-1": "after all other cuts"}.get(key.stage, key.stage)
    stage = stage.replace("n-1 ", "after all cuts but ")
    return f"{view.clean(stage)} of region {view.clean(key.region)}" if len(view.regions(cutflow)) > 1 else stage


def _said(filled: Mapping[str, Filled], factors: Mapping[str, float]) -> str:
    """Return a distribution in words: how much, and around where, for each sample."""
    parts = []
    for sample, one in filled.items():
        values = np.asarray(one.hist.view(flow=True)["value"])
        total = float(values.sum()) * factors[sample]
        where = []
        inside = np.asarray(one.hist.view()["value"])
        for number, axis in enumerate(one.axes):
            along = inside.sum(axis=tuple(i for i in range(inside.ndim) if i != number))
            if along.sum() > 0:
                middle = (np.asarray(axis.edges[1:]) + np.asarray(axis.edges[:-1])) / 2
                where.append(f"{axis.label} on average {float((along * middle).sum() / along.sum()):.4g} {axis.unit}")
        said = f"{view.clean(sample)}: {total:.4g} events"
        parts.append(", ".join([said, *where]) + (f", {one.undefined} undefined" if one.undefined else ""))
    lines = [
        f"{axis.label} is cut at {cut:g} {axis.unit}" for axis in next(iter(filled.values())).axes for cut in axis.cuts
    ]
    return "; ".join(view.clean(part) for part in (*parts, *lines))


def _scans(result: Result, target: float) -> Iterator[Drawn]:
    for scan in result.bound_scans:
        found = optimum.curves(scan, result.scans, result.cutflow, normalise_to=target)
        events = f"events per {numbers.particles(target)}"
        regions = dict.fromkeys(curve.region for curve in found)
        for region in regions:
            curves = [curve for curve in found if curve.region == region]
            title = f"scan of {', '.join(axis.parameter for axis in scan.axes)}"
            title += f", region {view.clean(region)}" if len(regions) > 1 else ""
            drawn = scan_figure(curves, scan.figure_of_merit, title, events)
            file = f"scan_{scan.name}" + (f"_{region}" if len(regions) > 1 else "")
            alt = "; ".join(curve_in_words(curve) for curve in curves)
            yield Drawn("Scans", f"{title} ({method_in_words(scan, region)})", alt, svg(drawn), file)
