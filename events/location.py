"""Where files are: paths on this machine, or addresses that fsspec reads (https://, s3://, root:// with their libraries).

What has a scheme is opened through `upath`, which looks like a path; everything else stays a `pathlib.Path`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from emiss.configs.errors import Location, UserError
from emiss.configs.files import check_regular


def is_remote(name: str | Path) -> bool:
    """Return whether a name is an address with a scheme."""
    return "://" in str(name)


def is_http(name: str | Path) -> bool:
    """Return whether a name is an address that `emiss.events.remote.content` reads."""
    return str(name).startswith(("http://", "https://"))


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
    from upath import UPath

    if is_http(name):
        from emiss.events.remote.path import HttpPath

        return HttpPath(str(name))  # type: ignore[return-value]
    try:
        remote: Any = UPath(str(name))
        remote.fs  # noqa: B018 - the library that reads it is imported here
    except (ImportError, ValueError) as error:
        scheme = str(name).partition("://")[0]
        raise UserError(f"addresses with '{scheme}://' cannot be read: {error}", at=Location(str(name))) from None
    except Exception as error:  # noqa: BLE001 - some libraries connect at once, and each has failures of its own
        said = str(error).strip() or type(error).__name__
        raise UserError(f"its server cannot be reached: {said}", at=Location(str(name))) from None
    path: Path = remote
    return path


def for_uproot(path: Path) -> Any:
    """Return what `uproot.open` is to be given: a path (a colon is part of its name), the text of an address, an open file."""
    if is_http(path):
        return path.open("rb")
    return str(path) if is_remote(path) else path


def matching(pattern: str, near: Path) -> list[Path]:
    """Return the files that a pattern matches, sorted; an address without ``*?[`` is taken as it is."""
    import glob

    if not is_remote(pattern):
        base = pattern if Path(pattern).is_absolute() else str(near / pattern)
        return [Path(name) for name in sorted(glob.glob(base)) if Path(name).is_file()]  # noqa: PTH207 - absolute
    if not glob.has_magic(pattern):
        return [located(pattern)]
    folder, _, last = pattern.rpartition("/")
    try:
        return sorted(located(folder).glob(last), key=str)
    except UserError:
        raise
    except Exception as error:  # noqa: BLE001 - a listing that breaks off raises what its library raises
        raise UserError(f"cannot be listed: {error or type(error).__name__}", at=Location(folder)) from None
