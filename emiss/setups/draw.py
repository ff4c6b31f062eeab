"""A set-up from the side and from the top, to scale: parts with their names, magnets and fields, active areas, the beam."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss import drawing
from emiss.configs.errors import Location, UserError, did_you_mean
from emiss.reco.detector.axis import axis
from emiss.reco.detector.overlaps import corners
from emiss.reco.parts.magnet import Magnet
from emiss.reco.parts.volume import Volume as Box
from emiss.setups.scale import Scale, scale, spread

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from emiss.configs.arrays import Floats
    from emiss.reco.detector.model import Detector
    from emiss.reco.parts.base import Volume

FORMATS = (".svg", ".pdf", ".png")

LONGEST, LEFT, MARGIN, LETTER = 12.0, 0.85, 0.4, 0.073
"""Inches: along z at most, left of it for the axis of x and y, around it all, and of a letter of a label."""

APART = 0.16
"""Inches between two labels."""

VIEWS = 5.0
"""Inches that both views together have at most."""

LEAST = 9.5
"""Inches: the width of the page at least, for the texts."""

NOMINAL = 160.0
"""mm: width and height of what the detector file gives none; drawn dotted."""

POINTS = 60
"""Of the line of the beam."""

LINE = 1.6
"""Points: what thin parts have as a width."""

COLOURS = dict(
    zip(("grid", "counter", "modules", "tracker", "volume", "panels", "magnet"), drawing.COLOURS, strict=False)
)
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
class Shape:
    """An outline with its kind; `unknown` where the detector file does not say how large it is."""

    part: str
    kind: str
    box: Volume
    empty: bool
    unknown: bool
    field: str = ""

    @property
    def ends(self) -> tuple[float, float]:
        """First and last z, mm."""
        return self.box.z_range


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
        text = re.sub(r"font-family: [^;]*;", "font-family: sans-serif;", text)
        out.write_text(text + "\n", encoding="utf-8")
    else:
        drawing.save(figure, out)
    return out


def picture(detector: Detector) -> Figure:
    """Return the figure."""
    shapes = _shapes(detector)
    along = scale(shape.ends for shape in shapes if not shape.empty)
    path = _beam(detector, along)
    sides = {
        "y": _range([(s.box.y, s.box.height) for s in shapes], [0.0]),
        "x": _range([(s.box.x, s.box.width) for s in shapes], path[1].tolist()),
    }
    span = sum(high - low for low, high in sides.values())
    length = 1.02 * along.length
    inch = max(length / LONGEST, span / VIEWS)  # mm of z in an inch
    # the largest round compression with which both views have room
    factor = next(k for k in (50, 40, 30, 20, 15, 10, 8, 6, 5, 4, 3, 2, 1) if k == 1 or k * span / inch <= VIEWS)
    heights = {name: factor * (high - low) / inch for name, (low, high) in sides.items()}
    band = 0.35 + LETTER * max(len(_called(group)) for group in _groups(shapes))
    width = max(LEFT + length / inch + MARGIN, LEAST)
    total = sum(heights.values()) + 2 * band + 4 * MARGIN
    with drawing.styled():
        figure = drawing.figure(width, total)
        figure.set_layout_engine("none")
        bottom = total - 1.5 * MARGIN - band - heights["y"]
        views = {}
        for name in ("y", "x"):
            left = LEFT + 0.5 * (width - LEFT - MARGIN - length / inch)
            box = (left / width, bottom / total, length / inch / width, heights[name] / total)
            views[name] = figure.add_axes(box)
            bottom -= heights["x"] + MARGIN
        for name, axes in views.items():
            _view(axes, name, shapes, along, path)
            room = 0.01 * along.length
            axes.set(xlim=(along.drawn[0] - room, along.drawn[-1] + room), ylim=sides[name])
            _labels(axes, name, shapes, along, heights[name], inch)
        _ticks(views["x"], along, inch)
        views["y"].set_xticks([])
        _words(figure, detector, shapes, factor, along)
    return figure


def _shapes(detector: Detector) -> list[Shape]:
    found = []
    for name, part in detector.parts.items():
        for volume in part.volumes(name):
            field = ""
            if isinstance(part, Magnet):
                field = (
                    f"  {abs(detector.field(name).box.by):.3g} T, {abs(detector.field(name).integral) * 1e-3:.3g} T m"
                )
            empty = isinstance(part, Box) and not part.matter
            unknown = not (volume.width and volume.height)
            box = replace(volume, width=volume.width or NOMINAL, height=volume.height or NOMINAL)
            found.append(Shape(name, part.kind, box, empty, unknown, field))
    return sorted(found, key=lambda shape: shape.ends)


def _range(boxes: list[tuple[float, float]], others: list[float]) -> tuple[float, float]:
    edges = [centre + sign * 0.5 * size for centre, size in boxes for sign in (-1, 1)] + others
    low, high = min(edges), max(edges)
    room = 0.04 * (high - low) + 5.0
    return low - room, high + room


def _beam(detector: Detector, along: Scale) -> tuple[Floats, Floats]:
    """Return z and x of the beam up to the target."""
    front = 0.0 if detector.target is None else detector.volumes[detector.target].z
    z = np.linspace(along.z[0], max(front, along.z[0]), POINTS)
    x = np.array([axis(detector, float(place)) for place in z])
    known = np.isfinite(x)  # not where a field would turn the beam back
    return z[known], x[known]


def _view(axes: Axes, name: str, shapes: list[Shape], along: Scale, path: tuple[Floats, Floats]) -> None:
    from matplotlib.patches import Polygon

    for shape in shapes:
        box = shape.box
        outline = _outline(shape, name, along)
        colour = COLOURS[shape.kind]
        style = {"facecolor": colour, "edgecolor": colour, "linewidth": LINE, "alpha": 0.85}
        if shape.empty:
            style = {"facecolor": "#f2f2f2", "edgecolor": "#999999", "linewidth": 0.8, "linestyle": "--"}
        elif shape.kind == "magnet":
            style = {"facecolor": "#dddddd", "edgecolor": "#666666", "linewidth": 1.0, "hatch": "///"}
        elif shape.kind == "volume":
            style = {"facecolor": "#444444", "edgecolor": "#444444", "linewidth": LINE}
        if shape.unknown:
            style |= {"facecolor": "none", "linestyle": ":", "hatch": None}
        opening = box.hole[1] if name == "y" else box.hole[0]
        # what has an opening stands under what may be inside
        level = 1.0 if shape.empty else 1.5 if opening else 2.0
        axes.add_patch(Polygon(outline, closed=True, zorder=level, **style))
        _cells(axes, shape, name, along, level + 0.1)
        if opening:
            inner = _outline(shape, name, along, opening)
            white = {"facecolor": "white", "edgecolor": colour, "linewidth": 0.6, "linestyle": "--"}
            axes.add_patch(Polygon(inner, closed=True, zorder=level + 0.2, **white))
    z, x = path
    axes.plot(along(z), x if name == "x" else 0 * x, color="#c00000", lw=1.0, zorder=5)
    for first, last in along.breaks:
        middle = float(along(0.5 * (first + last)))
        tilt = 0.002 * along.length
        for at in (middle - 1.5 * tilt, middle + 1.5 * tilt):
            line: dict[str, Any] = {"transform": axes.get_xaxis_transform(), "color": "#666666", "lw": 0.8, "zorder": 6}
            axes.plot([at - tilt, at + tilt], [0, 1], **line)
    axes.set_ylabel({"y": "from the side\ny, mm", "x": "from the top\nx, mm"}[name], size=9)
    axes.tick_params(axis="y", labelsize=8)


def _outline(shape: Shape, name: str, along: Scale, size: float | None = None) -> Floats:
    """Return the corners of a box, shape (4, 2), as drawn; `size` is another one than its own."""
    box = shape.box
    if name == "x" and size is None:
        turned = corners(box)
        return np.column_stack([along(turned[:, 1]), turned[:, 0]])
    across = (box.height if name == "y" else box.width) if size is None else size
    centre = box.y if name == "y" else box.x
    first, last = shape.ends
    low, high = centre - 0.5 * across, centre + 0.5 * across
    return np.column_stack([along(np.array([first, last, last, first])), [low, low, high, high]])


def _cells(axes: Axes, shape: Shape, name: str, along: Scale, level: float) -> None:
    """Draw the borders of cells."""
    box = shape.box
    count, across, centre = (box.rows, box.height, box.y) if name == "y" else (box.columns, box.width, box.x)
    if count < 2 or box.angle:
        return
    edges = centre + across * (np.arange(1, count) / count - 0.5)
    axes.hlines(edges, *along(np.array(shape.ends)), color="white", lw=0.5, zorder=level)


def _groups(shapes: list[Shape]) -> list[list[Shape]]:
    """Return the shapes of each label: elements of a part that stand at one z have one."""
    found: dict[tuple[str, float, float], list[Shape]] = {}
    for shape in shapes:
        found.setdefault((shape.part, *shape.ends), []).append(shape)
    return list(found.values())


def _called(group: list[Shape]) -> str:
    names = [shape.box.name for shape in group]
    text = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
    return text + group[0].field


def _labels(axes: Axes, name: str, shapes: list[Shape], along: Scale, height: float, inch: float) -> None:
    """Write the names above the side view and below the top view, each with a line to its part."""
    groups = sorted(_groups(shapes), key=lambda group: sum(group[0].ends))
    middle = [_anchor(group[0], along) for group in groups]
    order = np.argsort(middle, kind="stable")
    places = spread([middle[i] for i in order], APART * inch)
    up = name == "y"
    low, high = axes.get_ylim()
    edge, sign = (high, 1) if up else (low, -1)
    unit = (high - low) / height  # an inch, in mm of the view
    for place, number in zip(places, order, strict=True):
        group = groups[number]
        boxes = [shape.box for shape in group]
        across = [(b.y, b.height) if up else (b.x, b.width) for b in boxes]
        ends = [centre + sign * 0.5 * size for centre, size in across]
        top = max(ends) if up else min(ends)
        at = middle[number]
        lines = [top, edge + sign * 0.04 * unit, edge + sign * 0.22 * unit, edge + sign * 0.27 * unit]
        axes.plot([at, at, place, place], lines, color="#888888", lw=0.6, clip_on=False, zorder=0.5)
        colour = "#333333" if group[0].kind in ("magnet", "volume") else COLOURS[group[0].kind]
        style: dict[str, Any] = {
            "rotation": 90,
            "ha": "center",
            "va": "bottom" if up else "top",
            "size": 8.5,
            "clip_on": False,
        }
        axes.text(place, edge + sign * 0.3 * unit, _called(group), color=_dark(colour), **style)


def _anchor(shape: Shape, along: Scale) -> float:
    first, last = (float(place) for place in along(np.array(shape.ends)))
    return 0.5 * (first + last)


def _dark(colour: str) -> str:
    """Return a colour dark enough to be read as text on white."""
    from matplotlib.colors import to_hex, to_rgb

    return to_hex([0.62 * part for part in to_rgb(colour)])


def _ticks(axes: Axes, along: Scale, inch: float) -> None:
    """Write z above the top view, where no labels are."""
    ticks = along.ticks(0.55 * inch)
    axes.xaxis.tick_top()
    axes.spines["top"].set_visible(True)
    axes.spines["bottom"].set_visible(False)
    axes.set_xticks(along(np.array(ticks)), [f"{z * 1e-3 + 0.0:g}" for z in ticks], size=8)
    axes.text(-0.008, 1.0, "z, m", transform=axes.transAxes, size=8, ha="right", va="bottom")


def _words(figure: Figure, detector: Detector, shapes: list[Shape], factor: int, along: Scale) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    beam = detector.beam
    width, total = figure.get_size_inches()
    title = f"{detector.name}: {beam.particle} of {beam.energy:g} GeV"
    figure.text(MARGIN / width, 1 - 0.3 / total, title, size=13, weight="bold", va="center")
    said = "x, y and z have one scale" if factor == 1 else f"z is compressed {factor} times against x and y"
    if along.breaks:
        places = ", ".join(f"{first * 1e-3:.3g} to {last * 1e-3:.3g} m" for first, last in along.breaks)
        said += f"; at // z is shortened ({places})"
    if any(shape.unknown for shape in shapes):
        said += "; dotted: no size given"
    figure.text(1 - MARGIN / width, 1 - 0.3 / total, said, size=9, ha="right", va="center")
    handles: list[Artist] = [Line2D([], [], color="#c00000", lw=1.2, label="beam")]
    for kind in dict.fromkeys(shape.kind for shape in shapes):
        grey = {"magnet": "#dddddd", "volume": "#f2f2f2"}.get(kind)
        line: dict[str, Any] = {"facecolor": grey, "edgecolor": "#666666"} if grey else {"color": COLOURS[kind]}
        handles.append(Patch(label=NAMES.get(kind, kind), **line))
    figure.legend(handles=handles, loc="lower center", ncol=len(handles), frameon=False, fontsize=8.5)
