"""From the settings of periods to all that their limit stands on: `Reader` reads cutflows and tables, each once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from emiss.configs.errors import Location, UserError, did_you_mean
from emiss.reach import background, efficiencies
from emiss.reach.sensitivity import DataPeriod

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from emiss.physics.limits.backgrounds import Budget
    from emiss.reach.background import Empty
    from emiss.reach.efficiencies import Efficiency
    from emiss.reach.period_settings import Settings
    from emiss.selection.results.cutflow import Cutflow


class Reader:
    """Reads what periods are made of; each file once.

    Parameters
    ----------
    analysis : str or None
        An analysis that cutflows have to be of.
    simulate : callable
        Gives the efficiencies where neither a cutflow nor a table does.
    threshold, beam_energy : float
        GeV, for tables.
    budget : Budget
    empty : 'bound' or 'zero'
    variations : bool
        Whether systematic variations of cutflows enter.
    """

    def __init__(
        self,
        *,
        analysis: str | None,
        simulate: Callable[[], list[Efficiency]],
        threshold: float,
        beam_energy: float,
        budget: Budget,
        empty: Empty,
        variations: bool = True,
    ) -> None:
        self._analysis = analysis
        self._simulate = simulate
        self._table = {"threshold": threshold, "beam_energy": beam_energy}
        self._budget, self._empty, self._variations = budget, empty, variations
        self._flows: dict[Path, Cutflow] = {}
        self._simulated: list[Efficiency] | None = None

    def period(self, settings: Settings) -> DataPeriod:
        """Return a period with all that its limit stands on.

        Raises
        ------
        UserError
            If a file is wrong, or what it holds does not go together.
        """
        flow = self._flow(settings.cutflow) if settings.cutflow else None
        if settings.table is not None:
            found = efficiencies.from_table(settings.table, **self._table)
        elif flow is not None:
            found = efficiencies.from_cutflow(flow, region=settings.region, known=settings.known)
        else:
            found = self._once()
        observed, on_target = _counted(settings, flow)
        left = background.choose(
            settings.background,
            found,
            flow,
            settings.region,
            self._budget,
            known=settings.known,
            empty=self._empty,
            error=settings.background_error,
        )
        if not self._variations:
            found = [replace(one, variations=()) for one in found]
            left = replace(left, variations=())
        return DataPeriod(
            on_target=on_target,
            observed=observed,
            name=settings.name,
            efficiencies=tuple(found),
            background=left,
            on_target_error=settings.on_target_error,
            efficiency_error=settings.efficiency_error,
            efficiency_factor=settings.efficiency_factor,
            nucleus=settings.nucleus,
        )

    def _once(self) -> list[Efficiency]:
        if self._simulated is None:
            self._simulated = self._simulate()
        return self._simulated

    def _flow(self, path: Path) -> Cutflow:
        """Read the cutflow; where an analysis is named, too, it has to be that one."""
        if path not in self._flows:
            from emiss import selection
            from emiss.selection.results.cutflow import Cutflow

            flow = Cutflow.load(path)
            if self._analysis is not None:
                loaded = selection.load(self._analysis)
                if loaded.cuts_hash != flow.cuts_hash:
                    hashes = f"({flow.cuts_hash}, not {loaded.cuts_hash})"
                    text = f"made with other cuts than those of '{self._analysis}' {hashes}"
                    hint = "run 'emiss select' again, or leave out --analysis"
                    raise UserError(text, at=Location(str(path)), hint=hint)
            self._flows[path] = flow
        return self._flows[path]


def _counted(settings: Settings, flow: Cutflow | None) -> tuple[int | None, float]:
    """Return what was observed, and in how many electrons."""
    if settings.data is None:
        if settings.on_target is None:
            raise UserError("--eot is missing: electrons on target")
        return settings.observed, settings.on_target
    if flow is None:
        raise UserError(f"--data {settings.data} names a sample of a cutflow, and there is no --cutflow")
    names = [name for name, counts in flow.samples.items() if counts.role == "data"]
    if settings.data not in names:
        raise UserError(f"the cutflow has no data sample '{settings.data}'", hint=did_you_mean(settings.data, names))
    counts = flow.samples[settings.data]
    on_target = settings.on_target or counts.on_target
    if not on_target:
        raise UserError(f"sample '{settings.data}' does not say how many electrons it stands for", hint="give --eot")
    return efficiencies.last_row(counts, settings.region).n, on_target


def warnings_of(period: DataPeriod) -> list[str]:
    """Return what makes a period's share of the limit doubtful."""
    found = list(period.background.warnings)
    if period.nucleus != "lead" and any(one.cuts for one in period.efficiencies):
        found.append(f"the efficiencies were simulated in lead, the yields are those of {period.nucleus}")
    doubtful = [one for one in period.efficiencies if 0.0 < one.value <= one.error]
    if doubtful:
        said = ", ".join(f"{one.value:.2g} +- {one.error:.2g} at {one.m_phi:g} GeV" for one in doubtful)
        found.append(f"efficiencies that are as large as their errors: {said}")
    return [f"period {period.name}: {text}" if period.name else text for text in found]
