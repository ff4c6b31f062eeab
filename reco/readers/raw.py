"""Raw run files in the DAQ's own format (DATE): digits on detector channels, with every event accounted for."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.configs.errors import Location, Problems, UserError
from emiss.events.batch import Batch
from emiss.events.columns import QUALITY_BITS
from emiss.events.files.identity import checksum_of
from emiss.events.ledger import Ledger
from emiss.events.lists import Lists, offsets_of
from emiss.events.location import is_remote, located
from emiss.reco.formats.date.bytes import FileBytes, is_compressed
from emiss.reco.formats.date.channels.reading import read_channel_maps
from emiss.reco.formats.date.decoding.decode import Decoder, decode_entries, groups
from emiss.reco.formats.date.index.events import Index, Policy, build
from emiss.reco.formats.date.layout import PHYSICS
from emiss.reco.formats.date.ledger import ledger
from emiss.reco.formats.date.lost_blocks import lost_blocks
from emiss.reco.formats.date.reasons import REPEATED
from emiss.reco.formats.date.writing.encode import no_hits
from emiss.reco.quality.continuity import Continuity, examine, numbers_of
from emiss.reco.quality.spills import SpillCounts, Spills
from emiss.reco.readers.base import BATCH, where

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from emiss.configs.arrays import Array
    from emiss.events.columns import Column
    from emiss.reco.formats.date.decoding.decode import Decoded
    from emiss.reco.readers.base import Floors

MAX_RUN = 2**31 - 1
"""The largest run number, and number of an event or a spill, that the columns of the event table hold."""


class RawRunFile:
    """A raw run file with the channel maps of its runs.

    Parameters
    ----------
    path : str or Path
    maps : str or Path
        Folder of XML channel maps.
    channels, planes : sequence of str
        The detector's MSADC channels (detector.x.y) and Micromegas planes; their order numbers the digits.
    samples : int
        Samples of a full waveform.
    timed : mapping of str to int
        The planes that a TDC reads, with the number of their wires.
    policy : "safe" or "oracle"
    span : pair of int, optional
        Only the bytes from the first to the second one: a piece of a file that is being written.

    Attributes
    ----------
    context : Spills or None
        The spills of all files of the run, where there are more than this one.
    types : tuple of int
        The types of the events that batches hold: physics; derivations of constants take events of LEDs, too.
    """

    tier = "raw"

    def __init__(
        self,
        path: str | Path,
        maps: str | Path,
        channels: Sequence[str],
        planes: Sequence[str],
        *,
        samples: int = 32,
        timed: Mapping[str, int] | None = None,
        policy: Policy = "safe",
        span: tuple[int, int] | None = None,
    ) -> None:
        self.path = located(path)
        self.maps = Path(maps)
        self.channels = tuple(channels)
        self.planes = tuple(planes)
        self.samples = samples
        self.timed = timed or {}
        self.policy: Policy = policy
        self.truth: dict[str, Column] = {}
        self.on_target: float | None = None
        self.context: Spills | None = None
        self.types: tuple[int, ...] = (PHYSICS,)
        self._numbers: tuple[Spills | None, Continuity] | None = None
        self._bytes = FileBytes(self.path, span)
        self._index: Index | None = None
        self.process: Mapping[str, Any] = {}
        self._decoder: Decoder | None = None
        self._floors: Floors | None = None

    @cached_property
    def splits(self) -> bool:
        """Whether parts of the file are read at the cost of that part only; a compressed one is read as a whole."""
        with self.path.open("rb") as file:
            return not is_compressed(file.read(8))

    @cached_property
    def identity(self) -> str:
        """Size and checksum of the file; of a compressed one those of what it holds, so that a copy is known as one."""
        return checksum_of(self._bytes.in_turn())

    @property
    def grows(self) -> bool:
        """Whether the file may get longer while it is read: what is there when it is opened is read."""
        return self.splits and not is_remote(self.path)

    def end_at(self, size: int) -> None:
        """Take only the first bytes of the file, where it has grown since it was planned to be read."""
        self._bytes.end_at(size)

    def go_on_from(self, other: RawRunFile) -> None:
        """Take what another file has made of its run, where it has the same maps, channels and planes."""
        if (self.maps, self.channels, self.planes) == (other.maps, other.channels, other.planes):
            self._decoder, self._floors = other._decoder, other._floors

    def release(self) -> None:
        """Give back the memory of the bytes that were read last; they are read again when they are needed."""
        self._bytes.release()

    def close(self) -> None:
        """Let the file go; what was read of it stays."""
        self._bytes.close()

    def index(self) -> Index:
        """Return the index, made in one pass over the event headers and kept."""
        if self._index is None:
            self._index = build(self._bytes.all, self.policy)
        return self._index

    def load_index(self, path: Path) -> None:
        """Take the index from a file, if it stands there."""
        self._index = Index.load(path)

    def save_index(self, path: Path) -> None:
        """Write the index to a file that is not there yet."""
        if not path.exists():
            self.index().save(path)

    def spills(self) -> Spills:
        """Return the spills of this file, from a pass over its block headers that is made once."""
        return self._spills

    @cached_property
    def _spills(self) -> Spills:
        index = self.index()
        lost = lost_blocks(self._bytes.all, index, lambda run: read_channel_maps(self.maps, run), self.policy)
        chosen = index.good
        return Spills.of(
            index.run[chosen], index.spill[chosen], index.in_spill[chosen], lost[chosen], numbers_of(index.rows())
        )

    def continuity(self) -> Continuity:
        """Return what the numbers of the events tell, with those of the other files of the run where `context` has them."""
        if self._numbers is None or self._numbers[0] is not self.context:
            known = None if self.context is None else self.context.numbers
            self._numbers = self.context, examine(self.index().rows(), known)
        return self._numbers[1]

    def counts(self) -> SpillCounts:
        """Return how many events of each spill can be used, are lost, and are missing."""
        index = self.index()
        lost = ~index.good & (index.reason != REPEATED)
        physics = index.good & (index.type == PHYSICS)
        return SpillCounts.of(index.run, index.spill, physics, lost, self.continuity().missing_by_entry(len(index)))

    def check(self) -> None:
        """Raise a UserError if no event can be read or the maps of a run do not fit the detector."""
        index = self.index()
        if not index.runs():
            raise UserError("holds no event with a valid header", at=Location(str(self.path)))
        problems = Problems()
        for run in index.runs():
            if run > MAX_RUN:
                said = f"run {run} ({where(index, run)}) is above {MAX_RUN}"
                problems.add(UserError(said, at=Location(str(self.path))))
                continue
            maps = read_channel_maps(self.maps, run)
            if not maps.sources:
                hint = f"maps: {self.maps}; {maps.other_runs}"
                said = f"no channel map is valid for run {run} ({where(index, run)})"
                problems.add(UserError(said, at=Location(str(self.path)), hint=hint))
                continue
            maps.check(self.channels, self.planes, self.timed)
        problems.check()

    def batches(
        self, start: int = 0, stop: int | None = None, size: int = BATCH, floors: Floors | None = None
    ) -> Iterator[Batch]:
        """Yield entries start to stop in batches that never span two runs; at least one, which may hold no event."""
        if floors != self._floors:
            self._floors, self._decoder = floors, None
        index = self.index()
        stop = len(index) if stop is None else min(stop, len(index))
        spans = groups(index.run[start:stop], index.offset[start:stop], size)
        if stop > start:
            self._bytes.expect(int(index.offset[start]), int(index.offset[stop - 1] + index.size[stop - 1]))
        for low, high in spans:
            yield self._batch(start + low, start + high)
        if not spans:
            yield self._batch(start, start)

    def _begin_run(self, run: int) -> Decoder:
        if self._decoder is None or self._decoder.maps.run != run:
            maps = read_channel_maps(self.maps, run)
            maps.check(self.channels, self.planes, self.timed)
            floors = None if self._floors is None else self._floors(run)
            self._decoder = Decoder(maps, self.policy, channels=self.channels, planes=self.planes, floors=floors)
        return self._decoder

    def _batch(self, start: int, stop: int) -> Batch:
        index = self.index()
        span = np.arange(start, stop)
        good = span[index.good[span]]
        if not len(good):
            runs = index.runs()
            account = ledger(index, slice(start, stop), continuity=self.continuity()) if stop > start else Ledger()
            header = self._header(good, np.empty(0, np.uint32))
            sadc, apv = self._nothing()
            return Batch(runs[0] if runs else 0, (start, stop), header, account, sadc, apv, no_hits(0))
        run = int(index.run[good[0]])
        decoder = self._begin_run(run)
        data = self._bytes.need(int(index.offset[good[0]]), int(index.offset[good[-1]] + index.size[good[-1]]))
        decoded = decode_entries(decoder, data, index, good)
        passed = np.isin(index.type[good], self.types) & (decoded.thrown == 0)
        quality = np.zeros(len(good), np.uint32)
        for name in ("damaged", "missing_source", "part_lost"):
            quality[getattr(decoded, name)] |= np.uint32(1 << QUALITY_BITS[name])
        header = self._header(good[passed], quality[passed])
        header["trigger"] &= np.uint32(decoder.maps.trigger_mask)
        some = decoded.part_lost[passed].any()
        return Batch(
            run=run,
            entries=(start, stop),
            header=header,
            ledger=ledger(index, slice(start, stop), good, decoded, self.continuity()),
            sadc=self._sadc(decoder, decoded, passed),
            apv=self._apv(decoder, decoded, passed),
            tdc=self._tdc(decoder, decoded, passed),
            lacking_channels=decoder.lacking(decoded)[passed] if some else None,
        )

    def _header(self, entries: Array, quality: Array) -> dict[str, Array]:
        index, spills = self.index(), self.context or self.spills()
        event = index.run[entries], index.spill[entries], index.in_spill[entries]
        after = np.where(
            spills.after_lost_block(*event), np.uint32(1 << QUALITY_BITS["after_lost_block"]), np.uint32(0)
        )
        header = {
            "entry": entries.astype(np.int64),
            "quality": quality | after,
            "spill_position": spills.position(*event),
            "weight": np.ones(len(entries)),
            "time": index.time[entries].astype(np.int64),
        }
        header |= {
            # numbers above are damaged ones, and remarked
            name: np.minimum(getattr(index, name)[entries], MAX_RUN).astype(np.int32)
            for name in ("run", "spill", "in_spill", "in_run")
        }
        header |= {name: getattr(index, name)[entries].astype(np.uint32) for name in ("trigger", "type")}
        return header

    def _sadc(self, decoder: Decoder, decoded: Decoded, passed: Array) -> Lists:
        mapped = decoder.map_sadc(decoded)
        samples, count = decoder.waveforms(decoded, mapped, self.samples, lend=self._floors is not None)
        columns = {"channel": mapped.channel, "samples": samples, "n_samples": count}
        return Lists(mapped.offsets, columns).take(np.flatnonzero(passed))

    def _apv(self, decoder: Decoder, decoded: Decoded, passed: Array) -> Lists:
        mapped = decoder.map_apv(decoded)
        a0, a1, a2 = decoder.amplitudes(decoded, mapped)
        columns = {
            "plane": mapped.plane.astype(np.int16),
            "wire": mapped.wire.astype(np.int16),
            "a0": a0,
            "a1": a1,
            "a2": a2,
        }
        return Lists(mapped.offsets, columns).take(np.flatnonzero(passed))

    def _tdc(self, decoder: Decoder, decoded: Decoded, passed: Array) -> Lists:
        mapped = decoder.map_tdc(decoded)
        columns = {
            "plane": mapped.plane.astype(np.int16),
            "wire": mapped.wire.astype(np.int16),
            "time": decoded.tdc[mapped.digit, 3],
        }
        return Lists(mapped.offsets, columns).take(np.flatnonzero(passed))

    def _nothing(self) -> tuple[Lists, Lists]:
        none = offsets_of(np.empty(0, np.int64))
        samples = np.empty((0, self.samples), np.uint16)
        sadc: dict[str, Array] = {
            "channel": np.empty(0, np.int32),
            "samples": samples,
            "n_samples": np.empty(0, np.uint16),
        }
        apv: dict[str, Array] = {name: np.empty(0, np.int16) for name in ("plane", "wire", "a0", "a1", "a2")}
        return Lists(none, sadc), Lists(none, apv)
