"""Cells to the columns of the parts with read-out: one pass over the cells sums them, each kind of part makes its columns.

All sums are over cells above the part's threshold and inside its time window. A sum over nothing is 0; a time, a
position or a profile of nothing is NaN, which the selection takes as undefined. So is all that is made of channels whose data
are missing or not whole: what they saw is not known. Lists of cells hold those that were read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.events.columns import QUALITY_BITS
from emiss.events.lists import Lists
from emiss.reco.calorimetry.profile import Profiles
from emiss.reco.parts.base import Sums
from emiss.reco.parts.grid import Grid
from emiss.reco.parts.quantities import InSigma

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Array, Bools, Bytes, Floats
    from emiss.events.batch import Batch
    from emiss.reco.detector.model import Detector
    from emiss.reco.parts.base import ReadOut

RESOLUTION = "sadc.resolution"
"""The conditions that windows in sigma are in units of."""


@dataclass(frozen=True)
class _Summed:
    """A part with its places among all sums: slots, elements (for pile-up), channels; and what it makes."""

    part: ReadOut
    slots: slice
    elements: slice
    channels: Array
    made: frozenset[str]


class CalorimeterStage:
    """``cells`` to the columns of all parts with read-out, and to `event.quality`.

    Parameters
    ----------
    detector : Detector
    asked : collection of str, optional
        Full names of the columns that are wanted; all by default.
    """

    uses: tuple[str, ...] = ("cells", "quality")

    def __init__(self, detector: Detector, asked: Collection[str] | None = None) -> None:
        self.detector = detector
        self._asked = asked
        channels = len(detector.channels)
        self._threshold = np.zeros(channels)
        self._window = np.zeros((2, channels))
        self._sigmas = np.zeros(channels)  # of windows that are given so
        # each channel adds to one slot, and out of time to one element
        self._slot = np.zeros(channels, np.int64)
        self._element = np.zeros(channels, np.int64)
        self._x, self._y = np.zeros(channels), np.zeros(channels)
        self._layer = np.full(channels, -1, np.int32)
        self._parts: dict[str, _Summed] = {}
        self._profiles = {
            name: Profiles(detector, name, part)
            for name, part in detector.of_kind(Grid).items()
            if part.library is not None
        }
        self._size = (0, 0)
        for name, part in detector.read_out.items():
            self._add(name, part)
        self._constants: Mapping[str, Mapping[str, Array]] = {}
        self.needs: Mapping[str, Sequence[str]] = {
            type_: names for name, part in detector.read_out.items() for type_, names in part.needs(name).items()
        }
        if len(self._in_sigma):
            self.needs = {**self.needs, RESOLUTION: [detector.channels[number] for number in self._in_sigma]}
        made = dict.fromkeys(
            column.collection if column.shape == "list" else column.name
            for name in detector.read_out
            for column in detector.declared(name)
            if asked is None or column.name in asked
        )
        self.produces: tuple[str, ...] = (*made, "event.quality")
        self._wanted = frozenset(made)

    @property
    def _in_sigma(self) -> Array:
        """The channels with a window in sigma."""
        return np.flatnonzero(self._sigmas)

    def _add(self, name: str, part: ReadOut) -> None:
        """Give the next slots and elements to the channels of a part."""
        slots, elements = self._size
        groups = part.slots()
        for position, group in enumerate(groups):
            of_group = [self.detector.channel_number[channel] for channel in group.channels]
            self._slot[of_group] = slots + position
            self._element[of_group] = elements + group.pile_up
        channels = self.detector.part_numbers(name)
        columns, rows = self.detector.channel_x[channels], self.detector.channel_y[channels]
        self._threshold[channels] = part.threshold
        window = part.window or self.detector.time.window
        if isinstance(window, InSigma):
            self._sigmas[channels] = window.number
        else:
            self._window[:, channels] = np.array(window)[:, None]
        self._x[channels], self._y[channels] = part.position(columns, rows)
        if isinstance(part, Grid):
            for layer, key in enumerate(part.layers):
                self._layer[self.detector.numbers(key)] = layer
        count = 1 + max(group.pile_up for group in groups)
        own = slice(slots, slots + len(groups)), slice(elements, elements + count)
        made = (column.collection if column.shape == "list" else column.name for column in self.detector.declared(name))
        self._parts[name] = _Summed(part, *own, channels, frozenset(made))
        self._size = (slots + len(groups), elements + count)

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the constants of a run."""
        self._constants = {type_: conditions.get(type_, names) for type_, names in self.needs.items()}
        if len(channels := self._in_sigma):
            half = self._sigmas[channels] * self._constants[RESOLUTION]["sigma"]
            self._window[:, channels] = -half, half

    def __call__(self, batch: Batch, products: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the columns of a batch."""
        cells: Lists = products["cells"]
        sums, outside, quality, kind = self._summed(batch, products)
        self._lack(batch, sums, outside)
        made: dict[str, Any] = {"event.quality": quality}
        for name, one in self._parts.items():
            if self._asked is not None and not one.made & self._wanted:
                continue
            energy, moment, x, y = sums[:, :, one.slots]
            late = outside[:, one.elements].copy()
            own = Sums(energy, moment, x, y, late, self._constants, self._asked)
            found = one.part.reduce(name, own)
            if name in self._profiles:
                found |= self._profiled(name, cells, kind, one.part.energies(name, energy)[f"{name}.energy"])
            if f"{name}.pulse_chi2" in self._wanted and name in self.detector.templated:
                found[f"{name}.pulse_chi2"] = _worst(cells, _used(kind), self._of(one.channels))
            if isinstance(one.part, Grid) and f"{name}_cells" in self._wanted:
                found[f"{name}_cells"] = self._cells(cells, _used(kind), one.channels)
            made |= {key: values for key, values in found.items() if key in self._wanted}
        return made

    def used(self, batch: Batch, products: Mapping[str, Any]) -> Bools:
        """Return which cells of a batch are in the sums: above the threshold of their part and inside its window."""
        return _used(self.kinds(batch, products))

    def kinds(self, batch: Batch, products: Mapping[str, Any]) -> Bytes:
        """Return what each cell of a batch counts as, as `sums_kernels.add` tells it."""
        return self._summed(batch, products)[-1]

    def _summed(self, batch: Batch, products: Mapping[str, Any]) -> tuple[Floats, Floats, Array, Bytes]:
        """Return all sums, energies out of time, the quality of the events, and what each cell counted as."""
        from emiss.reco.calorimetry import sums_kernels as kernels

        size, (slots, elements) = len(batch), self._size
        cells: Lists = products["cells"]
        sums, outside = np.zeros((4, size, slots)), np.zeros((size, elements))
        quality = (products["quality"] | batch.header["quality"]).astype(np.uint32)
        kind = np.empty(len(cells["channel"]), np.uint8)
        kernels.add(
            cells.offsets,
            cells["channel"],
            cells["energy"],
            cells["time"],
            cells["quality"],
            self._threshold,
            *self._window,
            self._slot,
            self._element,
            self._x,
            self._y,
            self.detector.reference > 0,
            np.uint32(1 << QUALITY_BITS["pile_up"]),
            sums,
            outside,
            quality,
            kind,
        )
        return sums, outside, quality, kind

    def _profiled(self, name: str, cells: Lists, kind: Bytes, energy: Floats) -> dict[str, Any]:
        """Return what a part with a library of profiles makes of its cells."""
        profiles = self._profiles[name]
        return profiles.columns(profiles.find(cells, kind), energy, self._constants[f"{name}.profile"])

    def _lack(self, batch: Batch, sums: Floats, outside: Floats) -> None:
        """Make undefined what is made of channels whose data are missing."""
        if batch.lacking_channels is not None:
            event, channel = np.nonzero(batch.lacking_channels)
            sums[:, event, self._slot[channel]] = np.nan
            outside[event, self._element[channel]] = np.nan

    def _cells(self, cells: Lists, used: Bools, channels: Array) -> Lists:
        """Return the cells of a part that were used, with what the table has of them."""
        mask = used & self._of(channels)[cells["channel"]]
        kept = np.zeros(len(mask) + 1, np.int64)
        np.cumsum(mask, out=kept[1:])
        rows = np.flatnonzero(mask)
        number = cells["channel"][rows]
        columns = {
            "energy": cells["energy"][rows],
            "time": cells["time"][rows],
            "ix": self.detector.channel_x[number],
            "iy": self.detector.channel_y[number],
            "layer": self._layer[number],
        }
        if self.detector.templated:
            columns["chi2"] = _chi2(cells)[rows]
        return Lists(kept[cells.offsets], columns)

    def _of(self, channels: Array) -> Bools:
        """Return which channels are some of them."""
        own = np.zeros(len(self.detector.channels), bool)
        own[channels] = True
        return own


def _chi2(cells: Lists) -> Floats:
    """Return chi2 of cells per degree of freedom; NaN for hits, which are no waveforms."""
    made: Floats = cells.columns.get("chi2", np.full(len(cells["channel"]), np.nan))
    return made


def _worst(cells: Lists, used: Bools, own: Bools) -> Floats:
    """Return the largest chi2 per degree of freedom of the cells that are used and `own`, by event; NaN without any."""
    chi2 = _chi2(cells)
    rows = np.flatnonzero(used & own[cells["channel"]] & np.isfinite(chi2))
    worst = np.full(len(cells), -1.0)
    np.maximum.at(worst, cells.parents[rows], chi2[rows])
    return np.where(worst < 0.0, np.nan, worst)


def _used(kind: Bytes) -> Bools:
    from emiss.reco.calorimetry import sums_kernels as kernels

    used: Bools = kind == kernels.USED
    return used


def cells_of(batch: Batch, detector: Detector, conditions: RunConditions) -> Lists:
    """Return the cells of a batch: channel, energy (GeV), time (ns), quality, and whether they are `used` in the sums."""
    from emiss.reco.calorimetry.corrections import CorrectionStage
    from emiss.reco.calorimetry.waveform import HitStage, WaveformStage

    raw: list[WaveformStage | CorrectionStage] = [WaveformStage(detector), CorrectionStage(detector)]
    stage = CalorimeterStage(detector)
    products: dict[str, Any] = {}
    for one in raw if batch.cells is None else [HitStage(detector)]:
        one.begin_run(conditions)
        products |= one(batch, products)
    stage.begin_run(conditions)
    cells: Lists = products["cells"]
    return Lists(cells.offsets, {**cells.columns, "used": stage.used(batch, products)})
