"""`Limits`: the limit on the coupling that a choice of cuts would give, for the particles on target that were asked for."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from emiss.reach import background, efficiencies, sensitivity
from emiss.reach.budgets import paper
from emiss.reach.sensitivity import DataPeriod
from emiss.selection.display import numbers

if TYPE_CHECKING:
    from emiss.selection.results.cutflow import Cutflow


@dataclass(frozen=True)
class Limits:
    """What a limit stands on besides the counts.

    Attributes
    ----------
    on_target : float
        Electrons on target.
    background : str
        As ``emiss limit --background`` takes it.
    """

    on_target: float
    background: str = "auto"

    def describe(self) -> dict[str, Any]:
        """Return what is said of it before there is one."""
        return {"on_target": numbers.particles(self.on_target), "background": self.background}

    def of(self, cutflow: Cutflow, region: str, weight: str) -> dict[str, Any]:
        """Return the median expected limit at each mass, with the background that it stands on.

        Raises
        ------
        UserError
            If there is no signal, no background for these cuts, or no limit.
        """
        nominal = _with_nominal(cutflow, weight)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = efficiencies.from_cutflow(nominal, region=region)
            below = background.choose(self.background, found, nominal, region, paper())
            points = sensitivity.curve([DataPeriod(self.on_target, efficiencies=tuple(found), background=below)])
        return {
            "points": [
                {
                    "mass": numbers.significant(point.m_phi, 4),
                    "median": numbers.significant(point.median, 3),
                    "low": numbers.significant(point.expected[1], 3),
                    "high": numbers.significant(point.expected[3], 3),
                }
                for point in points
            ],
            "background": numbers.significant(below.per_electron * self.on_target, 3),
            "source": below.source,
            "notes": [*below.warnings, *dict.fromkeys(str(one.message) for one in caught)],
        }


def _with_nominal(cutflow: Cutflow, weight: str) -> Cutflow:
    """Return a cutflow whose one weight is the nominal one, as limits are made of that."""
    samples = {
        name: replace(
            counts,
            regions={region: {"nominal": variations[weight]} for region, variations in counts.regions.items()},
        )
        for name, counts in cutflow.samples.items()
    }
    return replace(cutflow, samples=samples)
