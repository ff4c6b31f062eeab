"""How figures are set up, everywhere: colours, style, a canvas without windows, and how one becomes a file or part of a page.

Nothing else knows backends, fonts or metadata; what is drawn is the matter of the module that draws it. It lies below all that
draw (`selection.report`, `emiss.look`, `emiss.reach`), and matplotlib is imported when the first figure is made.
"""

from __future__ import annotations

import io
import re
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from emiss.configs.errors import UserError, did_you_mean
from emiss.configs.files import part_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from matplotlib.figure import Figure

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#999999", "#f0e442")
"""Distinct for colour-blind eyes (Okabe and Ito)."""

STYLE: Mapping[str, Any] = {
    "font.size": 10,
    "axes.prop_cycle": f"cycler('color', {list(COLOURS)})",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.family": "sans-serif",
}
"""Settings of matplotlib for figures of ours."""

FILES: Mapping[str, Any] = {"svg.fonttype": "none", "svg.hashsalt": "emiss", "pdf.fonttype": 42}
"""Settings of files in any style: texts of an SVG stay texts, and the same figure gives the same SVG."""

OURS = "emiss"
STYLES = {
    OURS: "",
    "root": "ROOT",
    "alice": "ALICE",
    "atlas": "ATLAS",
    "cms": "CMS",
    "dune": "DUNE",
    "lhcb": "LHCb2",
}
"""Styles by name, with what mplhep calls them."""

SUFFIXES = (".png", ".pdf", ".svg")
"""Of files that figures are written to."""

_CHOSEN: ContextVar[str] = ContextVar("style", default=OURS)

DPI = 150
"""Dots per inch of pictures, unless said otherwise."""


@contextmanager
def styled(name: str | None = None) -> Iterator[None]:
    """Draw in a style of `STYLES` inside ``with styled():``; without a name in that around it, which is ours at first.

    Raises
    ------
    UserError
        If there is no such style.
    """
    from matplotlib import rc_context

    chosen = _CHOSEN.get() if name is None else name
    check_style(chosen)
    before = _CHOSEN.set(chosen)
    try:
        with rc_context({**_settings(chosen), **FILES}):
            yield
    finally:
        _CHOSEN.reset(before)


def check_style(name: str) -> None:
    """Refuse a style that there is not.

    Raises
    ------
    UserError
        For another name than those of `STYLES`.
    """
    if name not in STYLES:
        raise UserError(f"there is no style '{name}'", hint=did_you_mean(name, STYLES))


def _settings(name: str) -> Mapping[str, Any]:
    if name == OURS:
        return STYLE
    import mplhep  # takes a second, and registers the fonts of its styles

    return dict(getattr(mplhep.style, STYLES[name]))


def colours() -> tuple[str, ...]:
    """Return the colours of the style that is drawn in."""
    from matplotlib import rcParams

    return tuple(rcParams["axes.prop_cycle"].by_key()["color"])


def size() -> float:
    """Return how much larger fonts are than ours in the style that is drawn in; lines and markers follow."""
    from matplotlib import rcParams

    return float(rcParams["font.size"]) / float(STYLE["font.size"]) if _CHOSEN.get() != OURS else 1.0


def figure(width: float = 6.4, height: float = 4.2) -> Figure:
    """Return an empty figure that no window knows of; width and height in inches at a font of 10 points."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    made = Figure(figsize=(size() * width, size() * height), layout="constrained")
    FigureCanvasAgg(made)
    return made


def power(text: str) -> str:
    r"""Return a number as formulas write it: ``1e11`` is ``$10^{11}$``, ``2.8e+11`` is ``$2.8 \times 10^{11}$``."""
    mantissa, e, exponent = text.partition("e")
    if not e:
        return text
    return rf"$10^{{{int(exponent)}}}$" if mantissa == "1" else rf"${mantissa} \times 10^{{{int(exponent)}}}$"


def check_suffix(path: Path) -> None:
    """Refuse a file that no figure is written to, before anything is computed.

    Raises
    ------
    UserError
        For another suffix than those of `SUFFIXES`.
    """
    if path.suffix not in SUFFIXES:
        known = ", ".join(SUFFIXES[:-1])
        raise UserError(f"a plot is written to {known} or {SUFFIXES[-1]}, not '{path.suffix}'")


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
