"""What ``emiss dump`` prints: the events of a raw run file as plain data or as lines of text, and the ledger at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.reco.formats.date import reasons
from emiss.reco.formats.date.bytes import all_bytes
from emiss.reco.formats.date.channels.reading import read_channel_maps
from emiss.reco.formats.date.decoding.decode import Decoded, Decoder, decode_entries, groups
from emiss.reco.formats.date.decoding.workspace import SPARSE
from emiss.reco.formats.date.index.events import Index, build
from emiss.reco.formats.date.ledger import fates, ledger
from emiss.reco.quality import continuity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from emiss.configs.arrays import Array
    from emiss.reco.formats.date.index.events import Policy

_EVENTS_AT_ONCE = 256


def dump(
    path: str | Path, maps: str | Path | None = None, *, events: slice = slice(None), policy: Policy = "safe"
) -> Iterator[dict[str, Any]]:
    """Yield one dictionary per event of a raw run file, then ``{"ledger": {...}}`` of these events.

    Parameters
    ----------
    path : str or Path
        Raw run file.
    maps : str or Path, optional
        Directory of XML maps; without it only headers are shown.
    events : slice
        Entries wanted, e.g. ``slice(3, 5)``.
    policy : "safe" or "oracle"
        Under oracle the events end where the library's do.

    Yields
    ------
    dict
        index, type, run, spill, event_in_spill, event_in_run, trigger, time, good; `sadc` digits as [detector, source,
        port, adc, channel, x, y, sum, samples], `apv` digits as [detector, source, adc, chip, chip channel, wire,
        position, sparse, amplitudes, addresses, tag, common mode], `tdc` hits as [detector, source, board, channel, wire,
        count], all sorted by detector name, then as they appear;
        `errors` as names. A lost event has `lost` with its reason, and no header where there is none; one that is there
        already has `excluded`. An event that is not physics is not lost, even if its content was given up (`given_up`).

    Raises
    ------
    UserError
        If the file or the maps cannot be read.
    """
    data = all_bytes(path)
    index = build(data, policy)
    start, stop, _ = events.indices(len(index))
    # what the library never reaches is in the ledger only
    hidden = ~index.good & (index.offset + index.size >= len(data)) & (policy == "oracle")
    decoder: Decoder | None = None
    numbers = continuity.examine(index.rows())
    total = ledger(index, slice(0, 0))
    for low, high in groups(index.run[start:stop], index.offset[start:stop], _EVENTS_AT_ONCE):
        span = np.arange(start + low, start + high)
        good = span[index.good[span]]
        result = None
        if maps is not None and len(good):
            run = int(index.run[good[0]])
            if decoder is None or decoder.maps.run != run:
                decoder = Decoder(read_channel_maps(maps, run), policy)
            result = decode_entries(decoder, data, index, good)
            digits = _digits(decoder, result)
        position = np.searchsorted(good, span)
        part = slice(start + low, start + high)
        fate = fates(index, part, good, result)
        total += ledger(index, part, good, result, numbers)
        for entry, row in zip(span.tolist(), position.tolist(), strict=True):
            if hidden[entry]:
                continue
            if not index.good[entry]:
                what = "excluded" if index.reason[entry] == reasons.REPEATED else "lost"
                yield {"index": entry, what: reasons.LOST[index.reason[entry]], "offset": int(index.offset[entry])}
                continue
            event = _header(index, entry)
            if decoder is not None:
                event["trigger"] &= decoder.maps.trigger_mask
            if result is not None:
                event["good"] = bool(result.good[row])
                event["sadc"], event["apv"], event["tdc"], event["errors"] = digits[row]
                if result.thrown[row]:
                    event["given_up"] = reasons.LOST[result.thrown[row]]
            if fate[entry - part.start]:
                event.pop("given_up", None)
                event["lost"] = reasons.LOST[fate[entry - part.start]]
            yield event
    yield {"ledger": total.to_json()}


def text(event: dict[str, Any]) -> list[str]:
    """Return one dictionary of `dump` as lines for reading."""
    if "ledger" in event:
        lines = ["ledger"]
        for name, value in event["ledger"].items():
            if isinstance(value, dict):
                lines += [f"  {name}"] if value else []
                lines += [f"    {what}  {_count(n)}" for what, n in value.items()]
            else:
                lines.append(f"  {name}  {value}")
        return lines
    if "type" not in event:
        what = "lost" if "lost" in event else "excluded"
        return [f"event {event['index']}: {what}, {event[what]}, at byte {event['offset']}"]
    lines = [
        f"event {event['index']}: type {event['type']}, run {event['run']}, spill {event['spill']}, "
        f"in spill {event['event_in_spill']}, in run {event['event_in_run']}, trigger 0x{event['trigger']:x}, "
        f"time {event['time']}" + ("" if event["good"] else ", not good") + _lost(event)
    ]
    lines += [f"  error {name}" for name in event["errors"]]
    for det, source, port, adc, channel, x, y, total, samples in event["sadc"]:
        lines.append(
            f"  sadc {det}.{x}.{y}  source {source} port {port} adc {adc} channel {channel} sum {total}: "
            + " ".join(str(sample) for sample in samples)
        )
    for det, source, adc, chip, channel, wire, _, sparse, amplitude, address, tag, common in event["apv"]:
        lines.append(
            f"  apv {det} wire {wire}  source {source} adc {adc} chip {chip} channel {channel} "
            f"{'sparse' if sparse else 'latch-all'}: {amplitude} cells {address} tag {tag} common mode {common}"
        )
    for det, source, board, channel, wire, count in event["tdc"]:
        lines.append(f"  tdc {det} wire {wire}  source {source} board {board} channel {channel}: {count}")
    return lines


def _lost(event: dict[str, Any]) -> str:
    return "".join(f", {what.replace('_', ' ')}: {event[what]}" for what in ("lost", "given_up") if what in event)


def _count(n: int | dict[str, int]) -> str:
    return f"{n['records']} in {n['events']} events" if isinstance(n, dict) else str(n)


def _header(index: Index, entry: int) -> dict[str, Any]:
    columns: dict[str, Array] = {
        "type": index.type,
        "run": index.run,
        "spill": index.spill,
        "event_in_spill": index.in_spill,
        "event_in_run": index.in_run,
        "trigger": index.trigger,
        "time": index.time,
    }
    header: dict[str, Any] = {"index": entry} | {name: int(values[entry]) for name, values in columns.items()}
    return header | {"good": True, "sadc": [], "apv": [], "tdc": [], "errors": []}


def _digits(decoder: Decoder, decoded: Decoded) -> list[tuple[list[Any], list[Any], list[Any], list[str]]]:
    """Return the digits and record names of each event."""
    sadc, apv, tdc = decoder.map_sadc(decoded), decoder.map_apv(decoded), decoder.map_tdc(decoded)
    waveforms, samples = decoder.waveforms(decoded, sadc)
    amplitude = decoder.amplitudes(decoded, apv)
    result = []
    for event in range(decoded.events):
        cells, strips = [], []
        for row in range(sadc.offsets[event], sadc.offsets[event + 1]):
            name, x, y = decoder.channels[sadc.channel[row]].rsplit(".", 2)
            source, port, adc, channel, total, _ = decoded.sadc[sadc.digit[row]].tolist()
            values = waveforms[row, : samples[row]].tolist()
            cells.append([name, source, port, adc, channel, int(x), int(y), total, values])
        for row in range(apv.offsets[event], apv.offsets[event + 1]):
            strip = decoder.maps.apv[decoder.strip_line[apv.entry[row]]]
            digit = int(apv.digit[row])
            source, adc, chip, flags, tag, *rest = decoded.chip[decoded.apv_chip[digit]].tolist()
            position = int(decoded.apv_position[digit])
            channel = 32 * (position & 3) + 8 * ((position >> 2) & 3) + (position >> 4)
            strips.append(
                [
                    *(strip.name, source, adc, chip, channel, int(apv.wire[row]), strip.position, bool(flags & SPARSE)),
                    *(amplitude[:, row].tolist(), rest[:3], tag, rest[3:]),
                ]
            )
        hits = []
        for row in range(tdc.offsets[event], tdc.offsets[event + 1]):
            source, board, channel, count = decoded.tdc[tdc.digit[row]].tolist()
            hits.append([decoder.planes[tdc.plane[row]], source, board, channel, int(tdc.wire[row]), count])
        names = [reasons.RECORDS[code].name for code in decoded.record[decoded.record[:, 0] == event, 1].tolist()]
        result.append((sorted(cells, key=_detector), sorted(strips, key=_detector), sorted(hits, key=_detector), names))
    return result


def _detector(digit: list[Any]) -> str:
    return str(digit[0])
