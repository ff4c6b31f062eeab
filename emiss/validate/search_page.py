"""The page of a search's validation: published numbers and ours, the plane with them, what is left of each sample."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

from emiss import drawing
from emiss.programme.search_figure import plane
from emiss.selection.display import notebook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.figure import Figure

    from emiss.validate.checks import Check
    from emiss.validate.compared import Compared, Line

VERDICT = {True: "agrees", False: "differs", None: "no bar"}


class Row(NamedTuple):
    """A check as it is shown."""

    what: str
    published: str
    ours: str
    ratio: str
    tolerated: str
    verdict: str
    why: str


class Left(NamedTuple):
    """What is left of a sample in a region of a set-up."""

    setup: str
    region: str
    sample: str
    read: int
    left: int
    efficiency: float
    on_target: float | None


def rows(found: Compared) -> list[Row]:
    """Return the comparison line by line."""
    return [_row(line) for line in found.lines]


def _row(line: Line) -> Row:
    check, said = line.check, []
    if line.efficiency is not None and check.quantity not in {"efficiency", "events"}:
        error = f" ± {line.efficiency_error:.2g}" if line.efficiency_error else ""
        said.append(f"efficiency {line.efficiency:.3g}{error}" + (", as given" if check.efficiency else ", simulated"))
    said += [one for one in (line.why, check.remark, f"source: {check.source}") if one]
    ratio = "" if line.ratio is None else f"{line.ratio:.3g}"
    ours = "none" if line.ours is None else f"{line.ours:.3g}"
    return Row(
        check.what, f"{check.published:.3g}", ours, ratio, _tolerated(check), VERDICT[line.agrees], "; ".join(said)
    )


def _tolerated(check: Check) -> str:
    if check.tolerance is not None:
        return f"± {100.0 * check.tolerance:g} %"
    return "" if check.factor is None else f"a factor {check.factor:g}"


def left(found: Compared) -> Iterator[Left]:
    """Yield what is left of each sample in each region."""
    for setup, flow in found.flows.items():
        for name, counts in flow.samples.items():
            for region, variations in counts.regions.items():
                table = next(iter(variations.values()))
                first, last = table[0].sequential, table[-1].sequential
                share = last.sum_w / first.sum_w if first.sum_w else 0.0
                yield Left(setup, region, name, first.n, last.n, share, counts.on_target)


def render(found: Compared) -> str:
    """Return the page; it needs no network and no script."""
    from markupsafe import Markup

    flow = next(iter(found.flows.values()))
    environment = notebook.environment("emiss.validate", "emiss.selection.report")
    return environment.get_template("search.html.jinja").render(
        css=Markup(resources.files("emiss.selection.report").joinpath("page.css").read_text(encoding="utf-8")),  # noqa: S704 - our own
        title=found.limit.search.title,
        analysis=found.limit.search.analysis,
        version=flow.provenance.get("version", ""),
        seconds=found.seconds,
        events=sum(counts.ledger.read for one in found.flows.values() for counts in one.samples.values()),
        lines=rows(found),
        unknown=found.checks.unknown,
        plot=Markup(drawing.svg(_figure(found))),  # noqa: S704 - our own
        points=found.limit.points,
        symbol=found.limit.symbol,
        left=list(left(found)),
        periods=found.limit.periods,
        provenance=json.dumps(dict(flow.provenance), indent=1, ensure_ascii=False, default=str),
    )


def _figure(found: Compared) -> Figure:
    """Draw the plane with the published ends as points."""
    made = plane(found.limit)
    (place,) = made.axes
    points = [
        (one.mass, one.published)
        for one in found.checks.checks
        if one.mass is not None and one.over is None and one.quantity in {"low", "high"}
    ]
    if points:
        with drawing.styled():
            mass, coupling = zip(*points, strict=True)
            bottom, top = place.get_ylim()
            place.set_ylim(min(bottom, 0.5 * min(coupling)), max(top, 2.0 * max(coupling)))
            place.plot(
                mass, coupling, linestyle="", marker="*", markersize=9.0, color="black", label="published", zorder=5
            )
            place.legend(frameon=False, fontsize=8)
    return made
