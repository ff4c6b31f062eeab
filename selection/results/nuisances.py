"""Systematic variations as numbers: the factors that they change yields with, as a limit or a workspace takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss.configs.errors import UserError, did_you_mean
from emiss.selection.display import variations, view

if TYPE_CHECKING:
    from emiss.selection.counting.samples import Counted


def nuisances(cutflow: Counted, sample: str, region: str | None = None) -> dict[str, tuple[float | None, float | None]]:
    """Return the factors of each variation on what is left of a sample, up and down.

    None where a direction is not counted, or nothing is left to compare with.

    Raises
    ------
    UserError
        If there is no such sample or region.
    """
    if sample not in cutflow.samples:
        raise UserError(f"there is no sample '{sample}'", hint=did_you_mean(sample, cutflow.samples))
    regions = cutflow.samples[sample].regions
    name = region or next(iter(regions), "")
    if name not in regions:
        raise UserError(f"there is no region '{name}'", hint=did_you_mean(name, regions))
    by = regions[name]
    here = by[view.nominal(by)][-1].sequential.sum_w

    def factor(full: str | None) -> float | None:
        return None if full is None or here == 0.0 else by[full][-1].sequential.sum_w / here

    return {base: (factor(up), factor(down)) for base, (up, down) in variations.names(by).items()}
