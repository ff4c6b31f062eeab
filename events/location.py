"""Where files are: paths on this machine, or addresses (https://, and what fsspec has a library for: s3://, root://, ...).

What has a scheme becomes a `RemotePath`, which behaves as a path for what we do; everything else stays a `pathlib.Path`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from emiss.configs.files import check_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")


def is_remote(name: str | Path) -> bool:
    """Return whether a name is an address with a scheme."""
    return "://" in str(name)


def located(name: str | Path) -> Path:
    """Return a path; an address becomes an object that behaves as one for what we do (name, open, stat, glob).

    Raises
    ------
    UserError
        If the library that reads such addresses is not installed, or it is a pipe or a device.
    """
    if not is_remote(name):
        check_regular(name)
        return Path(name)
    return _remote(name)


def place(name: str | Path) -> Path:
    """Return where something is to be written: as `located`, without a look at what is there."""
    return _remote(name) if is_remote(name) else Path(name)


def _remote(name: str | Path) -> Any:
    from emiss.events.remote.path import RemotePath
    from emiss.events.remote.storage import check_library

    if isinstance(name, RemotePath):
        return name
    check_library(str(name))
    return RemotePath(str(name))


def for_uproot(path: Path) -> Any:
    """Return what `uproot.open` is to be given: a path (a colon is part of its name), or an open file for an address."""
    return path.open("rb") if is_remote(path) else path


def one_ahead(items: Sequence[T], path_of: Callable[[T], Path | None]) -> Iterator[T]:
    """Yield items; the file of the next one, where it is elsewhere and another one, begins to come meanwhile."""
    for number, item in enumerate(items):
        following = path_of(items[number + 1]) if number + 1 < len(items) else None
        if following is not None and is_remote(following) and following != path_of(item):
            from emiss.events.remote import content

            content.begin(_remote(following).address)
        yield item


def matching(pattern: str, near: Path) -> list[Path]:
    """Return the files that a pattern matches, sorted; an address without ``*?[`` is taken as it is.

    Raises
    ------
    UserError
        If the server does not list its files.
    """
    import glob

    if not is_remote(pattern):
        base = pattern if Path(pattern).is_absolute() else str(near / pattern)
        return [Path(name) for name in sorted(glob.glob(base)) if Path(name).is_file()]  # noqa: PTH207 - absolute
    from emiss.events.remote.address import parts

    if not glob.has_magic(parts(pattern)[1]):  # a question mark may begin a query
        return [located(pattern)]
    return sorted(_remote(pattern).matches())
