"""Names that become names of files: samples, regions, histograms, scans. What no file may be called is refused."""

from __future__ import annotations

import re

MAX_LENGTH = 120

_ALLOWED = re.compile(r"[^\W_.\-+][\w.\-+ ]*", re.UNICODE)


def problem_of(name: str) -> str | None:
    """Return what is wrong with a name that a file is to be called after; None if nothing is.

    Letters, digits, ``_ . - +`` and blanks are allowed, the first one a letter or digit: no path, no hidden file, no option.
    """
    if not name:
        return "a name is needed"
    if len(name.encode()) > MAX_LENGTH:
        return f"a name of more than {MAX_LENGTH} bytes cannot be that of a file"
    if not _ALLOWED.fullmatch(name) or name != name.strip():
        shown = name.encode("unicode_escape").decode()
        return (
            f"'{shown}' cannot be the name of a file: letters, digits, '_', '-', '+', '.', and first a letter or digit"
        )
    return None
