"""The cutflow as a piece of HTML: tables and ledger as notebooks show them, and as the page of the report takes them in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emiss.selection.display import numbers, variations, view
from emiss.selection.normalisation import PER_ON_TARGET

if TYPE_CHECKING:
    from jinja2 import Environment

    from emiss.selection.counting.samples import Counted

SIDE_BY_SIDE = 5
"""Samples beside each other in a table, as many as a printed page (A4) has room for; more go into further tables."""


def table(cutflow: Counted, *, normalise_to: float = PER_ON_TARGET) -> str:
    """Return the cutflow and its ledger as a fragment, as notebooks show it."""
    return environment().get_template("fragment.html.jinja").render(**shown(cutflow, normalise_to))


def environment(*packages: str) -> Environment:
    """Return the templates of `packages` with those of this one."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=ChoiceLoader([PackageLoader(package, "") for package in (*packages, "emiss.selection.display")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def shown(cutflow: Counted, target: float) -> dict[str, Any]:
    """Return what the page and the fragment have in common."""
    names = view.regions(cutflow)
    regions = []
    for region in names:
        lines = {
            name: view.lines(cutflow, name, region, target, history=True) for name in view.samples(cutflow, region)
        }
        regions.append(
            {
                "key": region,
                "region": view.clean(region),
                "samples": (
                    samples := [
                        {"key": name, "name": view.clean(name), "hidden": cutflow.samples[name].hidden, "lines": made}
                        for name, made in lines.items()
                    ]
                ),
                "blocks": [
                    {"samples": block, "cuts": list(zip(*(sample["lines"] for sample in block), strict=True))}
                    for block in view.blocks(samples, SIDE_BY_SIDE)
                ],
                "varied": variations.blocks(variations.table(cutflow, region), SIDE_BY_SIDE),
            }
        )
    return {
        "regions": regions,
        "per": f"per {numbers.particles(target)}",
        "ledger_head": view.LEDGER_HEAD,
        "ledger": [(view.clean(name), *view.ledger_cells(cutflow, name)) for name in cutflow.samples],
        "ledger_notes": [
            f"{view.clean(name)}: {note}"
            for name, sample in cutflow.samples.items()
            for note in view.ledger_notes(sample.ledger)
        ],
        "hidden": [view.clean(name) for name in view.hidden(cutflow)],
        "notes": [
            *view.notes(cutflow, names),
            f"per {numbers.particles(target)}: events expected for so many particles on target",
        ],
    }
