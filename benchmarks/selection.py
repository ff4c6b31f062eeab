"""The cut engine against coffea's and against reading alone: ``python -m benchmarks.selection``.

Times are process time (all threads), the shortest of a few repeats; memory is the peak of what NumPy allocates.
``pip install -e '.[bench]'`` brings coffea; without it that part says so and is left out.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.record import Ratios, timed
from emiss import selection
from emiss.events.files.open import TableWriter, open_table
from emiss.events.files.root import RootSink
from emiss.events.ledger import Ledger
from emiss.events.lists import Lists
from emiss.events.table import EventTable, Metadata
from emiss.selection.counting.counts import add_regions
from emiss.selection.results.result import columns_of

if TYPE_CHECKING:
    from collections.abc import Callable

CUTS = 12


RATIOS = Ratios("selection")


def peak(work: Callable[[], Any]) -> float:
    """Return the peak of the memory that a work allocates, in MB."""
    tracemalloc.start()
    work()
    _, highest = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return highest / 1e6


def in_memory(count: int) -> None:
    """Twelve cuts with N-1 and two weights on masks in memory, against coffea's on the same masks."""
    rng = np.random.default_rng(1)
    masks = {f"m{i}": rng.random(count) < 0.9 for i in range(CUTS)}
    weight = rng.normal(1.0, 0.3, count)
    table = EventTable(count, {**masks, "w": weight})
    analysis = selection.loads(
        "analysis: masks\ncuts:\n"
        + "".join(f"  - {{name: c{i}, require: m{i}}}\n" for i in range(CUTS))
        + "weights: {nominal: w, variations: {up: w * 1.05}}\n"
    )
    bound = selection.bind(analysis, columns_of(table))

    def ours() -> Any:
        return bound.count(table)

    rows = ours()["default" if "default" in ours() else next(iter(ours()))]["nominal"]
    print(f"\n{CUTS} cuts with N-1, two weights, {count} events in memory, masks as boolean columns")
    try:
        from coffea.analysis_tools import PackedSelection, Weights
    except ImportError:
        (took,) = timed(ours)
        print(f"  emiss {took.best:.3f} s; coffea is not installed: pip install -e '.[bench]'")
        return

    def theirs() -> Any:
        packed = PackedSelection()
        for name, mask in masks.items():
            packed.add(name, mask)
        weights = Weights(count)
        weights.add("w", weight, weightUp=weight * 1.05)
        found = {}
        for modifier in (None, "wUp"):
            found[modifier] = (
                packed.cutflow(*masks, weights=weights, weightsmodifier=modifier),
                packed.nminusone(*masks, weights=weights, weightsmodifier=modifier),
            )
        return found

    flow, one_out = theirs()[None]
    assert [row.sequential.n for row in rows] == [int(n) for n in flow.result().nevcutflow]
    assert np.allclose([row.sequential.sum_w for row in rows], flow.result().wgtevcutflow, rtol=1e-12)
    assert [row.n_minus_1.n for row in rows[1:]] == [int(n) for n in one_out.result().nev[1:-1]]
    mine, other = timed(ours, theirs)
    faster = 1 / RATIOS.add("masks in memory, to coffea", mine, other)
    print(f"  emiss   {mine.best:7.3f} s   {peak(ours):8.1f} MB    also: only-failed, alone, undefined, overlaps")
    print(f"  coffea  {other.best:7.3f} s   {peak(theirs):8.1f} MB    cutflow and nminusone")
    print(f"  emiss is {faster:.1f} x faster with {peak(ours) / peak(theirs):.3f} of the memory; the counts agree")
    variance = flow.yieldhist()[1].variances()[-1]
    last = rows[-1].sequential
    print(f"  variance of the last row: emiss {last.sum_w2:.6g} = sum w^2; coffea {variance:.6g} = (sum w)^2")


TEN_COLUMNS = """analysis: from_file
objects:
  muon: {from: tracks, where: "charge < 0 and chi2 < 5"}
define:
  missing: 100 - ecal - h0 - h1 - h2
cuts:
  - {name: trigger, require: trigger > 0}
  - {name: srd, require: 0.001 < srd < 0.08}
  - {name: time, require: abs(time) < 4}
  - {name: ecal, require: ecal < 80}
  - {name: veto, require: veto < 0.016}
  - {name: h0, require: h0 < 4}
  - {name: h1, require: h1 < 4}
  - {name: h2, require: h2 < 4}
  - {name: one_track, require: count(tracks) == 1}
  - {name: muon, require: count(muon) == 1}
  - {name: momentum, require: "sum(tracks.p) < 90 and all(abs(tracks.x) < 60)"}
  - {name: missing, require: missing > 20}
weights: {nominal: 1, variations: {up: 1.05}}
"""


def make(path: Path, count: int, compression: Any) -> None:
    """Write a table of 8 flat and 4 list columns with at most two tracks per event, in clusters of 100 000 events."""
    rng = np.random.default_rng(2)
    sink: RootSink | None = None
    for start in range(0, count, 100_000):
        table = chunk(rng, min(100_000, count - start))
        sink = sink or RootSink(path, table, compression=compression)
        sink.extend(table)
    assert sink is not None
    sink.close(Metadata(ledger=Ledger(read=count, passed=count)))


def chunk(rng: np.random.Generator, n: int) -> EventTable:
    """Return n random events."""
    offsets = np.concatenate(([0], np.cumsum(rng.choice(3, n, p=[0.2, 0.6, 0.2]))))
    tracks = int(offsets[-1])
    flat = {
        "ecal": rng.uniform(0, 100, n),
        "h0": rng.exponential(2, n),
        "h1": rng.exponential(2, n),
        "h2": rng.exponential(2, n),
        "veto": rng.exponential(0.01, n),
        "srd": rng.exponential(0.03, n),
        "time": rng.normal(0, 2, n),
        "trigger": rng.integers(0, 2, n, dtype=np.int32),
    }
    inner = {
        "p": rng.uniform(5, 100, tracks),
        "x": rng.normal(0, 20, tracks),
        "chi2": rng.exponential(2, tracks),
        "charge": rng.choice([-1.0, 1.0], tracks),
    }
    return EventTable(n, flat, {"tracks": Lists(offsets, inner)})


def from_file(folder: Path, count: int) -> None:
    """Twelve cuts from file against uproot's time to read the columns used."""
    import uproot

    analysis = selection.loads(TEN_COLUMNS)
    print(f"\n{CUTS} cuts with N-1, two weights, {count} events from file, 8 flat and 4 list columns")
    for name, compression in (("ZSTD-5", uproot.ZSTD(5)), ("LZ4-4", uproot.LZ4(4))):
        path = folder / f"{name}.root"
        make(path, count, compression)
        bound = selection.bind(analysis, open_table(path).columns)

        def ours(path: Path = path, bound: Any = bound) -> Any:
            total = None
            for table in open_table(path).batches(bound.columns):
                counted = bound.count(table)
                total = counted if total is None else add_regions(total, counted)
            return total

        def uproot_alone(path: Path = path, bound: Any = bound) -> None:
            for _ in uproot.iterate(f"{path}:events", list(bound.columns), step_size=100_000, library="ak"):
                pass

        mine, theirs = timed(ours, uproot_alone, repeats=2)
        ratio = RATIOS.add(f"from file, {name}, to reading alone", mine, theirs)
        print(
            f"  {name:7} {path.stat().st_size / 1e6:6.0f} MB   emiss {mine.best:6.2f} s   uproot alone {theirs.best:6.2f} s   "
            f"ratio {ratio:.2f}   {count / mine.best / 1e6:.2f} M events/s"
        )
        path.unlink()


def scans(count: int) -> None:
    """Time a scan of 61 steps against the same pass without one: as a threshold, and inside a list."""
    table = chunk(np.random.default_rng(3), count)
    plain = TEN_COLUMNS + "parameters: {least: 20, near: 60}\n"
    plain = plain.replace("missing > 20", "missing > least").replace("< 60)", "< near)")
    columns = columns_of(table)

    def work(parameter: str, stop: int) -> Callable[[], Any]:
        scan = f"scan: {{parameter: {parameter}, from: 0, to: {stop}, points: 61}}"
        text = plain.replace("  - {name: trigger, ", f"  - {{name: trigger, {scan}, ")
        bound = selection.bind(selection.loads(text), columns)
        return lambda: bound.run(table)

    once = selection.bind(selection.loads(plain), columns)
    base, threshold, steps = timed(lambda: once.run(table), work("least", 60), work("near", 60))
    print(
        f"\nscan of 61 steps on {count} events in memory, 12 cuts with N-1, two weights; ratio to the pass without it"
    )
    print(f"  threshold of one comparison           {RATIOS.add('scan of a threshold', threshold, base):6.2f} x")
    print(f"  inside a list, evaluated at each step {RATIOS.add('scan inside a list', steps, base):6.2f} x")


def command(folder: Path, count: int) -> None:
    """Time `emiss select` with one threshold changed by the wall clock, from command to printed table."""
    from emiss import reco
    from emiss.samples.config import load_sample
    from emiss.samples.simulate import simulate

    table = reco.process(reco.open(simulate(load_sample("signal"), folder / "signal.root", events=20_000)))
    path = folder / "table.root"
    with TableWriter(path) as writer:
        for _ in range(count // 20_000):
            writer.extend(table)
        rows = count // 20_000 * len(table)
        writer.finish(replace(table.metadata, ledger=Ledger(read=rows, passed=rows)))
    run = [sys.executable, "-m", "emiss", "select", str(path), "--set", "e_miss_min=25GeV"]
    times = []
    for _ in range(4):
        begun = time.perf_counter()
        subprocess.run(run, check=True, capture_output=True)
        times.append(time.perf_counter() - begun)
    print(
        f"\nemiss select --set e_miss_min=25GeV on {count} events of the demo's table: {min(times):.2f} s by the wall clock"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="events in memory and for the command")
    parser.add_argument("--file-events", type=int, default=5_000_000, help="events in the files")
    arguments = parser.parse_args()
    in_memory(arguments.events)
    scans(arguments.events)
    with tempfile.TemporaryDirectory() as name:
        from_file(Path(name), arguments.file_events)
        command(Path(name), arguments.events)
    RATIOS.save()
