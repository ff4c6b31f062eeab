"""The bytes of a file elsewhere: every byte is fetched once, ahead of who reads them, into a file without a name.

A server that knows ranges is asked for pieces of the file over several connections at a time; any other sends all of it. Who
says which range comes next, or reads one behind the other, finds the next bytes there when they are wanted: no more than
`AHEAD` bytes are under way before that, and none of them is in memory. What breaks off goes on where it broke.
"""

from __future__ import annotations

import io
import mmap
import os
import tempfile
import threading
import time
import weakref
from collections import OrderedDict, deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.configs.errors import EmissError, Location, UserError
from emiss.events.remote.address import scheme_of, shown
from emiss.events.remote.patience import Refused, Retry, patiently

if TYPE_CHECKING:
    from emiss.configs.arrays import Bytes
    from emiss.events.remote.server import Server, Version

BLOCK = 1 << 18
"""Bytes of a block, of which is known whether it is there."""

PIECE = 1 << 22
"""Bytes that one connection is asked for at a time."""

CONNECTIONS = 6
"""Pieces that are fetched at a time: with 4 MiB each and answers after 20 ms they fill a line of 100 MB/s and more."""

AHEAD = 1 << 25
"""Bytes that are fetched before they are asked for."""

SEQUENCE = 1 << 20
"""Bytes that have to be read one behind the other until more are fetched than were asked for."""

KEPT = 2 << 30
"""Bytes of files that stay here for the next time that the process opens them."""

FRESH = 1.0
"""Seconds in which a server is not asked again whether a file is still the same."""

_MISSING, _COMING, _THERE = range(3)


def server_of(address: str) -> Server:
    """Return the server of an address."""
    if scheme_of(address) in ("http", "https"):
        from emiss.events.remote.http import Http

        return Http(address)
    from emiss.events.remote.storage import Storage

    return Storage(address)


class Remote:
    """The bytes of a file elsewhere: `data`, read-only; those of a range are there after `fetch`.

    Raises
    ------
    UserError
        If the server cannot be reached or does not give the file, with its own words.
    """

    def __init__(self, address: str) -> None:
        self._secret = address
        self.address = shown(address)
        self._server = server_of(address)
        self._changed = threading.Condition()
        self._queue: deque[tuple[int, int, bool]] = deque()
        self._threads = 0
        self._failed: dict[int, UserError] = {}
        self._expected = (0, 0)
        self._run = (0, 0)
        with tempfile.TemporaryFile(prefix="emiss-") as copy:
            self._copy = os.dup(copy.fileno())
        self._closed = weakref.finalize(self, os.close, self._copy)
        self._got = 0
        self._asked = 0.0
        self.said: Version | None = None
        """Its version as the server says it to who asks for that alone, which may be more than it says with its bytes."""
        version, ranges = patiently(address, self._begin)
        assert version.size is not None  # noqa: S101 - known when the first answer has come
        self.version, self.size = version, version.size
        self._asked = time.monotonic()
        os.ftruncate(self._copy, self.size)
        memory = mmap.mmap(self._copy, self.size, access=mmap.ACCESS_READ) if self.size else b""
        self.data: Bytes = np.frombuffer(memory, np.uint8)
        if ranges and self._got % BLOCK and self._got < self.size:  # the first answer broke off
            stop = min(-(-self._got // BLOCK) * BLOCK, self.size)
            self._get(self._got, stop)
            self._got = stop
        there = -(-self.size // BLOCK) if not ranges or self._got == self.size else self._got // BLOCK
        self._state = bytearray(-(-self.size // BLOCK))
        self._state[:there] = bytes([_THERE]) * there

    def fetch(self, start: int, stop: int) -> None:
        """Bring the bytes from `start` to `stop` here.

        Raises
        ------
        UserError
            If the server does not give them, or the file has changed.
        """
        first, last = start // BLOCK, -(-min(stop, self.size) // BLOCK)
        with self._changed:
            try:
                self._demand(first, last)
                self._look_ahead(start, min(stop, self.size))
                while self._state.count(_THERE, first, last) < last - first:
                    self._changed.wait(1.0)
                    for block in [block for block in self._failed if first <= block < last]:
                        raise self._failed.pop(block)
                    self._demand(first, last)  # what was only expected, and failed, is asked for again
            except BaseException:
                self._drop()  # nobody waits for the rest of it
                raise

    def expect(self, start: int, stop: int) -> None:
        """Say that a range will be read from its beginning to its end: it comes ahead of that, and nothing behind it does."""
        with self._changed:
            self._expected = start, min(stop, self.size)
            self._look_ahead(start, start)

    def is_current(self) -> bool:
        """Whether the server has the same file still, as far as it says."""
        if self.is_fresh():
            return True
        same = self.version.may_be(version_of(self._secret, self._server))
        self._asked = time.monotonic()
        return same

    def is_fresh(self) -> bool:
        """Whether the server has said just now that it has this file."""
        return time.monotonic() - self._asked < FRESH

    def _begin(self) -> tuple[Version, bool]:
        self._got = 0
        os.ftruncate(self._copy, 0)

        def put(at: int, piece: bytes) -> None:
            self._put(at, piece)
            self._got = at + len(piece)

        return self._server.begin(put)

    def _put(self, at: int, piece: bytes) -> None:
        view = memoryview(piece)
        while view:
            try:
                written = os.pwrite(self._copy, view, at)
            except OSError as error:
                said = f"no room for a copy in {tempfile.gettempdir()}: {error.strerror}"
                hint = "set TMPDIR to a folder with room"
                raise UserError(said, at=Location(self.address), hint=hint) from None
            at, view = at + written, view[written:]

    def _demand(self, first: int, last: int) -> None:
        """Queue what is missing of some blocks before all that is only expected."""
        block = self._state.find(_MISSING, first, last)
        wanted: list[tuple[int, int, bool]] = []
        while block >= 0:
            end = self._end_of_piece(block, last)
            self._failed.pop(block, None)
            wanted.append((block, end, True))
            self._state[block:end] = bytes([_COMING]) * (end - block)
            block = self._state.find(_MISSING, end, last)
        if wanted:
            self._queue.extendleft(reversed(wanted))
            self._start()

    def _look_ahead(self, start: int, stop: int) -> None:
        """Queue what will be wanted after a range that is wanted now."""
        low, high = self._run
        self._run = (low, max(high, stop)) if low <= start <= high + PIECE else (start, stop)
        read = self._run[1] - self._run[0]
        if self._expected[0] <= start < self._expected[1]:
            limit, end = min(stop + AHEAD, self._expected[1]), self._expected[1]
        elif read >= SEQUENCE:
            limit, end = min(stop + min(read, AHEAD), self.size), self.size
        else:
            return
        block, last = -(-stop // BLOCK), -(-limit // BLOCK)
        while (block := self._state.find(_MISSING, block, last)) >= 0:
            # whole pieces, also where they reach beyond the limit: small ones would take as long to be answered
            behind = self._end_of_piece(block, -(-end // BLOCK))
            self._queue.append((block, behind, False))
            self._state[block:behind] = bytes([_COMING]) * (behind - block)
            block = behind
        self._start()

    def _end_of_piece(self, block: int, last: int) -> int:
        """Return where a piece ends that begins with a block which is missing."""
        most = max(PIECE // BLOCK, 1)
        end = min((block // most + 1) * most, max(last, block + 1), len(self._state))
        for state in (_COMING, _THERE):
            found = self._state.find(state, block, end)
            end = end if found < 0 else found
        return end

    def _drop(self) -> None:
        """Forget what has been queued and not begun."""
        while self._queue:
            first, last, _ = self._queue.popleft()
            self._state[first:last] = bytes(last - first)

    def _start(self) -> None:
        """Start threads for what is queued; each ends when nothing is left."""
        for _ in range(min(CONNECTIONS - self._threads, len(self._queue))):
            self._threads += 1
            threading.Thread(target=self._work, name="emiss-remote", daemon=True).start()

    def _work(self) -> None:
        """Fetch pieces until none is queued."""
        while True:
            with self._changed:
                if not self._queue:
                    self._threads -= 1
                    return
                first, last, demanded = self._queue.popleft()
            error: UserError | None = None
            try:
                self._get(first * BLOCK, min(last * BLOCK, self.size))
            except UserError as refused:
                error = refused
            except Exception as bug:  # noqa: BLE001 - raised where somebody waits for the piece
                error = UserError(f"cannot be read: {type(bug).__name__}: {bug}", at=Location(self.address))
                error.__cause__ = bug
            with self._changed:
                self._state[first:last] = bytes([_MISSING if error else _THERE]) * (last - first)
                if error is not None and demanded:
                    self._failed[first] = error
                self._changed.notify_all()

    def _get(self, start: int, stop: int) -> None:
        """Fetch a range; what breaks off goes on from there."""
        at = start
        progress = [False]

        def put(place: int, piece: bytes) -> None:
            nonlocal at
            self._put(place, piece)
            at = place + len(piece)

        def go_on() -> None:
            before = at
            try:
                self._server.read(at, stop, self.version, put)
            finally:
                progress[0] = at > before
            if at < stop:
                msg = f"the file ends early, after {at} of {self.size} bytes"
                raise Retry(msg)

        patiently(self._secret, go_on, progress)
        self._asked = time.monotonic()  # each answer says of which version it is


def version_of(address: str, server: Server | None = None) -> Version:
    """Return what the server says of a file now.

    Raises
    ------
    UserError
        If there is no such file, or the server does not answer.
    """
    return patiently(address, (server or server_of(address)).version)


def current_version(address: str) -> Version:
    """Return what the server says of a file: now, or when the last range of it came, if that is `FRESH` enough.

    Raises
    ------
    UserError
        As for `version_of`.
    """
    with _lock:
        known = _open.get(address)
    if known is not None and known.said is not None and known.is_fresh():
        return known.said
    said = version_of(address)
    if known is not None and known.version.may_be(said):
        known.said = said
    return said


class RemoteFile(io.RawIOBase):
    """A remote file as a file to read and seek in."""

    def __init__(self, remote: Remote) -> None:
        super().__init__()
        self._remote, self._at = remote, 0

    def readable(self) -> bool:
        """Whether it can be read: yes."""
        return True

    def seekable(self) -> bool:
        """Whether one can seek in it: yes."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._remote.size}[whence])
        return self._at

    def tell(self) -> int:
        """Return the place."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read what fits."""
        stop = min(self._at + len(buffer), self._remote.size)
        count = max(0, stop - self._at)
        if count:
            self._remote.fetch(self._at, stop)
            buffer[:count] = self._remote.data[self._at : stop].data
            self._at = stop
        return count


_open: OrderedDict[str, Remote] = OrderedDict()
_turns: dict[str, threading.Lock] = {}
_lock = threading.Lock()


def remote(address: str) -> Remote:
    """Return the file behind an address; one that was opened before and is the same still is not fetched again."""
    with _lock:
        turn = _turns.setdefault(address, threading.Lock())
    with turn:  # who wants the same file waits, who wants another one does not
        with _lock:
            known = _open.pop(address, None)
        if known is None or not known.is_current():
            known = Remote(address)
        with _lock:
            _open[address] = known
            while len(_open) > 1 and sum(file.size for file in _open.values()) > KEPT:
                _open.popitem(last=False)
        return known


def forget(address: str) -> None:
    """Let go of what is known of a file, in whose place another one has been put."""
    with _lock:
        _open.pop(address, None)


def begin(address: str) -> None:
    """Begin to fetch a file, without waiting for it; what fails is said when it is read."""

    def run() -> None:
        with suppress(EmissError, OSError, Refused):
            file = remote(address)
            file.expect(0, file.size)

    threading.Thread(target=run, name="emiss-remote", daemon=True).start()
