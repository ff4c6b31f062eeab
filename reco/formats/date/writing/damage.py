"""Deliberate damage of raw events, one kind for each name that a ledger can hold: to test what reads them.

`damage` takes a file as `encode` writes it (flat events), chooses events and hurts one part of each. Some kinds drag others
along: without its equipment a source is missing, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from emiss.reco.formats.date import layout as la
from emiss.reco.formats.date.index.events import build

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from emiss.reco.formats.date.channels.channel_map import ChannelMaps

SUPER_WORD = 13
UNKNOWN_TYPE = 12
TCS = 8
"""First bit of the TCS error byte in the third S-Link word."""

TRUNCATED = "truncated"
"""The one kind that also takes away all later events: the file ends inside the event."""


class MissingPartError(ValueError):
    """The event lacks the part that is to be damaged."""


@dataclass
class _Event:
    """The words of one event, and where the parts of its first MSADC and APV source with data are."""

    words: list[int]
    maps: ChannelMaps
    equipments: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        at = la.HEADER_WORDS
        while at < len(self.words):
            self.equipments.append(at)
            at += self.words[at] // 4

    def _source(self, equipment: int) -> int:
        return (self.words[equipment + la.EQUIPMENT_WORDS] >> 16) & 0x3FF

    def body(self, equipment: int) -> tuple[int, int]:
        """Return where the data of an equipment begin and end."""
        return equipment + la.EQUIPMENT_WORDS + la.SLINK_WORDS, equipment + self.words[equipment] // 4

    @property
    def slink(self) -> int:
        """The S-Link block of the last equipment."""
        if not self.equipments:
            raise MissingPartError
        return self.equipments[-1] + la.EQUIPMENT_WORDS

    def sadc(self) -> tuple[int, int]:
        """Return the equipment and the block of the first module with a channel."""
        sources = {entry.source for entry in self.maps.sadc if not entry.wave}
        for equipment in self.equipments:
            at, end = self.body(equipment)
            while self._source(equipment) in sources and at < end:
                size = (self.words[at] >> 12) & 0xFFF
                if size > 1:
                    return equipment, at
                at += size
        raise MissingPartError

    def wave(self) -> tuple[int, int]:
        """Return the equipment and the block of the first wave board with a channel."""
        sources = {entry.source for entry in self.maps.sadc if entry.wave}
        for equipment in self.equipments:
            at, end = self.body(equipment)
            while self._source(equipment) in sources and at < end:
                size = self.words[at] & 0xFFFF
                if size > la.WAVE_HEADER:
                    return equipment, at
                at += size
        raise MissingPartError

    def tdc(self) -> tuple[int, int]:
        """Return the equipment and the block of the first TDC board with a hit."""
        sources = {entry.source for entry in self.maps.tdc}
        for equipment in self.equipments:
            at, end = self.body(equipment)
            while self._source(equipment) in sources and at < end:
                size = self.words[at] & 0xFFFF
                if size > la.TDC_SMALLEST:
                    return equipment, at
                at += size
        raise MissingPartError

    def apv(self) -> tuple[int, int, int]:
        """Return the equipment, the ADC block and the chip block of the first chip with data."""
        sources = {entry.source for entry in self.maps.apv}
        for equipment in self.equipments:
            at, end = self.body(equipment)
            while self._source(equipment) in sources and at < end:
                chip, stop = at + 2, at + (self.words[at] & 0xFFFF)
                while chip < stop:
                    if self.words[chip] & 0xFFFF > 2:
                        return equipment, at, chip
                    chip += self.words[chip] & 0xFFFF
                at = stop
        raise MissingPartError

    def replace(self, equipment: int, first: int, last: int, new: list[int]) -> None:
        """Put other words in the place of words `first` to `last` of an equipment, and correct all sizes around them."""
        self.words[first:last] = new
        grown = len(new) - (last - first)
        self.words[equipment] += 4 * grown
        self.words[equipment + la.EQUIPMENT_WORDS] += grown
        self.words[0] = 4 * len(self.words)

    def wrap(self) -> int:
        """Make the event the only sub-event of a super-event; return where the sub-event begins."""
        outer = self.words[: la.HEADER_WORDS]
        outer[SUPER_WORD] |= la.SUPER_FLAG
        self.words[:0] = outer
        self.words[0] = 4 * len(self.words)
        return la.HEADER_WORDS


def _set(word: Callable[[_Event], int], change: Callable[[int], int]) -> Callable[[_Event], None]:
    """Return a damage that changes one word."""

    def hurt(event: _Event) -> None:
        at = word(event)
        event.words[at] = change(event.words[at]) & 0xFFFFFFFF

    return hurt


def _header(word: int) -> Callable[[_Event], int]:
    return lambda _: word


def _slink(word: int) -> Callable[[_Event], int]:
    return lambda event: event.slink + word


def _sadc(word: int) -> Callable[[_Event], int]:
    return lambda event: event.sadc()[1] + word


def _wave(word: int) -> Callable[[_Event], int]:
    return lambda event: event.wave()[1] + word


def _without_board(event: _Event) -> None:
    equipment, block = event.wave()
    event.replace(equipment, block, block + (event.words[block] & 0xFFFF), [])


def _without_channels(event: _Event) -> None:
    """Take away all channels of a board that suppresses none."""
    equipment, block = event.wave()
    stop = block + (event.words[block] & 0xFFFF)
    head = event.words[block] & ~(1 << 22) & ~0xFFFF
    event.replace(equipment, block, stop, [head | la.WAVE_HEADER, event.words[block + 1]])


def _tdc(word: int) -> Callable[[_Event], int]:
    return lambda event: event.tdc()[1] + word


def _tdc_end(event: _Event) -> int:
    _, block = event.tdc()
    return block + (event.words[block] & 0xFFFF) - 1


def _without_tdc(event: _Event) -> None:
    equipment, block = event.tdc()
    event.replace(equipment, block, block + (event.words[block] & 0xFFFF), [])


def _without_hit(event: _Event) -> None:
    """Take away the first hit of a board, which its last word counts still."""
    equipment, block = event.tdc()
    event.words[block] -= 1
    hit = block + la.TDC_HEADER
    event.replace(equipment, hit, hit + 1, [])


def _adc(word: int) -> Callable[[_Event], int]:
    return lambda event: event.apv()[1] + word


def _chip(word: int) -> Callable[[_Event], int]:
    return lambda event: event.apv()[2] + word


def _subevent_size(event: _Event) -> None:
    event.words[event.wrap()] += 2


def _subevent_of_another_run(event: _Event) -> None:
    event.words[event.wrap() + 5] += 1


def _stray_run(event: _Event) -> None:
    event.words[5] += 1000 + event.words[6]  # another one for each event


def _without_source(event: _Event) -> None:
    first = event.slink - la.EQUIPMENT_WORDS
    del event.words[first:]
    event.words[0] = 4 * len(event.words)


def _unknown_source(event: _Event) -> None:
    source = next(n for n in range(la.FIRST_MULTIPLEXER) if n not in event.maps.sources)
    slink = [source << 16 | la.SLINK_WORDS, event.words[event.slink + 1], 1 << (TCS + 3)]
    event.words += [4 * (la.EQUIPMENT_WORDS + la.SLINK_WORDS), 22, source, 0, 0, 0, 4, *slink]
    event.words[0] = 4 * len(event.words)


def _module_missing(event: _Event) -> None:
    equipment, block = event.sadc()
    head = event.words[block]
    announcement = (head & ~(0xFFF << 12) & ~(3 << 30)) | (1 << 12)
    event.replace(equipment, block, block + ((head >> 12) & 0xFFF), [announcement])


def _another_time_tag(event: _Event) -> None:
    """Add an ADC without chips whose time tag is not that of the others."""
    equipment, adc, _ = event.apv()
    stop = event.body(equipment)[1]
    event.replace(equipment, stop, stop, [0xFE << 16 | 2, event.words[adc + 1] ^ 1])


KINDS: Mapping[str, Callable[[_Event], None]] = {
    "bad_magic": _set(_header(1), lambda w: w ^ 0xFF),
    "event_size": _set(_header(0), lambda w: w + 2),
    "header_size": _set(_header(2), lambda w: w - 4),
    TRUNCATED: lambda _: None,
    "subevent_size": _subevent_size,
    "swapped": _set(_header(4), lambda w: w | la.SWAPPED_FLAG),
    "event_unknown": _set(_header(4), lambda _: UNKNOWN_TYPE),
    "stray_run": _stray_run,
    "event_corrupted0": _set(_slink(-la.EQUIPMENT_WORDS), lambda w: w + 4),
    "event_corrupted1": _set(_slink(-la.EQUIPMENT_WORDS), lambda _: 24),
    "event_corrupted2": _set(_slink(0), lambda w: w + 1),
    "event_subevent_header_diff": _subevent_of_another_run,
    "slink_wrong_event_number": _set(_slink(1), lambda w: w ^ (1 << 13)),  # the blocks look at 12 bits only
    "slinkm_bad_size": _set(_slink(0), lambda w: w | (la.FIRST_MULTIPLEXER << 16)),
    "event_missing_srcid": _without_source,
    "event_unknown_srcid": _unknown_source,
    "tcs_fifo": _set(_slink(2), lambda w: w | (1 << TCS)),
    "tcs_ecc": _set(_slink(2), lambda w: w & ~(8 << TCS)),
    "tcs_sync": _set(_slink(2), lambda w: w | (0x40 << TCS)),
    "tcs_undef": _set(_slink(2), lambda w: w | (2 << TCS)),
    "slink_errflag": _set(_slink(0), lambda w: w | (1 << 31)),
    "slink_errnr": _set(_slink(2), lambda w: w | (1 << 16)),
    "exception": _set(_slink(2), lambda w: w | (0x80 << 24)),
    "sadc_module_missing": _module_missing,
    "sadc_bad_h_adc": _set(_sadc(0), lambda w: w & ~(2 << 30)),
    "sadc_h_adc_bad_size": _set(_sadc(0), lambda w: w | (0xFFF << 12)),
    "sadc_wrong_event": _set(_sadc(0), lambda w: w ^ 1),
    "sadc_block_size_zero": _set(_sadc(0), lambda w: w & ~(0xFFF << 12)),
    "sadc_bad_data_header": _set(_sadc(1), lambda w: w ^ (2 << 30)),
    "sadc_data_outside": _set(_sadc(1), lambda w: w & ~(0x1FF << 16)),
    "sadc_bad_data": _set(_sadc(3), lambda w: w | (3 << 30)),
    "wb_bad_header": _set(_wave(0), lambda w: w ^ (1 << 28)),
    "wb_bad_size": _set(_wave(0), lambda w: w | 0xFFFF),
    "wb_wrong_event": _set(_wave(1), lambda w: w ^ 1),
    "wb_boards_missing": _without_board,
    "wb_no_channel": _without_channels,
    "wb_bad_data_header": _set(_wave(2), lambda w: w ^ (1 << 28)),
    "wb_data_outside": _set(_wave(2), lambda w: w & ~0xFFFF),
    "wb_channel_outside": _set(_wave(2), lambda w: w | (0xFF << 20)),
    "wb_bad_data": _set(_wave(3), lambda w: w | (1 << 14)),
    "td_bad_header": _set(_tdc(0), lambda w: w ^ (1 << 28)),
    "td_bad_size": _set(_tdc(0), lambda w: w | 0xFFFF),
    "td_wrong_event": _set(_tdc(1), lambda w: w ^ 1),
    "td_boards_missing": _without_tdc,
    "td_no_trailer": _set(_tdc_end, lambda w: w ^ (1 << 28)),
    "td_hits_missing": _without_hit,
    "td_bad_hit": _set(_tdc(la.TDC_HEADER), lambda w: w ^ (1 << 28)),
    "td_channel_outside": _set(_tdc(la.TDC_HEADER), lambda w: w | (0xFF << 20)),
    "apv_adc_out": _set(_adc(0), lambda w: w & ~0xFFFF),
    "apv_apv_out": _set(_chip(0), lambda w: w & ~0xFFFF),
    "apv_h_wr_ev": _set(_chip(0), lambda w: w ^ (1 << 16)),
    "apv_h_s_e": _set(_chip(1), lambda w: w & ~1),
    "apv_local_timetag_failed": _another_time_tag,
    "apv_last_trigger_ticks_failed": _another_time_tag,
    "apv_miss_adc": _set(_adc(0), lambda w: w | (0xFF << 16)),
    "apv_single_frame": _set(_adc(1), lambda w: w & ~(1 << 24)),
}
"""By the name in a ledger, without its ``raw.``."""

OF_WAVE_BOARDS = frozenset(kind for kind in KINDS if kind.startswith("wb_"))
"""The kinds that need a wave board."""

OF_TDCS = frozenset(kind for kind in KINDS if kind.startswith("td_"))
"""The kinds that need a TDC board."""

OF_OWN = OF_WAVE_BOARDS | OF_TDCS
"""The kinds that need a board of one of our own formats."""


def damage(data: bytes, maps: ChannelMaps, kinds: Mapping[str, int], *, seed: int = 1) -> tuple[bytes, dict[int, str]]:
    """Damage some events of a file.

    Parameters
    ----------
    data : bytes
        A file as `encode` writes it, of one run.
    maps : ChannelMaps
        Of that run.
    kinds : mapping of kind to int
        How many events are to be damaged in each way; see `KINDS`.
    seed : int

    Returns
    -------
    data : bytes
    damaged : dict of entry to kind

    Raises
    ------
    ValueError
        If there are not that many events with the parts in question.
    """
    index = build(np.frombuffer(data, np.uint8))
    free = np.random.default_rng(seed).permutation(np.flatnonzero(index.good & (index.type == la.PHYSICS))).tolist()
    parts = {entry: data[at : at + size] for entry, (at, size) in enumerate(zip(index.offset, index.size, strict=True))}
    chosen: dict[int, str] = {}
    if kinds.get(TRUNCATED):
        last = max(free)
        free.remove(last)
        chosen[last] = TRUNCATED
        parts = {entry: part for entry, part in parts.items() if entry <= last}
        parts[last] = parts[last][: len(parts[last]) // 2]
    for kind, count in kinds.items():
        for _ in range(count if kind != TRUNCATED else 0):
            for entry in free:
                event = _Event(np.frombuffer(parts[entry], "<u4").tolist(), maps)
                try:
                    KINDS[kind](event)
                except MissingPartError:
                    continue
                parts[entry] = np.array(event.words, "<u4").tobytes()
                chosen[entry] = kind
                free.remove(entry)
                break
            else:
                msg = f"too few events to damage {count} of them by '{kind}'"
                raise ValueError(msg)
    return b"".join(parts.values()), dict(sorted(chosen.items()))
