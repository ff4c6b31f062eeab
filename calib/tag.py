"""A tag of constants as a whole: its files, the hash that names what they hold, and snapshots, which never change.

The hash is that of ``sha256sum FILE... | sha256sum``, files in the order of their names, so that anybody can find it again.
A snapshot is a folder with copies of the files and ``SNAPSHOT.json``, which has the hash of each.
"""

from __future__ import annotations

import hashlib
import json
import re
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emiss.calib.register import REGISTER
from emiss.calib.sdc_maps import MAP
from emiss.calib.tables import read_content
from emiss.configs import loader
from emiss.configs.errors import Location, Problems, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MANIFEST = "SNAPSHOT.json"
SCHEMA = "emiss.snapshot/1"
SHORT = 12
"""Digits of a hash where it is shown."""

_HASH = re.compile(r"[0-9a-f]{8,64}")


@dataclass(frozen=True)
class Tag:
    """The files of a tag.

    Attributes
    ----------
    path : Path
        The folder, or the one file.
    contents : mapping of name to bytes
        In the order of the names.
    snapshot : bool
    """

    path: Path
    contents: Mapping[str, bytes]
    snapshot: bool = False

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self.path if self.path.is_dir() else self.path.parent

    @property
    def files(self) -> dict[str, str]:
        """The sha256 of each file."""
        return {name: hashlib.sha256(content).hexdigest() for name, content in self.contents.items()}

    @property
    def sha256(self) -> str:
        """The hash of the whole."""
        return whole(self.files)


def whole(files: Mapping[str, str]) -> str:
    """Return the hash of a tag from those of its files."""
    lines = "".join(f"{said}  {name}\n" for name, said in sorted(files.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def find(name: str | Path, *, near: Path | None = None) -> Path:
    """Return the folder or file of a tag: of a path, of a name that ships, or of the hash of a snapshot that is about.

    Raises
    ------
    UserError
        If there is no such tag, or a hash means several.
    """
    if not (isinstance(name, str) and _HASH.fullmatch(name)):
        return loader.find("calib", name, near=near)
    try:
        return loader.find("calib", name, near=near)
    except UserError:
        found: dict[str, Path] = {}
        for said, path in _about(near):
            if said.startswith(name):
                found.setdefault(said, path)
    if len(found) == 1:
        return next(iter(found.values()))
    if not found:
        raise UserError(f"no conditions '{name}', and no snapshot of this hash in this folder, those in it or in calib")
    raise UserError(
        f"the hash '{name}' means several: " + ", ".join(f"{path} ({said})" for said, path in found.items())
    )


def _about(near: Path | None) -> Iterator[tuple[str, Path]]:
    """Yield hash and folder of the snapshots about, and of the tags that ship."""
    for base in (near, Path()) if near is not None else (Path(),):
        for pattern in (MANIFEST, f"*/{MANIFEST}", f"calib/*/{MANIFEST}"):
            for path in sorted(base.glob(pattern)):
                with suppress(UserError):
                    yield str(_manifest(path)["sha256"]), path.parent
    for name in loader.shipped("calib"):
        path = loader.find("calib", name)
        with suppress(UserError):
            yield read(path).sha256, path


def read(path: Path, more: Mapping[str, bytes] | None = None) -> Tag:
    """Return the files of a tag; those of a snapshot are compared with what it was.

    Parameters
    ----------
    path : Path
    more : mapping, optional
        Files that are read already; without them those are taken that stand in the folder.

    Raises
    ------
    UserError
        If a file cannot be read, or is not as it was when the snapshot was taken.
    """
    if not path.is_dir():
        return Tag(path, {path.name: read_content(path)})
    problems = Problems()
    contents: dict[str, bytes] = dict(more or {})
    beside = [path / name for name in (REGISTER, MAP) if (path / name).is_file() and name not in contents]
    for file in sorted([*(path.glob("*.txt") if more is None else ()), *beside]):
        try:
            contents[file.name] = read_content(file)
        except UserError as error:
            problems.add(error)
    problems.check()
    tag = Tag(path, contents, (path / MANIFEST).exists())
    if tag.snapshot:
        _compare(tag, _manifest(path / MANIFEST))
    return tag


def _manifest(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(read_content(path))
        if data["schema"] != SCHEMA:
            raise UserError(f"the schema is {data['schema']!r}, not '{SCHEMA}'", at=Location(str(path)))
        said = {str(name): str(one) for name, one in data["files"].items()}
        if whole(said) != data["sha256"]:
            raise UserError("the snapshot's hash is not that of its files: it was changed", at=Location(str(path)))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UserError(
            "is no manifest of a snapshot", at=Location(str(path)), hint="take the snapshot again"
        ) from None
    return {"name": str(data.get("name", "")), "sha256": str(data["sha256"]), "files": said}


def _compare(tag: Tag, manifest: Mapping[str, Any]) -> None:
    """Refuse a snapshot whose files are not those that it was taken of."""
    problems, found = Problems(), tag.files
    hint = f"snapshot {manifest['sha256'][:SHORT]}: copy its files to a folder of your own to change them"
    for name, said in manifest["files"].items():
        at = Location(str(tag.path / name))
        if name not in found:
            problems.add(UserError("this file of the snapshot is not there", at=at, hint=hint))
        elif found[name] != said:
            problems.add(UserError("is not as it was when the snapshot was taken", at=at, hint=hint))
    for name in found:
        if name not in manifest["files"]:
            problems.add(
                UserError("is no part of the snapshot that it stands in", at=Location(str(tag.path / name)), hint=hint)
            )
    problems.check()


def take(tag: Tag, out: Path) -> Tag:
    """Write a snapshot of a tag to a new folder: its files, which nobody may write, and the manifest last.

    Parameters
    ----------
    tag : Tag
    out : Path

    Raises
    ------
    UserError
        If the folder is there and holds anything else than this snapshot, or cannot be written.
    """
    kept = Tag(out, tag.contents, snapshot=True)
    if (out / MANIFEST).is_file() and _manifest(out / MANIFEST)["files"] == kept.files:
        there = {name: read_content(out / name) for name in kept.contents if (out / name).is_file()}
        _compare(Tag(out, there, snapshot=True), {"sha256": kept.sha256, "files": kept.files})
        return kept
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise UserError("is there already: a snapshot is never changed", at=Location(str(out)))
        out.mkdir(parents=True, exist_ok=True)
        manifest = {"schema": SCHEMA, "name": out.name, "sha256": kept.sha256, "files": kept.files}
        written = {**kept.contents, MANIFEST: (json.dumps(manifest, indent=1) + "\n").encode()}
        for name, content in written.items():
            path = out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            path.chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
    except OSError as error:
        raise UserError(error.strerror or "cannot be written", at=Location(str(error.filename or out))) from None
    return kept
