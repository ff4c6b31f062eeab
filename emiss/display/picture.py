"""An event in its set-up as a picture for a talk: both views to scale, cells by energy, tracks, clusters; SVG or PDF."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss import drawing
from emiss.setups import draw, views

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from emiss.configs.arrays import Floats
    from emiss.display.event import Drawn
    from emiss.display.geometry import Geometry
    from emiss.setups.scale import Scale
    from emiss.setups.shapes import Shape

FORMATS = ("svg", "pdf")

LEAST = 1e-3
"""GeV: where the colours begin."""

COLOURS = ("#ffefa8", "#fec44f", "#fb7b35", "#d7261e", "#7a0020")
"""From `LEAST` to the energy of the beam, in the logarithm; those of the page."""

TRACK: dict[str, Any] = {"color": "#1f5fa8", "lw": 1.6, "zorder": 7}
TRUTH: dict[str, Any] = {"color": "#2e7d32", "lw": 1.6, "ls": (0, (4, 2)), "zorder": 7.5}
CLUSTER: dict[str, Any] = {"color": "#1f5fa8", "ms": 3.5, "marker": "o", "ls": "", "zorder": 8}


def quad(shape: Shape, view: str, along: Scale, depth: tuple[float, float], across: tuple[float, float]) -> Floats:
    """Return the corners of a part of an outline, from shares of its depth and of its size across, shape (4, 2)."""
    a, b, c, d = shape.outline(view, along)
    front, back = ((a, d), (b, c)) if view == "y" else ((a, b), (d, c))

    def at(f: float, g: float) -> Floats:
        near, far = (edge[0] + g * (edge[1] - edge[0]) for edge in (front, back))
        found: Floats = near + f * (far - near)
        return found

    return np.array(
        [
            at(f, g)
            for f, g in ((depth[0], across[0]), (depth[1], across[0]), (depth[1], across[1]), (depth[0], across[1]))
        ]
    )


class EventOver:
    """An event over its set-up; see `emiss.setups.draw.Over`."""

    def __init__(self, geometry: Geometry, drawn: Drawn, title: str, within: tuple[float, float] | None) -> None:
        from matplotlib.colors import LinearSegmentedColormap, LogNorm

        self.geometry, self.drawn = geometry, drawn
        self.title, self.within = title, within
        self._map = LinearSegmentedColormap.from_list("energy", COLOURS)
        self._norm = LogNorm(LEAST, max(geometry.detector.beam.energy, 10 * LEAST), clip=True)
        low, high = within or (-np.inf, np.inf)
        planes = geometry.detector.planes
        self._tracks = [path for path in drawn.tracks if path.z[-1] > low and path.z[0] < high]
        self._truth = [path for path in drawn.truth if path.z[-1] > low and path.z[0] < high]
        self._clusters = [cluster for cluster in drawn.clusters if low < planes[cluster[0]].z < high]

    def draw(self, axes: Axes, name: str, along: Scale, inch: float) -> None:
        """Draw energies, tracks and clusters into a view."""
        from matplotlib.patches import Polygon

        for found, energy in self._energies(name, along):
            colour, outline = self._map(self._norm(energy)), views.thickened(found, name, inch)
            axes.add_patch(
                Polygon(outline, closed=True, facecolor=colour, edgecolor="#555555", linewidth=0.4, zorder=4)
            )
        for paths, style in ((self._truth, TRUTH), (self._tracks, TRACK)):
            for path in paths:
                axes.plot(along(path.z), path.x if name == "x" else path.y, **style)
        planes = self.geometry.detector.planes
        for number, position, *_ in self._clusters:
            if planes[number].view == name:
                axes.plot([float(along(planes[number].z))], [position], **CLUSTER)

    def _energies(self, view: str, along: Scale) -> Iterator[tuple[Floats, float]]:
        """Yield the outlines with energy in them: cells added up along the view, and elements without cells."""
        sums: dict[tuple[str, int, int], float] = {}
        places = self.geometry.places
        for channel, energy, _ in self.drawn.cells:
            place = places[channel]
            if place.cells:
                key = place.outline, place.layer, place.y if view == "y" else place.x
                sums[key] = sums.get(key, 0.0) + energy
        shapes = {shape.box.name: shape for shape in self.geometry.shapes}
        for (name, layer, at), energy in sums.items():
            shape = shapes[name]
            many = shape.box.rows if view == "y" else shape.box.columns
            yield quad(shape, view, along, self.geometry.depth(name, layer), (at / many, (at + 1) / many)), energy
        celled = {name for name, _, _ in sums}
        for _, names, energies, _ in self.drawn.elements():
            for name, energy in zip(names, energies.tolist(), strict=True):
                if name in shapes and name not in celled and energy > LEAST:
                    yield shapes[name].outline(view, along), energy

    def legend(self, figure: Figure) -> None:
        """Write the scale of the colours, and what the lines are."""
        from matplotlib.cm import ScalarMappable
        from matplotlib.lines import Line2D

        width, total = figure.get_size_inches()
        place = figure.add_axes((0.45 / width, 0.42 / total, 2.6 / width, 0.13 / total))
        bar = figure.colorbar(ScalarMappable(self._norm, self._map), cax=place, orientation="horizontal")
        bar.set_label("GeV", size=8, labelpad=1)
        bar.ax.tick_params(labelsize=8)
        handles = [Line2D([], [], label=f"track {path.said}", **TRACK) for path in self._tracks]
        handles += [Line2D([], [], label=f"true muon {path.said}", **TRUTH) for path in self._truth]
        if self._clusters:
            handles.append(Line2D([], [], label="cluster", **CLUSTER))
        handles.append(Line2D([], [], label="beam", **views.BEAM))
        figure.legend(handles=handles[:12], loc="lower right", ncol=min(len(handles), 4), frameon=False, fontsize=8.5)


def picture(geometry: Geometry, drawn: Drawn, title: str, kind: str, within: tuple[float, float] | None) -> bytes:
    """Return the picture of an event.

    Parameters
    ----------
    kind : "svg" or "pdf"
    within : (float, float), optional
        z in mm: only what stands there is drawn.
    """
    made = draw.picture(geometry.detector, EventOver(geometry, drawn, title, within))
    if kind == "svg":
        return (drawing.svg(made) + "\n").encode()
    out = io.BytesIO()
    with drawing.styled():
        made.savefig(out, format=kind, metadata={"CreationDate": None})
    return out.getvalue()
