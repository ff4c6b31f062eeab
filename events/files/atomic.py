"""Files that stand there whole or not at all, whoever else writes them at the same time; also where there is no renaming.

On this machine a file is written under another name and renamed. What goes elsewhere is written here first, and put there as
a whole (`emiss.events.remote`).
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from emiss.configs.errors import Location, UserError
from emiss.configs.files import PART
from emiss.configs.files import part_of as _part_here
from emiss.events.location import is_remote

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


def part_of(path: Path, suffix: str = "") -> Path:
    """Return the name under which this process writes a file before it is put in its place (`configs.files.part_of`).

    That of a file elsewhere is in the folder of temporary files.
    """
    if is_remote(path):
        name = f".emiss-{path.name[:100]}.{os.getpid()}.{os.urandom(4).hex()}.part{suffix}"
        return Path(tempfile.gettempdir(), name)
    return _part_here(path, suffix)


def settle(part: Path, path: Path) -> None:
    """Put a file that has been written under another name in its place.

    Raises
    ------
    UserError, OSError
        If it cannot be put there; the part stays.
    """
    if not is_remote(path):
        part.replace(path)
        return
    _write_elsewhere(path, part)
    part.unlink()


def sweep(folder: Path) -> None:
    """Remove what processes that were killed have left half written in a folder and those in it; elsewhere nothing is."""
    if is_remote(folder):
        return
    for part in folder.rglob(".*.part*"):
        with suppress(OSError):
            part.unlink()


def sweep_of(folder: Path, names: Collection[str]) -> None:
    """Remove what processes that were killed have left half written of some files in a folder; of others nothing is touched."""
    if is_remote(folder):
        return
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
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file to a folder that is there; see `write_text`."""
    if is_remote(path):
        _write_elsewhere(path, data)
        return
    part = part_of(path)
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        raise UserError(error.strerror or "cannot be written", at=Location(str(path))) from None
    finally:
        with suppress(OSError):  # the folder is not there, or no folder
            part.unlink(missing_ok=True)


@contextmanager
def staged(target: Path) -> Iterator[Path]:
    """Yield where the files of a folder are to be written: to the folder, or, of one elsewhere, to one of this machine.

    What is there when the block ends, however it does, is put in its place file by file.
    """
    if not is_remote(target):
        yield target
        return
    with tempfile.TemporaryDirectory(prefix="emiss-") as name:
        folder = Path(name)
        try:
            yield folder
        finally:
            for file in sorted(path for path in folder.rglob("*") if path.is_file()):
                _write_elsewhere(target / file.relative_to(folder).as_posix(), file)


@contextmanager
def staged_file(target: Path) -> Iterator[Path]:
    """Yield where a file is to be written, as `staged` does for those of a folder."""
    if not is_remote(target):
        yield target
        return
    with staged(target.parent) as folder:
        yield folder / target.name


def _write_elsewhere(path: Path, content: bytes | Path) -> None:
    from emiss.events.remote.path import address_of
    from emiss.events.remote.writing import write

    write(address_of(path), content)
