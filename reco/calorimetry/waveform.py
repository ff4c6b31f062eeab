"""Waveforms to cells: pedestal, pulse fit, charge, time and quality of each digit, calibrated to GeV and ns relative to S0."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.events.columns import QUALITY_BITS
from emiss.events.lists import Lists

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Array
    from emiss.events.batch import Batch
    from emiss.reco.detector.model import Detector


@dataclass(frozen=True)
class Settings:
    """How pulses are measured: see `waveform_kernels.measure` for each of these."""

    period: float
    rise: float
    threshold: float
    before: int
    after: int
    full_scale: int


def measure(digits: Lists, constants: Mapping[str, Array], settings: Settings) -> tuple[Array, Array, Array]:
    """Measure the pulse of each waveform.

    Parameters
    ----------
    digits : Lists
        channel, samples, n_samples, as in `Batch.sadc`.
    constants : mapping
        even, odd, sigma by channel, ADC.
    settings : Settings

    Returns
    -------
    charge, start : float64 arrays of shape (D,), ADC and ns after the first sample
    status : uint8 array of shape (D,)
        Bits of `waveform_kernels`; 0 where nothing is above the threshold.
    """
    from emiss.reco.calorimetry import waveform_kernels as kernels

    size = len(digits["channel"])
    charge, start, status = np.empty(size), np.empty(size), np.empty(size, np.uint8)
    kernels.measure(
        digits["samples"],
        digits["n_samples"],
        digits["channel"],
        constants["even"],
        constants["odd"],
        constants["sigma"],
        settings.threshold,
        settings.before,
        settings.after,
        settings.full_scale,
        settings.period,
        settings.rise,
        kernels.scratch(digits["samples"].shape[1]),
        charge,
        start,
        status,
    )
    return charge, start, status


class WaveformStage:
    """MSADC digits to ``cells``: energy in GeV, time in ns relative to the reference counter, quality bits.

    Digits without a pulse above the threshold give no cell. In an event without a pulse in the reference counter the
    times stay relative to the start of the waveform's nominal pulse, and `event.quality` says ``no_start_time``.
    """

    uses: tuple[str, ...] = ()
    produces: tuple[str, ...] = ("cells", "quality")

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self._reference = detector.reference
        self._constants: dict[str, Array] = {}
        self._settings = Settings(
            period=detector.digitiser.period,
            rise=detector.digitiser.pulse.rise,
            threshold=detector.digitiser.measure.threshold,
            before=detector.digitiser.measure.before,
            after=detector.digitiser.measure.after,
            full_scale=detector.digitiser.full_scale,
        )

    @property
    def needs(self) -> Mapping[str, Sequence[str]]:
        """The conditions used: pedestals, gains and time offsets of all channels."""
        channels = self.detector.channels
        return {"sadc.pedestal": channels, "sadc.gain": channels, "sadc.time": channels}

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the constants of a run."""
        self._constants = {}
        for type_, channels in self.needs.items():
            self._constants |= conditions.get(type_, channels)

    def __call__(self, batch: Batch, products: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG002 - a stage
        """Return the cells of a batch and the quality bits of its events."""
        from emiss.reco.calorimetry import waveform_kernels as kernels

        digits = batch.sadc
        if digits is None:
            msg = "a batch without digits has no waveforms"
            raise ValueError(msg)
        size = len(digits["channel"])
        offsets, lacking = np.empty(len(batch) + 1, np.int64), np.empty(len(batch), bool)
        channel, quality = np.empty(size, np.int32), np.empty(size, np.uint32)
        energy, time = np.empty(size), np.empty(size)
        settings = self._settings
        kernels.cells(
            digits.offsets,
            digits["samples"],
            digits["n_samples"],
            digits["channel"],
            tuple(self._constants[name] for name in ("even", "odd", "sigma", "gain", "offset")),
            settings.threshold,
            settings.before,
            settings.after,
            settings.full_scale,
            settings.period,
            settings.rise,
            self._reference,
            (1 << QUALITY_BITS["saturated"], 1 << QUALITY_BITS["pile_up"]),
            kernels.scratch(digits["samples"].shape[1]),
            offsets,
            channel,
            energy,
            time,
            quality,
            lacking,
        )
        found = int(offsets[-1])
        columns: dict[str, Array] = {"channel": channel, "energy": energy, "time": time, "quality": quality}
        cells = Lists(offsets, {name: values[:found] for name, values in columns.items()})
        return {"cells": cells, "quality": _event_quality(cells, lacking)}


class HitStage:
    """Simulated calorimeter hits to ``cells``: they are calibrated already, and their times are relative to S0."""

    uses: tuple[str, ...] = ()
    produces: tuple[str, ...] = ("cells", "quality")
    needs: Mapping[str, Sequence[str]] = {}

    def __init__(self, detector: Detector) -> None:
        self._reference = detector.reference

    def begin_run(self, conditions: RunConditions) -> None:
        """Take nothing: hits carry energies and times."""

    def __call__(self, batch: Batch, products: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG002 - a stage
        """Return the hits of a batch as cells of good quality, and the quality bits of its events."""
        if batch.cells is None:
            msg = "a batch without hits"
            raise ValueError(msg)
        quality = np.zeros(int(batch.cells.offsets[-1]), np.uint32)
        cells = replace(batch.cells, columns={**batch.cells.columns, "quality": quality})
        lacking = np.ones(len(batch), bool)
        lacking[cells.parents[cells["channel"] == self._reference]] = False
        return {"cells": cells, "quality": _event_quality(cells, lacking)}


def _event_quality(cells: Lists, lacking: Array) -> Array:
    """Return the bits of events: `lacking` a pulse in the reference counter, or without any pulse."""
    quality = np.where(lacking, np.uint32(1 << QUALITY_BITS["no_start_time"]), np.uint32(0))
    quality |= np.where(cells.counts == 0, np.uint32(1 << QUALITY_BITS["no_pulse"]), np.uint32(0))
    return quality
