"""The compiled pass of `lost_blocks`: the walk of the decoder down to the blocks, and not into them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.compiled import bare, kernel
from emiss.reco.formats.date import layout as la
from emiss.reco.formats.date import reasons as why
from emiss.reco.formats.date.decoding import workspace as ws
from emiss.reco.formats.date.decoding.decode_kernels import compare_sources, walk_event
from emiss.reco.formats.date.decoding.tdc_kernels import lacks_tdc
from emiss.reco.formats.date.decoding.wave_kernels import lacks_board

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Bools, Ints, Words
    from emiss.reco.formats.date.decoding.workspace import Output, Tables


@bare
def _lacks_module(words: Array, first: int, last: int, slink_event: int) -> bool:
    """Whether the MSADC blocks of a source, words `first` to `last`, miss a module or cannot be followed to the end."""
    at = np.int64(first)
    while at < last:
        head = np.int64(words[at])
        size = (head >> 12) & 0xFFF
        if head >> 30 != 3 or size == 0 or at + size > last or head & 0xFFF != slink_event & 0xFFF:
            return True
        at += size
    return False


@bare
def _lacks_source(out: Output) -> bool:
    for row in range(min(out.counts[ws.RECORD], len(out.record))):  # noqa: SIM110 (compiled)
        if out.record[row, 1] == why.EVENT_MISSING_SRCID:
            return True
    return False


@kernel
def mark_lost_blocks(words: Words, first: Ints, size: Ints, safe: bool, tables: Tables, out: Output) -> Bools:
    """Return which events lack a source of the maps, an MSADC module, or all that stands behind damage.

    Parameters
    ----------
    words : uint32 array, read-only
    first, size : int64 arrays of shape (events,)
        First word and number of words of each physics event.
    safe : bool
    tables : Tables
    out : Output
        Scratch for one event.
    """
    seen = np.zeros(la.SOURCES, np.bool_)
    lost = np.zeros(len(first), np.bool_)
    for event in range(len(first)):
        out.counts[:] = 0
        fate, n = walk_event(words, first[event], first[event] + size[event], 0, True, safe, tables, out)
        if fate:
            lost[event] = True
            continue
        compare_sources(0, n, seen, tables, out)
        lost[event] = _lacks_source(out)
        for row in range(n):
            if out.source_class[row] == la.CLASS_SADC and not lost[event]:
                lost[event] = _lacks_module(words, out.sources[row, 0], out.sources[row, 1], out.sources[row, 3])
            elif out.source_class[row] == la.CLASS_WAVE and not lost[event]:
                lost[event] = lacks_board(words, out.sources[row, 0], out.sources[row, 1], out.sources[row, 3])
            elif out.source_class[row] == la.CLASS_TDC and not lost[event]:
                lost[event] = lacks_tdc(words, out.sources[row, 0], out.sources[row, 1], out.sources[row, 3])
    return lost
