"""Faults with several processes: workers, the scheduler and the client of a job are killed at some moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tests.emiss.faults.cases import WrongError, check_halves, check_said, mend
from tests.emiss.faults.server import ROOT, Ended, Fault

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from tests.emiss.faults.stories import Stage

LIMIT = 180.0
"""Seconds after which a job has hung."""

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "DASK_LOGGING__DISTRIBUTED": "critical"}


def children(process: int) -> list[int]:
    """Return the processes that a process has started."""
    found = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(number) for number in task.read_text().split()]
    return found


def _is_worker(process: int) -> bool:
    with suppress(OSError):
        return b"spawn_main" in Path(f"/proc/{process}/cmdline").read_bytes()
    return False


def _alive(process: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def _gone(processes: Sequence[int], seconds: float = 20.0) -> bool:
    last = time.monotonic() + seconds
    while any(map(_alive, processes)) and time.monotonic() < last:
        time.sleep(0.05)
    return not any(map(_alive, processes))


def process_killed(stage: Stage, rng: random.Random) -> str:
    """A job in processes: one of them, or the one that has started them, is killed."""
    name = "process again"
    reference = stage.reference(name)
    command = [sys.executable, "-m", "tests.emiss.faults.command", "process", "runs.yaml", "--out", "out"]
    with subprocess.Popen(
        [*command, "--executor", "processes"],
        cwd=stage.folder,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as job:
        what = rng.choice(("client", "worker"))
        last = time.monotonic() + LIMIT
        while job.poll() is None and not (workers := [*filter(_is_worker, children(job.pid))]):
            time.sleep(0.01)
            assert time.monotonic() < last, "hangs"
        time.sleep(rng.uniform(0.0, 4.0))
        workers = [*filter(_is_worker, children(job.pid))]
        if what == "client":
            job.kill()
        elif workers:
            with suppress(ProcessLookupError):
                os.kill(rng.choice(workers), signal.SIGKILL)
        try:
            said, _ = job.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            job.kill()
            raise
    if not _gone(workers):
        msg = f"workers outlive their job: {workers}"
        raise WrongError(msg)
    if job.returncode >= 0:
        _check(Ended(job.returncode, said, 0, 0.0))
    check_halves(stage, reference)
    mend(stage, name, reference)
    return f"{what} killed: {'message, then ' if job.returncode > 0 else ''}the same"


def _check(done: Ended) -> None:
    """As for any command; a worker that dies is told with exit code 1."""
    check_said(Ended(2, done.said, 0, 0.0) if done.code == 1 else done)


class Cluster:
    """A dask scheduler with workers, each a process that can be killed."""

    workers = 2

    def __init__(self, folder: Path) -> None:
        self.file = folder / "scheduler.json"
        self.folder = folder
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.nannies: list[subprocess.Popen[bytes]] = []

    def ready(self) -> None:
        """Start what does not run."""
        if self.scheduler is None or self.scheduler.poll() is not None:
            self.stop()
            self.file.unlink(missing_ok=True)
            where = ("--scheduler-file", str(self.file))
            self.scheduler = self._start(
                "dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", *where
            )
            last = time.monotonic() + LIMIT
            while not self.file.exists():
                time.sleep(0.05)
                assert time.monotonic() < last, "no scheduler"
            where += (
                "--nthreads",
                "1",
                "--no-dashboard",
                "--death-timeout",
                "30",
                "--local-directory",
                str(self.folder),
            )
            self.nannies = [self._start("dask_worker", *where) for _ in range(self.workers)]
        from distributed import Client

        with Client(scheduler_file=str(self.file)) as client:
            client.wait_for_workers(self.workers, timeout=LIMIT)

    def _start(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{module}", *arguments],
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill_worker(self, rng: random.Random) -> None:
        """Kill a worker, which its nanny starts anew."""
        found = [worker for nanny in self.nannies for worker in children(nanny.pid) if _is_worker(worker)]
        if found:
            with suppress(ProcessLookupError):
                os.kill(rng.choice(found), signal.SIGKILL)

    def kill_scheduler(self, _: random.Random) -> None:
        """Kill the scheduler."""
        assert self.scheduler is not None
        self.scheduler.kill()
        self.scheduler.wait()

    def stop(self) -> None:
        """End all of them."""
        for process in (*self.nannies, self.scheduler):
            if process is not None:
                workers = children(process.pid)
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                for worker in workers:
                    with suppress(ProcessLookupError):
                        os.kill(worker, signal.SIGKILL)
        self.scheduler, self.nannies = None, []


_cluster: list[Cluster] = []


def close() -> None:
    """End what cases have started."""
    while _cluster:
        _cluster.pop().stop()


def dask_killed(stage: Stage, rng: random.Random) -> str:
    """A job on dask: a worker, the scheduler or the client is killed."""
    name = "process again"
    reference = stage.reference(name)
    if not _cluster:
        (stage.folder.parent / "cluster").mkdir(exist_ok=True)
        _cluster.append(Cluster(stage.folder.parent / "cluster"))
    cluster = _cluster[0]
    cluster.ready()
    kill: dict[str, Callable[[random.Random], None] | None] = {
        "worker": cluster.kill_worker,
        "scheduler": cluster.kill_scheduler,
        "client": None,
    }
    what = rng.choice(list(kill))
    act, moment = kill[what], rng.uniform(0.2, 4.0)
    timer = threading.Timer(moment, act or (lambda _: None), (rng,))
    timer.start()
    fault = Fault() if act else Fault("kill", after=moment)
    command = ("process", "runs.yaml", "--out", "out", "--executor", "dask", "--scheduler", cluster.file)
    done = stage.server.run(stage.folder, *command, fault=fault, limit=LIMIT)
    timer.join()
    if done.code >= 0:
        check_said(done)
        if what == "worker" and done.code:
            raise WrongError(f"one worker that dies ends the job: {done.said}")
    if what == "client":
        _wait_for_nobody(stage)
    check_halves(stage, reference)
    mend(stage, name, reference)
    return f"{what} killed: {'message, then ' if done.code > 0 else ''}the same"


def _wait_for_nobody(stage: Stage) -> None:
    """Wait for tasks that go on for a moment without their client."""
    from tests.emiss.faults.stories import half_written

    last = time.monotonic() + 20.0
    while half_written(stage.folder) and time.monotonic() < last:
        time.sleep(0.1)
    time.sleep(0.3)


CASES = (process_killed, dask_killed)
