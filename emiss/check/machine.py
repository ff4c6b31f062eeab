"""What emiss finds on a machine: versions, the folder of compiled code, plug-ins, disk and cores, each with what is wrong."""

from __future__ import annotations

import os
import platform
import shutil
from collections import Counter
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from emiss.events.language.syntax.functions import FUNCTIONS as OWN
from emiss.events.plug_ins import FUNCTIONS, STAGES, installed
from emiss.events.provenance import package_version

LIBRARIES = ("numpy", "numba", "awkward", "uproot", "pyarrow", "matplotlib", "vector")
LEAST_FREE = 2 * 10**9
"""Bytes below which a disk is soon full: a job with cells writes some GB."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `wrong` is empty where nothing is."""

    what: str
    found: str
    wrong: str = ""


def findings(folder: Path) -> list[Finding]:
    """Return what there is on this machine for outputs in a folder."""
    return [
        Finding("emiss", f"{package_version()} in {Path(__file__).parents[1]}"),
        Finding("python", f"{platform.python_version()} on {platform.platform(terse=True)}"),
        *_libraries(),
        _installations(),
        _compiled(),
        *_plug_ins(),
        Finding("cores", f"{_cores()} of {os.cpu_count() or 1}"),
        _disk(folder),
    ]


def _libraries() -> list[Finding]:
    found = []
    for name in LIBRARIES:
        try:
            found.append(Finding(name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            found.append(Finding(name, "not installed", "emiss cannot do without it: install emiss again"))
    return found


def _installations() -> Finding:
    """Return whether more than one distribution claims to be emiss."""
    names = Counter(metadata.packages_distributions().get("emiss", []))
    others = [name for name in names if name != "emiss"]
    wrong = f"{', '.join(others)} brings files called emiss, too: uninstall it" if others else ""
    return Finding("packages called emiss", ", ".join(names) or "none that pip knows", wrong)


def _compiled() -> Finding:
    """Return where machine code is kept."""
    from emiss.configs import compiled

    try:
        root = compiled.root()
    except OSError as error:
        hint = "set NUMBA_CACHE_DIR to a folder of your own, or every run compiles again"
        return Finding("compiled code", "kept nowhere", f"{error}; {hint}")
    size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    return Finding("compiled code", f"{root}, {size / 1e6:.0f} MB" + ("" if size else " ('emiss warm-up' fills it)"))


def _plug_ins() -> list[Finding]:
    found = []
    for group in (STAGES, FUNCTIONS):
        for name, one in installed(group).items():
            wrong = ""
            if one.several:
                wrong = "several packages give one of this name: uninstall all but one"
            elif group == FUNCTIONS and name in OWN:
                wrong = "emiss has a function of this name: rename it in the package"
            found.append(Finding(f"plug-in {name}", str(one), wrong))
    return found


def _cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _disk(folder: Path) -> Finding:
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    wrong = "" if free >= LEAST_FREE else "nearly full"
    if not os.access(place, os.W_OK):
        wrong = "cannot be written"
    return Finding(f"disk of {folder}", f"{free / 1e9:.1f} GB free", wrong)
