"""Speed of each step of the main job on one core, per event and as a ratio to the step it is measured against.

The track fit has its own, `benchmarks.tracking`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.record import Ratios, timed

clocked = partial(timed, repeats=3, clock=time.perf_counter)


def start(ratios: Ratios) -> None:
    """Time what `import emiss` and `emiss --version` cost against an interpreter that does nothing."""

    def run(*arguments: str) -> None:
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)

    works = {"import emiss": ("-c", "import emiss"), "emiss --version": ("-m", "emiss", "--version")}
    base, *taken = clocked(partial(run, "-c", ""), *(partial(run, *words) for words in works.values()), repeats=7)
    print("start; ratios to an interpreter that does nothing")
    for name, took in zip(works, taken, strict=True):
        more = (took.best - base.best) * 1e3
        print(f"  {name:20} {ratios.add(name, took, base):9.2f} x   {more:8.0f} ms more")


def raw(folder: Path, ratios: Ratios) -> None:
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

    print(f"\nraw file, {events} events, {size / events:.0f} bytes each; ratios to one sum over its words")
    works = {"index": lambda: build(data), "digits on channels": read, "event table": reconstruct}
    base, *taken = clocked(words.sum, *works.values())
    for name, took in zip(works, taken, strict=True):
        ratio = ratios.add(name, took, base)
        speed = f"{size / took.best / 1e6:8.0f} MB/s   {events / took.best / 1e3:8.1f} k events/s"
        print(f"  {name:20} {ratio:9.1f} x   {speed}")


def cuts(folder: Path, ratios: Ratios) -> None:
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
    base, took = clocked(lambda: list(open_table(path).batches(bound.columns)), lambda: bound.count(table))
    ratio = ratios.add("cuts with N-1", took, base)
    print(f"\ndemo analysis on {len(table)} events; ratio to reading its {len(bound.columns)} columns")
    print(f"  cuts with N-1        {ratio:9.2f} x   {len(table) / took.best / 1e6:8.2f} M events/s")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        collected = Ratios("steps")
        start(collected)
        raw(Path(name), collected)
        cuts(Path(name), collected)
        collected.save()
