"""What a job holds and takes as it grows, on files and tasks that are made up. ``python -m benchmarks.memory``.

Each measurement is a process of its own, whose largest size is told; what is compared is the growth from a small job to a large
one, and the planning of 10 000 files of 100 000 entries against the limits of 1 GB and 30 s.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from benchmarks.made_up import MadeUpFile, Shape, columns, no_events, plan_of
from benchmarks.record import Ratios
from emiss.job.division import Part
from emiss.job.merge import merge
from emiss.job.parts import run_part
from emiss.job.run import run_job
from emiss.job.status import status

if TYPE_CHECKING:
    from collections.abc import Callable

    from emiss.job.plan import Job

MB = 1e6


def planned(folder: Path, files: int, builders: int = 1) -> dict[str, float]:
    """Plan a job on so many files of 100 000 entries."""
    begun = time.process_time()
    job = plan_of(folder, files, Shape(builders=builders))
    return {"seconds": time.process_time() - begun - MadeUpFile.seconds, "tasks": len(job.tasks)}


def interleaved(folder: Path, files: int) -> dict[str, float]:
    """Plan a job on files of 8 event builders, each of which has every eighth event."""
    return planned(folder, files, 8)


def done(folder: Path, tasks: int) -> dict[str, float]:
    """Do everything of a job but its events; then say how far it is."""
    job = _small(folder, tasks)
    begun = time.process_time()
    with no_events():
        run_job(job, folder / "out")
    took = time.process_time() - begun
    begun = time.process_time()
    status(folder / "out")
    manifest = (folder / "out/tables/manifest.json").stat().st_size
    return {"seconds": took, "status": time.process_time() - begun, "manifest": manifest / tasks}


def merged(folder: Path, tasks: int) -> dict[str, float]:
    """Do four parts of such a job, and merge them."""
    job = _small(folder, tasks)
    begun = time.process_time()
    with no_events(), mock.patch("emiss.job.merge._bring", side_effect=lambda *_: columns()):
        for number in range(1, 5):
            run_part(job, Part(4, number), folder / "out")
        merge([folder / "out"])
    stored = sum(path.stat().st_size for path in (folder / "out/tables/.parts").glob("*.results"))
    return {"seconds": time.process_time() - begun, "stored": stored / tasks}


def _small(folder: Path, tasks: int) -> Job:
    return plan_of(folder, tasks // 10, Shape(entries=1000), task_entries=100)


MEASURED: dict[str, Callable[..., dict[str, float]]] = {
    work.__name__: work for work in (planned, interleaved, done, merged)
}


def measure(name: str, size: int) -> dict[str, Any]:
    """Return what one measurement says, and the largest size of its process in MB."""
    command = [sys.executable, "-m", "benchmarks.memory", "--one", name, str(size)]
    return dict(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def one(name: str, size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = MEASURED[name](Path(folder), size)
    print(json.dumps({**found, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MB}))


def main(files: int, tasks: int) -> None:
    ratios = Ratios("memory")
    for name, most, unit in (
        ("planned", files, "file"),
        ("interleaved", files // 10, "file"),
        ("done", tasks, "task"),
        ("merged", tasks // 5, "task"),
    ):
        sizes = (most // 10, most)
        small, large = (measure(name, size) for size in sizes)
        each = (large["mb"] - small["mb"]) * 1e3 / (sizes[1] - sizes[0])
        growth = (large["seconds"] / sizes[1]) / (small["seconds"] / sizes[0])
        said = ", ".join(f"{key} {value:.4g}" for key, value in large.items())
        print(f"{name}, {most} {unit}s: {said}")
        print(f"    {each:.1f} kB more per {unit}; each takes {growth:.2f} x the time of one of {sizes[0]}")
        ratios.add_number(f"{name}: memory of {most} {unit}s", large["mb"] / 1000.0, 0.1, "GB")
        ratios.add_number(f"{name}: time per {unit}, of {most} to that of {sizes[0]}", growth, 0.3)
    print(f"kept in {ratios.save()}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--tasks", type=int, default=50_000)
    parser.add_argument("--one", nargs=2, metavar=("NAME", "SIZE"), help="one measurement in this process")
    arguments = parser.parse_args()
    if arguments.one:
        one(arguments.one[0], int(arguments.one[1]))
    else:
        main(arguments.files, arguments.tasks)
