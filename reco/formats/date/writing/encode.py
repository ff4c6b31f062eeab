"""Writing of raw run files in the DAQ's format, for simulated runs: the inverse of the channel map, and of decoding.

Events are flat (no sub-events), one equipment with one S-Link block per source. Every module of the maps gets its MSADC
block, those without a channel above threshold an empty one; APV chips have three frames of ADC version 1, sparse or, with
`latch_all`, of every channel. TDC boards have a block each, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss.events.files.atomic import part_of, settle
from emiss.events.lists import Lists
from emiss.events.location import place
from emiss.reco.formats.date import layout

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from emiss.configs.arrays import Array
    from emiss.reco.formats.date.channels.channel_map import ChannelMaps

APV_SHIFT = (2, 2, 1)
"""Lost low bits of the three frames in sparse mode of ADC version 1; the fields hold 8, 8 and 9 bits."""


@dataclass(frozen=True)
class RawEvents:
    """Events of one run to be written.

    Attributes
    ----------
    run : int
    spill, in_spill, in_run, time, type, trigger : arrays of shape (N,)
        As in `Batch.header`; `type` is the DATE event type. Only physics and calibration events carry digits.
    sadc : Lists
        channel (position in the detector's channels), samples (rows, S) of 12 bits, of 14 on wave boards; n_samples where not
        all are as long as the rows.
    apv : Lists
        plane (position in the detector's planes), wire, a0, a1, a2 of at most 1020, 1020 and 1022.
    tdc : Lists, optional
        plane, wire, time (counts of 20 bits at most).
    """

    run: int
    spill: Array
    in_spill: Array
    in_run: Array
    time: Array
    type: Array
    trigger: Array
    sadc: Lists
    apv: Lists
    tdc: Lists | None = None

    def __len__(self) -> int:
        return len(self.spill)


def to_bytes(
    events: RawEvents, maps: ChannelMaps, channels: Sequence[str], planes: Sequence[str], *, latch_all: bool = False
) -> bytes:
    """Return the events as the bytes of a raw run file.

    Parameters
    ----------
    events : RawEvents
    maps : ChannelMaps
        Channel maps of the run.
    channels, planes : sequences of str
        Names that the digits number.
    latch_all : bool
        Whether every APV channel is written: with 10 bits per frame, and 0 where there is no digit.

    Raises
    ------
    KeyError
        If a channel or strip with a digit is in no map.
    """
    from emiss.reco.formats.date.writing import encode_kernels as kernels

    sadc_table, modules, module_of, channel_of = _sadc_table(maps, channels)
    count = events.sadc.columns.get("n_samples")
    if count is None:
        count = np.full(len(events.sadc["channel"]), events.sadc["samples"].shape[1])
    apv_table, chips, chip_of, position_of, base = _apv_table(maps, planes)
    sadc_key = module_of[events.sadc["channel"]] * layout.SADC_CHANNELS + channel_of[events.sadc["channel"]]
    strip = base[events.apv["plane"]] + events.apv["wire"]
    apv_key = chip_of[strip] * layout.APV_CHANNELS + position_of[strip]
    hits = no_hits(len(events)) if events.tdc is None else events.tdc
    tdc_table, tdcs, tdc_of = _tdc_table(maps, planes)
    tdc_key = tdc_of[hits["plane"], hits["wire"]]
    if np.any(sadc_key < 0) or np.any(apv_key < 0) or np.any(tdc_key < 0):
        msg = "a digit is of a channel that no map gives"
        raise KeyError(msg)
    sadc_order = np.lexsort((sadc_key, events.sadc.parents))
    apv_order = np.lexsort((apv_key, events.apv.parents))
    tdc_order = np.lexsort((hits["time"], tdc_key, hits.parents))
    amplitudes = np.stack([events.apv[name][apv_order] for name in ("a0", "a1", "a2")]).astype(np.int64)
    header = np.stack(
        [
            np.asarray(getattr(events, name), np.int64)
            for name in ("type", "in_run", "in_spill", "spill", "trigger", "time")
        ]
    )
    samples = events.sadc["samples"]
    width = layout.HEADER_WORDS + (len(sadc_table) + len(apv_table) + len(tdc_table)) * 10
    width += 2 * (len(modules) + 2 * len(chips)) + layout.TDC_SMALLEST * len(tdcs)
    if latch_all:
        width += len(chips) * layout.APV_CHANNELS
    room = len(events) * width + len(samples) * (1 + (samples.shape[1] + 1) // 2) + amplitudes.shape[1]
    room += len(tdc_key)
    words = np.zeros(room, np.uint32)
    used = kernels.encode(
        words,
        events.run,
        header,
        events.sadc.offsets,
        sadc_key[sadc_order],
        np.ascontiguousarray(samples[sadc_order], np.uint16),
        np.asarray(count, np.int64)[sadc_order],
        sadc_table,
        modules,
        events.apv.offsets,
        apv_key[apv_order],
        amplitudes,
        apv_table,
        chips,
        latch_all,
        hits.offsets,
        tdc_key[tdc_order],
        hits["time"][tdc_order].astype(np.int64),
        tdc_table,
        tdcs,
    )
    return words[:used].astype("<u4").tobytes()


def write(path: str | Path, data: bytes | Iterable[bytes]) -> Path:
    """Write a raw run file, whole or piece by piece; it appears when it is complete, or not at all."""
    path = place(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = part_of(path)
    try:
        with part.open("wb") as file:
            file.writelines([data] if isinstance(data, bytes) else data)
        settle(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _sadc_table(maps: ChannelMaps, channels: Sequence[str]) -> tuple[Array, Array, Array, Array]:
    """Return sources (source, first module, last, wave or not), modules (port, adc), module and ADC channel of each channel."""
    keys = sorted({(e.source, e.port, e.adc) for e in maps.sadc})
    number = {key: position for position, key in enumerate(keys)}
    entry = {e.channel_name: e for e in maps.sadc}
    missing = np.full(len(channels), -1, np.int64)
    module_of, channel_of = missing.copy(), missing.copy()
    for position, name in enumerate(channels):
        if name in entry:
            e = entry[name]
            module_of[position], channel_of[position] = number[e.source, e.port, e.adc], e.channel
    sources = _sources([key[0] for key in keys])
    wave = np.isin(sources[:, 0], [e.source for e in maps.sadc if e.wave])
    return np.column_stack([sources, wave]).astype(np.int64), _rows([key[1:] for key in keys]), module_of, channel_of


def _apv_table(maps: ChannelMaps, planes: Sequence[str]) -> tuple[Array, Array, Array, Array, Array]:
    """Return sources, chips (adc, chip), and chip and stream position of each wire, with each plane's first wire."""
    keys = sorted({(e.source, e.adc, e.chip) for e in maps.apv})
    number = {key: position for position, key in enumerate(keys)}
    wires = [0] * len(planes)
    for e in maps.apv:
        if e.name in planes:
            plane = list(planes).index(e.name)
            wires[plane] = max(wires[plane], e.wire + (e.count - 1) * e.wire_step + 1, e.wire + 1)
    base = np.concatenate(([0], np.cumsum(wires))).astype(np.int64)
    chip_of, position_of = np.full(int(base[-1]), -1, np.int64), np.full(int(base[-1]), -1, np.int64)
    for e in maps.apv:
        if e.name not in planes:
            continue
        n = np.arange(e.count)
        strip = base[list(planes).index(e.name)] + e.wire + n * e.wire_step
        channel = e.channel + n * e.channel_step
        chip_of[strip] = number[e.source, e.adc, e.chip]
        # the order in which a chip sends its channels: the inverse of channel = 32 c + 8 b + a at 16 a + 4 b + c
        position_of[strip] = 16 * (channel & 7) + 4 * ((channel >> 3) & 3) + (channel >> 5)
    return _sources([key[0] for key in keys]), _rows([key[1:] for key in keys]), chip_of, position_of, base


def no_hits(events: int) -> Lists:
    """Return the TDC hits of events that have none."""
    return Lists.empty(events, {"plane": np.int16, "wire": np.int16, "time": np.int32})


def _tdc_table(maps: ChannelMaps, planes: Sequence[str]) -> tuple[Array, Array, Array]:
    """Return sources (source, first board, last), boards, and the key board * channels + channel by plane and wire, or -1."""
    keys = sorted({(e.source, e.board) for e in maps.tdc})
    number = {key: position for position, key in enumerate(keys)}
    wires = max((e.wire + e.count for e in maps.tdc), default=1)
    key_of = np.full((max(len(planes), 1), wires), -1, np.int64)
    for e in maps.tdc:
        if e.name in planes:
            key = number[e.source, e.board] * layout.TDC_CHANNELS + e.channel
            key_of[list(planes).index(e.name), e.wire : e.wire + e.count] = key + np.arange(e.count)
    return _sources([key[0] for key in keys]), np.array([key[1] for key in keys], np.int64), key_of


def _sources(source_of: Sequence[int]) -> Array:
    """Return rows (source, first, last) for the runs of equal values."""
    values = np.array(source_of, np.int64)
    unique, first = np.unique(values, return_index=True)
    last = np.append(first, len(values))[1:]
    return np.stack([unique, first, last], axis=1).astype(np.int64).reshape(-1, 3)


def _rows(rows: Sequence[tuple[int, int]]) -> Array:
    return np.array(rows, np.int64).reshape(-1, 2)
