"""The sums of a derivation under way, kept beside its table: what one that was interrupted goes on from.

Ranges of files are added in their order, so that one total, and how many ranges are in it, is all that is kept, and the
result is the same to the last bit. There is a file for each pass over the data. Its key names all that the sums depend
on: files, options, constants, set-up, code; sums of anything else are not used.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.calibrate.frame import Sums
from emiss.configs.errors import Location, UserError
from emiss.events.files.atomic import part_of, settle
from emiss.events.provenance import text_hash

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SCHEMA = "emiss.derivation/1"
EVERY = 2.0
"""Seconds after which sums are written again."""

_HEAD = "head"
_SUM = "sum_"


class Kept:
    """The sums of one derivation.

    Parameters
    ----------
    folder : Path
        Where they are kept.
    key : str
        Names all that they depend on.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = folder
        self.key = key

    def totals(self, stage: int) -> Stage:
        """Return what is there of a pass over the data."""
        return Stage(self, stage)


class Stage:
    """The total of a pass over the data, as it grows; without a place where it is kept, in memory alone.

    Attributes
    ----------
    done : int
        The ranges in it.
    sums : Sums or None
    """

    def __init__(self, kept: Kept | None, number: int) -> None:
        self._path = None if kept is None else kept.folder / f"{number}.npz"
        self._key = "" if kept is None else text_hash(f"{kept.key} {number}")
        self._written = time.monotonic()
        self._saved = 0
        self.done = 0
        self.sums: Sums | None = None
        if self._path is not None:
            self._load(self._path)

    def add(self, part: Sums) -> None:
        """Add the sums of the next range; now and then the total is written."""
        if self.sums is None:
            self.sums = Sums.total([part])
        else:
            self.sums.add(part)
        self.done += 1
        if time.monotonic() - self._written > EVERY:
            self.save()

    def save(self) -> None:
        """Write the total, if it has grown.

        Raises
        ------
        UserError
            If it cannot be written.
        """
        if self._path is None or self.sums is None or self.done == self._saved:
            return
        head = {
            "schema": SCHEMA,
            "key": self._key,
            "done": self.done,
            "read": self.sums.read,
            "used": self.sums.used,
            "runs": sorted(self.sums.runs),
        }
        arrays: dict[str, Any] = {_SUM + name: values for name, values in self.sums.arrays.items()}
        arrays[_HEAD] = np.frombuffer(json.dumps(head).encode(), np.uint8)
        out = io.BytesIO()
        np.savez(out, **arrays)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            part = part_of(self._path)
            part.write_bytes(out.getvalue())
            settle(part, self._path)
        except OSError as error:
            raise UserError(error.strerror or "cannot be written", at=Location(str(self._path))) from None
        self._saved, self._written = self.done, time.monotonic()

    def _load(self, path: Path) -> None:
        """Take what is there of the same key; what is of another, or broken, is not used."""
        with suppress(OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
                head = json.loads(file[_HEAD].tobytes())
                if head["schema"] != SCHEMA or head["key"] != self._key:
                    return
                arrays = {name.removeprefix(_SUM): file[name] for name in file.files if name != _HEAD}
            sums = Sums(arrays, int(head["read"]), int(head["used"]), frozenset(map(int, head["runs"])))
            self.done = self._saved = int(head["done"])
            self.sums = sums


def key_of(parts: Iterable[Any]) -> str:
    """Return a hash of plain data."""
    return text_hash(json.dumps(list(parts), sort_keys=True, default=str))
