"""Histograms against the columns of a table: their axes, and the cuts behind which they are filled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.errors import did_you_mean
from emiss.configs.units import PURE
from emiss.events.language.running.evaluate import constant
from emiss.events.language.running.program import depends, needed
from emiss.selection.binding.scans import display_unit
from emiss.selection.counting.histograms import BinAxis, BoundHistogram, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from emiss.configs.errors import Problems, UserError
    from emiss.configs.place import Text
    from emiss.events.language.running.program import Node, Program
    from emiss.events.language.syntax.expression import Expression
    from emiss.selection.analysis.model import Histogram
    from emiss.selection.counting.counter import Region

    Maker = Callable[[Expression], Node | None]

ALL = "all"
N_1 = "n-1"


def bind_histogram(
    histogram: Histogram, regions: Sequence[Region], program: Program, number: Maker, end: Maker, problems: Problems
) -> BoundHistogram | None:
    """Return a histogram ready to be filled; None, with the mistakes noted, if it cannot.

    Parameters
    ----------
    number, end : callable
        Give the node of a number of the event or its lists, and of a constant number.
    """
    nodes = [number(expression) for expression in histogram.of]
    known = [node for node in nodes if node is not None]
    if len(known) < len(nodes):
        return None
    axes = []
    for i, (expression, node) in enumerate(zip(histogram.of, known, strict=True)):
        bins = histogram.bins[i] if histogram.bins else None
        axis = _axis(expression, node, histogram.limits[i], bins, end, problems)
        if axis is not None:
            axes.append(axis)
    aligned = _aligned(histogram, known, program, problems)
    stages = _stages(histogram, known, regions, problems)
    if len(axes) < len(known) or aligned is None or stages is None:
        return None
    rows = next((node.axis for node in aligned if node.axis is not None), None)
    lined = tuple(
        BinAxis(a.label, a.unit, a.factor, a.edges, a.regular, _lines(node, a, regions))
        for a, node in zip(axes, known, strict=True)
    )
    title = histogram.title or " against ".join(axis.label for axis in reversed(lined))
    return BoundHistogram(histogram.name.value, title, lined, aligned, rows, stages)


def _axis(
    expression: Expression,
    node: Node,
    limits: Sequence[Expression],
    bins: int | None,
    end: Maker,
    problems: Problems,
) -> BinAxis | None:
    """Return an axis from its edges, or from its two ends and the number of bins."""
    values: list[float] = []
    dimension = node.dimension
    for limit in limits:
        value = end(limit)
        if value is None:
            return None
        if None not in (dimension, value.dimension) and dimension != value.dimension:
            unit = "a pure number" if dimension == PURE else f"in {dimension}"
            problems.add(limit.place.error(f"'{expression.text}' is {unit}, '{limit.text}' is not"))
            return None
        values.append(constant(value))
    unit, factor = display_unit(limits, dimension)
    shown = [float(f"{value / factor:.12g}") for value in values]
    if not np.isfinite(shown).all() or not (np.diff(shown) > 0).all() or len(shown) < 2:
        problems.add(limits[-1].place.error("the edges of a histogram are finite and rise"))
        return None
    edges = shown if bins is None else [float(x) for x in np.linspace(shown[0], shown[-1], bins + 1)]
    return BinAxis(" ".join(expression.text.split()), unit, factor, tuple(edges), bins is not None)


def _aligned(
    histogram: Histogram, nodes: Sequence[Node], program: Program, problems: Problems
) -> tuple[Node, ...] | None:
    """Return the values of the axes on the same rows; one per event is repeated for the elements of the other's list."""
    rows = next((node.axis for node in nodes if node.axis is not None), None)
    aligned = []
    for node in nodes:
        if node.axis is rows or rows is None or node.constant:
            aligned.append(node)
        elif node.axis is None:
            aligned.append(program.add("spread", (node, rows), dimension=node.dimension, axis=rows))
        else:
            message = f"the lists of '{node.axis.label}' and '{rows.label}' are of different collections"
            problems.add(histogram.of[1].place.error(message, hint="reduce one of them, e.g. with first(...)"))
            return None
    return tuple(aligned)


def _stages(
    histogram: Histogram, nodes: Sequence[Node], regions: Sequence[Region], problems: Problems
) -> tuple[Stage, ...] | None:
    """Return the stages at which a histogram is filled, in all its regions."""
    chosen = [region for region in regions if _asked(region, histogram.regions)]
    stages: list[Stage] = []
    for text in histogram.after:
        found = [_stage(text.value, nodes, region) for region in chosen]
        stages += [stage for stage in found if stage is not None]
        if not any(found):
            problems.add(_no_stage(text, chosen))
            return None
    if not histogram.after:
        stages = [Stage(region.name, ALL, ()) for region in chosen]
    return tuple(dict.fromkeys(stages))


def _asked(region: Region, names: Sequence[Text]) -> bool:
    return not names or any(name.value == region.name for name in names)


def _stage(text: str, nodes: Sequence[Node], region: Region) -> Stage | None:
    """Return a stage in a region; None where the region has no such cut."""
    cuts = [cut.name for cut in region.cuts]
    if text == ALL:
        return Stage(region.name, ALL, ())
    if text == N_1:
        own = _own(nodes, region)
        return Stage(region.name, N_1, tuple(i for i in range(len(cuts)) if i not in own)) if own else None
    prefix, _, name = text.partition(" ")
    if prefix == N_1 and name.strip() in cuts:
        left_out = cuts.index(name.strip())
        return Stage(region.name, f"{N_1} {name.strip()}", tuple(i for i in range(len(cuts)) if i != left_out))
    return Stage(region.name, f"after {text}", tuple(range(cuts.index(text) + 1))) if text in cuts else None


def _own(nodes: Sequence[Node], region: Region) -> set[int]:
    """Return the positions of the cuts that are on a quantity of the histogram itself."""
    return {
        i
        for i, cut in enumerate(region.nodes)
        if any(part is node for node in nodes if not node.constant for part in needed([cut]))
    }


def _no_stage(text: Text, regions: Sequence[Region]) -> UserError:
    names = list(dict.fromkeys(cut.name for region in regions for cut in region.cuts))
    if text.value == N_1:
        return text.place.error(
            "no cut is on this quantity, so there is none to leave out", hint=f"name it, e.g. 'n-1 {names[-1]}'"
        )
    name = text.value.removeprefix(N_1).strip()
    return text.place.error(f"there is no cut '{name}'", hint=did_you_mean(name, [ALL, N_1, *names]))


def _lines(node: Node, axis: BinAxis, regions: Sequence[Region]) -> tuple[float, ...]:
    """Return the constants, in the unit of the axis, that cuts compare this very quantity with."""
    found: set[float] = set()
    for region in regions:
        for part in needed(region.nodes):
            if part.op in ("<", "<="):
                left, right = part.args
                for number, limit in ((left, right), (right, left)):
                    if number is node and limit.constant and not depends(limit):
                        found.add(float(f"{constant(limit) / axis.factor:.12g}"))
    return tuple(sorted(found))
