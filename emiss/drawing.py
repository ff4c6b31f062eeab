"""How figures are set up, everywhere: colours, style, a canvas without windows, and how one becomes a file or part of a page.

Nothing else knows backends, fonts or metadata; what is drawn is the matter of the module that draws it. It lies below all that
draw (`selection.report`, `emiss.look`, `emiss.reach`), and matplotlib is imported when the first figure is made.
"""

from __future__ import annotations

import io
import re
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from emiss.configs.files import part_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matplotlib.figure import Figure

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#999999", "#f0e442")
"""Distinct for colour-blind eyes (Okabe and Ito)."""

STYLE = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "emiss",
    "font.family": "sans-serif",
}
"""Settings of matplotlib; texts of an SVG stay texts, and the same figure gives the same SVG."""

DPI = 150
"""Dots per inch of pictures, unless said otherwise."""


@contextmanager
def styled() -> Iterator[None]:
    """Draw with `STYLE` inside ``with styled():``."""
    from matplotlib import rc_context

    with rc_context(STYLE):
        yield


def figure(width: float = 6.4, height: float = 4.2) -> Figure:
    """Return an empty figure that no window knows of; width and height in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    made = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(made)
    return made


def save(made: Figure, path: Path, *, dpi: int = DPI, kind: str | None = None) -> None:
    """Write a figure, whole or not at all; the suffix says in which format, or `kind` does (``png``)."""
    drawn = io.BytesIO()  # in memory: what a full disk does to a backend comes back as anything
    with styled():
        made.savefig(drawn, dpi=dpi, format=kind or path.suffix[1:].lower() or None)
    if path.exists() and not path.is_file():  # a pipe, say
        path.write_bytes(drawn.getvalue())
        return
    part = part_of(path, path.suffix)
    try:
        part.write_bytes(drawn.getvalue())
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def svg(made: Figure) -> str:
    """Return a figure as the text of an ``<svg>`` element, the same for the same figure."""
    out = io.StringIO()
    with styled():
        made.savefig(out, format="svg", metadata={"Date": None, "Creator": None}, dpi=110)
    text = out.getvalue()
    element = re.sub(r"<metadata>.*?</metadata>\s*", "", text[text.index("<svg") :], flags=re.DOTALL)
    return re.sub(r' (?:width|height)="[\d.]+pt"', "", element, count=2)
