"""Channel maps made from a set-up: a read-out channel for each of its channels and strips, in the order of its file.

Digitisers whose samples an MSADC cannot hold are wave boards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss.calib.run_ranges import parse_ranges
from emiss.reco.formats.date import layout
from emiss.reco.formats.date.channels.channel_map import WAVE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from emiss.reco.detector.model import Detector
    from emiss.reco.parts.base import ReadOut
    from emiss.reco.parts.tracker import Plane

SADC_SOURCE, APV_SOURCE, WAVE_SOURCE = 618, 380, 640
"""Numbers of the first sources; those of MSADC and APV as in the demo set-ups."""

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
    port, board = 0, 0
    for name, part in detector.read_out.items():
        channels = part.channels()
        if wave_board(detector, part):
            chunks = _chunks(channels, layout.SADC_CHANNELS)
            files[f"{name.upper()}.xml"] = _file([_wave(name, chunks, board, runs)])
            board += len(chunks)
            continue
        chunks = _chunks(channels, PER_PORT)
        blocks = [_sadc(name, chunk, port + place, runs) for place, chunk in enumerate(chunks)]
        port += len(chunks)
        files[f"{name.upper()}.xml"] = _file(blocks)
    for number, (name, tracker) in enumerate(detector.trackers.items()):
        before = sum(len(other.stations) for other in list(detector.trackers.values())[:number])
        planes = tracker.planes(name)
        stations = [[p for p in planes if p.station == station] for station in dict.fromkeys(p.station for p in planes)]
        files[f"{name.upper()}.xml"] = _file(
            [_apv(views, before + place, runs) for place, views in enumerate(stations)]
        )
    rules = [
        *_rules(SADC_SOURCE, -(-port // layout.PORTS), "ChipSADC s"),
        *_rules(WAVE_SOURCE, -(-board // layout.WAVE_BOARDS), f"{WAVE} w"),
    ]
    files["DAQ.xml"] = _file([_daq(rules, detector.trigger_bits, runs)])
    return files


def wave_board(detector: Detector, part: ReadOut) -> bool:
    """Tell whether a part is read out by wave boards: an MSADC has no room for its samples."""
    digitiser = detector.digitisers[part.digitiser or next(iter(detector.digitisers))]
    return digitiser.bits > layout.SADC_BITS


def _chunks(channels: Sequence[str], size: int) -> list[Sequence[str]]:
    return [channels[first : first + size] for first in range(0, len(channels), size)]


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


def _wave(part: str, boards: Sequence[Sequence[str]], first: int, runs: str) -> str:
    rows = []
    for number, channels in enumerate(boards, first):
        source, board = WAVE_SOURCE + number // layout.WAVE_BOARDS, number % layout.WAVE_BOARDS
        for place, channel in enumerate(channels):
            name, x, y = channel.split(".")
            rows.append(f"{name:<10} {source} {board:2d} {place:2d} {x:3} {y:3}")
    head = f'  <{WAVE} runs="{runs}" detector="{part.upper()}" maintainer="emiss">'
    return "\n".join([head, *rows, f"  </{WAVE}>"])


def _apv(views: Sequence[Plane], station: int, runs: str) -> str:
    source, adc = APV_SOURCE + station // STATIONS_PER_SOURCE, station % STATIONS_PER_SOURCE
    rows = [
        f"{plane.name} {source} {adc} {chip} 0 1 {last - first} {first} {last - 1} 1"
        for chip, (plane, first, last) in enumerate(_chips(views))
    ]
    head = f'  <ChipAPV version="2" runs="{runs}" detector="{views[0].name[:-1]}" maintainer="emiss">'
    return "\n".join([head, *rows, "  </ChipAPV>"])


def _chips(views: Sequence[Plane]) -> Iterator[tuple[Plane, int, int]]:
    """Yield plane, first channel and last + 1 of each chip."""
    for plane in views:
        for first in range(0, plane.channels, layout.APV_CHANNELS):
            yield plane, first, min(first + layout.APV_CHANNELS, plane.channels)


def _rules(first: int, count: int, decoder: str) -> list[str]:
    return [f"      -1 -1 -1 {source} -1 {decoder}" for source in range(first, first + count)]


def _daq(rules: Sequence[str], triggers: dict[str, int], runs: str) -> str:
    bits = " ".join(f'{name}="{bit}"' for name, bit in triggers.items())
    body = ["    <ChipsCreation>", *rules, "    </ChipsCreation>", f"    <Trigger {bits} />"]
    return "\n".join([f'  <DaqOption runs="{runs}">', *body, "  </DaqOption>"])
