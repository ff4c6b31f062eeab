"""Compiled walk from events to sources and from sources to digits, every size checked before a word is read.

`decode` is called for the events of a batch. It walks an event down to its S-Link blocks (`walk_event`, `_leaf`, `_slink`),
compares the sources seen with the maps, then decodes each block (`_sadc`, `apv_kernels.decode_source`,
`wave_kernels.decode_boards`, `tdc_kernels.decode_tdcs`). What does not fit into the workspace is counted and not stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.compiled import bare, kernel
from emiss.reco.formats.date import layout as la
from emiss.reco.formats.date import reasons as why
from emiss.reco.formats.date.decoding import workspace as ws
from emiss.reco.formats.date.decoding.apv_kernels import decode_source, put_record
from emiss.reco.formats.date.decoding.tdc_kernels import decode_tdcs
from emiss.reco.formats.date.decoding.wave_kernels import decode_boards

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Bools, Ints, Words
    from emiss.reco.formats.date.decoding.workspace import Output, Tables

_GO_ON, _STOP, _THROW = 0, 1, 2
"""What becomes of the rest of an event after one of its parts; `_THROW` + n means: lost for reason n."""


@bare
def _class_of(tables: Tables, slink_type: int, source: int, format_: int) -> int:
    """Return what decodes a source: the first rule that matches, else what the S-Link format says."""
    rules = tables.rules
    for row in range(len(rules)):
        if (
            (rules[row, 0] < 0 or rules[row, 0] == slink_type)
            and (rules[row, 1] < 0 or rules[row, 1] == source)
            and (rules[row, 2] < 0 or rules[row, 2] == format_ & 127)
        ):
            return rules[row, 3]
    if format_ & 3:
        return la.CLASS_UNKNOWN
    if (format_ & 127) >> 4 == 0:
        return la.CLASS_APV
    if (format_ & 127) >> 4 == 6:
        return la.CLASS_DUMMY
    return la.CLASS_UNKNOWN


@bare(forceinline=True)
def _slink(words: Array, first: int, last: int, event: int, tables: Tables, out: Output, n: int) -> int:
    """Check one S-Link block (three header words at `first`) that ends before `last`; enter it into the list of sources.

    Returns the new number of sources. The size of the block has been compared with its frame already.
    """
    head, numbers, status = np.int64(words[first]), np.int64(words[first + 1]), np.int64(words[first + 2])
    source = (head >> 16) & 0x3FF
    tcs = (status >> 8) & 0xFF
    if tcs & 1:
        put_record(out, event, why.TCS_FIFO, source, 0, 0, 0, 0)
    if not tcs & 8:
        put_record(out, event, why.TCS_ECC, source, 0, 0, 0, 0)
    if tcs & 0x40:
        put_record(out, event, why.TCS_SYNC, source, 0, 0, 0, 0)
    if tcs & 0xB6:
        put_record(out, event, why.TCS_UNDEF, source, 0, 0, 0, 0)
    if head >> 31:
        put_record(out, event, why.SLINK_ERRFLAG, source, 0, 0, 0, 0)
    if (status >> 16) & 0xFF:
        put_record(out, event, why.SLINK_ERRNR, source, (status >> 16) & 0xFF, 0, 0, 0)
    format_ = status >> 24
    kind = _class_of(tables, (head >> 26) & 31, source, format_)
    if format_ & 0x80:
        # the description of a front end at the first event of a run: 20 header words and no digits
        if last - first < 20:
            put_record(out, event, why.EXCEPTION, source, 0, 0, 0, 0)
        put_record(out, event, why.EXCEPTION, source, 0, 0, 0, 0)
        kind = la.CLASS_DUMMY
    elif kind == la.CLASS_UNKNOWN:
        put_record(out, event, why.EXCEPTION, source, 0, 0, 0, 0)
        put_record(out, event, why.EXCEPTION, source, 0, 0, 0, 0)
    if n < len(out.sources):
        out.sources[n, 0] = first + la.SLINK_WORDS
        out.sources[n, 1] = last
        out.sources[n, 2] = source
        out.sources[n, 3] = (numbers & 0xFFFFF) | ((tcs & 0x41) << 32)
        out.source_class[n] = kind
        n += 1
    return n


@bare
def _multiplexer(
    words: Array, first: int, last: int, event: int, in_spill: int, tables: Tables, out: Output, n: int
) -> int:
    """Enter the S-Link blocks that fill a multiplexer (two header words at `first`); none if they do not fill it."""
    source = (np.int64(words[first]) >> 16) & 0x3FF
    at = first + 2
    while at < last:
        size = np.int64(words[at]) & 0xFFFF
        # a block without room for its header would be read beyond the multiplexer
        if size == 0 or at + size > last or size < la.SLINK_WORDS:
            put_record(out, event, why.SLINKM_BAD_SIZE, source, size, 0, 0, 0)
            return n
        at += size
    at = first + 2
    while at < last:
        size = np.int64(words[at]) & 0xFFFF
        if np.int64(words[at + 1]) & 0xFFFFF != in_spill:
            put_record(out, event, why.SLINK_WRONG_EVENT_NUMBER, (np.int64(words[at]) >> 16) & 0x3FF, 0, 0, 0, 0)
            out.flagged[event] = 1
        n = _slink(words, at, at + size, event, tables, out, n)
        at += size
    return n


@bare(forceinline=True)
def _leaf(
    words: Array, first: int, last: int, event: int, physics: bool, safe: bool, tables: Tables, out: Output, n: int
) -> tuple[int, int]:
    """Walk the equipments of an event without sub-events, words `first` to `last`.

    Returns what becomes of the rest and the new number of sources.
    """
    old = words[first + 3] < la.VERSION_LIMIT
    if old:
        type_ = np.int64(words[first + 2])
        in_spill = np.int64(words[first + 7])
        at = first + np.int64(words[first + 3]) // 4
        head = la.OLD_EQUIPMENT_WORDS
    else:
        type_ = np.int64(words[first + 4])
        in_spill = np.int64(words[first + 7]) & 0xFFFFF
        at = first + np.int64(words[first + 2]) // 4
        head = la.EQUIPMENT_WORDS
    kind = type_ & la.TYPE_MASK
    if kind < la.END_OF_BURST or kind > la.CALIBRATION:
        if not safe or physics:
            put_record(out, event, why.EVENT_UNKNOWN, kind, 0, 0, 0, 0)
            out.flagged[event] = 1
        return _STOP, n
    if at < last and not old and type_ & la.SWAPPED_FLAG:
        return _THROW + why.SWAPPED, n
    while at < last:
        left = 4 * (last - at)
        if left < 4 * head:
            put_record(out, event, why.EVENT_CORRUPTED0, 0, 0, 0, 0, 0)
            out.flagged[event] = 1
            return _STOP, n
        size = 12 + (np.int64(words[at]) & 0xFFFF) + np.int64(words[at + 2]) if old else np.int64(words[at])
        if size > left:
            put_record(out, event, why.EVENT_CORRUPTED0, 0, 0, 0, 0, 0)
            out.flagged[event] = 1
            return _STOP, n
        if size < 4 * head or size % 4:
            put_record(out, event, why.EVENT_CORRUPTED1, size, 0, 0, 0, 0)
            out.flagged[event] = 1
            return _STOP, n
        stop = at + size // 4
        slink = at + head
        at = stop
        if stop - slink < la.SLINK_WORDS:
            continue
        source = (np.int64(words[slink]) >> 16) & 0x3FF
        announced = np.int64(words[slink]) & 0xFFFF
        multiplexer = source >= la.FIRST_MULTIPLEXER
        if not multiplexer and np.int64(words[slink + 1]) & 0xFFFFF != in_spill:
            put_record(out, event, why.SLINK_WRONG_EVENT_NUMBER, source, 0, 0, 0, 0)
            out.flagged[event] = 1
        if size != 4 * (head + announced):
            put_record(out, event, why.EVENT_CORRUPTED2, source, size, 4 * announced, 0, 0)
            out.flagged[event] = 1
        elif multiplexer:
            n = _multiplexer(words, slink, stop, event, in_spill, tables, out, n)
        else:
            n = _slink(words, slink, stop, event, tables, out, n)
    return _GO_ON, n


@bare
def _same_event(words: Array, a: int, b: int) -> bool:
    """Whether two headers agree in version, run, spill, event in run and event in spill."""
    if words[a + 3] != words[b + 3]:
        return False
    if words[a + 3] < la.VERSION_LIMIT:
        return (
            words[a + 4] == words[b + 4]
            and words[a + 5] == words[b + 5]
            and words[a + 6] == words[b + 6]
            and words[a + 7] == words[b + 7]
        )
    return words[a + 5] == words[b + 5] and words[a + 6] == words[b + 6] and words[a + 7] == words[b + 7]


@bare
def _is_super(words: Array, first: int) -> bool:
    if words[first + 3] < la.VERSION_LIMIT:
        return (words[first + 10] | words[first + 12]) >> 31 != 0
    return words[first + 13] & la.SUPER_FLAG != 0


@bare(forceinline=True)
def walk_event(
    words: Array, first: int, last: int, event: int, physics: bool, safe: bool, tables: Tables, out: Output
) -> tuple[int, int]:
    """Walk an event down to its S-Link blocks.

    Returns `_GO_ON`, `_STOP` (stopped at the outer level: sources are not compared) or `_THROW` and a reason, and the
    number of sources found.
    """
    if not _is_super(words, first):
        return _leaf(words, first, last, event, physics, safe, tables, out, 0)
    limit = la.MAX_NESTING if safe else la.MAX_NESTING_ORACLE
    # one open event per level: its header and end, and where its next sub-event begins
    header, end, at = out.levels[0], out.levels[1], out.levels[2]
    level = 0
    header[0], end[0] = first, last
    at[0] = first + np.int64(words[first + (3 if words[first + 3] < la.VERSION_LIMIT else 2)]) // 4
    n = 0
    while level >= 0:
        if at[level] >= end[level]:
            level -= 1
            continue
        sub, outer = at[level], header[level]
        left = end[level] - sub
        corrupted = left < 4 or sub == outer
        whole = la.HEADER_WORDS
        if not corrupted:
            size = np.int64(words[sub])
            old = words[sub + 3] < la.VERSION_LIMIT
            length = np.int64(words[sub + 3] if old else words[sub + 2])
            whole = la.OLD_HEADER_WORDS if old else la.HEADER_WORDS
            if safe and left < whole:
                corrupted = True
            elif (
                words[sub + 1] != la.MAGIC
                or size == 0
                or size % 4
                or size < length
                or length % 4
                or (safe and length != 4 * whole)
            ):
                return _THROW + why.SUBEVENT_SIZE, 0
            elif left < whole:
                corrupted = True
            elif not _same_event(words, sub, outer):
                put_record(out, event, why.EVENT_SUBEVENT_HEADER_DIFF, 0, 0, 0, 0, 0)
                out.flagged[event] = 1
                if level == 0:
                    return _STOP, n
                level -= 1
                continue
            else:
                corrupted = size > 4 * left or size < 4 * whole
        nested = not corrupted and _is_super(words, sub)
        if corrupted or (nested and level + 2 >= limit):
            put_record(out, event, why.EVENT_CORRUPTED0, 0, 0, 0, 0, 0)
            out.flagged[event] = 1
            if level == 0:
                return _STOP, n
            level -= 1
            continue
        stop = sub + size // 4
        at[level] = stop
        if nested:
            level += 1
            header[level], end[level] = sub, stop
            at[level] = sub + length // 4
            continue
        fate, n = _leaf(words, sub, stop, event, physics, safe, tables, out, n)
        if fate >= _THROW:
            return fate, 0
    return _GO_ON, n


@bare(forceinline=True)
def compare_sources(event: int, n: int, seen: Array, tables: Tables, out: Output) -> None:
    """Record sources that a map names and the event lacks, and sources that no map names; both ascending."""
    if len(tables.sources) == 0:
        return
    for row in range(n):
        seen[out.sources[row, 2]] = True
    for row in range(len(tables.sources)):
        if not seen[tables.sources[row]]:
            put_record(out, event, why.EVENT_MISSING_SRCID, tables.sources[row], 0, 0, 0, 0)
    unknown = False
    for row in range(n):
        unknown = unknown or not tables.known[out.sources[row, 2]]
    if unknown:
        for source in range(la.SOURCES):
            if seen[source] and not tables.known[source]:
                put_record(out, event, why.EVENT_UNKNOWN_SRCID, source, 0, 0, 0, 0)
    for row in range(n):
        seen[out.sources[row, 2]] = False


@bare(forceinline=True)
def _mark_unseen(n: int, seen: Array, sources: Array, found: Array, unseen: Array) -> None:
    """Mark in `unseen` which of the known `sources` are not among the first `n` that were found."""
    for row in range(n):
        seen[found[row, 2]] = True
    for row in range(len(sources)):
        unseen[row] = not seen[sources[row]]
    for row in range(n):
        seen[found[row, 2]] = False


@bare(forceinline=True)
def _waveform(words: Array, first: int, samples: int, room: Array, start: int) -> int:
    """Unpack the data words of one channel to `room[start:]`; return the number of samples before a bad marker."""
    count = (samples + 1) // 2
    source = words[first : first + count]
    target = room[start : start + count]
    # the first marker is 01, all others are 10
    others = np.uint32(0)  # of 32 bits, as the words are: a wider sum, which numba would make, is three times as slow
    for k in range(count):
        word = source[k]
        others = np.uint32(others + np.uint32((word >> np.uint32(30)) != 2))
        target[k] = (word & np.uint32(0xFFF)) | ((word & np.uint32(0xFFF000)) << np.uint32(4))
    if samples & 1:
        target[count - 1] &= np.uint32(0xFFFF)
    if others == 1 and source[0] >> np.uint32(30) == 1:
        return samples
    for k in range(count):
        if source[k] >> np.uint32(30) != (1 if k == 0 else 2):
            return 2 * k
    return samples


@bare(forceinline=True)
def _sadc(
    words: Array,
    first: int,
    last: int,
    limit: int,
    event: int,
    source: int,
    slink_event: int,
    in_spill: int,
    safe: bool,
    out: Output,
) -> None:
    """Decode the MSADC blocks of a source, words `first` to `last`; no word from `limit` on may be read."""
    digits, starts, room, counts = out.sadc, out.start, out.samples, out.counts
    at = first
    while at < last:
        head = np.int64(words[at])
        key = head >> 30
        size = (head >> 12) & 0xFFF
        port = (head >> 27) & 7
        adc = (head >> 25) & 3
        if key == 0:
            put_record(out, event, why.SADC_MODULE_MISSING, port, adc, source, 0, 0)
        if key != 3 and not (key == 0 and size == 1):
            put_record(out, event, why.SADC_BAD_H_ADC, source, 0, 0, 0, 0)
            return
        if at + size > last:
            put_record(out, event, why.SADC_H_ADC_BAD_SIZE, source, 0, 0, 0, 0)
            return
        if head & 0xFFF != slink_event & 0xFFF:
            put_record(out, event, why.SADC_WRONG_EVENT, adc, source, head & 0xFFF, in_spill & 0xFFF, 0)
            return
        if size == 0:
            put_record(out, event, why.SADC_BLOCK_SIZE_ZERO, source, 0, 0, 0, 0)
            return
        stop = at + size
        channel = at + 1
        while channel < stop:
            word = np.int64(words[channel])
            samples = (word >> 16) & 0x1FF
            count = (samples + 1) // 2
            if word >> 30 != 1:
                put_record(out, event, why.SADC_BAD_DATA_HEADER, adc, source, 0, 0, 0)
                break
            # the library counts the channel header among the words left; one word too many passes there
            left = stop - channel - (1 if safe else 0)
            if samples == 0 or count > left or channel + 1 + count > limit:
                put_record(out, event, why.SADC_DATA_OUTSIDE, source, 0, 0, 0, 0)
                break
            number = (word >> 26) & 15
            row, start = counts[ws.SADC], counts[ws.SAMPLES]
            # without room for its samples only the words are counted; the batch is decoded again
            stored = row < len(starts) and start + count <= len(room)
            good = _waveform(words, channel + 1, samples, room, start) if stored else samples
            if good != samples:
                closing = np.int64(words[channel + count]) >> 30
                if safe and good == 2 * (count - 1) and count > 1 and closing == 1:
                    # the last word looks like the next channel's header: the count is too large by one word
                    put_record(out, event, why.SADC_DATA_OUTSIDE, source, 0, 0, 0, 0)
                    break
                put_record(out, event, why.SADC_BAD_DATA, number, source, 0, 0, 0)
            if good == samples or not safe:
                if stored:
                    digits[row, 0], digits[row, 1], digits[row, 2], digits[row, 3] = source, port, adc, number
                    digits[row, 4], digits[row, 5] = word & 0xFFFF, good
                    starts[row] = start
                    if good != samples:
                        room[start + good // 2 : start + count] = 0
                counts[ws.SADC] += 1
                counts[ws.SAMPLES] += count
            channel += 1 + count
        at = stop


@kernel
def decode(words: Words, first: Ints, size: Ints, physics: Bools, safe: bool, tables: Tables, out: Output) -> None:
    """Decode events to digits before the channel map.

    Parameters
    ----------
    words : uint32 array, read-only
        The file.
    first, size : int64 arrays of shape (events,)
        First word and number of words of each event; inside `words`, and at least a header long.
    physics : bool array of shape (events,)
        The event is of type physics: its parts must be decodable. Others are what they are.
    safe : bool
        Policy: the recommended one, or the library's behaviour.
    tables : Tables
    out : Output
        Filled; see `Output.counts` for the room that was needed.
    """
    seen = np.zeros(la.SOURCES, np.bool_)
    discarded = np.zeros(la.SOURCES, np.bool_)
    out.counts[:] = 0
    for event in range(len(first)):
        start, stop = first[event], first[event] + size[event]
        out.flagged[event] = 0
        out.thrown[event] = 0
        fate, n = walk_event(words, start, stop, event, physics[event], safe, tables, out)
        if fate >= _THROW:
            out.thrown[event] = fate - _THROW
            n = 0
        elif fate == _GO_ON and (physics[event] or not safe):
            compare_sources(event, n, seen, tables, out)
        _mark_unseen(n, seen, tables.sources, out.sources, out.unseen[event])
        old = words[start + 3] < la.VERSION_LIMIT
        in_spill = np.int64(words[start + 7]) & (0xFFFFFFFF if old else 0xFFFFF)
        for row in range(n):
            if out.sources[row, 3] >> 32:
                discarded[out.sources[row, 2]] = True
        tag = np.int64(-1)
        for row in range(n):
            low, high, source = out.sources[row, 0], out.sources[row, 1], out.sources[row, 2]
            slink_event = out.sources[row, 3] & 0xFFFFF
            if out.source_class[row] == la.CLASS_SADC:
                _sadc(words, low, high, stop, event, source, slink_event, in_spill, safe, out)
            elif out.source_class[row] == la.CLASS_WAVE:
                decode_boards(words, low, high, event, source, slink_event, out)
            elif out.source_class[row] == la.CLASS_TDC:
                decode_tdcs(words, low, high, event, source, slink_event, out)
            elif out.source_class[row] == la.CLASS_APV and not discarded[source]:
                tag, thrown = decode_source(words, low, high, event, source, slink_event, tag, safe, tables, out)
                if thrown:
                    out.thrown[event] = why.SINGLE_FRAME
                    break
        for row in range(n):
            discarded[out.sources[row, 2]] = False
        out.sadc_stop[event] = out.counts[ws.SADC]
        out.apv_stop[event] = out.counts[ws.APV]
        out.tdc_stop[event] = out.counts[ws.TDC]
