"""Pulses of waveforms for derivations: charge and time as the reconstruction measures them, without gains and offsets."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.events.columns import QUALITY_BITS
from emiss.reco.calorimetry.corrections import CorrectionStage
from emiss.reco.calorimetry.waveform import WaveformStage

if TYPE_CHECKING:
    from collections.abc import Collection

    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Bools, Floats, Ints
    from emiss.events.batch import Batch
    from emiss.reco.detector.boards import Board
    from emiss.reco.detector.model import Detector


class Pulses(NamedTuple):
    """Pulses of N events, in their order; arrays of shape (P,).

    Attributes
    ----------
    event, channel : int arrays
    charge : array
        ADC.
    time : array
        Start after the first sample, ns, for counters of the reference; less that of the reference, with the sign that the
        reference has in it taken away, for others. NaN in events without a pulse in the reference.
    good : bool array
        Neither saturated nor with another pulse in the waveform.
    """

    event: Ints
    channel: Ints
    charge: Floats
    time: Floats
    good: Bools


class Measuring:
    """Measures the pulses of raw batches with the pedestals of the conditions.

    Where the conditions have corrections of cells, these are made, but for those `without`: channels that are not good have no
    pulse, and others neither walk nor drift.
    """

    def __init__(self, detector: Detector, without: Collection[str] = ()) -> None:
        self._stage = WaveformStage(detector)
        self._corrections = CorrectionStage(detector, without)
        self._reference = detector.reference
        self._channels = detector.channels
        self._gain = self._offset = np.ones(0)

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the constants of a run."""
        self._stage.begin_run(conditions)
        self._corrections.begin_run(conditions)
        self._gain = conditions.get("sadc.gain", self._channels)["gain"]
        self._offset = conditions.get("sadc.time", self._channels)["offset"]

    def __call__(self, batch: Batch) -> Pulses:
        """Return the pulses of a batch, of several in one waveform of an event the largest."""
        made = self._corrections(batch, self._stage(batch, {}))
        cells, lacking = made["cells"], made["quality"] >> np.uint32(QUALITY_BITS["no_start_time"]) & 1 > 0
        event, channel = cells.parents, cells["channel"].astype(np.int64)
        charge = cells["energy"] / self._gain[channel]
        order = np.lexsort((-charge, channel, event))
        first = np.ones(len(order), bool)
        first[1:] = (np.diff(event[order]) != 0) | (np.diff(channel[order]) != 0)
        rows = np.sort(order[first])
        event, channel, charge, time = event[rows], channel[rows], charge[rows], cells["time"][rows]
        own = self._reference[channel] > 0
        counters = np.flatnonzero(own)
        # what the offsets of the reference put into the time of the reference
        weight = self._reference[channel[counters]]
        norm = np.bincount(event[counters], weight, len(cells))
        put = np.bincount(event[counters], weight * self._offset[channel[counters]], len(cells))
        zero = np.divide(put, norm, out=np.zeros(len(cells)), where=norm > 0)
        absolute = time + self._offset[channel] - np.where(own, 0.0, zero[event])
        absolute = np.where(lacking[event] & ~own, np.nan, absolute)
        bad = cells["quality"][rows] & np.uint32(1 << QUALITY_BITS["saturated"] | 1 << QUALITY_BITS["pile_up"])
        return Pulses(event, channel, charge, absolute, bad == 0)


def smallest(board: Board) -> float:
    """Return the charge of the smallest pulse that is seen, in units of the noise."""
    return float(board.digitiser.measure.threshold * area(board))


def area(board: Board) -> float:
    """Return the charge of a pulse over its height."""
    return float(np.e * board.pulse.rise / board.digitiser.period)
