"""The report as one HTML page that needs nothing else: no network, no script."""

from __future__ import annotations

import json
import math
from importlib import resources
from typing import TYPE_CHECKING, Any

from emiss.selection.display import notebook, numbers, view
from emiss.selection.normalisation import PER_ON_TARGET

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from emiss.selection.counting.samples import Counted
    from emiss.selection.display.view import Line
    from emiss.selection.report.figures import Drawn

DETAIL_HEAD = ("in sequence", "of the cut before", "alone", "N-1", "only failed", "undefined", "of all")

MAX_OVERLAPS = 24
"""Most cuts whose overlaps are shown."""


def render(
    cutflow: Counted,
    *,
    title: str | None = None,
    sources: Mapping[str, str] | None = None,
    normalise_to: float = PER_ON_TARGET,
    figures: Sequence[Drawn] = (),
) -> str:
    """Return the whole report as one page, readable on a phone, in print and in the dark.

    Parameters
    ----------
    cutflow : Counted
    title : str, optional
        Heading; by default the name of the analysis.
    sources : mapping of file to text, optional
        The YAML files behind the cutflow, shown as they are.
    normalise_to : float
        Particles on target that expected events are given for.
    figures : sequence of Drawn
        Plots, see `report.figures`.
    """
    environment = notebook.environment("emiss.selection.report")
    shown = notebook.shown(cutflow, normalise_to)
    for table in shown["regions"]:
        for sample in table["samples"]:
            sample.update(_details(cutflow, sample["key"], table["key"], sample["lines"]))
    return environment.get_template("cutflow.html.jinja").render(
        title=title or f"Cutflow of {cutflow.analysis}",
        css=_markup(resources.files(__package__).joinpath("page.css").read_text(encoding="utf-8")),
        analysis=cutflow.analysis,
        cuts_hash=cutflow.cuts_hash,
        detail_head=DETAIL_HEAD,
        made=_made(cutflow.provenance),
        provenance=json.dumps(dict(cutflow.provenance), indent=1, ensure_ascii=False, default=str),
        sources=list((sources or {}).items()),
        plots=[
            (heading, [(f.title, f.alt, _markup(f.svg)) for f in figures if f.heading == heading])
            for heading in dict.fromkeys(figure.heading for figure in figures)
        ],
        **shown,
    )


def _made(provenance: Mapping[str, Any]) -> str:
    """Return by what and when a result was made, in a line."""
    parts = [("emiss", "version"), ("by", "command"), ("on", "host"), ("", "finished")]
    said = [f"{word} {view.clean(str(provenance[key]))}".strip() for word, key in parts if provenance.get(key)]
    return ", ".join([*said, f"{len(provenance.get('inputs', []))} inputs"])


def _markup(text: str) -> Markup:
    from markupsafe import Markup

    return Markup(text)  # noqa: S704 - our own style sheet and charts, with texts escaped


def _details(cutflow: Counted, sample: str, region: str, lines: Sequence[Line]) -> dict[str, Any]:
    """Return what the page says of one sample in one region besides the table of all samples."""
    variations = cutflow.samples[sample].regions[region]
    rows = zip(*variations.values(), strict=True)
    return {
        "weighted": any(line.n != line.passed for line in lines),
        "chart": _chart(sample, lines),
        "overlaps": _overlaps(lines),
        "variations": list(variations),
        "varied": [(view.clean(row[0].name), [numbers.significant(r.sequential.sum_w) for r in row]) for row in rows],
    }


def _overlaps(lines: Sequence[Line]) -> list[tuple[str, list[int]]]:
    """Return how many events pass both of two cuts, for each pair; nothing where the cutflow does not say it."""
    cuts = [line.row for line in lines if line.is_cut]
    if len(cuts) > MAX_OVERLAPS or any(len(row.overlap) != i for i, row in enumerate(cuts)):
        return []
    return [(view.clean(row.name), [*row.overlap, row.individual.n]) for row in cuts]


def _chart(sample: str, lines: Sequence[Line]) -> Markup:
    """Return bars of the fraction left after each cut on a logarithmic axis, with the same in words for readers."""
    from markupsafe import escape

    cuts = [(line.name, line.efficiency.total or 0.0, line.total) for line in lines if line.efficiency]
    lowest = min((share for _, share, _ in cuts if share > 0.0), default=0.1)
    decades = max(1, math.ceil(-math.log10(min(lowest, 1.0)) + 1e-9))
    left, width, step = 150, 430, 20
    height = step * len(cuts) + 18
    said = "; ".join(f"{name} {text}" for name, _, text in cuts)
    out = [
        f'<svg viewBox="0 0 760 {height}" role="img" aria-label="{escape(f"{view.clean(sample)}: {said}")}">',
        f"<title>{escape(view.clean(sample))}: fraction left after each cut</title>",
    ]
    ticks = range(0, decades + 1, max(1, math.ceil(decades / 6)))
    for tick in ticks:
        x = left + width * (1.0 - tick / decades)
        label = f"{100.0 * 10.0**-tick:g} %"
        out.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height - 16}"/>')
        out.append(f'<text x="{x:.1f}" y="{height - 3}" text-anchor="middle">{label}</text>')
    for number, (name, share, text) in enumerate(cuts):
        y = step * number
        length = width * max(0.0, 1.0 + math.log10(share) / decades) if share > 0.0 else 0.0
        short = name if len(name) <= 20 else f"{name[:19]}…"
        out.append(f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{escape(short)}</text>')
        out.append(f'<rect class="bar" x="{left}" y="{y + 3}" width="{min(length, width):.1f}" height="{step - 6}"/>')
        out.append(f'<text x="{left + width + 8}" y="{y + 14}">{escape(text)}</text>')
    return _markup("\n".join([*out, "</svg>"]))
