"""Files that are put elsewhere: whole or not at all, and asked for again a few times where a server fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss.events.remote.content import forget, server_of
from emiss.events.remote.patience import patiently

if TYPE_CHECKING:
    from pathlib import Path


def write(address: str, content: bytes | Path) -> None:
    """Put bytes, or a file of this machine, in the place of what is behind an address.

    Raises
    ------
    UserError
        If the server does not take it.
    """
    patiently(address, lambda: server_of(address).write(content))
    forget(address)


def create(address: str, content: bytes) -> bool:
    """Write a small file if there is none; return whether it was written.

    Object stores (S3) and XRootD decide that themselves, so that of two who try it at a time one succeeds. Of web servers only
    some do.

    Raises
    ------
    UserError
        If the server does not answer, or does not take it.
    """
    created = patiently(address, lambda: server_of(address).create(content))
    forget(address)
    return created
