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
from emiss.reco.parts.base import Sums
from emiss.reco.parts.grid import Grid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Array, Bools, Floats
    from emiss.events.batch import Batch
    from emiss.reco.detector.model import Detector
    from emiss.reco.parts.base import ReadOut


@dataclass(frozen=True)
class _Summed:
    """A part with its places among all sums: slots, elements (for pile-up), channels."""

    part: ReadOut
    slots: slice
    elements: slice
    channels: Array


class CalorimeterStage:
    """``cells`` to the columns of all parts with read-out, and to `event.quality`."""

    uses: tuple[str, ...] = ("cells", "quality")

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        channels = len(detector.channels)
        self._threshold = np.zeros(channels)
        self._window = np.zeros((2, channels))
        # each channel adds to one slot, and out of time to one element
        self._slot = np.zeros(channels, np.int64)
        self._element = np.zeros(channels, np.int64)
        self._x, self._y = np.zeros(channels), np.zeros(channels)
        self._layer = np.full(channels, -1, np.int32)
        self._parts: dict[str, _Summed] = {}
        self._size = (0, 0)
        for name, part in detector.read_out.items():
            self._add(name, part)
        self._constants: Mapping[str, Mapping[str, Array]] = {}
        self.needs: Mapping[str, Sequence[str]] = {
            type_: names for name, part in detector.read_out.items() for type_, names in part.needs(name).items()
        }
        made = dict.fromkeys(
            column.collection if column.shape == "list" else column.name
            for name, part in detector.read_out.items()
            for column in part.declare(name)
        )
        self.produces: tuple[str, ...] = (*made, "event.quality")

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
        low, high = part.window or self.detector.time.window
        self._window[0, channels], self._window[1, channels] = low, high
        self._x[channels], self._y[channels] = part.position(columns, rows)
        if isinstance(part, Grid):
            for layer, key in enumerate(part.layers):
                self._layer[self.detector.numbers(key)] = layer
        count = 1 + max(group.pile_up for group in groups)
        own = slice(slots, slots + len(groups)), slice(elements, elements + count)
        self._parts[name] = _Summed(part, *own, channels)
        self._size = (slots + len(groups), elements + count)

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the constants of a run."""
        self._constants = {type_: conditions.get(type_, names) for type_, names in self.needs.items()}

    def __call__(self, batch: Batch, products: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the columns of a batch."""
        size, (slots, elements) = len(batch), self._size
        cells: Lists = products["cells"]
        channel, time, event = cells["channel"], cells["time"], cells.parents
        above = cells["energy"] > self._threshold[channel]
        in_time = (time >= self._window[0, channel]) & (time <= self._window[1, channel])
        in_time |= channel == self.detector.reference
        used, late = above & in_time, above & ~in_time
        count = _Counted(event[used] * slots + self._slot[channel[used]], cells["energy"][used], (size, slots))
        energy, moment = count.sum(), count.sum(time[used])
        x, y = count.sum(self._x[channel[used]]), count.sum(self._y[channel[used]])
        outside = _Counted(
            event[late] * elements + self._element[channel[late]], cells["energy"][late], (size, elements)
        )
        pile_up = outside.sum()
        self._lack(batch, (energy, moment, x, y), pile_up)
        made: dict[str, Any] = {}
        for name, one in self._parts.items():
            own = Sums(
                energy=energy[:, one.slots],
                moment=moment[:, one.slots],
                x=x[:, one.slots],
                y=y[:, one.slots],
                late=pile_up[:, one.elements],
                constants=self._constants,
            )
            made |= one.part.reduce(name, own)
            if isinstance(one.part, Grid):
                made[f"{name}_cells"] = self._cells(cells.rows(used & np.isin(channel, one.channels)))
        made["event.quality"] = self._quality(batch, products["quality"], cells, above, late)
        return made

    def _lack(self, batch: Batch, sums: Sequence[Floats], pile_up: Floats) -> None:
        """Make undefined what is made of channels whose data are missing."""
        if batch.lacking_channels is not None:
            event, channel = np.nonzero(batch.lacking_channels)
            for values in sums:
                values[event, self._slot[channel]] = np.nan
            pile_up[event, self._element[channel]] = np.nan

    def _cells(self, rows: Lists) -> Lists:
        number = rows["channel"]
        return Lists(
            rows.offsets,
            {
                "energy": rows["energy"],
                "time": rows["time"],
                "ix": self.detector.channel_x[number],
                "iy": self.detector.channel_y[number],
                "layer": self._layer[number],
            },
        )

    @staticmethod
    def _quality(batch: Batch, found: Array, cells: Lists, above: Bools, late: Bools) -> Array:
        """Return the bits of the reader, of the stage before, and of all cells above threshold.

        A pulse outside the window is pile-up, whichever part it is in.
        """
        bits = np.where(above, cells["quality"], np.uint32(0))
        bits[late] |= np.uint32(1 << QUALITY_BITS["pile_up"])
        quality = (found | batch.header["quality"]).astype(np.uint32)
        flagged = np.flatnonzero(bits)
        np.bitwise_or.at(quality, cells.parents[flagged], bits[flagged])
        return quality


class _Counted:
    """The cells that count, with the place in the (events, places) array that each adds to."""

    def __init__(self, place: Array, energy: Array, shape: tuple[int, int]) -> None:
        self.place = place
        self.energy = energy
        self.shape = shape

    def sum(self, weight: Array | float = 1.0) -> Floats:
        """Return the sums of energy times weight, floats even where there is none (bincount gives integers then)."""
        sums = np.bincount(self.place, self.energy * weight, self.shape[0] * self.shape[1]).astype(np.float64)
        return sums.reshape(self.shape)
