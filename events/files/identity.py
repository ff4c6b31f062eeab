"""Which content a file has: a hash of all its bytes, remembered while nobody touches the file, and checked when it is read."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from emiss.configs.errors import Location, UserError
from emiss.events.files.atomic import write_text
from emiss.events.location import is_remote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

CHUNK = 1 << 24

WORTH = 1 << 24
"""Bytes of a file from which on it is worth remembering what was found out about it."""


def checksum(path: Path) -> str:
    """Return ``size:sha256:digest`` of all bytes of a file; of an address, of what its server sends."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(CHUNK):
            digest.update(block)
            size += len(block)
    return f"{size}:sha256:{digest.hexdigest()}"


class Hashing:
    """`checksum` of a file in a thread of its own, for as long as somebody else reads the file for another purpose.

    An address is hashed when it is asked for: two who read it at the same time would share the bandwidth.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: str | Exception | None = None
        self._thread = threading.Thread(target=self._run, name=f"checksum {path.name}", daemon=True)
        if not is_remote(path):
            self._thread.start()

    def _run(self) -> None:
        try:
            self._found = checksum(self._path)
        except Exception as error:  # noqa: BLE001 - raised where it is asked for
            self._found = error

    def result(self) -> str:
        """Return the checksum, or raise what was raised."""
        if self._thread.ident is None:
            self._run()
        else:
            self._thread.join()
        if isinstance(self._found, Exception):
            raise self._found
        return str(self._found)


def checksum_of(parts: Iterable[Any]) -> str:
    """Return what `checksum` says of a file that holds the bytes of some parts (buffers), one behind the other."""
    digest, size = hashlib.sha256(), 0
    for part in parts:
        view = memoryview(part).cast("B")
        digest.update(view)
        size += len(view)
    return f"{size}:sha256:{digest.hexdigest()}"


def checksum_of_start(path: Path, size: int) -> str:
    """Return what `checksum` said of a file when it ended after `size` bytes."""
    digest, left = hashlib.sha256(), size
    with path.open("rb") as file:
        while left and (block := file.read(min(CHUNK, left))):
            digest.update(block)
            left -= len(block)
    return f"{size - left}:sha256:{digest.hexdigest()}"


def number_of(identity: str) -> int:
    """Return a number of 31 bits that tells files apart, made of their content: the same wherever and whenever it is read."""
    return int.from_bytes(hashlib.sha256(identity.encode()).digest()[:4], "big") & 0x7FFFFFFF


@dataclass(frozen=True)
class Stamp:
    """What the file system says of a file; it changes when somebody writes to it or puts another one in its place.

    Of a file elsewhere: what its server says, length, time and tag (ETag).
    """

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    device: int

    @classmethod
    def of(cls, path: Path) -> Stamp | None:
        """Return the stamp of a file; None for an address whose server says no more of it than its length.

        Raises
        ------
        UserError
            If the file is not there any more.
        """
        if is_remote(path):
            return _stamp_elsewhere(path)
        try:
            said = path.stat()
        except OSError as error:
            raise UserError(error.strerror or "cannot be read", at=Location(str(path))) from None
        return cls(said.st_size, said.st_mtime_ns, said.st_ctime_ns, said.st_ino, said.st_dev)


def _stamp_elsewhere(path: Path) -> Stamp | None:
    from emiss.events.remote.content import current_version
    from emiss.events.remote.path import address_of

    said = current_version(address_of(path))
    if said.tag is None and said.time is None:
        return None
    time, tag = (int.from_bytes(hashlib.sha256((text or "").encode()).digest()[:6], "big") for text in said[1:][::-1])
    return Stamp(said.size or 0, time, tag, 0, 0)


class Remembered:
    """Identities of files in a folder, so that a file that nobody touched is not hashed again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def identity(self, path: Path, compute: Callable[[], str], *, grows: bool = False) -> str:
        """Return the identity of a file, from memory if its stamp is the same.

        With `grows`, the file may get longer meanwhile: `compute` takes the bytes that were there when it was opened.

        Raises
        ------
        UserError
            If the file changes while it is read.
        """
        before = Stamp.of(path)
        if before is None:
            return compute()
        if (known := self.known(path, before)) is not None:
            return known
        identity = compute()
        if (after := Stamp.of(path)) != before:
            if grows and after is not None and after.size > before.size:
                return identity
            raise UserError(
                "changed while it was read", at=Location(str(path)), hint="wait until whoever writes it is done"
            )
        if before.size < WORTH:
            return identity
        said = {"path": str(path.absolute()), "stamp": asdict(before), "identity": identity}
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self._entry(path), json.dumps(said))
        return identity

    def known(self, path: Path, stamp: Stamp) -> str | None:
        """Return the identity that a file with this stamp had; None if nobody has asked for it."""
        known = _read(self._entry(path))
        if known.get("path") == str(path.absolute()) and known.get("stamp") == asdict(stamp):
            return str(known["identity"])
        return None

    def _entry(self, path: Path) -> Path:
        return self.folder / f"{hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:24]}.json"


def _read(entry: Path) -> dict[str, Any]:
    try:
        known = json.loads(entry.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def still_the_same(path: Path, identity: str, stamp: Stamp | None, *, grows: bool) -> bool:
    """Make sure that a file holds what it held when it was planned; return whether it has grown since.

    Parameters
    ----------
    identity, stamp
        Of the file when it was planned.
    grows : bool
        Whether a file of this kind may be longer now, and be read to its planned end: only its old bytes are compared then.

    Raises
    ------
    UserError
        If it holds something else.
    """
    now = Stamp.of(path)
    if now == stamp or stamp is None or now is None:
        return False
    if grows and now.size >= stamp.size and checksum_of_start(path, stamp.size) == identity:
        return now.size > stamp.size
    if now.size == stamp.size and checksum(path) == identity:
        return False  # touched, or copied to its place again
    how = "cut short" if now.size < stamp.size else "changed"
    raise UserError(
        f"has been {how} since the job was planned; nothing of it is counted",
        at=Location(str(path)),
        hint="run the same command again: what is done already is kept",
    )
