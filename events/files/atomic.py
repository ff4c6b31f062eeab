"""Files that stand there whole or not at all, whoever else writes them at the same time."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from emiss.configs.errors import Location, UserError
from emiss.configs.files import PART, part_of

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["part_of", "sweep", "sweep_of", "write_text"]


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
            found = PART.fullmatch(entry.name)
            if found is not None and found["name"] in wanted:
                with suppress(OSError):
                    Path(entry.path).unlink()


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
