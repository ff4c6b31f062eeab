"""A path for http:// and https://: names and listings as of upath, content and size by way of `emiss.events.remote.content`."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from upath import UPath

from emiss.events.remote.content import RemoteFile, remote

if TYPE_CHECKING:
    from collections.abc import Iterator


class HttpPath:
    """An address; what is not said here (name, suffix, parent ...) is that of `upath.UPath`."""

    def __init__(self, address: str) -> None:
        self._path = UPath(address)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._path, name)

    def __str__(self) -> str:
        return str(self._path)

    def __repr__(self) -> str:
        return f"HttpPath({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HttpPath) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return HttpPath, (str(self),)

    def open(self, mode: str = "rb") -> io.BufferedReader:
        """Open the file for reading its bytes."""
        if mode != "rb":
            msg = f"an address is read as bytes, not opened as '{mode}'"
            raise ValueError(msg)
        return io.BufferedReader(RemoteFile(remote(str(self))), 1 << 16)

    def stat(self) -> SimpleNamespace:
        """Return the size."""
        return SimpleNamespace(st_size=remote(str(self)).size)

    def is_dir(self) -> bool:
        """Whether the address is of a listing; upath would fetch the whole file to find out."""
        return str(self).endswith("/")

    def is_file(self) -> bool:
        """Whether the address may be of a file; whether it is, the server says in its own words when it is opened."""
        return not self.is_dir()

    def glob(self, pattern: str) -> Iterator[HttpPath]:
        """Yield the matching files of the listing that the server gives."""
        return (HttpPath(str(path)) for path in self._path.glob(pattern))
