"""One view of a set-up: outlines, cells, the beam, and names beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emiss import drawing
from emiss.setups.scale import spread
from emiss.setups.shapes import called, middle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from emiss.configs.arrays import Floats
    from emiss.setups.scale import Scale
    from emiss.setups.shapes import Shape

APART = 0.16
"""Inches between two labels."""

THIN = 0.028
"""Inches: what is thinner along z is drawn as thick as this."""

SIDES = {"x": (-0.5, -0.5, 0.5, 0.5), "y": (-0.5, 0.5, 0.5, -0.5)}
"""Which corners of an outline are at the front and which at the back, from the top and from the side."""

COLOURS = dict(
    zip(("grid", "counter", "modules", "tracker", "volume", "panels", "magnet"), drawing.COLOURS, strict=False)
)

BEAM: dict[str, Any] = {"color": "#c00000", "lw": 1.0}
STRAIGHT: dict[str, Any] = {"color": "#c00000", "lw": 0.8, "ls": (0, (1, 3))}
"""Lines of the beam, and of where it would go on without a field."""


def dark(colour: str) -> str:
    """Return a colour dark enough to be read as text on white."""
    from matplotlib.colors import to_hex, to_rgb

    return to_hex([0.62 * part for part in to_rgb(colour)])


def style_of(shape: Shape) -> dict[str, Any]:
    """Return how an outline is drawn."""
    colour = COLOURS[shape.kind]
    style: dict[str, Any] = {"facecolor": colour, "edgecolor": dark(colour), "linewidth": 0.4}
    if shape.empty:
        style = {"facecolor": "#f2f2f2", "edgecolor": "#999999", "linewidth": 0.8, "linestyle": "--"}
    elif shape.kind == "magnet":
        style = {"facecolor": "#dddddd", "edgecolor": "#666666", "linewidth": 1.0, "hatch": "///"}
    elif shape.kind == "volume":
        style = {"facecolor": "#444444", "edgecolor": "#444444", "linewidth": 0.6}
    if shape.unknown:
        style |= {"facecolor": "none", "edgecolor": dark(colour), "linestyle": ":", "linewidth": 1.4, "hatch": None}
    return style


def pale_style(shape: Shape) -> dict[str, Any]:
    """Return how an outline is drawn over which there is something else."""
    face = "#d8d8d8" if shape.kind == "volume" else "#f3f3f3"
    style: dict[str, Any] = {"facecolor": face, "edgecolor": "#9a9a9a", "linewidth": 0.5}
    if shape.empty or shape.unknown:
        style |= {"facecolor": "none", "linestyle": ":" if shape.unknown else "--"}
    return style


def view(axes: Axes, name: str, shapes: Sequence[Shape], along: Scale, inch: float, *, pale: bool = False) -> None:
    """Draw outlines from the side (``y``) or the top (``x``); `inch` is how many mm along z are one."""
    from matplotlib.patches import Polygon

    for shape in shapes:
        outline = shape.outline(name, along)
        thin = bool(np.ptp(outline[:, 0]) < THIN * inch)
        outline = thickened(outline, name, inch)
        opening = shape.box.hole[1] if name == "y" else shape.box.hole[0]
        # what has an opening stands under what may be inside
        level = 1.0 if shape.empty else 1.5 if opening else 2.0
        style = pale_style(shape) if pale else style_of(shape)
        axes.add_patch(Polygon(outline, closed=True, zorder=level, **style))
        if not shape.unknown and not thin:
            for border in shape.borders(name, along):
                axes.plot(*border.T, color="#dcdcdc" if pale else "white", lw=0.5, zorder=level + 0.1)
        if opening:
            white = {"facecolor": "white", "edgecolor": style["edgecolor"], "linewidth": 0.6, "linestyle": "--"}
            axes.add_patch(Polygon(shape.outline(name, along, hole=True), closed=True, zorder=level + 0.2, **white))
    axes.set_ylabel({"y": "from the side\ny, mm", "x": "from the top\nx, mm"}[name], size=9)
    axes.tick_params(axis="y", labelsize=8)


def thickened(outline: Floats, name: str, inch: float) -> Floats:
    """Return an outline as thick as it can be seen."""
    if np.ptp(outline[:, 0]) >= THIN * inch:
        return outline
    return np.column_stack([outline[:, 0].mean() + THIN * inch * np.array(SIDES[name]), outline[:, 1]])


def breaks(axes: Axes, along: Scale) -> None:
    """Mark where z is shortened."""
    for first, last in along.breaks:
        at, tilt = float(along(0.5 * (first + last))), 0.002 * along.length
        for place in (at - 1.5 * tilt, at + 1.5 * tilt):
            line: dict[str, Any] = {"transform": axes.get_xaxis_transform(), "color": "#666666", "lw": 0.8, "zorder": 6}
            axes.plot([place - tilt, place + tilt], [0, 1], **line)


def beam(axes: Axes, name: str, along: Scale, path: tuple[Floats, Floats], straight: tuple[Floats, Floats]) -> None:
    """Draw the beam up to the target, and from above where it would go on without a field."""
    z, x = path
    axes.plot(along(z), x if name == "x" else 0 * x, zorder=5, **BEAM)
    if name == "x" and len(straight[0]):
        axes.plot(along(straight[0]), straight[1], zorder=5, **STRAIGHT)


def labels(axes: Axes, name: str, groups: Sequence[list[Shape]], along: Scale, height: float, inch: float) -> None:
    """Write names above the side view and below the top view, each with a line to its part."""
    groups = sorted(groups, key=lambda group: middle(group, along))
    wanted = [middle(group, along) for group in groups]
    up = name == "y"
    low, high = axes.get_ylim()
    edge, sign = (high, 1) if up else (low, -1)
    unit = (high - low) / height  # an inch, in mm of the view
    for at, place, group in zip(wanted, spread(wanted, APART * inch), groups, strict=True):
        ends = [centre + sign * 0.5 * size for centre, size in (shape.across(name) for shape in group)]
        top = max(ends) if up else min(ends)
        lines = [top, edge + sign * 0.04 * unit, edge + sign * 0.22 * unit, edge + sign * 0.27 * unit]
        axes.plot([at, at, place, place], lines, color="#888888", lw=0.6, clip_on=False, zorder=0.5)
        colour = "#333333" if group[0].kind in ("magnet", "volume") else COLOURS[group[0].kind]
        style: dict[str, Any] = {"rotation": 90, "ha": "center", "va": "bottom" if up else "top", "size": 8.5}
        axes.text(place, edge + sign * 0.3 * unit, called(group), color=dark(colour), clip_on=False, **style)


def ticks(axes: Axes, along: Scale, inch: float) -> None:
    """Write z above the top view, where no labels are."""
    places = along.ticks(0.55 * inch)
    axes.xaxis.tick_top()
    axes.spines["top"].set_visible(True)
    axes.spines["bottom"].set_visible(False)
    axes.set_xticks(
        along(np.array(places)), [f"{z * 1e-3 + 0.0:g}".replace("-", "\N{MINUS SIGN}") for z in places], size=8
    )
    place: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
    axes.annotate("z, m", (0, 1), (-18, 4), size=8, ha="right", va="bottom", **place)
