"""Runs commands in forks of one process that has everything loaded, each with a fault of its own; the other end is `Server`.

A fork takes milliseconds where a new interpreter with all kernels takes seconds; this makes hundreds of faults affordable.
"""

from __future__ import annotations

import ctypes
import errno
import importlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[3]
WATCHED = (
    "open",
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.link",
    "os.truncate",
    "os.scandir",
    "os.listdir",
    "fcntl.flock",
)
"""What files are told by: each is a moment at which a fault may come."""


DAC_OVERRIDE = 1
"""Number of the right to write whatever the permissions are (capabilities(7))."""

HUNG = 999
"""Exit code of a command that had to be ended."""


@dataclass(frozen=True)
class Fault:
    """What happens to a command.

    Attributes
    ----------
    kind : str
        ``none``; ``kill``, ``full`` (no room on the disk from then on), ``replace``, ``truncate``, ``grow``, ``touch`` (of
        `path`), or ``clock`` (moved by an hour), all at a moment; ``user`` (no more rights than permissions give),
        ``limit`` (no file may be longer than `at` bytes), ``year`` (the clock is wrong by one).
    at : int
        The moment: so many operations on files of the folder are done before.
    after : float
        For ``kill``: seconds after which it comes from outside, if `at` is 0.
    path : str
    """

    kind: str = "none"
    at: int = 0
    after: float = 0.0
    path: str = ""


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code (less than 0: the signal), what it said, and its operations on files."""

    code: int
    said: str
    operations: int
    seconds: float


class Server:
    """Runs commands; use as a context manager."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.emiss.faults.server"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def run(self, folder: Path, *arguments: object, fault: Fault | None = None, limit: float = 120.0) -> Ended:
        """Run a command in a folder; one that takes longer than `limit` seconds has hung, and raises a TimeoutError."""
        asked = {
            "folder": str(folder),
            "arguments": [*map(str, arguments)],
            "fault": asdict(fault or Fault()),
            "limit": limit,
        }
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        ended = Ended(**json.loads(self._process.stdout.readline()))
        if ended.code == HUNG:
            msg = f"emiss {' '.join(map(str, arguments))} with {fault}: longer than {limit} s\n{ended.said}"
            raise TimeoutError(msg)
        return ended


def _serve() -> None:
    from tests.emiss.faults.command import prepare

    prepare()
    _warm()
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        answers.write(json.dumps(asdict(_run(**json.loads(line)))) + "\n")
        answers.flush()


def _warm() -> None:
    """Load what commands need: modules and kernels; a text of constants that has been parsed is not parsed again."""
    from functools import cache

    from emiss.calib import tables

    parsed = cache(tables.parse_tables)
    tables.parse_tables = lambda *text: [*parsed(*text)]  # type: ignore[assignment]
    import pyarrow.parquet  # noqa: F401

    for module in ("app", "process", "merge", "scan", "limit", "simulate", "quality", "diff"):
        importlib.import_module(f"emiss.commands.{module}")
    from emiss import runlist
    from emiss.job.plan import plan
    from emiss.job.run import run_job
    from emiss.samples.config import load_sample
    from emiss.samples.simulate import simulate

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in ("muon.dat", "beam.root"):
            simulate(load_sample(Path(file).stem), folder / file, events=10)
        runs = runlist.from_files(
            [str(folder / "muon.dat"), str(folder / "beam.root")],
            detector="na64e_lfc",
            analysis="e_to_mu_phi",
            calib="demo",
        )
        run_job(plan(runs, folder / "out"), folder / "out")


def _run(folder: str, arguments: list[str], fault: dict[str, Any], limit: float) -> Ended:
    begun = time.monotonic()
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as counted:
        child = os.fork()
        if child == 0:
            _child(folder, arguments, Fault(**fault), said.fileno(), counted.fileno())
        if fault["after"]:
            time.sleep(fault["after"])
            os.kill(child, signal.SIGKILL)
        code = _wait(child, begun + limit)
        said.seek(0)
        counted.seek(0)
        return Ended(code, said.read(), len(counted.read()), time.monotonic() - begun)


def _wait(child: int, last: float) -> int:
    """Return the exit code of a child; one that has not ended at some time is ended, with HUNG."""
    pause = 0.002
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > last:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return HUNG
        time.sleep(pause)


def _child(folder: str, arguments: list[str], fault: Fault, said: int, counted: int) -> None:
    """Do a command in this process, which ends with it."""
    code = 1
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(said, 1)
        os.dup2(said, 2)
        os.chdir(folder)
        signal.alarm(0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        _begin(fault, os.path.realpath(folder), counted)
        sys.argv = ["emiss", *arguments]
        from emiss.cli import main

        main()
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException:  # noqa: BLE001 - what an interpreter would show
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _begin(fault: Fault, folder: str, counted: int) -> None:
    if fault.kind == "user":
        _as_a_user()
    if fault.kind == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (fault.at, fault.at))
    if fault.kind == "year":
        _shift_clock(366 * 86400.0 * fault.at)
    done, inside = 0, False

    def watch(event: str, details: tuple[Any, ...]) -> None:
        nonlocal done, inside
        if inside or event not in WATCHED or not _is_in(details[0], folder):
            return
        inside = True
        try:
            done += 1
            os.write(counted, b".")
            if done == fault.at and fault.kind in _ACTS:
                _ACTS[fault.kind](fault)
            if done >= fault.at and fault.kind == "full" and _writes(event, details):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(details[0]))
        finally:
            inside = False

    sys.addaudithook(watch)


def _as_a_user() -> None:
    """Let permissions hold for this process, which they do not for root: it gives the right to override them away."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted and inheritable, of 32 rights and of 32 more
    if libc.capget(header, sets) != 0:
        raise OSError(ctypes.get_errno(), "capget")
    for place in range(3):
        sets[place] &= ~(1 << DAC_OVERRIDE)
    if libc.capset(header, sets) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def _is_in(path: object, folder: str) -> bool:
    if isinstance(path, int):
        try:
            path = Path(f"/proc/self/fd/{path}").readlink()
        except OSError:
            return False
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    return isinstance(path, str | os.PathLike) and os.path.abspath(path).startswith(folder)  # noqa: PTH100 - without an operation on files


def _writes(event: str, details: tuple[Any, ...]) -> bool:
    if event == "open":
        return bool(isinstance(details[2], int) and details[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    return event in ("os.mkdir", "os.link")


def _kill(_: Fault) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def _replace(fault: Fault) -> None:
    shutil.copyfile(f"{fault.path}.other", f"{fault.path}.new")
    Path(f"{fault.path}.new").replace(fault.path)


def _truncate(fault: Fault) -> None:
    os.truncate(fault.path, random.Random(fault.at).randrange(Path(fault.path).stat().st_size))


def _grow(fault: Fault) -> None:
    data = Path(f"{fault.path}.other").read_bytes()
    with Path(fault.path).open("ab") as file:
        file.write(data)


def _touch(fault: Fault) -> None:
    os.utime(fault.path)


def _clock(fault: Fault) -> None:
    _shift_clock(3600.0 * (-1) ** fault.at)


def _shift_clock(seconds: float) -> None:
    """Move the clock that programs see; the one by which they wait goes on as it was."""
    true, true_ns = time.time, time.time_ns
    time.time = lambda: true() + seconds
    time.time_ns = lambda: true_ns() + int(seconds * 1e9)


_ACTS: dict[str, Callable[[Fault], None]] = {
    "kill": _kill,
    "replace": _replace,
    "truncate": _truncate,
    "grow": _grow,
    "touch": _touch,
    "clock": _clock,
}

if __name__ == "__main__":
    _serve()
