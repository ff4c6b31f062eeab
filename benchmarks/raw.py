"""Speed and memory of the raw reader on full waveforms: ``python -m benchmarks.raw``.

Two files of the simulation's dimuon events with every MSADC channel written (32 samples, noise where nothing was seen): with
sparse strips, and with every strip (latch-all). The digits are those of all strips, the event table leaves out those without a
signal, as a job does. Process time, the shortest of some repeats; ratios to one sum over the words of the same file.
"""

from __future__ import annotations

import re
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.record import Ratios, timed
from emiss import reco
from emiss.events.lists import Lists
from emiss.reco.formats.date.bytes import all_bytes
from emiss.reco.formats.date.channels.reading import read_channel_maps
from emiss.reco.formats.date.decoding.decode import Decoder, decode_entries, groups
from emiss.reco.formats.date.index.events import build
from emiss.reco.formats.date.lost_blocks import lost_blocks
from emiss.reco.formats.date.writing.encode import RawEvents, to_bytes
from emiss.samples.config import load_sample
from emiss.samples.digitise import waveforms
from emiss.samples.digitise_trackers import strips
from emiss.samples.simulate import Simulation

EVENTS = 6000
LONG = 1.5e9
"""Bytes of the file that memory is measured on."""


def make(path: Path, events: int = EVENTS, *, latch_all: bool = False) -> None:
    """Write a file of simulated muon pairs with all channels, those without a hit with pedestal and noise."""
    simulation = Simulation(load_sample("dimuon"))
    detector, constants = simulation.detector, simulation.conditions
    names = detector.channels
    pedestal = constants.get("sadc.pedestal", names)
    count = detector.samples
    base = np.where(np.arange(count) % 2, pedestal["odd"][:, None], pedestal["even"][:, None])
    parts = []
    for batch, rng in simulation.blocks(events):
        assert batch.cells is not None
        assert batch.points is not None
        shared = (detector, constants, simulation.sample.digitisation, rng)
        seen = waveforms(batch.cells, *shared)
        full = rng.normal(base, pedestal["sigma"][:, None], (len(batch), len(names), count))
        samples = np.rint(full).astype(np.uint16)
        samples[seen.parents, seen["channel"]] = seen["samples"]
        every = {"channel": np.tile(np.arange(len(names), dtype=np.int32), len(batch))}
        sadc = Lists(np.arange(len(batch) + 1) * len(names), {**every, "samples": samples.reshape(-1, count)})
        parts.append((batch.header, sadc, strips(batch.points, *shared)))
    header = {name: np.concatenate([part[0][name] for part in parts]) for name in parts[0][0]}
    raw = RawEvents(
        run=simulation.sample.run,
        **{name: header[name] for name in ("spill", "in_spill", "in_run", "time", "type", "trigger")},
        sadc=Lists.concatenate([part[1] for part in parts]),
        apv=Lists.concatenate([part[2] for part in parts]),
    )
    maps = read_channel_maps(detector.channel_maps_path, simulation.sample.run)
    path.write_bytes(to_bytes(raw, maps, names, detector.plane_names, latch_all=latch_all))


def measure(path: Path, title: str, ratios: Ratios) -> None:
    """Print and keep the speed of each step on a file."""
    run = reco.open(path)
    detector = run.detector
    data = all_bytes(path)
    index = build(data)
    spans = groups(index.run, index.offset, 2048)
    maps = read_channel_maps(detector.channel_maps_path, int(index.run[0]))

    def decode(decoder: Decoder, *, mapped: bool) -> None:
        for low, high in spans:
            decoded = decode_entries(decoder, data, index, np.arange(low, high))
            if mapped:
                sadc = decoder.map_sadc(decoded)
                decoder.waveforms(decoded, sadc, 32)
                decoder.amplitudes(decoded, decoder.map_apv(decoded))

    def table() -> None:
        for _ in run.tables():
            pass

    words = np.frombuffer(data, "<u4")
    warm = Decoder(maps)
    decode(warm, mapped=False)  # compiled
    begun = time.process_time()
    decode(Decoder(maps), mapped=False)
    fresh = time.process_time() - begun
    size = len(data)
    print(f"\n{title}: {len(index)} events of {size / len(index):.0f} bytes; ratios to one sum over its words")
    for name, work in (
        ("index", lambda: build(data)),
        ("index and lost blocks", lambda: lost_blocks(data, build(data), lambda _: maps, "safe")),
        ("digits, every check on", lambda: decode(warm, mapped=False)),
        ("and mapped to channels", lambda: decode(warm, mapped=True)),
        ("event table", table),
    ):
        base, took = timed(words.sum, work, repeats=3 if work is table else 7)
        ratio = ratios.add(f"{title}: {name}", took, base)
        rate = f"{size / took.best / 1e9:7.2f} GB/s  {len(index) / took.best / 1e3:8.1f} k events/s"
        more = f"   ({fresh - took.best:.3f} s more with fresh memory)" if name.startswith("digits") else ""
        print(f"  {name:24} {ratio:7.1f} x  {rate}{more}")


def memory(path: Path, long: Path) -> None:
    """Print what reconstructing a long file takes, apart from the file's own pages, which the system may drop."""
    part = path.read_bytes()
    with long.open("wb") as file:
        for _ in range(int(LONG / len(part)) + 1):
            file.write(part)
    run = reco.open(long)
    most = 0.0
    for _ in run.tables():
        found = re.search(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text())
        most = max(most, float(found[1]) / 1e3 if found else np.nan)
    print(f"\nto the event table on {long.stat().st_size / 1e9:.1f} GB: at most {most:.0f} MB of memory")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder / "sparse.dat")
        make(folder / "latch_all.dat", latch_all=True)
        collected = Ratios("raw")
        measure(folder / "sparse.dat", "sparse strips", collected)
        measure(folder / "latch_all.dat", "latch-all strips", collected)
        collected.save()
        memory(folder / "sparse.dat", folder / "long.dat")
