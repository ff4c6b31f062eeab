"""The bytes of a raw run file: as they are, or decompressed (``.gz``, ``.zst``) to a file without a name first.

The content tells which; memory stays small however long the file is. Ranges of a plain file are read, not mapped: a file that
is cut short under a map ends the process, under a read it is a message. Only a pass over all of a large file goes through a
map. A compressed file that ends early is refused: what is missing from it cannot be counted. Of a file elsewhere
(`emiss.events.remote.content`) only the ranges that are asked for are fetched, the next ones ahead.
"""

from __future__ import annotations

import mmap
import os
import sys
import tempfile
import weakref
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from emiss.configs.errors import Location, UserError
from emiss.events.location import is_remote, located
from emiss.events.remote.content import Remote, remote
from emiss.events.remote.path import RemotePath

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from emiss.configs.arrays import Array

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
CHUNK = 1 << 22
MAPPED = 1 << 26
"""Bytes of a plain file above which a pass over all of it goes through a map."""

_LINUX = sys.platform == "linux"


def is_compressed(head: bytes) -> bool:
    """Return whether a file that begins with these bytes is a gzip or a Zstandard file."""
    return head.startswith((GZIP, ZSTD))


def first_bytes(path: str | Path, count: int = 8) -> bytes:
    """Return the first bytes of a run file, decompressed.

    Raises
    ------
    UserError
        If it cannot be read.
    """
    try:
        with located(path).open("rb") as file:
            head = file.read(8)
            file.seek(0)
            if not is_compressed(head):
                return head[:count]
            source, found = _stream(file, head), b""
            while len(found) < count and (more := source.read(4096)):
                found += more
            return found[:count]
    except Exception as error:
        raise _damaged(path, error) from error


def all_bytes(path: str | Path) -> Array:
    """Return all bytes of a file as a read-only uint8 array; see `FileBytes`."""
    return FileBytes(path).all


class FileBytes:
    """The bytes of a run file, as a read-only uint8 array `data`; those of a range are there after `need`.

    Parameters
    ----------
    path : str or Path
    span : pair of int, optional
        Only the bytes from the first to the second one, of a file of this machine that is not compressed.

    Raises
    ------
    UserError
        If the file cannot be read, its compressed data are damaged or end early, or it has no such span.
    """

    def __init__(self, path: str | Path, span: tuple[int, int] | None = None) -> None:
        self.path = located(path)
        self._span = span
        self._source: Remote | _Local | None = None
        try:
            elsewhere = _elsewhere(self.path)
            with self.path.open("rb") as file:
                head = file.read(8)
                if span is not None:
                    if elsewhere is not None or is_compressed(head):
                        raise UserError("parts of it alone cannot be read", at=Location(str(path)))
                    self._source = _Local(self.path, span)
                    self.data = self._source.data
                elif is_compressed(head):
                    file.seek(0)
                    if elsewhere is not None:
                        elsewhere.expect(0, elsewhere.size)
                    self.data = _decompressed(file, head)
                elif elsewhere is not None:
                    self._source = elsewhere
                    self.data = self._source.data
                else:
                    self._source = _Local(self.path)
                    self.data = self._source.data
        except Exception as error:
            raise _damaged(path, error) from error

    def need(self, start: int, stop: int) -> Array:
        """Return all bytes; those from `start` to `stop` are there."""
        if self._source is not None:
            try:
                self._source.fetch(start, stop)
            except Exception as error:
                raise _damaged(self.path, error) from error
        return self.data

    def expect(self, start: int, stop: int) -> None:
        """Say that a range will be needed, from its beginning to its end; of a file elsewhere it begins to come."""
        if isinstance(self._source, Remote):
            self._source.expect(start, stop)

    def in_turn(self) -> Iterator[Array]:
        """Yield all bytes piece by piece; of a file elsewhere the next ones come meanwhile."""
        if not isinstance(self._source, Remote):
            yield self.all
            return
        self.expect(0, len(self.data))
        for start in range(0, len(self.data), CHUNK):
            stop = min(start + CHUNK, len(self.data))
            yield self.need(start, stop)[start:stop]

    def release(self) -> None:
        """Give back the memory of what is there; it comes again when it is needed."""
        if isinstance(self._source, _Local):
            self._source.forget()

    def close(self) -> None:
        """Let the bytes go."""
        self.data = np.empty(0, np.uint8)
        if isinstance(self._source, _Local):
            self._source.close()
        self._source = None

    def end_at(self, size: int) -> None:
        """Take only the first bytes, of a file that has grown since it was planned to be read."""
        self.data = self.data[:size]

    @property
    def all(self) -> Array:
        """All bytes, all of them there."""
        if isinstance(self._source, _Local) and len(self.data) > MAPPED and self._span is None:
            with self.path.open("rb") as file:
                return _mapped(file)[: len(self.data)]
        return self.need(0, len(self.data))


class _Local:
    """A file of this machine, of which the last range that was asked for is in memory, at its place in `data`."""

    def __init__(self, path: Path, span: tuple[int, int] | None = None) -> None:
        self._descriptor = os.open(path, os.O_RDONLY)
        self._closed = weakref.finalize(self, os.close, self._descriptor)
        whole = os.fstat(self._descriptor).st_size
        self._begin, end = span or (0, whole)
        if end > whole:
            raise OSError(0, "it has been cut short")
        self.size = end - self._begin
        # address space, not memory: only what is read takes any
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0x4000 if _LINUX else 0)
        self._memory = mmap.mmap(-1, max(self.size, 1), flags=flags)
        self._there = 0, 0
        self.data = np.frombuffer(self._memory, np.uint8, count=self.size)
        self.data.flags.writeable = False

    def fetch(self, start: int, stop: int) -> None:
        """Bring the bytes from `start` to `stop` here."""
        if self._there[0] <= start and stop <= self._there[1]:
            return
        self.forget()
        start -= start % mmap.PAGESIZE
        self._there = start, stop
        place = memoryview(self._memory)[start:stop]
        while place:
            count = os.preadv(self._descriptor, [place[:CHUNK]], self._begin + stop - len(place))
            if not count:
                raise OSError(0, "it has been cut short while it was read")
            place = place[count:]

    def forget(self) -> None:
        """Give the memory of the last range back."""
        start, stop = self._there
        self._there = 0, 0
        if stop > start and hasattr(mmap, "MADV_DONTNEED"):
            self._memory.madvise(mmap.MADV_DONTNEED, start, stop - start)

    def close(self) -> None:
        """Close the file."""
        self.forget()
        self._closed()


def _elsewhere(path: Path) -> Remote | None:
    """Return the content of a file that is not on this machine."""
    return remote(path.address) if isinstance(path, RemotePath) else None


def _decompressed(file: IO[bytes], head: bytes) -> Array:
    with tempfile.TemporaryFile(prefix="emiss-") as plain:
        source = _stream(file, head)
        while chunk := source.read(CHUNK):
            plain.write(chunk)
        plain.flush()
        return _mapped(plain)


def _mapped(file: IO[bytes]) -> Array:
    try:
        return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
    except ValueError:  # an empty file cannot be mapped
        return np.frombuffer(b"", np.uint8)


def _stream(file: IO[bytes], head: bytes) -> Any:
    """Return a reader of what a compressed file holds; it raises where the data end early."""
    if head.startswith(GZIP):
        import gzip

        return gzip.GzipFile(fileobj=file)
    import zstandard

    return _Frames(file, zstandard)


class _Frames:
    """Reads Zstandard frames, and knows whether the last one was whole (the library itself does not say)."""

    def __init__(self, file: IO[bytes], zstandard: Any) -> None:
        self._file = file
        self._new = zstandard.ZstdDecompressor().decompressobj
        self._frame = self._new()
        self._begun = False
        self._left = b""

    def read(self, count: int) -> bytes:
        """Return the next bytes, at least one but at the end."""
        while True:
            data = self._left or self._file.read(count)
            self._left = b""
            if not data:
                if self._begun:
                    raise EOFError
                return b""
            self._begun = True
            out: bytes = self._frame.decompress(data)
            if self._frame.eof:
                self._left = self._frame.unused_data
                self._frame, self._begun = self._new(), False
            if out:
                return out


def _damaged(path: str | Path, error: Exception) -> UserError:
    if isinstance(error, UserError):
        return error
    if isinstance(error, FileNotFoundError):
        said = "no such file" + (", or its server does not answer" if is_remote(path) else "")
    elif isinstance(error, EOFError):
        said = "the compressed data end early"
    elif isinstance(error, OSError) and error.strerror:
        said = f"cannot be read: {error.strerror}"
    elif is_remote(path):
        said = f"cannot be read: {error or type(error).__name__}"
    else:
        said = f"the compressed data are damaged: {error}"
    return UserError(said, at=Location(str(path)))
