"""Compiled decoding of the APV25 blocks of one source: first a check of all sizes, then the digits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.compiled import bare
from emiss.reco.formats.date import layout as la
from emiss.reco.formats.date import reasons as why
from emiss.reco.formats.date.decoding import workspace as ws

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Words
    from emiss.reco.formats.date.decoding.workspace import Output, Tables

_THREE_FRAMES, _SPARSE, _COMMON_MODE, _VERSION2 = 1, 2, 8, 64
"""Bits of an ADC's format."""

GROUP = 32
"""Strips that are compared with their thresholds at once."""


@bare
def put_record(out: Output, event: int, code: int, a: int, b: int, c: int, d: int, e: int) -> None:
    """Add a record with its arguments; unused ones are 0."""
    row = out.counts[ws.RECORD]
    if row < len(out.record):
        record = out.record[row]
        record[0], record[1] = event, code
        record[2], record[3], record[4], record[5], record[6] = a, b, c, d, e
    out.counts[ws.RECORD] = row + 1


@bare
def _cell(code: int) -> int:
    """Return the pipeline cell 0 to 191 of a Gray-coded address of 8 bits, or -1."""
    code ^= code >> 1
    code ^= code >> 2
    code ^= code >> 4
    return code - 32 if 32 <= code <= 223 else -1


@bare(forceinline=True)
def _scan(
    words: Array,
    first: int,
    last: int,
    event: int,
    source: int,
    slink_event: int,
    tag: int,
    safe: bool,
    tables: Tables,
    out: Output,
) -> tuple[int, int]:
    """Check the blocks of a source; return where its good chips end and the time tag of the event's first ADC (or -1)."""
    row = tables.adc_row[source]
    # an ADC is seen if it bears the stamp of this source and event; nothing has to be cleared
    stamps = out.stamps
    stamp = stamps[la.APV_ADCS] + 1
    stamps[la.APV_ADCS] = stamp
    local = np.int64(-1)
    told = False
    at = first
    while at < last:
        size = np.int64(words[at]) & 0xFFFF
        if size == 0 or at + size > last or at + 1 >= last or (safe and size == 1):
            put_record(out, event, why.APV_ADC_OUT, source, 0, 0, 0, 0)
            return first, tag
        adc = (np.int64(words[at]) >> 16) & 0xFF
        stamps[adc] = stamp
        mine = np.int64(words[at + 1]) & 0xFFFFFF
        format_ = np.int64(words[at + 1]) >> 24
        if local < 0:
            local = mine
        elif mine != local:
            put_record(out, event, why.APV_LOCAL_TIMETAG_FAILED, adc, source, 0, 0, 0)
        if tag < 0:
            tag = mine
        elif mine != tag and not told and tag < 1 << 32:
            # told once per event: the mark above the tag's 24 bits says so to the sources that follow
            put_record(out, event, why.APV_LAST_TRIGGER_TICKS_FAILED, adc, source, 0, 0, 0)
            told = True
        common = 1 if format_ & _COMMON_MODE or tables.common_mode[source] else 0
        stop = at + size
        chip = at + 2
        while chip < stop:
            head = np.int64(words[chip])
            if (head >> 16) & 0xFFF != slink_event & 0xFFF:
                put_record(out, event, why.APV_H_WR_EV, source, 0, 0, 0, 0)
                return chip, (tag | (1 << 32) if told else tag)
            length = head & 0xFFFF
            if safe:
                out_of_place = length < 2 + common or chip + length > stop
                out_of_place = out_of_place or (not format_ & _SPARSE and length - 2 - common > la.APV_CHANNELS)
            else:
                # the library compares without the common-mode word; what it would read beyond the source is refused
                out_of_place = length - common <= 0 or chip + length - common > stop
                out_of_place = out_of_place or chip + max(length, 2) > last
            if out_of_place:
                put_record(out, event, why.APV_APV_OUT, source, 0, 0, 0, 0)
                return first, (tag | (1 << 32) if told else tag)
            chip += length
        at = chip
    if row >= 0:
        for k in range(tables.adc_first[row], tables.adc_first[row + 1]):
            if stamps[tables.adcs[k]] != stamp:
                put_record(out, event, why.APV_MISS_ADC, tables.adcs[k], source, 0, 0, 0)
    return last, (tag | (1 << 32) if told else tag)


@bare(forceinline=True)
def _chip(
    words: Array,
    first: int,
    count: int,
    adc_head: int,
    adc_word: int,
    event: int,
    source: int,
    common: int,
    tables: Tables,
    out: Output,
) -> int:
    """Store the digits of one chip block; return 0, 1 (frames not good) or 2 (single-frame data)."""
    head, frames = np.int64(words[first]), np.int64(words[first + 1])
    format_ = adc_word >> 24
    adc = (adc_head >> 16) & 0xFF
    chip = head >> 28
    if count > 0 and not (frames & 1 and (frames >> 9) & 1 and (frames >> 18) & 1):
        for _ in range(count):
            put_record(out, event, why.APV_H_S_E, adc, chip, source, (frames >> 9) & 1, (frames >> 18) & 1)
        return 1
    if count > 0 and not format_ & _THREE_FRAMES:
        return 2
    row = out.counts[ws.CHIP]
    if row < len(out.chip):
        about = out.chip[row]
        about[0], about[1], about[2] = source, adc, chip
        about[3] = (ws.SPARSE if format_ & _SPARSE else 0) | (ws.VERSION2 if format_ & _VERSION2 else 0)
        about[4] = adc_word & 0xFFFFFF
        correction = np.int64(words[first + 2 + count]) if common and count else np.int64(0)
        for frame in range(3):
            about[5 + frame] = _cell((frames >> (1 + 9 * frame)) & 0xFF)
            about[8 + frame] = (correction >> (10 * frame)) & 0x3FF
    out.counts[ws.CHIP] = row + 1
    data = words[first + 2 : first + 2 + count]
    if format_ & _SPARSE:
        _sparse(data, row, out)
    else:
        place = tables.chip_row[(source * la.APV_ADCS + adc) * la.APV_CHIPS + chip]
        _latch_all(data, row, tables.spare[place], out)
    return 0


@bare(forceinline=True)
def _sparse(data: Array, row: int, out: Output) -> None:
    """Store the digits of a chip that were chosen by the front end."""
    digit, count = out.counts[ws.APV], len(data)
    out.counts[ws.APV] = digit + count
    if digit + count > len(out.apv_chip):
        return
    chips = out.apv_chip[digit : digit + count]
    positions = out.apv_position[digit : digit + count]
    values = out.apv[digit : digit + count]
    for k in range(count):
        word = data[k]
        chips[k] = row
        positions[k] = word >> np.uint32(25)
        values[k, 0] = word & np.uint32(0xFF)
        values[k, 1] = (word >> np.uint32(8)) & np.uint32(0xFF)
        values[k, 2] = (word >> np.uint32(16)) & np.uint32(0x1FF)


@bare(forceinline=True)
def _latch_all(data: Array, row: int, spare: Array, out: Output) -> None:
    """Store those of all the digits of a chip that are wanted; see `Tables.spare`.

    Almost all strips hold noise, so that a group of them is compared at once, and looked at one by one if any is wanted.
    What stands beyond the positions that there are, under the library's policy, is stored.
    """
    digit = out.counts[ws.APV]
    compared = min(len(data), len(spare))
    for low in range(0, compared, GROUP):
        group, room = data[low : min(low + GROUP, compared)], spare[low : min(low + GROUP, compared)]
        wanted = np.uint32(0)
        for k in range(len(group)):
            wanted = np.uint32(wanted | _reached(group[k], room[k]))
        if wanted:
            for k in range(len(group)):
                if _reached(group[k], room[k]):
                    digit = _store(group[k], low + k, row, digit, out)
    for k in range(compared, len(data)):
        digit = _store(data[k], k, row, digit, out)
    out.counts[ws.APV] = digit


@bare
def _reached(word: int, spare: int) -> int:
    """Return what is not 0 if one of the three amplitudes and `spare` make 1024 or more: a carry above its 10 bits."""
    outer = np.uint32((word & np.uint32(0x3FF003FF)) + spare)
    inner = np.uint32(((word >> np.uint32(10)) & np.uint32(0x3FF)) + (spare & np.uint32(0x7FF)))
    return np.uint32((outer | inner) & np.uint32(0x40000400))


@bare(forceinline=True)
def _store(word: int, position: int, row: int, digit: int, out: Output) -> int:
    """Store a digit of latch-all data if there is room; return the number of the next one."""
    if digit < len(out.apv_chip):
        out.apv_chip[digit], out.apv_position[digit] = row, position
        for frame in range(3):
            out.apv[digit, frame] = (word >> np.uint32(10 * frame)) & np.uint32(0x3FF)
    return digit + 1


@bare(forceinline=True)
def decode_source(
    words: Words,
    first: int,
    last: int,
    event: int,
    source: int,
    slink_event: int,
    tag: int,
    safe: bool,
    tables: Tables,
    out: Output,
) -> tuple[int, bool]:
    """Decode the APV blocks of a source.

    Parameters
    ----------
    words : uint32 array
    first, last : int
        Words of the source's data.
    event, source, slink_event : int
        Event in the batch, source, event number of the S-Link header.
    tag : int
        Time tag of the first APV ADC of the event, -1 before it; bit 32 is set once a difference has been recorded.
    safe : bool
    tables : Tables
    out : Output

    Returns
    -------
    tag : int
    thrown : bool
        Single-frame data under the library's policy: the event ends here.
    """
    end, tag = _scan(words, first, last, event, source, slink_event, tag, safe, tables, out)
    at = first
    while at < end:
        adc_head, adc_word = np.int64(words[at]), np.int64(words[at + 1])
        common = 1 if (adc_word >> 24) & _COMMON_MODE or tables.common_mode[source] else 0
        stop = min(at + (adc_head & 0xFFFF), end)
        chip = at + 2
        while chip < stop:
            length = np.int64(words[chip]) & 0xFFFF
            count = max(length - 2 - common, 0)
            state = _chip(words, chip, count, adc_head, adc_word, event, source, common, tables, out)
            if state == 2:
                if not safe:
                    return tag, True
                put_record(out, event, why.APV_SINGLE_FRAME, source, 0, 0, 0, 0)
                return tag, False
            chip += length
        at = chip
    return tag, False
