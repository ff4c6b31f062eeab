"""What can be read as a file."""

from __future__ import annotations

import stat
from pathlib import Path

from emiss.configs.errors import Location, UserError

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def check_regular(path: str | Path) -> None:
    """Refuse what would be waited for without end, or can be read only once; what is not there is another's matter.

    Raises
    ------
    UserError
        For a pipe, a socket or a device.
    """
    try:
        kind = stat.S_IFMT(Path(path).stat().st_mode)
    except (OSError, ValueError):
        return
    if kind in _KINDS:
        raise UserError(
            f"is {_KINDS[kind]}, not a file", at=Location(str(path)), hint="write what it gives to a file first"
        )
