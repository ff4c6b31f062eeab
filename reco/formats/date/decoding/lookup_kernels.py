"""Compiled channel map: from digits of (source, port, ADC, channel) to rows of detector channels, and chips to strips.

One word that is mapped n times gives n rows, one that no map names gives none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.compiled import bare, kernel
from emiss.reco.formats.date import layout as la
from emiss.reco.formats.date.decoding import workspace as ws

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Ints


@kernel
def rows_sadc(sadc: Array, stop: Ints, slot: Ints, first: Ints, number: Array, channel: Array, row: Array) -> Ints:
    """Find the detector channels of MSADC digits.

    Parameters
    ----------
    sadc : int32 array of shape (digits, 6)
        See `Output.sadc`.
    stop : int64 array of shape (events,)
        Digits up to and with each event.
    slot : int64 array of shape (SOURCES,)
        Row of a source in `first`, or -1.
    first : int64 array of shape (slots * 512 + 1,)
        Where the entries of (slot, port, ADC, channel) begin.
    number : int32 array of shape (entries,)
        Detector channel of each entry.
    channel, row : int32 arrays
        Filled with detector channel and digit; with no room they are only counted.

    Returns
    -------
    int64 array of shape (events + 1,)
        Offsets of the rows by event.
    """
    offsets = np.zeros(len(stop) + 1, np.int64)
    n = 0
    digit = 0
    for event in range(len(stop)):
        while digit < stop[event]:
            source = slot[sadc[digit, 0]]
            if source >= 0:
                module = (source * la.PORTS + sadc[digit, 1]) * la.ADCS + sadc[digit, 2]
                key = module * la.SADC_CHANNELS + sadc[digit, 3]
                for at in range(first[key], first[key + 1]):
                    if n < len(channel):
                        channel[n] = number[at]
                        row[n] = digit
                    n += 1
            digit += 1
        offsets[event + 1] = n
    return offsets


@kernel
def rows_apv(
    chip: Array,
    apv_chip: Array,
    position: Array,
    stop: Ints,
    slot: Ints,
    first: Ints,
    planes: Array,
    wires: Array,
    entry: Array,
    plane: Array,
    wire: Array,
    row: Array,
) -> Ints:
    """Find the strips of APV digits; as `rows_sadc`, with `slot` by (source, ADC, chip) and 128 channels each.

    `planes` and `wires` say what each entry is, `plane` and `wire` are filled with it; `entry`, with the entries themselves, is
    for the amplitudes.
    """
    offsets = np.zeros(len(stop) + 1, np.int64)
    n = 0
    digit = 0
    for event in range(len(stop)):
        while digit < stop[event]:
            block = apv_chip[digit]
            place = slot[(chip[block, 0] * la.APV_ADCS + chip[block, 1]) * la.APV_CHIPS + chip[block, 2]]
            channel = chip_channel(position[digit])
            if place >= 0 and channel < la.APV_CHANNELS:
                key = place * la.APV_CHANNELS + channel
                for at in range(first[key], first[key + 1]):
                    if n < len(entry):
                        entry[n] = at
                        plane[n] = planes[at]
                        wire[n] = wires[at]
                        row[n] = digit
                    n += 1
            digit += 1
        offsets[event + 1] = n
    return offsets


@kernel
def rows_tdc(
    tdc: Array, stop: Ints, slot: Ints, planes: Array, wires: Array, plane: Array, wire: Array, row: Array
) -> Ints:
    """Find the wires of TDC hits; as `rows_sadc`, with `slot` by (source, board, channel): -1, or a row of `planes`.

    A channel is one wire at most, so that there is room for all.
    """
    offsets = np.zeros(len(stop) + 1, np.int64)
    n = 0
    digit = 0
    for event in range(len(stop)):
        while digit < stop[event]:
            place = slot[(tdc[digit, 0] * la.TDC_BOARDS + tdc[digit, 1]) * la.TDC_CHANNELS + tdc[digit, 2]]
            if place >= 0:
                plane[n] = planes[place]
                wire[n] = wires[place]
                row[n] = digit
                n += 1
            digit += 1
        offsets[event + 1] = n
    return offsets


@bare
def chip_channel(position: int) -> int:
    """Return the channel of a position 16a + 4b + c in an APV25's stream: 32c + 8b + a (its multiplexer's order)."""
    return 32 * (position & 3) + 8 * ((position >> 2) & 3) + (position >> 4)


@bare
def in_place(sadc: Array, start: Array, row: Array, samples: int) -> bool:
    """Return whether the waveforms of digits `row` stand one after the other in the workspace, with `samples` each."""
    if len(row) != len(sadc) or samples & 1:
        return False
    elsewhere = 0
    for n in range(len(row)):
        elsewhere += (row[n] != n) | (sadc[n, 5] != samples) | (2 * start[n] != samples * n)
    return elsewhere == 0


@bare
def copy_samples(sadc: Array, start: Array, samples: Array, row: Array, target: Array) -> None:
    """Copy the waveforms of digits `row` to `target` of shape (rows, S), zero beyond the samples there are."""
    for n in range(len(row)):
        low = 2 * start[row[n]]
        count = sadc[row[n], 5]
        waveform = target[n]
        source = samples[low : low + count]
        for k in range(count):
            waveform[k] = source[k]
        waveform[count:] = 0


@bare
def _rich(value: int) -> int:
    """Return the amplitude of the two-slope scale of the RICH front end."""
    return value if value < 256 else 2 * value - 256


@bare
def amplitudes(
    chip: Array, apv_chip: Array, apv: Array, row: Array, entry: Array, rich: Array, factor: Array, target: Array
) -> None:
    """Fill `target` of shape (3, rows) with the amplitudes of digits `row` as their maps want them.

    Latch-all data are 10-bit values; sparse ones have lost their lowest bits, one bit less with ADC version 2. A
    rich_adc map takes sparse data by its own scale, times a factor.
    """
    for n in range(len(row)):
        digit = row[n]
        flags = chip[apv_chip[digit], 3]
        if not flags & ws.SPARSE:
            for frame in range(3):
                target[frame, n] = apv[digit, frame]
        elif rich[entry[n]]:
            for frame in range(3):
                value = np.int64(apv[digit, frame])
                target[frame, n] = int(factor[entry[n]] * _rich(2 * value if frame < 2 else value))
        else:
            shift = 1 if flags & ws.VERSION2 else 2
            target[0, n] = np.int64(apv[digit, 0]) << shift
            target[1, n] = np.int64(apv[digit, 1]) << shift
            target[2, n] = np.int64(apv[digit, 2]) << 1
