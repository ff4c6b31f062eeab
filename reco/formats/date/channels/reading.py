"""The reader of the DAQ's XML channel maps, for one run.

Read: ``ChipSADC`` (MSADC, option data_format3), ``ChipAPV`` (strips), ``ChipWaveBoard`` and ``ChipTDCBoard`` (our own),
``DaqOption`` (what decodes a source, trigger names); elements of other chips are left alone. Each run is read
from nothing, so no state of an earlier run can leak. Unlike the library, which skips a bad line or the rest of a file with a
message, every mistake is a `UserError` with file and line.
"""

from __future__ import annotations

import re
from pathlib import Path

from emiss.configs.errors import Location, Problems, UserError
from emiss.reco.formats.date import layout
from emiss.reco.formats.date.channels.channel_map import TDC, WAVE, ApvEntry, ChannelMaps, Rule, SadcEntry, TdcEntry
from emiss.reco.formats.date.channels.xml import Element, Line, read_elements

MAX_FILES = 1000
MAX_CHANNELS = 1_000_000
MAX_FACTOR = 32.0
"""Largest amplitude factor of a rich_adc map, so that amplitudes fit 16 bits."""


class _Reader:
    """Collects the elements of all files for one run."""

    def __init__(self, run: int) -> None:
        self.run = run
        self.sadc: list[SadcEntry] = []
        self.apv: list[ApvEntry] = []
        self.tdc: list[TdcEntry] = []
        self.rules: list[Rule] = []
        self.common_mode_always: set[int] = set()
        self.trigger_names: dict[str, int] = {}
        self.trigger_mask = 0xFFFFFFFF
        self.ranges: dict[str, None] = {}
        self.problems = Problems()

    def element(self, element: Element) -> None:
        """Read one child of a map file's root."""
        try:
            valid = valid_for(self.run, element)
            if "runs" in element.attributes:
                self.ranges[element.attributes["runs"]] = None
            if not valid:
                return
            if element.name == "ChipSADC":
                self._sadc(element)
            elif element.name == WAVE:
                self._wave(element)
            elif element.name == TDC:
                self._tdc(element)
            elif element.name == "ChipAPV":
                self._apv(element)
            elif element.name in ("DaqOption", "DaqOptions"):
                self._daq_option(element)
            elif element.name in ("ChipsCreation", "ChipCreation"):
                raise UserError(f"{element.name} stands outside of a DaqOption", at=element.place)
        except UserError as error:
            self.problems.add(error)
        strips = sum(e.count for e in self.apv) + sum(e.count for e in self.tdc)
        if len(self.sadc) + strips > MAX_CHANNELS:
            raise UserError(f"more than {MAX_CHANNELS} channels", at=element.place)

    def _sadc(self, element: Element) -> None:
        options = _options(element)
        version = _version(element, (1, 2))
        for needed in ("xy", "data_format3"):
            if needed not in options:
                raise UserError(
                    f"a ChipSADC map without the option {needed} is not supported",
                    at=element.place,
                    hint='write options="xy data_format3"',
                )
        columns = "NAME source port channel x y" if version == 2 else "NAME source chip channel x y"
        for line in element.lines:
            words = _words(line, columns, 6, self.problems)
            if words is None:
                continue
            try:
                source = _number(line, words[1], "source", 0, layout.SOURCES - 1)
                port = _number(line, words[2], "port", 0, layout.PORTS - 1) if version == 2 else 0
                if version == 2:
                    adc, channel = divmod(_number(line, words[3], "channel", 0, 63), layout.SADC_CHANNELS)
                else:
                    adc = _number(line, words[2], "chip", 0, layout.ADCS - 1)
                    channel = _number(line, words[3], "channel", 0, layout.SADC_CHANNELS - 1)
                x, y = (_number(line, w, n, -(2**15), 2**15 - 1) for w, n in zip(words[4:6], "xy", strict=True))
            except UserError as error:
                self.problems.add(error)
                continue
            self.sadc.append(SadcEntry(words[0], source, port, adc, channel, x, y, line.place))

    def _wave(self, element: Element) -> None:
        _version(element, (1,))
        for line in element.lines:
            words = _words(line, "NAME source board channel x y", 6, self.problems)
            if words is None:
                continue
            try:
                source = _number(line, words[1], "source", 0, layout.SOURCES - 1)
                port, adc = divmod(_number(line, words[2], "board", 0, layout.WAVE_BOARDS - 1), layout.ADCS)
                channel = _number(line, words[3], "channel", 0, layout.SADC_CHANNELS - 1)
                x, y = (_number(line, w, n, -(2**15), 2**15 - 1) for w, n in zip(words[4:6], "xy", strict=True))
            except UserError as error:
                self.problems.add(error)
                continue
            self.sadc.append(SadcEntry(words[0], source, port, adc, channel, x, y, line.place, wave=True))

    def _tdc(self, element: Element) -> None:
        _version(element, (1,))
        for line in element.lines:
            words = _words(line, "NAME source board channel count wire", 6, self.problems)
            if words is None:
                continue
            try:
                source = _number(line, words[1], "source", 0, layout.SOURCES - 1)
                board = _number(line, words[2], "board", 0, layout.TDC_BOARDS - 1)
                channel = _number(line, words[3], "channel", 0, layout.TDC_CHANNELS - 1)
                count = _number(line, words[4], "count", 1, layout.TDC_CHANNELS)
                wire = _number(line, words[5], "wire", 0, 2**15 - layout.TDC_CHANNELS)
                if channel + count > layout.TDC_CHANNELS:
                    said = f"the channel {channel + count - 1} is outside 0 to {layout.TDC_CHANNELS - 1}"
                    raise UserError(said, at=line.place)
            except UserError as error:
                self.problems.add(error)
                continue
            self.tdc.append(TdcEntry(words[0], source, board, channel, count, wire, line.place))

    def _apv(self, element: Element) -> None:
        options = _options(element)
        version = _version(element, (1, 2, 3))
        for option in options:
            if option.startswith("pixel"):
                raise UserError(f"the option {option} of ChipAPV is not supported", at=element.place)
        columns = "NAME source adc chip chanF chanS chanN wireF wireL wireS"
        leading = 1 if version == 1 else 0
        for line in element.lines:
            words = _words(line, f"number {columns}" if leading else columns, 10 + leading, self.problems)
            if words is None:
                continue
            try:
                entry = _apv_entry(line, words[leading:], version, rich="rich_adc" in options)
            except UserError as error:
                self.problems.add(error)
                continue
            self.apv.append(entry)
            if "CMC_always" in options:
                self.common_mode_always.add(entry.source)

    def _daq_option(self, option: Element) -> None:
        for child in option.children:
            if not valid_for(self.run, child):
                continue
            if child.name in ("ChipsCreation", "ChipCreation"):
                self._creation(child)
            elif child.name == "TriggersIgnore":
                for text in child.attributes.get("bit", "").split():
                    self.trigger_mask &= ~(1 << _number(child, text, "bit", 0, 31))
            elif child.name == "Trigger":
                for name, text in child.attributes.items():
                    bit = _number(child, text, "bit", 0, 31)
                    if name in self.trigger_names or bit in self.trigger_names.values():
                        raise UserError(f"the trigger '{name}' or its bit {bit} is given twice", at=child.place)
                    self.trigger_names[name] = bit

    def _creation(self, element: Element) -> None:
        for line in element.lines:
            words = _words(line, "Dtype Did Stype Sid format CLASS letter", 7, self.problems)
            if words is None:
                continue
            try:
                for word in words[:2]:
                    _number(line, word, "column", -1, 2**31 - 1)
                kind = _number(line, words[2], "S-Link type", -1, 31)
                source = _number(line, words[3], "source", -1, layout.SOURCES - 1)
                format_ = _number(line, words[4], "format", -1, 255)
            except UserError as error:
                self.problems.add(error)
                continue
            self.rules.append(Rule(kind, source, format_ & 127 if format_ >= 0 else -1, words[5]))


def read_channel_maps(path: str | Path, run: int) -> ChannelMaps:
    """Read the channel maps that are valid for a run.

    Parameters
    ----------
    path : str or Path
        A directory of ``*.xml`` (not recursive) or one file.
    run : int

    Raises
    ------
    UserError
        With file and line for each mistake; a file is read to its end to show all of them.
    """
    path = Path(path)
    if path.is_dir():
        files = sorted(path.glob("*.xml"))
        if not files:
            raise UserError("there are no *.xml map files", at=Location(str(path)))
        if len(files) > MAX_FILES:
            raise UserError(f"more than {MAX_FILES} map files", at=Location(str(path)))
    elif path.exists():
        files = [path]
    else:
        raise UserError("no such directory of channel maps", at=Location(str(path)))
    reader = _Reader(run)
    for file in files:
        try:
            elements = read_elements(file)
        except UserError as error:
            reader.problems.add(error)
            continue
        for element in elements:
            reader.element(element)
    reader.problems.check()
    return ChannelMaps(
        path=path,
        run=run,
        sadc=tuple(reader.sadc),
        apv=tuple(reader.apv),
        tdc=tuple(reader.tdc),
        rules=tuple(reader.rules),
        common_mode_always=frozenset(reader.common_mode_always),
        trigger_names=reader.trigger_names,
        trigger_mask=reader.trigger_mask,
        ranges=tuple(reader.ranges),
    )


def valid_for(run: int, element: Element) -> bool:
    """Whether the `runs` attribute of an element covers a run.

    The grammar is blank-separated ``a`` or ``a-b``, ends included, ascending and disjoint; without it all runs are meant.

    Raises
    ------
    UserError
        For anything else; the library would drop the rest of the file.
    """
    text = element.attributes.get("runs")
    if text is None:
        return True
    found = False
    last = -1
    for part in text.split():
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        if match is None:
            hint = "separate ranges by blanks" if "," in part else "write 6000 or 6000-6999"
            raise UserError(f"'{part}' is not a run or a range of runs", at=element.place, hint=hint)
        low = int(match[1])
        high = int(match[2] or match[1])
        if low > high or low <= last:
            raise UserError(f"the runs '{text}' are not ascending and disjoint", at=element.place)
        last = high
        found = found or low <= run <= high
    if last < 0:
        raise UserError("the attribute runs is empty", at=element.place, hint="leave it out for all runs")
    return found


def _apv_entry(line: Line, words: list[str], version: int, *, rich: bool) -> ApvEntry:
    numbers = [_number(line, word, "column", -(2**15), 2**15 - 1) for word in words[2:10]]
    _, _, channel, step, count, wire, _, wire_step = numbers
    source = _number(line, words[1], "source", 0, layout.SOURCES - 1)
    adc = _number(line, words[2], "adc", 0, layout.APV_ADCS - 1)
    chip = _number(line, words[3], "chip", 0, layout.APV_CHIPS - 1)
    if count <= 0 or count > layout.APV_CHANNELS:
        raise UserError(f"chanN is {count}, outside 1 to {layout.APV_CHANNELS}", at=line.place)
    if step == 0 and count > 1:
        raise UserError("the channel step chanS is 0", at=line.place)
    for end in (channel, channel + (count - 1) * step):
        if not 0 <= end < layout.APV_CHANNELS:
            raise UserError(f"channel {end} is outside 0 to {layout.APV_CHANNELS - 1}", at=line.place)
    for end in (wire, wire + (count - 1) * wire_step):
        if not 0 <= end < 2**15:
            raise UserError(f"wire {end} is outside 0 to {2**15 - 1}", at=line.place)
    position = _number(line, words[10], "position", -1, 1) if len(words) > 10 else 0
    factor = 1.0
    if version == 3 and len(words) > 11:
        try:
            factor = float(words[11])
        except ValueError:
            factor = -1.0
        if not 0.0 < factor <= MAX_FACTOR:
            raise UserError(f"the factor '{words[11]}' is not a number above 0, at most {MAX_FACTOR:g}", at=line.place)
    return ApvEntry(
        words[0], source, adc, chip, channel, step, count, wire, wire_step, position, factor, rich, line.place
    )


def _words(line: Line, columns: str, needed: int, problems: Problems) -> list[str] | None:
    words = line.text.split()
    if len(words) >= needed and not words[0].startswith("#"):
        return words
    hint = "comments are written <!-- ... -->" if words[0].startswith("#") else None
    problems.add(UserError(f"expected: {columns}", at=line.place, hint=hint))
    return None


def _number(node: Element | Line, text: str, what: str, low: int, high: int) -> int:
    try:
        value = int(text, 16) if text.lower().startswith("0x") else int(text, 10)
    except ValueError:
        raise UserError(f"'{text}' ({what}) is not an integer", at=node.place) from None
    if not low <= value <= high:
        raise UserError(f"the {what} {value} is outside {low} to {high}", at=node.place)
    return value


def _version(element: Element, known: tuple[int, ...]) -> int:
    version = _number(element, element.attributes.get("version", "1"), "version", 0, 2**31 - 1)
    if version not in known:
        hint = "known: " + ", ".join(str(v) for v in known)
        raise UserError(f"{element.name} of version {version} is not known", at=element.place, hint=hint)
    return version


def _options(element: Element) -> set[str]:
    text = f"{element.attributes.get('option', '')} {element.attributes.get('options', '')}"
    return set(re.split(r"[\s,]+", text.strip())) - {""}
