"""From the events of a raw run file to digits: decoding, then the channel map of the run.

`Decoder` holds the tables of one run and the workspace that is used again for each batch; what it returns stays valid until
its next batch, except for the mapped digits, which are copies.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.events.ledger import Damage
from emiss.reco.formats.date import layout, reasons
from emiss.reco.formats.date.decoding import workspace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from emiss.configs.arrays import Array, Bools, Ints, Words
    from emiss.reco.formats.date.channels.channel_map import ChannelMaps
    from emiss.reco.formats.date.decoding.workspace import Output
    from emiss.reco.formats.date.index.events import Index, Policy

NEVER = 1 << 10
"""Above all amplitudes of latch-all data."""


@dataclass(frozen=True)
class MappedCells:
    """MSADC digits after the channel map.

    Attributes
    ----------
    offsets : int64 array of shape (events + 1,)
        Rows of each event.
    channel : int32 array of shape (rows,)
        Number of the detector channel, its position in `Decoder.channels`.
    digit : int32 array of shape (rows,)
        Row of the digit in the decoder's output.
    """

    offsets: Ints
    channel: Array
    digit: Array


@dataclass(frozen=True)
class MappedStrips:
    """APV digits after the channel map.

    Attributes
    ----------
    offsets : int64 array of shape (events + 1,)
        Rows of each event.
    plane : int32 array of shape (rows,)
        Number of the plane, its position in `Decoder.planes`.
    wire : int32 array of shape (rows,)
        Wire number.
    digit : int32 array of shape (rows,)
        Row of the digit in the decoder's output.
    entry : int32 array of shape (rows,)
        Position in `Decoder.strip_line`.
    """

    offsets: Ints
    plane: Array
    wire: Array
    digit: Array
    entry: Array


@dataclass(frozen=True)
class MappedHits:
    """TDC hits after the channel map.

    Attributes
    ----------
    offsets : int64 array of shape (events + 1,)
        Rows of each event.
    plane, wire : int32 arrays of shape (rows,)
        Number of the plane, its position in `Decoder.planes`, and of the wire.
    digit : int32 array of shape (rows,)
        Row of the hit in the decoder's output.
    """

    offsets: Ints
    plane: Array
    wire: Array
    digit: Array


class Decoded:
    """What was found in a batch of events, digits before the channel map (see `Output` for the arrays)."""

    def __init__(self, out: Output, events: int, maps: ChannelMaps) -> None:
        self._out = out
        self._maps = maps
        self.events = events
        sadc, _, chip, apv, record, tdc = (int(n) for n in out.counts)
        self.flagged = out.flagged[:events].astype(bool)
        """The event is not good in the library's sense."""
        self.thrown = out.thrown[:events].copy()
        """Reason why the event was given up (`reasons.LOST`), or 0."""
        self.sadc = out.sadc[:sadc]
        self.start = out.start[:sadc]
        self.samples = out.samples.view(np.uint16)
        self.sadc_stop = out.sadc_stop[:events]
        self.chip = out.chip[:chip]
        self.apv_chip = out.apv_chip[:apv]
        self.apv_position = out.apv_position[:apv]
        self.apv = out.apv[:apv]
        self.apv_stop = out.apv_stop[:events]
        self.tdc = out.tdc[:tdc]
        self.tdc_stop = out.tdc_stop[:events]
        self.record = out.record[:record]

    @property
    def decoded(self) -> Bools:
        """True for events that the library hands on: neither flagged nor given up."""
        return ~self.flagged & (self.thrown == reasons.GOOD)

    @property
    def good(self) -> Bools:
        """True for events without a flag."""
        return ~self.flagged

    def _events_with(self, codes: Iterable[int]) -> Array:
        found = np.zeros(self.events, bool)
        found[self.record[np.isin(self.record[:, 1], list(codes)), 0]] = True
        return found

    @cached_property
    def damaged(self) -> Bools:
        """True for events in which something was lost or is not to be trusted."""
        return self._events_with(code for code, damaging in enumerate(reasons.DAMAGING) if damaging)

    @cached_property
    def missing_source(self) -> Bools:
        """True for events that lack a source which the maps name."""
        return self._events_with([reasons.EVENT_MISSING_SRCID])

    @cached_property
    def lost_sources(self) -> Bools:
        """Which sources of the maps are missing or not whole, bool of shape (events, sources) in the order of the maps."""
        sources = np.array(self._maps.sources, np.int64)
        lost: Array = self._out.unseen[: self.events].copy()
        strips: Array = np.isin(sources, [entry.source for entry in self._maps.apv])
        every = np.ones(len(sources), bool)
        for columns, chosen in (
            (reasons.LOST_SOURCE, every),
            (reasons.LOST_SOURCE_APV, strips),
        ):
            for code, argument in columns.items():
                rows = self.record[self.record[:, 1] == code]
                place = np.searchsorted(sources, rows[:, 2 + argument])
                known = np.append(sources, -1)[place] == rows[:, 2 + argument]
                known &= np.append(chosen, False)[place]
                lost[rows[known, 0], place[known]] = True
        return lost

    @cached_property
    def missing_modules(self) -> tuple[Array, Array]:
        """The MSADC modules that the maps name and an event says to lack: event and module (`module_number`) of each."""
        rows = self.record[self.record[:, 1] == reasons.SADC_MODULE_MISSING]
        module = module_number(rows[:, 4], rows[:, 2], rows[:, 3])
        named = np.isin(module, [module_number(entry.source, entry.port, entry.adc) for entry in self._maps.sadc])
        return rows[named, 0], module[named]

    @cached_property
    def part_lost(self) -> Bools:
        """True for events in which something that the maps name is missing or not whole."""
        lost: Array = np.asarray(self.lost_sources.any(axis=1))
        lost[self.missing_modules[0]] = True
        return lost

    def damage(self, events: Array) -> dict[str, Damage]:
        """Return the records of the events where the mask `events` is true, counted for a ledger.

        Records of severity 0 are no damage.
        """
        rows = self.record[events[self.record[:, 0]]]
        records = Counter(rows[:, 1].tolist())
        touched = Counter(np.unique(rows[:, :2], axis=0)[:, 1].tolist()) if len(rows) else Counter[int]()
        return {
            reasons.RECORDS[code].key: Damage(count, touched[code])
            for code, count in records.items()
            if reasons.RECORDS[code].severity > 0
        }


class Decoder:
    """Decodes events of one run.

    Parameters
    ----------
    maps : ChannelMaps
        The channel maps of the run.
    policy : "safe" or "oracle"
    channels, planes : sequence of str, optional
        The MSADC channels (detector.x.y) and the strip planes of a detector that fits the maps (`ChannelMaps.check`); their
        order numbers what the digits are mapped to. Without them it is that of the maps.
    floors : mapping of plane to array by wire, optional
        Strips of latch-all data are decoded if an amplitude is above this, and if a plane is named that they belong to;
        without it all are. Sparse data are what the front end let through.
    """

    def __init__(
        self,
        maps: ChannelMaps,
        policy: Policy = "safe",
        *,
        channels: Sequence[str] | None = None,
        planes: Sequence[str] | None = None,
        floors: Mapping[str, Array] | None = None,
    ) -> None:
        self.maps = maps
        self.policy = policy
        self.channels = maps.channel_names if channels is None else tuple(channels)
        self.planes = maps.plane_names if planes is None else tuple(planes)
        self._room = np.array([4096, 65536, 1024, 16384, 1024, 1024], np.int64)
        self._out: Output | None = None
        self._events = self._largest = 0
        self._sadc_table()
        self._apv_table()
        self._tdc_table()
        self._tables = workspace.tables(maps, self._apv_slot, self._spare(floors))

    def _sadc_table(self) -> None:
        width = layout.PORTS * layout.ADCS * layout.SADC_CHANNELS
        sources = sorted({entry.source for entry in self.maps.sadc})
        self._sadc_slot = np.full(layout.SOURCES, -1, np.int64)
        self._sadc_slot[sources] = np.arange(len(sources))
        keys = np.array(
            [
                ((self._sadc_slot[e.source] * layout.PORTS + e.port) * layout.ADCS + e.adc) * layout.SADC_CHANNELS
                + e.channel
                for e in self.maps.sadc
            ],
            np.int64,
        )
        order = np.argsort(keys, kind="stable")
        self._sadc_first = np.searchsorted(keys[order], np.arange(len(sources) * width + 1))
        self._sadc_lines = tuple(self.maps.sadc[i] for i in order)
        numbers = {name: number for number, name in enumerate(self.channels)}
        self._sadc_channel = np.array([numbers[line.channel_name] for line in self._sadc_lines], np.int32)

    def lacking(self, decoded: Decoded) -> Bools:
        """Return which channels have no data in an event, or not all, bool of shape (events, channels)."""
        sources = self.maps.sources
        lines: Array = decoded.lost_sources[:, [sources.index(line.source) for line in self._sadc_lines]]
        module_of = np.array([module_number(e.source, e.port, e.adc) for e in self._sadc_lines], np.int64)
        events, modules = decoded.missing_modules
        for module in np.unique(modules).tolist():
            lines[np.ix_(events[modules == module], module_of == module)] = True
        lacking = np.zeros((decoded.events, len(self.channels)), bool)
        lacking[:, self._sadc_channel] = lines
        return lacking

    def _apv_table(self) -> None:
        chips = sorted({(e.source, e.adc, e.chip) for e in self.maps.apv})
        self._apv_slot = np.full(layout.SOURCES * layout.APV_ADCS * layout.APV_CHIPS, -1, np.int64)
        slots = {chip: number for number, chip in enumerate(chips)}
        for (source, adc, chip), number in slots.items():
            self._apv_slot[(source * layout.APV_ADCS + adc) * layout.APV_CHIPS + chip] = number
        key, line, wire = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for number, e in enumerate(self.maps.apv):
            n = np.arange(e.count)
            key.append(slots[e.source, e.adc, e.chip] * layout.APV_CHANNELS + e.channel + n * e.channel_step)
            line.append(np.full(e.count, number))
            wire.append(e.wire + n * e.wire_step)
        keys = np.concatenate(key)
        order = np.argsort(keys, kind="stable")
        self._apv_first = np.searchsorted(keys[order], np.arange(len(chips) * layout.APV_CHANNELS + 1))
        self._apv_wire = np.concatenate(wire)[order].astype(np.int32)
        self.strip_line = np.concatenate(line)[order].astype(np.int32)
        """For each strip that the maps name the position of its line in `ChannelMaps.apv`."""
        lines = [self.maps.apv[i] for i in self.strip_line]
        numbers = {name: number for number, name in enumerate(self.planes)}
        self._apv_plane = np.array([numbers[e.name] for e in lines], np.int32)
        self._rich = np.array([e.rich for e in lines], bool)
        self._factor = np.array([e.factor for e in lines], np.float64)

    def _tdc_table(self) -> None:
        numbers = {name: number for number, name in enumerate(self.planes)}
        key, plane, wire = ([np.empty(0, np.int64)] for _ in range(3))
        for e in self.maps.tdc:
            n = np.arange(e.count)
            key.append((e.source * layout.TDC_BOARDS + e.board) * layout.TDC_CHANNELS + e.channel + n)
            plane.append(np.full(e.count, numbers[e.name]))
            wire.append(e.wire + n)
        keys = np.concatenate(key)
        self._tdc_slot = np.full(
            layout.SOURCES * layout.TDC_BOARDS * layout.TDC_CHANNELS if len(keys) else 0, -1, np.int64
        )
        self._tdc_slot[keys] = np.arange(len(keys))
        self._tdc_plane, self._tdc_wire = np.concatenate(plane), np.concatenate(wire)

    def _spare(self, floors: Mapping[str, Array] | None) -> Array:
        """Return `Tables.spare`, uint32 of shape (chips + 1, 128)."""
        from emiss.reco.formats.date.decoding import lookup_kernels

        chips = len(self._apv_first) // layout.APV_CHANNELS
        least = np.full((chips + 1) * layout.APV_CHANNELS, 0 if floors is None else NEVER, np.uint32)
        for plane, by_wire in (floors or {}).items():
            rows = np.flatnonzero(self._apv_plane == self.planes.index(plane))
            floor = by_wire[self._apv_wire[rows]]
            floor = np.where(np.isnan(floor), np.inf, floor)  # nothing is above what is not a number
            wanted = np.floor(np.clip(floor, -1, NEVER - 1)).astype(np.int64) + 1  # amplitudes are whole numbers
            np.minimum.at(least, np.searchsorted(self._apv_first, rows, side="right") - 1, wanted.astype(np.uint32))
        stream = [lookup_kernels.chip_channel(position) for position in range(layout.APV_CHANNELS)]
        spare: Array = (NEVER - least.reshape(-1, layout.APV_CHANNELS)[:, stream]) * np.uint32(1 | 1 << 20)
        return np.ascontiguousarray(spare, np.uint32)

    def decode(self, words: Words, first: Ints, size: Ints, physics: Bools) -> Decoded:
        """Decode events to digits before the channel map.

        Parameters
        ----------
        words : uint32 array, read-only
            The file from a byte that is a multiple of 4 before each event.
        first, size : int64 arrays of shape (events,)
            First word and number of words of each event, as the index found them.
        physics : bool array of shape (events,)
        """
        from emiss.reco.formats.date.decoding import decode_kernels

        largest = int(size.max()) if len(size) else 0
        while True:
            out = self._workspace(len(first), largest)
            decode_kernels.decode(words, first, size, physics, self.policy == "safe", self._tables, out)
            if np.all(out.counts <= self._room):
                return Decoded(out, len(first), self.maps)
            self._room = np.maximum(self._room, out.counts + out.counts // 8)
            self._out = None

    def _workspace(self, events: int, largest: int) -> Output:
        if self._out is None or events > self._events or largest > self._largest:
            self._events, self._largest = max(events, self._events), max(largest, self._largest)
            known = len(self.maps.sources)
            self._out = workspace.allocate(self._events, self._largest, self._room, known)
        return self._out

    def map_sadc(self, decoded: Decoded) -> MappedCells:
        """Return the detector channels of the MSADC digits."""
        from emiss.reco.formats.date.decoding import lookup_kernels

        # almost always one row per digit; where there are more, the second call has the room
        room = len(decoded.sadc)
        while True:
            channel, digit = np.empty(room, np.int32), np.empty(room, np.int32)
            offsets = lookup_kernels.rows_sadc(
                decoded.sadc,
                decoded.sadc_stop,
                self._sadc_slot,
                self._sadc_first,
                self._sadc_channel,
                channel,
                digit,
            )
            n = int(offsets[-1])
            if n <= room:
                return MappedCells(offsets, channel[:n], digit[:n])
            room = n

    def map_apv(self, decoded: Decoded) -> MappedStrips:
        """Return the strips of the APV digits."""
        from emiss.reco.formats.date.decoding import lookup_kernels

        room = len(decoded.apv)
        while True:
            entry, plane, wire, digit = (np.empty(room, np.int32) for _ in range(4))
            offsets = lookup_kernels.rows_apv(
                decoded.chip,
                decoded.apv_chip,
                decoded.apv_position,
                decoded.apv_stop,
                self._apv_slot,
                self._apv_first,
                self._apv_plane,
                self._apv_wire,
                entry,
                plane,
                wire,
                digit,
            )
            n = int(offsets[-1])
            if n <= room:
                return MappedStrips(offsets, plane[:n], wire[:n], digit[:n], entry[:n])
            room = n

    def map_tdc(self, decoded: Decoded) -> MappedHits:
        """Return the wires of the TDC hits."""
        room = len(decoded.tdc)
        plane, wire, digit = (np.empty(room, np.int32) for _ in range(3))
        if not len(self._tdc_slot) or not room:
            return MappedHits(np.zeros(decoded.events + 1, np.int64), plane[:0], wire[:0], digit[:0])
        from emiss.reco.formats.date.decoding import lookup_kernels

        tables = self._tdc_slot, self._tdc_plane, self._tdc_wire
        offsets = lookup_kernels.rows_tdc(decoded.tdc, decoded.tdc_stop, *tables, plane, wire, digit)
        n = int(offsets[-1])
        return MappedHits(offsets, plane[:n], wire[:n], digit[:n])

    def waveforms(
        self, decoded: Decoded, mapped: MappedCells, samples: int = 0, *, lend: bool = False
    ) -> tuple[Array, Array]:
        """Return the waveforms of mapped digits, at least `samples` wide, and how many samples each one has.

        With `lend` they are not copied where all digits are mapped once and have `samples` samples, as in almost all files:
        then they are valid until the next batch, as `decoded` is.

        Returns
        -------
        waveforms : uint16 array of shape (rows, S)
            Zero beyond the samples there are.
        n_samples : uint16 array of shape (rows,)
        """
        from emiss.reco.formats.date.decoding import lookup_kernels

        rows = len(mapped.digit)
        if lend and lookup_kernels.in_place(decoded.sadc, decoded.start, mapped.digit, samples):
            return decoded.samples[: samples * rows].reshape(rows, samples), np.full(rows, samples, np.uint16)
        count = decoded.sadc[mapped.digit, 5].astype(np.uint16)
        width = max(samples, int(count.max()) if len(count) else 0)
        target = np.empty((len(count), width), np.uint16)
        lookup_kernels.copy_samples(decoded.sadc, decoded.start, decoded.samples, mapped.digit, target)
        return target, count

    def amplitudes(self, decoded: Decoded, mapped: MappedStrips) -> Array:
        """Return the amplitudes of the three frames of mapped strips, int16 array of shape (3, rows)."""
        from emiss.reco.formats.date.decoding import lookup_kernels

        target = np.empty((3, len(mapped.digit)), np.int16)
        lookup_kernels.amplitudes(
            decoded.chip,
            decoded.apv_chip,
            decoded.apv,
            mapped.digit,
            mapped.entry,
            self._rich,
            self._factor,
            target,
        )
        return target


def module_number(source: Any, port: Any, adc: Any) -> Any:
    """Return the number of an MSADC module, of integers or of arrays."""
    return (source * layout.PORTS + port) * layout.ADCS + adc


def groups(run: Ints, offset: Ints, size: int) -> Sequence[tuple[int, int]]:
    """Cut consecutive events into batches of at most `size` that share a run and an alignment in the file.

    Parameters
    ----------
    run, offset : int64 arrays of shape (events,)
        Run number and byte offset.
    size : int

    Returns
    -------
    list of (start, stop)
    """
    if not len(run):
        return []
    edges = np.flatnonzero((np.diff(run) != 0) | (np.diff(offset % 4) != 0)) + 1
    bounds = [0, *edges.tolist(), len(run)]
    return [(start, min(start + size, high)) for low, high in pairwise(bounds) for start in range(low, high, size)]


def words_at(data: Array, phase: int) -> Array:
    """Return the file's words that begin at byte `phase` (0 to 3), read-only."""
    count = max(len(data) - phase, 0) // 4
    return np.frombuffer(data, "<u4", count=count, offset=phase) if count else np.frombuffer(b"", "<u4")


def decode_entries(decoder: Decoder, data: Array, index: Index, entries: Array) -> Decoded:
    """Decode the good events `entries` of an index, which share a run and an alignment."""
    phase = int(index.offset[entries[0]]) % 4
    return decoder.decode(
        words_at(data, phase),
        (index.offset[entries] - phase) // 4,
        index.size[entries] // 4,
        index.type[entries] == layout.PHYSICS,
    )
