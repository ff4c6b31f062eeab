"""What has to be the same in every process that works for a job, lest numbers differ: code, libraries, plug-ins."""

from __future__ import annotations

import importlib.metadata
import platform
from functools import cache
from pathlib import Path

from emiss.events import plug_ins
from emiss.events.provenance import code_version, package_version, text_hash

VERSIONED = ("numpy", "numba", "awkward", "uproot")
"""Libraries whose versions have a say in the numbers."""

PLUGINS = "emiss"
"""Group of the entry points by which other packages extend emiss."""


@cache
def programs() -> str:
    """Return a hash of the code that makes results of tables; `code_version` is of that which makes the tables."""
    import emiss.job
    import emiss.selection

    paths = [path for package in (emiss.job, emiss.selection) for path in Path(package.__path__[0]).rglob("*.py")]
    return text_hash("".join(f"{path.name}\0{path.read_text(encoding='utf-8')}" for path in sorted(paths)))


@cache
def _identity() -> tuple[tuple[str, str], ...]:
    plugins = {
        f"plug-in {point.name}": "unknown" if point.dist is None else f"{point.dist.name} {point.dist.version}"
        for point in importlib.metadata.entry_points(group=PLUGINS)
    }
    found = {
        "emiss": f"{package_version()} (code {code_version()}-{programs()})",
        "python": ".".join(platform.python_version_tuple()[:2]),
        **{name: importlib.metadata.version(name) for name in VERSIONED},
        **plugins,
        **plug_ins.identity(),
    }
    return tuple(found.items())


def identity() -> dict[str, str]:
    """Return names and versions of what has a say in the numbers, as they are in this process."""
    return dict(_identity())


def differences(expected: dict[str, str], found: dict[str, str]) -> list[str]:
    """Return one line for each thing that is not as expected."""
    return [
        f"{name} {found.get(name, 'missing')}, and not {expected.get(name, 'none')}"
        for name in dict.fromkeys((*expected, *found))
        if expected.get(name) != found.get(name)
    ]
