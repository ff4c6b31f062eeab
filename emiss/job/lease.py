"""Locks where a file system has none, on servers: a file that its owner renews, and that counts for nothing when nobody does.

Whoever is killed leaves it there. It holds for `LEASE` seconds then, or until somebody on the same machine sees that the
process is gone. Clocks may differ by less than that. No count depends on it: tables are named by what is in them, and put
in their place as a whole.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from emiss.configs.errors import EmissError
from emiss.events.remote.path import address_of
from emiss.events.remote.writing import create, write

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

log = logging.getLogger("emiss")

LEASE = 300.0
"""Seconds that a lock holds without being renewed."""

RENEWED = 60.0
"""Seconds after which it is renewed."""

SETTLED = 1.0
"""Seconds after which somebody who takes the lock of another one looks whether somebody else has taken it, too."""


class Taken(Exception):  # noqa: N818 - no error of ours
    """Somebody else holds the lock; `owner` is what it says of itself."""

    def __init__(self, owner: Mapping[str, Any]) -> None:
        super().__init__()
        self.owner = owner


@contextmanager
def held(path: Path, owner: Mapping[str, Any]) -> Iterator[None]:
    """Hold a lock while the block runs.

    Parameters
    ----------
    path : Path
        Of the lock, an address.
    owner : mapping
        Who holds it, with ``host`` and ``process``; plain data.

    Raises
    ------
    Taken
        If somebody else holds it.
    """
    mine = {**owner, "token": os.urandom(8).hex()}
    _take(path, mine)
    ended = threading.Event()
    renewing = threading.Thread(target=_renew, args=(path, mine, ended), name="emiss-lease", daemon=True)
    renewing.start()
    try:
        yield
    finally:
        ended.set()
        with suppress(EmissError):
            if _is_mine(path, mine):
                path.unlink(missing_ok=True)


def holder(path: Path) -> dict[str, Any] | None:
    """Return what the owner of a lock says of itself; None if nobody holds it."""
    try:
        said = json.loads(path.read_bytes())
        age, process = time.time() - float(said["renewed"]), int(said["process"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if age > LEASE or (said.get("host") == platform.node() and not _runs(process)):
        return None
    return dict(said)


def _take(path: Path, mine: Mapping[str, Any]) -> None:
    if create(address_of(path), _text(mine)):
        return
    if (other := holder(path)) is not None:
        if other.get("token") == mine["token"]:  # it was written, and only the answer was lost
            return
        raise Taken(other)
    write(address_of(path), _text(mine))
    time.sleep(SETTLED)
    if not _is_mine(path, mine):
        raise Taken(holder(path) or {})


def _renew(path: Path, mine: Mapping[str, Any], ended: threading.Event) -> None:
    while not ended.wait(RENEWED):
        try:
            if not _is_mine(path, mine):
                log.warning("%s: somebody else has taken this lock", path)
                return
            write(address_of(path), _text(mine))
        except EmissError as error:
            log.warning("%s: could not be renewed: %s", path, error)


def _is_mine(path: Path, mine: Mapping[str, Any]) -> bool:
    try:
        return bool(json.loads(path.read_bytes()).get("token") == mine["token"])
    except (OSError, ValueError, AttributeError):
        return False


def _text(owner: Mapping[str, Any]) -> bytes:
    return json.dumps({**owner, "renewed": time.time()}).encode()


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True
