"""Compiled decoding of TDC boards: our own format, as that of the experiment's straw TDC is not public.

A source holds one block per board, all of them also when there is nothing in them. Words of a block:

====  ==========================================================================================================
0     marker 0xD (bits 28 to 31), board (23 to 27), 0 (22), boards of the source (16 to 21), words of the block (0 to 15)
1     version (24 to 31), 0, event in spill (0 to 19)
then  for each hit: marker 0xE (28 to 31), channel (20 to 27), count (0 to 19)
last  marker 0xF (28 to 31), 0, hits of the block (0 to 15)
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


@bare
def decode_tdcs(words: Array, first: int, last: int, event: int, source: int, slink_event: int, out: Output) -> None:
    """Decode the blocks of a source, words `first` to `last`, to rows of `Output.tdc`.

    A block of a known size that is not of this event, or has no end, is left out; behind a header that cannot be one, or a size
    beyond the source, nothing is read.
    """
    at = np.int64(first)
    found, announced = 0, np.int64(1)
    while at < last:
        head = np.int64(words[at])
        size = head & 0xFFFF
        if head >> 28 != la.TDC_BLOCK or last - at < la.TDC_SMALLEST or np.int64(words[at + 1]) >> 24 != la.TDC_VERSION:
            put_record(out, event, why.TD_BAD_HEADER, source, 0, 0, 0, 0)
            return
        if size < la.TDC_SMALLEST or at + size > last:
            put_record(out, event, why.TD_BAD_SIZE, source, size, 0, 0, 0)
            return
        board = (head >> 23) & 31
        number = np.int64(words[at + 1]) & 0xFFFFF
        end = np.int64(words[at + size - 1])
        found += 1
        announced = (head >> 16) & 63
        if number != slink_event:
            put_record(out, event, why.TD_WRONG_EVENT, board, source, number, slink_event, 0)
        elif end >> 16 != la.TDC_END << 12:
            put_record(out, event, why.TD_NO_TRAILER, board, source, 0, 0, 0)
        else:
            if end & 0xFFFF != size - la.TDC_SMALLEST:
                put_record(out, event, why.TD_HITS_MISSING, board, source, size - la.TDC_SMALLEST, end & 0xFFFF, 0)
            _board(words, at + la.TDC_HEADER, at + size - 1, event, source, board, out)
        at += size
    if found != announced:
        put_record(out, event, why.TD_BOARDS_MISSING, source, found, announced, 0, 0)


@bare
def _board(words: Array, first: int, last: int, event: int, source: int, board: int, out: Output) -> None:
    """Decode the hits of a board, words `first` to `last`."""
    for at in range(first, last):
        word = np.int64(words[at])
        channel = (word >> 20) & 0xFF
        if word >> 28 != la.TDC_HIT:
            put_record(out, event, why.TD_BAD_HIT, board, source, 0, 0, 0)
            return
        if channel >= la.TDC_CHANNELS:
            put_record(out, event, why.TD_CHANNEL_OUTSIDE, channel, source, 0, 0, 0)
            continue
        row = out.counts[ws.TDC]
        if row < len(out.tdc):
            hit = out.tdc[row]
            hit[0], hit[1], hit[2], hit[3] = source, board, channel, word & 0xFFFFF
        out.counts[ws.TDC] = row + 1


@bare
def lacks_tdc(words: Array, first: int, last: int, slink_event: int) -> bool:
    """Whether the blocks of a source, words `first` to `last`, miss a board or cannot be followed to the end."""
    at = np.int64(first)
    found, announced = 0, np.int64(1)
    while at < last:
        head = np.int64(words[at])
        size = head & 0xFFFF
        if head >> 28 != la.TDC_BLOCK or size < la.TDC_SMALLEST or at + size > last:
            return True
        if np.int64(words[at + 1]) & 0xFFFFF != slink_event & 0xFFFFF:
            return True
        found += 1
        announced = (head >> 16) & 63
        at += size
    return found != announced
