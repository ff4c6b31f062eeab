"""First files of a user, from templates: named, with the schema that editors use, and never over one that is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from emiss.configs.errors import Location, UserError
from emiss.events.files.atomic import write_text
from emiss.new.json_schemas import shipped

if TYPE_CHECKING:
    from collections.abc import Sequence

TEMPLATES = Path(__file__).parent / "templates"
SUFFIXES = (".yaml", ".yml")


def write(kind: str, path: Path, files: Sequence[Path] = ()) -> Path:
    """Write the first file of a kind; return where it is.

    Parameters
    ----------
    kind : str
        ``analysis``, ``map`` or ``runs``.
    path : Path
        Its name says how it is called; ``.yaml`` is added where it has no suffix.
    files : sequence of Path
        Of a run list: the run files, one sample each.

    Raises
    ------
    UserError
        If there is a file already, or it cannot be called so.
    """
    path = path if path.suffix else path.with_suffix(".yaml")
    if path.suffix not in SUFFIXES:
        raise UserError("a YAML file ends in .yaml", at=Location(str(path)))
    if path.exists():
        raise UserError("is there already", at=Location(str(path)), hint="take another name, or move it away")
    if not re.fullmatch(r"\w[\w.-]*", path.stem):
        raise UserError(f"'{path.stem}' is no name of letters, digits, '_', '.' and '-'", at=Location(str(path)))
    text = (TEMPLATES / f"{kind}.yaml").read_text(encoding="utf-8")
    text = text.replace("NAME", path.stem).replace("FILES\n", _samples(files, path.absolute().parent))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, f"{line(kind)}\n{text}")
    return path


def line(kind: str) -> str:
    """Return the line that names the schema of a kind of file to editors."""
    return f"# yaml-language-server: $schema={shipped(kind).as_uri()}"


def _samples(files: Sequence[Path], near: Path) -> str:
    """Return the samples of a run list, one per file; without files the one that ships."""
    if not files:
        example = shipped("runs").parents[2] / "samples" / "data" / "signal.dat"
        return f"  signal: {{role: signal, files: ['{example}'], on_target: 1.04458e14}}\n"
    lines = []
    for number, file in enumerate(files):
        name = re.sub(r"\W+", "_", file.stem) or f"sample_{number}"
        place = file.absolute()
        shown = place.relative_to(near) if place.is_relative_to(near) else place
        lines.append(f"  {name}: {{role: data, files: ['{shown}']}}\n")
    return "".join(dict.fromkeys(lines))
