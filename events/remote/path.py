"""A path for addresses: what a `pathlib.Path` has of what we use, for what is behind https://, s3://, root:// and others.

Its text is for people: without a login, and without what a query says. The address itself is `address`.
"""

from __future__ import annotations

import io
from contextlib import suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from emiss.configs.errors import Location, UserError
from emiss.events.remote import content
from emiss.events.remote.address import parts, shown
from emiss.events.remote.content import RemoteFile, server_of, version_of
from emiss.events.remote.patience import NotThereError, patiently
from emiss.events.remote.storage import Storage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emiss.events.remote.server import Version


class RemotePath:
    """An address that is used as a path."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._host, path, self._query = parts(address)
        self._path = path

    def __str__(self) -> str:
        return shown(self.address)

    def __repr__(self) -> str:
        return f"RemotePath({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RemotePath) and self.address == other.address

    def __hash__(self) -> int:
        return hash(self.address)

    def __lt__(self, other: RemotePath) -> bool:
        return self.address < other.address

    def __reduce__(self) -> tuple[Any, ...]:
        return RemotePath, (self.address,)

    def __truediv__(self, name: object) -> RemotePath:
        below = str(name).lstrip("/")
        return self._with(f"{self._path.rstrip('/')}/{below}" if below not in ("", ".") else self._path)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self._path.rstrip("/").rpartition("/")[2]

    @property
    def suffix(self) -> str:
        """What stands behind the last point of the name, with it."""
        return PurePosixPath(self.name).suffix

    @property
    def stem(self) -> str:
        """The name without its suffix."""
        return PurePosixPath(self.name).stem

    @property
    def parent(self) -> RemotePath:
        """The folder above; that of the top is itself."""
        above, slash, name = self._path.rstrip("/").rpartition("/")
        return self._with(above or slash) if name else self

    @property
    def parents(self) -> tuple[RemotePath, ...]:
        """The folders above, the nearest first."""
        found: list[RemotePath] = []
        folder = self
        while (above := folder.parent) != folder:
            found.append(above)
            folder = above
        return tuple(found)

    def with_name(self, name: str) -> RemotePath:
        """Return another file of the folder."""
        return self.parent / name

    def with_suffix(self, suffix: str) -> RemotePath:
        """Return the same name with another suffix."""
        return self.with_name(self.stem + suffix)

    def absolute(self) -> RemotePath:
        """Return itself: an address depends on no folder."""
        return self

    def resolve(self) -> RemotePath:
        """Return itself."""
        return self

    def relative_to(self, other: object) -> PurePosixPath:
        """Return the path from a folder above; a ValueError if it is none."""
        mine, above = f"{self._host}{self._path}", getattr(other, "address", str(other)).partition("?")[0].rstrip("/")
        if not mine.startswith(f"{above}/"):
            msg = f"{self} is not in {other}"
            raise ValueError(msg)
        return PurePosixPath(mine[len(above) + 1 :])

    def open(self, mode: str = "rb") -> io.BufferedReader:
        """Open the file for reading its bytes."""
        if mode != "rb":
            msg = f"an address is read as bytes, not opened as '{mode}'"
            raise ValueError(msg)
        return io.BufferedReader(RemoteFile(content.remote(self.address)), 1 << 16)

    def read_bytes(self) -> bytes:
        """Return all of the file; a FileNotFoundError if there is none, as for a file of this machine."""
        self.stat()
        with self.open() as file:
            return file.read()

    def read_text(self, encoding: str = "utf-8") -> str:
        """Return the file as text."""
        return self.read_bytes().decode(encoding)

    def stat(self) -> SimpleNamespace:
        """Return what the server says of the file, as numbers that change when it does.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        """
        said = self.version()
        if said is None:
            raise FileNotFoundError(2, "no such file on the server", str(self))
        number = hash((said.tag, said.time))
        return SimpleNamespace(
            st_size=said.size or 0, st_mtime=_seconds(said.time), st_mtime_ns=number, st_ino=0, st_dev=0
        )

    def version(self) -> Version | None:
        """Return what the server says of the file; None if it says that there is none."""
        try:
            return version_of(self.address)
        except UserError as error:
            if isinstance(error.__cause__, NotThereError):
                return None
            raise

    def is_dir(self) -> bool:
        """Whether the address is of a folder."""
        return self._kind() == "folder"

    def is_file(self) -> bool:
        """Whether the server has such a file, and not a folder."""
        return self._kind() == "file"

    def exists(self) -> bool:
        """Whether there is anything."""
        return self._kind() is not None

    def mkdir(self, *, parents: bool = False, exist_ok: bool = False) -> None:
        """Do nothing: a folder is there as soon as a file is in it."""

    def unlink(self, *, missing_ok: bool = False) -> None:
        """Remove the file."""
        try:
            patiently(self.address, server_of(self.address).remove)
            content.forget(self.address)
        except UserError as error:
            if not (missing_ok and isinstance(error.__cause__, NotThereError)):
                raise

    def iterdir(self) -> Iterator[RemotePath]:
        """Yield what is in the folder."""
        return self._listed(lambda fs, path: fs.ls(path, detail=False))

    def glob(self, pattern: str) -> Iterator[RemotePath]:
        """Yield what the listing of the server has that matches; slashes and ``**`` as in fsspec."""
        if "/" in pattern or "**" in pattern:
            return (self / pattern).matches()
        return (path for path in self.iterdir() if fnmatchcase(path.name, pattern))

    def rglob(self, pattern: str) -> Iterator[RemotePath]:
        """Yield all files in the folder and those in it whose names match."""
        return (path for path in self._listed(lambda fs, path: fs.find(path)) if fnmatchcase(path.name, pattern))

    def matches(self) -> Iterator[RemotePath]:
        """Yield the files that the address matches, which is a pattern."""
        return self._listed(lambda fs, path: fs.glob(path))

    def _kind(self) -> str | None:
        return "folder" if self._path.endswith("/") else patiently(self.address, server_of(self.address).kind)

    def _listed(self, what: Any) -> Iterator[RemotePath]:
        lister = Storage(f"{self._host}{self._path}")
        try:
            found = patiently(self.address, lambda: lister.found(what))
        except UserError as error:
            raise UserError(f"cannot be listed: {error.message}", at=Location(str(self)), hint=error.hint) from error
        return (RemotePath(address + self._query) for address in sorted(found))

    def _with(self, path: str) -> RemotePath:
        return RemotePath(f"{self._host}{path}{self._query}")


def _seconds(time: str | None) -> float:
    """Return a time that a server says in one of three ways as seconds of the epoch; 0 where it is none of them."""
    for read in (
        float,
        lambda text: datetime.fromisoformat(text).timestamp(),
        lambda text: parsedate_to_datetime(text).timestamp(),
    ):
        with suppress(ValueError, TypeError):
            return read(time or "0")
    return 0.0


def address_of(path: object) -> str:
    """Return the address of a path that is one."""
    return path.address if isinstance(path, RemotePath) else str(path)
