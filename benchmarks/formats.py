"""Event tables in the formats that could be the default: ``python -m benchmarks.formats``; prints a table in Markdown.

All formats hold the same events of the demo samples, in pieces of as many rows as `emiss process` writes, and take turns, so
that they see the same machine. Times are process time (all threads), the shortest of some repeats, those from a cold page
cache are by the wall clock. Ratios are to a bare uproot read of the columns that the demo's cuts use, from ROOT's ZSTD.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np
import pyarrow.parquet as pq
import uproot

from benchmarks.record import Ratios, Times, timed
from emiss import reco, selection
from emiss.events.files.base import ROWS
from emiss.events.files.open import open_stored
from emiss.events.files.parquet import ParquetSink
from emiss.events.files.root import RootSink
from emiss.events.ledger import Ledger
from emiss.events.table import EventTable, Metadata
from emiss.samples.config import load_sample
from emiss.samples.simulate import simulate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from emiss.selection.counting.engine import Bound

SAMPLES = ("signal", "dimuon", "beam")


class PlainParquetSink(ParquetSink):
    """A Parquet file of another compression, without splitting floats into bytes."""

    def __init__(self, path: Path, table: EventTable, compression: str) -> None:
        schema = self._arrow(table).schema
        self._writer = pq.ParquetWriter(
            path, schema, compression=compression, use_dictionary=False, write_page_checksum=True
        )


class NTupleSink:
    """An RNTuple of the same columns."""

    def __init__(self, path: Path, table: EventTable) -> None:
        self._file = uproot.recreate(path, compression=uproot.ZSTD(1))
        self._ntuple = self._file.mkrntuple("events", self._rows(table.slice(0, 0)))

    def extend(self, table: EventTable) -> None:
        """Append the rows of a table."""
        self._ntuple.extend(self._rows(table))

    def close(self, _metadata: Metadata) -> None:
        """Close the file, without metadata."""
        self._file.close()

    @staticmethod
    def _rows(table: EventTable) -> Any:
        columns: dict[str, Any] = dict(table.flat)
        for name, lists in table.lists.items():
            for field, values in lists.columns.items():
                content = ak.contents.NumpyArray(np.ascontiguousarray(values))
                offsets = ak.index.Index64(lists.offsets)
                columns[f"{name}.{field}"] = ak.Array(ak.contents.ListOffsetArray(offsets, content))
        return ak.zip(columns, depth_limit=1)


FORMATS: dict[str, tuple[str, Callable[[Path, EventTable], Any]]] = {
    "ROOT TTree, ZSTD 1 (`--tables root`)": ("root", RootSink),
    "ROOT TTree, LZ4 1": ("root", partial(RootSink, compression=uproot.LZ4(1))),
    "ROOT TTree, ZLIB 1": ("root", partial(RootSink, compression=uproot.ZLIB(1))),
    "ROOT RNTuple, ZSTD 1": ("root", NTupleSink),
    "Parquet, ZSTD, floats split (default)": ("parquet", ParquetSink),
    "Parquet, ZSTD": ("parquet", partial(PlainParquetSink, compression="zstd")),
    "Parquet, LZ4": ("parquet", partial(PlainParquetSink, compression="lz4")),
    "Parquet, not compressed": ("parquet", partial(PlainParquetSink, compression="none")),
}


def events(folder: Path, count: int) -> list[EventTable]:
    """Return events of the demo samples, without what only one of them has, in pieces."""
    tables = []
    for name in SAMPLES:
        path = simulate(load_sample(name), folder / f"{name}.root", events=count // len(SAMPLES))
        tables.append(reco.process(reco.open(path)))
    names = set.intersection(*(set(table.flat) for table in tables))
    whole = EventTable.concatenate(
        replace(table, flat={name: values for name, values in table.flat.items() if name in names}) for table in tables
    )
    return [whole.slice(start, start + ROWS) for start in range(0, len(whole), ROWS)]


def write(path: Path, make: Callable[[Path, EventTable], Any], parts: Sequence[EventTable]) -> None:
    sink = make(path, parts[0])
    rows = sum(map(len, parts))
    for part in parts:
        sink.extend(part)
    columns = {name: column for name, column in parts[0].metadata.columns.items() if name in parts[0].names}
    sink.close(Metadata(columns, ledger=Ledger(read=rows, passed=rows)))


def read(path: Path, columns: Sequence[str] | None) -> None:
    file = open_stored(path)
    for _ in file.batches(columns):
        pass
    file.close()


def cut(path: Path, bound: Bound) -> None:
    file = open_stored(path)
    counter = bound.counter(sample="x", role="simulation", fill=False)
    for table in file.batches(bound.columns_for(fill=False)):
        counter.add(table)
    counter.yields()
    file.close()


def cold(path: Path, work: Callable[[], None], repeats: int = 3) -> float:
    """Return the shortest time of a work by the wall clock, with the file out of the page cache each time."""
    times = []
    for _ in range(repeats):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times)


def main(folder: Path, count: int, repeats: int) -> None:
    parts = events(folder, count)
    rows = sum(map(len, parts))
    ratios = Ratios("formats")
    paths = {name: folder / f"{number}.{suffix}" for number, (name, (suffix, _)) in enumerate(FORMATS.items())}
    writes = [partial(write, paths[name], make, parts) for name, (_, make) in FORMATS.items()]
    written = timed(*writes, repeats=2)
    first = next(iter(paths.values()))
    bound = selection.bind(selection.load("e_to_mu_phi"), open_stored(first).columns)
    columns = list(bound.columns_for(fill=False))

    def bare() -> None:
        for _ in uproot.iterate(f"{first}:events", columns, step_size=100_000, library="ak"):
            pass

    base, *cuts = timed(bare, *(partial(cut, path, bound) for path in paths.values()), repeats=repeats)
    reads = timed(*(partial(read, path, columns) for path in paths.values()), repeats=repeats)
    whole = timed(*(partial(read, path, None) for path in paths.values()), repeats=2)

    def each(took: Times) -> str:
        return f"{took.best / rows * 1e6:.2f}"

    print(f"{rows} events, {len(parts[0].names)} columns; the cuts use {len(columns)}; microseconds per event\n")
    print("| format | bytes | write | read all | read for the cuts | cut | cut, cold | cut / bare uproot |")
    print("|---|---|---|---|---|---|---|---|")
    for (name, path), took_write, took_read, took_all, took in zip(
        paths.items(), written, reads, whole, cuts, strict=True
    ):
        ratio = ratios.add(f"cut, {name}, to a bare uproot read", took, base)
        ratios.add(f"write, {name}, to a bare uproot read", took_write, base)
        waited = cold(path, partial(cut, path, bound)) / rows * 1e6
        print(
            f"| {name} | {path.stat().st_size / rows:.0f} | {each(took_write)} | {each(took_all)} | {each(took_read)} "
            f"| {each(took)} | {waited:.2f} | {ratio:.2f} |"
        )
    print(f"\nbare uproot read of these columns: {each(base)}")
    ratios.save()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        main(Path(name), arguments.events, arguments.repeats)
