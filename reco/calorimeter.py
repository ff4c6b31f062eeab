"""Cells to the calorimeter columns of the event table: ECAL, VETO, HCAL, SRD and beam counters.

All sums are over cells above the part's threshold and inside the time window. A sum over nothing is 0; a time, a
position or a profile of nothing is NaN, which the selection takes as undefined.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from events.columns import QUALITY_BITS
from events.lists import Lists

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from calib.conditions import RunConditions
    from events.batch import Batch
    from events.lists import Array
    from reco.detector import Detector

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
        channels = len(detector.channels)
        self._threshold = np.zeros(channels)
        self._hcal = list(detector.hcal.modules)
        # group[kind][channel]: position in the kind's fixed array, -1 where the channel is of another kind
        self._group = {kind: np.full(channels, -1, np.int64) for kind in ("counter", "srd", "veto", "hcal")}
        for position, (name, counter) in enumerate(detector.counters.items()):
            self._assign("counter", name, position, counter.threshold)
        for position, name in enumerate(detector.srd.modules):
            self._assign("srd", name, position, detector.srd.threshold)
        for panel, pair in enumerate(detector.veto.panels):
            for side, name in enumerate(pair):
                self._assign("veto", name, 2 * panel + side, detector.veto.threshold)
        for position, name in enumerate(self._hcal):
            self._assign("hcal", name, position, detector.hcal.threshold)
        self._layer = np.full(channels, -1, np.int32)
        for layer, name in enumerate((detector.ecal.preshower, detector.ecal.main)):
            self._layer[detector.numbers(name)] = layer
            self._threshold[detector.numbers(name)] = detector.ecal.threshold
        middle = (detector.hcal.columns // 2, detector.hcal.rows // 2)
        self._central = (detector.channel_x == middle[0]) & (detector.channel_y == middle[1])
        self._mip = np.ones(len(self._hcal))

    def _assign(self, kind: str, part: str, position: int, threshold: float) -> None:
        numbers = self.detector.numbers(part)
        self._group[kind][numbers] = position
        self._threshold[numbers] = threshold

    @property
    def needs(self) -> Mapping[str, Sequence[str]]:
        """The conditions used: the MIP scale of the HCAL modules."""
        return {"hcal.mip": self._hcal}

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the constants of a run."""
        self._mip = conditions.get("hcal.mip", self._hcal)["scale"]

    def __call__(self, batch: Batch, products: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the columns of a batch."""
        size = len(batch)
        cells: Lists = products["cells"]
        channel = cells["channel"].astype(np.int64)
        above = cells["energy"] > self._threshold[channel]
        low, high = self.detector.waveform.window
        reference = channel == self.detector.channel_number[f"{self.detector.reference}.0.0"]
        in_time = reference | ((cells["time"] >= low) & (cells["time"] <= high))
        used = above & in_time
        event = cells.parents
        quality = products["quality"] | batch.header["quality"]
        late = above & ~in_time & (self._layer[channel] >= 0)
        flagged = cells["quality"].copy()
        flagged[late] |= np.uint32(1 << QUALITY_BITS["pile_up"])
        np.bitwise_or.at(quality, event[above], flagged[above])
        picked = _Cells(size, event[used], channel[used], cells["energy"][used], cells["time"][used])
        return {
            **self._ecal(picked),
            "ecal.pileup": _sums(event[late], cells["energy"][late], size),
            "ecal_cells": self._ecal_cells(cells.rows(used)),
            **self._veto(picked),
            **self._hcal_modules(picked),
            **self._fixed(picked, "srd", "srd", len(self.detector.srd.modules)),
            **self._fixed(picked, "counter", "s", len(self.detector.counters)),
            "event.quality": quality.astype(np.uint32),
        }

    def _ecal(self, cells: _Cells) -> dict[str, Array]:
        """Return sums, centre of gravity (main part), time and lateral profile of the ECAL."""
        detector = self.detector
        ecal = cells.where(self._layer[cells.channel] >= 0)
        main = cells.where(self._layer[cells.channel] == 1)
        energy, total = ecal.sum(ecal.energy), main.sum(main.energy)
        x, y = detector.ecal.centre(detector.channel_x[main.channel], detector.channel_y[main.channel])
        return {
            "ecal.energy": energy,
            "ecal.preshower": energy - total,
            "ecal.x": _ratio(main.sum(main.energy * x), total),
            "ecal.y": _ratio(main.sum(main.energy * y), total),
            "ecal.time": _ratio(ecal.sum(ecal.energy * ecal.time), energy),
            "ecal.profile_chi2": self._profile(main, total),
        }

    def _profile(self, main: _Cells, total: Array) -> Array:
        """Return the mean squared distance, in sigma, of three energy shares to those of an electron on the beam cell.

        The shares are of the beam cell, of the eight around it, and of the rest: `cell_share`, `block_share` less it,
        and 1 less `block_share` (NA64's public analysis code; the spreads are illustrative).
        """
        ecal = self.detector.ecal
        dx = np.abs(self.detector.channel_x[main.channel] - ecal.beam_cell[0])
        dy = np.abs(self.detector.channel_y[main.channel] - ecal.beam_cell[1])
        distance = np.maximum(dx, dy)
        expected = (ecal.cell_share, ecal.block_share - ecal.cell_share, 1.0 - ecal.block_share)
        inside = [distance == 0, distance == 1, distance > 1]
        chi2 = np.zeros(main.size)
        for mask, mean, sigma in zip(inside, expected, PROFILE_SIGMA, strict=True):
            share = _ratio(_sums(main.event[mask], main.energy[mask], main.size), total)
            chi2 += ((share - mean) / sigma) ** 2 / len(expected)
        return chi2

    def _ecal_cells(self, cells: Lists) -> Lists:
        rows = cells.rows(self._layer[cells["channel"]] >= 0)
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

    def _veto(self, cells: _Cells) -> dict[str, Array]:
        """Return the energy of each panel: geometric mean of the two sides, or the larger where they differ too much.

        NA64's public analysis code: the larger counts alone when the other is below `ratio` of it.
        """
        panels = len(self.detector.veto.panels)
        sides = cells.fixed(self._group["veto"], 2 * panels, cells.energy).reshape(cells.size, panels, 2)
        smaller, larger = sides.min(axis=2), sides.max(axis=2)
        both = np.sqrt(smaller * larger)
        return {"veto.energy": np.where(smaller < self.detector.veto.ratio * larger, larger, both)}

    def _hcal_modules(self, cells: _Cells) -> dict[str, Array]:
        group, modules = self._group["hcal"], len(self._hcal)
        energy = cells.fixed(group, modules, cells.energy)
        centre = cells.fixed(group, modules, np.where(self._central[cells.channel], cells.energy, 0.0))
        return {
            "hcal.energy": energy,
            "hcal.mip": energy / self._mip,
            "hcal.time": _ratio(cells.fixed(group, modules, cells.energy * cells.time), energy),
            "hcal.centre_fraction": np.divide(centre, energy, out=np.zeros_like(energy), where=energy > 0),
        }

    def _fixed(self, cells: _Cells, kind: str, name: str, size: int) -> dict[str, Array]:
        energy = cells.fixed(self._group[kind], size, cells.energy)
        weighted = cells.fixed(self._group[kind], size, cells.energy * cells.time)
        return {f"{name}.energy": energy, f"{name}.time": _ratio(weighted, energy)}


class _Cells:
    """The cells that count, flat, with the event each belongs to."""

    def __init__(self, size: int, event: Array, channel: Array, energy: Array, time: Array) -> None:
        self.size = size
        self.event = event
        self.channel = channel
        self.energy = energy
        self.time = time

    def where(self, mask: Array) -> _Cells:
        return _Cells(self.size, self.event[mask], self.channel[mask], self.energy[mask], self.time[mask])

    def sum(self, values: Array) -> Array:
        """Return the sum per event, shape (N,)."""
        return _sums(self.event, values, self.size)

    def fixed(self, group: Array, width: int, values: Array) -> Array:
        """Return the sum per event and position in a group, shape (N, width)."""
        position = group[self.channel]
        mask = position >= 0
        index = self.event[mask] * width + position[mask]
        return _sums(index, values[mask], self.size * width).reshape(self.size, width)


def _sums(index: Array, values: Array, size: int) -> Array:
    """Return the sums of values by index, floats even where there is none (bincount gives integers then)."""
    return np.bincount(index, values, size).astype(np.float64)


def _ratio(above: Array, below: Array) -> Array:
    """Return above / below, NaN (undefined) where below is 0."""
    ratio: Array = np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)
    return ratio
