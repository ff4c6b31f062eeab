"""Periods of data taking as `emiss limit` is given them: by options, or by a file with an entry for each.

    periods:
      2022: {on_target: 9.4e10, on_target_error: 5 percent, data: run2022, cutflow: out/2022}
      2023: {on_target: 4.4e11, observed: 1, efficiencies: table.csv, background: 1.9e-11, background_error: 25 percent}
    common: [efficiency]      # errors that are the same in all periods; default: background and efficiency

What an entry leaves out is as the options say; paths are relative to the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from emiss.configs import loader
from emiss.configs.errors import Location, Problems, UserError, did_you_mean
from emiss.configs.schema import Model, Number
from emiss.reach import background, efficiencies
from emiss.reach.sensitivity import DataPeriod

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from emiss.configs.document import Document
    from emiss.physics.limits import Correlations
    from emiss.physics.limits.backgrounds import Budget
    from emiss.reach.background import Empty
    from emiss.reach.efficiencies import Efficiency
    from emiss.samples.config import Sample
    from emiss.selection.results.cutflow import Cutflow


class PeriodEntry(Model):
    """One period of a periods file, as written."""

    on_target: Number | None = Field(default=None, gt=0, allow_inf_nan=False)
    on_target_error: Number | None = Field(default=None, ge=0, allow_inf_nan=False)
    observed: int | None = Field(default=None, ge=0)
    data: str | None = None
    cutflow: str | None = None
    efficiencies: str | None = None
    signal: dict[str, str] = Field(default_factory=dict)
    region: str | None = None
    efficiency_factor: Number | None = Field(default=None, gt=0, allow_inf_nan=False)
    efficiency_error: Number | None = Field(default=None, ge=0, allow_inf_nan=False)
    background: str | None = None
    background_error: Number | None = Field(default=None, ge=0, allow_inf_nan=False)
    target: str | None = None


class PeriodsFile(Model):
    """A periods file, as written."""

    periods: dict[str, PeriodEntry] = Field(min_length=1)
    common: tuple[Literal["background", "efficiency"], ...] = ("background", "efficiency")


@dataclass(frozen=True)
class Settings:
    """What a period is made of, before any file is read.

    Attributes
    ----------
    name : str
    on_target : float or None
        None: as the data sample says.
    observed : int or None
    data : str or None
        Sample of the cutflow whose events are counted.
    cutflow, table : Path or None
    known : mapping of sample's name to Sample
        What samples were simulated from that do not say it.
    region : str or None
    background : str
        As for `emiss.reach.background.choose`.
    background_error, on_target_error, efficiency_error : float
        Relative; the first is None for its own.
    efficiency_factor : float
    nucleus : str
    """

    name: str = ""
    on_target: float | None = None
    observed: int | None = None
    data: str | None = None
    cutflow: Path | None = None
    table: Path | None = None
    known: Mapping[str, Sample] = field(default_factory=dict)
    region: str | None = None
    background: str = "auto"
    background_error: float | None = None
    on_target_error: float = 0.0
    efficiency_error: float = 0.0
    efficiency_factor: float = 1.0
    nucleus: str = "lead"


def load(path: Path, default: Settings) -> tuple[list[Settings], Correlations, Document]:
    """Read a periods file.

    Parameters
    ----------
    path : Path
    default : Settings
        What the options say.

    Raises
    ------
    UserError
        For all mistakes of the file, each with its place.
    """
    from emiss.physics.limits import Correlations

    document = loader.load(path)
    written = loader.validate(document, PeriodsFile)
    problems = Problems()
    found = []
    for name, entry in written.periods.items():
        try:
            found.append(_settings(name, entry, default, path.parent))
        except UserError as error:
            place = document.locate(("periods", name), key=True)
            problems.add(UserError(f"period {name}: {error.message}", at=place, hint=error.hint))
    problems.check()
    common = Correlations(background="background" in written.common, efficiency="efficiency" in written.common)
    return found, common, document


def _settings(name: str, entry: PeriodEntry, default: Settings, folder: Path) -> Settings:
    from emiss.samples.config import load_sample

    if entry.observed is not None and entry.data is not None:
        raise UserError("'observed' and 'data' both say what was seen", hint="leave out one of them")
    if entry.on_target is None and entry.data is None:
        raise UserError("'on_target' is missing", hint="a data sample may say it: data: NAME")
    nucleus(entry.target or default.nucleus)
    flow = folder / entry.cutflow if entry.cutflow else default.cutflow
    known = {} if entry.cutflow else default.known  # the options name samples of their own cutflow
    table = folder / entry.efficiencies if entry.efficiencies else (None if entry.cutflow else default.table)
    return replace(
        default,
        name=name,
        on_target=entry.on_target,
        observed=entry.observed,
        data=entry.data,
        cutflow=flow,
        table=table,
        known={**known, **{sample: load_sample(folder / file) for sample, file in entry.signal.items()}},
        region=entry.region or default.region,
        background=entry.background or default.background,
        background_error=default.background_error if entry.background_error is None else entry.background_error,
        on_target_error=default.on_target_error if entry.on_target_error is None else entry.on_target_error,
        efficiency_error=default.efficiency_error if entry.efficiency_error is None else entry.efficiency_error,
        efficiency_factor=default.efficiency_factor if entry.efficiency_factor is None else entry.efficiency_factor,
        nucleus=entry.target or default.nucleus,
    )


def nucleus(name: str) -> str:
    """Return the name of a target's material.

    Raises
    ------
    UserError
        If it is none of `emiss.physics.nuclei.NUCLEI`.
    """
    from emiss.physics.nuclei import NUCLEI

    if name not in NUCLEI:
        raise UserError(f"there is no target '{name}'", hint=did_you_mean(name, NUCLEI))
    return name


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
    ) -> None:
        self._analysis = analysis
        self._simulate = simulate
        self._table = {"threshold": threshold, "beam_energy": beam_energy}
        self._budget, self._empty = budget, empty
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
        return DataPeriod(
            on_target=on_target,
            observed=observed,
            name=settings.name,
            efficiencies=tuple(found),
            background=background.choose(
                settings.background,
                found,
                flow,
                settings.region,
                self._budget,
                known=settings.known,
                empty=self._empty,
                error=settings.background_error,
            ),
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
