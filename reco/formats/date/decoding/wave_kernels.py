"""Compiled decoding of wave boards: our own format for digitisers of up to 14 bits, whose real one is not public.

A source holds one block per board, all of them also when there is nothing in them. Words of a block:

====  ==========================================================================================================
0     marker 0xB (bits 28 to 31), board (23 to 27), zero suppression (22), boards of the source (16 to 21), words of the
      block (0 to 15)
1     version (24 to 31), 0, event in spill (0 to 19)
then  for each channel: marker 0xC (28 to 31), channel (20 to 27), 0, samples (0 to 15); the samples, two of 14 bits per
      word, the earlier one in the low half, bits 14, 15, 30 and 31 are 0
====  ==========================================================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.compiled import bare
from emiss.reco.formats.date import layout as la
from emiss.reco.formats.date import reasons as why
from emiss.reco.formats.date.decoding import workspace as ws
from emiss.reco.formats.date.decoding.apv_kernels import put_record

if TYPE_CHECKING:
    from emiss.configs.arrays import Array
    from emiss.reco.formats.date.decoding.workspace import Output

_TOO_LARGE = 0xC000C000
"""Bits of a word of samples that are 0."""


@bare
def decode_boards(words: Array, first: int, last: int, event: int, source: int, slink_event: int, out: Output) -> None:
    """Decode the blocks of a source, words `first` to `last`, to rows of `Output.sadc`.

    A board is the module of port board/4 and ADC board mod 4 there. A block of a known size that is not of this event, or not
    whole, is left out; behind a header that cannot be one, or a size beyond the source, nothing is read.
    """
    at = np.int64(first)
    found, announced = 0, np.int64(1)
    while at < last:
        head = np.int64(words[at])
        size = head & 0xFFFF
        if (
            head >> 28 != la.WAVE_BLOCK
            or last - at < la.WAVE_HEADER
            or np.int64(words[at + 1]) >> 24 != la.WAVE_VERSION
        ):
            put_record(out, event, why.WB_BAD_HEADER, source, 0, 0, 0, 0)
            return
        if size < la.WAVE_HEADER or at + size > last:
            put_record(out, event, why.WB_BAD_SIZE, source, size, 0, 0, 0)
            return
        board = (head >> 23) & 31
        number = np.int64(words[at + 1]) & 0xFFFFF
        found += 1
        announced = (head >> 16) & 63
        if number != slink_event:
            put_record(out, event, why.WB_WRONG_EVENT, board, source, number, slink_event, 0)
        elif size == la.WAVE_HEADER and not head >> 22 & 1:
            put_record(out, event, why.WB_NO_CHANNEL, board, source, 0, 0, 0)
        else:
            _board(words, at + la.WAVE_HEADER, at + size, event, source, board, out)
        at += size
    if found != announced:
        put_record(out, event, why.WB_BOARDS_MISSING, source, found, announced, 0, 0)


@bare
def _board(words: Array, first: int, last: int, event: int, source: int, board: int, out: Output) -> None:
    """Decode the channels of a board, words `first` to `last`."""
    counts = out.counts
    at = np.int64(first)
    while at < last:
        head = np.int64(words[at])
        samples, channel = head & 0xFFFF, (head >> 20) & 0xFF
        count = (samples + 1) // 2
        if head >> 28 != la.WAVE_CHANNEL:
            put_record(out, event, why.WB_BAD_DATA_HEADER, board, source, 0, 0, 0)
            return
        if samples == 0 or samples > la.WAVE_SAMPLES or at + 1 + count > last:
            put_record(out, event, why.WB_DATA_OUTSIDE, board, source, 0, 0, 0)
            return
        at += 1
        bits = np.int64(0)
        for k in range(count):
            bits |= np.int64(words[at + k])
        if samples & 1 and np.int64(words[at + count - 1]) >> 16:
            bits = np.int64(_TOO_LARGE)  # what is behind the last sample is 0
        if channel >= la.SADC_CHANNELS:
            put_record(out, event, why.WB_CHANNEL_OUTSIDE, channel, source, 0, 0, 0)
        elif bits & _TOO_LARGE:
            put_record(out, event, why.WB_BAD_DATA, channel, source, 0, 0, 0)
        else:
            row, start = counts[ws.SADC], counts[ws.SAMPLES]
            # without room for its samples only the words are counted; the batch is decoded again
            if row < len(out.start) and start + count <= len(out.samples):
                total = np.int64(0)
                for k in range(count):
                    word = words[at + k]
                    out.samples[start + k] = word
                    total += (np.int64(word) & 0xFFFF) + (np.int64(word) >> 16)
                digit = out.sadc[row]
                digit[0], digit[1], digit[2], digit[3] = source, board // la.ADCS, board % la.ADCS, channel
                digit[4], digit[5] = total, samples
                out.start[row] = start
            counts[ws.SADC] = row + 1
            counts[ws.SAMPLES] = start + count
        at += count


@bare
def lacks_board(words: Array, first: int, last: int, slink_event: int) -> bool:
    """Whether the blocks of a source, words `first` to `last`, miss a board or cannot be followed to the end."""
    at = np.int64(first)
    found, announced = 0, np.int64(1)
    while at < last:
        head = np.int64(words[at])
        size = head & 0xFFFF
        if head >> 28 != la.WAVE_BLOCK or size < la.WAVE_HEADER or at + size > last:
            return True
        if np.int64(words[at + 1]) & 0xFFFFF != slink_event & 0xFFFFF:
            return True
        found += 1
        announced = (head >> 16) & 63
        at += size
    return found != announced
