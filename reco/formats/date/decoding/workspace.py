"""The arrays that the decoding kernels read and fill: tables made from the channel maps, and digits before the channel map.

A workspace is used again from batch to batch, since fresh memory costs more than the decoding. Every array has a limit; the
kernels count what does not fit and `decode` calls them again with more room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.reco.formats.date import layout, reasons

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Bools, Bytes, Ints, Words
    from emiss.reco.formats.date.channels.channel_map import ChannelMaps


class Tables(NamedTuple):
    """What the kernels must know of a run's maps.

    `rules` has the columns S-Link type, source, format, class. `known` and `common_mode` are true for sources named by a
    map and for sources with CMC_always; `sources` lists the known ones. The ADCs of source s that a map names are
    `adcs[adc_first[r]:adc_first[r + 1]]` with r = `adc_row[s]`, -1 for a source without APVs. `chip_row` by (source, ADC, chip)
    is the row of a chip in `spare`, which has, by position in the chip's stream, 1024 less the smallest amplitude that a
    latch-all digit is written for, in the bits of the first and again of the third amplitude; its last row is that of all chips
    that no map names.
    """

    rules: Array
    known: Array
    sources: Array
    common_mode: Array
    adc_row: Array
    adc_first: Array
    adcs: Array
    chip_row: Array
    spare: Array


class Output(NamedTuple):
    """Digits of a batch before the channel map; rows of a collection are in file order.

    Attributes
    ----------
    flagged, thrown : uint8 arrays of shape (events,)
        Event not good; reason why it was given up (`reasons.LOST`), or 0.
    unseen : bool array of shape (events, known sources)
        Which of the sources that the maps name were not found.
    sadc_stop, apv_stop, tdc_stop : int64 arrays of shape (events,)
        Rows of the collection up to and with each event.
    sadc : int32 array of shape (rows, 6)
        Source, port, ADC, channel, sum, number of samples.
    start : int64 array of shape (rows,)
        First of the digit's words in `samples`.
    samples : uint32 array
        Two samples of at most 14 bits per word, the earlier one in the low half; zero beyond the number of samples.
    chip : int64 array of shape (chips, 11)
        Source, ADC, chip, flags (`SPARSE`, `VERSION2`), time tag, three cells of the pipeline, three common modes.
    apv_chip, apv_position : int32 arrays of shape (rows,)
        Row of the chip, position in its stream.
    apv : uint16 array of shape (rows, 3)
        Frames as they are in the data.
    tdc : int32 array of shape (rows, 4)
        Source, board, channel, count.
    record : int64 array of shape (records, 2 + MAX_ARGUMENTS)
        Event in the batch, code, arguments.
    counts : int64 array of shape (6,)
        Rows needed of sadc, samples, chip, apv, record, tdc.
    sources : int64 array of shape (blocks, 4)
        Scratch for one event: first and last word, source, S-Link word 1; `source_class` beside it.
    levels : int64 array of shape (3, MAX_NESTING_ORACLE + 1)
        Scratch for super-events: header, end and next sub-event of each level that is open.
    stamps : int64 array of shape (APV_ADCS + 1,)
        Scratch for one source: who has seen each ADC last; the number of the last source at the end.
    """

    flagged: Bytes
    thrown: Bytes
    unseen: Bools
    sadc_stop: Ints
    apv_stop: Ints
    tdc_stop: Ints
    sadc: Array
    start: Ints
    samples: Words
    chip: Ints
    apv_chip: Array
    apv_position: Array
    apv: Array
    tdc: Array
    record: Ints
    counts: Ints
    sources: Ints
    source_class: Array
    levels: Ints
    stamps: Ints


SADC, SAMPLES, CHIP, APV, RECORD, TDC = 0, 1, 2, 3, 4, 5
"""Positions in `Output.counts`."""

SPARSE, VERSION2 = 1, 2
"""Flags of a chip."""

CHIP_COLUMNS = 11


def tables(maps: ChannelMaps, chip_row: Ints | None = None, spare: Array | None = None) -> Tables:
    """Return the tables of a run's maps; `chip_row` and `spare` of `Tables` are needed for strips alone."""
    classes = {
        "ChipSADC": layout.CLASS_SADC,
        "ChipAPV": layout.CLASS_APV,
        "ChipWaveBoard": layout.CLASS_WAVE,
        "ChipTDCBoard": layout.CLASS_TDC,
    }
    rules = np.array(
        [(r.slink_type, r.source, r.format, classes.get(r.chip, layout.CLASS_UNKNOWN)) for r in maps.rules], np.int64
    ).reshape(-1, 4)
    known = np.zeros(layout.SOURCES, np.bool_)
    known[list(maps.sources)] = True
    common_mode = np.zeros(layout.SOURCES, np.bool_)
    common_mode[list(maps.common_mode_always)] = True
    strips = sorted({entry.source for entry in maps.apv})
    adc_row = np.full(layout.SOURCES, -1, np.int64)
    adc_row[strips] = np.arange(len(strips))
    named = sorted({(entry.source, entry.adc) for entry in maps.apv})
    adc_first = np.searchsorted([adc_row[source] for source, _ in named], np.arange(len(strips) + 1)).astype(np.int64)
    adcs = np.array([adc for _, adc in named], np.int64)
    sources = np.array(maps.sources, np.int64)
    if chip_row is None or spare is None:
        chip_row, spare = np.empty(0, np.int64), np.empty((0, layout.APV_CHANNELS), np.uint32)
    return Tables(rules, known, sources, common_mode, adc_row, adc_first, adcs, chip_row, spare)


def allocate(events: int, largest: int, counts: Ints, known: int = 0) -> Output:
    """Return a workspace.

    Parameters
    ----------
    events : int
        Events of a batch.
    largest : int
        Words of its largest event.
    counts : int64 array of shape (6,)
        Rows of sadc, samples, chip, apv, record, tdc.
    known : int
        Sources that the maps name.
    """
    sadc, samples, chip, apv, record, tdc = (int(n) for n in counts)
    return Output(
        flagged=np.empty(events, np.uint8),
        thrown=np.empty(events, np.uint8),
        unseen=np.empty((events, known), np.bool_),
        sadc_stop=np.empty(events, np.int64),
        apv_stop=np.empty(events, np.int64),
        tdc_stop=np.empty(events, np.int64),
        sadc=np.empty((sadc, 6), np.int32),
        start=np.empty(sadc, np.int64),
        samples=np.empty(samples, np.uint32),
        chip=np.empty((chip, CHIP_COLUMNS), np.int64),
        apv_chip=np.empty(apv, np.int32),
        apv_position=np.empty(apv, np.int32),
        apv=np.empty((apv, 3), np.uint16),
        tdc=np.empty((tdc, 4), np.int32),
        record=np.empty((record, 2 + reasons.MAX_ARGUMENTS), np.int64),
        counts=np.zeros(6, np.int64),
        sources=np.empty((largest // 3 + 1, 4), np.int64),
        source_class=np.empty(largest // 3 + 1, np.int64),
        levels=np.empty((3, layout.MAX_NESTING_ORACLE + 1), np.int64),
        stamps=np.zeros(layout.APV_ADCS + 1, np.int64),
    )
