"""`run`: an analysis on a table in memory, and what a notebook shows of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.configs.errors import UserError, did_you_mean
from emiss.events.columns import Column
from emiss.events.history import of_tables
from emiss.events.table import true_of_rows
from emiss.selection.analysis.model import Analysis
from emiss.selection.binding.cuts import bind
from emiss.selection.blinding import check_table, sealed_inputs
from emiss.selection.display import notebook
from emiss.selection.normalisation import PER_ON_TARGET
from emiss.selection.results import optimum
from emiss.selection.results.cutflow import Cutflow
from emiss.selection.results.skimmed import weight_texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from hist import Hist

    from emiss.configs.arrays import Bools
    from emiss.events.table import EventTable
    from emiss.selection.counting.engine import Bound
    from emiss.selection.counting.histograms import Filled, Key
    from emiss.selection.counting.scans import BoundScan, ScanCounts
    from emiss.selection.results.optimum import Curve


@dataclass(frozen=True)
class Events:
    """The events of a result: their table, what the cuts are bound to, and whether hidden ones may be seen."""

    table: EventTable
    bound: Bound
    unblind: bool


@dataclass(frozen=True, repr=False)
class Result:
    """What a selection gave.

    Attributes
    ----------
    cutflow : Cutflow
    histograms : mapping of sample to its histograms
    scans : mapping of sample to the counts of its scans
    bound_scans : tuple of BoundScan
        The scans themselves: parameters, steps, figure of merit.
    events : Events or None
        The events themselves, where they are in memory (`run`).
    """

    cutflow: Cutflow
    histograms: Mapping[str, Mapping[Key, Filled]] = field(default_factory=dict)
    scans: Mapping[str, Mapping[tuple[str, str], ScanCounts]] = field(default_factory=dict)
    bound_scans: tuple[BoundScan, ...] = ()
    events: Events | None = field(default=None, compare=False)

    def passed(self, region: str | None = None, *, after: str | None = None) -> Bools:
        """Return which events pass all cuts of a region (of the first one, by default), as a mask of shape (N,).

        With `after`, only that cut and those before it have to be passed. Hidden events of blinded samples do not pass.

        Raises
        ------
        UserError
            If there is no such region or cut, or the events are not in memory.
        """
        if self.events is None:
            raise UserError("the events of this result are not in memory", hint="emiss.run(table, analysis) keeps them")
        table, bound, unblind = self.events.table, self.events.bound, self.events.unblind
        return bound.passing(table, region, after, unblind=unblind)

    def histogram(
        self,
        name: str,
        stage: str | None = None,
        *,
        sample: str | None = None,
        region: str | None = None,
        variation: str | None = None,
    ) -> Hist:
        """Return a histogram; what is not asked for is that of the first one of the name.

        Raises
        ------
        UserError
            If there is none such.
        """
        for owner, made in self.histograms.items():
            for key, filled in made.items():
                asked = ((sample, owner), (stage, key.stage), (region, key.region), (variation, key.variation))
                if key.name == name and all(wanted in (None, given) for wanted, given in asked):
                    return filled.hist
        known = {key.name for made in self.histograms.values() for key in made}
        raise UserError(f"there is no such histogram '{name}'", hint=did_you_mean(name, known))

    def curves(self, name: str | None = None, *, normalise_to: float = PER_ON_TARGET) -> tuple[Curve, ...]:
        """Return the curves of a scan (of all, by default): events expected and figure of merit at each step."""
        return tuple(
            curve
            for scan in self.bound_scans
            if name in (None, scan.name)
            for curve in optimum.curves(scan, self.scans, self.cutflow, normalise_to=normalise_to)
        )

    def to_pandas(self) -> pd.DataFrame:
        """Return the cutflow as a data frame: one row per sample, region, weight and cut."""
        import pandas as pd

        rows = [
            {"sample": sample, "region": region, "weight": weight, "position": position, **counts}
            for sample, data in self.cutflow.to_json()["samples"].items()
            for region, inside in data["regions"].items()
            for weight, cuts in inside["weights"].items()
            for position, counts in enumerate(map(_flat, cuts["cuts"]))
        ]
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        return f"Result:\n{self.cutflow}"

    def _repr_html_(self) -> str:
        return notebook.table(self.cutflow)


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of a cutflow file without nesting: ``individual.n`` becomes ``individual_n``."""
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, dict):
            flat.update({f"{key}_{inner}": item for inner, item in value.items()})
        else:
            flat[key] = value
    return flat


def columns_of(table: EventTable) -> dict[str, Column]:
    """Return the columns of a table: as its metadata declare them, else as they are, dimensionless."""
    columns: dict[str, Column] = {}
    for name, values in table.flat.items():
        size = values.shape[1] if values.ndim > 1 else 1
        columns[name] = _column(table, name, values, "fixed" if values.ndim > 1 else "flat", size)
    for collection, lists in table.lists.items():
        for inner, values in lists.columns.items():
            name = f"{collection}.{inner}" if inner else collection
            columns[name] = _column(table, name, values, "list", 1)
    return columns


def _column(table: EventTable, name: str, values: Any, shape: Any, size: int) -> Column:
    declared = table.metadata.columns.get(name, Column(name))
    kind = "bool" if values.dtype == np.bool_ else values.dtype.str[1:]
    return Column(name, kind, declared.unit, declared.meaning, shape, size, declared.bits, alias=declared.alias)


def _sealed(provenance: Mapping[str, Any], sample: str) -> dict[str, Any]:
    inputs = [{**item, "sample": sample} for item in provenance.get("inputs", [])]
    return {**provenance, "inputs": sealed_inputs(inputs, [sample])}


def run(table: EventTable, analysis: Analysis | Bound, *, unblind: bool = False) -> Result:
    """Run an analysis on a table in memory.

    Parameters
    ----------
    table : EventTable
    analysis : Analysis or Bound
        An analysis, or one already bound to the table's columns.
    unblind : bool
        Count the events inside the box of blinded samples, too; the provenance says so.

    Raises
    ------
    UserError
        If the analysis does not fit the columns, or blinds something unknown while the table holds data that it does not hide.
    """
    bound = bind(analysis, columns_of(table)) if isinstance(analysis, Analysis) else analysis
    metadata = true_of_rows(table.metadata, len(table))
    if not unblind:
        check_table(bound.analysis, metadata.sample, metadata.role)
    blinded = bound.blinded(metadata.sample, metadata.role)
    yields = bound.run(table, unblind=unblind)
    cutflow = Cutflow.single(
        analysis=bound.analysis.name,
        cuts_hash=bound.analysis.cuts_hash,
        sample=metadata.sample,
        role=metadata.role,
        on_target=metadata.on_target,
        scale=metadata.scale,
        partial=metadata.partial,
        ledger=metadata.ledger,
        regions=yields.regions,
        coverage={},
        process=metadata.process,
        provenance={
            **(_sealed(metadata.provenance, metadata.sample) if blinded and not unblind else metadata.provenance),
            "configs": dict(bound.analysis.source_texts),
            "unblind": unblind and blinded,
        },
        hidden=blinded and not unblind,
        skim=metadata.provenance.get("skim", {}),
        weights=weight_texts(bound),
        history=of_tables([metadata]) or (),
    )
    found = {metadata.sample: yields.histograms}, {metadata.sample: yields.scans}
    return Result(cutflow, *found, bound.scans, Events(table, bound, unblind))
