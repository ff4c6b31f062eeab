"""Speed of the raw decoder on full waveforms: ``python -m benchmarks.raw``.

A file of all MSADC channels with 32 samples and all Micromegas views (sparse), 8 to 10 kB per event. Process time, the
shortest of some repeats; ratios to one sum over the words of the same file.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from events.lists import Lists
from reco.detector import load_detector
from reco.formats.date.bytes import map_bytes
from reco.formats.date.decode import Decoder, decode_entries, groups
from reco.formats.date.encode import RawEvents, to_bytes
from reco.formats.date.index import build
from reco.formats.date.maps import read_maps

if TYPE_CHECKING:
    from collections.abc import Callable

EVENTS = 6000
RUN = 6101


def best(work: Callable[[], object], repeats: int = 7) -> float:
    """Return the shortest process time of some runs, after one for compilation and caches."""
    work()
    times = []
    for _ in range(repeats):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return min(times)


def make(path: Path, events: int = EVENTS) -> None:
    """Write a file of random full waveforms on every channel, and 25 strips per view."""
    detector = load_detector("na64e_lfc")
    maps = read_maps(detector.maps_path, RUN)
    channels, planes = detector.channels, detector.plane_names
    rng = np.random.default_rng(1)
    full = np.arange(events + 1) * len(channels)
    samples = rng.integers(0, 4096, (events * len(channels), 32), dtype=np.uint16)
    sadc = Lists(full, {"channel": np.tile(np.arange(len(channels), dtype=np.int32), events), "samples": samples})
    strips = 25
    rows = events * len(planes) * strips
    amplitudes = {name: rng.integers(0, 250, rows).astype(np.int16) * 4 for name in ("a0", "a1", "a2")}
    apv = Lists(
        np.arange(events + 1) * len(planes) * strips,
        {
            "plane": np.tile(np.repeat(np.arange(len(planes), dtype=np.int16), strips), events),
            "wire": np.tile(np.arange(strips, dtype=np.int16), events * len(planes)),
            **amplitudes,
        },
    )
    number = np.arange(events)
    path.write_bytes(
        to_bytes(
            RawEvents(
                run=RUN,
                spill=np.ones(events, np.int64),
                in_spill=number + 1,
                in_run=number + 1,
                time=np.full(events, 1_660_000_000),
                type=np.full(events, 7),
                trigger=np.ones(events, np.uint32),
                sadc=sadc,
                apv=apv,
            ),
            maps,
            channels,
            planes,
        )
    )


def main(folder: Path) -> None:
    """Print the speed of each step."""
    path = folder / "full.dat"
    make(path)
    data = map_bytes(path)
    index = build(data)
    decoder = Decoder(read_maps(load_detector("na64e_lfc").maps_path, RUN))
    spans = groups(index.run, index.offset, 2048)

    def decode(*, mapped: bool) -> None:
        for low, high in spans:
            decoded = decode_entries(decoder, data, index, np.arange(low, high))
            if mapped:
                sadc = decoder.map_sadc(decoded)
                decoder.waveforms(decoded, sadc, 32)
                decoder.amplitudes(decoded, decoder.map_apv(decoded))

    begun = time.process_time()
    decode(mapped=False)
    first = time.process_time() - begun
    words = np.frombuffer(data, "<u4")
    base = best(words.sum)
    size = len(data)
    print(f"raw file, {len(index)} events of {size / len(index):.0f} bytes; ratios to one sum over its words")
    print(f"  first pass, with compilation or its cache and fresh memory: {first:.2f} s")
    for name, work in (
        ("index", lambda: build(data)),
        ("digits, every check on", lambda: decode(mapped=False)),
        ("and mapped to channels", lambda: decode(mapped=True)),
    ):
        took = best(work)
        print(
            f"  {name:24} {took / base:7.1f} x  {size / took / 1e9:7.2f} GB/s  {len(index) / took / 1e3:8.0f} k events/s"
        )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        main(Path(name))
