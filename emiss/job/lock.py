"""Who works in a folder: one job, or parts of one; a lock names its owner, and ends with the process however that ends."""

from __future__ import annotations

import fcntl
import json
import os
import platform
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emiss.configs.errors import Location, UserError
from emiss.events.location import is_remote
from emiss.events.provenance import command_line, now

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

NAME = ".lock"
OF_PARTS = ".parts/*.lock"
"""The locks of parts, in a folder below that of the folder."""

TAKE_ANOTHER = "wait for it, or take another --out"


@dataclass(frozen=True)
class Owner:
    """Who holds a lock."""

    host: str
    process: int
    since: str
    command: str

    def __str__(self) -> str:
        return f"process {self.process} on {self.host} since {self.since}: {self.command}"


def at_work(folder: Path) -> list[Owner]:
    """Return who is at work in a folder: a job, or parts of one."""
    if is_remote(folder):
        from emiss.job.lease import holder

        said = [holder(path) for path in (folder / NAME, *_of_parts(folder))]
        return [owner for one in said if one and (owner := _named(json.dumps(one))) is not None]
    held = [path for path in (folder / NAME, *sorted(folder.glob(OF_PARTS))) if path.is_file() and _is_held(path)]
    owners = (_named(path.read_text(encoding="utf-8")) for path in held)
    return [owner for owner in owners if owner is not None]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep all others out of a folder while the block runs.

    Raises
    ------
    UserError
        If another job is at work there, with its host, process and command.
    """
    if is_remote(folder):
        with _leased(folder, folder / NAME):
            parts = [
                owner for owner in at_work(folder) if owner.process != os.getpid() or owner.host != platform.node()
            ]
            if parts:
                raise UserError(
                    f"another job is at work here ({parts[0]})", at=Location(str(folder)), hint=TAKE_ANOTHER
                )
            yield
        return
    with _held(folder, folder / NAME, fcntl.LOCK_EX, "another job is at work here", TAKE_ANOTHER):
        yield


@contextmanager
def locked_part(folder: Path, own: Path) -> Iterator[None]:
    """Keep whole jobs, and the same part of one, out of a folder while the block runs; other parts may come and go.

    `own` is the lock of the part, one of `OF_PARTS`.

    Raises
    ------
    UserError
        If a job, or this part, is at work there.
    """
    if is_remote(folder):
        from emiss.job.lease import holder

        if (other := holder(folder / NAME)) is not None:
            said = f"another job is at work here ({_named(json.dumps(other))})"
            raise UserError(said, at=Location(str(folder)), hint=TAKE_ANOTHER)
        with _leased(folder, own):
            yield
        return
    with (
        _held(folder, folder / NAME, fcntl.LOCK_SH, "another job is at work here", TAKE_ANOTHER),
        _held(folder, own, fcntl.LOCK_EX, "this part is at work here already", "wait for it, or end it"),
    ):
        yield


@contextmanager
def in_turn(path: Path) -> Iterator[None]:
    """Wait until nobody else is in a block of this lock, and run the block; without waiting where there are no locks."""
    with path.open("a+", encoding="utf-8") as file:
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _leased(folder: Path, path: Path) -> Iterator[None]:
    """Hold a lock in a folder that is elsewhere."""
    from emiss.job.lease import Taken, held

    said = "another job is at work here" if path.name == NAME else "this part is at work here already"
    owner = {"host": platform.node(), "process": os.getpid(), "since": now(), "command": command_line()}
    try:
        with held(path, owner):
            yield
    except Taken as taken:
        who = _named(json.dumps(dict(taken.owner))) or "somebody who did not leave a name"
        raise UserError(f"{said} ({who})", at=Location(str(folder)), hint=TAKE_ANOTHER) from None


def _of_parts(folder: Path) -> list[Path]:
    """Return the locks of parts in a folder elsewhere; none where its server lists no files."""
    below, _, pattern = OF_PARTS.partition("/")
    try:
        return sorted((folder / below).glob(pattern)) if (folder / below).is_dir() else []
    except UserError:
        return []


@contextmanager
def _held(folder: Path, path: Path, how: int, taken: str, hint: str) -> Iterator[None]:
    try:
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise UserError(error.strerror or "cannot be written", at=Location(str(path))) from None
    with file:
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"{taken} ({_owner(folder, file)})", at=Location(str(folder)), hint=hint) from None
        except OSError:  # a file system without locks: names of parts and the manifest still keep tables apart
            yield
            return
        if how == fcntl.LOCK_SH:  # of many: each has a lock of its own with its name
            yield
            return
        owner = {"host": platform.node(), "process": os.getpid(), "since": now(), "command": command_line()}
        _write(file, json.dumps(owner))
        try:
            yield
        finally:
            _write(file, "")


def _write(file: TextIO, text: str) -> None:
    file.seek(0)
    file.truncate()
    file.write(text)
    file.flush()


def _owner(folder: Path, file: TextIO) -> str:
    """Return who holds a lock: the owner that it names itself, or that of a part at work."""
    file.seek(0)
    texts = [
        file.read(),
        *(path.read_text(encoding="utf-8") for path in sorted(folder.glob(OF_PARTS)) if _is_held(path)),
    ]
    owners = [owner for text in texts if (owner := _named(text)) is not None]
    return str(owners[0]) if owners else "somebody who did not leave a name"


def _named(text: str) -> Owner | None:
    """Return the owner that a lock names."""
    with suppress(ValueError, KeyError, TypeError):
        said = json.loads(text)
        return Owner(str(said["host"]), int(said["process"]), str(said["since"]), str(said["command"]))
    return None


def _is_held(path: Path) -> bool:
    """Return whether somebody holds a lock; what a part that was killed has written into it stays there."""
    with path.open(encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
