"""Systematic variations in words: by how much what is left in a region changes, up and down, for each sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss.selection.display import numbers, view

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.selection.counting.counts import Rows
    from emiss.selection.counting.samples import Counted

UP, DOWN = "_up", "_down"


def names(variations: Mapping[str, Rows]) -> dict[str, tuple[str | None, str | None]]:
    """Return the variations that are counted up or down, by their name without the direction, with both full names."""
    found: dict[str, tuple[str | None, str | None]] = {}
    for name in variations:
        for suffix in (UP, DOWN):
            base = name.removesuffix(suffix)
            if base and base != name:
                both = (base + UP, base + DOWN)
                found[base] = (both[0] if both[0] in variations else None, both[1] if both[1] in variations else None)
    return found


def table(cutflow: Counted, region: str) -> list[tuple[str, ...]]:
    """Return the table of a region: a head with the samples, and one row per variation; empty without variations."""
    chosen = view.samples(cutflow, region)
    known = dict.fromkeys(name for sample in chosen for name in names(cutflow.samples[sample].regions[region]))
    if not known:
        return []
    rows: list[tuple[str, ...]] = [("variation", *(view.clean(sample) for sample in chosen))]
    for name in known:
        cells = [_cell(cutflow.samples[sample].regions[region], name) for sample in chosen]
        rows.append((view.clean(name), *cells))
    return rows


def _cell(variations: Mapping[str, Rows], name: str) -> str:
    """Return by how much the sum of weights that is left changes, as ``+2.1 -1.9 %``."""
    here = variations[view.nominal(variations)][-1].sequential.sum_w
    said = [
        "" if full is None else _change(variations[full][-1].sequential.sum_w, here)
        for full in names(variations).get(name, (None, None))
    ]
    both = " ".join(part for part in said if part)
    return f"{both} %" if both and both.strip(f" {numbers.NONE}") else numbers.NONE


def _change(shifted: float, here: float) -> str:
    if here == 0.0:
        return numbers.NONE
    percent = 100.0 * (shifted / here - 1.0)
    return f"{0.0 if abs(percent) < 5e-7 else percent:+.3g}"


def blocks(rows: Sequence[tuple[str, ...]], most: int) -> list[list[tuple[str, ...]]]:
    """Return a table as several with at most so many samples each, the names of the variations in each of them."""
    if not rows:
        return []
    parts = view.blocks(range(1, len(rows[0])), most)
    return [[(row[0], *(row[i] for i in part)) for row in rows] for part in parts]
