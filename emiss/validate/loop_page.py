"""The page of the closed loop: derived constants beside the true ones."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

from emiss import drawing
from emiss.events.provenance import package_version
from emiss.selection.display import notebook

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from emiss.validate.loop_compared import Compared, Loop


def rows(found: Loop) -> list[tuple[str, ...]]:
    """Return a line for each kind: channels, bias, rms, limit, pulls where they count, verdict."""
    return [
        (
            one.name,
            f"{len(one.channels)}" + (f" ({one.missing} missing)" if one.missing else ""),
            f"{one.bias:+.3g} {one.unit}",
            f"{one.rms:.3g} {one.unit}",
            f"{one.limit:.3g} {one.unit}",
            f"{one.pull[0]:+.2f}" if one.pulls else "",
            f"{one.pull[1]:.2f}" if one.pulls else "",
            "passed" if one.passed else "FAILED",
        )
        for one in found.compared
    ]


def render(found: Loop) -> str:
    """Return the page; it needs no network and no script."""
    from markupsafe import Markup

    environment = notebook.environment("emiss.validate", "emiss.selection.report")
    return environment.get_template("loop.html.jinja").render(
        css=Markup(resources.files("emiss.selection.report").joinpath("page.css").read_text(encoding="utf-8")),  # noqa: S704 - our own
        version=package_version(),
        found=found,
        rows=rows(found),
        plots=[(one.name, Markup(drawing.svg(_figure(one)))) for one in found.compared if len(one.channels) > 1],  # noqa: S704 - our own
    )


def _figure(one: Compared) -> Figure:
    with drawing.styled():
        made = drawing.figure(10.0, 2.8)
        left, right = made.subplots(1, 2, width_ratios=(3, 1))
        x = np.arange(len(one.channels))
        left.errorbar(x, one.away, one.sigma, fmt="o", ms=3, lw=0.8, color=drawing.COLOURS[0])
        left.axhline(0.0, color="0.5", lw=0.8)
        for limit in (-one.limit, one.limit):
            left.axhline(limit, color=drawing.COLOURS[5], lw=0.8, ls="--")
        step = max(1, len(x) // 30)
        left.set_xticks(x[::step], [one.channels[k] for k in x[::step]], rotation=90, fontsize=6)
        left.set_ylabel(f"derived - true [{one.unit}]")
        right.hist(np.clip(one.away / one.sigma, -5.0, 5.0), bins=25, range=(-5.0, 5.0), color=drawing.COLOURS[0])
        right.set_xlabel("pull")
    return made
