"""Waveforms to cells: pedestal, pulse fit, charge, time and quality of each digit, calibrated to GeV and ns relative to S0."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.calib.templates import TYPE, slice_names
from emiss.events.columns import QUALITY_BITS
from emiss.events.lists import Lists
from emiss.reco.calorimetry.templates import grid_of
from emiss.reco.detector.boards import board_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Array, Ints
    from emiss.events.batch import Batch
    from emiss.reco.calorimetry.templates import Grid
    from emiss.reco.detector.boards import Board
    from emiss.reco.detector.model import Detector

CONSTANTS = ("sadc.pedestal", "sadc.gain", "sadc.time")
"""The conditions of all channels."""

BITS = (1 << QUALITY_BITS["saturated"], 1 << QUALITY_BITS["pile_up"])
"""Of `event.quality`, as the kernels take them."""


@dataclass(frozen=True)
class Settings:
    """How pulses are measured: see `waveform_kernels.measure` for each of these."""

    period: float
    rise: float
    threshold: float
    before: int
    after: int
    full_scale: int
    pulses: int = 1
    template: bool = False

    @classmethod
    def of(cls, board: Board) -> Settings:
        """Return the settings of a board."""
        digitiser, how = board.digitiser, board.measure
        return cls(
            period=digitiser.period,
            rise=board.pulse.rise,
            threshold=how.threshold,
            before=how.before,
            after=how.after,
            full_scale=digitiser.full_scale,
            pulses=how.pulses,
            template=board.templated,
        )


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


def measure_pulses(
    digits: Lists,
    rows: Ints,
    constants: Mapping[str, Array],
    settings: Settings,
    grid: Grid | None,
    found: tuple[Array, Array, Array, Array],
) -> None:
    """Measure one pulse or two in some waveforms, all of one digitiser.

    Parameters
    ----------
    digits : Lists
        channel, samples, n_samples.
    rows : int array
        The digits that are measured.
    constants : mapping
        even, odd, sigma by channel, ADC.
    settings : Settings
    grid : Grid, optional
        Templates to fit; the analytic pulse is fitted without them.
    found : arrays of shape (D, P), written in `rows`
        Charge, start, status and chi2 per degree of freedom, as `pulses_kernels.measure` has them; chi2 of shape (0, 0) is
        not asked for.
    """
    from emiss.reco.calorimetry import pulses_kernels, template_kernels, waveform_kernels

    longest = digits["samples"].shape[1]
    waveforms = (digits["samples"], digits["n_samples"], digits["channel"], rows)
    levels = tuple(constants[name] for name in ("even", "odd", "sigma"))
    how = (settings.threshold, settings.before, settings.after, settings.full_scale, settings.period, settings.rise)
    room = waveform_kernels.scratch(longest)
    if grid is None:
        work, judged = pulses_kernels.scratch(longest), bool(found[3].size)
        pulses_kernels.measure(*waveforms, *levels, *how, settings.pulses, room, work, *found, judged)
        return
    work = template_kernels.scratch(longest)
    template_kernels.measure(*waveforms, *levels, *how, settings.pulses, *grid, room, work, *found)


class WaveformStage:
    """Waveforms to ``cells``: energy in GeV, time in ns relative to the reference counters, quality bits.

    Digits without a pulse above the threshold give no cell. In an event without a pulse in any reference counter the
    times stay relative to the start of the waveform's nominal pulse, and `event.quality` says ``no_start_time``.

    Parameters
    ----------
    detector : Detector
    general : bool
        Whether what one digitiser with one counter of reference and one pulse per waveform needs is done by the kernels for
        several of these, too.
    """

    uses: tuple[str, ...] = ()
    produces: tuple[str, ...] = ("cells", "quality")

    def __init__(self, detector: Detector, *, general: bool = False) -> None:
        self.detector = detector
        self._constants: dict[str, Array] = {}
        self._settings = [Settings.of(board) for board in detector.boards]
        self._board = board_numbers(detector.boards)
        self._pulses = max(settings.pulses for settings in self._settings)
        counters = np.flatnonzero(detector.reference)
        # one kernel does all where there is one of everything
        self._single = not general and len(self._settings) == self._pulses == len(counters) == 1
        self._judged = any(settings.template for settings in self._settings)
        self._single = self._single and not self._judged
        self._grids: list[Grid | None] = []
        self._reference = int(counters[0])

    @property
    def needs(self) -> Mapping[str, Sequence[str]]:
        """The conditions used: pedestals, gains and time offsets of all channels, templates where they are fitted."""
        channels = self.detector.channels
        needs: dict[str, Sequence[str]] = dict.fromkeys(CONSTANTS, channels)
        own = [channels[number] for board in self.detector.boards if board.templated for number in board.channels]
        return needs | ({TYPE: slice_names(own)} if own else {})

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the constants of a run."""
        self._constants = {}
        for type_ in CONSTANTS:
            self._constants |= conditions.get(type_, self.detector.channels)
        self._grids = [self._grid(board, conditions) for board in self.detector.boards]

    def _grid(self, board: Board, conditions: RunConditions) -> Grid | None:
        """Return the templates of the channels of a board, if they are fitted."""
        if not board.templated:
            return None
        digitiser = board.digitiser
        return grid_of(
            conditions,
            self.detector.channels,
            board.channels,
            period=digitiser.period,
            rise=board.pulse.rise,
            samples=digitiser.samples,
        )

    def __call__(self, batch: Batch, products: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG002 - a stage
        """Return the cells of a batch and the quality bits of its events."""
        digits = batch.sadc
        if digits is None:
            msg = "a batch without digits has no waveforms"
            raise ValueError(msg)
        size = self._pulses * len(digits["channel"])
        offsets, lacking = np.empty(len(batch) + 1, np.int64), np.empty(len(batch), bool)
        channel, quality = np.empty(size, np.int32), np.empty(size, np.uint32)
        energy, time = np.empty(size), np.empty(size)
        chi2 = np.empty(size if self._judged else 0)
        own = (offsets, channel, energy, time, quality, lacking)
        if self._single:
            self._fill_single(digits, own)
        else:
            self._fill(digits, (*own, chi2))
        found = int(offsets[-1])
        columns: dict[str, Array] = {"channel": channel, "energy": energy, "time": time, "quality": quality}
        if self._judged:
            columns["chi2"] = chi2
        cells = Lists(offsets, {name: values[:found] for name, values in columns.items()})
        return {"cells": cells, "quality": _event_quality(cells, lacking)}

    def _fill_single(self, digits: Lists, cells: tuple[Array, ...]) -> None:
        from emiss.reco.calorimetry import waveform_kernels as kernels

        settings = self._settings[0]
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
            BITS,
            kernels.scratch(digits["samples"].shape[1]),
            *cells,
        )

    def _fill(self, digits: Lists, cells: tuple[Array, ...]) -> None:
        """Measure the waveforms of one digitiser after the other, then put the pulses together by event."""
        from emiss.reco.calorimetry import pulses_kernels

        shape = (len(digits["channel"]), self._pulses)
        found = np.empty(shape), np.empty(shape), np.empty(shape, np.uint8)
        chi2 = np.full(shape if self._judged else (0, 0), np.nan)
        board = self._board[digits["channel"]]
        for number, (settings, grid) in enumerate(zip(self._settings, self._grids, strict=True)):
            rows = np.flatnonzero(board == number)
            measure_pulses(digits, rows, self._constants, settings, grid, (*found, chi2))
        pulses_kernels.collect(
            digits.offsets,
            digits["channel"],
            self._constants["gain"],
            self._constants["offset"],
            self.detector.reference,
            *found,
            chi2,
            BITS,
            *cells,
        )


class HitStage:
    """Simulated calorimeter hits to ``cells``: they are calibrated already, and their times are relative to S0.

    Of several hits of a reference counter in an event the first, of the particle that triggers, keeps its time, and the others
    are relative to the reference, as those that are measured.
    """

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
        cells = batch.cells
        counters = np.flatnonzero(self._reference[cells["channel"]] > 0)
        event = np.searchsorted(cells.offsets, counters, side="right") - 1
        key = event * len(self._reference) + cells["channel"][counters]
        _, first = np.unique(key, return_index=True)
        if len(first) < len(counters):
            cells = self._with_others(cells, counters, event, first)
        quality = np.zeros(int(cells.offsets[-1]), np.uint32)
        cells = replace(cells, columns={**cells.columns, "quality": quality})
        lacking = np.ones(len(batch), bool)
        lacking[event] = False
        return {"cells": cells, "quality": _event_quality(cells, lacking)}

    def _with_others(self, cells: Lists, counters: Ints, event: Ints, first: Ints) -> Lists:
        """Return hits, of which `counters` are of the reference and the `first` ones of these come first, by channel.

        The first pulse of a counter is known by its place, before all others of its channel.
        """
        weight = self._reference[cells["channel"][counters]]
        norm = np.bincount(event[first], weight[first], len(cells))
        total = np.bincount(event[first], weight[first] * cells["time"][counters[first]], len(cells))
        others = np.delete(np.arange(len(counters)), first)
        time = cells["time"].copy()
        time[counters[others]] -= (total / np.maximum(norm, 1e-300))[event[others]]
        order = np.lexsort((cells["channel"], cells.parents))  # which keeps the order of the hits of a channel
        return Lists(cells.offsets, {name: values[order] for name, values in {**cells.columns, "time": time}.items()})


def _event_quality(cells: Lists, lacking: Array) -> Array:
    """Return the bits of events: `lacking` a pulse in the reference counter, or without any pulse."""
    quality = np.where(lacking, np.uint32(1 << QUALITY_BITS["no_start_time"]), np.uint32(0))
    quality |= np.where(cells.counts == 0, np.uint32(1 << QUALITY_BITS["no_pulse"]), np.uint32(0))
    return quality
