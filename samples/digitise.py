"""Digitisation of cells: hits to samples of waveforms, with the constants of the conditions in reverse.

What the reconstruction does, undone: waveform = pedestal + noise + charge * pulse. The pulse is that of the conditions where
they have a template, and the digitiser's analytic one elsewhere. The hits of one channel in an event, such as those of several
beam particles, are one waveform, the sum of their pulses.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.calib.templates import templates
from emiss.configs.errors import Problems, UserError, did_you_mean
from emiss.events.lists import Lists, offsets_of
from emiss.reco.calorimetry.corrections import DEAD, HOT, Corrections
from emiss.reco.calorimetry.templates import Shape, share
from emiss.reco.detector.boards import board_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.calib.conditions import RunConditions
    from emiss.calib.templates import Template
    from emiss.configs.arrays import Array, Bools, Floats, Ints
    from emiss.reco.detector.boards import Board
    from emiss.reco.detector.model import Detector
    from emiss.samples.config import Digitisation, Sample


FAR = 600.0
"""Rise times after which no pulse of a waveform begins, so that its exponential is a number."""


class _Pulses(NamedTuple):
    """Pulses in the channels of events: charge in ADC, start in ns after the first sample; arrays of shape (P,)."""

    event: Ints
    channel: Ints
    charge: Floats
    start: Floats

    def rows(self, which: Array) -> _Pulses:
        """Return some of them."""
        return _Pulses(self.event[which], self.channel[which], self.charge[which], self.start[which])


def waveforms(
    cells: Lists,
    detector: Detector,
    conditions: RunConditions,
    settings: Digitisation,
    rng: np.random.Generator,
    header: Mapping[str, Array] | None = None,
) -> Lists:
    """Return the waveforms of cells: channel, samples, n_samples; channels below the zero suppression are left out.

    What corrects cells is undone, too, where the conditions have it: channels that are not good are dead or hot, gains drift,
    and small pulses are late.

    Parameters
    ----------
    cells : Lists
        channel, energy (GeV), time (ns relative to the reference; that of its counters is relative to the trigger). Of several
        cells of one counter of the reference in an event the first is that of the particle that triggers.
    header : mapping, optional
        `spill` and `spill_position` of the events; without it gains neither drift nor depend on the place in the spill.

    Raises
    ------
    UserError
        If the set-up has no such channel as one that the settings call dead or hot.
    """
    names = detector.channels
    pedestal = conditions.get("sadc.pedestal", names)
    dead, hot = (channels_called(detector, called) for called in (settings.dead, settings.hot))
    corrections = Corrections.of(detector, conditions)
    if corrections is not None and corrections.status is not None:
        dead, hot = dead | (corrections.status == DEAD), hot | (corrections.status == HOT)
    pulses = _pulses(cells, detector, conditions)
    if corrections is not None:
        pulses = _uncorrected(pulses, corrections, header)
    if settings.cross_talk > 0.0:
        pulses = _talked_over(pulses, detector.boards, settings.cross_talk)
    pulses = pulses.rows(~dead[pulses.channel])
    always = np.full(len(names), settings.all_channels)
    key, digit = _digits(pulses, len(cells), always | (hot & ~dead))
    event, channel = key // len(names), key % len(names)
    sigma = np.where(hot, settings.hot_noise, 1.0) * pedestal["sigma"]
    samples = np.zeros((len(key), detector.samples), np.uint16)
    count, kept = np.empty(len(key), np.uint16), np.empty(len(key), bool)
    number = board_numbers(detector.boards)[channel]
    shapes = templates(conditions, names, needed=False)
    clocks: dict[str, Floats] = {}
    for position, board in enumerate(detector.boards):
        rows = np.flatnonzero(number == position)
        own = channel[rows]
        count[rows] = length = board.digitiser.samples
        if settings.jitter > 0.0 and board.name not in clocks:
            clocks[board.name] = settings.jitter * rng.normal(size=(len(cells), length))
        base = np.where(np.arange(length) % 2, pedestal["odd"][own, None], pedestal["even"][own, None])
        noise = rng.standard_normal((len(rows), length))
        noise *= sigma[own, None]
        analogue = _summed(pulses, digit, rows, board, shapes, clocks.get(board.name))
        analogue += noise
        if settings.drift > 0.0:
            analogue += settings.drift * rng.normal(size=(len(rows), 1))
        analogue += base
        np.clip(np.rint(analogue, out=analogue), 0, board.digitiser.full_scale, out=analogue)
        samples[rows, :length] = analogue
        kept[rows] = np.subtract(analogue, base, out=base).max(axis=1) > settings.suppression * pedestal["sigma"][own]
    offsets = offsets_of(np.bincount(event, minlength=len(cells)))
    return Lists(offsets, {"channel": channel.astype(np.int32), "samples": samples, "n_samples": count}).rows(kept)


def start_times(cells: Lists, weights: Array) -> Array:
    """Return the time of the reference in each event, ns: the mean over its counters that have a cell, 0 without any.

    Of several cells of a counter the first counts: that of the particle that triggers.
    """
    rows = np.flatnonzero(weights[cells["channel"]] > 0)
    channel, event = cells["channel"][rows].astype(np.int64), np.searchsorted(cells.offsets, rows, side="right") - 1
    _, first = np.unique(event * len(weights) + channel, return_index=True)
    rows, event, weight = rows[first], event[first], weights[channel[first]]
    total = np.bincount(event, weight * cells["time"][rows], len(cells))
    norm = np.bincount(event, weight, len(cells))
    return np.divide(total, norm, out=np.zeros(len(cells)), where=norm > 0)


def check(sample: Sample, detector: Detector) -> None:
    """See that the channels that a sample calls dead or hot are in its set-up.

    Raises
    ------
    UserError
        At the place in the sample's file.
    """
    problems = Problems()
    for key in ("dead", "hot"):
        try:
            channels_called(detector, getattr(sample.digitisation, key))
        except UserError as error:
            at = None if sample.document is None else sample.document.locate(("digitisation", key))
            problems.add(UserError(error.message, at=at, hint=error.hint))
    problems.check()


def channels_called(detector: Detector, called: Sequence[str]) -> Bools:
    """Return which channels have one of the names, in which `*` stands for anything; shape (channels,).

    Raises
    ------
    UserError
        If there is none of a name.
    """
    found = np.zeros(len(detector.channels), np.bool_)
    for name in called:
        rows = [number for number, channel in enumerate(detector.channels) if fnmatchcase(channel, name)]
        if not rows:
            hint = did_you_mean(name, detector.channels)
            raise UserError(f"the set-up {detector.name} has no channel '{name}'", hint=hint)
        found[rows] = True
    return found


def _pulses(cells: Lists, detector: Detector, conditions: RunConditions) -> _Pulses:
    """Return the pulses of cells."""
    gain = conditions.get("sadc.gain", detector.channels)["gain"]
    offset = conditions.get("sadc.time", detector.channels)["offset"]
    channel, event = cells["channel"].astype(np.int64), cells.parents
    zero = start_times(cells, detector.reference)
    start = offset[channel] + cells["time"] + np.where(detector.reference[channel] > 0, 0.0, zero[event])
    return _Pulses(event, channel, cells["energy"] / gain[channel], start)


def _uncorrected(pulses: _Pulses, corrections: Corrections, header: Mapping[str, Array] | None) -> _Pulses:
    """Return pulses as they are where gains drift and small ones are late."""
    response = None if header is None else corrections.response(pulses.event, pulses.channel, header)
    charge = pulses.charge if response is None else pulses.charge * response
    late = corrections.late(pulses.channel, charge)
    return pulses._replace(charge=charge, start=pulses.start if late is None else pulses.start + late)


def _talked_over(pulses: _Pulses, boards: Sequence[Board], fraction: float) -> _Pulses:
    """Return pulses with the part of each that is seen in the channels beside it, the ones before and behind on its board."""
    found = [pulses]
    for board in boards:
        of_board = np.full(1 + max(pulses.channel.max(initial=0), board.channels.max()), -1, np.int64)
        of_board[board.channels] = np.arange(len(board.channels))
        place = of_board[pulses.channel]
        for step in (-1, 1):
            beside = place + step
            rows = np.flatnonzero((place >= 0) & (beside >= 0) & (beside < len(board.channels)))
            one = pulses.rows(rows)
            found.append(_Pulses(one.event, board.channels[beside[rows]], fraction * one.charge, one.start))
    return _Pulses(*(np.concatenate(values) for values in zip(*found, strict=True)))


def _digits(pulses: _Pulses, events: int, always: Bools) -> tuple[Ints, Ints]:
    """Return the waveforms that there are, by event, and which one each pulse is in.

    Those of an event are in the order in which their first pulses come, behind them those that are there without a pulse.

    Parameters
    ----------
    pulses : _Pulses
    events : int
    always : bool array of shape (channels,)
        The channels that are there in every event.

    Returns
    -------
    key : int array of shape (D,)
        event * channels + channel.
    digit : int array of shape (P,)
        Rows of `key`.
    """
    channels = len(always)
    quiet = (np.arange(events)[:, None] * channels + np.flatnonzero(always)).ravel()
    key = np.concatenate([pulses.event * channels + pulses.channel, quiet])
    if not len(quiet) and (np.diff(key) > 0).all():  # each pulse has a waveform of its own, and they are in order
        return key, np.arange(len(key))
    unique, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    order = np.lexsort((first, unique // channels))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return unique[order], place[inverse.ravel()[: len(pulses.event)]]


def _summed(
    pulses: _Pulses,
    digit: Ints,
    rows: Ints,
    board: Board,
    shapes: tuple[list[Template], list[int]],
    clock: Floats | None,
) -> Floats:
    """Return the waveforms `rows`, all of one board, without pedestals and noise: the sums of their pulses, ADC.

    Parameters
    ----------
    pulses : _Pulses
    digit : int array of shape (P,)
        The waveform of each pulse.
    rows : int array
    board : Board
    shapes : list of Template, list of int
        Templates, and which one each channel has; -1 for the pulse of the board.
    clock : array of shape (events, samples), optional
        By how much samples are taken late, ns.
    """
    wanted = np.full(int(max(digit.max(initial=-1), rows.max(initial=-1))) + 1, -1, np.int64)
    wanted[rows] = np.arange(len(rows))
    mine = np.flatnonzero(wanted[digit] >= 0)
    own = pulses.rows(mine)
    late = None if clock is None else clock[own.event]
    shape = own.charge[:, None] * _shape(board, own.start, late)
    made, which = shapes
    of = np.array(which, np.int64)[own.channel]
    for number in np.unique(of[of >= 0]).tolist():
        these = np.flatnonzero(of == number)
        shape[these] = _templated(made[number], board, own.rows(these), None if late is None else late[these])
    at = wanted[digit[mine]]
    if len(at) == len(rows) and (at == np.arange(len(rows))).all():
        return shape
    total = np.zeros((len(rows), board.digitiser.samples))
    order = np.argsort(at, kind="stable")
    begin = np.flatnonzero(np.diff(at[order], prepend=-1))
    if len(begin):
        total[at[order][begin]] = np.add.reduceat(shape[order], begin, axis=0)
    return total


def _templated(template: Template, board: Board, pulses: _Pulses, late: Floats | None) -> Floats:
    """Return the samples of pulses of the shape of a template, shape (pulses, samples); `late` as in `_shape`.

    The height is the charge over e rise/period, as that of the analytic pulse.
    """
    digitiser, rise = board.digitiser, board.pulse.rise
    height = pulses.charge * digitiser.period / (np.e * rise)
    time = np.arange(digitiser.samples) * digitiser.period - pulses.start[:, None]
    found = Shape(template, rise)(time if late is None else time + late)
    if len(found) == 1:
        return height[:, None] * found[0]
    low, part = share(template.heights, height)
    rows = np.arange(len(height))
    below, above = found[low, rows], found[low + 1, rows]
    return np.asarray(height[:, None] * (below + part[:, None] * (above - below)))


def _shape(board: Board, start: Floats, late: Floats | None = None) -> Floats:
    """Return the samples of pulses of charge 1 that start at `start` (ns), shape (pulses, samples).

    `late` is by how much each sample is taken late, ns.
    """
    digitiser, rise = board.digitiser, board.pulse.rise
    step = digitiser.period / rise
    # (t/rise) exp(1 - t/rise) has the integral e rise: divided by it and times the period, the samples sum to 1
    if late is not None:
        u = np.maximum(np.arange(digitiser.samples) * step - (start[:, None] - late) / rise, 0.0)
        return np.asarray(step * u * np.exp(-u))
    begin = np.minimum(start / rise, FAR)
    samples = np.arange(digitiser.samples) * step
    shape: Floats = np.maximum(samples - begin[:, None], 0.0)
    shape *= step * np.exp(-samples)
    shape *= np.exp(begin)[:, None]
    return shape
