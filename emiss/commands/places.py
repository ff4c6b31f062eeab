"""Paths on the command line that may be addresses, too (https://, s3://, root://): `a_path` parses them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def a_path(name: str) -> Path:
    """Return a path of this machine, or an address that behaves as one."""
    from emiss.events.location import place

    return place(name)


PLACE: dict[str, Any] = {"parser": a_path, "metavar": "PATH"}
"""What an option has that takes either."""
