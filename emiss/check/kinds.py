"""What a path is that somebody wants to be checked: a run file, a table, a folder, or one of the YAML files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - part of a dataclass
from typing import TYPE_CHECKING

from emiss.configs import loader
from emiss.configs.errors import Location, UserError, did_you_mean, suggest
from emiss.events.files.base import SUFFIXES
from emiss.events.files.open import file_and_tree
from emiss.events.location import is_remote
from emiss.selection.analysis.schema import AnalysisModel

if TYPE_CHECKING:
    from emiss.configs.document import Document

PARTS = frozenset(AnalysisModel.model_fields) - {"extends", "description", "made_with"}
"""Keys that only an analysis has."""

NAMING = {"search": "search", "budget": "budget", "programme": "periods", "figure": "figure", "monitor": "monitor"}
"""Keys that alone say what a file is."""

_YAML = (".yaml", ".yml")


@dataclass(frozen=True)
class Given:
    """A path with what it is; `document` is that of a YAML file."""

    path: Path
    kind: str
    document: Document | None = None

    @property
    def names_analysis(self) -> bool:
        """Whether it is a YAML file that gives an analysis its name."""
        return self.document is not None and "analysis" in self.document.data


NAMED = ("analyses", "detectors", "runs", "readers", "samples", "searches", "backgrounds", "periods", "monitors")
"""Kinds of configs that may be given by the name that they ship under, in the order in which a name is looked for."""


def recognise(path: Path) -> Given:
    """Return what a path is, or a name of what ships; a YAML file by its keys.

    Raises
    ------
    UserError
        If there is no such file, or a YAML file is none of ours.
    """
    path = _shipped(path) or path
    if path.suffix in _YAML:
        document = loader.load(path)
        return Given(path, _kind(document), document)
    if path.is_dir():
        if (path / "detector.yaml").is_file():
            return Given(path / "detector.yaml", "detector", loader.load(path / "detector.yaml"))
        tables = any(p.suffix in SUFFIXES for p in path.rglob("*"))
        return Given(path, "folder" if tables else "conditions")
    if path.suffix == ".txt":
        return Given(path, "conditions")
    file = file_and_tree(path)[0]
    if not is_remote(path) and not file.is_file():  # a server says itself what is wrong
        names = [name for kind in NAMED for name in loader.shipped(kind)]
        raise UserError(
            "no such file",
            at=Location(str(path)),
            hint=did_you_mean(path.name, names) if suggest(path.name, names) else None,
        )
    return Given(path, "stored" if magic(file) in (b"root", b"PAR1") else "run")


def _shipped(path: Path) -> Path | None:
    """Return the file of a bare name, if nothing here is called so and something that ships is."""
    if path.suffix or len(path.parts) != 1 or path.exists():
        return None
    kind = next((kind for kind in NAMED if path.name in loader.shipped(kind)), None)
    return None if kind is None else loader.find(kind, path.name)


def magic(path: Path) -> bytes:
    """Return the first four bytes of a file."""
    with path.open("rb") as file:
        return file.read(4)


def _kind(document: Document) -> str:
    """Recognise what a YAML file is by its keys."""
    keys = set(document.data) if isinstance(document.data, dict) else set()
    if "samples" in keys:
        return "runlist"
    if "format" in keys:
        return "conditions"
    if keys == {"kinds"}:
        return "register"
    if "reader" in keys:
        return "map"
    for key, kind in NAMING.items():
        if key in keys:
            return kind
    if "process" in keys:
        return "sample"
    if keys & PARTS:
        return "analysis"
    if "extends" in keys:
        return "analysis" if _extends_analysis(document) else "detector"
    if {"parts", "digitisers"} & keys:
        return "detector"
    raise document.error(
        "neither a run list, an analysis, a detector, a map, a sample nor rules of a monitor",
        hint="they have the keys 'samples', 'cuts', 'parts', 'reader', 'process' and 'monitor'",
    )


def _extends_analysis(document: Document) -> bool:
    try:
        loader.find("analyses", str(document.data["extends"]), near=document.path.parent)
    except UserError:
        return False
    return True
