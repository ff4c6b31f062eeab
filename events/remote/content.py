"""Files behind http:// and https://: every byte is fetched once, into a file without a name, and what fails is said.

A server that knows ranges is asked for the blocks that are needed; any other sends the whole file once, also one that does not
say how long it is. What breaks off goes on where it broke; a server that fails or is silent is asked again, a few times.
"""

from __future__ import annotations

import base64
import http.client
import io
import mmap
import re
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import OrderedDict
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from emiss.configs.errors import Location, UserError

if TYPE_CHECKING:
    from emiss.configs.arrays import Bytes

BLOCK = 1 << 18
"""Bytes of a block; blocks side by side are fetched together."""

TIMEOUT, TRIES, PAUSE = 20.0, 3, 0.5
"""Seconds without a byte, tries without a byte, seconds before the second try (twice as many before each further one)."""

KEPT = 2 << 30
"""Bytes of files that stay here for the next time that the process opens them."""

_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+)")
_AGAIN = {408, 429, 500, 502, 503, 504}
_SAID = {
    401: "the server wants a login",
    403: "the server does not allow it",
    404: "no such file on the server",
    407: "the proxy wants a login",
    410: "no such file on the server any more",
}


class _Retry(Exception):  # noqa: N818 - no error yet
    """Something that may go better the next time; its text is what is said when it does not."""


class Remote:
    """The bytes of a file elsewhere: `data`, read-only; those of a range are there after `fetch`.

    Raises
    ------
    UserError
        If the server cannot be reached or does not give the file, with its own words.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._lock = threading.Lock()
        self._map: mmap.mmap | None = None
        self._there: set[int] = set()
        self.size = 0
        self.version: tuple[Any, ...] = ()
        with tempfile.TemporaryFile(prefix="emiss-") as copy:
            self._patiently(lambda: self._begin(copy))
            if self._map is None and self.size:
                copy.flush()
                self._map = mmap.mmap(copy.fileno(), 0)
        self.data: Bytes = np.frombuffer(self._map or b"", np.uint8)
        self.data.flags.writeable = False

    def fetch(self, start: int, stop: int) -> None:
        """Bring the bytes from `start` to `stop` here."""
        with self._lock:
            last = -(-min(stop, self.size) // BLOCK)
            block = start // BLOCK
            while block < last:
                if block in self._there:
                    block += 1
                    continue
                end = block
                while end < last and end not in self._there:
                    end += 1
                self._get(block * BLOCK, min(end * BLOCK, self.size))
                self._there.update(range(block, end))
                block = end

    def is_current(self) -> bool:
        """Whether the server has the same file still, as far as it says."""
        found: list[tuple[Any, ...]] = []

        def ask() -> None:
            try:
                with self._request(0, None) as reply:
                    found.append(_version(reply))
            except urllib.error.HTTPError as error:
                if error.code in _AGAIN or error.code in _SAID:
                    raise
                found.append((None, None, None))  # a server that answers no such question

        self._patiently(ask)
        return all(None in pair or pair[0] == pair[1] for pair in zip(found[-1], self.version, strict=True))

    def _begin(self, copy: IO[bytes]) -> None:
        """Ask for the first block: the answer tells the length, and whether the server knows ranges."""
        with self._request(0, BLOCK) as reply:
            self.version = _version(reply)
            if reply.status != 206:
                self._take(reply, copy)
                return
            self.size = self.version[0]
            copy.truncate(self.size)
            self._map = mmap.mmap(copy.fileno(), 0)
            first = min(BLOCK, self.size)
            got = self._receive(reply, 0, first)
        if got < first:
            self._get(got, first)
        self._there.add(0)

    def _take(self, reply: http.client.HTTPResponse, copy: IO[bytes]) -> None:
        """Take the whole file, which is all that this server sends."""
        copy.seek(0)
        copy.truncate()
        self.size = 0
        while block := reply.read(BLOCK):
            copy.write(block)
            self.size += len(block)
        if self.version[0] not in (None, self.size):
            msg = f"the file ends early, after {self.size} of {self.version[0]} bytes"
            raise _Retry(msg)
        self._there.update(range(-(-self.size // BLOCK)))

    def _get(self, start: int, stop: int) -> None:
        """Fetch a range; what breaks off goes on from there."""
        at = start

        def go_on() -> None:
            nonlocal at
            before = at
            try:
                with self._request(at, stop) as reply:
                    if reply.status != 206:
                        raise self._error("the server knows ranges no more", None)
                    if _version(reply) != self.version:
                        raise self._error("changed on the server while it was read", None)
                    at += self._receive(reply, at, stop)
            finally:
                progress[0] = at > before
            if at < stop:
                msg = f"the file ends early, after {at} of {self.size} bytes"
                raise _Retry(msg)

        progress = [False]
        self._patiently(go_on, progress)

    def _receive(self, reply: http.client.HTTPResponse, start: int, stop: int) -> int:
        """Put the body of a reply in its place; return how many bytes came before it ended or broke off."""
        assert self._map is not None  # noqa: S101 - made when the first reply came
        at = start
        try:
            while at < stop and (piece := reply.read1(min(BLOCK, stop - at))):
                self._map[at : at + len(piece)] = piece
                at += len(piece)
        except (OSError, http.client.HTTPException):
            if at == start:
                raise
        return at - start

    def _request(self, start: int, stop: int | None) -> http.client.HTTPResponse:
        """Ask for a range, or (without an end) for what the server says of the file."""
        parts = urllib.parse.urlsplit(self.address)
        address = urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))
        headers = {"User-Agent": "emiss"} | ({} if stop is None else {"Range": f"bytes={start}-{stop - 1}"})
        if parts.username is not None:
            login = ":".join(urllib.parse.unquote(part or "") for part in (parts.username, parts.password))
            headers["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
        quoted = urllib.parse.quote(address, safe="%/:=&?~#+!$,;'@()*[]")
        request = urllib.request.Request(quoted, headers=headers, method="HEAD" if stop is None else "GET")  # noqa: S310
        try:
            reply: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT)  # noqa: S310 - http(s) alone
        except urllib.error.HTTPError as error:
            found = _RANGE.match(error.headers.get("Content-Range") or "")
            if error.code == 416 and found and not int(found[3]):
                return _Nothing()
            raise
        if reply.status == 206:
            found = _RANGE.match(reply.headers.get("Content-Range") or "")
            if not found or found[1] is None or int(found[1]) != start:
                reply.close()
                raise self._error("the server sends other bytes than it was asked for", None)
        return reply

    def _patiently(self, ask: Any, progress: list[bool] | None = None) -> None:
        """Call a request until it is answered, at most `TRIES` times without any progress."""
        tries = 0
        while True:
            try:
                ask()
                return
            except UserError:
                raise
            except Exception as error:
                failure = _failure(error)
                if isinstance(error, urllib.error.HTTPError):
                    error.close()
                if failure is None:
                    raise self._error(_words(error), error) from error
                tries = 1 if progress and progress[0] else tries + 1
                if tries >= TRIES:
                    raise self._error(f"{failure} ({tries} tries)", error) from error
                time.sleep(PAUSE * 2 ** (tries - 1))

    def _error(self, message: str, error: Exception | None) -> UserError:
        hint = None
        if isinstance(error, urllib.error.HTTPError) and error.code in (401, 403):
            hint = "fetch it with a program that has the rights, and give the file"
        return UserError(message, at=Location(self.address), hint=hint)


class _Nothing(http.client.HTTPResponse):
    """The answer of a server that has a file of no bytes, and says that no range of it can be had."""

    def __init__(self) -> None:
        self.status, self.headers = 200, http.client.HTTPMessage()
        self.headers["Content-Length"] = "0"

    def read(self, amt: int | None = None) -> bytes:  # noqa: ARG002
        return b""

    def close(self) -> None:
        """Do nothing."""


def _version(reply: http.client.HTTPResponse) -> tuple[Any, ...]:
    """Return length, tag and time of the file that a reply is of."""
    headers = reply.headers
    found = _RANGE.match(headers.get("Content-Range") or "") if reply.status == 206 else None
    length = found[3] if found else headers.get("Content-Length")
    return (int(length) if length else None, headers.get("ETag"), headers.get("Last-Modified"))


def _failure(error: Exception) -> str | None:
    """Return what to say of a failure that may be over the next time, None for one that will not."""
    if isinstance(error, _Retry):
        return str(error)
    if isinstance(error, http.client.InvalidURL):
        return None
    if isinstance(error, urllib.error.HTTPError):
        return f"the server failed: {error.code} {error.reason}" if error.code in _AGAIN else None
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, TimeoutError):
        return f"the server is silent for {TIMEOUT:g} s"
    if isinstance(reason, ConnectionError | http.client.HTTPException):
        detail = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        return (
            f"the server cannot be reached: {detail}"
            if isinstance(reason, ConnectionError)
            else f"broken off: {detail}"
        )
    return None


def _words(error: Exception) -> str:
    """Return what to say of a failure that is final."""
    if isinstance(error, urllib.error.HTTPError):
        if "infinite loop" in str(error.msg):
            return "the server redirects without end"
        return f"{_SAID.get(error.code, 'the server refuses')}: {error.code} {error.reason}".splitlines()[0]
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    return f"the server cannot be reached: {getattr(reason, 'strerror', None) or reason}"


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
_lock = threading.Lock()


def remote(address: str) -> Remote:
    """Return the file behind an address; one that was opened before and is the same still is not fetched again."""
    with _lock:
        known = _open.pop(address, None)
        if known is None or not known.is_current():
            known = Remote(address)
        _open[address] = known
        while len(_open) > 1 and sum(file.size for file in _open.values()) > KEPT:
            _open.popitem(last=False)
        return known
