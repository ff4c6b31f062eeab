"""Corrections of cells that a tag may have: channels that are not good, time walk, drift of gains, place in the spill.

Each is a table of its own that there need not be (`sadc.status`, `sadc.walk`, `sadc.drift`, `sadc.in_spill`); without any,
cells pass as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.calib.steps import AT, steps, subject, together
from emiss.calib.tables import ANY
from emiss.configs.errors import Problems, UserError, did_you_mean
from emiss.events.columns import QUALITY_BITS
from emiss.events.lists import Lists

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from emiss.calib.conditions import RunConditions
    from emiss.calib.steps import Steps
    from emiss.calib.tables import Table
    from emiss.configs.arrays import Array, Bools, Floats, Ints
    from emiss.events.batch import Batch
    from emiss.reco.detector.model import Detector

STATUS, WALK, DRIFT, IN_SPILL = "sadc.status", "sadc.walk", "sadc.drift", "sadc.in_spill"
TYPES = (STATUS, WALK, DRIFT, IN_SPILL)

LIGHT = "sadc.led"
"""What drifts are relative to; no correction itself."""

GOOD, DEAD, HOT = 0, 1, 2
"""Values of `sadc.status`."""

LEFT_OUT = "sadc.not_good"
"""What the remark in the ledger is called that counts the cells of channels that are not good."""


@dataclass(frozen=True)
class Corrections:
    """The corrections of a run, by channel.

    Attributes
    ----------
    status : int array of shape (channels,), or None
    slope, charge : arrays of shape (channels,), or None
        Of the walk: ns, and ADC.
    drift, in_spill : Steps with values of shape (steps, channels), or None
    """

    status: Ints | None
    slope: Floats | None
    charge: Floats | None
    drift: Steps | None
    in_spill: Steps | None

    @classmethod
    def of(cls, detector: Detector, conditions: RunConditions, without: Collection[str] = ()) -> Corrections | None:
        """Return the corrections of a run, None if there are none; types `without` are as if they had no table.

        Raises
        ------
        UserError
            If rows are of no range, overlap or leave something out.
        """
        tables = _tables(conditions, without)
        if not tables:
            return None
        names = detector.channels
        status = slope = charge = None
        if STATUS in tables:
            status = _known(tables[STATUS], "status", names, 0.0).astype(np.int64)
        if WALK in tables:
            slope, charge = (
                _known(tables[WALK], column, names, rest) for column, rest in (("slope", 0.0), ("charge", 1.0))
            )
        return cls(
            status,
            slope,
            charge,
            together(steps(tables.get(DRIFT, ()), "response", by_spill=True), called(detector)),
            together(steps(tables.get(IN_SPILL, ()), "response", by_spill=False), called(detector)),
        )

    def response(self, event: Ints, channel: Ints, header: Mapping[str, Array]) -> Floats | None:
        """Return what cells give over what their gains say, shape (cells,); None where nothing tells.

        Parameters
        ----------
        event, channel : int arrays of shape (cells,)
        header : mapping
            `spill` and `spill_position` of the events.
        """
        made: Floats | None = None
        for found, where in ((self.drift, "spill"), (self.in_spill, "spill_position")):
            if found is not None:
                step = np.maximum(np.searchsorted(found.begins, header[where], side="right") - 1, 0)
                one = found.values[step[event], channel]
                made = one if made is None else made * one
        return made

    def late(self, channel: Ints, charge: Floats) -> Floats | None:
        """Return by how much pulses are late for their charge (ADC), ns, shape (pulses,); None without a walk.

        A pulse that crosses a level later the smaller it is: t = a + b / sqrt(q) (W. Braunschweig et al., Nucl. Instrum.
        Methods 134 (1976) 261), written such that nothing is late at the charge of the table.
        """
        if self.slope is None or self.charge is None:
            return None
        share = self.charge[channel] / np.maximum(charge, 1.0)
        return np.asarray(self.slope[channel] * (np.sqrt(share) - 1.0))


class CorrectionStage:
    """Corrects ``cells`` and the quality bits of events, where the tag has tables for it.

    Energies are divided by the response of the spill and of the place in it, times lose their walk, and cells of channels that
    are not good are left out and counted. The reference is that of its good counters, without their walk.

    Parameters
    ----------
    detector : Detector
    without : collection of str
        Types of tables that are not looked at.
    """

    uses: tuple[str, ...] = ("cells", "quality")
    produces: tuple[str, ...] = ("cells", "quality", "remarks")
    needs: Mapping[str, Sequence[str]] = {}

    def __init__(self, detector: Detector, without: Collection[str] = ()) -> None:
        self.detector = detector
        self._without = without
        self._corrections: Corrections | None = None
        self._gain: Floats = np.ones(0)

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the constants of a run."""
        self._corrections = Corrections.of(self.detector, conditions, self._without)
        if self._corrections is not None:
            self._gain = conditions.get("sadc.gain", self.detector.channels)["gain"]

    def __call__(self, batch: Batch, products: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the cells of a batch, the quality bits of its events, and how many cells were left out."""
        cells: Lists = products["cells"]
        quality: Array = products["quality"]
        if self._corrections is None:
            return {"cells": cells, "quality": quality, "remarks": {}}
        before = len(cells["channel"])
        cells, lacking = self._timed(self._corrections, cells)
        if lacking is not None:
            quality = quality | np.where(lacking, np.uint32(1 << QUALITY_BITS["no_start_time"]), np.uint32(0))
        cells = self._scaled(self._corrections, cells, batch.header)
        if self._corrections.status is not None:
            cells = cells.rows(self._corrections.status[cells["channel"]] == GOOD)
            quality = quality | np.where(cells.counts == 0, np.uint32(1 << QUALITY_BITS["no_pulse"]), np.uint32(0))
        return {"cells": cells, "quality": quality, "remarks": {LEFT_OUT: before - len(cells["channel"])}}

    def _scaled(self, made: Corrections, cells: Lists, header: Mapping[str, Array]) -> Lists:
        response = made.response(cells.parents, cells["channel"], header)
        if response is None:
            return cells
        return Lists(cells.offsets, {**cells.columns, "energy": cells["energy"] / response})

    def _timed(self, made: Corrections, cells: Lists) -> tuple[Lists, Bools | None]:
        """Return cells with times without walk, relative to the good counters of the reference, and which events lack one."""
        channel = cells["channel"]
        late = made.late(channel, cells["energy"] / self._gain[channel])
        if late is None and made.status is None:
            return cells, None
        late = np.zeros(len(channel)) if late is None else late
        event, weight = cells.parents, self.detector.reference[channel]
        # the first cell of a counter is that of the reference, as in `pulses_kernels.collect`
        first = np.ones(len(channel), bool)
        first[1:] = (np.diff(event) != 0) | (np.diff(channel) != 0)
        own = first & (weight > 0.0)
        good = own if made.status is None else own & (made.status[channel] == GOOD)
        size = len(cells)
        old, _ = _mean(event, weight, cells["time"], own, size)
        new, norm = _mean(event, weight, cells["time"] - late, good, size)
        time = cells["time"] - late + np.where(own, 0.0, (old - new)[event])
        return Lists(cells.offsets, {**cells.columns, "time": time}), norm == 0.0


def called(detector: Detector) -> tuple[tuple[str, ...], ...]:
    """Return what rows of drifts may call each channel: itself, its element, its part, all; what says most comes first."""
    part = {channel: name for name, one in detector.read_out.items() for channel in one.channels()}
    return tuple((name, name.partition(".")[0], part[name], ANY) for name in detector.channels)


def mistakes(detector: Detector, conditions: RunConditions) -> Iterator[UserError]:
    """Yield what is wrong with the corrections of a run: channels that the set-up does not have, overlaps, gaps.

    Elements that other constants know belong to another set-up that shares the tag.
    """
    tables = _tables(conditions, of=(*TYPES, LIGHT))
    if not tables:
        return
    others = {row.partition(".")[0] for table in conditions.tables if table.type not in tables for row in table.rows}
    for type_, several in tables.items():
        ranged = type_ in (DRIFT, IN_SPILL)
        known = {name for names in called(detector) for name in (names if ranged else (names[0], ANY))}
        elements = {name.partition(".")[0] for name in known}
        for table in several:
            for row in table.rows:
                name = subject(row) if ranged else row
                element = name.partition(".")[0]
                if name not in known and (AT in row or element in elements or element not in others):
                    hint = did_you_mean(name, sorted(known))
                    yield UserError(
                        f"the set-up {detector.name} has no '{name}' ({type_})", at=table.location(row), hint=hint
                    )
    for type_, by_spill in ((DRIFT, True), (IN_SPILL, False)):
        problems = Problems()
        try:
            steps(tables.get(type_, ()), "response", by_spill=by_spill)
        except UserError as error:
            problems.add(error)
        yield from problems.errors


def _tables(
    conditions: RunConditions, without: Collection[str] = (), of: Collection[str] = TYPES
) -> dict[str, list[Table]]:
    """Return the tables of corrections of a run by type, of each those that override last."""
    found: dict[str, list[Table]] = {}
    for table in conditions.tables:
        if table.type in of and table.type not in without:
            found.setdefault(table.type, []).append(table)
    return found


def _known(tables: Sequence[Table], column: str, names: Sequence[str], rest: float) -> Floats:
    """Return the values of channels, `rest` for those that no row speaks of."""
    made = np.full(len(names), rest)
    for table in tables:
        if column in table.columns:
            place = table.columns.index(column)
            for number, name in enumerate(names):
                row = table.rows.get(name, table.rows.get(ANY))
                if row is not None:
                    made[number] = row[place]
    return made


def _mean(event: Ints, weight: Floats, time: Floats, which: Bools, size: int) -> tuple[Floats, Floats]:
    """Return the mean time of some cells in each event, 0 without any, and the sum of their weights."""
    norm: Floats = np.bincount(event[which], weight[which], size).astype(np.float64)
    total: Floats = np.bincount(event[which], weight[which] * time[which], size).astype(np.float64)
    return np.divide(total, norm, out=np.zeros(size), where=norm > 0.0), norm
