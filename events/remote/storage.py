"""Files that fsspec has a library for: s3:// with s3fs, root:// with fsspec-xrootd, and others.

What these raise differs from library to library and from version to version: a few kinds are told apart, anything else may
go better the next time. None of them is waited for longer than `within` allows.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from emiss.configs.errors import Location, UserError
from emiss.events.remote import patience
from emiss.events.remote.address import scheme_of, shown
from emiss.events.remote.patience import NotThereError, Refused, Retry, within
from emiss.events.remote.server import Version

if TYPE_CHECKING:
    from collections.abc import Callable

    from emiss.events.remote.server import Put

T = TypeVar("T")

XROOTD = frozenset({"root", "roots", "xroot", "xroots"})
"""Here a file can be seen while it is written: it is written under another name."""

PART = 1 << 22
"""Bytes that are written at a time."""

_NO_LOGIN = frozenset({"NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "TokenRetrievalError"})
_XROOTD_SAID = re.compile(r"\[(\d{4})\]\s*(.*)")
_XROOTD_AWAY = re.compile(r"\[(?:FATAL|ERROR)\]\s*(.*)")
_XROOTD_GONE, _XROOTD_FORBIDDEN, _XROOTD_THERE = "3011", ("3010", "3030"), 3018
_AWAY = ("Connection", "Connect", "Endpoint", "Timeout")
_LOGIN = {
    "s3": "the library looks for keys in the variables AWS_... and in ~/.aws",
    "root": "the library looks for a proxy, a token or a keytab as xrdcp does",
}


class Storage:
    """A file of a storage that fsspec reads."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._path = ""
        self._opened: Any = None

    @property
    def fs(self) -> Any:
        """The file system of the library.

        Raises
        ------
        Refused, Retry
            If there is no library, or it cannot connect.
        """
        if self._opened is None:
            self._opened, self._path = self._said(lambda: _opened(self.address))
        return self._opened

    @property
    def path(self) -> str:
        """The path as the library wants it."""
        _ = self.fs
        return self._path

    def begin(self, put: Put) -> tuple[Version, bool]:  # noqa: ARG002 - nothing has to be read for it
        """Return the version of the file."""
        # the library of XRootD keeps files open, also one in whose place another one stands by now
        self._said(lambda: self.fs.invalidate_cache(self.path))
        found = self._info()
        if found.get("type") == "directory":
            msg = "is a folder, and no file"
            raise Refused(msg)
        version = _version(found)
        if version.size is None:
            msg = "the server does not say how long it is"
            raise Refused(msg)
        return version, True

    def read(self, start: int, stop: int, version: Version, put: Put) -> None:
        """Put a range, and make sure that it is of this version."""

        def work() -> bytes:
            data: bytes = self.fs.cat_file(self.path, start=start, end=stop)
            return data

        try:
            data = self._said(work, stop - start)
            changed = self.version() != version
        except Retry:
            with suppress(Exception):  # the library may keep a connection that is broken
                self.fs.invalidate_cache(self.path)
            raise
        except NotThereError:
            changed = True
        if changed:
            msg = "changed on the server while it was read"
            raise Refused(msg, "wait until whoever writes it is done")
        put(start, data[: stop - start])

    def version(self) -> Version:
        """Return what the server says of the file now."""
        return _version(self._info())

    def kind(self) -> Literal["file", "folder"] | None:
        """Return what is behind the address: a folder, too, where names of files begin with it and a slash."""
        try:
            return "folder" if self._info().get("type") == "directory" else "file"
        except NotThereError:
            return None

    def write(self, content: bytes | Path) -> None:
        """Put a file in its place: as one object, or under another name first where half of it could be seen."""
        size = content.stat().st_size if isinstance(content, Path) else len(content)
        self._said(lambda: self._put(content, size), size)

    def create(self, content: bytes) -> bool:
        """Write a file if none is there."""

        def work() -> bool:
            try:
                if scheme_of(self.address) in XROOTD:
                    return _new_xrootd(str(self.fs.unstrip_protocol(self.path)), content)
                self.fs.pipe_file(self.path, content, mode="create")
            except FileExistsError:
                return False
            return True

        return self._said(work)

    def remove(self) -> None:
        """Remove the file."""
        self._info()
        self._said(lambda: self.fs.rm_file(self.path))

    def found(self, what: Callable[[Any, str], Any]) -> list[str]:
        """Return the addresses of what a listing gives, which is made by `what` from file system and path."""

        def work() -> list[str]:
            self.fs.invalidate_cache()
            return [str(self.fs.unstrip_protocol(name)) for name in what(self.fs, self.path)]

        try:
            return self._said(work, size=1_000_000)
        except NotThereError:
            return []

    def _put(self, content: bytes | Path, size: int) -> None:
        if scheme_of(self.address) not in XROOTD:
            if isinstance(content, Path):
                self.fs.put_file(str(content), self.path)
            else:
                self.fs.pipe_file(self.path, content)
            return
        self._make_folder()
        place = PurePosixPath(self.path.partition("?")[0])
        part = str(place.with_name(f".{place.name}.{os.getpid()}.{os.urandom(4).hex()}.part"))
        try:
            with self.fs.open(part, "wb") as out:
                if isinstance(content, Path):
                    with content.open("rb") as file:
                        while block := file.read(PART):
                            out.write(block)
                else:
                    out.write(content)
            if int(self.fs.info(part)["size"]) != size:
                msg = "the server has less of the file than it was sent"
                raise OSError(msg)
            self.fs.mv(part, self.path)
        except BaseException:
            with suppress(Exception):
                self.fs.rm_file(part)
            raise

    def _make_folder(self) -> None:
        with suppress(OSError):  # it is there
            self.fs.makedirs(str(PurePosixPath(self.path.partition("?")[0]).parent), exist_ok=True)

    def _info(self) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            fs, path = self.fs, self.path
            if hasattr(fs, "dircache"):
                fs.dircache.clear()  # what a listing said may not be true any more
            return dict(fs.info(path))

        return self._said(work)

    def _said(self, work: Callable[[], T], size: int = 0) -> T:
        """Do some work within its time; what its library raises becomes `Retry` or `Refused`."""
        try:
            return within(patience.TIMEOUT + size / patience.SLOWEST, work)
        except (Refused, Retry, UserError):
            raise
        except Exception as error:
            raise self._meaning(error) from error

    def _meaning(self, error: Exception) -> Exception:
        scheme = scheme_of(self.address)
        text = (str(error).strip() or type(error).__name__).splitlines()[0]
        said = _XROOTD_SAID.search(text)
        if isinstance(error, ImportError):
            hint = "pip install 'emiss[remote]'" if scheme in ("s3", "s3a", *XROOTD) else None
            return Refused(f"addresses with '{scheme}://' cannot be read: {text}", hint)
        away = isinstance(error, FileNotFoundError | NotADirectoryError) or "not a directory" in text
        if away or (said and said[1] == _XROOTD_GONE):
            return NotThereError("no such file on the server", "is the address right?")
        login = _LOGIN.get("root" if scheme in XROOTD else scheme)
        if type(error).__name__ in _NO_LOGIN:
            return Refused(f"the server wants a login: {text}", login)
        if isinstance(error, PermissionError) or (said and said[1] in _XROOTD_FORBIDDEN):
            return Refused(f"the server does not allow it: {said[2] if said else text}", login)
        if isinstance(error, IsADirectoryError):
            return Refused("is a folder, and no file")
        if isinstance(error, ValueError | TypeError | NotImplementedError):
            return Refused(f"the library for '{scheme}://' cannot do it: {text}")
        if not said and (failed := _XROOTD_AWAY.search(text)):
            return Retry(f"the server cannot be reached: {failed[1]}")
        if any(name in type(error).__name__ for name in _AWAY):
            return Retry(f"the server cannot be reached: {text}")
        return Retry(f"the server failed: {said[2] if said else text}")


def _opened(address: str) -> tuple[Any, str]:
    import fsspec

    scheme = scheme_of(address)
    options: dict[str, Any] = {}
    try:
        fsspec.get_filesystem_class(scheme)
    except ValueError as error:
        raise Refused(f"addresses with '{scheme}://' cannot be read: {error}") from None
    if scheme in ("s3", "s3a"):
        given = fsspec.config.conf.get("s3", {}).get("config_kwargs", {})
        limits = {"connect_timeout": patience.TIMEOUT, "read_timeout": patience.TIMEOUT, "retries": {"max_attempts": 1}}
        options["config_kwargs"] = {**limits, **given}
    elif scheme in XROOTD:
        _limit_xrootd()
        options["timeout"] = max(1, round(patience.TIMEOUT))
    fs, path = fsspec.core.url_to_fs(address, **options)
    if scheme in ("s3", "s3a"):
        fs.retries = 1  # we count
    return fs, str(path)


def _new_xrootd(address: str, content: bytes) -> bool:
    """Write a file that is not there yet, which fsspec's library cannot; return whether it was written."""
    from XRootD import client
    from XRootD.client.flags import OpenFlags

    file = client.File()
    status, _ = file.open(address, OpenFlags.NEW | OpenFlags.MAKEPATH)
    if status.errno == _XROOTD_THERE:
        return False
    for done in (status, *(step()[0] for step in (lambda: file.write(content), file.close) if status.ok)):
        if not done.ok:
            raise OSError(done.message)
    return True


def _limit_xrootd() -> None:
    """Tell the client of XRootD how long to wait, unless the user has: its own answer is minutes."""
    from XRootD import client

    for name, value in (("ConnectionWindow", patience.TIMEOUT / 2), ("ConnectionRetry", 1), ("StreamErrorWindow", 5)):
        if f"XRD_{name.upper()}" not in os.environ:
            client.EnvPutInt(name, max(1, round(value)))


def _version(found: dict[str, Any]) -> Version:
    size, tag = found.get("size"), found.get("ETag") or found.get("etag")
    time = found.get("LastModified") or found.get("mtime") or found.get("last_modified") or found.get("created")
    return Version(
        None if size is None else int(size), None if tag is None else str(tag), None if time is None else str(time)
    )


def check_library(address: str) -> None:
    """Make sure that there is a library for an address, without asking any server.

    Raises
    ------
    UserError
        If there is none.
    """
    import fsspec

    scheme = scheme_of(address)
    if scheme in ("http", "https"):
        return
    try:
        fsspec.get_filesystem_class(scheme)
    except (ImportError, ValueError) as error:
        hint = "pip install 'emiss[remote]'" if scheme in ("s3", "s3a", *XROOTD) else None
        said = f"addresses with '{scheme}://' cannot be read: {error}"
        raise UserError(said, at=Location(shown(address)), hint=hint) from None
