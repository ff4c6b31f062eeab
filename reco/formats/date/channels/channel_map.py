"""The DAQ's channel maps: which detector channel or strip each read-out channel is, for one run.

`emiss.reco.formats.date.channels.reading` reads them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping  # noqa: TC003 - a dataclass
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path  # noqa: TC003 - a dataclass
from typing import NamedTuple

from emiss.configs.errors import Location, Problems, UserError, did_you_mean
from emiss.reco.formats.date import layout

WAVE = "ChipWaveBoard"
"""The chip of our own format (`emiss.reco.formats.date.decoding.wave_kernels`)."""


TDC = "ChipTDCBoard"
"""The same for TDCs (`emiss.reco.formats.date.decoding.tdc_kernels`)."""


class SadcEntry(NamedTuple):
    """One line of a ChipSADC or ChipWaveBoard channel map: a channel is cell (x, y) of a detector.

    A wave board (`wave`) is the module of port board/4 and ADC board mod 4.
    """

    name: str
    source: int
    port: int
    adc: int
    channel: int
    x: int
    y: int
    place: Location
    wave: bool = False

    @property
    def read_out(self) -> str:
        """Where it is read out, in words."""
        if self.wave:
            return f"source {self.source} board {self.port * layout.ADCS + self.adc} channel {self.channel}"
        return f"source {self.source} port {self.port} ADC {self.adc} channel {self.channel}"

    @property
    def channel_name(self) -> str:
        """The name as detector.x.y."""
        return f"{self.name}.{self.x}.{self.y}"


class ApvEntry(NamedTuple):
    """One line of a ChipAPV channel map: `count` channels of a chip are wires of a plane.

    Channel ``channel + n channel_step`` is wire ``wire + n wire_step`` for n = 0 ... count - 1.
    """

    name: str
    source: int
    adc: int
    chip: int
    channel: int
    channel_step: int
    count: int  # type: ignore[assignment]  # a tuple has a method of this name
    wire: int
    wire_step: int
    position: int
    factor: float
    rich: bool
    place: Location


class TdcEntry(NamedTuple):
    """One line of a ChipTDCBoard channel map: so many channels from `channel` on are the wires from `wire` on."""

    name: str
    source: int
    board: int
    channel: int
    count: int  # type: ignore[assignment]  # a tuple has a method of this name
    wire: int
    place: Location


class Rule(NamedTuple):
    """What decodes the sources that match; -1 matches any."""

    slink_type: int
    source: int
    format: int
    chip: str


@dataclass(frozen=True)
class ChannelMaps:
    """The channel maps valid for one run.

    Attributes
    ----------
    path : Path
        The directory or file they come from.
    run : int
    sadc : tuple of SadcEntry
    apv : tuple of ApvEntry
    tdc : tuple of TdcEntry
    rules : tuple of Rule
        In the order in which they are tried.
    common_mode_always : frozenset of int
        Sources whose APV chips always carry a common-mode word.
    trigger_names : mapping of name to bit
    trigger_mask : int
        Trigger word bits that are kept.
    ranges : tuple of str
        Runs that maps hold for, as they are written.
    """

    path: Path
    run: int
    sadc: tuple[SadcEntry, ...] = ()
    apv: tuple[ApvEntry, ...] = ()
    tdc: tuple[TdcEntry, ...] = ()
    rules: tuple[Rule, ...] = ()
    common_mode_always: frozenset[int] = frozenset()
    trigger_names: Mapping[str, int] = field(default_factory=dict)
    trigger_mask: int = 0xFFFFFFFF
    ranges: tuple[str, ...] = ()

    @cached_property
    def sources(self) -> tuple[int, ...]:
        """All sources that a channel map names, ascending."""
        return tuple(
            sorted({e.source for e in self.sadc} | {e.source for e in self.apv} | {e.source for e in self.tdc})
        )

    @cached_property
    def channel_names(self) -> tuple[str, ...]:
        """All MSADC channels as detector.x.y, in the order of the maps, each once."""
        return tuple(dict.fromkeys(entry.channel_name for entry in self.sadc))

    @cached_property
    def plane_names(self) -> tuple[str, ...]:
        """All planes of trackers, in the order of the maps, each once, those of strips first."""
        return tuple(dict.fromkeys([*(entry.name for entry in self.apv), *(entry.name for entry in self.tdc)]))

    @property
    def other_runs(self) -> str:
        """A hint for a run that no map is valid for."""
        own = "maps and constants for runs of your own: emiss setup new NAME --from SETUP --runs FIRST-LAST"
        return f"they hold for {', '.join(self.ranges)}; {own}" if self.ranges else own

    def check(self, channels: tuple[str, ...], planes: tuple[str, ...], timed: Mapping[str, int] | None = None) -> None:
        """Compare the maps with the channels (detector.x.y) and planes of a detector.

        Parameters
        ----------
        channels, planes : tuples of str
        timed : mapping of str to int, optional
            The planes that a TDC reads, with the number of their wires; without it that is not looked at.

        Raises
        ------
        UserError
            For channels of the map that the detector does not have, channels of the detector in no map, and what two lines
            of the maps give.
        """
        problems = Problems()
        if not self.sources:
            raise UserError(
                f"no channel map is valid for run {self.run}", at=Location(str(self.path)), hint=self.other_runs
            )
        for kind, entries, known in (
            ("channel", {e.channel_name: e.place for e in reversed(self.sadc)}, channels),
            (
                "plane",
                {e.name: e.place for e in reversed(self.tdc)} | {e.name: e.place for e in reversed(self.apv)},
                planes,
            ),
        ):
            for name, place in entries.items():
                if name not in known:
                    hint = did_you_mean(name, known, otherwise="it has")
                    problems.add(UserError(f"the detector has no {kind} '{name}'", at=place, hint=hint))
            missing = [name for name in known if name not in entries]
            if missing:
                shown = ", ".join(missing[:8]) + (f" ... ({len(missing)} in all)" if len(missing) > 8 else "")
                at = Location(str(self.path))
                hint = did_you_mean(missing[0], entries, otherwise="the maps have")
                problems.add(UserError(f"no map of run {self.run} gives the {kind} {shown}", at=at, hint=hint))
        for error in (*self._twice(), *self._undecoded(), *(() if timed is None else self._mistimed(timed))):
            problems.add(error)
        problems.check()

    def _undecoded(self) -> Iterator[UserError]:
        """Yield the errors of sources of our own boards that no rule gives to them, or that other boards have, too."""
        waves = {e.source: e.place for e in reversed(self.sadc) if e.wave}
        tdcs = {e.source: e.place for e in reversed(self.tdc)}
        others = {entry.source for entry in self.sadc if not entry.wave} | {entry.source for entry in self.apv}
        for own, chip, letter, also in ((waves, WAVE, "w", others), (tdcs, TDC, "t", others | set(waves))):
            for source, place in own.items():
                if source in also:
                    yield UserError(f"source {source} has boards of another kind, too", at=place)
                if not any(rule.source in (-1, source) and rule.chip == chip for rule in self.rules):
                    hint = f"write a line '-1 -1 -1 {source} -1 {chip} {letter}' in the ChipsCreation of a DaqOption"
                    yield UserError(f"nothing says that source {source} is of a {chip}", at=place, hint=hint)

    def _mistimed(self, timed: Mapping[str, int]) -> Iterator[UserError]:
        """Yield the errors of planes that a TDC reads in the maps or in the detector alone, and of their wires."""
        for name, place in {a.name: a.place for a in reversed(self.apv)}.items():
            if name in timed:
                hint = f"write {TDC}: `emiss setup wire` makes maps again"
                yield UserError(f"a TDC reads the plane '{name}' of the detector, no APV25", at=place, hint=hint)
        given: dict[str, set[int]] = {}
        for e in self.tdc:
            if e.name not in timed:
                hint = "its tracker has no 'digitiser' of the kind tdc"
                yield UserError(f"no TDC reads the plane '{e.name}' of the detector", at=e.place, hint=hint)
            elif e.wire + e.count > timed[e.name]:
                said = f"the wire {e.wire + e.count - 1} is outside 0 to {timed[e.name] - 1} of the plane '{e.name}'"
                yield UserError(said, at=e.place)
            given.setdefault(e.name, set()).update(range(e.wire, e.wire + e.count))
        for name, wires in timed.items():
            missing = sorted(set(range(wires)) - given.get(name, set(range(wires))))
            if missing:
                more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
                said = f"no map of run {self.run} gives the wire {missing[0]}{more} of the plane '{name}'"
                yield UserError(said, at=Location(str(self.path)))

    def _twice(self) -> Iterator[UserError]:
        """Yield the errors of what two lines of the maps give: its data would be counted twice.

        The library delivers a digit for each line; the decoder does, too, and what uses a detector's maps asks here.
        """
        first: dict[object, Location] = {}
        told: set[tuple[Location, Location]] = set()
        for key, what, place in self._given():
            other = first.setdefault(key, place)
            if other is not place and (other, place) not in told:
                told.add((other, place))  # once for two lines, whatever else they share
                yield UserError(f"{what} is given twice for run {self.run}, first at {other}", at=place)

    def _given(self) -> Iterator[tuple[object, str, Location]]:
        """Yield each detector channel, read-out channel and strip of the maps with its name and its place."""
        for e in self.sadc:
            yield ("channel", e.channel_name), f"the channel {e.channel_name}", e.place
            yield ("read-out", e.read_out), f"the read-out channel {e.read_out}", e.place
        for a in self.apv:
            chip = f"source {a.source} ADC {a.adc} chip {a.chip}"
            wires = frozenset(range(a.wire, a.wire + a.count * a.wire_step, a.wire_step)) if a.wire_step else {a.wire}
            for wire in sorted(wires):
                yield ("wire", a.name, wire), f"the wire {wire} of {a.name}", a.place
            for n in range(a.count):
                channel = a.channel + n * a.channel_step
                yield ("strip", chip, channel), f"the read-out channel {chip} channel {channel}", a.place
        for t in self.tdc:
            for n in range(t.count):
                board = f"source {t.source} board {t.board} channel {t.channel + n}"
                yield ("wire", t.name, t.wire + n), f"the wire {t.wire + n} of {t.name}", t.place
                yield ("count", board), f"the read-out channel {board}", t.place
