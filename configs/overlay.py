"""A config that extends another one: what it says takes the place of what the other says, key by key at every depth.

Mappings are merged; a list or a single value takes the place of the whole. ``key: null`` takes a key out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emiss.configs import loader
from emiss.configs.document import Document, YamlPath
from emiss.configs.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from emiss.configs.errors import Location

EXTENDS = "extends"

DEEPEST = 8
"""Configs that may stand on each other."""


class Overlay(Document):
    """A document on top of another; places in messages are those of the file that says it."""

    layered = True

    def __init__(self, top: Document, base: Document) -> None:
        said = {key: value for key, value in top.data.items() if key != EXTENDS}
        super().__init__(top.text, top.name, _merged(base.data, said), top._spans)  # noqa: SLF001 - of the same class
        self._base = base
        self._top = said

    def locate(self, path: YamlPath = (), *, key: bool = False, offset: int = 0, length: int | None = None) -> Location:
        """Return the place of a node in the file that says it: the top one where it says as much of the path."""
        if _depth(self._base.data, path) > _depth(self._top, path):
            return self._base.locate(path, key=key, offset=offset, length=length)
        return super().locate(path, key=key, offset=offset, length=length)


def _merged(base: Any, said: Any) -> Any:
    """Return two values laid over each other."""
    if not (isinstance(base, dict) and isinstance(said, dict)):
        return said
    merged = {key: value for key, value in base.items() if key not in said or said[key] is not None}
    for key, value in said.items():
        if value is not None:
            merged[key] = _merged(merged.get(key), value)
        elif key not in base:  # not there to be taken out: let the schema say so
            merged[key] = None
    return merged


def _depth(data: Any, path: YamlPath) -> int:
    """Return how many parts of a path are nodes."""
    for number, part in enumerate(path):
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return number
    return len(path)


def load(kind: str, path: Path) -> tuple[Document, list[Path]]:
    """Read a config and those it extends (``extends: NAME`` or a path).

    Returns
    -------
    document : Document
    files : list of Path
        The files it is made of, the top one first.

    Raises
    ------
    UserError
        If one of them cannot be read or they extend each other in a circle.
    """
    top = loader.load(path)
    named = top.data.get(EXTENDS) if isinstance(top.data, dict) else None
    if named is None:
        return top, [path]
    chain = [top]
    files = [path]
    while isinstance(named, str):
        try:
            base = loader.find(kind, named, near=files[-1].parent)
        except UserError as error:
            raise chain[-1].error(error.message, (EXTENDS,), hint=error.hint) from None
        if base.resolve() in {file.resolve() for file in files} or len(files) >= DEEPEST:
            raise chain[-1].error(f"'{named}' is extended in a circle", (EXTENDS,))
        chain.append(loader.load(base))
        files.append(base)
        named = chain[-1].data.get(EXTENDS) if isinstance(chain[-1].data, dict) else None
    for document in chain:
        if not isinstance(document.data, dict) or not isinstance(document.data.get(EXTENDS, ""), str):
            raise document.error("a mapping of keys and values is needed here, and the name of a config to extend")
    merged = chain[-1]
    for document in reversed(chain[:-1]):
        merged = Overlay(document, merged)
    return merged, files
