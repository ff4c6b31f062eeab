"""The page of a derivation, as HTML and as PDF: channels that need eyes, plots, all values with errors and fit quality."""

from __future__ import annotations

import io
import math
from importlib import resources
from typing import TYPE_CHECKING

from emiss import drawing
from emiss.calibrate.plots import figures
from emiss.events.files.atomic import write_bytes, write_text
from emiss.events.provenance import package_version
from emiss.selection.display import notebook

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from emiss.calib.run_ranges import RunRange
    from emiss.calibrate.frame import Derivation, Found


def write(found: Found, derivation: Derivation, runs: RunRange, path: Path) -> list[Path]:
    """Write ``.html`` and ``.pdf`` beside a table; return their paths."""
    drawn = list(figures(found))
    html, pdf = path.with_suffix(".html"), path.with_suffix(".pdf")
    write_text(html, render(found, derivation, runs, drawn))
    write_bytes(pdf, as_pdf(found, runs, drawn))
    return [html, pdf]


def render(found: Found, derivation: Derivation, runs: RunRange, drawn: list[tuple[str, Figure]]) -> str:
    """Return the page; it needs no network and no script."""
    from markupsafe import Markup

    environment = notebook.environment("emiss.calibrate", "emiss.selection.report")
    return environment.get_template("page.html.jinja").render(
        css=Markup(resources.files("emiss.selection.report").joinpath("page.css").read_text(encoding="utf-8")),  # noqa: S704 - our own
        found=found,
        detector=derivation.detector.name,
        meaning=derivation.meaning,
        runs=str(runs),
        version=package_version(),
        eyes=[(made.type, channel, why) for made in found.made for channel, why in made.eyes],
        plots=[(caption, Markup(drawing.svg(one))) for caption, one in drawn],  # noqa: S704 - our own
        number=_with_error,
        short=_short,
    )


def as_pdf(found: Found, runs: RunRange, drawn: list[tuple[str, Figure]]) -> bytes:
    """Return a first page with what is to be known, and one page for each figure."""
    from matplotlib.backends.backend_pdf import PdfPages

    eyes = [f"{made.type}  {channel}: {why}" for made in found.made for channel, why in made.eyes]
    lines = [
        f"Calibration: {found.kind}",
        f"runs {', '.join(map(str, found.runs))}, {found.used} of {found.read} events, valid for {runs}",
        *found.remarks,
        "",
        "Channels that need eyes:" if eyes else "No channel needs eyes.",
        *eyes[:45],
        *([f"and {len(eyes) - 45} more"] if len(eyes) > 45 else []),
    ]
    out = io.BytesIO()
    with drawing.styled():
        first = drawing.figure(8.0, 11.0)
        first.text(0.06, 0.96, "\n".join(lines), va="top", fontsize=8, family="monospace", wrap=True)
        with PdfPages(out, metadata={"CreationDate": None}) as pages:
            pages.savefig(first)
            for _, one in drawn:
                pages.savefig(one)
    return out.getvalue()


def _with_error(value: float, error: float) -> str:
    """Return a value with as many digits as its error allows."""
    if not math.isfinite(value):
        return "-"
    if not math.isfinite(error) or error <= 0.0:
        return f"{value:.6g}"
    places = max(0, 1 - math.floor(math.log10(error)))
    return f"{value:.{places}f} ± {error:.{places}f}" if places < 10 else f"{value:.5g} ± {error:.2g}"


def _short(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "-"
