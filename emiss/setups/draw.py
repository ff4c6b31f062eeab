"""A set-up from the side and from the top, to scale: parts with their names, magnets and fields, active areas, the beam.

Where many small parts stand close together, a detail shows them in a scale of its own, and their names stand there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from emiss import drawing
from emiss.configs.errors import Location, UserError, did_you_mean
from emiss.reco.detector.axis import axis
from emiss.setups import views
from emiss.setups.scale import Scale, scale
from emiss.setups.shapes import Shape, called, crowds, groups_of, shapes_of

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from emiss.configs.arrays import Floats
    from emiss.reco.detector.model import Detector

FORMATS = (".svg", ".pdf", ".png")

LONGEST, LEFT, MARGIN, LETTER = 12.0, 0.85, 0.4, 0.073
"""Inches: along z at most, left of it for the axis of x and y, around it all, and of a letter of a label."""

VIEWS, DETAIL = 5.0, 3.0
"""Inches that both views together have at most, of the whole and of a detail."""

LEAST = 9.5
"""Inches: the width of the page at least, for the texts."""

POINTS = 60
"""Of the line of the beam."""

LETTERS = "abcdefghijklmnopqrstuvwxyz"
LETTERING: dict[str, Any] = {"size": 9, "weight": "bold", "zorder": 8}
"""Of details."""

COMPRESSIONS = (50, 40, 30, 20, 15, 10, 8, 6, 5, 4, 3, 2, 1)

NAMES = {
    "grid": "calorimeter of cells",
    "counter": "counter",
    "modules": "modules",
    "tracker": "tracker, active area",
    "volume": "no read-out",
    "panels": "panels",
    "magnet": "magnet, its gap",
}


@dataclass(frozen=True)
class Panel:
    """Both views of a set-up, or of a detail of it, with their common scale.

    Attributes
    ----------
    groups : list
        What has its name here.
    sides : dict
        Range of x and y by view, mm.
    inch : float
        mm of z in an inch.
    factor : int
        Compression of z against x and y.
    """

    shapes: list[Shape]
    groups: list[list[Shape]]
    along: Scale
    sides: dict[str, tuple[float, float]]
    inch: float
    factor: int

    @classmethod
    def of(
        cls,
        shapes: list[Shape],
        groups: list[list[Shape]],
        along: Scale,
        sides: dict[str, tuple[float, float]],
        most: float,
    ) -> Panel:
        """Return the panel with the largest scale that has room: `most` inches for both views."""
        span = sum(high - low for low, high in sides.values())
        inch = max(1.02 * along.length / LONGEST, span / most)
        # the largest round compression with which both views have room
        factor = next(k for k in COMPRESSIONS if k == 1 or k * span / inch <= most)
        return cls(shapes, groups, along, sides, inch, factor)

    @property
    def width(self) -> float:
        """Of the views, inches."""
        return 1.02 * self.along.length / self.inch

    @property
    def heights(self) -> dict[str, float]:
        """Of each view, inches."""
        return {name: self.factor * (high - low) / self.inch for name, (low, high) in self.sides.items()}

    @property
    def band(self) -> float:
        """Height of the labels, inches."""
        return 0.35 + LETTER * max((len(called(group)) for group in self.groups), default=0)

    @property
    def total(self) -> float:
        """Height with labels, inches."""
        return sum(self.heights.values()) + 2 * self.band + 1.5 * MARGIN


def draw(detector: Detector, out: Path) -> Path:
    """Draw a set-up to an SVG, PDF or PNG.

    Raises
    ------
    UserError
        If the suffix is none of these, or the fields of the set-up cannot be read.
    """
    if out.suffix not in FORMATS:
        hint = did_you_mean(out.suffix, FORMATS, otherwise="one of")
        raise UserError(f"a drawing is no '{out.suffix}'", at=Location(str(out)), hint=hint)
    figure = picture(detector)
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".svg":
        # a hundredth of a point is enough, and half of the file
        text = re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", drawing.svg(figure))
        text = re.sub(r"\s*<!--.*?-->|(?<=\n) +", "", text)
        text = re.sub(r'font-family: [^;"]*', "font-family: sans-serif", text)
        out.write_text(text + "\n", encoding="utf-8")
    else:
        drawing.save(figure, out)
    return out


class Over(Protocol):
    """What is drawn over a set-up, whose parts are pale then.

    Attributes
    ----------
    title : str
    within : (float, float), optional
        z in mm: only what stands there is drawn.
    """

    title: str
    within: tuple[float, float] | None

    def draw(self, axes: Axes, name: str, along: Scale, inch: float) -> None:
        """Draw into one view, ``y`` (from the side) or ``x``; `inch` is how many mm along z are one."""
        ...

    def legend(self, figure: Figure) -> None:
        """Write what is what at the foot of the figure."""
        ...


def picture(detector: Detector, over: Over | None = None) -> Figure:
    """Return the figure of a set-up, with something drawn over it.

    Raises
    ------
    UserError
        If nothing stands within the range that is asked for.
    """
    shapes = shapes_of(detector)
    if over is not None and over.within is not None:
        low, high = over.within
        shapes = [shape for shape in shapes if shape.ends[1] > low and shape.ends[0] < high]
        if all(shape.empty for shape in shapes):
            raise UserError(f"nothing stands from {low * 1e-3:.4g} m to {high * 1e-3:.4g} m")
    along = scale(shape.ends for shape in shapes if not shape.empty)
    path, straight = beam_of(detector, along)
    sides = {
        "y": _range([s.across("y") for s in shapes], [0.0]),
        "x": _range([s.across("x") for s in shapes], path[1].tolist()),
    }
    whole = Panel.of(shapes, groups_of(shapes), along, sides, VIEWS)
    details = [_detail(shapes, crowd) for crowd in crowds(shapes, along, views.APART * whole.inch)]
    shown = [called(group) for detail in details for group in detail.groups]
    rest = [group for group in whole.groups if called(group) not in shown]
    whole = Panel.of(shapes, rest, along, sides, VIEWS)
    panels = [whole, *details]
    width = max(LEFT + max(panel.width for panel in panels) + MARGIN, LEAST)
    total = sum(panel.total for panel in panels) + 2.5 * MARGIN
    with drawing.styled():
        figure = drawing.figure(width, total)
        figure.set_layout_engine("none")
        top = total - 1.5 * MARGIN
        for number, panel in enumerate(panels):
            _panel(figure, panel, top, path, straight, details if panel is whole else [], over)
            if number:
                said = f"{LETTERS[number - 1]}: {_compressed(panel.factor)}"
                figure.text(MARGIN / width, (top - 0.2) / total, said, size=9, va="top")
            top -= panel.total
        _words(figure, detector, whole, bent=len(straight[0]) > 0, over=over)
    return figure


def _detail(shapes: list[Shape], crowd: list[list[Shape]]) -> Panel:
    """Return the panel of a crowd."""
    inside = [shape for group in crowd for shape in group]
    first, last = min(s.ends[0] for s in inside), max(s.ends[1] for s in inside)
    room = 0.04 * (last - first)
    along = scale([(first - room, last + room)])
    sides = {name: _range([s.across(name) for s in inside], [0.0]) for name in ("y", "x")}
    others = [s for s in shapes if s.ends[1] > first - room and s.ends[0] < last + room]
    return Panel.of(others, crowd, along, sides, DETAIL)


def _panel(
    figure: Figure,
    panel: Panel,
    top: float,
    path: tuple[Floats, Floats],
    straight: tuple[Floats, Floats],
    details: list[Panel],
    over: Over | None,
) -> None:
    """Draw both views below a height (inches), with frames around what details show."""
    from matplotlib.patches import Rectangle

    width, total = figure.get_size_inches()
    left = LEFT + 0.5 * (width - LEFT - MARGIN - panel.width)
    bottom = top - panel.band
    for name in ("y", "x"):
        height = panel.heights[name]
        bottom -= height
        axes = figure.add_axes((left / width, bottom / total, panel.width / width, height / total))
        views.view(axes, name, panel.shapes, panel.along, panel.inch, pale=over is not None)
        room = 0.01 * panel.along.length
        views.breaks(axes, panel.along)
        views.beam(axes, name, panel.along, path, straight)
        if over is not None:
            over.draw(axes, name, panel.along, panel.inch)
        axes.set(xlim=(panel.along.drawn[0] - room, panel.along.drawn[-1] + room), ylim=panel.sides[name])
        views.labels(axes, name, panel.groups, panel.along, height, panel.inch)
        for number, detail in enumerate(details):
            first, last = (float(z) for z in panel.along(detail.along.z[[0, -1]]))
            low, high = detail.sides[name]
            frame: dict[str, Any] = {"facecolor": "none", "edgecolor": "#333333", "linewidth": 0.8, "zorder": 7}
            axes.add_patch(Rectangle((first, low), last - first, high - low, **frame))
            axes.text(first, high, LETTERS[number], va="bottom", **LETTERING)
        if name == "x":
            views.ticks(axes, panel.along, panel.inch)
        else:
            axes.set_xticks([])
        bottom -= MARGIN


def _range(boxes: list[tuple[float, float]], others: list[float]) -> tuple[float, float]:
    edges = [centre + sign * 0.5 * size for centre, size in boxes for sign in (-1, 1)] + others
    low, high = min(edges), max(edges)
    room = 0.04 * (high - low) + 5.0
    return low - room, high + room


def beam_of(detector: Detector, along: Scale) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Return z and x of the beam up to the target, and of where it would go on from its first bend without a field."""
    front = 0.0 if detector.target is None else detector.volumes[detector.target].z
    z = np.linspace(along.z[0], max(front, along.z[0]), POINTS)
    x = np.array([axis(detector, float(place)) for place in z])
    known = np.isfinite(x)  # not where a field would turn the beam back
    z, x = z[known], x[known]
    if len(z) < 2 or np.ptp(x) < 1.0:
        return (z, x), (z[:0], x[:0])
    on = np.array([z[0], *[place for pair in along.breaks for place in pair], along.z[-1]])
    return (z, x), (on, x[0] + (x[1] - x[0]) / (z[1] - z[0]) * (on - z[0]))


def _compressed(factor: int) -> str:
    return "x, y and z have one scale" if factor == 1 else f"z is compressed {factor} times against x and y"


def _words(figure: Figure, detector: Detector, whole: Panel, *, bent: bool, over: Over | None) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    beam, shapes, along = detector.beam, whole.shapes, whole.along
    width, total = figure.get_size_inches()
    title = f"{detector.name}: {beam.particle} of {beam.energy:g} GeV" if over is None else over.title
    figure.text(MARGIN / width, 1 - 0.3 / total, title, size=13, weight="bold", va="center")
    said = _compressed(whole.factor)
    if along.breaks:
        places = ", ".join(f"{first * 1e-3:.3g} to {last * 1e-3:.3g} m" for first, last in along.breaks)
        said += f"; at // z is shortened ({places})"
    if any(shape.unknown for shape in shapes):
        said += "; dotted: no size given"
    figure.text(1 - MARGIN / width, 1 - 0.3 / total, said, size=9, ha="right", va="center")
    if over is not None:
        over.legend(figure)
        return
    handles: list[Artist] = [Line2D([], [], label="beam", **views.BEAM)]
    if bent:
        handles.append(Line2D([], [], label="straight on", **views.STRAIGHT))
    for kind in dict.fromkeys(shape.kind for shape in shapes):
        grey = {"magnet": "#dddddd", "volume": "#f2f2f2"}.get(kind)
        line: dict[str, Any] = {"facecolor": grey, "edgecolor": "#666666"} if grey else {"color": views.COLOURS[kind]}
        handles.append(Patch(label=NAMES.get(kind, kind), **line))
    rows = 1 if width >= LONGEST else 2
    figure.legend(handles=handles, loc="lower center", ncol=-(-len(handles) // rows), frameon=False, fontsize=8.5)
