"""One job at a time in a folder: a lock that names its owner, and that ends with the process however that ends."""

from __future__ import annotations

import fcntl
import json
import os
import platform
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from emiss.configs.errors import Location, UserError
from emiss.events.provenance import command_line, now

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other jobs out of a folder while the block runs.

    Raises
    ------
    UserError
        If another job is at work there, with its host, process and command.
    """
    path = folder / NAME
    try:
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise UserError(error.strerror or "cannot be written", at=Location(str(path))) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _taken(folder, file) from None
        except OSError:  # a file system without locks: names of parts and the manifest still keep tables apart
            yield
            return
        owner = {"host": platform.node(), "process": os.getpid(), "since": now(), "command": command_line()}
        file.seek(0)
        file.truncate()
        file.write(json.dumps(owner))
        file.flush()
        try:
            yield
        finally:
            file.seek(0)
            file.truncate()


def _taken(folder: Path, file: Any) -> UserError:
    file.seek(0)
    try:
        owner = json.loads(file.read())
        who = f"process {owner['process']} on {owner['host']} since {owner['since']}: {owner['command']}"
    except (ValueError, KeyError, TypeError):
        who = "somebody who did not leave a name"
    return UserError(
        f"another job is at work here ({who})", at=Location(str(folder)), hint="wait for it, or take another --out"
    )
