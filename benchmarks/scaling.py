"""Executors: the same job serial, in processes and on dask; what dask costs per task. ``python -m benchmarks.scaling``.

Wall time, since workers are processes of their own; the ratios depend on how many cores are free.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from benchmarks.record import Ratios, Times
from emiss import runlist
from emiss.configs.cluster import Local
from emiss.job import clusters
from emiss.job.distributed import DaskPool
from emiss.job.plan import plan
from emiss.job.reduction import Reduction
from emiss.job.run import run_job
from emiss.samples.config import load_sample
from emiss.samples.simulate import simulate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from emiss.job.task import Executor

NAP = 1.0
"""Seconds of a task whose overhead is measured."""


@dataclass(frozen=True)
class Naps:
    """Work that sleeps: what it takes longer than that is what its executor costs."""

    seconds: float
    name = "nap"

    def start(self) -> Callable[[int], int]:
        """Return a function that sleeps and gives back what it is given."""

        def nap(item: int) -> int:
            if self.seconds:
                time.sleep(self.seconds)
            return item

        return nap


def total(parts: Sequence[int]) -> int:
    return sum(parts)


def main(events: int, tasks: int, repeats: int) -> None:
    ratios = Ratios("scaling")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "runs.yaml").write_text(
            "detector: na64e_lfc\nanalysis: e_to_mu_phi\ncalib: demo\n"
            "samples:\n  beam: {role: background, files: [beam.dat], on_target: 1e6}\n",
            encoding="utf-8",
        )
        simulate(load_sample("beam"), folder / "beam.dat", events=events)
        serial = job(folder, "serial", 1, events, repeats)
        print(f"serial: {events / serial.best:.0f} events/s")
        for workers in (1, 2):
            with clusters.client_of(Local(kind="local", workers=workers)) as client:
                pool = DaskPool(client)
                found = job(folder, pool, workers, events, repeats)
                ratio = ratios.add(f"dask, {workers} workers", found, serial, "x serial")
                print(f"dask, {workers} workers: {ratio:.2f} of the time of serial")
                if workers == 2:
                    overhead(pool, workers, tasks, ratios)
        for workers in (1, 2):
            found = job(folder, "processes", workers, events, repeats)
            ratio = ratios.add(f"processes, {workers} workers with their start", found, serial, "x serial")
            print(f"processes, {workers} workers with their start: {ratio:.2f} of the time of serial")
    print(f"kept in {ratios.save()}")


def job(folder: Path, executor: Executor, workers: int, events: int, repeats: int) -> Times:
    """Time a job of 16 tasks from its plan to its reports; a first one warms up."""
    taken = []
    for number in range(repeats + 1):
        out = folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        begun = time.perf_counter()
        listed = runlist.load(folder / "runs.yaml")
        planned = plan(listed, out, task_entries=-(-events // 16), executor=executor, workers=workers)
        run_job(planned, out, executor=executor, workers=workers)
        if number:
            taken.append(time.perf_counter() - begun)
    return Times(tuple(taken))


def memory() -> tuple[int, int]:
    """Return the bytes that the process of the scheduler, which is this one, has now and had at most."""
    return psutil.Process().memory_info().rss, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def overhead(pool: DaskPool, workers: int, tasks: int, ratios: Ratios) -> None:
    """Print what a task costs beside its own time, and how many parts a sum of many holds at a time."""
    naps = 10 * workers
    begun = time.perf_counter()
    assert pool.collect(Naps(NAP), range(naps), total).sums == {"": sum(range(naps))}
    took = (time.perf_counter() - begun) / (naps / workers)
    ratios.add_number(f"tasks of {NAP:g} s", took / NAP, 0.2, "x their own time")
    print(f"tasks of {NAP:g} s: {took / NAP - 1:.1%} overhead")
    before, most_before = memory()
    begun = time.perf_counter()
    assert pool.collect(Naps(0.0), range(tasks), total).sums == {"": sum(range(tasks))}
    each = (time.perf_counter() - begun) / tasks
    ratios.add_number(f"{tasks} tasks of nothing", each / NAP, 0.3, "s per task")
    print(f"{tasks} tasks of nothing: {each * 1e3:.2f} ms per task, {each * tasks:.1f} s in all")
    peak = memory()[1]
    held = (peak - max(before, most_before)) / min(tasks, pool.limits.window)
    ratios.add_number("memory of the scheduler", held / 1024, 0.5, "kB per task under way")
    print(f"memory of the scheduler: {held / 1024:.1f} kB per task under way, {peak / 2**20:.0f} MB at most")
    reduction, most = Reduction(tasks, total), 0
    for number in range(tasks):
        reduction.put(number, number)
        most = max(most, reduction.held)
    print(f"parts that their sum holds at a time: {most}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=8000)
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=2)
    arguments = parser.parse_args()
    main(arguments.events, arguments.tasks, arguments.repeats)
