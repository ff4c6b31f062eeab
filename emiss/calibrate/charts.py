"""Plots of what tags hold: the constants of a channel over runs, and figures with their tables as files of any format."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from emiss.calib.run_ranges import OPEN
from emiss.configs.errors import Location, UserError
from emiss.drawing import COLOURS, SUFFIXES, figure, save, styled, svg
from emiss.events.files.atomic import write_text
from emiss.events.provenance import package_version
from emiss.selection.display import notebook

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from emiss.calib.lookup import Constant

HTML = ".html"
BEYOND = 0.08
"""Part of the axis that an open range is drawn beyond the last run that is named."""

PANELS = 12
"""Columns that are drawn at most."""


def check_suffix(path: Path) -> None:
    """Refuse a file that no plot is written to.

    Raises
    ------
    UserError
        For another suffix than .png, .pdf, .svg and .html.
    """
    if path.suffix not in (*SUFFIXES, HTML):
        known = ", ".join(SUFFIXES)
        raise UserError(f"a plot is written to {known} or {HTML}, not '{path.suffix}'", at=Location(str(path)))


def write(made: Figure, path: Path, *, title: str, names: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a figure; to ``.html`` with its table below.

    Raises
    ------
    UserError
        For a suffix that no plot is written to.
    """
    check_suffix(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix != HTML:
        save(made, path)
        return
    from markupsafe import Markup

    environment = notebook.environment("emiss.calibrate", "emiss.selection.report")
    text = environment.get_template("plot.html.jinja").render(
        css=Markup(resources.files("emiss.selection.report").joinpath("page.css").read_text(encoding="utf-8")),  # noqa: S704 - our own
        title=title,
        plot=Markup(svg(made)),  # noqa: S704 - our own
        names=names,
        rows=list(rows),
        version=package_version(),
    )
    write_text(path, text)


def history(found: Sequence[Constant], channel: str) -> Figure:
    """Draw the constants of a channel over runs, a panel for each column of each type; bands are the errors."""
    columns = dict.fromkeys((one.type, one.column) for one in found)
    shown = list(columns)[:PANELS]
    ends = [run for one in found for run in (one.runs.first, one.runs.last) if run < OPEN]
    first, last = min(ends), max(ends)
    beyond = max(1.0, BEYOND * (last - first))
    with styled():
        made = figure(7.0, 0.7 + 1.7 * len(shown))
        places = made.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
        titled: set[str] = set()
        for place, (type_, column) in zip(places, shown, strict=True):
            own = [one for one in found if (one.type, one.column) == (type_, column)]
            _panel(place, own, last + beyond)
            unit = f" [{own[0].unit}]" if own[0].unit else ""
            place.set_ylabel(f"{column}{unit}")
            if type_ not in titled:
                place.set_title(type_, loc="left", fontsize=9)
            titled.add(type_)
        places[0].set_title(channel, loc="right", fontsize=9)
        places[-1].set_xlim(first - beyond, last + beyond)
        places[-1].set_xlabel("run" if len(shown) == len(columns) else f"run ({len(shown)} of {len(columns)} columns)")
        places[-1].ticklabel_format(axis="x", useOffset=False, style="plain")
    return made


def _panel(place: Axes, own: Sequence[Constant], right: float) -> None:
    """Draw the values of a column as steps, an open range to the right end of the panel."""
    before: Constant | None = None
    for one in own:
        end = right if one.runs.last == OPEN else one.runs.last + 1.0
        if one.error:
            low, high = one.value - one.error, one.value + one.error
            place.fill_between([one.runs.first, end], low, high, color=COLOURS[4], alpha=0.4, linewidth=0)
        place.plot([one.runs.first, end], [one.value, one.value], color=COLOURS[0], solid_capstyle="butt")
        if before is not None and before.runs.last + 1 == one.runs.first:
            place.plot([one.runs.first] * 2, [before.value, one.value], color=COLOURS[0], linewidth=0.6)
        before = one
    place.margins(y=0.25)
