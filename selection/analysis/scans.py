"""Scans as they are written: beside a cut in the analysis file, or on the command line."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from emiss.configs.errors import Problems, UserError, did_you_mean
from emiss.configs.place import PlacedMapping, Text, option, options
from emiss.events.language.syntax.expression import read_expression
from emiss.selection.analysis.model import Scan, ScannedParameter
from emiss.selection.analysis.schema import MAX_STEPS, ScanModel

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from emiss.events.language.syntax.expression import Expression
    from emiss.selection.analysis.model import Analysis, Cut

FIGURE_OF_MERIT = "signal / sqrt(background + 1)"
_SCANNED = re.compile(r"(?P<name>\w+)\s*(?:\[\s*(?P<at>\d+)\s*\])?")
"""A parameter, or one of its values: ``e_miss_min``, ``hcal_mip[0]``."""


def with_scan(
    analysis: Analysis,
    parameters: Sequence[str],
    start: Sequence[str],
    stop: Sequence[str],
    points: Sequence[int],
    figure_of_merit: str = FIGURE_OF_MERIT,
) -> Analysis:
    """Return an analysis with one scan, in the place of those in its file.

    Raises
    ------
    UserErrors
        If the scan is not what a scan may be; the option stands for the file.
    """
    for steps in points:
        if not 2 <= steps <= MAX_STEPS:
            raise UserError(f"--points {steps}: a scan has 2 to {MAX_STEPS} steps")
    if not len(parameters) == len(start) == len(stop) == len(points) <= 2:
        raise UserError("a scan is of one parameter or of two, each with --from, --to and --points once")
    problems = Problems()
    given = {"parameter": parameters, "from": start, "to": stop}
    written = PlacedMapping({key: options(f"--{key}", texts) for key, texts in given.items()})
    written |= {"points": list(points), "figure_of_merit": option("--merit", figure_of_merit)}
    written.place = written["figure_of_merit"].place
    scan = read_scan(ScanModel.model_validate(written), analysis.parameters, problems)
    problems.check()
    assert scan is not None  # noqa: S101 - else there was a problem
    return replace(without_scans(analysis), more_scans=(scan,), histograms=(), shifts=())


def without_scans(analysis: Analysis) -> Analysis:
    """Return an analysis with the same cuts and no scan."""

    def bare(cuts: Iterable[Cut]) -> tuple[Cut, ...]:
        return tuple(replace(cut, scan=None) for cut in cuts)

    regions = {name: bare(cuts) for name, cuts in analysis.regions.items()}
    return replace(analysis, cuts=bare(analysis.cuts), regions=regions, more_scans=())


def read_scan(item: ScanModel, known: Collection[str], problems: Problems) -> Scan | None:
    """Return a scan; None, with the mistakes noted, if it is none.

    Parameters
    ----------
    known : collection of str
        Names of the parameters of the analysis.
    """
    texts = [item.parameter.items, item.from_.items, item.to.items]
    points = item.points if isinstance(item.points, list) else [item.points]
    if {len(column) for column in texts} != {len(points)} or not 1 <= len(points) <= 2:
        message = "a scan is of one parameter or of two, each with 'from', 'to' and 'points'"
        problems.add(item.place.error(message))
        return None
    axes = [_scanned(*axis, known=known, problems=problems) for axis in zip(*texts, points, strict=True)]
    figure = item.figure_of_merit or Text(FIGURE_OF_MERIT, item.place)
    merit = _expression(figure, problems)
    made = tuple(axis for axis in axes if axis is not None)
    if merit is None or len(made) < len(axes):
        return None
    name = "_".join(re.sub(r"\W+", "_", axis.parameter.value).strip("_") for axis in made)
    return Scan(name, made, merit)


def _scanned(
    parameter: Text, start: Text, stop: Text, points: int, *, known: Collection[str], problems: Problems
) -> ScannedParameter | None:
    match = _SCANNED.fullmatch(parameter.value.strip())
    name = match["name"] if match else parameter.value
    if name not in known:
        hint = did_you_mean(name, known, otherwise="parameters are")
        problems.add(parameter.place.error(f"there is no parameter '{name}' to scan", hint=hint))
    first, last = _expression(start, problems), _expression(stop, problems)
    if first is None or last is None:
        return None
    position = int(match["at"]) if match and match["at"] else -1
    return ScannedParameter(parameter, name, position, first, last, points)


def _expression(text: Text, problems: Problems) -> Expression | None:
    try:
        return read_expression(text)
    except UserError as error:
        problems.add(error)
        return None
