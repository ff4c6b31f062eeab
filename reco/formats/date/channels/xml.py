"""Channel map files as trees of elements whose text lines know their place in the file.

Only plain XML is read: no document type, no entities but the five of XML, sizes and nesting limited.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - a dataclass
from dataclasses import dataclass, field
from pathlib import Path  # noqa: TC003 - a dataclass
from xml.parsers import expat

from emiss.configs.errors import Location, UserError
from emiss.configs.files import check_regular

MAX_BYTES = 1_000_000
"""The library refuses larger files, too."""
MAX_DEPTH = 20


@dataclass(frozen=True)
class Line:
    """One line of an element's text that is not blank."""

    text: str
    place: Location


@dataclass(frozen=True)
class Element:
    """An element: attributes, children, and its own text by lines (comments left out)."""

    name: str
    place: Location
    attributes: Mapping[str, str]
    children: list[Element] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)


class _Builder:
    """Handlers of the XML parser."""

    def __init__(self, path: Path, text: bytes) -> None:
        self.path = path
        self.source = text.decode("utf-8", errors="replace").split("\n")
        self.root: Element | None = None
        self._open: list[Element] = []
        self._text: list[dict[int, str]] = []
        # no expansion of anything a file defines itself
        self.parser = expat.ParserCreate(encoding="utf-8")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = self._doctype

    def place(self, line: int, column: int = 0) -> Location:
        """Return a place of this file, with the text of the line where a column is known."""
        text = self.source[line - 1].rstrip("\r") if column and line <= len(self.source) else ""
        return Location(str(self.path), line, column, text=text)

    def here(self) -> Location:
        """Return where the parser stands."""
        return self.place(self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1)

    def _doctype(self, *_: object) -> None:
        raise UserError("a document type is refused", at=self.here(), hint="map files are plain XML")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise UserError(f"nested deeper than {MAX_DEPTH} levels", at=self.here())
        element = Element(name, self.here(), attributes)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)
        self._text.append({})

    def _end(self, _name: str) -> None:
        element = self._open.pop()
        for number, text in self._text.pop().items():
            if text.strip():
                column = len(text) - len(text.lstrip()) + 1
                whole = self.place(number, column)
                element.lines.append(Line(text.strip(), whole))

    def _characters(self, data: str) -> None:
        text = self._text[-1]
        number = self.parser.CurrentLineNumber
        for offset, part in enumerate(data.split("\n")):
            text[number + offset] = text.get(number + offset, "") + part


def read_elements(path: Path) -> list[Element]:
    """Return the direct children of a map file's root; a child that is itself a ``Map`` is left out.

    Raises
    ------
    UserError
        If the file cannot be read, is too large or is not XML; with line and column.
    """
    check_regular(path)
    try:
        if path.stat().st_size >= MAX_BYTES:
            raise UserError(f"a map file of {MAX_BYTES} bytes or more is refused", at=Location(str(path)))
        text = path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", at=Location(str(path))) from None
    builder = _Builder(path, text)
    try:
        builder.parser.Parse(text, True)
    except expat.ExpatError as error:
        place = builder.place(error.lineno, error.offset + 1)
        raise UserError(f"XML: {expat.errors.messages[error.code]}", at=place) from None
    if builder.root is None:
        raise UserError("XML: no element found", at=Location(str(path)))
    return [element for element in builder.root.children if element.name != "Map"]
