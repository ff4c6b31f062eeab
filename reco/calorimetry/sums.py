"""Cells to the calorimeter columns of the event table: ECAL, VETO, HCAL, SRD and beam counters.

All sums are over cells above the part's threshold and inside the time window. A sum over nothing is 0; a time, a
position or a profile of nothing is NaN, which the selection takes as undefined. So is all that is made of channels whose data
are missing or not whole: what they saw is not known. The list `ecal_cells` holds the cells that were read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.events.columns import QUALITY_BITS
from emiss.events.lists import Lists

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Array, Bools
    from emiss.events.batch import Batch
    from emiss.reco.detector.model import Detector

PROFILE_SIGMA = (0.08, 0.06, 0.03)
"""Spread of the shares of centre, ring and rest of an electron shower around their means (illustrative)."""


class CalorimeterStage:
    """``cells`` to the columns of ECAL, VETO, HCAL, SRD and counters, and to `event.quality`."""

    uses: tuple[str, ...] = ("cells", "quality")
    produces: tuple[str, ...] = (
        *("ecal.energy", "ecal.preshower", "ecal.x", "ecal.y", "ecal.time", "ecal.profile_chi2", "ecal.pileup"),
        "ecal_cells",
        *("veto.energy", "hcal.energy", "hcal.mip", "hcal.time", "hcal.centre_fraction"),
        *("srd.energy", "srd.time", "s.energy", "s.time", "event.quality"),
    )

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self._threshold = np.zeros(len(detector.channels))
        # each channel adds to one slot: a counter, an SRD module, a photomultiplier, the centre or the rest of a module ...
        self._slot = np.zeros(len(detector.channels), np.int64)
        self._kinds: dict[str, slice] = {}
        self._modules = list(detector.hcal.modules)
        self._mip = np.ones(len(self._modules))
        numbers, ecal, hcal, veto, srd = detector.numbers, detector.ecal, detector.hcal, detector.veto, detector.srd
        self._add("counter", [(numbers(name), counter.threshold) for name, counter in detector.counters.items()])
        self._add("srd", [(numbers(name), srd.threshold) for name in srd.modules])
        self._add("veto", [(numbers(name), veto.threshold) for pair in veto.panels for name in pair])
        central = (detector.channel_x == hcal.columns // 2) & (detector.channel_y == hcal.rows // 2)
        modules = [numbers(name) for name in self._modules]
        self._add("hcal_centre", [(module[central[module]], hcal.threshold) for module in modules])
        self._add("hcal_rest", [(module[~central[module]], hcal.threshold) for module in modules])
        first, main = numbers(ecal.preshower), numbers(ecal.main)
        self._add("preshower", [(first, ecal.threshold)])
        dx = np.abs(detector.channel_x[main] - ecal.beam_cell[0])
        dy = np.abs(detector.channel_y[main] - ecal.beam_cell[1])
        ring = np.minimum(np.maximum(dx, dy), 2)  # the beam cell, the eight around it, the others
        self._add("main", [(main[ring == number], ecal.threshold) for number in range(3)])
        self._layer = np.full(len(detector.channels), -1, np.int32)
        self._layer[first], self._layer[main] = 0, 1
        # of the main part; 0 elsewhere, so that the other cells add nothing to the centre of gravity
        self._x, self._y = np.zeros(len(detector.channels)), np.zeros(len(detector.channels))
        self._x[main], self._y[main] = ecal.centre(detector.channel_x[main], detector.channel_y[main])

    def _add(self, kind: str, slots: list[tuple[Array, float]]) -> None:
        """Give the next slots to the channels of a kind."""
        begin = max((taken.stop for taken in self._kinds.values()), default=0)
        for position, (numbers, threshold) in enumerate(slots):
            self._slot[numbers] = begin + position
            self._threshold[numbers] = threshold
        self._kinds[kind] = slice(begin, begin + len(slots))

    @property
    def needs(self) -> Mapping[str, Sequence[str]]:
        """The conditions used: the MIP scale of the HCAL modules."""
        return {"hcal.mip": self._modules}

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the constants of a run."""
        self._mip = conditions.get("hcal.mip", self._modules)["scale"]

    def __call__(self, batch: Batch, products: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the columns of a batch."""
        size, slots = len(batch), max(taken.stop for taken in self._kinds.values())
        cells: Lists = products["cells"]
        channel, time, event, deposit = cells["channel"], cells["time"], cells.parents, cells["energy"]
        above = deposit > self._threshold[channel]
        low, high = self.detector.waveform.window
        reference = channel == self.detector.channel_number[f"{self.detector.reference}.0.0"]
        in_time = reference | ((time >= low) & (time <= high))
        used, late = above & in_time, above & ~in_time
        in_ecal = self._layer[channel] >= 0
        chosen = np.flatnonzero(used)  # a mask would be gone through again for each column
        number = channel[chosen]
        count = _Counted(event[chosen] * slots + self._slot[number], deposit[chosen], (size, slots))
        energy, moment = count.sum(), count.sum(time[chosen])
        piled = np.flatnonzero(late & in_ecal)
        lacking = self._lacking(batch, slots)
        energy[lacking], moment[lacking] = np.nan, np.nan
        part = {kind: energy[:, taken] for kind, taken in self._kinds.items()}
        moments = {kind: moment[:, taken] for kind, taken in self._kinds.items()}
        main = part["main"].sum(axis=1)
        whole = main + part["preshower"][:, 0]
        hcal = part["hcal_centre"] + part["hcal_rest"]
        return {
            "ecal.energy": whole,
            "ecal.preshower": part["preshower"][:, 0].copy(),
            "ecal.x": _ratio(count.sum(self._x[number]).sum(axis=1), main),
            "ecal.y": _ratio(count.sum(self._y[number]).sum(axis=1), main),
            "ecal.time": _ratio(moments["main"].sum(axis=1) + moments["preshower"][:, 0], whole),
            "ecal.profile_chi2": self._profile(part["main"], main),
            "ecal.pileup": np.where(np.isnan(whole), np.nan, _sums(event[piled], deposit[piled], size)),
            "ecal_cells": self._ecal_cells(cells, used & in_ecal),
            "veto.energy": self._veto(part["veto"]),
            "hcal.energy": hcal,
            "hcal.mip": hcal / self._mip,
            "hcal.time": _ratio(moments["hcal_centre"] + moments["hcal_rest"], hcal),
            "hcal.centre_fraction": np.divide(
                part["hcal_centre"], hcal, out=np.where(np.isnan(hcal), np.nan, 0.0), where=hcal > 0
            ),
            "srd.energy": part["srd"].copy(),
            "srd.time": _ratio(moments["srd"], part["srd"]),
            "s.energy": part["counter"].copy(),
            "s.time": _ratio(moments["counter"], part["counter"]),
            "event.quality": self._quality(batch, products["quality"], cells, event, above, late),
        }

    def _lacking(self, batch: Batch, slots: int) -> Bools:
        """Return in which slots the data of a channel are missing, bool of shape (events, slots)."""
        lacking = np.zeros((len(batch), slots), bool)
        if batch.lacking_channels is not None:
            event, channel = np.nonzero(batch.lacking_channels)
            lacking[event, self._slot[channel]] = True
        return lacking

    def _profile(self, rings: Array, total: Array) -> Array:
        """Return the mean squared distance, in sigma, of three energy shares to those of an electron on the beam cell.

        The shares are of the beam cell, of the eight around it, and of the rest: `cell_share`, `block_share` less it,
        and 1 less `block_share` (NA64's public analysis code; the spreads are illustrative).
        """
        ecal = self.detector.ecal
        expected = np.array([ecal.cell_share, ecal.block_share - ecal.cell_share, 1.0 - ecal.block_share])
        shares = _ratio(rings, np.repeat(total[:, None], len(expected), axis=1))
        distance: Array = np.square((shares - expected) / PROFILE_SIGMA).mean(axis=1)
        return distance

    def _ecal_cells(self, cells: Lists, mask: Bools) -> Lists:
        """Return the rows of the mask, with what the table has of them."""
        kept = np.zeros(len(mask) + 1, np.int64)
        np.cumsum(mask, out=kept[1:])
        rows = np.flatnonzero(mask)
        number = cells["channel"][rows]
        return Lists(
            kept[cells.offsets],
            {
                "energy": cells["energy"][rows],
                "time": cells["time"][rows],
                "ix": self.detector.channel_x[number],
                "iy": self.detector.channel_y[number],
                "layer": self._layer[number],
            },
        )

    def _veto(self, photomultipliers: Array) -> Array:
        """Return the energy of each panel: geometric mean of the two sides, or the larger where they differ too much.

        NA64's public analysis code: the larger counts alone when the other is below `ratio` of it.
        """
        veto = self.detector.veto
        sides = photomultipliers.reshape(-1, len(veto.panels), 2)
        smaller, larger = np.minimum(*sides.T).T, np.maximum(*sides.T).T  # ten times as fast as along an axis of two
        panels: Array = np.where(smaller < veto.ratio * larger, larger, np.sqrt(smaller * larger))
        return panels

    @staticmethod
    def _quality(batch: Batch, found: Array, cells: Lists, event: Array, above: Array, late: Array) -> Array:
        """Return the bits of the reader, of the stage before, and of all cells above threshold.

        A pulse outside the window is pile-up, whichever part it is in.
        """
        bits = np.where(above, cells["quality"], np.uint32(0))
        bits[late] |= np.uint32(1 << QUALITY_BITS["pile_up"])
        quality = (found | batch.header["quality"]).astype(np.uint32)
        flagged = np.flatnonzero(bits)
        np.bitwise_or.at(quality, event[flagged], bits[flagged])
        return quality


class _Counted:
    """The cells that count, with the place in the (events, slots) array that each adds to."""

    def __init__(self, place: Array, energy: Array, shape: tuple[int, int]) -> None:
        self.place = place
        self.energy = energy
        self.shape = shape

    def sum(self, weight: Array | float = 1.0) -> Array:
        """Return the sums of energy times weight, shape (events, slots)."""
        return _sums(self.place, self.energy * weight, self.shape[0] * self.shape[1]).reshape(self.shape)


def _sums(index: Array, values: Array, size: int) -> Array:
    """Return the sums of values by index, floats even where there is none (bincount gives integers then)."""
    return np.bincount(index, values, size).astype(np.float64, copy=False)


def _ratio(above: Array, below: Array) -> Array:
    """Return above / below, NaN (undefined) where below is 0."""
    ratio: Array = np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)
    return ratio
