"""What is to be said of an alignment: what holds the modes that no track tells, what was not known, planes that need eyes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.calibrate.frame import Doubts, Shapes
from emiss.calibrate.trackers.alignment_solve import COLUMNS, LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from emiss.calibrate.trackers.alignment_groups import Group
    from emiss.calibrate.trackers.alignment_solve import Solved
    from emiss.configs.arrays import Floats, Ints

LARGE = (0.5, 2e-3, 5.0)
"""mm, rad, mm: what moves by more is looked at."""

BAD = 2.0
"""chi2 per degree of freedom above which tracks do not fit."""


def doubts_of(
    names: Sequence[str],
    groups: Sequence[Group],
    value: Floats,
    before: Floats,
    chi2: Floats,
    entries: Ints,
    dead: Sequence[int],
) -> list[str]:
    """Return why planes need eyes, by number.

    Parameters
    ----------
    names : sequence of str
        Of all planes.
    groups : sequence of Group
    value, before : arrays of shape (3, planes)
        mm, rad, mm.
    chi2, entries : arrays of shape (planes,)
    dead : sequence of int
    """
    doubts = Doubts(len(names))
    number = np.arange(len(names))
    doubts.add(np.isin(number, dead), "dead? It has no hits where the other planes of its view have some")
    aligned = (
        np.isin(number, np.concatenate([group.planes for group in groups])) if groups else np.zeros(len(names), bool)
    )
    doubts.add(~aligned, "too few planes of its view are left")
    doubts.add(aligned & ~np.isfinite(value[0]), [f"{count} tracks are too few" for count in entries])
    away = np.nan_to_num(value - before)
    says = ("moved by {:+.0f} um", "turned by {:+.2f} mrad", "{:+.1f} mm further downstream")
    for row, limit, text, unit in zip(away, LARGE, says, (1e3, 1e3, 1.0), strict=True):
        doubts.add(np.abs(row) > limit, [text.format(unit * one) for one in row])
    doubts.add(chi2 > BAD, [f"tracks do not fit: chi2 per degree of freedom {one:.1f}" for one in chi2])
    return doubts.texts


def remarks_of(
    names: Sequence[str], groups: Sequence[Group], solved: Sequence[Solved | None], tracks: Ints
) -> Iterator[str]:
    """Yield how many tracks there were, what no track tells with the planes that hold it, and what these tracks do not tell."""
    for group, one, (seen, good) in zip(groups, solved, tracks.tolist(), strict=True):
        if one is None:
            continue
        of = [names[plane] for plane in group.planes]
        first, last = (of[row] for row in group.ends)
        yield (
            f"{group.name}: {good} of {seen} tracks. A common shift and a common slope are known from no track: "
            f"held by {first} and {last}, which stay where they were."
        )
        if group.design.shape[1] > 2:
            third = next(name for name, held in zip(of, one.weak[0], strict=True) if held and name not in (first, last))
            yield (
                f"{group.name}: shifts behind the magnet like those of another field scale, or momentum, are not known from "
                f"bent tracks: held by {third}. z stays what it was, as slopes behind the magnet differ by little; a rotation "
                f"of all planes against the field is in the shifts of y."
            )
        else:
            yield f"{group.name}: a common z and a scale of all z are known from no track: held by {first} and {last}."
        yield from _unknown(group, one, of)
    for arm in dict.fromkeys(group.arm for group in groups):
        holding = [
            names[group.planes[group.ends[0]]]
            for group, one in zip(groups, solved, strict=True)
            if group.arm == arm and one is not None and not one.weak[1].all()
        ]
        if holding:
            yield f"{arm}: a common rotation about the beam is known from no track: held by {' and '.join(holding)}."


def _unknown(group: Group, one: Solved, of: Sequence[str]) -> Iterator[str]:
    """Yield what these tracks tell to no better than the limits."""
    last = group.ends[1]
    for row, (column, limit) in enumerate(zip(COLUMNS, LIMITS, strict=True)):
        if not one.unknown[row].any():
            continue
        kept = ", ".join(name for name, held in zip(of, one.unknown[row], strict=True) if held)
        known = {"shift": "", "rotation": f" {1e3 * limit:g} mrad", "z": f" {limit:g} mm"}[column]
        twist = (
            " (a twist: rotations that grow along the beam)" if column == "rotation" and one.unknown[1, last] else ""
        )
        yield (
            f"{group.name}: {column} of {kept} stays what it was{twist}: these tracks, by their spread in place and slope, "
            f"know it to no better than{known}."
        )
    if one.weak[1].all():
        yield f"{group.name}: rotations stay what they were, as there is no other view."


def shapes(counts: Ints, step: float) -> Shapes:
    """Return the histograms of residuals for the page, in bins of `step` um."""
    floats = counts.astype(np.float64)
    edges = step * (np.arange(counts.shape[1] + 1) - counts.shape[1] // 2)
    return Shapes(
        "measured minus fitted [um]",
        np.broadcast_to(edges, (len(counts), len(edges))),
        floats,
        np.full_like(floats, np.nan),
    )
