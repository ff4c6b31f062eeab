"""The bytes of a raw run file: memory-mapped as they are, or decompressed (``.gz``, ``.zst``) to a file without a name first.

The content tells which; memory stays small however long the file is. A compressed file that ends early is refused: what is
missing from it cannot be counted.
"""

from __future__ import annotations

import mmap
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from configs.errors import Location, UserError

if TYPE_CHECKING:
    from events.lists import Array

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
CHUNK = 1 << 22


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
        with Path(path).open("rb") as file:
            head = file.read(8)
            file.seek(0)
            if not is_compressed(head):
                return head[:count]
            source, found = _stream(file, head), b""
            while len(found) < count and (more := source.read(4096)):
                found += more
            return found[:count]
    except FileNotFoundError:
        raise UserError("no such file", at=Location(str(path))) from None
    except Exception as error:
        raise _damaged(path, error) from error


def map_bytes(path: str | Path) -> Array:
    """Return the bytes of a file as a read-only uint8 array.

    Raises
    ------
    UserError
        If it cannot be read, or its compressed data are damaged or end early.
    """
    try:
        with Path(path).open("rb") as file:
            head = file.read(8)
            if not is_compressed(head):
                return _mapped(file)
            file.seek(0)
            with tempfile.TemporaryFile(prefix="emiss-") as plain:
                source = _stream(file, head)
                while chunk := source.read(CHUNK):
                    plain.write(chunk)
                plain.flush()
                return _mapped(plain)
    except FileNotFoundError:
        raise UserError("no such file", at=Location(str(path))) from None
    except Exception as error:
        raise _damaged(path, error) from error


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
    if isinstance(error, EOFError):
        said = "the compressed data end early"
    elif isinstance(error, OSError) and error.strerror:
        said = f"cannot be read: {error.strerror}"
    else:
        said = f"the compressed data are damaged: {error}"
    return UserError(said, at=Location(str(path)))
