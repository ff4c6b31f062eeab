"""Periods of data taking in a file with an entry for each.

    periods:
      2022: {on_target: 9.4e10, on_target_error: 5 percent, data: run2022, cutflow: out/2022}
      2023: {on_target: 4.4e11, observed: 1, efficiencies: table.csv, background: 1.9e-11, background_error: 25 percent}
    common: [efficiency]      # errors that are the same in all periods; default: background and efficiency

What an entry leaves out is as the options say; paths are relative to the file.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from emiss.configs import loader
from emiss.configs.errors import Problems, UserError
from emiss.configs.schema import Model, Number
from emiss.events.location import is_remote, place
from emiss.physics.limits import Correlations
from emiss.reach.period_settings import Settings, nucleus

if TYPE_CHECKING:
    from pathlib import Path

    from emiss.configs.document import Document


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
    flow = _beside(folder, entry.cutflow) if entry.cutflow else default.cutflow
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


def _beside(folder: Path, name: str) -> Path:
    """Return a file that is named from a folder, or by its address."""
    return place(name) if is_remote(name) else folder / name
