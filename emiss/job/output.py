"""Checks before any work: that outputs can be written where they are wanted, and that none of them is an input."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from emiss.configs.errors import Location, UserError
from emiss.events.files.atomic import part_of, write_bytes
from emiss.events.location import is_remote

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

ROOM = 1 << 16
"""Bytes that are written on trial: less room than this is none."""


def check(folder: Path) -> None:
    """Make sure, without writing, that a folder for outputs is there or can be made.

    Raises
    ------
    UserError
        If it is a file, in a file, or nobody may write there.
    """
    if is_remote(folder):
        if folder.is_file():
            raise UserError("is a file, and a folder is needed here", at=Location(str(folder)))
        return
    try:
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    except OSError as error:
        raise UserError(f"no folder can have this name: {error.strerror}", at=Location(str(folder)[:200])) from None
    except ValueError as error:
        raise UserError(f"no folder can have this name: {error}", at=Location(str(folder)[:200])) from None
    if not there.is_dir():
        said = "is a file, and a folder is needed here" if there == folder else f"{there} is a file, not a folder"
        raise UserError(said, at=Location(str(folder)))
    if not os.access(there, os.W_OK | os.X_OK):
        raise UserError("cannot be written: no permission", at=Location(str(there)))


def prepare(folder: Path) -> None:
    """Make a folder for outputs, and make sure that files can be written to it.

    Raises
    ------
    UserError
        If it is a file, cannot be made or written, or there is no room.
    """
    if is_remote(folder):
        trial = folder / f".emiss-trial-{os.getpid()}-{os.urandom(4).hex()}"
        write_bytes(trial, b"")
        trial.unlink(missing_ok=True)
        return
    trial = part_of(folder / "trial")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            trial.write_bytes(os.urandom(ROOM))
        finally:
            trial.unlink(missing_ok=True)
    except FileExistsError:
        raise UserError("is a file, and a folder is needed here", at=Location(str(folder))) from None
    except NotADirectoryError:
        raise UserError("a file stands where a folder of this path should be", at=Location(str(folder))) from None
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror or error}", at=Location(str(folder))) from None


def reports_in(folder: Path) -> list[Path]:
    """Return the reports that are written to a folder under names known before."""
    names = [f"cutflow.{kind}" for kind in ("json", "csv", "md", "tex", "html")]
    return [folder / name for name in (*names, "histograms.json", "histograms.root")]


def refuse_inputs(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Refuse outputs that are inputs, by whatever name or link.

    Raises
    ------
    UserError
        For the first one.
    """
    known: dict[tuple[int, int], Path] = {}
    paths: dict[Path, Path] = {}
    for path in inputs:
        paths[path.resolve()] = path
        if is_remote(path):
            continue
        try:
            said = path.stat()
        except OSError:
            continue
        known[said.st_dev, said.st_ino] = path
    for path in outputs:
        taken = paths.get(path.resolve())
        with suppress(OSError):
            there = None if is_remote(path) else path.stat()  # addresses have no links
            taken = taken or (known.get((there.st_dev, there.st_ino)) if there else None)
        if taken is not None:
            raise UserError(
                f"this output would take the place of the input {taken}",
                at=Location(str(path)),
                hint="take another folder or name for the outputs",
            )
