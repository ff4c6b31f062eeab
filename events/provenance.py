"""Where numbers come from: versions, configs with hashes, input files with checksums, host, times, command line."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import platform
import shlex
import sys
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emiss.events import plug_ins
from emiss.events.remote.address import shown_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def text_hash(text: str) -> str:
    """Return the first 12 hex digits of the sha256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def code_version() -> str:
    """Return the hash of the code that makes event tables, so that a result of other code is never reused.

    The version is not in it: between two releases it changes with every commit, and the tables do not.
    """
    return code_of("calib", "configs", "events", "reco")


@cache
def code_of(*packages: str) -> str:
    """Return the hash of the code of some packages of emiss."""
    digest = hashlib.sha256()
    for package in packages:
        spec = importlib.util.find_spec(f"emiss.{package}")
        for root in [] if spec is None else spec.submodule_search_locations or []:
            for path in sorted(Path(root).rglob("*.py")):
                digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def package_version() -> str:
    """Return the version of the installed package."""
    try:
        return importlib.metadata.version("emiss")
    except importlib.metadata.PackageNotFoundError:
        return "0+unknown"


def now() -> str:
    """Return the present time in UTC as ISO text."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def command_line() -> str:
    """Return the command that runs, as it can be typed again; logins and keys in addresses are left out."""
    name = Path(sys.argv[0]).name if sys.argv else ""
    return shlex.join(["emiss" if name in ("__main__.py", "-m", "-c", "") else name, *map(shown_in, sys.argv[1:])])


def record(
    *,
    configs: Mapping[str, str],
    payloads: Iterable[str] = (),
    inputs: Iterable[Mapping[str, Any]] = (),
    started: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Return the provenance of a result.

    Parameters
    ----------
    configs : mapping of file to text
        Every config that had a say; its hash is kept.
    payloads : iterable of str
        Ids of the conditions tables used.
    inputs : iterable of mappings
        For each input file: path, size and checksum, entry ranges.
    started : str, optional
        When the work began.
    more
        Anything else that should be kept, as plain data.
    """
    return {
        "version": package_version(),
        "code": code_version(),
        "command": command_line(),
        "host": platform.node(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        **({"plug_ins": plug_ins.identity()} if plug_ins.identity() else {}),
        "started": started or now(),
        "finished": now(),
        "configs": {name: text_hash(text) for name, text in configs.items()},
        "payloads": sorted(set(payloads)),
        "inputs": [dict(item) for item in inputs],
        **more,
    }
