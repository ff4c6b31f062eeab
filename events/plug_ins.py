"""Plug-ins: what other packages add to emiss through entry points, and which code that is.

A package names its stages of the reconstruction in the group `STAGES`, its functions of the language in `FUNCTIONS`, its models
of new particles in `PROCESSES`. Nothing is imported before it is asked for by its name.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emiss.configs.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

STAGES = "emiss.stages"
FUNCTIONS = "emiss.functions"
PROCESSES = "emiss.processes"

_CALLED = {STAGES: "stage", FUNCTIONS: "function", PROCESSES: "model"}


@dataclass(frozen=True)
class PlugIn:
    """One thing that a package adds.

    Attributes
    ----------
    group, name : str
    value : str
        Where it is: ``package.module:object``.
    package : str
        The distribution with its version; "unknown" where nothing tells it.
    several : bool
        Whether more than one package gives something of this name.
    """

    group: str
    name: str
    value: str
    package: str
    several: bool = False

    def __str__(self) -> str:
        return f"{_CALLED[self.group]} '{self.name}' of {self.package}"

    @cached_property
    def code(self) -> str:
        """The first digits of the sha256 of the sources of the package (or module) that it stands in."""
        return _code(self.value.partition(":")[0].partition(".")[0])

    @property
    def identity(self) -> str:
        """Package, version and code."""
        return f"{self.package} (code {self.code})"

    def load(self) -> Any:
        """Return the object.

        Raises
        ------
        UserError
            If its module cannot be imported, or has no such object; if two packages give it.
        """
        if self.several:
            raise UserError(f"the {self} is given by another package, too", hint="uninstall one of them")
        try:
            return importlib.metadata.EntryPoint(self.name, self.value, self.group).load()
        except Exception as error:
            raise self.failed("cannot be loaded", error) from error

    def failed(self, what: str, error: BaseException) -> UserError:
        """Return an error of the plug-in as a mistake that names it."""
        return UserError(f"the {self} {what}: {type(error).__name__}: {error}", hint=f"it is {self.value}")


@cache
def _code(module: str) -> str:
    spec = importlib.util.find_spec(module)
    if spec is None:
        return "unknown"
    folders = [Path(place) for place in spec.submodule_search_locations or ()]
    files = [(path.relative_to(folder), path) for folder in folders for path in sorted(folder.rglob("*.py"))]
    if not folders and spec.origin is not None and Path(spec.origin).is_file():
        files = [(Path(Path(spec.origin).name), Path(spec.origin))]
    digest = hashlib.sha256()
    for name, path in files:
        digest.update(name.as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


@cache
def installed(group: str) -> Mapping[str, PlugIn]:
    """Return the plug-ins of a group by name; nothing is imported."""
    found: dict[str, PlugIn] = {}
    points = {(p.name, p.value, _package(p)) for p in importlib.metadata.entry_points(group=group)}
    for name, value, package in sorted(points):
        found[name] = PlugIn(group, name, value, package, several=name in found)
    return found


def _package(point: importlib.metadata.EntryPoint) -> str:
    return "unknown" if point.dist is None else f"{point.dist.name} {point.dist.version}"


def listed(group: str) -> str:
    """Return the names of a group's plug-ins with their packages for a message; "" if there are none."""
    return ", ".join(f"{one.name} ({one.package})" for one in installed(group).values())


def identity() -> dict[str, str]:
    """Return package, version and code of all plug-ins that are installed, by what they are."""
    known = [one for group in _CALLED for one in installed(group).values()]
    return {f"plug-in {_CALLED[one.group]} {one.name}": one.identity for one in known}


def forget() -> None:
    """Look again which plug-ins are installed the next time that one asks."""
    installed.cache_clear()
    _code.cache_clear()
