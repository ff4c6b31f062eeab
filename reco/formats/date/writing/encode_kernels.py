"""The numba kernel that writes events word by word (see `encode`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.compiled import kernel
from emiss.reco.formats.date import layout as la

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Ints, Words

SPARSE_FORMAT, LATCH_ALL_FORMAT = 0b111, 0b101
"""Three frames, pedestals subtracted, ADC version 1, no common-mode word; sparse or every channel."""

GOOD_STATUS = 1 << 11
"""TCS error byte of a healthy source: bit 3 set."""

FIRST_CELL = 40
"""Pipeline cell of the first frame; its value has no meaning in simulated data."""


@kernel
def _gray(cell: int) -> int:
    code = cell + 32
    return code ^ (code >> 1)


@kernel
def _open(words: Array, at: int, source: int, spill: int, in_spill: int) -> int:
    """Write equipment and S-Link header without their sizes; return where the data begin."""
    words[at + 1] = 22
    words[at + 2] = source
    words[at + 6] = 4
    slink = at + la.EQUIPMENT_WORDS
    words[slink] = source << 16
    words[slink + 1] = in_spill | ((spill & 0x7FF) << 20)
    words[slink + 2] = GOOD_STATUS
    return slink + la.SLINK_WORDS


@kernel
def _close(words: Array, at: int, end: int) -> None:
    """Write the sizes of equipment and S-Link block."""
    words[at] = 4 * (end - at)
    words[at + la.EQUIPMENT_WORDS] |= np.uint32(end - at - la.EQUIPMENT_WORDS)


@kernel
def _wave_channel(words: Words, at: int, channel: int, samples: Array) -> int:
    """Write a channel of a wave board; return where the next one begins."""
    count = len(samples)
    words[at] = (la.WAVE_CHANNEL << 28) | (channel << 20) | count
    for k in range(count):
        words[at + 1 + k // 2] |= np.uint32(samples[k]) << np.uint32(16 * (k & 1))
    return at + 1 + (count + 1) // 2


@kernel
def _tdcs(
    words: Words,
    at: int,
    source: int,
    boards: Ints,
    first: int,
    last: int,
    spill: int,
    in_spill: int,
    hit: int,
    stop: int,
    key: Ints,
    time: Ints,
) -> tuple[int, int]:
    """Write the source of boards `first` to `last`; return where the next one begins, and the next of the hits up to `stop`."""
    start = at
    at = _open(words, at, source, spill, in_spill)
    for board in range(first, last):
        block = at
        at += la.TDC_HEADER
        while hit < stop and key[hit] // la.TDC_CHANNELS == board:
            words[at] = (la.TDC_HIT << 28) | ((key[hit] % la.TDC_CHANNELS) << 20) | time[hit]
            at += 1
            hit += 1
        words[at] = (la.TDC_END << 28) | (at - block - la.TDC_HEADER)
        at += 1
        words[block] = (la.TDC_BLOCK << 28) | (boards[board] << 23) | ((last - first) << 16) | (at - block)
        words[block + 1] = (la.TDC_VERSION << 24) | (in_spill & 0xFFFFF)
    _close(words, start, at)
    return at, hit


@kernel
def encode(
    words: Words,
    run: int,
    header: Ints,
    sadc_offsets: Ints,
    sadc_key: Ints,
    samples: Array,
    n_samples: Ints,
    sadc_sources: Ints,
    modules: Ints,
    apv_offsets: Ints,
    apv_key: Ints,
    amplitudes: Ints,
    apv_sources: Ints,
    chips: Ints,
    latch_all: bool,
    tdc_offsets: Ints,
    tdc_key: Ints,
    tdc_time: Ints,
    tdc_sources: Ints,
    tdcs: Ints,
) -> int:
    """Write all events; return the number of words.

    Parameters
    ----------
    words : uint32 array, zeros, written
    run : int
    header : int64 array of shape (6, N)
        type, event in run, event in spill, spill, trigger, time.
    sadc_offsets, apv_offsets : int64 arrays of shape (N + 1,)
        Digits of each event; within it sorted by key.
    sadc_key, apv_key : int64 arrays
        Module * 16 + ADC channel; chip * 128 + stream position.
    samples : uint16 array of shape (digits, S)
    n_samples : int64 array of shape (digits,)
    amplitudes : int64 array of shape (3, digits)
    sadc_sources, apv_sources : int64 arrays of rows (source, first module or chip, last)
        The first ones with 1 at the end for wave boards, else 0.
    modules, chips : int64 arrays of rows (port, adc) and (adc, chip)
    latch_all : bool
        Whether every channel of a chip is written, those without a digit as 0.
    tdc_offsets, tdc_key, tdc_time : int64 arrays
        As for the others: board * 64 + channel, and count, by time within a channel.
    tdc_sources : int64 array of rows (source, first board, last)
    tdcs : int64 array
        Numbers of the boards.
    """
    at = 0
    format_ = LATCH_ALL_FORMAT if latch_all else SPARSE_FORMAT
    for event in range(header.shape[1]):
        begin = at
        kind, in_run, in_spill = header[0, event], header[1, event], header[2, event]
        spill, trigger, time = header[3, event], header[4, event], header[5, event]
        words[at + 1] = la.MAGIC
        words[at + 2] = la.HEADER_BYTES
        words[at + 3] = la.VERSION
        words[at + 4] = kind
        words[at + 5] = run
        words[at + 6] = in_run
        words[at + 7] = in_spill | (spill << 20)
        words[at + 8] = (trigger & 0x7FFFFFFF) << 1
        words[at + 9] = trigger >> 31
        words[at + 16] = time
        at += la.HEADER_WORDS
        number = in_spill & 0xFFF
        if kind in (la.PHYSICS, la.CALIBRATION):
            digit = sadc_offsets[event]
            for row in range(len(sadc_sources)):
                start = at
                at = _open(words, at, sadc_sources[row, 0], spill, in_spill)
                boards = sadc_sources[row, 2] - sadc_sources[row, 1] if sadc_sources[row, 3] else 0
                for module in range(sadc_sources[row, 1], sadc_sources[row, 2]):
                    block = at
                    port, adc = modules[module, 0], modules[module, 1]
                    if boards:
                        at += la.WAVE_HEADER
                        while digit < sadc_offsets[event + 1] and sadc_key[digit] // la.SADC_CHANNELS == module:
                            at = _wave_channel(
                                words, at, sadc_key[digit] % la.SADC_CHANNELS, samples[digit, : n_samples[digit]]
                            )
                            digit += 1
                        board = port * la.ADCS + adc
                        words[block] = (la.WAVE_BLOCK << 28) | (board << 23) | (1 << 22) | (boards << 16) | (at - block)
                        words[block + 1] = (la.WAVE_VERSION << 24) | (in_spill & 0xFFFFF)
                        continue
                    at += 1
                    while digit < sadc_offsets[event + 1] and sadc_key[digit] // la.SADC_CHANNELS == module:
                        channel, count = sadc_key[digit] % la.SADC_CHANNELS, n_samples[digit]
                        total = 0
                        for k in range(count):
                            total += samples[digit, k]
                        words[at] = (total & 0xFFFF) | (count << 16) | (channel << 26) | (1 << 30)
                        at += 1
                        for k in range(0, count, 2):
                            second = np.int64(samples[digit, k + 1]) if k + 1 < count else 0
                            words[at] = np.int64(samples[digit, k]) | (second << 12) | ((1 if k == 0 else 2) << 30)
                            at += 1
                        digit += 1
                    words[block] = number | ((at - block) << 12) | (adc << 25) | (port << 27) | (3 << 30)
                _close(words, start, at)
            digit = apv_offsets[event]
            for row in range(len(apv_sources)):
                start = at
                at = _open(words, at, apv_sources[row, 0], spill, in_spill)
                adc_block = -1
                for chip in range(apv_sources[row, 1], apv_sources[row, 2]):
                    adc = chips[chip, 0]
                    if chip == apv_sources[row, 1] or adc != chips[chip - 1, 0]:
                        if adc_block >= 0:
                            words[adc_block] |= np.uint32(at - adc_block)
                        adc_block = at
                        words[at] = adc << 16
                        words[at + 1] = (in_spill & 0xFFFFFF) | (format_ << 24)
                        at += 2
                    block = at
                    frames = 0
                    for frame in range(3):
                        frames |= (1 | (_gray(FIRST_CELL + frame) << 1)) << (9 * frame)
                    words[at + 1] = frames
                    at += 2
                    stream = at
                    if latch_all:
                        at += la.APV_CHANNELS
                    while digit < apv_offsets[event + 1] and apv_key[digit] // la.APV_CHANNELS == chip:
                        position = apv_key[digit] % la.APV_CHANNELS
                        if latch_all:
                            words[stream + position] = (
                                min(amplitudes[0, digit], 0x3FF)
                                | (min(amplitudes[1, digit], 0x3FF) << 10)
                                | (min(amplitudes[2, digit], 0x3FF) << 20)
                            )
                            digit += 1
                            continue
                        first = min(amplitudes[0, digit] >> 2, 0xFF)
                        second = min(amplitudes[1, digit] >> 2, 0xFF)
                        third = min(amplitudes[2, digit] >> 1, 0x1FF)
                        words[at] = first | (second << 8) | (third << 16) | (position << 25)
                        at += 1
                        digit += 1
                    words[block] = (at - block) | (number << 16) | (chips[chip, 1] << 28)
                if adc_block >= 0:
                    words[adc_block] |= np.uint32(at - adc_block)
                _close(words, start, at)
            hit = tdc_offsets[event]
            for row in range(len(tdc_sources)):
                source, first, last = tdc_sources[row, 0], tdc_sources[row, 1], tdc_sources[row, 2]
                stop = tdc_offsets[event + 1]
                at, hit = _tdcs(words, at, source, tdcs, first, last, spill, in_spill, hit, stop, tdc_key, tdc_time)
        words[begin] = 4 * (at - begin)
    return at
