"""Worker processes: what is said when one dies, stalls or fails, and that none outlives its job."""

from __future__ import annotations

import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from multiprocessing import spawn
from pathlib import Path

import pytest

from emiss.configs.errors import Location, UserError
from emiss.job import executors

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Act:
    """A task that does what its name says."""

    what: str
    folder: Path

    def __str__(self) -> str:
        return f"{self.what}.dat entries 0-9"


class Actor:
    """Does what it is told."""

    def __init__(self, setup: str) -> None:
        if setup == "broken":
            raise UserError("no such analysis", at=Location("a.yaml", 3, 4))
        if setup == "odd":
            raise ZeroDivisionError("set-up")

    def run(self, task: Act) -> str:
        (task.folder / f"{task.what}.{os.getpid()}.pid").touch()
        return getattr(self, f"_{task.what}")(task)

    def _good(self, task):
        return f"done {task}"

    def _die(self, _):
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(600)

    def _leave(self, _):
        os._exit(7)

    def _divide(self, _):
        return 1 // 0

    def _mistake(self, _):
        raise UserError("column 'x' is missing", at=Location("x.root"), hint="name it")

    def _sleep(self, task):
        part = task.folder / "unfinished.part"
        try:
            part.touch()  # inside: the signal may come at once
            time.sleep(600)
        finally:
            part.unlink(missing_ok=True)

    def _deaf(self, _):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)


@dataclass(frozen=True)
class Acting:
    """Work without the imports of the real one."""

    how: str = ""
    name = "act"

    def start(self):
        return Actor(self.how).run


def run(folder, *what: str, how: str = "", workers: int = 2) -> list[str]:
    found = executors.run(Acting(how), [Act(name, folder) for name in what], "processes", workers)
    return [done for _, done in found]


def pids(folder: Path) -> list[int]:
    return [int(path.suffixes[-2][1:]) for path in folder.glob("*.pid")]


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie, which nobody has asked after, does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(condition, seconds: float = 30.0) -> bool:
    last = time.monotonic() + seconds
    while time.monotonic() < last:
        if condition():
            return True
        time.sleep(0.05)
    return False


linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")


def test_all_results_come_from_no_more_workers_than_tasks(tmp_path):
    assert sorted(run(tmp_path, *["good"] * 5)) == ["done good.dat entries 0-9"] * 5
    assert run(tmp_path, "good", workers=64) == ["done good.dat entries 0-9"]


@pytest.mark.parametrize("size", [0, 200_000])
def test_a_worker_that_ends_before_it_is_told_all_is_a_dead_worker(tmp_path, monkeypatch, size):
    """However much there is to be told: nobody reads the pipe."""
    monkeypatch.setattr(spawn, "_python_exe", shutil.which("false").encode())
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.alarm(60)
    try:
        with pytest.raises(executors.TaskError, match="a worker process died with exit code 1 before its first task"):
            run(tmp_path, "good", how=size * "x")
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def test_work_may_be_large(tmp_path):
    assert run(tmp_path, "good", how=200_000 * "x") == ["done good.dat entries 0-9"]


@linux
@pytest.mark.parametrize(
    ("task", "says"),
    [
        ("die", r"^die\.dat entries 0-9: the worker process at it was killed by SIGKILL \(out of memory\?\)$"),
        ("leave", r"^leave\.dat entries 0-9: the worker process at it died with exit code 7$"),
        ("divide", r"^divide\.dat entries 0-9: ZeroDivisionError: integer.*by zero\nTraceback.*_divide"),
    ],
)
def test_what_ends_a_task_is_told_with_its_place_and_ends_the_job(tmp_path, task, says):
    with pytest.raises(executors.TaskError) as raised:
        run(tmp_path, "sleep", task, *["good"] * 3)
    assert re.search(says, str(raised.value), re.DOTALL)
    assert pids(tmp_path)
    assert not any(alive(pid) for pid in pids(tmp_path))
    assert not (tmp_path / "unfinished.part").exists()


def test_a_users_mistake_comes_through_as_it_is(tmp_path):
    with pytest.raises(UserError) as raised:
        run(tmp_path, "mistake", "good")
    assert str(raised.value) == "x.root: column 'x' is missing; name it"


def test_a_set_up_that_fails_is_no_dead_worker(tmp_path):
    with pytest.raises(UserError, match=r"^a\.yaml:3:4: no such analysis$"):
        run(tmp_path, "good", how="broken")
    with pytest.raises(executors.TaskError, match=r"good\.dat entries 0-9: the worker was not set up: set-up"):
        run(tmp_path, "good", how="odd")


@linux
@pytest.mark.parametrize("task", ["sleep", "deaf"])
def test_a_stalled_job_gives_up_and_says_what_it_waits_for(tmp_path, monkeypatch, task):
    monkeypatch.setattr(executors, "PATIENCE", 0.5)
    results = executors.run(Acting(), [Act(name, tmp_path) for name in (task, "good")], "processes", 2)
    assert next(results) == (1, "done good.dat entries 0-9")
    assert wait_for(lambda: len(pids(tmp_path)) == 2)
    monkeypatch.setattr(executors, "STALL", 1.0)  # not before: processes take their time to start
    with pytest.raises(executors.TaskError, match=rf"no task finished in 1 s; waiting for {task}\.dat entries 0-9$"):
        next(results)
    assert not any(alive(pid) for pid in pids(tmp_path))
    assert not (tmp_path / "unfinished.part").exists()


def test_other_children_of_the_process_live_on(tmp_path):
    own = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(600,))
    own.start()
    try:
        with pytest.raises(UserError):
            run(tmp_path, "mistake")
        own.join(0.5)
        assert own.is_alive()
    finally:
        own.kill()
        own.join()


@linux
def test_an_abandoned_job_ends_its_workers(tmp_path):
    results = executors.run(Acting(), [Act(name, tmp_path) for name in ("good", "sleep")], "processes", 2)
    next(results)
    assert wait_for((tmp_path / "unfinished.part").exists)
    results.close()
    assert not any(alive(pid) for pid in pids(tmp_path))
    assert not (tmp_path / "unfinished.part").exists()


@linux
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_workers_end_with_the_process_that_started_them(tmp_path, number):
    script = tmp_path / "parent.py"
    script.write_text(
        "import sys, os\nfrom pathlib import Path\nfrom tests.emiss.job import test_executors as t\n"
        "if __name__ == '__main__':\n"
        "    if os.fork() == 0:\n        import time; time.sleep(20); os._exit(0)\n"  # keeps whatever it inherits open
        "    t.run(Path(sys.argv[1]), 'sleep', 'sleep')\n"
    )
    command = [sys.executable, str(script), str(tmp_path)]
    parent = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True)
    try:
        assert wait_for(lambda: len(pids(tmp_path)) == 2)
        workers = pids(tmp_path)
        assert all(alive(pid) for pid in workers)
        os.kill(parent.pid, number)
        parent.wait(60)
        assert wait_for(lambda: not any(alive(pid) for pid in workers), 15)
        assert not (tmp_path / "unfinished.part").exists()
    finally:
        os.killpg(parent.pid, signal.SIGKILL)


@linux
def test_interrupts_go_to_the_job_alone(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\nfrom tests.emiss.job import test_executors as t\n"
        "if __name__ == '__main__':\n"
        "    try:\n        t.run(Path(sys.argv[1]), 'sleep', 'sleep')\n"
        "    except KeyboardInterrupt:\n        print('interrupted')\n"
    )
    command = [sys.executable, str(script), str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen(
        command, env=environment, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert wait_for(lambda: len(pids(tmp_path)) == 2)
        os.killpg(parent.pid, signal.SIGINT)  # as a terminal does: to all of the group
        out, err = parent.communicate(timeout=30)
        assert (out, err, parent.returncode) == ("interrupted\n", "", 0)
        assert not any(alive(pid) for pid in pids(tmp_path))
    finally:
        if parent.poll() is None:
            os.killpg(parent.pid, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_until_workers_have_been_started(number):
    """Another thread takes it, as those of the progress bar and of the pool may."""
    done, heard = threading.Event(), []
    other = threading.Thread(target=done.wait)
    other.start()
    before = signal.signal(number, lambda *_: heard.append(number))
    try:
        with executors._undisturbed():
            os.kill(os.getpid(), number)
            time.sleep(0.05)
            assert heard == []
        assert heard == [number]
        assert signal.getsignal(number) is not before
    finally:
        signal.signal(number, before)
        done.set()
        other.join()
