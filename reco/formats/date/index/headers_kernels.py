"""Compiled pass over the event headers of a run file: where each event is and why it is lost, with resynchronisation.

Bytes are read one by one into words, since an event may begin at any byte after damage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.configs.compiled import kernel
from emiss.reco.formats.date import layout as la
from emiss.reco.formats.date import reasons as why

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Bools, Bytes, Ints


class HeaderArrays(NamedTuple):
    """Output of `scan`, one row per event; what an event does not tell is 0."""

    offset: Array
    size: Array
    run: Array
    spill: Array
    in_spill: Array
    in_run: Array
    type: Array
    time: Array
    trigger: Array
    reason: Array
    skipped: Array


def allocate(rows: int) -> HeaderArrays:
    """Return arrays for `rows` events."""
    types = (np.int64, np.int64, *[np.int64] * 6, np.uint32, np.uint8, np.int64)
    return HeaderArrays(*(np.zeros(rows, dtype) for dtype in types))


@kernel
def _word(data: Array, at: int) -> int:
    """Return the little-endian word at byte `at`; the caller has checked that it is there."""
    return (
        np.int64(data[at])
        | (np.int64(data[at + 1]) << 8)
        | (np.int64(data[at + 2]) << 16)
        | (np.int64(data[at + 3]) << 24)
    )


@kernel
def _prefix_reason(data: Array, at: int, safe: bool) -> int:
    """Test the first four words of an event: magic, size, header length; the file's end is the caller's matter."""
    if _word(data, at + 4) != la.MAGIC:
        return why.BAD_MAGIC
    size = _word(data, at)
    old = _word(data, at + 12) < la.VERSION_LIMIT
    header = _word(data, at + 12) if old else _word(data, at + 8)
    if size == 0 or size % 4 != 0 or size < header:
        return why.EVENT_SIZE
    full = la.OLD_HEADER_BYTES if old else la.HEADER_BYTES
    if size < full:
        return why.EVENT_SIZE
    if safe and header != full:
        return why.HEADER_SIZE
    return why.GOOD


@kernel
def _identity(data: Array, at: int) -> tuple[int, int, int]:
    """Return run, event in run, and spill with event in spill of the header at `at` (-1 where it is cut short)."""
    if at + la.HEADER_BYTES > len(data):
        return -1, -1, -1
    if _word(data, at + 12) < la.VERSION_LIMIT:
        return _word(data, at + 16), _word(data, at + 24), _word(data, at + 28) | (_word(data, at + 20) << 20)
    return _word(data, at + 20), _word(data, at + 24), _word(data, at + 28)


@kernel
def _acceptable(data: Array, at: int) -> bool:
    """Whether a whole event with a header that passes all tests, type included, begins at `at`."""
    if at + la.HEADER_BYTES > len(data) or _prefix_reason(data, at, True) != why.GOOD:
        return False
    if at + _word(data, at) > len(data):
        return False
    word = 8 if _word(data, at + 12) < la.VERSION_LIMIT else 16
    return la.FIRST_TYPE <= (_word(data, at + word) & la.TYPE_MASK) <= la.LAST_TYPE


@kernel
def _next_event(data: Array, start: int, previous: int, damaged: int) -> int:
    """Return where the next acceptable event begins, not before byte `start`, or -1.

    Sub-events look like events. They carry the numbers of the event they belong to, so headers with the numbers of the
    `previous` good event (-1: none), of the `damaged` one, of what follows the candidate or of a candidate refused before
    are passed over.
    """
    # the end of the file has no identity: that stands for "none"
    known = _identity(data, previous if previous >= 0 else len(data))
    broken = _identity(data, damaged)
    refused = _identity(data, len(data))
    magic0, magic1 = la.MAGIC & 0xFF, (la.MAGIC >> 8) & 0xFF
    at = start
    while at + la.HEADER_BYTES <= len(data):
        if data[at + 4] == magic0 and data[at + 5] == magic1 and _acceptable(data, at):
            mine = _identity(data, at)
            after = at + _word(data, at)
            # the rest of the same super-event follows, or the header of the super-event stands just before
            part = after + la.HEADER_BYTES <= len(data) and _acceptable(data, after) and _identity(data, after) == mine
            if not part and at - la.HEADER_BYTES >= damaged:
                part = _identity(data, at - la.HEADER_BYTES) == mine
            if part:
                refused = mine
            if mine != known and mine != broken and mine != refused:  # noqa: PLR1714 (compiled)
                return at
            # a refused candidate is whole, and no event begins inside a sub-event
            at = after
            continue
        at += 1
    return -1


@kernel
def _store_header(data: Array, at: int, row: int, out: HeaderArrays) -> None:
    old = _word(data, at + 12) < la.VERSION_LIMIT
    if old:
        out.type[row] = _word(data, at + 8) & la.TYPE_MASK
        out.run[row] = _word(data, at + 16)
        out.spill[row] = _word(data, at + 20)
        out.in_run[row] = _word(data, at + 24)
        out.in_spill[row] = _word(data, at + 28)
        out.time[row] = _word(data, at + 52)
        out.trigger[row] = _word(data, at + 76)
    else:
        out.type[row] = _word(data, at + 16) & la.TYPE_MASK
        out.run[row] = _word(data, at + 20)
        out.in_run[row] = _word(data, at + 24)
        out.in_spill[row] = _word(data, at + 28) & 0xFFFFF
        out.spill[row] = _word(data, at + 28) >> 20
        out.trigger[row] = ((_word(data, at + 32) >> 1) + (_word(data, at + 36) << 31)) & 0xFFFFFFFF
        out.time[row] = _word(data, at + 64)


@kernel
def scan(data: Bytes, safe: bool, out: HeaderArrays) -> int:
    """Fill `out` with the events of a file.

    Parameters
    ----------
    data : uint8 array of shape (bytes,), read-only
    safe : bool
        True: look for the next event after damage. False: stop at the first bad header, as the library does.
    out : HeaderArrays
        Rows beyond its length are counted, not stored.

    Returns
    -------
    int
        The number of rows; when it is larger than ``len(out.offset)``, call again with more room.
    """
    total = len(data)
    rows = 0
    at = 0
    previous = -1
    pending = 0
    while at < total:
        left = total - at
        if left < la.PREFIX_BYTES:
            reason = why.TRUNCATED
        else:
            reason = _prefix_reason(data, at, safe)
            if reason in (why.GOOD, why.HEADER_SIZE) and _word(data, at) > left:
                reason = why.TRUNCATED
        if reason == why.GOOD:
            if rows < len(out.offset):
                out.offset[rows] = at
                out.size[rows] = _word(data, at)
                out.reason[rows] = reason
                out.skipped[rows] = pending
                _store_header(data, at, rows, out)
            pending = 0
            rows += 1
            previous = at
            at += _word(data, at)
            continue
        following = -1
        if safe:
            step = at + _word(data, at) if reason == why.HEADER_SIZE else -1
            if step > 0 and (step == total or _acceptable(data, step)):
                following = step
            else:
                # a wrong size of the event before may have led past the next one
                misled = reason == why.BAD_MAGIC and previous >= 0
                following = _next_event(data, previous + 4 if misled else at + 1, previous, at)
        elif reason == why.EVENT_SIZE and 0 < _word(data, at) < la.HEADER_BYTES:
            size = _word(data, at)
            # the library's tests pass an event that cannot hold its header; it is lost and the file goes on
            if size % 4 == 0 and size >= la.PREFIX_BYTES and _word(data, at + 8) <= size:
                following = at + size
        if reason == why.TRUNCATED and following >= 0:
            reason = why.EVENT_SIZE
        end = following if following >= 0 else total
        skipped = max(end - at, 0)
        if reason == why.BAD_MAGIC and following >= 0 and skipped < la.HEADER_BYTES:
            # too little for an event: the one before told a wrong size, nothing else is lost
            pending += skipped
        else:
            if rows < len(out.offset):
                out.offset[rows] = at
                out.size[rows] = skipped
                out.reason[rows] = reason
                out.skipped[rows] = pending + skipped
            pending = 0
            rows += 1
        at = end
    return rows


@kernel
def same_bytes(data: Bytes, first: Ints, second: Ints, size: Ints) -> Bools:
    """Return which pairs of stretches of a file hold the same bytes.

    Parameters
    ----------
    data : uint8 array of shape (bytes,), read-only
    first, second, size : int64 arrays of shape (N,)
        Where the stretches begin and how long they are; inside `data`.
    """
    same = np.ones(len(first), np.bool_)
    for row in range(len(first)):
        for byte in range(size[row]):
            if data[first[row] + byte] != data[second[row] + byte]:
                same[row] = False
                break
    return same
