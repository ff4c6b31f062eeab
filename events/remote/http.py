"""Files behind http:// and https://: their ranges where the server knows them, and the server's own words where it refuses.

A file is written with PUT, and the folders above it with MKCOL (WebDAV) where the server wants them to be there.
"""

from __future__ import annotations

import base64
import http.client
import re
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from emiss.events.remote import patience
from emiss.events.remote.patience import NotThereError, Refused, Retry
from emiss.events.remote.server import Version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from emiss.events.remote.server import Put

FIRST = 1 << 18
"""Bytes that the first question asks for."""

_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+)")
_AGAIN = {408, 429, 500, 502, 503, 504}
_GONE = {404: "no such file on the server", 410: "no such file on the server any more"}
_SAID = {401: "the server wants a login", 403: "the server does not allow it", 407: "the proxy wants a login", **_GONE}


class Http:
    """A file of a web server."""

    def __init__(self, address: str) -> None:
        parsed = urllib.parse.urlsplit(address)
        plain = urllib.parse.urlunsplit(parsed._replace(netloc=parsed.netloc.rpartition("@")[2], fragment=""))
        self._address = urllib.parse.quote(plain, safe="%/:=&?~#+!$,;'@()*[]")
        self._headers = {"User-Agent": "emiss"}
        if parsed.username is not None:
            login = ":".join(urllib.parse.unquote(part or "") for part in (parsed.username, parsed.password))
            self._headers["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()

    def begin(self, put: Put) -> tuple[Version, bool]:
        """Ask for the first bytes: the answer tells the length, and whether the server knows ranges."""
        with _said(), self._range(0, FIRST) as reply:
            version = _version(reply)
            if reply.status == 206:
                _receive(reply, 0, min(FIRST, version.size or 0), put)
                return version, True
            at = 0
            while block := reply.read(FIRST):
                put(at, block)
                at += len(block)
            if version.size not in (None, at):
                msg = f"the file ends early, after {at} of {version.size} bytes"
                raise Retry(msg)
            return version._replace(size=at), False

    def read(self, start: int, stop: int, version: Version, put: Put) -> None:
        """Put a range."""
        with _said(), self._range(start, stop) as reply:
            if reply.status != 206:
                msg = "the server knows ranges no more"
                raise Refused(msg)
            if _version(reply) != version:
                msg = "changed on the server while it was read"
                raise Refused(msg, "wait until whoever writes it is done")
            _receive(reply, start, stop, put)

    def version(self) -> Version:
        """Return what the server says of the file; servers that answer only who wants bytes are asked for one."""
        with _said():
            try:
                with self._ask("HEAD") as reply:
                    return _version(reply)
            except urllib.error.HTTPError as error:
                error.close()
                if error.code in _AGAIN or error.code in _GONE:
                    raise
            with self._range(0, 1) as reply:
                return _version(reply)

    def kind(self) -> Literal["file", "folder"] | None:
        """Return what is behind the address: servers add a slash to the names of folders."""
        if urllib.parse.urlsplit(self._address).path.endswith("/"):
            return "folder"
        try:
            with _said(), self._ask("HEAD") as reply:
                return "folder" if urllib.parse.urlsplit(reply.geturl()).path.endswith("/") else "file"
        except NotThereError:
            return None
        except Refused:
            return "file"  # it says what is wrong when it is read

    def write(self, content: bytes | Path) -> None:
        """Put a file in its place; folders above it are made where the server wants them to be there."""
        try:
            self._put(content, {})
        except Refused as error:
            cause = error.__cause__
            if not isinstance(cause, urllib.error.HTTPError) or cause.code not in (403, 404, 405, 409):
                raise
            if not self._make_folders():
                hint = "the server has to take files (PUT): take another --out, or copy the folder there by hand"
                raise Refused(str(error), hint) from error
            self._put(content, {})

    def create(self, content: bytes) -> bool:
        """Write a file if none is there, as far as the server tells."""
        try:
            self.version()
        except NotThereError:
            pass
        else:
            return False
        try:
            self._put(content, {"If-None-Match": "*"})
        except Refused as error:
            if isinstance(error.__cause__, urllib.error.HTTPError) and error.__cause__.code == 412:
                return False
            self.write(content)
        return True

    def remove(self) -> None:
        """Remove the file."""
        with _said(), self._ask("DELETE"):
            pass

    def _put(self, content: bytes | Path, headers: Mapping[str, str]) -> None:
        with _said():
            if isinstance(content, Path):
                with content.open("rb") as file:
                    length = {"Content-Length": str(content.stat().st_size)}
                    self._ask("PUT", {**headers, **length}, file).close()
            else:
                self._ask("PUT", headers, content).close()

    def _make_folders(self) -> bool:
        """Make the folders above the file; return whether any was made."""
        parsed = urllib.parse.urlsplit(self._address)
        names = parsed.path.split("/")[1:-1]
        made = False
        for depth in range(1, len(names) + 1):
            folder = urllib.parse.urlunsplit(parsed._replace(path="/" + "/".join(names[:depth]) + "/"))
            try:
                with _said(), self._ask("MKCOL", address=folder):
                    made = True
            except Refused:
                continue
        return made

    def _range(self, start: int, stop: int) -> http.client.HTTPResponse:
        try:
            reply = self._ask("GET", {"Range": f"bytes={start}-{stop - 1}"})
        except urllib.error.HTTPError as error:
            found = _RANGE.match(error.headers.get("Content-Range") or "")
            if error.code == 416 and found and not int(found[3]):
                error.close()
                return _Nothing()
            raise
        if reply.status == 206:
            found = _RANGE.match(reply.headers.get("Content-Range") or "")
            if not found or found[1] is None or int(found[1]) != start:
                reply.close()
                msg = "the server sends other bytes than it was asked for"
                raise Refused(msg)
        return reply

    def _ask(
        self, method: str, headers: Mapping[str, str] | None = None, body: Any = None, address: str | None = None
    ) -> http.client.HTTPResponse:
        request = urllib.request.Request(  # noqa: S310 - http(s) alone
            address or self._address, data=body, headers={**self._headers, **(headers or {})}, method=method
        )
        reply: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=patience.TIMEOUT)  # noqa: S310
        return reply


class _Nothing(http.client.HTTPResponse):
    """The answer of a server that has a file of no bytes, and says that no range of it can be had."""

    def __init__(self) -> None:
        self.status, self.headers = 200, http.client.HTTPMessage()
        self.headers["Content-Length"] = "0"

    def read(self, amt: int | None = None) -> bytes:  # noqa: ARG002
        return b""

    def close(self) -> None:
        """Do nothing."""


def _receive(reply: http.client.HTTPResponse, start: int, stop: int, put: Put) -> None:
    """Put the body of a reply in its place, as far as it comes."""
    at = start
    try:
        while at < stop and (piece := reply.read1(min(FIRST, stop - at))):
            put(at, piece)
            at += len(piece)
    except (OSError, http.client.HTTPException):
        if at == start:
            raise


def _version(reply: http.client.HTTPResponse) -> Version:
    headers = reply.headers
    found = _RANGE.match(headers.get("Content-Range") or "") if reply.status == 206 else None
    length = found[3] if found else headers.get("Content-Length")
    return Version(int(length) if length else None, headers.get("ETag"), headers.get("Last-Modified"))


@contextmanager
def _said() -> Iterator[None]:
    """Turn what fails while a server is asked into `Retry` or `Refused`."""
    try:
        yield
    except (Refused, Retry):
        raise
    except urllib.error.HTTPError as error:
        error.close()
        _refused(error)
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(reason, TimeoutError):
            msg = f"the server is silent for {patience.TIMEOUT:g} s"
            raise Retry(msg) from error
        detail = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        if isinstance(reason, ConnectionError):
            msg = f"the server cannot be reached: {detail}"
            raise Retry(msg) from error
        if isinstance(reason, http.client.HTTPException) and not isinstance(reason, http.client.InvalidURL):
            msg = f"broken off: {detail}"
            raise Retry(msg) from error
        msg = f"the server cannot be reached: {detail}"
        raise Refused(msg, "is the address right?") from error


def _refused(error: urllib.error.HTTPError) -> NoReturn:
    if error.code in _AGAIN:
        msg = f"the server failed: {error.code} {error.reason}"
        raise Retry(msg) from error
    if "infinite loop" in str(error.msg):
        msg = "the server redirects without end"
        raise Refused(msg) from error
    msg = f"{_SAID.get(error.code, 'the server refuses')}: {error.code} {error.reason}".splitlines()[0]
    if error.code in _GONE:
        raise NotThereError(msg, "is the address right?") from error
    login = (
        "give a login as https://NAME:PASSWORD@HOST, or fetch it with a program that has the rights, and give the file"
    )
    raise Refused(msg, login if error.code in (401, 403) else None) from error
