"""What can be read as a file, and under which name one is written until it is complete."""

from __future__ import annotations

import os
import platform
import re
import stat
import time
from contextlib import suppress
from pathlib import Path

from emiss.configs.errors import Location, UserError

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def check_regular(path: str | Path) -> None:
    """Refuse what would be waited for without end, or can be read only once; what is not there is another's matter.

    Raises
    ------
    UserError
        For a pipe, a socket or a device.
    """
    try:
        kind = stat.S_IFMT(Path(path).stat().st_mode)
    except (OSError, ValueError):
        return
    if kind in _KINDS:
        raise UserError(
            f"is {_KINDS[kind]}, not a file", at=Location(str(path)), hint="write what it gives to a file first"
        )


AGE = 60.0
"""Seconds that nobody has written to a half-written file whose process is gone, before it is removed."""

PART = re.compile(r"\.(?P<name>.+)\.(?P<host>[\w-]+)\.(?P<process>\d+)\.part(?:\.\w+)?", re.DOTALL)
"""What `part_of` makes of the name of a file."""

_cleared: set[Path] = set()


def part_of(path: Path, suffix: str = "") -> Path:
    """Return the name under which this process writes a file before it is put in its place.

    It is hidden, and carries host and process: several may write the same file, and who left one behind can be seen. What
    processes of this machine that were killed have left in the folder goes when this process first writes to it.
    """
    if path.parent not in _cleared:
        _cleared.add(path.parent)
        _clear(path.parent)
    return path.with_name(f".{path.name[:150]}.{_host()}.{os.getpid()}.part{suffix}")


def _host() -> str:
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in platform.node().partition(".")[0]) or "host"


def _clear(folder: Path) -> None:
    host = _host()
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            found = PART.fullmatch(entry.name)
            if found is None or found["host"] != host or _runs(int(found["process"])):
                continue
            with suppress(OSError):
                # another machine may have the same name: what it writes is young
                if abs(time.time() - entry.stat().st_mtime) >= AGE:
                    Path(entry.path).unlink()


def _runs(process: int) -> bool:
    """Return whether there is a process, if only to be safe."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
