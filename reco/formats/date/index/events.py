"""The index of a raw run file: one row per event from one cheap pass over the event headers.

The row of an event is its entry number for good, lost events included. Under the policy ``safe`` the search goes on after
a damaged event; under ``oracle`` the file ends there, as in the library.
"""

from __future__ import annotations

import contextlib
import logging
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from emiss.configs.arrays import Array, Bools, Bytes, Ints, Words  # noqa: TC001 - a dataclass
from emiss.events.files.atomic import part_of, settle
from emiss.reco.formats.date import layout, reasons
from emiss.reco.quality.continuity import Rows

if TYPE_CHECKING:
    from pathlib import Path

Policy = Literal["safe", "oracle"]

log = logging.getLogger("emiss.index")


@dataclass(frozen=True)
class Index:
    """Where the events of a file are and what their headers say; all arrays have shape (N,).

    Attributes
    ----------
    offset, size : int64 arrays
        Place in the file in bytes; for a lost event the bytes passed over.
    run, spill, in_spill, in_run, type, time : int64 arrays
        Header fields; for a lost event run and spill of the good event before it (after it, where there is none), else 0.
    trigger : uint32 array
    reason : uint8 array
        Position in `reasons.LOST`; 0 for a good header.
    skipped : int64 array
        Bytes passed over in the search for an event, booked on the event after them or on the lost one.
    """

    offset: Ints
    size: Ints
    run: Ints
    spill: Ints
    in_spill: Ints
    in_run: Ints
    type: Ints
    time: Ints
    trigger: Words
    reason: Bytes
    skipped: Ints

    def __len__(self) -> int:
        return len(self.offset)

    @property
    def good(self) -> Bools:
        """True for events with a header that passes all tests."""
        return self.reason == reasons.GOOD

    @property
    def weight(self) -> Array:
        """1 for every event: the format has no weights."""
        return np.ones(len(self))

    @property
    def numbered(self) -> Bools:
        """True for good events that have a place in the numbers of the run: physics and calibration."""
        return self.good & ((self.type == layout.PHYSICS) | (self.type == layout.CALIBRATION))

    def rows(self) -> Rows:
        """Return what the numbers of the events are judged by."""
        return Rows(
            self.run,
            self.spill,
            self.in_spill,
            self.in_run,
            self.good,
            self.numbered,
            self.reason == reasons.REPEATED,
            self.size,
            self.skipped,
        )

    def runs(self) -> list[int]:
        """Return the run numbers of the good events in the order of the file."""
        run = self.run[self.good]
        new = np.flatnonzero(np.diff(run, prepend=~run[:1]))
        return list(dict.fromkeys(run[new].tolist()))

    def save(self, path: Path) -> None:
        """Write the index to a file, which appears when it is complete."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = part_of(path, ".npz")
        try:
            np.savez(part, **vars(self))  # arrays of numbers alone: nothing is pickled, and reading refuses what is
            settle(part, path)
        finally:
            part.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path) -> Index | None:
        """Return the index that `save` wrote; None if there is none.

        What stands there and is no index of this version is said, and removed so that `save` can put a good one there.
        """
        try:
            if not path.exists():
                return None
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                return cls(**stored)
        except FileNotFoundError:
            return None
        except (OSError, TypeError, ValueError, EOFError, zipfile.BadZipFile) as error:
            log.warning("%s: not an index that can be used, it is made again (%s)", path, error)
            with contextlib.suppress(OSError):
                path.unlink()
            return None


def build(data: Bytes, policy: Policy = "safe") -> Index:
    """Return the index of the events in `data`.

    Parameters
    ----------
    data : uint8 array of shape (bytes,), read-only
    policy : "safe" or "oracle"
    """
    from emiss.reco.formats.date.index import headers_kernels

    room = len(data) // 4096 + 1024
    while True:
        out = headers_kernels.allocate(room)
        rows = headers_kernels.scan(data, policy == "safe", out)
        if rows <= room:
            break
        room = rows
    columns = {name: values[:rows].copy() for name, values in zip(out._fields, out, strict=True)}
    index = Index(**columns)
    if policy == "safe":
        _mark_stray_runs(index)
        _mark_copies(index, data)
    _fill_places(index)
    return index


def _fill_places(index: Index) -> None:
    """Book lost events on run and spill of the good event before them (at the start of a file: after them)."""
    good = np.flatnonzero(index.good)
    lost = np.flatnonzero(~index.good)
    if len(good) and len(lost):
        before = good[np.maximum(np.searchsorted(good, lost) - 1, 0)]
        index.run[lost], index.spill[lost] = index.run[before], index.spill[before]


def _mark_stray_runs(index: Index) -> None:
    """Mark the only event of a run that stands among those of another one, or has the number next to theirs.

    That is a damaged run number: a run is not interrupted by another, and begins to count anew.
    """
    good = np.flatnonzero(index.good)
    _, which, count = np.unique(index.run[good], return_inverse=True, return_counts=True)
    others, single = good[count[which] > 1], good[count[which] == 1]
    if not len(others) or not len(single):
        return
    place = np.searchsorted(others, single)
    before, after = others[np.maximum(place - 1, 0)], others[np.minimum(place, len(others) - 1)]
    inside = (place > 0) & (place < len(others)) & (index.run[before] == index.run[after])
    near = np.where(place > 0, before, after)
    step = np.where(place > 0, 1, -1)
    goes_on = (
        index.numbered[single]
        & (index.spill[near] == index.spill[single])
        & (index.in_run[single] - index.in_run[near] == step)
        & (index.in_spill[single] - index.in_spill[near] == step)
    )
    index.reason[single[inside | goes_on]] = reasons.STRAY_RUN


def _mark_copies(index: Index, data: Array) -> None:
    """Mark events that are an earlier one of the file, byte by byte."""
    from emiss.reco.formats.date.index.headers_kernels import same_bytes

    numbered = np.flatnonzero(index.numbered)
    key = (index.run[numbered] << 32) | index.in_run[numbered]
    if np.all(np.diff(key) > 0):
        return
    _, first, which = np.unique(key, return_index=True, return_inverse=True)
    original = numbered[first[which.reshape(-1)]]
    later = (numbered != original) & (index.size[numbered] == index.size[original])
    pairs = original[later], numbered[later]
    same = same_bytes(data, index.offset[pairs[0]], index.offset[pairs[1]], index.size[pairs[1]])
    index.reason[pairs[1][same]] = reasons.REPEATED
