"""What can be asked of a server that has a file, whatever it speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Put = Callable[[int, bytes], None]
    """Takes the bytes from a place of the file on."""


class Version(NamedTuple):
    """What a server says of a file, None where it says nothing: its length, a tag of its content, when it was changed."""

    size: int | None
    tag: str | None
    time: str | None

    def may_be(self, other: Version) -> bool:
        """Whether two versions may be the same, as far as they say."""
        return all(None in pair or pair[0] == pair[1] for pair in zip(self, other, strict=True))


class Server(Protocol):
    """Has one file; every method may raise `Retry` or `Refused`."""

    def begin(self, put: Put) -> tuple[Version, bool]:
        """Return the version of the file, and whether ranges of it can be read; else all of it has been put."""
        ...

    def read(self, start: int, stop: int, version: Version, put: Put) -> None:
        """Put a range of the file, which has to be of this version still; what breaks off has been put as far as it came."""
        ...

    def version(self) -> Version:
        """Return what the server says of the file now; `NotThereError` if there is none."""
        ...

    def kind(self) -> Literal["file", "folder"] | None:
        """Return what is behind the address; None if nothing is."""
        ...

    def write(self, content: bytes | Path) -> None:
        """Put a file, or the content of one of this machine, in the place of what is there: whole or not at all."""
        ...

    def create(self, content: bytes) -> bool:
        """Write a small file if none is there; return whether it was written."""
        ...

    def remove(self) -> None:
        """Remove the file; `NotThereError` if there is none."""
        ...
