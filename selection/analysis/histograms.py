"""Histograms as they are written: in the analysis file, or on the command line."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from emiss.configs.errors import Problems, UserError
from emiss.configs.place import PlacedList, PlacedMapping, Text, items_of, option, options
from emiss.events.language.syntax.expression import read_expression
from emiss.selection.analysis.formula import mathtext_error
from emiss.selection.analysis.model import Histogram
from emiss.selection.analysis.scans import without_scans
from emiss.selection.analysis.schema import HistogramModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.events.language.syntax.expression import Expression
    from emiss.selection.analysis.model import Analysis

MAX_BINS = 10_000
BINS = "100, 0 GeV, 120 GeV"
"""How bins are written in one text: how many, from, to; or edges in brackets."""


def read_histogram(item: HistogramModel, problems: Problems) -> Histogram | None:
    """Return a histogram; None, with the mistakes noted, if it is none."""
    of, edges = item.of.items, item.edges
    lower, upper = items_of(item.from_), items_of(item.to)
    limits = list(zip(lower, upper, strict=False))
    bins = item.bins if isinstance(item.bins, list) else [] if item.bins is None else [item.bins]
    bins = bins * len(of) if len(bins) == 1 else bins
    wrong = None
    if not 1 <= len(of) <= 2:
        wrong = "a histogram is of one expression or of two"
    elif edges and (item.bins is not None or limits or len(of) > 1):
        wrong = "'edges' are the bins of a histogram of one expression, without 'bins', 'from' and 'to'"
    elif not edges and (item.bins is None or {len(lower), len(upper)} != {len(of)}):
        wrong = "a histogram needs 'bins', 'from' and 'to' for each of its expressions, or 'edges'"
    elif not edges and (len(bins) != len(of) or not all(1 <= n <= MAX_BINS for n in bins)):
        wrong = f"'bins' is a whole number from 1 to {MAX_BINS} for each expression"
    if wrong:
        problems.add(item.place.error(wrong))
        return None
    axes = [edges] if edges else limits
    expressions = tuple(_expression(text, problems) for text in of)
    bounds = tuple(tuple(_expression(text, problems) for text in axis) for axis in axes)
    if None in expressions or any(None in axis for axis in bounds):
        return None
    return Histogram(
        name=item.name,
        of=tuple(part for part in expressions if part),
        limits=tuple(tuple(part for part in axis if part) for axis in bounds),
        bins=tuple(bins),
        after=items_of(item.after),
        regions=items_of(item.regions),
        title=item.title.value if item.title else "",
    )


def with_histogram(
    analysis: Analysis,
    of: Sequence[str],
    bins: Sequence[str],
    *,
    after: str | None = None,
    region: str | None = None,
    title: str | None = None,
) -> Analysis:
    """Return an analysis with one histogram, in the place of those in its file, and without scans and variations.

    Parameters
    ----------
    of : sequence of str
        One expression or two.
    bins : sequence of str
        For each of them as in `BINS`; one may stand for both.

    Raises
    ------
    UserErrors
        If the histogram is not what one may be; the option stands for the file.
    """
    problems = Problems()
    written = PlacedMapping({"name": option("QUANTITY", "plot"), "of": options("QUANTITY", of)})
    written.place = options("--bins", bins).place
    if title:
        if wrong := mathtext_error(title):
            raise UserError(f"--title: {wrong}")
        written["title"] = option("--title", title)
    if after:
        written["after"] = options("--after", [after])
    if region:
        written["regions"] = options("--region", [region])
    read = [_bins(text) for text in bins]
    read = read * len(of) if len(read) == 1 else read
    if len(read) == 1 and not read[0][0]:
        edges = PlacedList([option("--bins", edge) for edge in read[0][1]])
        edges.place = written.place
        written["edges"] = edges
    elif all(count for count, _ in read):
        written |= {"bins": [count for count, _ in read]}
        for key, end in (("from", 0), ("to", 1)):
            written[key] = options("--bins", [ends[end] for _, ends in read])
    else:
        raise UserError("--bins: edges in brackets are of one quantity", hint=f"of a plane: '{BINS}' for each")
    histogram = read_histogram(HistogramModel.model_validate(written), problems)
    problems.check()
    assert histogram is not None  # noqa: S101 - else there was a problem
    return replace(without_scans(analysis), histograms=(histogram,), shifts=())


def _bins(text: str) -> tuple[int, list[str]]:
    """Return how many bins there are and their ends; 0 and all edges for a list in brackets."""
    inner = re.fullmatch(r"\s*\[(.*)\]\s*", text)
    parts = [part.strip() for part in (inner[1] if inner else text).split(",")]
    if inner and len(parts) > 1 and all(parts):
        return 0, parts
    if inner or len(parts) != 3 or not re.fullmatch(r"\d+", parts[0]) or not int(parts[0]):
        raise UserError(
            f"--bins '{text}': neither a number of bins and two ends nor edges",
            hint=f"'{BINS}', or '[0 GeV, 5 GeV, 20 GeV]'",
        )
    return int(parts[0]), parts[1:]


def _expression(text: Text, problems: Problems) -> Expression | None:
    try:
        return read_expression(text)
    except UserError as error:
        problems.add(error)
        return None
