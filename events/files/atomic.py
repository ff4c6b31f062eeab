"""Files that stand there whole or not at all, whoever else writes them at the same time."""

from __future__ import annotations

import os
import platform
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from emiss.configs.errors import Location, UserError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

_PART = re.compile(r"\.(.+)\.[\w-]+\.\d+\.part(?:\.\w+)?", re.DOTALL)
"""What `part_of` returns, with the name of the file."""


def part_of(path: Path, suffix: str = "") -> Path:
    """Return the name under which this process writes a file before it is put in its place.

    It is hidden, and carries host and process: several may write the same file, and who left one behind can be seen.
    """
    host = "".join(c if c.isalnum() or c in "-_" else "_" for c in platform.node().partition(".")[0]) or "host"
    return path.with_name(f".{path.name[:150]}.{host}.{os.getpid()}.part{suffix}")


def sweep(folder: Path) -> None:
    """Remove what processes that were killed have left half written in a folder and those in it."""
    for part in folder.rglob(".*.part*"):
        with suppress(OSError):
            part.unlink()


def sweep_of(folder: Path, names: Collection[str]) -> None:
    """Remove what processes that were killed have left half written of some files in a folder; of others nothing is touched."""
    wanted = {name[:150] for name in names}
    with suppress(OSError), os.scandir(folder) as entries:  # once: there may be as many files as names
        for entry in entries:
            found = _PART.fullmatch(entry.name)
            if found is not None and found[1] in wanted:
                with suppress(OSError):
                    os.unlink(entry.path)


def write_text(path: Path, text: str) -> None:
    """Write a text file (UTF-8) to a folder that is there.

    Raises
    ------
    UserError
        If it cannot be written.
    """
    part = part_of(path)
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    except OSError as error:
        raise UserError(error.strerror or "cannot be written", at=Location(str(path))) from None
    finally:
        with suppress(OSError):  # the folder is not there, or no folder
            part.unlink(missing_ok=True)
