"""The faults: each plays a story with something that goes wrong in it, and then as if nothing had been."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from tests.emiss.faults.server import Fault, Server
from tests.emiss.faults.stories import INPUTS, JOBS, STORIES, half_written, state_of

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.emiss.faults.server import Ended
    from tests.emiss.faults.stories import Reference, Stage


class WrongError(AssertionError):
    """What must not happen."""


def differences(found: Mapping[str, str], *allowed: Mapping[str, str]) -> list[str]:
    """Return the files that are in none of the states that they may be in."""
    return [
        f"{name}: {said}" for name, said in found.items() if not any(states.get(name) == said for states in allowed)
    ]


def check_halves(stage: Stage, reference: Reference) -> None:
    """Make sure that each file is one from before or one from after, and whole."""
    wrong = differences(state_of(stage.folder), reference.before, reference.between)
    if wrong:
        raise WrongError("half written, or of nothing: " + "; ".join(wrong))


def check_said(done: Ended) -> None:
    """Make sure that a command has ended with a message or well, and not with a traceback."""
    if "Traceback" in done.said or (done.code != 0 and not done.said.strip()) or done.code not in (0, 2, 3):
        msg = f"exit code {done.code}: {done.said}"
        raise WrongError(msg)


def mend(stage: Stage, name: str, reference: Reference) -> None:
    """Do the command again and what belongs to it, and make sure that all is as if nothing had been."""
    stage.do(STORIES[name].command)
    for command in STORIES[name].after:
        stage.do(command)
    wrong = differences(state_of(stage.folder), reference.after)
    missing = [file for file in reference.after if not (stage.folder / file).exists()]
    if wrong or missing:
        raise WrongError(f"not the same in the end: {wrong}; missing: {missing}")
    if left := half_written(stage.folder):
        msg = f"left half written: {left}"
        raise WrongError(msg)


def killed_at(stage: Stage, rng: random.Random) -> str:
    """SIGKILL between two operations on files, anywhere in any command; often again while it is mended."""
    name = rng.choice(list(STORIES))
    reference = stage.reference(name)
    for _ in range(rng.choice((1, 1, 2, 3))):
        fault = Fault("kill", at=rng.randint(1, reference.operations))
        done = stage.server.run(stage.folder, *STORIES[name].command, fault=fault)
        check_halves(stage, reference)
        if done.code == 0:
            break
        if done.code > 0:
            check_said(done)
            raise WrongError(f"refused: {done.said}")
    mend(stage, name, reference)
    return f"{name}: the same"


def killed_after(stage: Stage, rng: random.Random) -> str:
    """SIGKILL at a moment of the clock."""
    name = rng.choice(list(STORIES))
    reference = stage.reference(name)
    fault = Fault("kill", after=rng.uniform(0.001, reference.seconds))
    stage.server.run(stage.folder, *STORIES[name].command, fault=fault)
    check_halves(stage, reference)
    mend(stage, name, reference)
    return f"{name}: the same"


def no_room(stage: Stage, rng: random.Random) -> str:
    """From some operation on no file can be opened for writing, or none be longer than some bytes."""
    name = rng.choice(list(STORIES))
    reference = stage.reference(name)
    if rng.random() < 0.5:
        fault = Fault("full", at=rng.randint(1, reference.operations))
    else:
        fault = Fault("limit", at=int(10 ** rng.uniform(4.0, 5.5)))  # what is said goes to a file, too
    done = stage.server.run(stage.folder, *STORIES[name].command, fault=fault)
    check_said(done)
    check_halves(stage, reference)
    if done.code and half_written(stage.folder):
        msg = f"left half written: {half_written(stage.folder)}"
        raise WrongError(msg)
    mend(stage, name, reference)
    return f"{name}: {'message, then the same' if done.code else 'the same'}"


def full_disk(stage: Stage, rng: random.Random) -> str:
    """A small file system in memory that fills up, and gets larger before the command is done again."""
    if not can_mount(stage.folder.parent):
        return "skipped: nothing can be mounted here"
    name = rng.choice(list(STORIES))
    reference = stage.reference(name)
    used = sum(path.stat().st_size + 4096 for path in stage.folder.rglob("*"))
    with mounted(stage.folder, used + int(10 ** rng.uniform(3.0, 6.3))):
        done = stage.server.run(stage.folder, *STORIES[name].command)
        check_said(done)
        check_halves(stage, reference)
        subprocess.run(["/bin/mount", "-o", "remount,size=500m", str(stage.folder)], check=True)
        mend(stage, name, reference)
    return f"{name}: {'message, then the same' if done.code else 'the same'}"


@cache
def can_mount(folder: Path) -> bool:
    """Return whether file systems can be mounted: it takes root, and a machine that lets it."""
    place = folder / "mount"
    place.mkdir(exist_ok=True)
    try:
        subprocess.run(
            ["/bin/mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], check=True, capture_output=True
        )
        subprocess.run(["/bin/umount", str(place)], check=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


@contextmanager
def mounted(folder: Path, size: int) -> Iterator[None]:
    """Let a folder be a file system of its own with some room, that holds what the folder does."""
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.mkdir()
    subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        shutil.copytree(aside, folder, symlinks=True, dirs_exist_ok=True)
        yield
    finally:
        subprocess.run(["/bin/umount", "-l", str(folder)], check=True)
        folder.rmdir()
        shutil.rmtree(aside)


def read_only(stage: Stage, rng: random.Random) -> str:
    """Nobody may write to the folder, or to one of those in it."""
    name = rng.choice(list(STORIES))
    reference = stage.reference(name)
    folders = [stage.folder, *(path for path in stage.folder.rglob("*") if path.is_dir())]
    closed = set(rng.sample(folders, rng.randint(1, len(folders))))
    for path in closed:
        path.chmod(0o555)
    done = stage.server.run(stage.folder, *STORIES[name].command, fault=Fault("user"))
    check_said(done)
    check_halves(stage, reference)
    for path in closed:
        path.chmod(0o755)
    mend(stage, name, reference)
    return f"{name}: {'message, then the same' if done.code else 'the same'}"


def two_jobs(stage: Stage, rng: random.Random) -> str:
    """The same command twice at the same time, or almost; one of them may be killed."""
    name = rng.choice(list(STORIES))
    reference = stage.reference(name)
    ended: list[Ended] = []
    fault = Fault("kill", at=rng.randint(1, reference.operations)) if rng.random() < 0.3 else Fault()

    def second() -> None:
        time.sleep(rng.uniform(0.0, reference.seconds))
        ended.append(_second().run(stage.folder, *STORIES[name].command))

    thread = threading.Thread(target=second)
    thread.start()
    first = stage.server.run(stage.folder, *STORIES[name].command, fault=fault)
    thread.join()
    for done in (first, *ended):
        if done.code >= 0:
            check_said(done)
    check_halves(stage, reference)
    if 0 not in (first.code, ended[0].code) and first.code >= 0:
        msg = f"none of two went through: {first.said}; {ended[0].said}"
        raise WrongError(msg)
    mend(stage, name, reference)
    return f"{name}: {'one refused' if 2 in (first.code, ended[0].code) else 'both'}, then the same"


_other: list[Server] = []


def _second() -> Server:
    if not _other:
        _other.append(Server())
    return _other[0]


def close() -> None:
    """End what cases have started."""
    while _other:
        _other.pop().__exit__()


def input_changes(stage: Stage, rng: random.Random) -> str:
    """A run file is replaced, cut short, longer or only touched while a job runs or between two; none is counted in part."""
    name, file = rng.choice(JOBS), rng.choice(INPUTS)
    what = rng.choice(("replace", "truncate", "grow", "touch"))
    reference = stage.reference(name)
    path = stage.folder / file
    other = stage.folder / f"{file}.other"
    shutil.copyfile(stage.other(file), other)
    during = rng.random() < 0.7
    fault = Fault(what, at=rng.randint(1, reference.operations) if during else 1, path=str(path))
    done = stage.server.run(stage.folder, *STORIES[name].command, fault=fault)
    check_said(done)
    other.unlink(missing_ok=True)
    changed = path.read_bytes()
    if done.code == 0 and changed != stage.input(file):
        found = state_of(stage.folder)
        fresh = _fresh(stage, name, file, changed)
        old = {**reference.between, file: found[file]}
        for part in (found, fresh):
            part.pop("out/tables/manifest.json", None)
        wrong = [
            line
            for line in differences(found, old, fresh)
            if line.startswith(("out/cutflow.json", "out/histograms.json"))
        ]
        if wrong:
            raise WrongError(f"neither of the one nor of the other: {wrong}")
    again = [stage.server.run(stage.folder, *command) for command in (STORIES[name].command, *STORIES[name].after)]
    for one in again:
        check_said(one)
    if any(one.code for one in again):
        if what == "touch":
            raise WrongError(f"refused for its time alone: {again}")
        return f"{name}: {what}: message"
    if name == "part":  # the other part has seen another file: the merge would have refused
        return f"{name}: {what}: the same"
    wrong = differences(
        {k: v for k, v in state_of(stage.folder).items() if k in COUNTED}, _fresh(stage, name, file, changed)
    )
    if wrong:
        raise WrongError(f"not what a job on the new file gives: {wrong}")
    return f"{name}: {what}: the same"


COUNTED = ("out/cutflow.json", "out/histograms.json", "out/cutflow.csv", "out/scan_e_miss_min.json")


def _fresh(stage: Stage, name: str, file: str, content: bytes) -> dict[str, str]:
    """Return what a story gives that begins with another run file; the folder is as it was then."""
    aside = stage.folder.with_name("aside")
    stage.folder.rename(aside)
    try:
        stage.set()
        (stage.folder / file).write_bytes(content)
        for command in (*STORIES[name].before, STORIES[name].command):
            stage.server.run(stage.folder, *command)
        return state_of(stage.folder)
    finally:
        shutil.rmtree(stage.folder)
        aside.rename(stage.folder)


def clock_moves(stage: Stage, rng: random.Random) -> str:
    """The clock jumps while a command runs, is wrong all the time, or the files are from the future or the distant past."""
    name = rng.choice(list(STORIES))
    reference = stage.reference(name)
    when = time.time() + rng.choice((-1, 1)) * rng.uniform(0.0, 1e9)
    if rng.random() < 0.5:
        for path in stage.folder.rglob("*"):
            os.utime(path, (when, when))
    fault = (
        Fault("clock", rng.randint(1, reference.operations))
        if rng.random() < 0.5
        else Fault("year", rng.choice((-1, 1)))
    )
    done = stage.server.run(stage.folder, *STORIES[name].command, fault=fault)
    if done.code:
        raise WrongError(f"exit code {done.code}: {done.said}")
    check_halves(stage, reference)
    mend(stage, name, reference)
    return f"{name}: the same"


CASES = (killed_at, killed_after, no_room, full_disk, read_only, two_jobs, input_changes, clock_moves)
