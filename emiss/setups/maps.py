"""Channel maps made from a set-up: a read-out channel for each of its channels and strips, in the order of its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss.calib.run_ranges import parse_ranges
from emiss.reco.formats.date import layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from emiss.reco.detector.model import Detector
    from emiss.reco.parts.tracker import Plane

SADC_SOURCE, APV_SOURCE, TDC_SOURCE = 618, 380, 500
"""Numbers of the first sources, the first two as in the demo set-ups."""

PER_PORT = layout.ADCS * layout.SADC_CHANNELS
STATIONS_PER_SOURCE = 2


def channel_maps(detector: Detector, runs: str) -> dict[str, str]:
    """Return the texts of the XML channel maps by file name.

    Parameters
    ----------
    detector : Detector
    runs : str
        Runs that they hold for: ``9900-9999``.
    """
    runs = " ".join(f"{one.first}-{one.last}" for one in sorted(parse_ranges(runs)))
    files: dict[str, str] = {}
    port = 0
    for name, part in detector.read_out.items():
        channels = part.channels()
        chunks = [channels[first : first + PER_PORT] for first in range(0, len(channels), PER_PORT)]
        blocks = [_sadc(name, chunk, port + place, runs) for place, chunk in enumerate(chunks)]
        port += len(chunks)
        files[f"{name.upper()}.xml"] = _file(blocks)
    before = board = 0
    for name, tracker in detector.trackers.items():
        planes = tracker.planes(name)
        if tracker.digitiser is not None:
            rows = list(_boards(planes, board))
            board = 1 + rows[-1][0]
            files[f"{name.upper()}.xml"] = _file([_tdc(name, rows, runs)])
            continue
        stations = [[p for p in planes if p.station == station] for station in dict.fromkeys(p.station for p in planes)]
        files[f"{name.upper()}.xml"] = _file(
            [_apv(views, before + place, runs) for place, views in enumerate(stations)]
        )
        before += len(stations)
    rules = dict.fromkeys(range(SADC_SOURCE, SADC_SOURCE + -(-port // layout.PORTS)), "ChipSADC s")
    rules |= dict.fromkeys(range(TDC_SOURCE, TDC_SOURCE + -(-board // layout.TDC_BOARDS)), "ChipTDCBoard t")
    files["DAQ.xml"] = _file([_daq(rules, detector.trigger_bits, runs)])
    return files


def _file(blocks: Sequence[str]) -> str:
    return "\n\n".join(["<Map>", "<!-- made from a detector file, no map of NA64 -->", *blocks, "</Map>"]) + "\n"


def _sadc(part: str, channels: Sequence[str], port: int, runs: str) -> str:
    source, port = SADC_SOURCE + port // layout.PORTS, port % layout.PORTS
    rows = [
        f"{name:<10} {source} {port} {number:3d} {x:3} {y:3}"
        for number, (name, x, y) in enumerate(channel.split(".") for channel in channels)
    ]
    head = (
        f'  <ChipSADC version="2" runs="{runs}" options="xy data_format3" detector="{part.upper()}" maintainer="emiss">'
    )
    return "\n".join([head, *rows, "  </ChipSADC>"])


def _apv(views: Sequence[Plane], station: int, runs: str) -> str:
    source, adc = APV_SOURCE + station // STATIONS_PER_SOURCE, station % STATIONS_PER_SOURCE
    rows = [
        f"{plane.name} {source} {adc} {chip} 0 1 {last - first} {first} {last - 1} 1"
        for chip, (plane, first, last) in enumerate(_chips(views))
    ]
    head = f'  <ChipAPV version="2" runs="{runs}" detector="{views[0].name[:-1]}" maintainer="emiss">'
    return "\n".join([head, *rows, "  </ChipAPV>"])


def _tdc(tracker: str, rows: Sequence[tuple[int, int, int, Plane, int]], runs: str) -> str:
    head = f'  <ChipTDCBoard runs="{runs}" detector="{tracker.upper()}" maintainer="emiss">'
    lines = [
        f"{plane.name} {TDC_SOURCE + board // layout.TDC_BOARDS} {board % layout.TDC_BOARDS} {channel} {count} {wire}"
        for board, channel, count, plane, wire in rows
    ]
    return "\n".join([head, *lines, "  </ChipTDCBoard>"])


def _boards(planes: Sequence[Plane], board: int) -> Iterator[tuple[int, int, int, Plane, int]]:
    """Yield board, first channel, number of wires, plane, first wire; boards are filled one after the other from `board` on."""
    channel = 0
    for plane in planes:
        wire = 0
        while wire < plane.strips:
            if channel == layout.TDC_CHANNELS:
                board, channel = board + 1, 0
            count = min(plane.strips - wire, layout.TDC_CHANNELS - channel)
            yield board, channel, count, plane, wire
            wire, channel = wire + count, channel + count


def _chips(views: Sequence[Plane]) -> Iterator[tuple[Plane, int, int]]:
    """Yield plane, first channel and last + 1 of each chip."""
    for plane in views:
        for first in range(0, plane.channels, layout.APV_CHANNELS):
            yield plane, first, min(first + layout.APV_CHANNELS, plane.channels)


def _daq(chips: dict[int, str], triggers: dict[str, int], runs: str) -> str:
    rules = [f"      -1 -1 -1 {source} -1 {chip}" for source, chip in chips.items()]
    bits = " ".join(f'{name}="{bit}"' for name, bit in triggers.items())
    body = ["    <ChipsCreation>", *rules, "    </ChipsCreation>", f"    <Trigger {bits} />"]
    return "\n".join([f'  <DaqOption runs="{runs}">', *body, "  </DaqOption>"])
