"""The pipeline: the stages that turn batches of a detector into event tables, and the columns they make.

A stage declares what it `uses` and `produces` and which conditions it `needs`; it takes its constants in `begin_run` at
run boundaries and is pure otherwise: same input, same output, in any batch size and on any worker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from emiss.configs.errors import Location, Problems, UserError, did_you_mean
from emiss.events.columns import Column, split
from emiss.events.ledger import Ledger
from emiss.events.lists import Lists
from emiss.events.table import EventTable, Metadata
from emiss.reco.detector.plug_ins import PlugInStage
from emiss.reco.readers.base import where

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from emiss.calib.conditions import Conditions, RunConditions
    from emiss.configs.arrays import Array
    from emiss.events.batch import Batch
    from emiss.reco.detector.model import Detector
    from emiss.reco.readers.base import RunFile

HEADER = {
    "event.run": "run",
    "event.spill": "spill",
    "event.in_spill": "in_spill",
    "event.in_run": "in_run",
    "event.entry": "entry",
    "event.time": "time",
    "event.trigger": "trigger",
    "spill.position": "spill_position",
    "weight": "weight",
}


class Stage(Protocol):
    """One step of the reconstruction."""

    uses: tuple[str, ...]
    produces: tuple[str, ...]

    @property
    def needs(self) -> Mapping[str, Sequence[str]]:
        """Conditions: table type to channels."""
        ...

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the constants of a run."""
        ...

    def __call__(self, batch: Batch, products: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return new products of a batch."""
        ...


class Pipeline:
    """The stages for raw and for simulated batches of one detector with one set of conditions.

    Parameters
    ----------
    detector : Detector
    conditions : Conditions
    asked : collection of str, optional
        Full names of the columns that are wanted, all by default. What nothing needs is not made; what is made is the same to
        the last bit. Where derived quantities or stages of packages are among them, or might use others, all columns are made.
    """

    def __init__(self, detector: Detector, conditions: Conditions, asked: Collection[str] | None = None) -> None:
        self.detector = detector
        self.conditions = conditions
        if asked is not None and (detector.plug_in_stages() or set(asked) & set(detector.quantities.columns)):
            asked = None
        self._asked = None if asked is None else frozenset(asked)
        self._stages = stages_of(detector, self._asked)
        self._begun: dict[str, int | None] = {"raw": None, "hits": None}

    def needs(self, tier: str) -> dict[str, list[str]]:
        """Return the conditions that the stages of a tier need."""
        needs: dict[str, list[str]] = {}
        for stage in self._stages[tier]:
            for type_, channels in stage.needs.items():
                known = needs.setdefault(type_, [])
                known += [channel for channel in channels if channel not in known]
        return needs

    def check(self, runs: Sequence[int], tier: str) -> None:
        """Raise a UserError for every constant that is missing in these runs, or that this detector cannot have."""
        from emiss.reco.calorimetry.corrections import mistakes
        from emiss.reco.detector.misfits import misfits

        self.conditions.check(runs, self.needs(tier))
        problems = Problems()
        for run in runs if tier == "raw" else ():
            conditions = self.conditions.for_run(run)
            for wrong in (*misfits(self.detector, conditions), *mistakes(self.detector, conditions)):
                problems.add(wrong)
        problems.check()

    def columns(self, file: RunFile | None = None) -> dict[str, Column]:
        """Return the columns of this detector's event tables, with the truth of a simulated file."""
        return columns_of(self.detector) | (dict(file.truth) if file is not None else {})

    def floors(self, run: int) -> Mapping[str, Array]:
        """Return the amplitudes that strips of a run must be above to be used, by wire of each plane."""
        from emiss.reco.tracking.strips import floors

        return floors(self.detector, self.conditions.for_run(run))

    def tables(self, file: RunFile, start: int, stop: int | None, size: int) -> Iterator[EventTable]:
        """Yield the event table of each batch of the entries start to stop of a file."""
        for batch in file.batches(start, stop, size, self.floors):
            yield self.run(batch, file.truth)

    def run(self, batch: Batch, truth: Mapping[str, Column] | None = None) -> EventTable:
        """Reconstruct a batch.

        Parameters
        ----------
        batch : Batch
        truth : mapping, optional
            Declarations of the truth columns; undeclared ones are pure numbers.

        Returns
        -------
        EventTable
            With the batch's ledger and the declarations of all columns.
        """
        tier = "raw" if batch.cells is None else "hits"
        stages = self._stages[tier]
        if self._begun[tier] != batch.run and len(batch):
            conditions = self.conditions.for_run(batch.run)
            self._begun = {"raw": None, "hits": None}  # should a constant be missing, no stage is of any run
            for stage in stages:
                stage.begin_run(conditions)
            self._begun[tier] = batch.run
        products: dict[str, Any] = {}
        if len(batch):
            for stage in stages:
                products |= _complete(stage, stage(batch, products))
        return self._table(batch, products, truth or {})

    def _table(self, batch: Batch, products: Mapping[str, Any], truth: Mapping[str, Column]) -> EventTable:
        size = len(batch)
        columns = _reconstructed(self.detector)
        asked = self._asked
        if asked is not None:
            columns = {name: column for name, column in columns.items() if name in asked}
        flat: dict[str, Any] = {}
        lists: dict[str, Any] = {}
        for name, column in columns.items():
            collection = split(name)[0]
            if column.shape == "list":
                if collection not in lists:
                    types = {
                        split(n)[1]: c.type
                        for n, c in columns.items()
                        if c.shape == "list" and split(n)[0] == collection
                    }
                    lists[collection] = _collection(products.get(collection), collection, types, size)
            elif name in HEADER:
                flat[name] = batch.header[HEADER[name]].astype(column.type)
            elif name == "event.type":
                flat[name] = np.left_shift(np.uint32(1), batch.header["type"].astype(np.uint32))
            elif name == "event.file":
                flat[name] = np.zeros(size, np.int32)
            else:
                shape = (size, column.size) if column.shape == "fixed" else (size,)
                flat[name] = np.asarray(products[name] if size else np.zeros(shape), column.type)
                if flat[name].shape != shape:
                    msg = f"{name} is of shape {flat[name].shape}, declared with {shape}"
                    raise ValueError(msg)
        if asked is None:
            derived = self.detector.quantities
            more_flat, more_lists = derived.of(EventTable(size, flat, lists))
            flat |= more_flat
            lists |= more_lists
            columns |= derived.columns
        for name, values in batch.truth.items():
            full = f"truth.{name}"
            if asked is not None and full not in asked:
                continue
            columns[full] = truth.get(full, Column(full, values.dtype.str[1:]))
            flat[full] = values
        ledger = batch.ledger
        if remarks := products.get("remarks"):
            ledger = ledger + Ledger(remarks=remarks)
        return EventTable(size, flat, lists, Metadata(columns=columns, ledger=ledger))


def columns_of(detector: Detector) -> dict[str, Column]:
    """Return the columns of this detector's event tables: of every event, of its parts, of plug-ins, and those derived."""
    return dict(detector.table_columns)


def stages_of(detector: Detector, asked: Collection[str] | None = None) -> dict[str, list[Stage]]:
    """Return the stages for raw and for simulated batches, those of plug-ins last; of some columns, what these need.

    Raises
    ------
    UserError
        If a plug-in uses what no stage before it makes.
    ValueError
        If a stage of emiss does not fit the others.
    """
    from emiss.reco.calorimetry.corrections import CorrectionStage
    from emiss.reco.calorimetry.sums import CalorimeterStage
    from emiss.reco.calorimetry.waveform import HitStage, WaveformStage
    from emiss.reco.tracking.clusters import clustering
    from emiss.reco.tracking.stage import TrackStage

    sums, others = CalorimeterStage(detector, asked), detector.plug_in_stages()
    cells: dict[str, list[Stage]] = {
        "raw": [WaveformStage(detector), CorrectionStage(detector)],
        "hits": [HitStage(detector)],
    }
    stages: dict[str, list[Stage]] = {
        tier: [*first, *clustering(detector, tier), sums, TrackStage(detector, tier=tier), *others]
        for tier, first in cells.items()
    }
    if asked is not None:
        return {tier: _needed(several, _reconstructed(detector), asked) for tier, several in stages.items()}
    for several in stages.values():
        check_stages(several, _reconstructed(detector))
    return stages


def _needed(stages: Sequence[Stage], columns: Mapping[str, Column], asked: Collection[str]) -> list[Stage]:
    """Return the stages that some columns need."""
    wanted = {
        column.collection if column.shape == "list" else name for name, column in columns.items() if name in asked
    }
    found: list[Stage] = []
    for stage in reversed(stages):
        if wanted & set(stage.produces):
            found.insert(0, stage)
            wanted |= set(stage.uses)
    return found


def _reconstructed(detector: Detector) -> dict[str, Column]:
    """Return the columns that stages make."""
    derived = detector.quantities.columns
    return {name: column for name, column in detector.table_columns.items() if name not in derived}


def check_constants(file: RunFile, pipeline: Pipeline) -> None:
    """Raise a UserError for all that is wrong with the constants of the runs of a file, with the place of these runs."""
    problems = Problems()
    index = file.index()
    for run in index.runs():
        try:
            pipeline.check([run], file.tier)
        except UserError as error:
            said = f"the constants of run {run} ({where(index, run)}) are not complete, or not possible"
            problems.add(UserError(said, at=Location(str(file.path))))
            problems.add(error)
    problems.check()


def _collection(lists: Lists | None, name: str, types: Mapping[str, str], size: int) -> Lists:
    if not size:
        return Lists.empty(0, types)
    if lists is None or len(lists.offsets) != size + 1:
        msg = f"the lists of '{name}' are not those of {size} events"
        raise ValueError(msg)
    return Lists(lists.offsets, {field: lists[field].astype(type_, copy=False) for field, type_ in types.items()})


def check_stages(stages: Sequence[Stage], columns: Mapping[str, Column]) -> None:
    """Check what stages declare: nothing is used before it is made, and every column of the table is made.

    Raises
    ------
    ValueError
        If a stage uses what none before it produces, produces a column that is not declared, or a column has no stage.
    """
    made: set[str] = set()
    for stage in stages:
        missing = set(stage.uses) - made
        if missing and isinstance(stage, PlugInStage):
            raise UserError(
                f"the {stage.plug_in} uses '{min(missing)}', which no stage before it makes",
                hint=did_you_mean(min(missing), made),
            )
        if missing:
            msg = f"{type(stage).__name__} uses {sorted(missing)}, which no stage before it produces"
            raise ValueError(msg)
        unknown = {name for name in stage.produces if "." in name} - set(columns)
        if unknown:
            msg = f"{type(stage).__name__} produces {sorted(unknown)}, which are no columns of the table"
            raise ValueError(msg)
        made |= set(stage.produces)
    own = {*HEADER, "event.type", "event.file"}
    lacking = {c.collection if c.shape == "list" else name for name, c in columns.items() if name not in own} - made
    if lacking:
        msg = f"no stage produces {sorted(lacking)}"
        raise ValueError(msg)


def _complete(stage: Stage, products: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a stage made after a look whether it is what the stage declares."""
    if set(products) != set(stage.produces):
        odd = sorted(set(products) ^ set(stage.produces))
        msg = f"{type(stage).__name__} declares other products than it makes: {odd}"
        raise ValueError(msg)
    return products
