"""Speed of each step of the main job on one core, per event and as a ratio to the step it is measured against.

The track fit has its own, `benchmarks.tracking`.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

REPEATS = 3


def best(work: Callable[[], object]) -> float:
    """Return the shortest of some times, after one run for compilation and caches."""
    work()
    times = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times)


def raw(folder: Path) -> None:
    """Time decoding and reconstruction of a raw file against one pass over its bytes."""
    from emiss import reco
    from emiss.reco.formats.date.bytes import all_bytes
    from emiss.reco.formats.date.index.events import build
    from emiss.reco.readers.raw import RawRunFile
    from emiss.samples.config import load_sample
    from emiss.samples.simulate import simulate

    path = simulate(load_sample("dimuon"), folder / "dimuon.dat", events=5000)
    run = reco.open(path)
    detector = run.pipeline.detector
    data = all_bytes(path)
    size, events = len(data), len(run.files[0].index())
    words = np.frombuffer(data, "<u4")

    def read() -> None:
        for _ in RawRunFile(path, detector.channel_maps_path, detector.channels, detector.plane_names).batches():
            pass

    def reconstruct() -> None:
        for _ in run.tables():
            pass

    base = best(words.sum)
    print(f"\nraw file, {events} events, {size / events:.0f} bytes each; ratios to one sum over its words")
    for name, work in (("index", lambda: build(data)), ("digits on channels", read), ("event table", reconstruct)):
        took = best(work)
        print(
            f"  {name:20} {took / base:9.1f} x   {size / took / 1e6:8.0f} MB/s   {events / took / 1e3:8.1f} k events/s"
        )


def cuts(folder: Path) -> None:
    """Time the demo analysis on a stored table against reading its columns."""
    from emiss import reco, selection
    from emiss.events.files.open import open_table, write
    from emiss.events.table import EventTable
    from emiss.samples.config import load_sample
    from emiss.samples.simulate import simulate

    table = reco.process(reco.open(simulate(load_sample("signal"), folder / "signal.root", events=20000)))
    table = EventTable.concatenate([table] * 10)
    path = write(table, folder / "table.root")
    analysis = selection.load("e_to_mu_phi")
    bound = selection.bind(analysis, open_table(path).columns)
    base = best(lambda: list(open_table(path).batches(bound.columns)))
    took = best(lambda: bound.count(table))
    print(f"\ndemo analysis on {len(table)} events; ratio to reading its {len(bound.columns)} columns")
    print(f"  cuts with N-1        {took / base:9.2f} x   {len(table) / took / 1e6:8.2f} M events/s")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        raw(Path(name))
        cuts(Path(name))
